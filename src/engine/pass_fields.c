#include "engine/pass_fields.h"

#define KEY IOV_PASS_KEY
#define FROM IOV_PASS_FROM
#define TO IOV_PASS_TO
#define BASE IOV_PASS_BASE
#define UNROLLED 16u /* elements; longer arrays are loops */

/* One element of a move, by where it lies at the three pointers. */
struct element {
	const struct iov_field_move *move;
	bool back;
	bool has_base; /* else only the other two pointers are in use */
	uint8_t from_reg, to_reg;
	uint32_t from, to, base; /* offsets */
};

static const struct iov_field_place *source(const struct element *element)
{
	return element->back ? &element->move->to : &element->move->from;
}

static const struct iov_field_place *target(const struct element *element)
{
	return element->back ? &element->move->from : &element->move->to;
}

static struct element first_element(const struct iov_field_move *move, bool back)
{
	struct element element = {.move = move, .back = back, .has_base = true, .from_reg = FROM, .to_reg = TO};
	element.from = source(&element)->offset;
	element.to = target(&element)->offset;
	element.base = move->from.offset;
	return element;
}

/* ---- numbers ---- */

/* Cuts a register to the size of a place, and extends it again to 64 bits. */
static void fit(struct iov_asm *code, uint8_t reg, const struct iov_field_place *place)
{
	int32_t bits = 64 - 8 * (int32_t)place->size;
	if (!bits)
		return;
	iov_asm_alu(code, BPF_LSH, reg, bits);
	iov_asm_alu(code, place->is_signed ? BPF_ARSH : BPF_RSH, reg, bits);
}

static void load(struct iov_asm *code, uint8_t dst, uint8_t src, uint32_t off, const struct iov_field_place *place)
{
	iov_asm_load(code, place->size, dst, src, off);
	if (place->is_signed)
		fit(code, dst, place);
}

static void scale(struct iov_asm *code, uint8_t reg, uint64_t multiply, uint64_t divide)
{
	if (multiply != 1)
		iov_asm_alu(code, BPF_MUL, reg, (int32_t)multiply);
	if (divide != 1)
		iov_asm_alu(code, BPF_DIV, reg, (int32_t)divide);
}

static void to_new(struct iov_asm *code, uint8_t reg, const struct iov_field_move *move)
{
	scale(code, reg, move->multiply, move->divide);
	fit(code, reg, &move->to);
}

static void to_old(struct iov_asm *code, uint8_t reg, const struct iov_field_move *move)
{
	scale(code, reg, move->divide, move->multiply);
	fit(code, reg, &move->from);
}

static void across(struct iov_asm *code, uint8_t reg, const struct element *element)
{
	(element->back ? to_old : to_new)(code, reg, element->move);
}

/* r1 = what TO held when BASE was noted. Going back, what the new layout could not hold has no part in it. */
static void load_base(struct iov_asm *code, const struct element *element)
{
	load(code, BPF_REG_1, BASE, element->base, &element->move->from);
	to_new(code, BPF_REG_1, element->move);
	if (element->back)
		to_old(code, BPF_REG_1, element->move);
}

static bool is_atomic(const struct iov_field_place *place)
{
	return place->size >= 4 && place->offset % place->size == 0;
}

/* TO, if it is still r3, becomes r0. */
static void replace(struct iov_asm *code, const struct element *element, int done)
{
	const struct iov_field_place *place = target(element);
	if (is_atomic(place)) {
		iov_asm_copy(code, BPF_REG_2, BPF_REG_0);
		iov_asm_copy(code, BPF_REG_0, BPF_REG_3);
		iov_asm_exchange(code, place->size, TO, element->to, BPF_REG_2);
		return;
	}
	load(code, BPF_REG_4, TO, element->to, place);
	iov_asm_if_reg(code, BPF_JNE, BPF_REG_4, BPF_REG_3, done);
	iov_asm_store(code, place->size, TO, element->to, BPF_REG_0);
}

