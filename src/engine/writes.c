/*
 * Does a program write a map? For maps of which the kernel has no read-only form, so that its verifier cannot be asked.
 *
 * The instructions are followed along every branch, with a note for each register and stack slot: may it hold the map,
 * or point into one of its values? Where ways meet the notes are added up. Functions that the program calls are
 * followed too, but their results are one note for all of them. What is lost on the way (a pointer to the stack of
 * another function, an address made of parts) is not seen.
 */
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "engine/loading.h"
#include "util/cleanup.h"

#define REGISTERS 11
#define SLOTS 64		  /* of 8 bytes: the stack of a function */
#define ATOMIC_LOAD_ACQUIRE 0x100 /* newer than the headers that we build with */
#define KERNEL_FUNCTION 2	  /* src_reg of a call: a kfunc */

enum { MAP = 1, VALUE = 2 };

struct notes {
	uint8_t registers[REGISTERS], slots[SLOTS];
	bool reached;
};

struct walk {
	const struct bpf_insn *instructions;
	size_t count;
	int map;	     /* descriptor in the instructions */
	struct notes *notes; /* before each instruction */
	size_t *todo;
	bool *waits; /* is in todo */
	size_t n_todo;
	uint8_t results; /* of the functions called, all together */
	bool found;
	struct iov_write write;
};

enum effect { WRITES_MAP, WRITES_VALUE, MAY_CREATE };

/* Helpers that write a map, or what an argument points to. */
static const struct {
	int helper, argument;
	enum effect effect;
	const char *what;
} writers[] = {
	{BPF_FUNC_map_update_elem, 1, WRITES_MAP, "calls bpf_map_update_elem()"},
	{BPF_FUNC_map_delete_elem, 1, WRITES_MAP, "calls bpf_map_delete_elem()"},
	{BPF_FUNC_map_push_elem, 1, WRITES_MAP, "calls bpf_map_push_elem()"},
	{BPF_FUNC_map_pop_elem, 1, WRITES_MAP, "calls bpf_map_pop_elem(), which takes the element"},
	{BPF_FUNC_ringbuf_output, 1, WRITES_MAP, "calls bpf_ringbuf_output()"},
	{BPF_FUNC_ringbuf_reserve, 1, WRITES_MAP, "calls bpf_ringbuf_reserve()"},
	{BPF_FUNC_ringbuf_reserve_dynptr, 1, WRITES_MAP, "calls bpf_ringbuf_reserve_dynptr()"},
	{BPF_FUNC_user_ringbuf_drain, 1, WRITES_MAP, "calls bpf_user_ringbuf_drain(), which takes the samples"},
	{BPF_FUNC_perf_event_output, 2, WRITES_MAP, "calls bpf_perf_event_output()"},
	{BPF_FUNC_skb_output, 2, WRITES_MAP, "calls bpf_skb_output()"},
	{BPF_FUNC_xdp_output, 2, WRITES_MAP, "calls bpf_xdp_output()"},
	{BPF_FUNC_get_stackid, 2, WRITES_MAP, "calls bpf_get_stackid(), which stores the stack"},
	{BPF_FUNC_sock_map_update, 2, WRITES_MAP, "calls bpf_sock_map_update()"},
	{BPF_FUNC_sock_hash_update, 2, WRITES_MAP, "calls bpf_sock_hash_update()"},
	{BPF_FUNC_sk_storage_delete, 1, WRITES_MAP, "calls bpf_sk_storage_delete()"},
	{BPF_FUNC_inode_storage_delete, 1, WRITES_MAP, "calls bpf_inode_storage_delete()"},
	{BPF_FUNC_task_storage_delete, 1, WRITES_MAP, "calls bpf_task_storage_delete()"},
	{BPF_FUNC_cgrp_storage_delete, 1, WRITES_MAP, "calls bpf_cgrp_storage_delete()"},
	{BPF_FUNC_sk_storage_get, 1, MAY_CREATE, "calls bpf_sk_storage_get() with leave to create"},
	{BPF_FUNC_inode_storage_get, 1, MAY_CREATE, "calls bpf_inode_storage_get() with leave to create"},
	{BPF_FUNC_task_storage_get, 1, MAY_CREATE, "calls bpf_task_storage_get() with leave to create"},
	{BPF_FUNC_cgrp_storage_get, 1, MAY_CREATE, "calls bpf_cgrp_storage_get() with leave to create"},
	{BPF_FUNC_kptr_xchg, 1, WRITES_VALUE, "exchanges a pointer in a value"},
	{BPF_FUNC_timer_init, 1, WRITES_VALUE, "calls bpf_timer_init()"},
	{BPF_FUNC_timer_set_callback, 1, WRITES_VALUE, "calls bpf_timer_set_callback()"},
	{BPF_FUNC_timer_start, 1, WRITES_VALUE, "calls bpf_timer_start()"},
	{BPF_FUNC_timer_cancel, 1, WRITES_VALUE, "calls bpf_timer_cancel()"},
	{BPF_FUNC_get_current_comm, 1, WRITES_VALUE, "lets bpf_get_current_comm() write a value"},
	{BPF_FUNC_probe_read, 1, WRITES_VALUE, "lets bpf_probe_read() write a value"},
	{BPF_FUNC_probe_read_str, 1, WRITES_VALUE, "lets bpf_probe_read_str() write a value"},
	{BPF_FUNC_probe_read_user, 1, WRITES_VALUE, "lets bpf_probe_read_user() write a value"},
	{BPF_FUNC_probe_read_kernel, 1, WRITES_VALUE, "lets bpf_probe_read_kernel() write a value"},
	{BPF_FUNC_probe_read_user_str, 1, WRITES_VALUE, "lets bpf_probe_read_user_str() write a value"},
	{BPF_FUNC_probe_read_kernel_str, 1, WRITES_VALUE, "lets bpf_probe_read_kernel_str() write a value"},
	{BPF_FUNC_copy_from_user, 1, WRITES_VALUE, "lets bpf_copy_from_user() write a value"},
	{BPF_FUNC_copy_from_user_task, 1, WRITES_VALUE, "lets bpf_copy_from_user_task() write a value"},
	{BPF_FUNC_snprintf, 1, WRITES_VALUE, "lets bpf_snprintf() write a value"},
	{BPF_FUNC_dynptr_read, 1, WRITES_VALUE, "lets bpf_dynptr_read() write a value"},
	{BPF_FUNC_get_stack, 2, WRITES_VALUE, "lets bpf_get_stack() write a value"},
	{BPF_FUNC_d_path, 2, WRITES_VALUE, "lets bpf_d_path() write a value"},
	{BPF_FUNC_skb_load_bytes, 3, WRITES_VALUE, "lets bpf_skb_load_bytes() write a value"},
	{BPF_FUNC_xdp_load_bytes, 3, WRITES_VALUE, "lets bpf_xdp_load_bytes() write a value"},
};

