#include "hooks/tracefs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "util/nearest.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define MOUNTED "/sys/kernel/tracing/events"

const char *iov_tracepoint_of(const struct iov_site *site)
{
	if (*site->target)
		return site->target;
	const char *slash = strchr(site->section, '/');
	return slash && slash[1] ? slash + 1 : NULL;
}

/* A mount outside every namespace's tree: gone when its descriptor and those below it are closed. */
static int own_mount(void)
{
	iov_auto(iov_close_fd) int fs = fsopen("tracefs", FSOPEN_CLOEXEC);
	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -1;
	return fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

int iov_tracefs_events(struct iov_ctx *ctx, int *ret_fd)
{
	int fd = open(MOUNTED, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		iov_auto(iov_close_fd) int mount = own_mount();
		fd = mount < 0 ? -1 : openat(mount, "events", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return iov_error_errno(
			ctx, errno,
			"cannot read the kernel's list of tracepoints; mount it with 'mount -t tracefs tracefs %s'",
			"/sys/kernel/tracing");
	*ret_fd = fd;
	return IOV_OK;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static DIR *list(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

#define PATH_SIZE (2 * NAME_MAX + 2)

/* The nearest so far, with a copy of its name, since readdir() gives names that do not last. */
struct suggestion {
	struct iov_nearest nearest;
	char name[PATH_SIZE];
};

static void offer(struct suggestion *suggestion, const char *name)
{
	iov_nearest_offer(&suggestion->nearest, name);
	if (suggestion->nearest.name != name)
		return;
	snprintf(suggestion->name, sizeof(suggestion->name), "%s", name);
	suggestion->nearest.name = suggestion->name;
}

static void offer_category(int events, const char *category, struct suggestion *suggestion)
{
	iov_auto(close_dir) DIR *dir = list(events, category);
	bool whole = strchr(suggestion->nearest.word, '/');
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		char path[PATH_SIZE];
		if (entry->d_name[0] == '.' || entry->d_type == DT_REG)
			continue;
		snprintf(path, sizeof(path), "%s/%s", category, entry->d_name);
		offer(suggestion, whole ? path : entry->d_name);
	}
}

static int not_found(struct iov_ctx *ctx, int events, const char *name)
{
	struct suggestion suggestion;
	iov_nearest_init(&suggestion.nearest, name, strlen(name));
	iov_auto(close_dir) DIR *dir = list(events, ".");
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (entry->d_name[0] != '.' && entry->d_type != DT_REG)
			offer_category(events, entry->d_name, &suggestion);
	if (suggestion.nearest.name)
		return iov_error(ctx, IOV_E_NOT_FOUND, "this kernel has no tracepoint '%s'; did you mean '%s'?", name,
				 suggestion.name);
	return iov_error(ctx, IOV_E_NOT_FOUND,
			 "this kernel has no tracepoint '%s'; 'bpftool perf' and %s list those it has", name,
			 "/sys/kernel/tracing/available_events");
}

/* Many are named after their category, sched_switch in sched; looking into all of them takes 0.2 ms. */
static char *guess(int events, const char *name)
{
	iov_auto(iov_free_ptr) char *path = NULL;
	if (asprintf(&path, "%.*s/%s", (int)strcspn(name, "_"), name, name) < 0)
		return NULL;
	return faccessat(events, path, F_OK, 0) ? NULL : iov_take(path);
}

/* A name without category: the one it suggests, else the first that has it. */
static char *search(int events, const char *name)
{
	char *guessed = guess(events, name);
	if (guessed)
		return guessed;
	iov_auto(close_dir) DIR *dir = list(events, ".");
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		iov_auto(iov_free_ptr) char *path = NULL;
		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&path, "%s/%s", entry->d_name, name) < 0)
			return NULL;
		if (!faccessat(events, path, F_OK, 0))
			return iov_take(path);
	}
	return NULL;
}

/* The name goes into a path. */
static bool is_sane(const char *name)
{
	const char *slash = strchr(name, '/');
	return *name && *name != '/' && !strstr(name, "..") && (!slash || (slash[1] && !strchr(slash + 1, '/'))) &&
	       strlen(name) <= NAME_MAX;
}

int iov_tracefs_find(struct iov_ctx *ctx, int events, const char *name, char **ret)
{
	if (!is_sane(name))
		return iov_error(ctx, IOV_E_INPUT,
				 "'%s' is no tracepoint; it is named by category and name, 'sched/sched_switch'", name);
	char *path =
		strchr(name, '/') ? (faccessat(events, name, F_OK, 0) ? NULL : strdup(name)) : search(events, name);
	if (!path)
		return not_found(ctx, events, name);
	*ret = path;
	return IOV_OK;
}

int iov_tracefs_id(struct iov_ctx *ctx, int events, const char *path, uint64_t *ret)
{
	char name[2 * NAME_MAX + 8], text[24] = "";
	snprintf(name, sizeof(name), "%s/id", path);
	iov_auto(iov_close_fd) int fd = openat(events, name, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (got < 0)
		return iov_error_errno(ctx, errno, "cannot read the id of tracepoint '%s'", path);
	*ret = strtoull(text, NULL, 10);
	return IOV_OK;
}
