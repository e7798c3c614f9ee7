#include "engine/pass.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/pass_fields.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define KEY IOV_PASS_KEY
#define FROM IOV_PASS_FROM
#define TO IOV_PASS_TO
#define BASE IOV_PASS_BASE
#define LOG_SIZE 65536 /* bytes of the verifier's log, of which the end is told */

/* One program in the making. */
struct pass {
	struct iov_asm code;
	const struct iov_conversion *conversion;
	const struct iov_pass_maps *maps;
	enum iov_pass_kind kind;
	bool back, first;
	int out; /* the callback's end */
};

/* ---- the record ---- */

/* What entries are built in, behind the counters. */
enum area { OLD_KEY, NEW_KEY, SNAPSHOT, BUILT, BLANK_OLD, BLANK_NEW, END };

static uint32_t padded(uint32_t size)
{
	return (size + 7) & ~7u;
}

static uint32_t area_at(const struct iov_conversion *conversion, enum area area)
{
	const struct iov_field_moves *key = &conversion->key, *value = &conversion->value;
	const uint32_t sizes[] = {key->from_size, key->to_size,	    value->from_size,
				  value->to_size, value->from_size, value->to_size};
	uint32_t at = padded(sizeof(struct iov_pass_record));
	for (int i = 0; i < (int)area; i++)
		at += padded(sizes[i]);
	return at;
}

uint32_t iov_pass_record_size(const struct iov_conversion *conversion)
{
	return area_at(conversion, END);
}

static void fill(const struct iov_field_moves *moves, char *at)
{
	for (size_t i = 0; i < moves->n_fills; i++) {
		const struct iov_fill *one = &moves->fills[i];
		const char *bytes = (const char *)&one->value;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		bytes += sizeof(one->value) - one->size;
#endif
		memcpy(at + one->offset, bytes, one->size);
	}
}

/* What is not moved is the same in every entry, so it stands there before the first. */
void iov_pass_record_init(const struct iov_conversion *conversion, void *record)
{
	memset(record, 0, iov_pass_record_size(conversion));
	fill(&conversion->key, (char *)record + area_at(conversion, NEW_KEY));
	fill(&conversion->value, (char *)record + area_at(conversion, BUILT));
	fill(&conversion->value, (char *)record + area_at(conversion, BLANK_NEW));
}

static void load_area(struct pass *pass, uint8_t reg, enum area area)
{
	iov_asm_value(&pass->code, reg, pass->maps->record, area_at(pass->conversion, area));
}

#define COUNTER(member) offsetof(struct iov_pass_record, member)

static void count(struct pass *pass, size_t counter, int32_t by)
{
	iov_asm_value(&pass->code, BPF_REG_1, pass->maps->record, (uint32_t)counter);
	iov_asm_load(&pass->code, 8, BPF_REG_2, BPF_REG_1, 0);
	iov_asm_alu(&pass->code, BPF_ADD, BPF_REG_2, by);
	iov_asm_store(&pass->code, 8, BPF_REG_1, 0, BPF_REG_2);
}

/* ---- maps ---- */

enum side { OLD, NEW, THE_BASE };

static int map_of(const struct pass *pass, enum side side)
{
	const int maps[] = {[OLD] = pass->maps->old, [NEW] = pass->maps->new, [THE_BASE] = pass->maps->base};
	return maps[side];
}

static enum side source(const struct pass *pass)
{
	return pass->back ? NEW : OLD;
}

static enum side target(const struct pass *pass)
{
	return pass->back ? OLD : NEW;
}

/* The key by which a side knows the entry; the base uses the old one. `walked` is the side that KEY is of. */
static void load_key(struct pass *pass, enum side side, enum side walked)
{
	bool is_new = side == NEW, has_new = walked == NEW;
	if (pass->conversion->key.same || is_new == has_new)
		iov_asm_copy(&pass->code, BPF_REG_2, KEY);
	else
		load_area(pass, BPF_REG_2, is_new ? NEW_KEY : OLD_KEY);
}

