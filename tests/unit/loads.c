#include "loads.h"

#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>

#include "check/check.h"
#include "engine/pins.h"
#include "util/cleanup.h"

void load_init(struct iov_ctx *ctx, struct load *load, const char *module, const char *version, const char *object,
	       const char *tree)
{
	char yaml[512];
	*load = (struct load){0};
	snprintf(yaml, sizeof(yaml),
		 "schema: 1\nname: %s\nversion: %s\nsummary: for a test\nlicense: GPL-2.0-only\n"
		 "build:\n  sources: [a.bpf.c]\n",
		 module, version);
	snprintf(load->object, sizeof(load->object), "%s", live_object(object));
	snprintf(load->dir, sizeof(load->dir), "%s/%s", live_dir(ctx, tree), module);
	unit_ok(ctx, iov_manifest_parse_yaml(ctx, "iov.yaml", yaml, strlen(yaml), &load->release.manifest));
	unit_ok(ctx, iov_check_object(ctx, load->object, &load->release.object));
	load->params = json_object();
	load->load = (struct iov_engine_load){.instance = load->release.manifest->name,
					      .release = &load->release,
					      .object = load->object,
					      .params = load->params,
					      .dir = load->dir,
					      .imports = load->imports};
}

void load_release(struct load *load)
{
	for (size_t i = 0; i < LOADS_IMPORTS; i++)
		free(load->pins[i]);
	iov_manifest_free(load->release.manifest);
	iov_object_free(load->release.object);
	json_decref(load->params);
}

void load_import(struct load *load, const struct load *provider, const char *map, enum iov_access access)
{
	size_t at = load->load.n_imports++;
	ck_assert_uint_lt(at, LOADS_IMPORTS);
	load->pins[at] = iov_pins_path(provider->dir, "maps", map);
	load->imports[at] = (struct iov_engine_import){
		.map = map,
		.pin = load->pins[at],
		.provider = provider->release.manifest->name,
		.contract = iov_object_find_map(provider->release.object, map),
		.access = access,
	};
}

void load_replaces(struct load *load, const struct load *old)
{
	load->load.keep_dir = old->dir;
	load->load.keep = &old->release;
}

int load_map(const struct load *load, const char *map)
{
	iov_auto(iov_free_ptr) char *path = iov_pins_path(load->dir, "maps", map);
	return path ? bpf_obj_get(path) : -1;
}

uint32_t load_map_id(const struct load *load, const char *map)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	iov_auto(iov_close_fd) int fd = load_map(load, map);
	return fd >= 0 && !bpf_map_get_info_by_fd(fd, &info, &len) ? info.id : 0;
}
