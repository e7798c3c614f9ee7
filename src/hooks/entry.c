#include "hooks/entry.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "hooks/index.h"
#include "hooks/site.h"
#include "util/cleanup.h"

#define NAME "iov_entry"
#define SLOTS 2

void iov_entry_close(struct iov_entry *entry)
{
	iov_close_fd(&entry->program);
	iov_close_fd(&entry->slots);
	iov_close_fd(&entry->runs);
	iov_close_fd(&entry->link);
	*entry = IOV_ENTRY_NONE;
}

/* ---- the program ---- */

#define INSN(op, dst, src, offset, immediate)                                                                          \
	((struct bpf_insn){.code = (op), .dst_reg = (dst), .src_reg = (src), .off = (offset), .imm = (immediate)})
#define LOAD_MAP(dst, fd) INSN(BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_FD, 0, fd), INSN(0, 0, 0, 0, 0)
#define LOAD_VALUE(dst, fd) INSN(BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_VALUE, 0, fd), INSN(0, 0, 0, 0, 0)
#define LOAD_NUMBER(dst, number)                                                                                       \
	INSN(BPF_LD | BPF_DW | BPF_IMM, dst, 0, 0, (int32_t)(uint32_t)(number)),                                       \
		INSN(0, 0, 0, 0, (int32_t)(uint32_t)((uint64_t)(number) >> 32))
#define MOVE(dst, src) INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define SET(dst, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value)
#define ADD(dst, value) INSN(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, value)
#define AND(dst, value) INSN(BPF_ALU64 | BPF_AND | BPF_K, dst, 0, 0, value)
#define LOAD(size, dst, src, offset) INSN(BPF_LDX | (size) | BPF_MEM, dst, src, offset, 0)
#define STORE(size, dst, src, offset) INSN(BPF_STX | (size) | BPF_MEM, dst, src, offset, 0)
#define ATOMIC_ADD(size, dst, src, offset) INSN(BPF_STX | (size) | BPF_ATOMIC, dst, src, offset, BPF_ADD)
#define CALL(function) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, function)
#define JUMP(by) INSN(BPF_JMP | BPF_JA, 0, 0, by, 0)

#define INSNS_MAX 64
#define CARRY_MARK 0x696f76706b670000ull /* "iovpkg" and the slot: eight bytes in front of a packet */

struct code {
	struct bpf_insn insns[INSNS_MAX];
	size_t count;
};

#define EMIT(code, ...)                                                                                                \
	emit(code, (const struct bpf_insn[]){__VA_ARGS__},                                                             \
	     sizeof((const struct bpf_insn[]){__VA_ARGS__}) / sizeof(struct bpf_insn))

static void emit(struct code *code, const struct bpf_insn *insns, size_t count)
{
	memcpy(&code->insns[code->count], insns, count * sizeof(*insns));
	code->count += count;
}

/* R6 = context, R7 = the slot in use. */
static void emit_slot(struct code *code, const struct iov_entry_kind *kind, int index)
{
	const struct bpf_insn read = LOAD(BPF_B, BPF_REG_0, BPF_REG_1, (short)(kind->reach - 1));
	if (kind->reach)
		EMIT(code, read);
	EMIT(code, MOVE(BPF_REG_6, BPF_REG_1), LOAD_VALUE(BPF_REG_7, index), LOAD(BPF_DW, BPF_REG_7, BPF_REG_7, 0),
	     AND(BPF_REG_7, 1));
	if (kind->needs_ip)
		EMIT(code, MOVE(BPF_REG_1, BPF_REG_6), CALL(BPF_FUNC_get_func_ip));
}

/* Puts the slot in front of the packet; a driver without metadata refuses, and the index decides alone. */
static void emit_give(struct code *code)
{
	EMIT(code, MOVE(BPF_REG_1, BPF_REG_6), SET(BPF_REG_2, -8), CALL(BPF_FUNC_xdp_adjust_meta),
	     INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, 9, 0),
	     LOAD(BPF_W, BPF_REG_1, BPF_REG_6, offsetof(struct xdp_md, data_meta)),
	     LOAD(BPF_W, BPF_REG_2, BPF_REG_6, offsetof(struct xdp_md, data)), MOVE(BPF_REG_3, BPF_REG_1),
	     ADD(BPF_REG_3, 8), INSN(BPF_JMP | BPF_JGT | BPF_X, BPF_REG_3, BPF_REG_2, 4, 0),
	     LOAD_NUMBER(BPF_REG_2, CARRY_MARK), INSN(BPF_ALU64 | BPF_OR | BPF_X, BPF_REG_2, BPF_REG_7, 0, 0),
	     STORE(BPF_DW, BPF_REG_1, BPF_REG_2, 0));
}