static void add(struct iov_asm *code, const struct element *element)
{
	const struct iov_field_place *place = target(element);
	if (is_atomic(place)) {
		iov_asm_atomic_add(code, place->size, TO, element->to, BPF_REG_0);
		return;
	}
	iov_asm_load(code, place->size, BPF_REG_4, TO, element->to);
	iov_asm_alu_reg(code, BPF_ADD, BPF_REG_4, BPF_REG_0);
	iov_asm_store(code, place->size, TO, element->to, BPF_REG_4);
}

static void note_change(struct iov_asm *code)
{
	iov_asm_add(code, BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, IOV_PASS_CHANGED, 1);
}

/* What BASE says from now on: r2, in the old layout. */
static void follow_base(struct iov_asm *code, const struct element *element, bool follow, uint8_t reg)
{
	if (follow)
		iov_asm_store(code, element->move->from.size, BASE, element->base, reg);
}

static void merge_sum(struct iov_asm *code, const struct element *element, bool follow, int done)
{
	load_base(code, element);
	iov_asm_if_reg(code, BPF_JEQ, BPF_REG_0, BPF_REG_1, done);
	follow_base(code, element, follow, BPF_REG_0);
	iov_asm_alu_reg(code, BPF_SUB, BPF_REG_0, BPF_REG_1);
	add(code, element);
	note_change(code);
}

static void merge_latest(struct iov_asm *code, const struct element *element, bool follow, int done)
{
	load_base(code, element);
	iov_asm_if_reg(code, BPF_JEQ, BPF_REG_0, BPF_REG_1, done);
	iov_asm_copy(code, BPF_REG_3, BPF_REG_1);
	if (element->back) /* the old side was as it is in the base, with all that the new one could not hold */
		load(code, BPF_REG_3, BASE, element->base, &element->move->from);
	follow_base(code, element, follow, BPF_REG_0);
	note_change(code);
	replace(code, element, done);
}

static void merge_max(struct iov_asm *code, const struct element *element, bool follow, int done)
{
	const struct iov_field_place *place = target(element);
	(void)follow;
	load(code, BPF_REG_3, TO, element->to, place);
	iov_asm_if_reg(code, place->is_signed ? BPF_JSLE : BPF_JLE, BPF_REG_0, BPF_REG_3, done);
	note_change(code);
	replace(code, element, done);
}

/* Zero is no time yet. */
static void merge_min(struct iov_asm *code, const struct element *element, bool follow, int done)
{
	const struct iov_field_place *place = target(element);
	int take = iov_asm_label(code);
	(void)follow;
	iov_asm_if(code, BPF_JEQ, BPF_REG_0, 0, done);
	load(code, BPF_REG_3, TO, element->to, place);
	iov_asm_if(code, BPF_JEQ, BPF_REG_3, 0, take);
	iov_asm_if_reg(code, place->is_signed ? BPF_JSGE : BPF_JGE, BPF_REG_0, BPF_REG_3, done);
	iov_asm_place(code, take);
	note_change(code);
	replace(code, element, done);
}

static void merge_number(struct iov_asm *code, const struct element *element, bool follow)
{
	static void (*const by_rule[])(struct iov_asm *, const struct element *, bool, int) = {
		[IOV_MERGE_LATEST] = merge_latest,
		[IOV_MERGE_SUM] = merge_sum,
		[IOV_MERGE_MAX] = merge_max,
		[IOV_MERGE_MIN] = merge_min,
	};
	int done = iov_asm_label(code);
	load(code, BPF_REG_0, FROM, element->from, source(element));
	across(code, BPF_REG_0, element);
	by_rule[element->move->merge](code, element, follow, done);
	iov_asm_place(code, done);
}

static void convert_number(struct iov_asm *code, const struct element *element, void *data)
{
	(void)data;
	load(code, BPF_REG_0, element->from_reg, element->from, source(element));
	across(code, BPF_REG_0, element);
	iov_asm_store(code, target(element)->size, element->to_reg, element->to, BPF_REG_0);
}

