#include "core/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/format.h"
#include "util/nearest.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define VALUE_MAX 1024	 /* bytes */
#define INTERFACE_MAX 15 /* bytes, IFNAMSIZ - 1 */

struct type {
	const char *name;
	int (*normalize)(struct iov_ctx *ctx, const struct type *type, const char *text, char **ret);
	int64_t min;
	uint64_t max;
};

static int keep(struct iov_ctx *ctx, const char *text, char **ret)
{
	*ret = strdup(text);
	return *ret ? IOV_OK : iov_oom(ctx);
}

static int normalize_string(struct iov_ctx *ctx, const struct type *type, const char *text, char **ret)
{
	(void)type;
	return keep(ctx, text, ret);
}

/* What the kernel allows as a name of an interface. */
static int normalize_interface(struct iov_ctx *ctx, const struct type *type, const char *text, char **ret)
{
	(void)type;
	size_t len = strlen(text);
	if (!len || len > INTERFACE_MAX || strpbrk(text, "/: ") || !strcmp(text, ".") || !strcmp(text, ".."))
		return iov_error(ctx, IOV_E_USAGE,
				 "'%s' is not the name of an interface; give one as in eth0, at most %d bytes", text,
				 INTERFACE_MAX);
	return keep(ctx, text, ret);
}

static int normalize_bool(struct iov_ctx *ctx, const struct type *type, const char *text, char **ret)
{
	(void)type;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return iov_error(ctx, IOV_E_USAGE, "'%s' is not a bool; give true or false", text);
	return keep(ctx, text, ret);
}

/* Decimal or 0x hexadecimal; the magnitude only, after any sign. */
static bool parse_magnitude(const char *text, uint64_t *ret)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	size_t len = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
	if (!len || digits[len])
		return false;
	errno = 0;
	*ret = strtoull(digits, NULL, hex ? 16 : 10);
	return errno == 0;
}

static int normalize_number(struct iov_ctx *ctx, const struct type *type, const char *text, char **ret)
{
	bool negative = *text == '-';
	uint64_t value = 0, least = type->min < 0 ? (uint64_t) - (type->min + 1) + 1 : 0;
	if (!parse_magnitude(text + negative, &value) || value > (negative ? least : type->max))
		return iov_error(ctx, IOV_E_USAGE, "'%s' is not a %s; give a whole number from %" PRId64 " to %" PRIu64,
				 text, type->name, type->min, type->max);
	if (asprintf(ret, "%s%" PRIu64, negative && value ? "-" : "", value) < 0)
		return iov_oom(ctx);
	return IOV_OK;
}

static const struct type types[] = {
	[IOV_PARAM_STRING] = {"string", normalize_string, 0, 0},
	[IOV_PARAM_INTERFACE] = {"interface", normalize_interface, 0, 0},
	[IOV_PARAM_BOOL] = {"bool", normalize_bool, 0, 0},
	[IOV_PARAM_U8] = {"u8", normalize_number, 0, UINT8_MAX},
	[IOV_PARAM_U16] = {"u16", normalize_number, 0, UINT16_MAX},
	[IOV_PARAM_U32] = {"u32", normalize_number, 0, UINT32_MAX},
	[IOV_PARAM_U64] = {"u64", normalize_number, 0, UINT64_MAX},
	[IOV_PARAM_I32] = {"i32", normalize_number, INT32_MIN, INT32_MAX},
	[IOV_PARAM_I64] = {"i64", normalize_number, INT64_MIN, INT64_MAX},
};

int iov_param_normalize(struct iov_ctx *ctx, const struct iov_param_spec *param, const char *text, char **ret)
{
	if (strnlen(text, VALUE_MAX + 1) > VALUE_MAX || !iov_is_plain_text(text))
		return iov_error(ctx, IOV_E_USAGE, "the value must be one line of at most %d bytes", VALUE_MAX);
	return types[param->type].normalize(ctx, &types[param->type], text, ret);
}

static int fail_unknown(struct iov_ctx *ctx, const struct iov_manifest *manifest, const char *name)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	struct iov_nearest nearest;
	iov_nearest_init(&nearest, name, strlen(name));
	for (size_t i = 0; i < manifest->n_params; i++)
		iov_nearest_offer(&nearest, manifest->params[i].name);
	if (nearest.name)
		iov_buf_printf(&text, "did you mean '%s'? ", nearest.name);
	iov_buf_puts(&text, manifest->n_params ? "it has " : "it has none");
	for (size_t i = 0; i < manifest->n_params; i++)
		iov_buf_printf(&text, "%s%s", i ? ", " : "", manifest->params[i].name);
	if (iov_buf_failed(&text))
		return iov_oom(ctx);
	return iov_error(ctx, IOV_E_USAGE, "module '%s' %s has no parameter '%s'; %s", manifest->name,
			 manifest->version.text, name, text.data);
}