/* Makes the key that load_key() may ask for. */
static void convert_key(struct pass *pass, enum side walked)
{
	bool back = walked == NEW;
	if (pass->conversion->key.same)
		return;
	load_area(pass, TO, back ? OLD_KEY : NEW_KEY);
	iov_pass_convert(&pass->code, &pass->conversion->key, back, TO, KEY);
}

/* r0 = the entry's value in a map of the kernel's, or NULL. */
static void look_up_map(struct pass *pass, enum side side, enum side walked)
{
	load_key(pass, side, walked);
	iov_asm_map(&pass->code, BPF_REG_1, map_of(pass, side));
	if (pass->maps->is_percpu)
		iov_asm_add(&pass->code, BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_3, BPF_REG_10, IOV_PASS_CPU, 0);
	iov_asm_call(&pass->code, pass->maps->is_percpu ? BPF_FUNC_map_lookup_percpu_elem : BPF_FUNC_map_lookup_elem);
}

/* ---- slots ---- */

/* A slot begins with its state. A key that found its slot taken is behind it, until then and also when the slot is free
 * again; behind one that was never taken there is none. */
enum { NEVER_TAKEN, TAKEN, FREE_AGAIN };

uint32_t iov_pass_slot_size(uint32_t key_size, uint32_t value_size)
{
	return 8 + padded(key_size) + padded(value_size);
}

static bool has_slots(const struct pass *pass)
{
	return pass->maps->slots >= 0;
}

static uint32_t slot_value(const struct pass *pass)
{
	return 8 + padded(pass->conversion->key.from_size);
}

static void push(struct pass *pass, int16_t slot, uint8_t reg)
{
	iov_asm_add(&pass->code, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, reg, slot, 0);
}

static void pop(struct pass *pass, uint8_t reg, int16_t slot)
{
	iov_asm_add(&pass->code, BPF_LDX | BPF_MEM | BPF_DW, reg, BPF_REG_10, slot, 0);
}

static void set_stack(struct pass *pass, int16_t slot, int32_t value)
{
	iov_asm_add(&pass->code, BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, slot, value);
}

/* Multiplied by the golden ratio, whose upper bits are well mixed (Knuth 6.4). */
static void hash_key(struct pass *pass, enum side walked)
{
	struct iov_asm *code = &pass->code;
	uint32_t size = pass->conversion->key.from_size;
	load_key(pass, THE_BASE, walked);
	iov_asm_set(code, BPF_REG_1, 0);
	iov_asm_number(code, BPF_REG_4, 0x9e3779b97f4a7c15u);
	for (uint32_t at = 0, width; at < size; at += width) {
		width = size - at >= 8 ? 8 : size - at >= 4 ? 4 : 1;
		iov_asm_load(code, width, BPF_REG_3, BPF_REG_2, at);
		iov_asm_alu_reg(code, BPF_XOR, BPF_REG_1, BPF_REG_3);
		iov_asm_alu_reg(code, BPF_MUL, BPF_REG_1, BPF_REG_4);
		iov_asm_copy(code, BPF_REG_3, BPF_REG_1);
		iov_asm_alu(code, BPF_RSH, BPF_REG_3, 32);
		iov_asm_alu_reg(code, BPF_XOR, BPF_REG_1, BPF_REG_3);
	}
	iov_asm_alu_reg(code, BPF_MUL, BPF_REG_1, BPF_REG_4);
	iov_asm_alu(code, BPF_RSH, BPF_REG_1, 64 - (int32_t)pass->maps->slot_bits);
	iov_asm_add(code, BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, BPF_REG_1, IOV_PASS_INDEX, 0);
}