/* Helpers that give a pointer into the map. */
static const int lookups[] = {
	BPF_FUNC_map_lookup_elem,   BPF_FUNC_map_lookup_percpu_elem, BPF_FUNC_sk_storage_get,
	BPF_FUNC_inode_storage_get, BPF_FUNC_task_storage_get,	     BPF_FUNC_cgrp_storage_get,
	BPF_FUNC_get_local_storage,
};

static void report(struct walk *walk, size_t at, const char *what)
{
	if (!walk->found || at < walk->write.instruction)
		walk->write = (struct iov_write){at, what};
	walk->found = true;
}

/* The notes reach an instruction; it is looked at again when they say something new there. */
static void reach(struct walk *walk, size_t at, const struct notes *notes)
{
	if (at >= walk->count)
		return;
	struct notes *there = &walk->notes[at];
	bool news = !there->reached;
	there->reached = true;
	for (size_t i = 0; i < REGISTERS; i++) {
		news |= (notes->registers[i] & ~there->registers[i]) != 0;
		there->registers[i] |= notes->registers[i];
	}
	for (size_t i = 0; i < SLOTS; i++) {
		news |= (notes->slots[i] & ~there->slots[i]) != 0;
		there->slots[i] |= notes->slots[i];
	}
	if (!news || walk->waits[at])
		return;
	walk->waits[at] = true;
	walk->todo[walk->n_todo++] = at;
}

static size_t target(size_t at, int offset)
{
	return (size_t)((long)at + 1 + offset);
}

/* ---- calls ---- */

