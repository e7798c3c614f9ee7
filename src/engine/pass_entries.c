/* What a pass does with an entry that it meets: copies or merges it. */
#include "engine/pass_program.h"

#include "engine/pass_fields.h"

#define FROM IOV_PASS_FROM
#define TO IOV_PASS_TO
#define BASE IOV_PASS_BASE

static const size_t held = IOV_PASS_COUNTER(held);

/* ---- copying ---- */

/* Into a base that is empty, and has no slots to be found, entries go unseen. */
static bool looks_first(const struct iov_pass *pass)
{
	return !pass->first || pass->maps->is_array || iov_pass_has_slots(pass);
}

/* An array's entry is there; it takes what moves, and keeps the rest: a variable of the new program its first value. */
static void copy_in_place(struct iov_pass *pass)
{
	const struct iov_field_moves *value = &pass->conversion->value;
	iov_pass_find(pass, TO, IOV_SIDE_NEW, IOV_SIDE_OLD, pass->out);
	iov_pass_convert(&pass->code, value, false, TO, FROM);
	if (pass->first)
		iov_pass_fill(&pass->code, value, TO);
	iov_pass_copy_old(&pass->code, value, BASE, FROM);
}

/* The base comes first, here and below: what it does not know would be taken for new, and counted twice. */
static void copy_percpu(struct iov_pass *pass)
{
	const struct iov_field_moves *value = &pass->conversion->value;
	iov_pass_ensure(pass, BASE, IOV_SIDE_BASE, &held);
	iov_pass_copy_old(&pass->code, value, BASE, FROM);
	iov_pass_ensure(pass, TO, IOV_SIDE_NEW, NULL);
	iov_pass_convert(&pass->code, value, false, TO, FROM);
}

static void copy_whole(struct iov_pass *pass)
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
	iov_pass_put_into_base(pass, IOV_AREA_SNAPSHOT);
	iov_asm_if(code, BPF_JEQ, BPF_REG_0, 0, put);
	iov_pass_drop(pass);
	iov_asm_place(code, put);
	iov_pass_count(pass, held, 1);
	iov_asm_place(code, in_base);
	iov_pass_load_area(pass, TO, IOV_AREA_BUILT);
	iov_pass_convert(code, &pass->conversion->value, false, TO, FROM);
	iov_pass_update(pass, IOV_SIDE_NEW, IOV_SIDE_OLD, IOV_AREA_BUILT, BPF_ANY);
	iov_asm_if(code, BPF_JEQ, BPF_REG_0, 0, done);
	iov_pass_drop_from_base(pass);
	iov_asm_place(code, done);
}

/* Is the entry as the base has it? Then it is done. BASE is NULL where the base has none. */
static void skip_unchanged(struct iov_pass *pass)
{
	struct iov_asm *code = &pass->code;
	int differs = iov_asm_label(code);
	iov_pass_look_up(pass, IOV_SIDE_BASE, IOV_SIDE_OLD);
	iov_asm_copy(code, BASE, BPF_REG_0);
	iov_asm_if(code, BPF_JEQ, BASE, 0, pass->maps->is_array ? pass->out : differs);
	if (!pass->maps->is_array)
		iov_pass_count(pass, IOV_PASS_COUNTER(matched), 1);
	if (!pass->first) {
		iov_pass_if_old_differs(code, &pass->conversion->value, FROM, BASE, differs);
		iov_asm_goto(code, pass->out);
	}
	iov_asm_place(code, differs);
}

/* What is converted and what the base remembers are the same bytes, whoever writes the entry meanwhile. */
static void take_snapshot(struct iov_pass *pass)
{
	iov_pass_load_area(pass, TO, IOV_AREA_SNAPSHOT);
	iov_pass_copy_old(&pass->code, &pass->conversion->value, TO, FROM);
	iov_asm_copy(&pass->code, FROM, TO);
}

static void copy_entry(struct iov_pass *pass)
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
	iov_pass_count(pass, IOV_PASS_COUNTER(changed), 1);
}

/* ---- merging ---- */

/* What changed in FROM goes to TO, under the lock of its value where it has one. */
static void merge_fields(struct iov_pass *pass, bool follow)
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

