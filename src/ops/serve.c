/* registry serve: the helper program iovpkg-serve, which links the web server, for as long as the caller wants. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "registry/admin.h"
#include "registry/host.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define CHILD 3	       /* its end of the socket pair */
#define START_MS 10000 /* until it must listen */
#define WORDS_MAX 4096 /* bytes of what it says */

struct server {
	pid_t pid;
	int fd;
};

/* It ends when our end of the socket pair is closed. */
static void server_release(struct server *server)
{
	if (server->fd >= 0)
		close(server->fd);
	if (server->pid > 0)
		waitpid(server->pid, NULL, 0);
}

/* Where the worker is, the server is too. */
static char *program(const struct iov_ctx *ctx)
{
	const char *slash = strrchr(ctx->worker, '/');
	char *path = NULL;
	int folder = slash ? (int)(slash - ctx->worker) : 1;
	return asprintf(&path, "%.*s/iovpkg-serve", folder, slash ? ctx->worker : ".") < 0 ? NULL : path;
}

/* "127.0.0.1:8080", "[::1]:8080"; the port alone stands for this host alone. */
static int split(struct iov_ctx *ctx, const char *listen, char **ret_address, char **ret_port)
{
	const char *colon = strrchr(listen, ':'), *port = colon ? colon + 1 : listen;
	size_t len = colon ? (size_t)(colon - listen) : 0;
	bool bracketed = len > 2 && listen[0] == '[' && listen[len - 1] == ']';
	if (!*port || strspn(port, "0123456789") != strlen(port) || strlen(port) > 5 || atoi(port) > 65535)
		return iov_error(ctx, IOV_E_USAGE,
				 "'%s' is no address and port; write '127.0.0.1:8080' or '[::1]:8080'", listen);
	*ret_address = !len ? strdup("127.0.0.1") : bracketed ? strndup(listen + 1, len - 2) : strndup(listen, len);
	*ret_port = strdup(port);
	return *ret_address && *ret_port ? IOV_OK : iov_oom(ctx);
}

static int spawn(struct iov_ctx *ctx, char *const *argv, int theirs, pid_t *ret)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
	char *const environment[] = {path, locale, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	/* A Ctrl-C is for us; we close its end then. */
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
	int err = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
	err = err ? err : posix_spawn_file_actions_adddup2(&actions, 0, 1);
	err = err ? err : posix_spawn_file_actions_adddup2(&actions, theirs, CHILD);
	err = err ? err : posix_spawn(ret, argv[0], &actions, &attributes, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	if (err == ENOENT)
		return iov_error(ctx, IOV_E_NOT_FOUND, "there is no '%s'; install the whole of iovpkg", argv[0]);
	return err ? iov_error_errno(ctx, err, "cannot start '%s'", argv[0]) : IOV_OK;
}

static int start(struct iov_ctx *ctx, const char *repo, const char *listen, struct server *ret)
{
	int pair[2];
	iov_auto(iov_free_ptr) char *path = program(ctx);
	iov_auto(iov_free_ptr) char *address = NULL;
	iov_auto(iov_free_ptr) char *port = NULL;
	if (!path)
		return iov_oom(ctx);
	int rc = split(ctx, listen, &address, &port);
	if (rc)
		return rc;
	char *const argv[] = {path, (char *)repo, address, port, NULL};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return iov_error_errno(ctx, errno, "cannot make a socket");
	rc = spawn(ctx, argv, pair[1], &ret->pid);
	close(pair[1]);
	ret->fd = pair[0];
	return rc;
}

/* One line, or what there is of it when the program ends. */
static int hear(struct iov_ctx *ctx, const struct server *server, struct iov_buf *ret)
{
	struct pollfd poll_fd = {.fd = server->fd, .events = POLLIN};
	iov_buf_add(ret, "", 0);
	while (ret->len < WORDS_MAX && !memchr(ret->data, '\n', ret->len)) {
		char words[512];
		if (poll(&poll_fd, 1, START_MS) <= 0)
			return iov_error(ctx, IOV_E_IO, "iovpkg-serve says nothing; try again");
		ssize_t got = read(server->fd, words, sizeof(words));
		if (got <= 0)
			break;
		iov_buf_add(ret, words, (size_t)got);
		if (iov_buf_failed(ret))
			return iov_oom(ctx);
	}
	if (ret->len && ret->data[ret->len - 1] == '\n')
		ret->data[--ret->len] = '\0';
	return IOV_OK;
}

static int begin(struct iov_ctx *ctx, const struct server *server, const char *listen)
{
	static const char failed[] = "error ";
	iov_auto(iov_buf_release) struct iov_buf words = {0};
	int rc = hear(ctx, server, &words);
	if (rc)
		return rc;
	if (!words.len || strspn(words.data, "0123456789") != words.len) {
		const char *why = words.data;
		if (!strncmp(why, failed, strlen(failed)))
			why += strlen(failed);
		return iov_error(ctx, IOV_E_IO, "cannot serve at '%s': %s", listen, *why ? why : "iovpkg-serve ended");
	}
	const char *colon = strrchr(listen, ':');
	iov_note(ctx, "serving; hosts add it with 'iovpkg registry add NAME sparse+http://%.*s:%s'",
		 colon ? (int)(colon - listen) : 9, colon ? listen : "127.0.0.1", words.data);
	return IOV_OK;
}

/* Until we are to stop, or it ends by itself. */
static int follow(struct iov_ctx *ctx, const struct server *server, int stop_fd)
{
	struct pollfd fds[] = {{.fd = server->fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};
	while (poll(fds, IOV_COUNT(fds), -1) < 0)
		if (errno != EINTR || iov_stop_asked(ctx))
			return IOV_OK;
	return fds[0].revents ? iov_error(ctx, IOV_E_IO, "iovpkg-serve ended; start it again") : IOV_OK;
}

int iov_registry_serve(struct iov_ctx *ctx, const char *path, const char *listen, int stop_fd)
{
	bool local;
	iov_auto(iov_free_ptr) char *repo = NULL;
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	iov_auto(server_release) struct server server = {.fd = -1};
	int rc = iov_registry_locate(ctx, path, &local, &repo);
	if (!rc && !local)
		rc = iov_error(ctx, IOV_E_USAGE, "'%s' is not on this host; serve it where its repository is", path);
	if (!rc)
		rc = iov_host_open(ctx, repo, &host);
	if (!rc)
		rc = start(ctx, repo, listen, &server);
	if (!rc)
		rc = begin(ctx, &server, listen);
	return rc ? rc : follow(ctx, &server, stop_fd);
}
