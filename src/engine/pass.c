#include "engine/pass.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/pass_program.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define KEY IOV_PASS_KEY
#define FROM IOV_PASS_FROM
#define LOG_SIZE 65536 /* bytes of the verifier's log, of which the end is told */
#define FUNCTIONS 4

/* ---- making ---- */

static void walk(struct iov_pass *pass, int map, int callback)
{
	iov_asm_map(&pass->code, BPF_REG_1, map);
	iov_asm_callback(&pass->code, BPF_REG_2, callback);
	iov_asm_set(&pass->code, BPF_REG_3, 0);
	iov_asm_set(&pass->code, BPF_REG_4, 0);
	iov_asm_call(&pass->code, BPF_FUNC_for_each_map_elem);
}

/* Deletions are looked for only where the base has entries that the walk did not meet. */
static void walk_base(struct iov_pass *pass, int callback, int slot_callback)
{
	struct iov_asm *code = &pass->code;
	int done = iov_asm_label(code);
	iov_asm_value(code, BPF_REG_1, pass->maps->record, 0);
	iov_asm_load(code, 4, BPF_REG_2, BPF_REG_1, IOV_PASS_COUNTER(deletes));
	iov_asm_if(code, BPF_JEQ, BPF_REG_2, 0, done);
	iov_asm_load(code, 8, BPF_REG_2, BPF_REG_1, IOV_PASS_COUNTER(matched));
	iov_asm_load(code, 8, BPF_REG_3, BPF_REG_1, IOV_PASS_COUNTER(before));
	iov_asm_if_reg(code, BPF_JGE, BPF_REG_2, BPF_REG_3, done);
	if (iov_pass_has_slots(pass))
		walk(pass, pass->maps->slots, slot_callback);
	walk(pass, pass->maps->base, callback);
	iov_asm_place(code, done);
}

/* The counters begin anew; what the base holds is what it held. */
static void begin_run(struct iov_pass *pass)
{
	static const size_t cleared[] = {IOV_PASS_COUNTER(entries), IOV_PASS_COUNTER(changed),
					 IOV_PASS_COUNTER(dropped), IOV_PASS_COUNTER(matched)};
	struct iov_asm *code = &pass->code;
	iov_asm_value(code, BPF_REG_1, pass->maps->record, 0);
	iov_asm_set(code, BPF_REG_2, 0);
	for (size_t i = 0; i < IOV_COUNT(cleared); i++)
		iov_asm_store(code, 8, BPF_REG_1, (uint32_t)cleared[i], BPF_REG_2);
	iov_asm_load(code, 8, BPF_REG_2, BPF_REG_1, IOV_PASS_COUNTER(held));
	iov_asm_store(code, 8, BPF_REG_1, IOV_PASS_COUNTER(before), BPF_REG_2);
}

/* Arguments are the map, the key, the value and our context, which we do without. */
static void begin_callback(struct iov_pass *pass)
{
	iov_asm_copy(&pass->code, KEY, pass->maps->keys >= 0 ? BPF_REG_3 : BPF_REG_2);
	iov_asm_copy(&pass->code, FROM, BPF_REG_3);
	pass->out = iov_asm_label(&pass->code);
}

static void end_callback(struct iov_pass *pass)
{
	iov_asm_place(&pass->code, pass->out);
	iov_asm_set(&pass->code, BPF_REG_0, 0);
	iov_asm_exit(&pass->code);
}

static void place_function(struct iov_pass *pass, int label, void (*callback)(struct iov_pass *), uint32_t *ret_starts,
			   size_t *ret_count)
{
	ret_starts[(*ret_count)++] = (uint32_t)pass->code.count;
	iov_asm_place(&pass->code, label);
	begin_callback(pass);
	callback(pass);
	end_callback(pass);
}

/* Gives where each function begins. */
static void generate(struct iov_pass *pass, uint32_t *ret_starts, size_t *ret_count)
{
	struct iov_asm *code = &pass->code;
	const struct iov_pass_maps *maps = pass->maps;
	int entry = iov_asm_label(code), deletion = iov_asm_label(code), slot = iov_asm_label(code);
	bool follows = !maps->is_array && !pass->first && maps->keys < 0;
	ret_starts[0] = 0;
	*ret_count = 1;
	begin_run(pass);
	walk(pass, maps->keys >= 0 ? maps->keys : iov_pass_map_of(pass, iov_pass_source(pass)),
	     maps->keys_are_gone ? deletion : entry);
	if (follows)
		walk_base(pass, deletion, slot);
	iov_asm_set(code, BPF_REG_0, 0);
	iov_asm_exit(code);
	if (!maps->keys_are_gone)
		place_function(pass, entry, iov_pass_move_entry, ret_starts, ret_count);
	if (maps->keys_are_gone || follows)
		place_function(pass, deletion, iov_pass_follow_deletion, ret_starts, ret_count);
	if (follows && iov_pass_has_slots(pass))
		place_function(pass, slot, iov_pass_follow_slot, ret_starts, ret_count);
}