/* r0 = what the base has of the entry, or NULL; the slot's address is on the stack either way. */
static void look_up_slot(struct pass *pass, enum side walked)
{
	struct iov_asm *code = &pass->code;
	int behind = iov_asm_label(code), absent = iov_asm_label(code), done = iov_asm_label(code);
	hash_key(pass, walked);
	set_stack(pass, IOV_PASS_IN_SLOT, 0);
	iov_asm_copy(code, BPF_REG_2, BPF_REG_10);
	iov_asm_alu(code, BPF_ADD, BPF_REG_2, IOV_PASS_INDEX);
	iov_asm_map(code, BPF_REG_1, pass->maps->slots);
	iov_asm_call(code, BPF_FUNC_map_lookup_elem);
	iov_asm_if(code, BPF_JEQ, BPF_REG_0, 0, pass->out);
	push(pass, IOV_PASS_SLOT, BPF_REG_0);
	iov_asm_load(code, 8, BPF_REG_1, BPF_REG_0, 0);
	iov_asm_if(code, BPF_JEQ, BPF_REG_1, NEVER_TAKEN, absent);
	iov_asm_if(code, BPF_JNE, BPF_REG_1, TAKEN, behind);
	load_key(pass, THE_BASE, walked);
	iov_asm_if_bytes_differ(code, BPF_REG_2, 0, BPF_REG_0, 8, pass->conversion->key.from_size, behind);
	iov_asm_alu(code, BPF_ADD, BPF_REG_0, (int32_t)slot_value(pass));
	set_stack(pass, IOV_PASS_IN_SLOT, 1);
	iov_asm_goto(code, done);
	iov_asm_place(code, absent);
	iov_asm_set(code, BPF_REG_0, 0);
	iov_asm_goto(code, done);
	iov_asm_place(code, behind);
	look_up_map(pass, THE_BASE, walked);
	iov_asm_place(code, done);
}

/* r0 = the entry's value at a side, or NULL. */
static void look_up(struct pass *pass, enum side side, enum side walked)
{
	if (side == THE_BASE && has_slots(pass))
		look_up_slot(pass, walked);
	else
		look_up_map(pass, side, walked);
}

/* `reg` = the entry's value in a map; where there is none, on to `label`. */
static void find(struct pass *pass, uint8_t reg, enum side side, enum side walked, int label)
{
	look_up(pass, side, walked);
	iov_asm_if(&pass->code, BPF_JEQ, BPF_REG_0, 0, label);
	iov_asm_copy(&pass->code, reg, BPF_REG_0);
}

/* r0 = the update's result, of the value in an area. */
static void update(struct pass *pass, enum side side, enum side walked, enum area value, int32_t flags)
{
	load_key(pass, side, walked);
	load_area(pass, BPF_REG_3, value);
	iov_asm_map(&pass->code, BPF_REG_1, map_of(pass, side));
	iov_asm_set(&pass->code, BPF_REG_4, flags);
	iov_asm_call(&pass->code, BPF_FUNC_map_update_elem);
	iov_asm_alu(&pass->code, BPF_LSH, BPF_REG_0, 32); /* before 6.4 the upper half of it is anything */
	iov_asm_alu(&pass->code, BPF_ARSH, BPF_REG_0, 32);
}

static void erase(struct pass *pass, enum side side, enum side walked)
{
	load_key(pass, side, walked);
	iov_asm_map(&pass->code, BPF_REG_1, map_of(pass, side));
	iov_asm_call(&pass->code, BPF_FUNC_map_delete_elem);
}

static void erase_from_base(struct pass *pass)
{
	struct iov_asm *code = &pass->code;
	int behind = iov_asm_label(code), done = iov_asm_label(code);
	if (has_slots(pass)) {
		look_up_slot(pass, OLD);
		pop(pass, BPF_REG_1, IOV_PASS_IN_SLOT);
		iov_asm_if(code, BPF_JEQ, BPF_REG_1, 0, behind);
		pop(pass, BPF_REG_1, IOV_PASS_SLOT);
		iov_asm_set(code, BPF_REG_2, FREE_AGAIN);
		iov_asm_store(code, 8, BPF_REG_1, 0, BPF_REG_2);
		iov_asm_goto(code, done);
	}
	iov_asm_place(code, behind);
	erase(pass, THE_BASE, OLD);
	iov_asm_place(code, done);
}

