#include "check/needs.h"

#include <bpf/btf.h>
#include <string.h>

#include "check/btf_ext.h"
#include "check/features.h"
#include "check/signature.h"
#include "core/facts.h"
#include "util/cleanup.h"

struct reader {
	struct iov_ctx *ctx;
	const struct iov_bytecode *code;
	const struct btf *btf;
	struct iov_needs *needs;
	int rc;
};

static const struct iov_flow_known unknown, zero = {.value = IOV_FLOW_NUMBER},
					    one = {.value = IOV_FLOW_NUMBER, .number = 1},
					    nonzero = {.value = IOV_FLOW_NONZERO};

void iov_needs_release(struct iov_needs *needs)
{
	for (uint32_t i = 0; i < needs->count; i++)
		json_decref(needs->items[i].json);
	free(needs->items);
	free(needs->of);
	*needs = (struct iov_needs){0};
}

/* Takes the reference. The place of an equal need, or of a new one at the end. */
static int intern(const struct reader *reader, json_t *json, uint32_t *ret)
{
	struct iov_needs *needs = reader->needs;
	for (*ret = 0; json && *ret < needs->count; ++*ret)
		if (json_equal(needs->items[*ret].json, json)) {
			json_decref(json);
			return IOV_OK;
		}
	struct iov_need *items = json ? reallocarray(needs->items, needs->count + 1, sizeof(*items)) : NULL;
	if (!items) {
		json_decref(json);
		return iov_oom(reader->ctx);
	}
	needs->items = items;
	items[needs->count++] = (struct iov_need){.json = json};
	if (needs->count <= IOV_FACTS_NEEDS)
		return IOV_OK;
	return iov_error(reader->ctx, IOV_E_INPUT,
			 "the object asks more than %d different things of the kernel; split it into several modules",
			 IOV_FACTS_NEEDS);
}

/* ---- helpers ---- */

static json_t *describe_helper(int32_t id)
{
	const struct iov_helper *helper = iov_helper_by_id((uint32_t)id);
	if (!helper)
		return json_pack("{s:o}", "helper", json_sprintf("#%d", id));
	json_t *json = json_pack("{s:s}", "helper", helper->name);
	if (helper->gpl)
		json_object_set_new(json, "gpl", json_true());
	return json;
}

static int read_helpers(const struct reader *reader)
{
	int rc = IOV_OK;
	for (uint32_t i = 0; !rc && i < reader->code->count; i++) {
		const struct bpf_insn *insn = &reader->code->insns[i];
		if (iov_insn_is_call(insn) && !insn->src_reg && reader->code->externs_of[i] == IOV_BYTECODE_NONE)
			rc = intern(reader, describe_helper(insn->imm), &reader->needs->of[i]);
		i += iov_insn_is_wide(insn);
	}
	return rc;
}

/* ---- names that the kernel resolves ---- */

/* The type of an external name in one of the object's sections for them; NULL: it is not there. */
static const struct btf_type *find_extern(const struct btf *btf, const char *section, const char *name)
{
	int id = btf ? btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC) : -1;
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;
	for (unsigned i = 0; type && i < btf_vlen(type); i++) {
		const struct btf_type *var = btf__type_by_id(btf, btf_var_secinfos(type)[i].type);
		const char *found = var ? btf__name_by_offset(btf, var->name_off) : NULL;
		if (found && !strcmp(found, name))
			return var;
	}
	return NULL;
}

static bool is_void(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	while (type && btf_is_mod(type)) {
		id = type->type;
		type = btf__type_by_id(btf, id);
	}
	return !id;
}

static void put_signature(json_t *json, const struct btf *btf, const struct btf_type *type)
{
	iov_auto(iov_free_ptr) char *signature = iov_signature(btf, type->type);
	json_object_set_new(json, "is", json_string(signature));
}

static json_t *describe_extern(const struct btf *btf, const struct iov_bytecode_extern *name,
			       struct iov_flow_known *present)
{
	const struct btf_type *type = find_extern(btf, ".kconfig", name->name);
	const char *kind = "config";
	bool typed = false;
	if (!type) {
		type = find_extern(btf, ".ksyms", name->name);
		kind = type && btf_is_func(type) ? "kfunc" : "ksym";
		typed = type && btf_is_var(type) && !is_void(btf, type->type);
	}
	if (!strcmp(kind, "kfunc"))
		*present = nonzero;
	json_t *json = json_pack("{s:s}", kind, name->name);
	if (type && (typed || btf_is_func(type)))
		put_signature(json, btf, type);
	if (name->weak)
		json_object_set_new(json, "weak", json_true());
	if (typed)
		json_object_set_new(json, "typed", json_true());
	return json;
}

