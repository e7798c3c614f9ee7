/*
 * A load that keeps nothing, to know whether the kernel takes the programs: they are verified, with maps of their own
 * in place of those that they import, and where the kernel looks at a program again when it is attached, it is asked
 * about that too. Nothing is pinned, and none of the programs runs.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>

#include "engine/kernel.h"
#include "engine/loading.h"
#include "util/cleanup.h"

/* Interfaces and the like may come later; a function that the kernel lacks does not. */
static int look(struct iov_loading *loading, const struct iov_site *site)
{
	const struct iov_hook *hook = NULL;
	int rc = iov_hook_find(loading->ctx, site->section, &hook);
	return rc || !hook->of_kernel ? rc : hook->check(loading->ctx, site);
}

static int probe(struct iov_loading *loading, const struct iov_site *site)
{
	const struct iov_hook *hook = NULL;
	struct bpf_program *program = bpf_object__find_program_by_name(loading->object, site->program);
	int rc = iov_hook_find(loading->ctx, site->section, &hook);
	if (rc || !program || !hook->of_kernel || !hook->style->probe)
		return rc;
	rc = hook->style->probe(loading->ctx, hook, site, bpf_program__fd(program));
	if (rc != IOV_E_IO)
		return rc;
	iov_auto(iov_free_ptr) char *text = strdup(iov_error_text(loading->ctx));
	return text ? iov_error(loading->ctx, IOV_E_UNSUPPORTED, "%s", text) : iov_oom(loading->ctx);
}

static int each(struct iov_loading *loading, const struct iov_site *sites, size_t n_sites,
		int (*ask)(struct iov_loading *loading, const struct iov_site *site))
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < n_sites; i++) {
		rc = ask(loading, &sites[i]);
		if (rc)
			loading->refused = sites[i].program;
	}
	return rc;
}

/* An importer need not say how big a map is that it never makes. */
static int give_sizes(struct iov_loading *loading)
{
	const struct iov_manifest *manifest = loading->load->release->manifest;
	for (size_t i = 0; i < manifest->n_imports; i++) {
		const struct iov_loading_map *map = iov_loading_find_map(loading, manifest->imports[i].map);
		const char *type = map ? libbpf_bpf_map_type_str(bpf_map__type(map->map)) : NULL;
		if (!type || strstr(type, "_storage") || bpf_map__max_entries(map->map))
			continue;
		if (bpf_map__set_max_entries(map->map, 1))
			return iov_oom(loading->ctx);
	}
	return IOV_OK;
}

static int try(struct iov_loading *loading, const struct iov_site *sites, size_t n_sites)
{
	int rc = each(loading, sites, n_sites, look);
	if (!rc)
		rc = iov_loading_open(loading);
	if (!rc)
		rc = give_sizes(loading);
	if (rc)
		return rc;
	iov_loading_make_small(loading);
	rc = iov_loading_load(loading);
	return rc ? rc : each(loading, sites, n_sites, probe);
}

int iov_kernel_rehearse(struct iov_ctx *ctx, const struct iov_engine_load *load, const struct iov_site *sites,
			size_t n_sites, const char **ret_program)
{
	iov_auto(iov_loading_release) struct iov_loading loading = {
		.ctx = ctx, .load = load, .btf = -1, .rehearsal = true};
	int rc = try(&loading, sites, n_sites);
	const struct iov_object_program *refused =
		rc && loading.refused ? iov_object_find_program(load->release->object, loading.refused) : NULL;
	if (refused)
		*ret_program = refused->name;
	return rc;
}
