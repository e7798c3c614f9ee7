#include "check/check.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "check/elf.h"
#include "check/facts.h"
#include "core/release.h"
#include "util/cleanup.h"
#include "util/libbpf.h"

static void close_object(struct bpf_object **object)
{
	bpf_object__close(*object);
}

/* A regular file of a sane size: libbpf reads all of it into memory. */
static int check_file(struct iov_ctx *ctx, const char *path)
{
	struct stat st;
	if (stat(path, &st))
		return iov_error_errno(ctx, errno, "cannot read the object '%s'", path);
	if (!S_ISREG(st.st_mode))
		return iov_error(ctx, IOV_E_INPUT, "the object '%s' is not a regular file", path);
	if (st.st_size > IOV_ARCHIVE_MAX)
		return iov_error(ctx, IOV_E_INPUT, "the object '%s' has %lld bytes; %u are allowed", path,
				 (long long)st.st_size, IOV_ARCHIVE_MAX);
	return IOV_OK;
}

static int open_object(struct iov_ctx *ctx, const char *path, struct bpf_object **ret)
{
	int rc = check_file(ctx, path);
	if (rc)
		return rc;
	iov_auto(iov_buf_release) struct iov_buf log = {0};
	iov_libbpf_log_to(&log);
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	int err = errno;
	iov_libbpf_log_to(NULL);
	if (!object && err == ENOMEM)
		return iov_oom(ctx);
	if (!object) {
		char reason[256];
		iov_libbpf_reason(&log, reason, sizeof(reason));
		if (!*reason)
			libbpf_strerror(err, reason, sizeof(reason)); /* it has numbers of its own */
		return iov_error(ctx, IOV_E_INPUT, "'%s' is not an eBPF object that libbpf can read: %s", path, reason);
	}
	*ret = object;
	return IOV_OK;
}

static int append(struct iov_ctx *ctx, json_t *array, json_t *item)
{
	return json_array_append_new(array, item) ? iov_oom(ctx) : IOV_OK;
}

static const char *type_word(const char *word)
{
	return word ? word : "unknown";
}

static int add_programs(struct iov_ctx *ctx, const struct bpf_object *object, json_t *array)
{
	struct bpf_program *program;
	bpf_object__for_each_program(program, object) {
		const char *type = type_word(libbpf_bpf_prog_type_str(bpf_program__type(program)));
		int rc = append(ctx, array,
				json_pack("{s:s, s:s, s:s, s:b}", "name", bpf_program__name(program), "section",
					  bpf_program__section_name(program), "type", type, "autoload",
					  bpf_program__autoload(program)));
		if (rc)
			return rc;
	}
	return IOV_OK;
}

static int add_layout(struct iov_ctx *ctx, const struct btf *btf, uint32_t type_id, const char *key, json_t *layout)
{
	if (!btf || !type_id)
		return IOV_OK;
	json_t *json = NULL;
	int rc = iov_check_layout(ctx, btf, type_id, &json);
	if (!rc && json_object_set_new(layout, key, json))
		rc = iov_oom(ctx);
	return rc;
}

static int add_layouts(struct iov_ctx *ctx, const struct btf *btf, const struct bpf_map *map, json_t *layout)
{
	int rc = add_layout(ctx, btf, bpf_map__btf_key_type_id(map), "key", layout);
	return rc ? rc : add_layout(ctx, btf, bpf_map__btf_value_type_id(map), "value", layout);
}

/* Of a map of maps: what the maps inside are. */
static int add_inner(struct iov_ctx *ctx, const struct btf *btf, const struct bpf_map *inner, json_t *layout)
{
	if (!inner)
		return IOV_OK;
	json_t *json =
		json_pack("{s:s, s:I, s:I, s:I}", "type", type_word(libbpf_bpf_map_type_str(bpf_map__type(inner))),
			  "key_size", (json_int_t)bpf_map__key_size(inner), "value_size",
			  (json_int_t)bpf_map__value_size(inner), "flags", (json_int_t)bpf_map__map_flags(inner));
	if (json_object_set_new(layout, "inner", json))
		return iov_oom(ctx);
	return add_layouts(ctx, btf, inner, json);
}