/* A packet that met an XDP entry of ours brings its slot along. */
static void emit_take(struct code *code)
{
	EMIT(code, LOAD(BPF_W, BPF_REG_1, BPF_REG_6, offsetof(struct __sk_buff, data_meta)),
	     LOAD(BPF_W, BPF_REG_2, BPF_REG_6, offsetof(struct __sk_buff, data)), MOVE(BPF_REG_3, BPF_REG_1),
	     ADD(BPF_REG_3, 8), INSN(BPF_JMP | BPF_JGT | BPF_X, BPF_REG_3, BPF_REG_2, 6, 0),
	     LOAD(BPF_DW, BPF_REG_3, BPF_REG_1, 0), LOAD_NUMBER(BPF_REG_2, CARRY_MARK),
	     INSN(BPF_ALU64 | BPF_XOR | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0),
	     INSN(BPF_JMP | BPF_JGT | BPF_K, BPF_REG_3, 0, 1, 1), MOVE(BPF_REG_7, BPF_REG_3));
}

/*
 * The kernel lets no program run inside itself on one CPU (bpf_prog_active for perf events, prog->active for raw
 * tracepoints), so the plain addition loses nothing there; packets that meet an entry on one CPU come one by one.
 * Elsewhere, one event may interrupt another.
 */
static void emit_count(struct code *code, const struct iov_entry_kind *kind, int runs)
{
	EMIT(code, STORE(BPF_W, BPF_REG_10, BPF_REG_7, -4), MOVE(BPF_REG_2, BPF_REG_10), ADD(BPF_REG_2, -4),
	     LOAD_MAP(BPF_REG_1, runs), CALL(BPF_FUNC_map_lookup_elem),
	     INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, kind->nests ? 2 : 3, 0)); /* never; for the verifier */
	if (kind->nests)
		EMIT(code, SET(BPF_REG_1, 1), ATOMIC_ADD(BPF_DW, BPF_REG_0, BPF_REG_1, 0));
	else
		EMIT(code, LOAD(BPF_DW, BPF_REG_1, BPF_REG_0, 0), ADD(BPF_REG_1, 1),
		     STORE(BPF_DW, BPF_REG_0, BPF_REG_1, 0));
}

/* Two calls with a constant slot each, which the kernel turns into direct jumps: a call with a slot in a register costs
 * 6 ns more. */
static void emit_call(struct code *code, const struct iov_entry_kind *kind, int slots)
{
	EMIT(code, MOVE(BPF_REG_1, BPF_REG_6), LOAD_MAP(BPF_REG_2, slots),
	     INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_7, 0, 3, 0), SET(BPF_REG_3, 0), CALL(BPF_FUNC_tail_call), JUMP(2),
	     SET(BPF_REG_3, 1), CALL(BPF_FUNC_tail_call), SET(BPF_REG_0, kind->neutral),
	     INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

static int load_code(const struct iov_entry_kind *kind, const struct code *code)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = kind->attach_type, .prog_flags = kind->flags,
		    .attach_btf_id = kind->btf_id);
	return bpf_prog_load(kind->type, NAME, "Dual MIT/GPL", code->insns, code->count, &options);
}

static int load_program(const struct iov_entry_kind *kind, const struct iov_entry *maps, int index)
{
	struct code code = {.count = 0};
	emit_slot(&code, kind, index);
	if (kind->carry == IOV_CARRY_GIVE)
		emit_give(&code);
	if (kind->carry == IOV_CARRY_TAKE)
		emit_take(&code);
	emit_count(&code, kind, maps->runs);
	emit_call(&code, kind, maps->slots);
	return load_code(kind, &code);
}

int iov_entry_stand_in(struct iov_ctx *ctx, const struct iov_site *site, const struct iov_entry_kind *kind, int *ret)
{
	const struct bpf_insn read = LOAD(BPF_B, BPF_REG_0, BPF_REG_1, (short)(kind->reach - 1));
	struct code code = {.count = 0};
	if (kind->reach)
		EMIT(&code, read);
	EMIT(&code, SET(BPF_REG_0, kind->neutral), INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
	*ret = load_code(kind, &code);
	return *ret < 0 ? iov_site_refused(ctx, site, "attached to", errno) : IOV_OK;
}

static int make_maps(struct iov_ctx *ctx, const struct iov_site *site, struct iov_entry *entry)
{
	entry->slots =
		bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "iov_slots", sizeof(uint32_t), sizeof(uint32_t), SLOTS, NULL);
	if (entry->slots < 0)
		return iov_site_refused(ctx, site, "attached to", errno);
	entry->runs =
		bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "iov_runs", sizeof(uint32_t), sizeof(uint64_t), SLOTS, NULL);
	return entry->runs < 0 ? iov_site_refused(ctx, site, "attached to", errno) : IOV_OK;
}