static int put(struct iov_ctx *ctx, const struct iov_manifest *manifest, json_t *values,
	       const struct iov_param_spec *param, const char *text)
{
	iov_auto(iov_free_ptr) char *value = NULL;
	if (iov_param_normalize(ctx, param, text, &value))
		return iov_error_prefix(ctx, "parameter '%s' of module '%s'", param->name, manifest->name);
	return json_object_set_new(values, param->name, json_string(value)) ? iov_oom(ctx) : IOV_OK;
}

static int put_given(struct iov_ctx *ctx, const struct iov_manifest *manifest, const char *item, json_t *values)
{
	const char *equals = strchr(item, '=');
	if (!equals || equals == item)
		return iov_error(ctx, IOV_E_USAGE, "'%s' sets nothing; write it as NAME=VALUE", item);
	iov_auto(iov_free_ptr) char *name = strndup(item, (size_t)(equals - item));
	if (!name)
		return iov_oom(ctx);
	const struct iov_param_spec *param = iov_manifest_param(manifest, name);
	if (!param)
		return fail_unknown(ctx, manifest, name);
	if (json_object_get(values, name))
		return iov_error(ctx, IOV_E_USAGE, "parameter '%s' of module '%s' is set twice; set it once", name,
				 manifest->name);
	return put(ctx, manifest, values, param, equals + 1);
}

/* What another release of the module was told; a parameter that is gone takes its value along, and says so. */
static int put_before(struct iov_ctx *ctx, const struct iov_manifest *manifest, const json_t *before, json_t *values)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)before, name, value) {
		const struct iov_param_spec *param = iov_manifest_param(manifest, name);
		const char *text = json_string_value(value);
		if (!param || !text) {
			iov_warn(ctx, "module '%s' %s has no parameter '%s' any more; its value '%s' is dropped",
				 manifest->name, manifest->version.text, name, text ? text : "");
			continue;
		}
		if (json_object_get(values, name))
			continue;
		int err = put(ctx, manifest, values, param, text);
		if (err == IOV_E_USAGE)
			return iov_error_prefix(ctx, "the value in use no longer fits, give another with --set %s=...",
						name);
		if (err)
			return err;
	}
	return IOV_OK;
}

static int put_defaults(struct iov_ctx *ctx, const struct iov_manifest *manifest, json_t *values)
{
	for (size_t i = 0; i < manifest->n_params; i++) {
		const struct iov_param_spec *param = &manifest->params[i];
		if (json_object_get(values, param->name))
			continue;
		if (param->required)
			return iov_error(ctx, IOV_E_USAGE,
					 "module '%s' needs parameter '%s'%s%s%s; give it with --set %s=...",
					 manifest->name, param->name, param->summary ? " (" : "",
					 param->summary ? param->summary : "", param->summary ? ")" : "", param->name);
		int err = param->default_value ? put(ctx, manifest, values, param, param->default_value) : IOV_OK;
		if (err)
			return err;
	}
	return IOV_OK;
}

int iov_params_resolve(struct iov_ctx *ctx, const struct iov_manifest *manifest, struct iov_settings given,
		       const json_t *before, json_t **ret)
{
	iov_auto(iov_json_release) json_t *values = json_object();
	if (!values)
		return iov_oom(ctx);
	int err = IOV_OK;
	for (size_t i = 0; !err && i < given.count; i++)
		err = put_given(ctx, manifest, given.items[i], values);
	if (!err)
		err = put_before(ctx, manifest, before, values);
	if (!err)
		err = put_defaults(ctx, manifest, values);
	if (!err)
		*ret = iov_take(values);
	return err;
}

int iov_params_expand(struct iov_ctx *ctx, const struct iov_manifest *manifest, const json_t *params, const char *text,
		      char **ret)
{
	if (*text != '$')
		return keep(ctx, text, ret);
	if (!iov_manifest_param(manifest, text + 1))
		return fail_unknown(ctx, manifest, text + 1);
	const char *value = json_string_value(json_object_get(params, text + 1));
	if (!value)
		return iov_error(ctx, IOV_E_USAGE,
				 "parameter '%s' of module '%s' has no value; give it with --set %s=...", text + 1,
				 manifest->name, text + 1);
	return keep(ctx, value, ret);
}
