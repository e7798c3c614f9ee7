#include "check/kernel.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "check/core_types.h"
#include "check/probe.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/libbpf.h"

#define KERNEL_NOTES "/sys/kernel/notes" /* with the build id */
#define KERNEL_BTFS "/sys/kernel/btf"
#define NOTES_MAX 65536 /* bytes */
#define SCHEMA 1

bool iov_kernel_build(char ret[IOV_HEX_SIZE])
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	struct utsname name;
	struct stat btf;
	if (uname(&name) || stat(KERNEL_BTFS "/vmlinux", &btf) || iov_fs_read(KERNEL_NOTES, NOTES_MAX, &text))
		return false;
	iov_buf_printf(&text, "%s|%s|%s|%lld", name.release, name.version, name.machine, (long long)btf.st_size);
	if (iov_buf_failed(&text))
		return false;
	iov_sha256_hex(text.data, text.len, ret);
	return true;
}

void iov_kernel_release(struct iov_kernel *kernel)
{
	free(kernel->name);
	iov_core_types_free(kernel->types);
	for (size_t i = 0; i < kernel->n_modules; i++)
		btf__free(kernel->modules[i]);
	free(kernel->modules);
	btf__free(kernel->btf);
	json_decref(kernel->facts);
	*kernel = (struct iov_kernel){0};
}

/* ---- the running kernel ---- */

/* Modules with BTF of their own: types that vmlinux lacks may be there. */
static json_t *modules(void)
{
	char **names = NULL;
	size_t count = 0;
	json_t *list = json_array();
	if (iov_fs_names(KERNEL_BTFS, &names, &count))
		return list;
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], "vmlinux") != 0)
			json_array_append_new(list, json_string(names[i]));
	iov_fs_names_free(names, count);
	return list;
}

static int probe(struct iov_ctx *ctx, json_t **ret)
{
	struct utsname name;
	struct stat btf = {0};
	if (uname(&name))
		return iov_error_errno(ctx, errno, "asking the kernel for its name");
	stat(KERNEL_BTFS "/vmlinux", &btf);
	iov_auto(iov_json_release) json_t *facts = json_pack(
		"{s:i, s:s, s:s, s:s, s:I, s:o}", "schema", SCHEMA, "release", name.release, "version", name.version,
		"machine", name.machine, "btf_size", (json_int_t)btf.st_size, "modules", modules());
	struct btf *types = btf__load_vmlinux_btf();
	int rc = facts ? iov_probe_kernel(ctx, types, NULL, facts) : iov_oom(ctx);
	btf__free(types);
	if (!rc)
		*ret = iov_take(facts);
	return rc;
}

/* NULL: what it takes is not kept. */
static char *cache_path(const struct iov_ctx *ctx)
{
	char build[IOV_HEX_SIZE];
	return iov_kernel_build(build) ? iov_path(ctx, IOV_CACHE "/facts/%.*s", IOV_KERNEL_BUILD_DIGITS, build) : NULL;
}

/* A cache that cannot be written is done without. */
static void keep(const char *path, const json_t *facts)
{
	iov_auto(iov_free_ptr) char *text = iov_json_canonical(facts);
	if (path && text && !iov_fs_mkdirs_for(path, 0755))
		iov_fs_replace(path, text, strlen(text), 0644);
}

static int check_facts(struct iov_ctx *ctx, const char *path, const json_t *facts)
{
	static const char *const lists[] = {"helpers", "maps", "modules", "no_maps", "no_programs", "programs"};
	uint64_t schema = 0;
	int rc = iov_json_get_uint(ctx, path, facts, "schema", &schema);
	if (!rc && schema != SCHEMA)
		rc = iov_error(ctx, IOV_E_INPUT,
			       "'%s' is of schema %llu, which this iovpkg does not know; run 'iovpkg "
			       "facts' of this version on the host",
			       path, (unsigned long long)schema);
	for (size_t i = 0; !rc && i < IOV_COUNT(lists); i++) {
		json_t *list = NULL;
		rc = iov_json_get_array(ctx, path, facts, lists[i], &list);
	}
	return rc;
}

static int read_facts(struct iov_ctx *ctx, const char *path, json_t **ret)
{
	iov_auto(iov_json_release) json_t *facts = NULL;
	int rc = iov_json_read(ctx, path, IOV_KERNEL_FACTS_MAX, &facts);
	if (!rc)
		rc = check_facts(ctx, path, facts);
	if (!rc)
		*ret = iov_take(facts);
	return rc;
}

/* Damaged is as good as absent. Modules come and go, so they are looked at again. */
static bool read_cache(struct iov_ctx *ctx, const char *path, json_t **ret)
{
	struct iov_saved_error saved = iov_error_save(ctx);
	bool good = path && iov_fs_exists(path) && !read_facts(ctx, path, ret);
	iov_error_restore(ctx, saved);
	if (good && !json_object_get(*ret, "config")) { /* an older iovpkg tried less */
		json_decref(*ret);
		good = false;
	}
	return good && !json_object_set_new(*ret, "modules", modules());
}

