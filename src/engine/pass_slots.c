/* The base of a map in migration: its slots, and the hash map behind them. */
#include "engine/pass_program.h"

#define BASE IOV_PASS_BASE

uint32_t iov_pass_slot_size(uint32_t key_size, uint32_t value_size)
{
	return 8 + iov_pass_padded(key_size) + iov_pass_padded(value_size);
}

bool iov_pass_has_slots(const struct iov_pass *pass)
{
	return pass->maps->slots >= 0;
}

static uint32_t slot_value(const struct iov_pass *pass)
{
	return 8 + iov_pass_padded(pass->conversion->key.from_size);
}

static void push(struct iov_pass *pass, int16_t slot, uint8_t reg)
{
	iov_asm_add(&pass->code, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, reg, slot, 0);
}

static void pop(struct iov_pass *pass, uint8_t reg, int16_t slot)
{
	iov_asm_add(&pass->code, BPF_LDX | BPF_MEM | BPF_DW, reg, BPF_REG_10, slot, 0);
}

/* Multiplied by the golden ratio, whose upper bits are well mixed (Knuth 6.4). */
static void hash_key(struct iov_pass *pass, enum iov_pass_side walked)
{
	struct iov_asm *code = &pass->code;
	uint32_t size = pass->conversion->key.from_size;
	iov_pass_load_key(pass, IOV_SIDE_BASE, walked);
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

void iov_pass_look_up_slot(struct iov_pass *pass, enum iov_pass_side walked)
{
	struct iov_asm *code = &pass->code;
	int behind = iov_asm_label(code), absent = iov_asm_label(code), done = iov_asm_label(code);
	hash_key(pass, walked);
	iov_pass_set_stack(pass, IOV_PASS_IN_SLOT, 0);
	iov_asm_copy(code, BPF_REG_2, BPF_REG_10);
	iov_asm_alu(code, BPF_ADD, BPF_REG_2, IOV_PASS_INDEX);
	iov_asm_map(code, BPF_REG_1, pass->maps->slots);
	iov_asm_call(code, BPF_FUNC_map_lookup_elem);
	iov_asm_if(code, BPF_JEQ, BPF_REG_0, 0, pass->out);
	push(pass, IOV_PASS_SLOT, BPF_REG_0);
	iov_asm_load(code, 8, BPF_REG_1, BPF_REG_0, 0);
	iov_asm_if(code, BPF_JEQ, BPF_REG_1, IOV_SLOT_NEVER_TAKEN, absent);
	iov_asm_if(code, BPF_JNE, BPF_REG_1, IOV_SLOT_TAKEN, behind);
	iov_pass_load_key(pass, IOV_SIDE_BASE, walked);
	iov_asm_if_bytes_differ(code, BPF_REG_2, 0, BPF_REG_0, 8, pass->conversion->key.from_size, behind);
	iov_asm_alu(code, BPF_ADD, BPF_REG_0, (int32_t)slot_value(pass));
	iov_pass_set_stack(pass, IOV_PASS_IN_SLOT, 1);
	iov_asm_goto(code, done);
	iov_asm_place(code, absent);
	iov_asm_set(code, BPF_REG_0, 0);
	iov_asm_goto(code, done);
	iov_asm_place(code, behind);
	iov_pass_look_up_map(pass, IOV_SIDE_BASE, walked);
	iov_asm_place(code, done);
}

void iov_pass_erase_from_base(struct iov_pass *pass, enum iov_pass_side walked)
{
	struct iov_asm *code = &pass->code;
	int behind = iov_asm_label(code), done = iov_asm_label(code);
	if (iov_pass_has_slots(pass)) {
		iov_pass_look_up_slot(pass, walked);
		pop(pass, BPF_REG_1, IOV_PASS_IN_SLOT);
		iov_asm_if(code, BPF_JEQ, BPF_REG_1, 0, behind);
		pop(pass, BPF_REG_1, IOV_PASS_SLOT);
		iov_asm_set(code, BPF_REG_2, IOV_SLOT_FREE_AGAIN);
		iov_asm_store(code, 8, BPF_REG_1, 0, BPF_REG_2);
		iov_asm_goto(code, done);
	}
	iov_asm_place(code, behind);
	iov_pass_erase(pass, IOV_SIDE_BASE, walked);
	iov_asm_place(code, done);
}

void iov_pass_put_into_base(struct iov_pass *pass, enum iov_pass_area value)
{
	struct iov_asm *code = &pass->code;
	int behind = iov_asm_label(code), done = iov_asm_label(code);
	if (iov_pass_has_slots(pass)) { /* iov_pass_look_up_slot() has been there */
		pop(pass, BASE, IOV_PASS_SLOT);
		iov_asm_load(code, 8, BPF_REG_1, BASE, 0);
		iov_asm_if(code, BPF_JEQ, BPF_REG_1, IOV_SLOT_TAKEN, behind);
		iov_pass_load_key(pass, IOV_SIDE_BASE, iov_pass_source(pass));
		iov_asm_copy_bytes(code, BASE, 8, BPF_REG_2, 0, pass->conversion->key.from_size);
		iov_pass_load_area(pass, BPF_REG_0, value);
		iov_asm_copy_bytes(code, BASE, slot_value(pass), BPF_REG_0, 0, pass->conversion->value.from_size);
		iov_asm_set(code, BPF_REG_0, IOV_SLOT_TAKEN);
		iov_asm_store(code, 8, BASE, 0, BPF_REG_0);
		iov_asm_set(code, BPF_REG_0, 0);
		iov_asm_goto(code, done);
	}
	iov_asm_place(code, behind);
	iov_pass_update(pass, IOV_SIDE_BASE, iov_pass_source(pass), value, BPF_ANY);
	iov_asm_place(code, done);
}