static void dropped(struct pass *pass)
{
	count(pass, COUNTER(dropped), 1);
	iov_asm_goto(&pass->code, pass->out);
}

/* The entry is there afterwards, blank where it was not, and `reg` points to its value. `counter` counts new ones. */
static void ensure(struct pass *pass, uint8_t reg, enum side side, const size_t *counter)
{
	struct iov_asm *code = &pass->code;
	int made = iov_asm_label(code), there = iov_asm_label(code), full = iov_asm_label(code),
	    done = iov_asm_label(code);
	update(pass, side, source(pass), side == NEW ? BLANK_NEW : BLANK_OLD, BPF_NOEXIST);
	iov_asm_if(code, BPF_JEQ, BPF_REG_0, 0, made);
	iov_asm_if(code, BPF_JEQ, BPF_REG_0, -EEXIST, there);
	iov_asm_place(code, full);
	dropped(pass);
	iov_asm_place(code, made);
	if (counter)
		count(pass, *counter, 1);
	iov_asm_place(code, there);
	find(pass, reg, side, source(pass), full);
	iov_asm_goto(code, done);
	iov_asm_place(code, done);
}

/* r0 = 0: the base, which does not have the entry, has it from now on, with the value in an area. */
static void put_into_base(struct pass *pass, enum area value)
{
	struct iov_asm *code = &pass->code;
	int behind = iov_asm_label(code), done = iov_asm_label(code);
	if (has_slots(pass)) { /* look_up_slot() has been there */
		pop(pass, BASE, IOV_PASS_SLOT);
		iov_asm_load(code, 8, BPF_REG_1, BASE, 0);
		iov_asm_if(code, BPF_JEQ, BPF_REG_1, TAKEN, behind);
		load_key(pass, THE_BASE, source(pass));
		iov_asm_copy_bytes(code, BASE, 8, BPF_REG_2, 0, pass->conversion->key.from_size);
		load_area(pass, BPF_REG_0, value);
		iov_asm_copy_bytes(code, BASE, slot_value(pass), BPF_REG_0, 0, pass->conversion->value.from_size);
		iov_asm_set(code, BPF_REG_0, TAKEN);
		iov_asm_store(code, 8, BASE, 0, BPF_REG_0);
		iov_asm_set(code, BPF_REG_0, 0);
		iov_asm_goto(code, done);
	}
	iov_asm_place(code, behind);
	update(pass, THE_BASE, source(pass), value, BPF_ANY);
	iov_asm_place(code, done);
}

/* ---- copying ---- */

static const size_t held = COUNTER(held);

/* Into a base that is empty, and has no slots to be found, entries go unseen. */
static bool looks_first(const struct pass *pass)
{
	return !pass->first || pass->maps->is_array || has_slots(pass);
}

/* An array's entry is there; it takes what moves, and keeps the rest: a variable of the new program its first value. */
static void copy_in_place(struct pass *pass)
{
	const struct iov_field_moves *value = &pass->conversion->value;
	find(pass, TO, NEW, OLD, pass->out);
	iov_pass_convert(&pass->code, value, false, TO, FROM);
	if (pass->first)
		iov_pass_fill(&pass->code, value, TO);
	iov_pass_copy_old(&pass->code, value, BASE, FROM);
}

/* The base comes first, here and below: what it does not know would be taken for new, and counted twice. */
static void copy_percpu(struct pass *pass)
{
	const struct iov_field_moves *value = &pass->conversion->value;
	ensure(pass, BASE, THE_BASE, &held);
	iov_pass_copy_old(&pass->code, value, BASE, FROM);
	ensure(pass, TO, NEW, NULL);
	iov_pass_convert(&pass->code, value, false, TO, FROM);
}

