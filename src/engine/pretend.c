#include "engine/pretend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fs.h"

#define PIN_MAX 65536	   /* bytes; a pin says a few numbers */
#define KERNEL_MAX 1048576 /* bytes; some thousand attachments */
#define FILTER_SECTION "tc/"
#define BESIDE_SECTION "beside/"

static int write_new(const char *path, const char *text)
{
	iov_auto(iov_close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : iov_fs_write_fd(fd, text, strlen(text));
}

char *iov_pretend_path(const char *dir, const char *kind, const char *name)
{
	iov_auto(iov_free_ptr) char *pin = iov_pin_name(name);
	char *path = NULL;
	return !pin || asprintf(&path, "%s/%s/%s", dir, kind, pin) < 0 ? NULL : path;
}

int iov_pretend_pin(struct iov_ctx *ctx, const char *path, const json_t *content)
{
	iov_auto(iov_free_ptr) char *text = iov_json_canonical(content);
	if (!text)
		return iov_oom(ctx);
	int rc = iov_fs_mkdirs_for(path, 0700);
	if (!rc)
		rc = write_new(path, text);
	return rc ? iov_error_errno(ctx, rc, "cannot pin '%s'", path) : IOV_OK;
}

int iov_pretend_share(struct iov_ctx *ctx, const char *from, const char *to)
{
	int rc = iov_fs_mkdirs_for(to, 0700);
	if (!rc && link(from, to))
		rc = -errno;
	return rc ? iov_error_errno(ctx, rc, "cannot pin '%s' as '%s'", from, to) : IOV_OK;
}

static uint32_t number(const json_t *object, const char *key)
{
	return (uint32_t)json_integer_value(json_object_get(object, key));
}

int iov_pretend_pinned_id(struct iov_ctx *ctx, const char *path, uint32_t *ret)
{
	iov_auto(iov_json_release) json_t *content = NULL;
	int rc = iov_fs_exists(path) ? iov_json_read(ctx, path, PIN_MAX, &content) : IOV_OK;
	if (!rc)
		*ret = content ? number(content, "id") : 0;
	return rc;
}

/* Calls `visit` for every entry of a folder; a missing folder has none. */
static int each_name(struct iov_ctx *ctx, const char *dir,
		     int (*visit)(struct iov_ctx *ctx, const char *path, json_t *ids), json_t *ids)
{
	char **names = NULL;
	size_t count = 0;
	int rc = iov_fs_names(dir, &names, &count);
	if (rc)
		return rc == -ENOENT || rc == -ENOTDIR ? IOV_OK : iov_error_errno(ctx, rc, "cannot list '%s'", dir);
	for (size_t i = 0; !rc && i < count; i++) {
		iov_auto(iov_free_ptr) char *path = NULL;
		rc = asprintf(&path, "%s/%s", dir, names[i]) < 0 ? iov_oom(ctx) : visit(ctx, path, ids);
	}
	iov_fs_names_free(names, count);
	return rc;
}

static int note_link(struct iov_ctx *ctx, const char *pin, json_t *ids)
{
	char key[16];
	uint32_t id = 0;
	int rc = iov_pretend_pinned_id(ctx, pin, &id);
	snprintf(key, sizeof(key), "%u", id);
	return rc ? rc : json_object_set_new(ids, key, json_true()) ? iov_oom(ctx) : IOV_OK;
}

static int note_instance(struct iov_ctx *ctx, const char *dir, json_t *ids)
{
	iov_auto(iov_free_ptr) char *links = NULL;
	return asprintf(&links, "%s/links", dir) < 0 ? iov_oom(ctx) : each_name(ctx, links, note_link, ids);
}

static int note_tree(struct iov_ctx *ctx, const char *dir, json_t *ids)
{
	return each_name(ctx, dir, note_instance, ids);
}

static bool is_alive(const json_t *attached, const json_t *ids)
{
	char key[16];
	snprintf(key, sizeof(key), "%u", number(attached, "id"));
	return !number(attached, "id") || json_object_get(ids, key);
}

static int end_unpinned(struct iov_ctx *ctx, json_t *kernel)
{
	iov_auto(iov_json_release) json_t *ids = json_object();
	iov_auto(iov_free_ptr) char *pins = iov_path(ctx, IOV_PINS);
	json_t *all = json_object_get(kernel, "attached");
	if (!ids || !pins)
		return iov_oom(ctx);
	int rc = each_name(ctx, pins, note_tree, ids);
	for (size_t i = json_array_size(all); !rc && i-- > 0;)
		if (!is_alive(json_array_get(all, i), ids))
			json_array_remove(all, i);
	return rc;
}

int iov_pretend_read(struct iov_ctx *ctx, json_t **ret)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_BPFFS "/kernel");
	int rc = IOV_OK;
	if (!path)
		return iov_oom(ctx);
	if (iov_fs_exists(path))
		rc = iov_json_read(ctx, path, KERNEL_MAX, &kernel);
	else if (!(kernel = json_pack("{s:[],s:i,s:{}}", "attached", "next", 1, "refused")))
		rc = iov_oom(ctx);
	if (!rc)
		rc = end_unpinned(ctx, kernel);
	if (!rc)
		*ret = iov_take(kernel);
	return rc;
}

