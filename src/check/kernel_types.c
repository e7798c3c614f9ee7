#include <bpf/btf.h>
#include <string.h>
#include <sys/stat.h>

#include "check/kernel.h"
#include "util/cleanup.h"

#define MODULES_MAX 1024 /* with types; a host has some hundred */

/* Names come from facts, which anybody may have written. */
static bool is_module_name(const json_t *name)
{
	const char *text = json_string_value(name);
	return text && *text && *text != '.' && !strchr(text, '/');
}

static struct btf *read_module(const struct iov_kernel *kernel, char *(*path_of)(const void *data, const char *module),
			       const void *data, const json_t *name)
{
	iov_auto(iov_free_ptr) char *path = is_module_name(name) ? path_of(data, json_string_value(name)) : NULL;
	struct stat st;
	if (!path || stat(path, &st) || !S_ISREG(st.st_mode) || st.st_size > IOV_KERNEL_BTF_MAX)
		return NULL;
	return btf__parse_split(path, kernel->btf);
}

int iov_kernel_read_modules(struct iov_ctx *ctx, struct iov_kernel *kernel,
			    char *(*path_of)(const void *data, const char *module), const void *data)
{
	const json_t *names = json_object_get(kernel->facts, "modules");
	size_t i, count = json_array_size(names);
	json_t *name;
	kernel->has_all_modules = names && count <= MODULES_MAX;
	if (!kernel->has_all_modules || !count)
		return IOV_OK;
	kernel->modules = calloc(count, sizeof(*kernel->modules));
	if (!kernel->modules)
		return iov_oom(ctx);
	json_array_foreach(names, i, name) {
		struct btf *module = read_module(kernel, path_of, data, name);
		kernel->has_all_modules &= module != NULL;
		if (module)
			kernel->modules[kernel->n_modules++] = module;
	}
	return IOV_OK;
}

bool iov_kernel_is_all(const struct iov_kernel *kernel)
{
	const json_t *names = json_object_get(kernel->facts, "modules");
	return names && (!json_array_size(names) || kernel->has_all_modules);
}

/* Among the types of the module itself. */
static uint32_t find_own(const struct btf *module, const char *name, uint32_t kind)
{
	for (uint32_t id = btf__type_cnt(btf__base_btf(module)); id < btf__type_cnt(module); id++) {
		const struct btf_type *type = btf__type_by_id(module, id);
		if (btf_kind(type) == kind && !strcmp(btf__name_by_offset(module, type->name_off), name))
			return id;
	}
	return 0;
}

uint32_t iov_kernel_find(const struct iov_kernel *kernel, const char *name, uint32_t kind, const struct btf **ret_btf)
{
	int id = btf__find_by_name_kind(kernel->btf, name, kind);
	uint32_t found = id > 0 ? (uint32_t)id : 0;
	const struct btf *btf = kernel->btf;
	for (size_t i = 0; !found && i < kernel->n_modules; i++) {
		btf = kernel->modules[i];
		found = find_own(btf, name, kind);
	}
	if (found && ret_btf)
		*ret_btf = btf;
	return found;
}