static void copy_whole(struct pass *pass)
{
	struct iov_asm *code = &pass->code;
	int absent = iov_asm_label(code), in_base = iov_asm_label(code), put = iov_asm_label(code),
	    done = iov_asm_label(code);
	if (looks_first(pass)) {
		iov_asm_if(code, BPF_JEQ, BASE, 0, absent);
		iov_pass_copy_old(code, &pass->conversion->value, BASE, FROM);
		iov_asm_goto(code, in_base);
	}
	iov_asm_place(code, absent);
	put_into_base(pass, SNAPSHOT);
	iov_asm_if(code, BPF_JEQ, BPF_REG_0, 0, put);
	dropped(pass);
	iov_asm_place(code, put);
	count(pass, held, 1);
	iov_asm_place(code, in_base);
	load_area(pass, TO, BUILT);
	iov_pass_convert(code, &pass->conversion->value, false, TO, FROM);
	update(pass, NEW, OLD, BUILT, BPF_ANY);
	iov_asm_if(code, BPF_JEQ, BPF_REG_0, 0, done);
	dropped(pass);
	iov_asm_place(code, done);
}

/* Is the entry as the base has it? Then it is done. BASE is NULL where the base has none. */
static void skip_unchanged(struct pass *pass)
{
	struct iov_asm *code = &pass->code;
	int differs = iov_asm_label(code);
	look_up(pass, THE_BASE, OLD);
	iov_asm_copy(code, BASE, BPF_REG_0);
	iov_asm_if(code, BPF_JEQ, BASE, 0, pass->maps->is_array ? pass->out : differs);
	if (!pass->maps->is_array)
		count(pass, COUNTER(matched), 1);
	if (!pass->first) {
		iov_pass_if_old_differs(code, &pass->conversion->value, FROM, BASE, differs);
		iov_asm_goto(code, pass->out);
	}
	iov_asm_place(code, differs);
}

/* What is converted and what the base remembers are the same bytes, whoever writes the entry meanwhile. */
static void take_snapshot(struct pass *pass)
{
	load_area(pass, TO, SNAPSHOT);
	iov_pass_copy_old(&pass->code, &pass->conversion->value, TO, FROM);
	iov_asm_copy(&pass->code, FROM, TO);
}

static void copy_entry(struct pass *pass)
{
	if (looks_first(pass))
		skip_unchanged(pass);
	take_snapshot(pass);
	if (pass->maps->is_array)
		copy_in_place(pass);
	else if (pass->maps->is_percpu)
		copy_percpu(pass);
	else
		copy_whole(pass);
	count(pass, COUNTER(changed), 1);
}

/* ---- merging ---- */

/* What changed in FROM goes to TO, under the lock of its value where it has one. */
static void merge_fields(struct pass *pass, bool follow)
{
	struct iov_asm *code = &pass->code;
	const struct iov_field_moves *value = &pass->conversion->value;
	int32_t lock = pass->back ? value->from_lock : value->to_lock;
	if (lock >= 0) {
		iov_asm_copy(code, BPF_REG_1, TO);
		iov_asm_alu(code, BPF_ADD, BPF_REG_1, lock);
		iov_asm_call(code, BPF_FUNC_spin_lock);
	}
	iov_pass_merge(code, value, pass->back, follow);
	if (lock >= 0) {
		iov_asm_copy(code, BPF_REG_1, TO);
		iov_asm_alu(code, BPF_ADD, BPF_REG_1, lock);
		iov_asm_call(code, BPF_FUNC_spin_unlock);
	}
}

static void ensure_in_base(struct pass *pass)
{
	struct iov_asm *code = &pass->code;
	int put = iov_asm_label(code), full = iov_asm_label(code), done = iov_asm_label(code);
	if (!has_slots(pass)) {
		ensure(pass, BASE, THE_BASE, &held);
		return;
	}
	put_into_base(pass, BLANK_OLD);
	iov_asm_if(code, BPF_JEQ, BPF_REG_0, 0, put);
	iov_asm_place(code, full);
	dropped(pass);
	iov_asm_place(code, put);
	count(pass, held, 1);
	find(pass, BASE, THE_BASE, source(pass), full);
	iov_asm_place(code, done);
}