/* The flags of a storage_get() are its fourth argument: a constant just before, nearly always. */
static bool may_create(const struct walk *walk, size_t at)
{
	while (at-- > 0) {
		const struct bpf_insn *one = &walk->instructions[at];
		if (one->dst_reg == BPF_REG_4 && BPF_CLASS(one->code) != BPF_ST && BPF_CLASS(one->code) != BPF_STX)
			return BPF_OP(one->code) != BPF_MOV || BPF_SRC(one->code) != BPF_K || (one->imm & 1);
	}
	return true;
}

static void call_helper(struct walk *walk, size_t at, struct notes *notes)
{
	int helper = walk->instructions[at].imm;
	for (size_t i = 0; i < IOV_COUNT(writers); i++) {
		uint8_t note = writers[i].helper == helper ? notes->registers[writers[i].argument] : 0;
		if ((note & (writers[i].effect == WRITES_VALUE ? VALUE : MAP)) &&
		    (writers[i].effect != MAY_CREATE || may_create(walk, at)))
			report(walk, at, writers[i].what);
	}
	uint8_t result = 0;
	for (size_t i = 0; i < IOV_COUNT(lookups); i++)
		if (lookups[i] == helper && (notes->registers[BPF_REG_1] & MAP))
			result = VALUE;
	notes->registers[BPF_REG_0] = result;
}

/* What a kernel function does with the map is not known here. */
static void call_kernel_function(struct walk *walk, size_t at, struct notes *notes)
{
	for (int i = BPF_REG_1; i <= BPF_REG_5; i++)
		if (notes->registers[i])
			report(walk, at, "hands it to a kernel function, which may write it");
	notes->registers[BPF_REG_0] = 0;
}

static void call_own_function(struct walk *walk, size_t at, struct notes *notes)
{
	struct notes entry = {0};
	memcpy(&entry.registers[BPF_REG_1], &notes->registers[BPF_REG_1], 5);
	reach(walk, target(at, walk->instructions[at].imm), &entry);
	notes->registers[BPF_REG_0] = walk->results;
}

/* bpf_for_each_map_elem() gives the callback the map and a value; whichever callback it is. */
static void enter_callbacks(struct walk *walk, const struct notes *notes)
{
	struct notes entry = {.registers = {[BPF_REG_1] = MAP, [BPF_REG_3] = VALUE}};
	if (!(notes->registers[BPF_REG_1] & MAP))
		return;
	for (size_t i = 0; i < walk->count; i++)
		if (walk->instructions[i].code == (BPF_LD | BPF_IMM | BPF_DW) &&
		    walk->instructions[i].src_reg == BPF_PSEUDO_FUNC)
			reach(walk, target(i, walk->instructions[i].imm), &entry);
}

static void call(struct walk *walk, size_t at, struct notes *notes)
{
	const struct bpf_insn *one = &walk->instructions[at];
	if (one->src_reg == BPF_PSEUDO_CALL) {
		call_own_function(walk, at, notes);
	} else if (one->src_reg == KERNEL_FUNCTION) {
		call_kernel_function(walk, at, notes);
	} else {
		if (one->imm == BPF_FUNC_for_each_map_elem)
			enter_callbacks(walk, notes);
		call_helper(walk, at, notes);
	}
	memset(&notes->registers[BPF_REG_1], 0, 5);
}

/* ---- one instruction ---- */

static uint8_t *slot(struct notes *notes, int offset)
{
	return offset < 0 && offset >= -SLOTS * 8 ? &notes->slots[-(offset + 1) / 8] : NULL;
}

static void load(struct notes *notes, const struct bpf_insn *one)
{
	uint8_t *from = one->src_reg == BPF_REG_10 ? slot(notes, one->off) : NULL;
	notes->registers[one->dst_reg] = from ? *from : 0;
}

static void store(struct walk *walk, size_t at, struct notes *notes)
{
	const struct bpf_insn *one = &walk->instructions[at];
	bool from_register = BPF_CLASS(one->code) == BPF_STX;
	bool reads = from_register && BPF_MODE(one->code) == BPF_ATOMIC && one->imm == ATOMIC_LOAD_ACQUIRE;
	uint8_t *to = one->dst_reg == BPF_REG_10 ? slot(notes, one->off) : NULL;
	if (!reads && (notes->registers[one->dst_reg] & VALUE))
		report(walk, at, "stores into one of its values");
	if (to)
		*to = from_register ? notes->registers[one->src_reg] : 0;
}