int iov_pretend_write(struct iov_ctx *ctx, const json_t *kernel)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_BPFFS "/kernel");
	iov_auto(iov_free_ptr) char *fresh = iov_path(ctx, IOV_BPFFS "/kernel-new");
	iov_auto(iov_free_ptr) char *text = iov_json_canonical(kernel);
	if (!path || !fresh || !text)
		return iov_oom(ctx);
	unlink(fresh);
	int rc = iov_fs_mkdirs_for(path, 0700);
	if (!rc)
		rc = write_new(fresh, text);
	if (!rc && rename(fresh, path))
		rc = -errno;
	return rc ? iov_error_errno(ctx, rc, "cannot write the pretended kernel '%s'", path) : IOV_OK;
}

uint32_t iov_pretend_next(json_t *kernel)
{
	json_t *next = json_object_get(kernel, "next");
	json_int_t id = json_integer_value(next);
	json_integer_set(next, id + 1);
	return (uint32_t)id;
}

bool iov_pretend_is_filter(const struct iov_site *site)
{
	return !strncmp(site->section, FILTER_SECTION, strlen(FILTER_SECTION));
}

static bool has_text(const json_t *object, const char *key, const char *text)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value && !strcmp(value, text);
}

static bool is_filter_of(const json_t *attached, const struct iov_site *site)
{
	return has_text(attached, "instance", site->instance) && has_text(attached, "program", site->program) &&
	       has_text(attached, "section", site->section) && has_text(attached, "target", site->target);
}

json_t *iov_pretend_find(const json_t *kernel, const struct iov_site *site, uint32_t link)
{
	size_t i;
	json_t *attached;
	json_array_foreach(json_object_get(kernel, "attached"), i, attached) {
		if (link ? number(attached, "id") == link : !number(attached, "id") && is_filter_of(attached, site))
			return attached;
	}
	return NULL;
}

void iov_pretend_detach(json_t *kernel, const json_t *attached)
{
	json_t *all = json_object_get(kernel, "attached");
	for (size_t i = 0; i < json_array_size(all); i++) {
		if (json_array_get(all, i) != attached)
			continue;
		json_array_remove(all, i);
		return;
	}
}

int iov_pretend_attach(struct iov_ctx *ctx, json_t *kernel, const struct iov_site *site, uint32_t link,
		       uint32_t program)
{
	if (!link)
		iov_pretend_detach(kernel, iov_pretend_find(kernel, site, 0));
	json_t *attached = json_pack("{s:I,s:s,s:s,s:I,s:s,s:s}", "id", (json_int_t)link, "instance", site->instance,
				     "program", site->program, "program_id", (json_int_t)program, "section",
				     site->section, "target", site->target);
	return !attached || json_array_append_new(json_object_get(kernel, "attached"), attached) ? iov_oom(ctx)
												 : IOV_OK;
}