int iov_kernel_facts(struct iov_ctx *ctx, json_t **ret)
{
	iov_auto(iov_free_ptr) char *path = cache_path(ctx);
	if (read_cache(ctx, path, ret))
		return IOV_OK;
	int rc = probe(ctx, ret);
	if (!rc)
		keep(path, *ret);
	return rc;
}

int iov_kernel_types(struct iov_ctx *ctx, struct iov_kernel *ret)
{
	struct iov_kernel kernel = {0};
	struct utsname name;
	iov_libbpf_quiet();
	kernel.btf = btf__load_vmlinux_btf();
	if (!kernel.btf)
		return iov_error_errno(ctx, errno, "cannot read the types (BTF) of the running kernel");
	kernel.types = iov_core_types_new(kernel.btf);
	if (uname(&name) || !(kernel.name = strdup(name.release))) {
		iov_kernel_release(&kernel);
		return iov_oom(ctx);
	}
	*ret = kernel;
	return IOV_OK;
}

static char *path_in_sys(const void *data, const char *module)
{
	char *path = NULL;
	(void)data;
	return asprintf(&path, KERNEL_BTFS "/%s", module) < 0 ? NULL : path;
}

int iov_kernel_running(struct iov_ctx *ctx, struct iov_kernel *ret)
{
	json_t *facts = NULL;
	int rc = iov_kernel_facts(ctx, &facts);
	if (!rc)
		rc = iov_kernel_types(ctx, ret);
	if (rc) {
		json_decref(facts);
		return rc;
	}
	ret->facts = facts;
	rc = iov_kernel_read_modules(ctx, ret, path_in_sys, NULL);
	if (rc)
		iov_kernel_release(ret);
	return rc;
}

int iov_kernel_try(struct iov_ctx *ctx, const struct iov_object *object, struct iov_kernel *kernel)
{
	iov_auto(iov_json_release) json_t *facts = json_pack("{s:o}", "modules", modules());
	int rc = facts ? IOV_OK : iov_oom(ctx);
	if (!rc && iov_probe_is_allowed())
		rc = iov_probe_kernel(ctx, kernel->btf, object, facts);
	if (rc)
		return rc;
	json_decref(kernel->facts);
	kernel->facts = iov_take(facts);
	return IOV_OK;
}

bool iov_kernel_has_modules(void)
{
	iov_auto(iov_json_release) json_t *list = modules();
	return json_array_size(list) > 0;
}

/* ---- one out of files ---- */

static int read_btf(struct iov_ctx *ctx, const char *path, struct btf **ret)
{
	struct stat st;
	if (stat(path, &st))
		return iov_error_errno(ctx, errno, "cannot read the kernel's types (BTF) '%s'", path);
	if (st.st_size > IOV_KERNEL_BTF_MAX)
		return iov_error(ctx, IOV_E_INPUT, "'%s' has %lld bytes; the BTF of a kernel has at most %u", path,
				 (long long)st.st_size, IOV_KERNEL_BTF_MAX);
	iov_libbpf_quiet();
	*ret = btf__parse(path, NULL);
	if (*ret)
		return IOV_OK;
	return iov_error(ctx, IOV_E_INPUT,
			 "'%s' is not the BTF of a kernel; copy /sys/kernel/btf/vmlinux from a host that runs it",
			 path);
}

/* "dir/6.12.btf" -> "dir/6.12", owned; its last part is the name until the facts say a better one. */
static char *stem_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
	bool ending = dot && !strcmp(dot, ".btf");
	return strndup(path, ending ? (size_t)(dot - path) : strlen(path));
}

static int name_kernel(struct iov_ctx *ctx, const char *stem, struct iov_kernel *kernel)
{
	const char *release = json_string_value(json_object_get(kernel->facts, "release")), *slash = strrchr(stem, '/');
	kernel->name = strdup(release ? release : slash ? slash + 1 : stem);
	return kernel->name ? IOV_OK : iov_oom(ctx);
}

/* "dir/6.12.veth.btf" */
static char *path_beside(const void *data, const char *module)
{
	char *path = NULL;
	return asprintf(&path, "%s.%s.btf", (const char *)data, module) < 0 ? NULL : path;
}

int iov_kernel_open(struct iov_ctx *ctx, const char *path, struct iov_kernel *ret)
{
	struct iov_kernel kernel = {0};
	iov_auto(iov_free_ptr) char *stem = stem_of(path);
	iov_auto(iov_free_ptr) char *beside = NULL;
	if (!stem || asprintf(&beside, "%s.json", stem) < 0)
		return iov_oom(ctx);
	int rc = read_btf(ctx, path, &kernel.btf);
	if (!rc && iov_fs_exists(beside))
		rc = read_facts(ctx, beside, &kernel.facts);
	if (!rc)
		rc = name_kernel(ctx, stem, &kernel);
	if (!rc)
		rc = iov_kernel_read_modules(ctx, &kernel, path_beside, stem);
	if (!rc)
		kernel.types = iov_core_types_new(kernel.btf);
	if (rc)
		iov_kernel_release(&kernel);
	else
		*ret = kernel;
	return rc;
}