/* The base did not know the entry: it came after the copy. */
static void merge_fresh(struct pass *pass)
{
	const struct iov_field_moves *value = &pass->conversion->value;
	ensure_in_base(pass);
	if (pass->back)
		iov_pass_convert(&pass->code, value, true, BASE, FROM);
	else
		iov_pass_copy_old(&pass->code, value, BASE, FROM);
	ensure(pass, TO, target(pass), NULL);
	load_area(pass, BASE, BLANK_OLD);
	merge_fields(pass, false);
	count(pass, COUNTER(changed), 1);
}

/* An entry that the other side has deleted since is not brought back. */
static void merge_known(struct pass *pass)
{
	struct iov_asm *code = &pass->code;
	const struct iov_field_moves *value = &pass->conversion->value;
	int settle = iov_asm_label(code);
	if (!pass->maps->is_array)
		count(pass, COUNTER(matched), 1);
	if (!pass->back) {
		int differs = iov_asm_label(code);
		iov_pass_if_old_differs(code, value, FROM, BASE, differs);
		iov_asm_goto(code, pass->out);
		iov_asm_place(code, differs);
	}
	find(pass, TO, target(pass), source(pass), settle);
	merge_fields(pass, pass->back);
	iov_asm_place(code, settle);
	if (!pass->back) {
		iov_pass_copy_old(code, value, BASE, FROM);
		count(pass, COUNTER(changed), 1);
		return;
	}
	iov_asm_value(code, BPF_REG_1, pass->maps->record, COUNTER(changed));
	iov_asm_load(code, 8, BPF_REG_2, BPF_REG_1, 0);
	iov_asm_add(code, BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_3, BPF_REG_10, IOV_PASS_CHANGED, 0);
	iov_asm_alu_reg(code, BPF_ADD, BPF_REG_2, BPF_REG_3);
	iov_asm_store(code, 8, BPF_REG_1, 0, BPF_REG_2);
}

static void merge_entry(struct pass *pass)
{
	int fresh = iov_asm_label(&pass->code);
	find(pass, BASE, THE_BASE, source(pass), fresh);
	merge_known(pass);
	iov_asm_goto(&pass->code, pass->out);
	iov_asm_place(&pass->code, fresh);
	if (!pass->maps->is_array)
		merge_fresh(pass);
}

/* ---- callbacks ---- */

static void load_cpu(struct pass *pass)
{
	iov_asm_value(&pass->code, BPF_REG_1, pass->maps->record, COUNTER(cpu));
	iov_asm_load(&pass->code, 4, BPF_REG_2, BPF_REG_1, 0);
	iov_asm_add(&pass->code, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_2, IOV_PASS_CPU, 0);
}

/* Arguments are the map, the key, the value and our context, which we do without. */
static void begin_callback(struct pass *pass)
{
	iov_asm_copy(&pass->code, KEY, pass->maps->keys >= 0 ? BPF_REG_3 : BPF_REG_2);
	iov_asm_copy(&pass->code, FROM, BPF_REG_3);
	pass->out = iov_asm_label(&pass->code);
}

static void end_callback(struct pass *pass)
{
	iov_asm_place(&pass->code, pass->out);
	iov_asm_set(&pass->code, BPF_REG_0, 0);
	iov_asm_exit(&pass->code);
}

static void entry_callback(struct pass *pass)
{
	begin_callback(pass);
	set_stack(pass, IOV_PASS_CHANGED, 0);
	count(pass, COUNTER(entries), 1);
	if (pass->maps->is_percpu)
		load_cpu(pass);
	if (pass->maps->is_percpu || pass->maps->keys >= 0)
		find(pass, FROM, source(pass), source(pass), pass->out);
	convert_key(pass, source(pass));
	if (pass->kind == IOV_PASS_COPY)
		copy_entry(pass);
	else
		merge_entry(pass);
	end_callback(pass);
}