void iov_pretend_end_target(json_t *kernel, const char *target)
{
	json_t *all = json_object_get(kernel, "attached");
	for (size_t i = json_array_size(all); i-- > 0;)
		if (has_text(json_array_get(all, i), "target", target))
			json_array_remove(all, i);
}

bool iov_pretend_is_exclusive(const struct iov_site *site)
{
	return !strncmp(site->section, "xdp", 3);
}

bool iov_pretend_is_taken(const json_t *kernel, const struct iov_site *site)
{
	size_t i;
	json_t *attached;
	if (!iov_pretend_is_exclusive(site))
		return false;
	json_array_foreach(json_object_get(kernel, "attached"), i, attached) {
		const char *section = json_string_value(json_object_get(attached, "section"));
		if (section && !strncmp(section, "xdp", 3) && has_text(attached, "target", site->target))
			return true;
	}
	return false;
}

int iov_pretend_refusal(const json_t *kernel, const char *word)
{
	return (int)json_integer_value(json_object_get(json_object_get(kernel, "refused"), word));
}

enum iov_move iov_pretend_move(const struct iov_site *site)
{
	if (!strncmp(site->section, BESIDE_SECTION, strlen(BESIDE_SECTION)))
		return IOV_MOVE_TWICE;
	return iov_pretend_is_filter(site) ? IOV_MOVE_REPLACE : IOV_MOVE_STORE;
}

int iov_pretend_arm(struct iov_ctx *ctx, json_t *attached, uint64_t generation, uint32_t old_program,
		    uint32_t new_program)
{
	json_int_t even = generation & 1 ? old_program : new_program;
	json_int_t odd = generation & 1 ? new_program : old_program;
	return json_object_set_new(attached, "slots", json_pack("[I,I]", even, odd)) ? iov_oom(ctx) : IOV_OK;
}

uint32_t iov_pretend_program(const json_t *kernel, const json_t *attached)
{
	const json_t *slots = json_object_get(attached, "slots");
	if (!slots)
		return number(attached, "program_id");
	return (uint32_t)json_integer_value(json_array_get(slots, number(kernel, "index") & 1));
}

static enum iov_pinned_kind kind_of(const char *pin, const json_t *content)
{
	if (strstr(pin, "/links/"))
		return IOV_PINNED_LINK;
	return json_is_object(json_object_get(content, "maps")) ? IOV_PINNED_PROGRAM : IOV_PINNED_MAP;
}

static int take_maps(struct iov_ctx *ctx, const json_t *maps, struct iov_pinned *ret)
{
	const char *name;
	json_t *id;
	ret->maps = calloc(json_object_size(maps) + 1, sizeof(*ret->maps));
	if (!ret->maps)
		return iov_oom(ctx);
	json_object_foreach((json_t *)maps, name, id) {
		struct iov_used_map *map = &ret->maps[ret->n_maps++];
		map->id = (uint32_t)json_integer_value(id);
		snprintf(map->name, sizeof(map->name), "%s", name);
	}
	return IOV_OK;
}

int iov_pretend_inspect(struct iov_ctx *ctx, const char *pin, struct iov_pinned *ret)
{
	iov_auto(iov_json_release) json_t *content = NULL;
	*ret = (struct iov_pinned){0};
	if (!iov_fs_exists(pin))
		return IOV_OK;
	int rc = iov_json_read(ctx, pin, PIN_MAX, &content);
	if (rc)
		return rc;
	ret->kind = kind_of(pin, content);
	ret->id = number(content, "id");
	return ret->kind == IOV_PINNED_PROGRAM ? take_maps(ctx, json_object_get(content, "maps"), ret) : IOV_OK;
}