/* ---- loading and running ---- */

static void free_btf(struct btf **btf)
{
	btf__free(*btf);
}

/* The kernel takes callbacks only with types: int f(void), static but for the first. */
static int make_types(struct iov_ctx *ctx, struct btf **ret, int *ret_ids)
{
	iov_auto(free_btf) struct btf *btf = btf__new_empty();
	int word = btf ? btf__add_int(btf, "int", 4, BTF_INT_SIGNED) : -ENOMEM;
	int type = word < 0 ? word : btf__add_func_proto(btf, word);
	static const char *const names[FUNCTIONS] = {"pass", "entry", "deletion", "slot"};
	for (size_t i = 0; i < FUNCTIONS; i++) {
		ret_ids[i] =
			type < 0 ? type : btf__add_func(btf, names[i], i ? BTF_FUNC_STATIC : BTF_FUNC_GLOBAL, type);
		if (ret_ids[i] < 0)
			return iov_oom(ctx);
	}
	int rc = btf__load_into_kernel(btf);
	if (rc)
		return iov_error_errno(ctx, rc, "cannot give the kernel the types of the program that moves entries");
	*ret = iov_take(btf);
	return IOV_OK;
}

static const char *last_lines(const char *log)
{
	size_t len = strlen(log);
	return len > 800 ? log + len - 800 : log;
}

static int load_program(struct iov_ctx *ctx, const struct iov_pass *pass, const uint32_t *starts, size_t count,
			int *ret)
{
	struct bpf_func_info functions[FUNCTIONS];
	iov_auto(free_btf) struct btf *btf = NULL;
	iov_auto(iov_free_ptr) char *log = calloc(1, LOG_SIZE);
	int ids[FUNCTIONS];
	if (!log)
		return iov_oom(ctx);
	int rc = make_types(ctx, &btf, ids);
	if (rc)
		return rc;
	for (size_t i = 0; i < count; i++)
		functions[i] = (struct bpf_func_info){starts[i], (uint32_t)ids[i]};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_btf_fd = (uint32_t)btf__fd(btf), .func_info = functions,
		    .func_info_cnt = (uint32_t)count, .func_info_rec_size = sizeof(functions[0]),
		    .prog_flags = pass->maps->sleepless ? 0 : BPF_F_SLEEPABLE, .log_buf = log, .log_size = LOG_SIZE);
	enum bpf_prog_type type = pass->maps->sleepless ? BPF_PROG_TYPE_SCHED_CLS : BPF_PROG_TYPE_SYSCALL;
	int fd = bpf_prog_load(type, "iov_pass", "GPL", pass->code.insns, pass->code.count, &options);
	if (fd < 0)
		return iov_error(ctx, IOV_E_UNSUPPORTED,
				 "this kernel refuses the program that moves a map's entries (%s); let the manifest "
				 "say 'on_change: reset', or report this text: %s",
				 strerror(errno), last_lines(log));
	*ret = fd;
	return IOV_OK;
}

static void release_pass(struct iov_pass *pass)
{
	iov_asm_release(&pass->code);
}

int iov_pass_load(struct iov_ctx *ctx, const struct iov_conversion *conversion, const struct iov_pass_maps *maps,
		  enum iov_pass_kind kind, bool first, int *ret)
{
	iov_auto(release_pass) struct iov_pass pass = {.conversion = conversion,
						       .maps = maps,
						       .kind = kind,
						       .back = kind == IOV_PASS_MERGE_BACK,
						       .first = first};
	uint32_t starts[FUNCTIONS];
	size_t count = 0;
	generate(&pass, starts, &count);
	if (!iov_asm_end(&pass.code))
		return iov_error(ctx, IOV_E_CONTRACT,
				 "a map's value has too many fields to be moved one by one; make it smaller, or let "
				 "the manifest say 'on_change: reset'");
	return load_program(ctx, &pass, starts, count, ret);
}

int iov_pass_run(struct iov_ctx *ctx, int program)
{
	char frame[64] = {0}; /* a program that could see packets is given an empty one */
	LIBBPF_OPTS(bpf_test_run_opts, options);
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	if (bpf_prog_get_info_by_fd(program, &info, &len))
		return iov_error_errno(ctx, errno, "cannot ask the kernel about the program that moves entries");
	if (info.type == BPF_PROG_TYPE_SCHED_CLS) {
		options.data_in = frame;
		options.data_size_in = sizeof(frame);
	}
	if (bpf_prog_test_run_opts(program, &options))
		return iov_error_errno(ctx, errno, "cannot run the program that moves entries");
	return IOV_OK;
}
