#include "core/hostfile.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/fs.h"

#define TEXT .kind = IOV_SCHEMA_TEXT
#define MAP .kind = IOV_SCHEMA_MAP

static int check_fingerprint(struct iov_ctx *ctx, const char *text)
{
	size_t len = strspn(text, "0123456789abcdef");
	if (len == 64 && !text[len])
		return IOV_OK;
	return iov_error(
		ctx, IOV_E_INPUT,
		"'%s' is not a fingerprint, which has 64 hexadecimal digits; 'iovpkg registry list --json' shows "
		"those of known registries",
		text);
}

static const struct iov_format fingerprint = {"^[0-9a-f]{64}$", check_fingerprint};

static const struct iov_schema registry_members[] = {
	{"url", TEXT, .required = true, .summary = "Where the registry is: a URL or an absolute path"},
	{"fingerprint", TEXT, .required = true, .format = &fingerprint,
	 .summary = "The SHA-256 of its root, as its host tells it"},
	{0},
};
static const struct iov_schema a_registry = {MAP, .members = registry_members,
					     .summary = "A registry to trust, by the name it has here"};
static const struct iov_schema a_requirement = {TEXT, .format = &iov_format_requirement,
						.summary = "The versions that will do, as in ^1.3 or '*'"};
static const struct iov_schema a_value = {
	.kind = IOV_SCHEMA_VALUE, .format = &iov_format_value, .summary = "The parameter's value"};
static const struct iov_schema a_provider = {TEXT, .format = &iov_format_name,
					     .summary = "The instance that the map comes from"};

static const struct iov_schema instance_members[] = {
	{"module", TEXT, .format = &iov_format_name,
	 .summary = "The module that it runs; without it, the one of the instance's name"},
	{"params", MAP, .format = &iov_format_param, .item = &a_value, .summary = "Parameters of the module"},
	{"imports", MAP, .format = &iov_format_map, .item = &a_provider,
	 .summary = "Imported maps that come from another instance than the one named as their module"},
	{0},
};
static const struct iov_schema an_instance = {MAP, .members = instance_members, .summary = "What runs, by its name"};

static const struct iov_schema members[] = {
	{"schema", .kind = IOV_SCHEMA_INTEGER, .required = true, .format = &iov_format_schema,
	 .summary = "The format of the host manifest: 1"},
	{"registries", MAP, .format = &iov_format_name, .item = &a_registry,
	 .summary = "Registries that the host trusts, besides those it knows already"},
	{"modules", MAP, .required = true, .format = &iov_format_name, .item = &a_requirement,
	 .summary = "Modules to have, and in which versions; what they need comes along"},
	{"instances", MAP, .format = &iov_format_name, .item = &an_instance,
	 .summary = "What runs; providers of shared maps come along"},
	{0},
};

const struct iov_schema iov_hostfile_schema = {MAP, .members = members, .summary = "What a host should run"};

static int read_text(struct iov_ctx *ctx, const char *path, struct iov_buf *ret)
{
	int err = iov_fs_read(path, IOV_HOSTFILE_MAX, ret);
	if (err == -ENOENT)
		return iov_error(ctx, IOV_E_NOT_FOUND, "there is no host manifest '%s'", path);
	if (err == -EFBIG)
		return iov_error(ctx, IOV_E_INPUT, "'%s' is larger than a host manifest may be, %u KiB", path,
				 IOV_HOSTFILE_MAX / 1024);
	return err ? iov_error_errno(ctx, err, "cannot read '%s'", path) : IOV_OK;
}

/* "host.yaml" has its lock in "host.lock.json". */
static char *lock_of(const char *path)
{
	static const char *const endings[] = {".yaml", ".yml"};
	size_t len = strlen(path);
	char *lock = NULL;
	for (size_t i = 0; i < IOV_COUNT(endings); i++) {
		size_t tail = strlen(endings[i]);
		if (len > tail && path[len - tail - 1] != '/' && !strcmp(path + len - tail, endings[i])) {
			len -= tail;
			break;
		}
	}
	return asprintf(&lock, "%.*s.lock.json", (int)len, path) < 0 ? NULL : lock;
}

static int fill(struct iov_ctx *ctx, const char *path, struct iov_hostfile *host)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_node_release) struct iov_node *tree = NULL;
	int rc = read_text(ctx, path, &text);
	if (!rc)
		rc = iov_node_parse_yaml(ctx, path, text.data ? text.data : "", text.len, IOV_HOSTFILE_MAX, &tree);
	if (!rc)
		rc = iov_schema_convert(ctx, path, &iov_hostfile_schema, tree, &host->json);
	if (rc)
		return rc;
	host->path = strdup(path);
	host->lock = lock_of(path);
	host->registries = json_object_get(host->json, "registries");
	host->modules = json_object_get(host->json, "modules");
	host->instances = json_object_get(host->json, "instances");
	return host->path && host->lock ? IOV_OK : iov_oom(ctx);
}

int iov_hostfile_read(struct iov_ctx *ctx, const char *path, struct iov_hostfile *ret)
{
	struct iov_hostfile host = {0};
	int rc = fill(ctx, path, &host);
	if (rc)
		iov_hostfile_release(&host);
	else
		*ret = host;
	return rc;
}

void iov_hostfile_release(struct iov_hostfile *host)
{
	free(host->path);
	free(host->lock);
	json_decref(host->json);
	*host = (struct iov_hostfile){0};
}

const char *iov_hostfile_module(const char *instance, const json_t *settings)
{
	const char *module = json_string_value(json_object_get(settings, "module"));
	return module ? module : instance;
}

json_t *iov_hostfile_json_schema(void)
{
	return iov_schema_describe(&iov_hostfile_schema, "host.yaml");
}
