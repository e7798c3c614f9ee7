/*
 * Is a live map what an object was built for? Neither kernel nor libbpf compares more than sizes, so both sides are
 * described in the same words (core/object.h) and compared: the object from its BTF, the map from the BTF that the
 * kernel keeps for it.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "check/check.h"
#include "engine/loading.h"
#include "util/cleanup.h"

static void free_btf(struct btf **btf)
{
	btf__free(*btf);
}

static const char *type_word(uint32_t type)
{
	const char *name = libbpf_bpf_map_type_str(type);
	return name ? name : "unknown";
}

static int put_layout(struct iov_ctx *ctx, const struct btf *btf, uint32_t type_id, const char *key, json_t *layout)
{
	json_t *json = NULL;
	int rc = type_id ? iov_check_layout(ctx, btf, type_id, &json) : IOV_OK;
	if (!rc && json && json_object_set_new(layout, key, json))
		rc = iov_oom(ctx);
	return rc;
}

static int put_layouts(struct iov_ctx *ctx, const struct btf *btf, uint32_t key, uint32_t value, json_t *layout)
{
	int rc = btf ? put_layout(ctx, btf, key, "key", layout) : IOV_OK;
	return rc || !btf ? rc : put_layout(ctx, btf, value, "value", layout);
}

/* What the maps inside a map of maps are: the release says it, and no kernel does. */
static int put_inner(struct iov_loading *loading, const char *name, json_t *layout)
{
	const struct iov_object_map *record = iov_object_find_map(loading->load->release->object, name);
	json_t *inner = record ? json_object_get(record->layout, "inner") : NULL;
	return inner && json_object_set(layout, "inner", inner) ? iov_oom(loading->ctx) : IOV_OK;
}

/* What the object expects. */
static int describe_expected(struct iov_loading *loading, const struct iov_loading_map *expected, json_t *layout,
			     struct iov_object_map *ret)
{
	const struct bpf_map *map = expected->map;
	*ret = (struct iov_object_map){.type = type_word(bpf_map__type(map)),
				       .key_size = bpf_map__key_size(map),
				       .value_size = bpf_map__value_size(map),
				       .max_entries = bpf_map__max_entries(map),
				       .flags = bpf_map__map_flags(map),
				       .layout = layout};
	int rc = put_layouts(loading->ctx, bpf_object__btf(loading->object), bpf_map__btf_key_type_id(map),
			     bpf_map__btf_value_type_id(map), layout);
	if (!rc)
		rc = put_inner(loading, expected->name, layout);
	return rc ? rc : iov_check_fingerprint(loading->ctx, ret);
}

static bool kernel_keeps_types(const struct bpf_map_info *info)
{
	return info->btf_id && info->btf_value_type_id;
}

/* The kernel makes device maps read-only for programs by itself. */
static uint32_t flags_of(const struct bpf_map_info *info)
{
	bool devices = info->type == BPF_MAP_TYPE_DEVMAP || info->type == BPF_MAP_TYPE_DEVMAP_HASH;
	return devices ? info->map_flags & ~(uint32_t)BPF_F_RDONLY_PROG : info->map_flags;
}

/* What the map is, as far as the kernel knows. */
static int describe_live(struct iov_ctx *ctx, const struct bpf_map_info *info, json_t *layout,
			 struct iov_object_map *ret)
{
	*ret = (struct iov_object_map){.type = type_word(info->type),
				       .key_size = info->key_size,
				       .value_size = info->value_size,
				       .max_entries = info->max_entries,
				       .flags = flags_of(info),
				       .layout = layout};
	if (!kernel_keeps_types(info))
		return IOV_OK;
	iov_auto(free_btf) struct btf *btf = btf__load_from_kernel_by_id(info->btf_id);
	if (!btf)
		return iov_error_errno(ctx, errno, "cannot read the types that the kernel keeps for map '%s'",
				       info->name);
	return put_layouts(ctx, btf, info->btf_key_type_id, info->btf_value_type_id, layout);
}

