#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <string.h>

#include "engine/loading.h"
#include "util/cleanup.h"

/* A global variable of the object, before it is loaded. */
struct variable {
	const struct iov_param_spec *param;
	const struct btf_type *type; /* without typedefs and qualifiers */
	const struct btf *btf;
	unsigned char *at; /* its initial value */
	size_t size;	   /* bytes */
};

static bool find_in_section(const struct btf *btf, const struct iov_loading_map *map, const char *name,
			    struct variable *ret)
{
	size_t size = 0;
	unsigned char *data = bpf_map__initial_value(map->map, &size);
	int id = data ? btf__find_by_name_kind(btf, map->name, BTF_KIND_DATASEC) : -ENOENT;
	const struct btf_type *section = id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);
	const struct btf_var_secinfo *info = section ? btf_var_secinfos(section) : NULL;
	for (uint32_t i = 0; section && i < btf_vlen(section); i++, info++) {
		const struct btf_type *variable = btf__type_by_id(btf, info->type);
		if (!variable || strcmp(btf__name_by_offset(btf, variable->name_off), name) != 0 ||
		    info->offset > size || info->size > size - info->offset)
			continue;
		int type = btf__resolve_type(btf, variable->type);
		ret->type = type < 0 ? NULL : btf__type_by_id(btf, (uint32_t)type);
		ret->btf = btf;
		ret->at = data + info->offset;
		ret->size = info->size;
		return ret->type != NULL;
	}
	return false;
}

static int find(struct iov_loading *loading, const struct iov_param_spec *param, struct variable *ret)
{
	const struct btf *btf = bpf_object__btf(loading->object);
	ret->param = param;
	for (size_t i = 0; btf && i < loading->n_maps; i++) {
		if (!find_in_section(btf, &loading->maps[i], param->sets_name, ret))
			continue;
		loading->maps[i].set = true;
		return IOV_OK;
	}
	return iov_error(loading->ctx, IOV_E_INPUT,
			 "parameter '%s' of %s sets variable '%s', but its object has no global variable of that name; "
			 "correct 'sets' in the manifest, "
			 "or declare 'const volatile ... %s'",
			 param->name, loading->title, param->sets_name, param->sets_name);
}

static int misfit(struct iov_loading *loading, const struct variable *variable, const char *value, const char *what)
{
	return iov_error(loading->ctx, IOV_E_INPUT,
			 "parameter '%s' of %s is '%s', but variable '%s' is %s; give a value that fits",
			 variable->param->name, loading->title, value, variable->param->sets_name, what);
}

static bool is_text(const struct variable *variable)
{
	if (!btf_is_array(variable->type))
		return false;
	int element = btf__resolve_type(variable->btf, btf_array(variable->type)->type);
	const struct btf_type *type = element < 0 ? NULL : btf__type_by_id(variable->btf, (uint32_t)element);
	return type && btf_is_int(type) && type->size == 1;
}

static int set_text(struct iov_loading *loading, const struct variable *variable, const char *value)
{
	char what[64];
	size_t len = strlen(value);
	if (len >= variable->size) {
		snprintf(what, sizeof(what), "an array of %zu characters", variable->size);
		return misfit(loading, variable, value, what);
	}
	memset(variable->at, 0, variable->size);
	memcpy(variable->at, value, len);
	return IOV_OK;
}

static bool is_integer(const struct variable *variable)
{
	return (btf_is_int(variable->type) || btf_is_any_enum(variable->type)) && variable->size <= sizeof(uint64_t);
}

static bool is_signed(const struct variable *variable)
{
	return btf_is_int(variable->type) ? btf_int_encoding(variable->type) & BTF_INT_SIGNED
					  : btf_kflag(variable->type);
}

/* Do the bits of `value`, a negative number or not, mean the same in a variable of this size and sign? */
static bool fits(const struct variable *variable, uint64_t value, bool negative)
{
	unsigned bits = (unsigned)variable->size * 8;
	if (!is_signed(variable))
		return !negative && (bits == 64 || value >> bits == 0);
	if (negative)
		return (int64_t)value >= INT64_MIN >> (64 - bits);
	return value <= (uint64_t)INT64_MAX >> (64 - bits);
}