typedef void each_fn(struct iov_asm *code, const struct iov_field_moves *moves, bool back, int label);

static void subtract(struct iov_asm *code, const struct iov_field_moves *moves, bool back, int label)
{
	(void)label;
	iov_pass_subtract(code, moves, back);
}

/* Something with TO and BASE, for the value of each CPU. */
static void each_value(struct pass *pass, each_fn *each, int label, int missing)
{
	struct iov_asm *code = &pass->code;
	int again = iov_asm_label(code);
	set_stack(pass, IOV_PASS_CPU, 0);
	iov_asm_place(code, again);
	find(pass, BASE, THE_BASE, OLD, missing);
	find(pass, TO, target(pass), OLD, missing);
	iov_asm_copy(code, FROM, TO);
	each(code, &pass->conversion->value, pass->back, label);
	if (!pass->maps->is_percpu)
		return;
	iov_asm_add(code, BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_0, BPF_REG_10, IOV_PASS_CPU, 0);
	iov_asm_alu(code, BPF_ADD, BPF_REG_0, 1);
	iov_asm_add(code, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_0, IOV_PASS_CPU, 0);
	iov_asm_if(code, BPF_JLT, BPF_REG_0, (int32_t)pass->maps->cpus, again);
}

/*
 * An entry of the base: where its side has deleted it, it goes on the other side too. If that one has written to it
 * since, only what was copied is taken off again.
 */
static void follow_deletion(struct pass *pass)
{
	struct iov_asm *code = &pass->code;
	int touched = iov_asm_label(code), forget = iov_asm_label(code);
	set_stack(pass, IOV_PASS_CPU, 0);
	convert_key(pass, OLD);
	if (pass->maps->keys < 0) {
		look_up(pass, source(pass), OLD);
		iov_asm_if(code, BPF_JNE, BPF_REG_0, 0, pass->out);
	}
	if (pass->kind != IOV_PASS_COPY)
		each_value(pass, iov_pass_if_touched, touched, forget);
	erase(pass, target(pass), OLD);
	iov_asm_goto(code, forget);
	iov_asm_place(code, touched);
	if (pass->kind != IOV_PASS_COPY)
		each_value(pass, subtract, 0, forget);
	iov_asm_place(code, forget);
	erase_from_base(pass);
	count(pass, held, -1);
	count(pass, COUNTER(changed), 1);
	end_callback(pass);
}

static void deletion_callback(struct pass *pass)
{
	begin_callback(pass);
	follow_deletion(pass);
}

/* The same for what is in a slot. */
static void slot_callback(struct pass *pass)
{
	begin_callback(pass);
	iov_asm_load(&pass->code, 8, BPF_REG_1, FROM, 0);
	iov_asm_if(&pass->code, BPF_JNE, BPF_REG_1, TAKEN, pass->out);
	iov_asm_copy(&pass->code, KEY, FROM);
	iov_asm_alu(&pass->code, BPF_ADD, KEY, 8);
	follow_deletion(pass);
}

static void walk(struct pass *pass, int map, int callback)
{
	iov_asm_map(&pass->code, BPF_REG_1, map);
	iov_asm_callback(&pass->code, BPF_REG_2, callback);
	iov_asm_set(&pass->code, BPF_REG_3, 0);
	iov_asm_set(&pass->code, BPF_REG_4, 0);
	iov_asm_call(&pass->code, BPF_FUNC_for_each_map_elem);
}