static void compute(struct notes *notes, const struct bpf_insn *one)
{
	uint8_t source = BPF_SRC(one->code) == BPF_X ? notes->registers[one->src_reg] : 0;
	if (BPF_OP(one->code) == BPF_MOV)
		notes->registers[one->dst_reg] = source;
	else
		notes->registers[one->dst_reg] |= source;
}

static uint8_t constant(const struct walk *walk, const struct bpf_insn *one)
{
	if (one->imm != walk->map)
		return 0;
	return one->src_reg == BPF_PSEUDO_MAP_FD ? MAP : one->src_reg == BPF_PSEUDO_MAP_VALUE ? VALUE : 0;
}

static void jump(struct walk *walk, size_t at, const struct notes *notes)
{
	const struct bpf_insn *one = &walk->instructions[at];
	if (BPF_OP(one->code) == BPF_JA) {
		reach(walk, target(at, BPF_CLASS(one->code) == BPF_JMP32 ? one->imm : one->off), notes);
		return;
	}
	reach(walk, target(at, one->off), notes);
	reach(walk, at + 1, notes);
}

/* A result that is new is news to every call. */
static void leave(struct walk *walk, const struct notes *notes)
{
	struct notes more = {.registers = {[BPF_REG_0] = notes->registers[BPF_REG_0]}};
	if (!(more.registers[BPF_REG_0] & ~walk->results))
		return;
	walk->results |= more.registers[BPF_REG_0];
	for (size_t i = 0; i < walk->count; i++)
		if (walk->instructions[i].code == (BPF_JMP | BPF_CALL) &&
		    walk->instructions[i].src_reg == BPF_PSEUDO_CALL && walk->notes[i].reached)
			reach(walk, i + 1, &more);
}

static void step(struct walk *walk, size_t at)
{
	const struct bpf_insn *one = &walk->instructions[at];
	struct notes notes = walk->notes[at];
	size_t next = at + 1;
	if (one->dst_reg >= REGISTERS || one->src_reg >= REGISTERS)
		return;
	switch (BPF_CLASS(one->code)) {
	case BPF_LD: /* of the others, the result is packet data */
		notes.registers[one->code == (BPF_LD | BPF_IMM | BPF_DW) ? one->dst_reg : BPF_REG_0] =
			constant(walk, one);
		next += one->code == (BPF_LD | BPF_IMM | BPF_DW);
		break;
	case BPF_LDX:
		load(&notes, one);
		break;
	case BPF_ST:
	case BPF_STX:
		store(walk, at, &notes);
		break;
	case BPF_ALU:
	case BPF_ALU64:
		compute(&notes, one);
		break;
	default:
		if (BPF_OP(one->code) == BPF_CALL)
			call(walk, at, &notes);
		else if (BPF_OP(one->code) == BPF_EXIT)
			return leave(walk, &notes);
		else
			return jump(walk, at, &notes);
	}
	reach(walk, next, &notes);
}

int iov_writes_find(struct iov_ctx *ctx, const struct bpf_program *program, int map, bool *ret_found,
		    struct iov_write *ret)
{
	size_t count = bpf_program__insn_cnt(program);
	iov_auto(iov_free_ptr) struct notes *notes = calloc(count + 1, sizeof(*notes));
	iov_auto(iov_free_ptr) size_t *todo = calloc(count + 1, sizeof(*todo));
	iov_auto(iov_free_ptr) bool *waits = calloc(count + 1, sizeof(*waits));
	if (!notes || !todo || !waits)
		return iov_oom(ctx);
	struct walk walk = {.instructions = bpf_program__insns(program),
			    .count = count,
			    .map = map,
			    .notes = notes,
			    .todo = todo,
			    .waits = waits};
	reach(&walk, 0, &(struct notes){0});
	while (walk.n_todo) {
		size_t at = todo[--walk.n_todo];
		waits[at] = false;
		step(&walk, at);
	}
	*ret_found = walk.found;
	*ret = walk.write;
	return IOV_OK;
}