/* libbpf puts the file's name before the sections of variables: "flow_top.bss" is ".bss" to us. */
static const char *map_name(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);
	const char *section = bpf_map__is_internal(map) ? strchr(name, '.') : NULL;
	return section ? section : name;
}

static int describe_map(struct iov_ctx *ctx, const struct btf *btf, struct bpf_map *map, json_t **ret)
{
	iov_auto(iov_json_release) json_t *layout = json_object();
	int rc = layout ? add_layouts(ctx, btf, map, layout) : iov_oom(ctx);
	if (!rc)
		rc = add_inner(ctx, btf, bpf_map__inner_map(map), layout);
	struct iov_object_map described = {
		.name = map_name(map),
		.type = type_word(libbpf_bpf_map_type_str(bpf_map__type(map))),
		.key_size = bpf_map__key_size(map),
		.value_size = bpf_map__value_size(map),
		.max_entries = bpf_map__max_entries(map),
		.flags = bpf_map__map_flags(map),
		.layout = layout,
	};
	if (!rc)
		rc = iov_check_fingerprint(ctx, &described);
	if (rc)
		return iov_error_prefix(ctx, "map '%s'", described.name);
	*ret = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:O, s:s}", "name", described.name, "type", described.type,
			 "key_size", (json_int_t)described.key_size, "value_size", (json_int_t)described.value_size,
			 "max_entries", (json_int_t)described.max_entries, "flags", (json_int_t)described.flags,
			 "layout", layout, "fingerprint", described.fingerprint);
	return *ret ? IOV_OK : iov_oom(ctx);
}

static int add_maps(struct iov_ctx *ctx, const struct bpf_object *object, json_t *array)
{
	const struct btf *btf = bpf_object__btf(object);
	struct bpf_map *map;
	bpf_object__for_each_map(map, object) {
		json_t *json = NULL;
		int rc = describe_map(ctx, btf, map, &json);
		if (!rc)
			rc = append(ctx, array, json);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

int iov_check_object(struct iov_ctx *ctx, const char *path, struct iov_object **ret)
{
	iov_auto(close_object) struct bpf_object *object = NULL;
	iov_auto(iov_free_ptr) char *license = NULL;
	iov_auto(iov_json_release) json_t *programs = json_array();
	iov_auto(iov_json_release) json_t *maps = json_array();
	iov_auto(iov_json_release) json_t *facts = NULL;
	int rc = programs && maps ? open_object(ctx, path, &object) : iov_oom(ctx);
	if (!rc)
		rc = iov_elf_license(ctx, path, &license);
	if (!rc)
		rc = add_programs(ctx, object, programs);
	if (!rc && (rc = add_maps(ctx, object, maps)))
		rc = iov_error_prefix(ctx, "object '%s'", path);
	if (!rc)
		rc = iov_check_facts(ctx, object, path, &facts);
	if (rc)
		return rc;
	iov_auto(iov_json_release) json_t *json = json_pack("{s:O, s:s, s:O, s:O}", "facts", facts, "license", license,
							    "maps", maps, "programs", programs);
	return json ? iov_object_from_json(ctx, json, ret) : iov_oom(ctx);
}

int iov_check_fingerprint(struct iov_ctx *ctx, struct iov_object_map *map)
{
	iov_auto(iov_json_release) json_t *contract = json_pack(
		"{s:s, s:I, s:I, s:I, s:O}", "type", map->type, "key_size", (json_int_t)map->key_size, "value_size",
		(json_int_t)map->value_size, "flags", (json_int_t)map->flags, "layout", map->layout);
	iov_auto(iov_free_ptr) char *text = contract ? iov_json_canonical(contract) : NULL;
	if (!text)
		return iov_oom(ctx);
	iov_sha256_hex(text, strlen(text), map->fingerprint);
	return IOV_OK;
}