/* A program that loads the address of a weak name asks whether it is there; one that calls it needs it. */
static int intern_extern(const struct reader *reader, uint32_t index, bool asked, uint32_t *ret)
{
	const struct iov_bytecode_extern *name = &reader->code->externs[index];
	struct iov_flow_known present = unknown;
	json_t *json = describe_extern(reader->btf, name, &present);
	bool tells = asked && name->weak && !json_object_get(json, "config");
	if (tells)
		json_object_set_new(json, "asked", json_true());
	int rc = intern(reader, json, ret);
	if (!rc && tells)
		reader->needs->items[*ret] = (struct iov_need){reader->needs->items[*ret].json, true, zero, present};
	return rc;
}

/* libbpf looks for all of them, used or not. */
static int read_externs(const struct reader *reader)
{
	const struct iov_bytecode *code = reader->code;
	uint32_t ignored;
	int rc = IOV_OK;
	for (uint32_t i = 0; !rc && i < code->n_externs; i++) {
		reader->needs->throws |= !strcmp(code->externs[i].name, "bpf_throw");
		if (!code->externs[i].weak)
			rc = intern_extern(reader, i, false, &ignored);
	}
	for (uint32_t i = 0; !rc && i < code->count; i++)
		if (code->externs_of[i] != IOV_BYTECODE_NONE)
			rc = intern_extern(reader, code->externs_of[i], iov_insn_is_wide(&code->insns[i]),
					   &reader->needs->of[i]);
	return rc;
}

/* ---- CO-RE ---- */

/* What an instruction loads whose relocation answers a question. */
static void tell(struct iov_need *need, uint32_t kind)
{
	static const uint32_t questions[] = {BPF_CORE_FIELD_EXISTS, BPF_CORE_TYPE_EXISTS, BPF_CORE_ENUMVAL_EXISTS,
					     BPF_CORE_TYPE_MATCHES};
	for (size_t i = 0; i < IOV_COUNT(questions); i++)
		need->tells |= kind == questions[i];
	need->absent = zero;
	need->present = one;
	if (kind != BPF_CORE_TYPE_SIZE)
		return;
	need->tells = true;
	need->present = nonzero;
}

static int take_relocation(void *data, const char *section, const void *record)
{
	struct reader *reader = data;
	const struct bpf_core_relo *relocation = record;
	uint32_t at = iov_bytecode_at(reader->code, section, relocation->insn_off);
	json_t *json = NULL;
	if (at == IOV_BYTECODE_NONE)
		return 0;
	reader->rc = iov_need_of_relocation(reader->ctx, reader->btf, relocation, &reader->code->insns[at], &json);
	if (!reader->rc && json)
		reader->rc = intern(reader, json, &reader->needs->of[at]);
	if (!reader->rc && json)
		tell(&reader->needs->items[reader->needs->of[at]], relocation->kind);
	return reader->rc;
}

static int read_relocations(struct reader *reader, const struct btf_ext *ext)
{
	if (iov_btf_ext_each(reader->btf, ext, IOV_BTF_EXT_RELOCATIONS, take_relocation, reader) != IOV_BTF_EXT_DAMAGED)
		return reader->rc;
	return iov_error(reader->ctx, IOV_E_INPUT,
			 "the table of CO-RE relocations (.BTF.ext) is damaged; build the object again");
}

int iov_needs_read(struct iov_ctx *ctx, const struct iov_bytecode *code, const struct btf *btf,
		   const struct btf_ext *ext, struct iov_needs *ret)
{
	struct iov_needs needs = {.of = malloc((code->count + 1) * sizeof(*needs.of))};
	struct reader reader = {.ctx = ctx, .code = code, .btf = btf, .needs = &needs};
	if (!needs.of)
		return iov_oom(ctx);
	memset(needs.of, 0xff, (code->count + 1) * sizeof(*needs.of));
	int rc = read_helpers(&reader);
	if (!rc)
		rc = read_externs(&reader);
	if (!rc && btf)
		rc = read_relocations(&reader, ext);
	if (rc)
		iov_needs_release(&needs);
	else
		*ret = needs;
	return rc;
}