static int load(struct iov_ctx *ctx, const struct iov_site *site, const struct iov_entry_kind *kind,
		struct iov_entry *entry)
{
	iov_auto(iov_close_fd) int index = -1;
	int rc = iov_index_open(ctx, &index);
	if (rc)
		return rc;
	entry->program = load_program(kind, entry, index);
	return entry->program < 0 ? iov_site_refused(ctx, site, "put behind an entry at", errno) : IOV_OK;
}

int iov_entry_load_filled(struct iov_ctx *ctx, const struct iov_site *site, const struct iov_entry_kind *kind,
			  int program, struct iov_entry *ret)
{
	iov_auto(iov_entry_close) struct iov_entry entry = IOV_ENTRY_NONE;
	int rc = make_maps(ctx, site, &entry);
	for (uint32_t slot = 0; !rc && program >= 0 && slot < SLOTS; slot++)
		rc = iov_entry_fill(ctx, site, &entry, slot, program);
	if (!rc)
		rc = load(ctx, site, kind, &entry);
	if (rc)
		return rc;
	*ret = entry;
	entry = IOV_ENTRY_NONE;
	return IOV_OK;
}

int iov_entry_load(struct iov_ctx *ctx, const struct iov_site *site, const struct iov_entry_kind *kind,
		   struct iov_entry *ret)
{
	return iov_entry_load_filled(ctx, site, kind, -1, ret);
}

bool iov_entry_is(uint32_t prog_id)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	iov_auto(iov_close_fd) int fd = prog_id ? bpf_prog_get_fd_by_id(prog_id) : -1;
	return fd >= 0 && !bpf_prog_get_info_by_fd(fd, &info, &len) && !strcmp(info.name, NAME);
}

/* ---- its maps ---- */

int iov_entry_open(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, struct iov_entry *ret)
{
	*ret = IOV_ENTRY_NONE;
	int rc = iov_site_open(ctx, site, dir, "links", &ret->link);
	if (!rc)
		rc = iov_site_open(ctx, site, dir, "slots", &ret->slots);
	if (!rc)
		rc = iov_site_open(ctx, site, dir, "runs", &ret->runs);
	if (rc)
		iov_entry_close(ret);
	return rc;
}

int iov_entry_pin(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, const struct iov_entry *entry)
{
	int rc = iov_site_pin(ctx, site, dir, "slots", entry->slots);
	return rc ? rc : iov_site_pin(ctx, site, dir, "runs", entry->runs);
}

int iov_entry_unpin(struct iov_ctx *ctx, const struct iov_site *site, const char *dir)
{
	int rc = iov_site_unpin(ctx, site, dir, "slots");
	return rc ? rc : iov_site_unpin(ctx, site, dir, "runs");
}

int iov_entry_fill(struct iov_ctx *ctx, const struct iov_site *site, const struct iov_entry *entry, uint32_t slot,
		   int program)
{
	uint32_t fd = (uint32_t)program;
	int err = program < 0 ? bpf_map_delete_elem(entry->slots, &slot)
			      : bpf_map_update_elem(entry->slots, &slot, &fd, BPF_ANY);
	return err && (program >= 0 || errno != ENOENT) ? iov_site_refused(ctx, site, "put behind the entry at", errno)
							: IOV_OK;
}

/* User space reads a slot of a program array as the program's id. */
int iov_entry_slot(struct iov_ctx *ctx, const struct iov_site *site, const struct iov_entry *entry, uint32_t slot,
		   uint32_t *ret)
{
	if (!bpf_map_lookup_elem(entry->slots, &slot, ret))
		return IOV_OK;
	*ret = 0;
	return errno == ENOENT ? IOV_OK : iov_site_refused(ctx, site, "asked for at", errno);
}

int iov_entry_count(struct iov_ctx *ctx, const struct iov_entry *entry, struct iov_running *ret)
{
	int cpus = libbpf_num_possible_cpus();
	iov_auto(iov_free_ptr) uint64_t *values = cpus > 0 ? calloc((size_t)cpus, sizeof(*values)) : NULL;
	if (!values)
		return iov_oom(ctx);
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		if (entry->runs < 0 || bpf_map_lookup_elem(entry->runs, &slot, values))
			return IOV_OK; /* not known */
		for (int i = 0; i < cpus; i++)
			ret->runs += values[i];
	}
	ret->runs_known = true;
	return IOV_OK;
}
