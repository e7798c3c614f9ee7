#include "check/signature.h"

#include <bpf/btf.h>

#include "util/buf.h"
#include "util/cleanup.h"

#define DEPTH 32 /* pointers to pointers, and functions as parameters; libbpf's */

static const char *const words[] = {
	[BTF_KIND_INT] = "int",	    [BTF_KIND_STRUCT] = "struct", [BTF_KIND_UNION] = "union", [BTF_KIND_ENUM] = "enum",
	[BTF_KIND_ENUM64] = "enum", [BTF_KIND_FWD] = "declared",  [BTF_KIND_FLOAT] = "float",
};

static void put(const struct btf *btf, uint32_t id, int depth, struct iov_buf *text);

static void put_function(const struct btf *btf, const struct btf_type *type, int depth, struct iov_buf *text)
{
	const struct btf_param *parameters = btf_params(type);
	for (unsigned i = 0; i < btf_vlen(type); i++) {
		iov_buf_puts(text, i ? "," : "(");
		put(btf, parameters[i].type, depth, text);
	}
	iov_buf_puts(text, btf_vlen(type) ? ")" : "()");
	put(btf, type->type, depth, text);
}

static void put(const struct btf *btf, uint32_t id, int depth, struct iov_buf *text)
{
	int bare = btf__resolve_type(btf, id);
	const struct btf_type *type = bare > 0 ? btf__type_by_id(btf, (uint32_t)bare) : NULL;
	uint32_t kind = type ? btf_kind(type) : 0;
	if (!type || !depth) {
		iov_buf_puts(text, type ? "?" : "void");
	} else if (btf_is_ptr(type)) {
		iov_buf_puts(text, "*");
		put(btf, type->type, depth - 1, text);
	} else if (btf_is_array(type)) {
		iov_buf_puts(text, "[]");
		put(btf, btf_array(type)->type, depth - 1, text);
	} else if (btf_is_func_proto(type)) {
		put_function(btf, type, depth - 1, text);
	} else {
		iov_buf_puts(text, kind < IOV_COUNT(words) && words[kind] ? words[kind] : "?");
	}
}

char *iov_signature(const struct btf *btf, uint32_t type_id)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	const struct btf_type *type = btf__type_by_id(btf, type_id);
	put(btf, type && btf_is_func(type) ? type->type : type_id, DEPTH, &text);
	return iov_buf_take(&text);
}