static void ensure_in_base(struct iov_pass *pass)
{
	struct iov_asm *code = &pass->code;
	int put = iov_asm_label(code), full = iov_asm_label(code), done = iov_asm_label(code);
	if (!iov_pass_has_slots(pass)) {
		iov_pass_ensure(pass, BASE, IOV_SIDE_BASE, &held);
		return;
	}
	iov_pass_put_into_base(pass, IOV_AREA_BLANK_OLD);
	iov_asm_if(code, BPF_JEQ, BPF_REG_0, 0, put);
	iov_asm_place(code, full);
	iov_pass_drop(pass);
	iov_asm_place(code, put);
	iov_pass_count(pass, held, 1);
	iov_pass_find(pass, BASE, IOV_SIDE_BASE, iov_pass_source(pass), full);
	iov_asm_place(code, done);
}

/* The base did not know the entry: it came after the copy. */
static void merge_fresh(struct iov_pass *pass)
{
	const struct iov_field_moves *value = &pass->conversion->value;
	ensure_in_base(pass);
	if (pass->back)
		iov_pass_convert(&pass->code, value, true, BASE, FROM);
	else
		iov_pass_copy_old(&pass->code, value, BASE, FROM);
	iov_pass_ensure(pass, TO, iov_pass_target(pass), NULL);
	iov_pass_load_area(pass, BASE, IOV_AREA_BLANK_OLD);
	merge_fields(pass, false);
	iov_pass_count(pass, IOV_PASS_COUNTER(changed), 1);
}

/* An entry that the other side has deleted since is not brought back. */
static void merge_known(struct iov_pass *pass)
{
	struct iov_asm *code = &pass->code;
	const struct iov_field_moves *value = &pass->conversion->value;
	int settle = iov_asm_label(code);
	if (!pass->maps->is_array)
		iov_pass_count(pass, IOV_PASS_COUNTER(matched), 1);
	if (!pass->back) {
		int differs = iov_asm_label(code);
		iov_pass_if_old_differs(code, value, FROM, BASE, differs);
		iov_asm_goto(code, pass->out);
		iov_asm_place(code, differs);
	}
	iov_pass_find(pass, TO, iov_pass_target(pass), iov_pass_source(pass), settle);
	merge_fields(pass, pass->back);
	iov_asm_place(code, settle);
	if (!pass->back) {
		iov_pass_copy_old(code, value, BASE, FROM);
		iov_pass_count(pass, IOV_PASS_COUNTER(changed), 1);
		return;
	}
	iov_asm_value(code, BPF_REG_1, pass->maps->record, IOV_PASS_COUNTER(changed));
	iov_asm_load(code, 8, BPF_REG_2, BPF_REG_1, 0);
	iov_asm_add(code, BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_3, BPF_REG_10, IOV_PASS_CHANGED, 0);
	iov_asm_alu_reg(code, BPF_ADD, BPF_REG_2, BPF_REG_3);
	iov_asm_store(code, 8, BPF_REG_1, 0, BPF_REG_2);
}

static void merge_entry(struct iov_pass *pass)
{
	int fresh = iov_asm_label(&pass->code);
	iov_pass_find(pass, BASE, IOV_SIDE_BASE, iov_pass_source(pass), fresh);
	merge_known(pass);
	iov_asm_goto(&pass->code, pass->out);
	iov_asm_place(&pass->code, fresh);
	if (!pass->maps->is_array)
		merge_fresh(pass);
}

/* ---- either ---- */

static void load_cpu(struct iov_pass *pass)
{
	iov_asm_value(&pass->code, BPF_REG_1, pass->maps->record, IOV_PASS_COUNTER(cpu));
	iov_asm_load(&pass->code, 4, BPF_REG_2, BPF_REG_1, 0);
	iov_asm_add(&pass->code, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_2, IOV_PASS_CPU, 0);
}

void iov_pass_move_entry(struct iov_pass *pass)
{
	iov_pass_set_stack(pass, IOV_PASS_CHANGED, 0);
	iov_pass_count(pass, IOV_PASS_COUNTER(entries), 1);
	if (pass->maps->is_percpu)
		load_cpu(pass);
	if (pass->maps->is_percpu || pass->maps->keys >= 0)
		iov_pass_find(pass, FROM, iov_pass_source(pass), iov_pass_source(pass), pass->out);
	iov_pass_convert_key(pass, iov_pass_source(pass));
	if (pass->kind == IOV_PASS_COPY)
		copy_entry(pass);
	else
		merge_entry(pass);
}
