#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/cleanup.h"
#include "worker/archive.h"

struct name {
	bool is_file; /* otherwise a folder above one */
	char path[];
};

static int without_case(const void *a, const void *b)
{
	return strcasecmp(((const struct name *)a)->path, ((const struct name *)b)->path);
}

void iov_archive_names_release(struct iov_archive_names *names)
{
	tdestroy(names->tree, free);
	names->tree = NULL;
}

/* What is wrong with one part of a path, which ends at a '/' or at the end. */
static const char *fault_of_part(const char *part)
{
	size_t len = strcspn(part, "/");
	if (len == 0)
		return "has an empty part";
	if (!strncmp(part, ".", len) || !strncmp(part, "..", len))
		return "has a part '.' or '..'";
	return NULL;
}

static const char *fault_of_path(const char *path)
{
	const char *fault = NULL;
	if (!*path)
		return "is empty";
	if (*path == '/')
		return "is absolute";
	if (strlen(path) > IOV_PATH_MAX)
		return "is too long";
	for (const char *part = path; part && !fault; part = strchr(part, '/'), part = part ? part + 1 : NULL)
		fault = fault_of_part(part);
	return fault;
}

static bool is_printable(const char *path)
{
	for (; *path; path++)
		if (*path < ' ' || *path > '~' || *path == '\\')
			return false;
	return true;
}

static int check_path(struct iov_ctx *ctx, const char *path)
{
	if (!path || !is_printable(path))
		return iov_error(ctx, IOV_E_UNTRUSTED, "the archive holds a file whose name is not printable ASCII");
	const char *fault = fault_of_path(path);
	if (fault)
		return iov_error(ctx, IOV_E_UNTRUSTED, "the archive holds the file '%.300s', whose name %s", path,
				 fault);
	return IOV_OK;
}

static int check_order(struct iov_ctx *ctx, const struct iov_archive_names *names, const char *path)
{
	int order = strcmp(names->last, path);
	if (order == 0)
		return iov_error(ctx, IOV_E_UNTRUSTED, "the archive holds the file '%s' twice", path);
	if (order > 0)
		return iov_error(ctx, IOV_E_UNTRUSTED, "the archive holds '%s' after '%s'; its files must be sorted",
				 path, names->last);
	return IOV_OK;
}

/* Two names that differ at all must differ without regard to case, and a file is no folder. */
static int check_pair(struct iov_ctx *ctx, const struct name *a, const struct name *b)
{
	if (strcmp(a->path, b->path) != 0)
		return iov_error(ctx, IOV_E_UNTRUSTED, "the archive holds '%s' and '%s', which differ in case only",
				 a->path, b->path);
	if (a->is_file || b->is_file)
		return iov_error(ctx, IOV_E_UNTRUSTED, "the archive holds '%s' as a file and as a folder", a->path);
	return IOV_OK;
}

static int add_name(struct iov_ctx *ctx, struct iov_archive_names *names, const char *path, size_t len, bool is_file)
{
	iov_auto(iov_free_ptr) struct name *name = calloc(1, sizeof(*name) + len + 1);
	if (!name)
		return iov_oom(ctx);
	name->is_file = is_file;
	memcpy(name->path, path, len);
	struct name **slot = tsearch(name, &names->tree, without_case);
	if (!slot)
		return iov_oom(ctx);
	if (*slot != name)
		return check_pair(ctx, *slot, name);
	name = NULL;
	return IOV_OK;
}

int iov_archive_names_add(struct iov_ctx *ctx, struct iov_archive_names *names, const char *path)
{
	int rc = check_path(ctx, path);
	rc = rc ? rc : check_order(ctx, names, path);
	if (rc)
		return rc;
	for (const char *slash = strchr(path, '/'); slash && !rc; slash = strchr(slash + 1, '/'))
		rc = add_name(ctx, names, path, (size_t)(slash - path), false);
	rc = rc ? rc : add_name(ctx, names, path, strlen(path), true);
	memcpy(names->last, path, strlen(path) + 1); /* check_path() has measured it */
	return rc;
}
