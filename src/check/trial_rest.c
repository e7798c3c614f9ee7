#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "check/kinds.h"
#include "check/trial.h"
#include "core/object.h"
#include "util/cleanup.h"

/* ---- hooks of security modules ---- */

static bool asks_hook(const struct iov_object *object, const char *hook)
{
	for (size_t i = 0; object && i < object->n_programs; i++)
		if (!strcmp(object->programs[i].type, "lsm") && strstr(object->programs[i].section, hook))
			return true;
	return !object;
}

static enum iov_answer takes_hook(uint32_t id, bool sleepable)
{
	const struct iov_trial_kind kind = {BPF_PROG_TYPE_LSM, BPF_LSM_MAC, NULL, sleepable};
	struct iov_trial trial = {.kind = &kind, .target = (int)id, .may_all = iov_trial_may_all()};
	return iov_trial_program(&trial);
}

/* Hooks that take no programs, and those in which programs may sleep. */
static int probe_hooks(struct iov_ctx *ctx, const struct btf *btf, const struct iov_object *object, json_t *ret)
{
	json_t *no_hooks = json_array(), *sleepable = json_array();
	if (json_object_set_new(ret, "no_hooks", no_hooks) || json_object_set_new(ret, "sleepable_hooks", sleepable))
		return iov_oom(ctx);
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *name = btf_is_func(type) ? btf__name_by_offset(btf, type->name_off) : "";
		if (strncmp(name, "bpf_lsm_", 8) != 0 || !asks_hook(object, name + 8))
			continue;
		if (takes_hook(id, false) == IOV_ANSWER_NO)
			json_array_append_new(no_hooks, json_string(name + 8));
		if (takes_hook(id, true) == IOV_ANSWER_YES)
			json_array_append_new(sleepable, json_string(name + 8));
	}
	return iov_stop_asked(ctx);
}

/* Where one of the best known takes none, there is nothing to tell apart. */
static bool takes_hooks(const struct btf *btf)
{
	int known = btf ? btf__find_by_name_kind(btf, "bpf_lsm_file_open", BTF_KIND_FUNC) : -1;
	return known > 0 && takes_hook((uint32_t)known, false) == IOV_ANSWER_YES;
}

/* ---- what else programs are given ---- */

/* Does the kernel tell the addresses of its variables? Without one in BTF nobody asks. */
static enum iov_answer gives_variables(const struct btf *btf)
{
	static const struct iov_trial_kind kind = {BPF_PROG_TYPE_TRACEPOINT, IOV_TRIAL_NO_ATTACH, NULL, false};
	struct iov_trial trial = {.kind = &kind};
	int id = btf ? btf__find_by_name_kind(btf, "runqueues", BTF_KIND_VAR) : -1;
	const struct bpf_insn insns[] = {
		{.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_BTF_ID, .imm = id},
		{0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	if (id <= 0)
		return IOV_ANSWER_UNCLEAR;
	int err = iov_trial_load(&trial, insns, IOV_COUNT(insns));
	return !err ? IOV_ANSWER_YES : err == -ENOENT ? IOV_ANSWER_NO : IOV_ANSWER_UNCLEAR;
}

/* Where libbpf looks for values of the configuration. */
static bool has_config(void)
{
	char path[sizeof("/boot/config-") + sizeof(((struct utsname *)0)->release)];
	struct utsname name;
	snprintf(path, sizeof(path), "/boot/config-%s", uname(&name) ? "" : name.release);
	return !access(path, R_OK) || !access("/proc/config.gz", R_OK);
}

int iov_trial_rest(struct iov_ctx *ctx, const struct btf *btf, const struct iov_object *object, json_t *ret)
{
	bool asked = !object || iov_asks_any(object, "ksym");
	enum iov_answer variables = asked ? gives_variables(btf) : IOV_ANSWER_UNCLEAR;
	if (json_object_set_new(ret, "config", json_boolean(has_config())) ||
	    (variables != IOV_ANSWER_UNCLEAR &&
	     json_object_set_new(ret, "variables", json_boolean(variables == IOV_ANSWER_YES))))
		return iov_oom(ctx);
	return asks_hook(object, "") && takes_hooks(btf) ? probe_hooks(ctx, btf, object, ret) : IOV_OK;
}