/* Deletions are looked for only where the base has entries that the walk did not meet. */
static void walk_base(struct pass *pass, int callback, int slot_callback)
{
	struct iov_asm *code = &pass->code;
	int done = iov_asm_label(code);
	iov_asm_value(code, BPF_REG_1, pass->maps->record, 0);
	iov_asm_load(code, 4, BPF_REG_2, BPF_REG_1, COUNTER(deletes));
	iov_asm_if(code, BPF_JEQ, BPF_REG_2, 0, done);
	iov_asm_load(code, 8, BPF_REG_2, BPF_REG_1, COUNTER(matched));
	iov_asm_load(code, 8, BPF_REG_3, BPF_REG_1, COUNTER(before));
	iov_asm_if_reg(code, BPF_JGE, BPF_REG_2, BPF_REG_3, done);
	if (has_slots(pass))
		walk(pass, pass->maps->slots, slot_callback);
	walk(pass, pass->maps->base, callback);
	iov_asm_place(code, done);
}

/* The counters begin anew; what the base holds is what it held. */
static void begin_run(struct pass *pass)
{
	static const size_t cleared[] = {COUNTER(entries), COUNTER(changed), COUNTER(dropped), COUNTER(matched)};
	struct iov_asm *code = &pass->code;
	iov_asm_value(code, BPF_REG_1, pass->maps->record, 0);
	iov_asm_set(code, BPF_REG_2, 0);
	for (size_t i = 0; i < IOV_COUNT(cleared); i++)
		iov_asm_store(code, 8, BPF_REG_1, (uint32_t)cleared[i], BPF_REG_2);
	iov_asm_load(code, 8, BPF_REG_2, BPF_REG_1, COUNTER(held));
	iov_asm_store(code, 8, BPF_REG_1, COUNTER(before), BPF_REG_2);
}

#define FUNCTIONS 4

static void place_function(struct pass *pass, int label, void (*callback)(struct pass *), uint32_t *ret_starts,
			   size_t *ret_count)
{
	ret_starts[(*ret_count)++] = (uint32_t)pass->code.count;
	iov_asm_place(&pass->code, label);
	callback(pass);
}

/* Gives where each function begins. */
static void generate(struct pass *pass, uint32_t *ret_starts, size_t *ret_count)
{
	struct iov_asm *code = &pass->code;
	const struct iov_pass_maps *maps = pass->maps;
	int entry = iov_asm_label(code), deletion = iov_asm_label(code), slot = iov_asm_label(code);
	bool follows = !maps->is_array && !pass->first && maps->keys < 0;
	ret_starts[0] = 0;
	*ret_count = 1;
	begin_run(pass);
	walk(pass, maps->keys >= 0 ? maps->keys : map_of(pass, source(pass)), maps->keys_are_gone ? deletion : entry);
	if (follows)
		walk_base(pass, deletion, slot);
	iov_asm_set(code, BPF_REG_0, 0);
	iov_asm_exit(code);
	if (!maps->keys_are_gone)
		place_function(pass, entry, entry_callback, ret_starts, ret_count);
	if (maps->keys_are_gone || follows)
		place_function(pass, deletion, deletion_callback, ret_starts, ret_count);
	if (follows && has_slots(pass))
		place_function(pass, slot, slot_callback, ret_starts, ret_count);
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

static int load_program(struct iov_ctx *ctx, const struct pass *pass, const uint32_t *starts, size_t count, int *ret)
{
	struct bpf_func_info functions[FUNCTIONS];
	iov_auto(free_btf) struct btf *btf = NULL;
	iov_auto(iov_free_ptr) char *log = calloc(1, LOG_SIZE);
	int ids[FUNCTIONS];
	int rc = log ? make_types(ctx, &btf, ids) : iov_oom(ctx);
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

static void release_pass(struct pass *pass)
{
	iov_asm_release(&pass->code);
}

int iov_pass_load(struct iov_ctx *ctx, const struct iov_conversion *conversion, const struct iov_pass_maps *maps,
		  enum iov_pass_kind kind, bool first, int *ret)
{
	iov_auto(release_pass) struct pass pass = {.conversion = conversion,
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