/* The kernel has no types for this map: those of the provider's record stand in, if the rest of the record is true. */
static int take_record(struct iov_ctx *ctx, const struct iov_contract *contract, struct iov_object_map *live)
{
	const struct iov_object_map *record = contract->record;
	if (!record || !json_object_size(record->layout))
		return IOV_OK;
	if (strcmp(record->type, live->type) != 0 || record->key_size != live->key_size ||
	    record->value_size != live->value_size || record->flags != live->flags)
		return iov_error(ctx, IOV_E_CONTRACT,
				 "map '%s' of %s is a %s with keys of %u and values of %u bytes and flags 0x%x in the "
				 "kernel, but its release says %s, %u, %u "
				 "and 0x%x; load %s again",
				 contract->expected->name, contract->provider, live->type, live->key_size,
				 live->value_size, live->flags, record->type, record->key_size, record->value_size,
				 record->flags, contract->provider);
	return json_object_update(live->layout, record->layout) ? iov_oom(ctx) : IOV_OK;
}

/* libbpf and the kernel drop the types of some maps of the object too: only what both sides know is compared. */
static int drop_unknown(struct iov_ctx *ctx, struct iov_object_map *live, struct iov_object_map *expected)
{
	if (json_object_size(live->layout))
		return IOV_OK;
	json_object_clear(expected->layout);
	return iov_check_fingerprint(ctx, expected);
}

static bool same_shape(const struct iov_object_map *a, const struct iov_object_map *b)
{
	return !strcmp(a->type, b->type) && a->key_size == b->key_size && a->value_size == b->value_size &&
	       a->flags == b->flags;
}

static void put_shape(struct iov_buf *text, const char *title, const struct iov_object_map *map)
{
	iov_buf_printf(text, "\n  %s: %s, key %u bytes, value %u bytes, flags 0x%x", title, map->type, map->key_size,
		       map->value_size, map->flags);
}

static int broken(struct iov_ctx *ctx, const struct iov_contract *contract, const struct iov_object_map *live,
		  const struct iov_object_map *expected)
{
	iov_auto(iov_buf_release) struct iov_buf changes = {0};
	iov_auto(iov_buf_release) struct iov_buf details = {0};
	iov_auto(iov_free_ptr) char *layouts =
		iov_layout_compare_text(contract->provider, live->layout, contract->reader, expected->layout);
	iov_object_map_changes(expected, live, &changes);
	if (!same_shape(live, expected)) {
		put_shape(&details, contract->provider, live);
		put_shape(&details, contract->reader, expected);
	}
	if (layouts && json_object_size(live->layout))
		iov_buf_printf(&details, "\n%.*s", (int)(strlen(layouts) - (*layouts ? 1 : 0)),
			       layouts); /* less its last newline */
	if (!layouts || iov_buf_failed(&details) || iov_buf_failed(&changes))
		return iov_oom(ctx);
	return iov_error(ctx, IOV_E_CONTRACT, "map '%s' of %s is not what %s was built for%s%s; %s%s",
			 contract->expected->name, contract->provider, contract->reader, changes.len ? ": " : "",
			 changes.len ? changes.data : "", contract->remedy, details.data ? details.data : "");
}

int iov_contract_check(struct iov_loading *loading, const struct iov_contract *contract, int fd)
{
	struct iov_ctx *ctx = loading->ctx;
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	struct iov_object_map live, expected;
	iov_auto(iov_json_release) json_t *live_layout = json_object();
	iov_auto(iov_json_release) json_t *expected_layout = json_object();
	if (!live_layout || !expected_layout)
		return iov_oom(ctx);
	if (bpf_map_get_info_by_fd(fd, &info, &len))
		return iov_error_errno(ctx, errno, "cannot ask the kernel about map '%s'", contract->expected->name);
	int rc = describe_expected(loading, contract->expected, expected_layout, &expected);
	if (!rc)
		rc = describe_live(ctx, &info, live_layout, &live);
	if (!rc && !kernel_keeps_types(&info))
		rc = take_record(ctx, contract, &live);
	if (!rc)
		rc = drop_unknown(ctx, &live, &expected);
	if (!rc)
		rc = iov_check_fingerprint(ctx, &live);
	if (rc)
		return rc;
	return iov_object_map_serves(&live, &expected, contract->read_only) ? IOV_OK
									    : broken(ctx, contract, &live, &expected);
}
