/* Entries found, written and deleted in the maps of a pass. */
#include "engine/pass_program.h"

#include <errno.h>

#define KEY IOV_PASS_KEY
#define TO IOV_PASS_TO

int iov_pass_map_of(const struct iov_pass *pass, enum iov_pass_side side)
{
	const int maps[] = {
		[IOV_SIDE_OLD] = pass->maps->old, [IOV_SIDE_NEW] = pass->maps->new, [IOV_SIDE_BASE] = pass->maps->base};
	return maps[side];
}

enum iov_pass_side iov_pass_source(const struct iov_pass *pass)
{
	return pass->back ? IOV_SIDE_NEW : IOV_SIDE_OLD;
}

enum iov_pass_side iov_pass_target(const struct iov_pass *pass)
{
	return pass->back ? IOV_SIDE_OLD : IOV_SIDE_NEW;
}

void iov_pass_load_key(struct iov_pass *pass, enum iov_pass_side side, enum iov_pass_side walked)
{
	bool is_new = side == IOV_SIDE_NEW, has_new = walked == IOV_SIDE_NEW;
	if (pass->conversion->key.same || is_new == has_new)
		iov_asm_copy(&pass->code, BPF_REG_2, KEY);
	else
		iov_pass_load_area(pass, BPF_REG_2, is_new ? IOV_AREA_NEW_KEY : IOV_AREA_OLD_KEY);
}

void iov_pass_convert_key(struct iov_pass *pass, enum iov_pass_side walked)
{
	bool back = walked == IOV_SIDE_NEW;
	if (pass->conversion->key.same)
		return;
	iov_pass_load_area(pass, TO, back ? IOV_AREA_OLD_KEY : IOV_AREA_NEW_KEY);
	iov_pass_convert(&pass->code, &pass->conversion->key, back, TO, KEY);
}

void iov_pass_look_up_map(struct iov_pass *pass, enum iov_pass_side side, enum iov_pass_side walked)
{
	iov_pass_load_key(pass, side, walked);
	iov_asm_map(&pass->code, BPF_REG_1, iov_pass_map_of(pass, side));
	if (pass->maps->is_percpu)
		iov_asm_add(&pass->code, BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_3, BPF_REG_10, IOV_PASS_CPU, 0);
	iov_asm_call(&pass->code, pass->maps->is_percpu ? BPF_FUNC_map_lookup_percpu_elem : BPF_FUNC_map_lookup_elem);
}

void iov_pass_look_up(struct iov_pass *pass, enum iov_pass_side side, enum iov_pass_side walked)
{
	if (side == IOV_SIDE_BASE && iov_pass_has_slots(pass))
		iov_pass_look_up_slot(pass, walked);
	else
		iov_pass_look_up_map(pass, side, walked);
}

void iov_pass_find(struct iov_pass *pass, uint8_t reg, enum iov_pass_side side, enum iov_pass_side walked, int label)
{
	iov_pass_look_up(pass, side, walked);
	iov_asm_if(&pass->code, BPF_JEQ, BPF_REG_0, 0, label);
	iov_asm_copy(&pass->code, reg, BPF_REG_0);
}

void iov_pass_update(struct iov_pass *pass, enum iov_pass_side side, enum iov_pass_side walked,
		     enum iov_pass_area value, int32_t flags)
{
	iov_pass_load_key(pass, side, walked);
	iov_pass_load_area(pass, BPF_REG_3, value);
	iov_asm_map(&pass->code, BPF_REG_1, iov_pass_map_of(pass, side));
	iov_asm_set(&pass->code, BPF_REG_4, flags);
	iov_asm_call(&pass->code, BPF_FUNC_map_update_elem);
	iov_asm_alu(&pass->code, BPF_LSH, BPF_REG_0, 32); /* before 6.4 the upper half of it is anything */
	iov_asm_alu(&pass->code, BPF_ARSH, BPF_REG_0, 32);
}

void iov_pass_erase(struct iov_pass *pass, enum iov_pass_side side, enum iov_pass_side walked)
{
	iov_pass_load_key(pass, side, walked);
	iov_asm_map(&pass->code, BPF_REG_1, iov_pass_map_of(pass, side));
	iov_asm_call(&pass->code, BPF_FUNC_map_delete_elem);
}

void iov_pass_drop(struct iov_pass *pass)
{
	iov_pass_count(pass, IOV_PASS_COUNTER(dropped), 1);
	iov_asm_goto(&pass->code, pass->out);
}

void iov_pass_drop_from_base(struct iov_pass *pass)
{
	iov_pass_erase_from_base(pass, iov_pass_source(pass));
	iov_pass_count(pass, IOV_PASS_COUNTER(held), -1);
	iov_pass_drop(pass);
}

void iov_pass_ensure(struct iov_pass *pass, uint8_t reg, enum iov_pass_side side, const size_t *counter)
{
	struct iov_asm *code = &pass->code;
	int made = iov_asm_label(code), there = iov_asm_label(code), full = iov_asm_label(code),
	    done = iov_asm_label(code);
	iov_pass_update(pass, side, iov_pass_source(pass),
			side == IOV_SIDE_NEW ? IOV_AREA_BLANK_NEW : IOV_AREA_BLANK_OLD, BPF_NOEXIST);
	iov_asm_if(code, BPF_JEQ, BPF_REG_0, 0, made);
	iov_asm_if(code, BPF_JEQ, BPF_REG_0, -EEXIST, there);
	iov_asm_place(code, full);
	if (side == IOV_SIDE_BASE)
		iov_pass_drop(pass);
	else
		iov_pass_drop_from_base(pass);
	iov_asm_place(code, made);
	if (counter)
		iov_pass_count(pass, *counter, 1);
	iov_asm_place(code, there);
	iov_pass_find(pass, reg, side, iov_pass_source(pass), full);
	iov_asm_goto(code, done);
	iov_asm_place(code, done);
}