/* ---- arrays: each element alike ---- */

static void advance(struct iov_asm *code, const struct element *element, uint8_t op, uint32_t count)
{
	iov_asm_alu(code, op, element->from_reg, (int32_t)(source(element)->size * count));
	iov_asm_alu(code, op, element->to_reg, (int32_t)(target(element)->size * count));
	if (element->has_base)
		iov_asm_alu(code, op, BASE, (int32_t)(element->move->from.size * count));
}

static void next_element(struct element *element)
{
	element->from += source(element)->size;
	element->to += target(element)->size;
	element->base += element->move->from.size;
}

static int begin_loop(struct iov_asm *code, uint32_t count)
{
	int again = iov_asm_label(code);
	iov_asm_add(code, BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, IOV_PASS_LOOP, (int32_t)count);
	iov_asm_place(code, again);
	return again;
}

static void end_loop(struct iov_asm *code, int again)
{
	iov_asm_add(code, BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_0, BPF_REG_10, IOV_PASS_LOOP, 0);
	iov_asm_alu(code, BPF_SUB, BPF_REG_0, 1);
	iov_asm_add(code, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_0, IOV_PASS_LOOP, 0);
	iov_asm_if(code, BPF_JNE, BPF_REG_0, 0, again);
}

typedef void each_fn(struct iov_asm *code, const struct element *element, void *data);

/* The pointers walk over a long array, and come back. */
static void each_element(struct iov_asm *code, struct element element, each_fn *each, void *data)
{
	const uint32_t count = element.move->count;
	if (count > UNROLLED) {
		int again = begin_loop(code, count);
		each(code, &element, data);
		advance(code, &element, BPF_ADD, 1);
		end_loop(code, again);
		advance(code, &element, BPF_SUB, count);
		return;
	}
	for (uint32_t i = 0; i < count; i++, next_element(&element))
		each(code, &element, data);
}

/* ---- whole entries ---- */

static bool is_plain(const struct iov_field_move *move)
{
	return !move->is_number || (move->from.size == move->to.size && move->multiply == 1 && move->divide == 1);
}

static uint32_t length(const struct iov_field_move *move)
{
	return move->from.size * move->count;
}

/* Neighbours that stay neighbours are one run. */
static size_t run_of(const struct iov_field_moves *moves, size_t at, uint32_t *ret_len)
{
	const struct iov_field_move *first = &moves->moves[at];
	uint32_t len = length(first);
	for (at++; at < moves->n_moves; at++) {
		const struct iov_field_move *next = &moves->moves[at];
		if (!is_plain(next) || next->from.offset != first->from.offset + len ||
		    next->to.offset != first->to.offset + len)
			break;
		len += length(next);
	}
	*ret_len = len;
	return at;
}

void iov_pass_convert(struct iov_asm *code, const struct iov_field_moves *moves, bool back, uint8_t to, uint8_t from)
{
	if (moves->same) {
		iov_asm_copy_bytes(code, to, 0, from, 0, moves->to_size);
		return;
	}
	for (size_t i = 0; i < moves->n_moves;) {
		struct element element = first_element(&moves->moves[i], back);
		uint32_t len = 0;
		element.from_reg = from;
		element.to_reg = to;
		element.has_base = false;
		if (!is_plain(element.move)) {
			each_element(code, element, convert_number, NULL);
			i++;
			continue;
		}
		i = run_of(moves, i, &len);
		iov_asm_copy_bytes(code, to, element.to, from, element.from, len);
	}
}

void iov_pass_fill(struct iov_asm *code, const struct iov_field_moves *moves, uint8_t to)
{
	for (size_t i = 0; i < moves->n_fills; i++) {
		iov_asm_number(code, BPF_REG_0, moves->fills[i].value);
		iov_asm_store(code, moves->fills[i].size, to, moves->fills[i].offset, BPF_REG_0);
	}
}