static int set_integer(struct iov_loading *loading, const struct variable *variable, const char *text, uint64_t value)
{
	char what[64];
	if (!fits(variable, value, *text == '-')) {
		snprintf(what, sizeof(what), "%s integer of %zu bytes",
			 is_signed(variable) ? "a signed" : "an unsigned", variable->size);
		return misfit(loading, variable, text, what);
	}
	const unsigned char *bytes = (const unsigned char *)&value;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	bytes += sizeof(value) - variable->size;
#endif
	memcpy(variable->at, bytes, variable->size);
	return IOV_OK;
}

/* Parameters arrive checked and in decimal (core/params.c). */
static uint64_t number_of(const char *text)
{
	return *text == '-' ? (uint64_t)strtoll(text, NULL, 10) : strtoull(text, NULL, 10);
}

static int interface_index(struct iov_loading *loading, const struct iov_param_spec *param, const char *value,
			   uint64_t *ret)
{
	*ret = if_nametoindex(value);
	if (*ret)
		return IOV_OK;
	return iov_error(loading->ctx, IOV_E_NOT_FOUND,
			 "parameter '%s' of %s: interface '%s' not found; 'ip link' lists those there are", param->name,
			 loading->title, value);
}

static int set_variable(struct iov_loading *loading, const struct iov_param_spec *param, const char *value)
{
	struct variable variable = {0};
	uint64_t number = number_of(value);
	bool words = param->type == IOV_PARAM_STRING || param->type == IOV_PARAM_INTERFACE;
	int rc = find(loading, param, &variable);
	if (rc || !variable.type)
		return rc;
	if (words && is_text(&variable))
		return set_text(loading, &variable, value);
	if (!is_integer(&variable) || param->type == IOV_PARAM_STRING)
		return misfit(loading, &variable, value, words ? "no array of characters" : "no integer");
	if (param->type == IOV_PARAM_INTERFACE)
		rc = interface_index(loading, param, value, &number);
	else if (param->type == IOV_PARAM_BOOL)
		number = !strcmp(value, "true");
	return rc ? rc : set_integer(loading, &variable, value, number);
}

static int set_max_entries(struct iov_loading *loading, const struct iov_param_spec *param, const char *value)
{
	struct iov_loading_map *map = iov_loading_find_map(loading, param->sets_name);
	uint64_t number = number_of(value);
	if (!map)
		return iov_error(loading->ctx, IOV_E_INPUT,
				 "parameter '%s' of %s sizes map '%s', which its object does not have; correct 'sets' "
				 "in the manifest",
				 param->name, loading->title, param->sets_name);
	if (*value == '-' || !number || number > UINT32_MAX || bpf_map__set_max_entries(map->map, (uint32_t)number))
		return iov_error(loading->ctx, IOV_E_INPUT,
				 "parameter '%s' of %s is '%s', but map '%s' holds 1 to %" PRIu32
				 " entries; give a number between",
				 param->name, loading->title, value, param->sets_name, UINT32_MAX);
	return IOV_OK;
}

static int set_nothing(struct iov_loading *loading, const struct iov_param_spec *param, const char *value)
{
	(void)loading, (void)param, (void)value;
	return IOV_OK;
}

int iov_loading_set_params(struct iov_loading *loading)
{
	static int (*const setters[])(struct iov_loading *, const struct iov_param_spec *, const char *) = {
		[IOV_SETS_NOTHING] = set_nothing,
		[IOV_SETS_VARIABLE] = set_variable,
		[IOV_SETS_MAX_ENTRIES] = set_max_entries,
	};
	const struct iov_manifest *manifest = loading->load->release->manifest;
	for (size_t i = 0; i < manifest->n_params; i++) {
		const struct iov_param_spec *param = &manifest->params[i];
		const char *value = json_string_value(json_object_get(loading->load->params, param->name));
		int rc = value ? setters[param->sets](loading, param, value) : IOV_OK;
		if (rc)
			return rc;
	}
	return IOV_OK;
}