void iov_pass_copy_old(struct iov_asm *code, const struct iov_field_moves *moves, uint8_t to, uint8_t from)
{
	if (!moves->has_kernel) {
		iov_asm_copy_bytes(code, to, 0, from, 0, moves->from_size);
		return;
	}
	for (size_t i = 0; i < moves->n_moves; i++)
		iov_asm_copy_bytes(code, to, moves->moves[i].from.offset, from, moves->moves[i].from.offset,
				   length(&moves->moves[i]));
}

void iov_pass_if_old_differs(struct iov_asm *code, const struct iov_field_moves *moves, uint8_t a, uint8_t b, int label)
{
	if (!moves->has_kernel) {
		iov_asm_if_bytes_differ(code, a, 0, b, 0, moves->from_size, label);
		return;
	}
	for (size_t i = 0; i < moves->n_moves; i++)
		iov_asm_if_bytes_differ(code, a, moves->moves[i].from.offset, b, moves->moves[i].from.offset,
					length(&moves->moves[i]), label);
}

/* ---- merging ---- */

static void merge_element(struct iov_asm *code, const struct element *element, void *data)
{
	merge_number(code, element, *(bool *)data);
}

/* Bytes that changed are taken together, where the other side left them alone. */
static void merge_bytes(struct iov_asm *code, const struct element *element, bool follow)
{
	uint32_t len = length(element->move);
	int changed = iov_asm_label(code), kept = iov_asm_label(code), done = iov_asm_label(code);
	iov_asm_if_bytes_differ(code, FROM, element->from, BASE, element->base, len, changed);
	iov_asm_goto(code, done);
	iov_asm_place(code, changed);
	note_change(code);
	iov_asm_if_bytes_differ(code, TO, element->to, BASE, element->base, len, kept);
	iov_asm_copy_bytes(code, TO, element->to, FROM, element->from, len);
	iov_asm_place(code, kept);
	if (follow)
		iov_asm_copy_bytes(code, BASE, element->base, FROM, element->from, len);
	iov_asm_place(code, done);
}

void iov_pass_merge(struct iov_asm *code, const struct iov_field_moves *moves, bool back, bool follow)
{
	for (size_t i = 0; i < moves->n_moves; i++) {
		const struct element element = first_element(&moves->moves[i], back);
		if (element.move->is_number)
			each_element(code, element, merge_element, &follow);
		else
			merge_bytes(code, &element, follow);
	}
}

static void touched_element(struct iov_asm *code, const struct element *element, void *data)
{
	load(code, BPF_REG_0, TO, element->to, target(element));
	load(code, BPF_REG_1, BASE, element->base, &element->move->from);
	if (!element->back)
		to_new(code, BPF_REG_1, element->move);
	iov_asm_if_reg(code, BPF_JNE, BPF_REG_0, BPF_REG_1, *(int *)data);
}

void iov_pass_if_touched(struct iov_asm *code, const struct iov_field_moves *moves, bool back, int label)
{
	for (size_t i = 0; i < moves->n_moves; i++) {
		const struct element element = first_element(&moves->moves[i], back);
		if (element.move->is_number)
			each_element(code, element, touched_element, &label);
		else
			iov_asm_if_bytes_differ(code, TO, element.to, BASE, element.base, length(element.move), label);
	}
}

static void subtract_element(struct iov_asm *code, const struct element *element, void *data)
{
	(void)data;
	load_base(code, element);
	iov_asm_set(code, BPF_REG_0, 0);
	iov_asm_alu_reg(code, BPF_SUB, BPF_REG_0, BPF_REG_1);
	add(code, element);
}

void iov_pass_subtract(struct iov_asm *code, const struct iov_field_moves *moves, bool back)
{
	for (size_t i = 0; i < moves->n_moves; i++)
		if (moves->moves[i].is_number && moves->moves[i].merge == IOV_MERGE_SUM)
			each_element(code, first_element(&moves->moves[i], back), subtract_element, NULL);
}
