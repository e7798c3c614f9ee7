/* What a pass does with an entry of the base that its side may have deleted. */
#include "engine/pass_program.h"

#include "engine/pass_fields.h"

#define KEY IOV_PASS_KEY
#define FROM IOV_PASS_FROM
#define TO IOV_PASS_TO
#define BASE IOV_PASS_BASE

typedef void each_fn(struct iov_asm *code, const struct iov_field_moves *moves, bool back, int label);

static void subtract(struct iov_asm *code, const struct iov_field_moves *moves, bool back, int label)
{
	(void)label;
	iov_pass_subtract(code, moves, back);
}

/* Something with TO and BASE, for the value of each CPU. */
static void each_value(struct iov_pass *pass, each_fn *each, int label, int missing)
{
	struct iov_asm *code = &pass->code;
	int again = iov_asm_label(code);
	iov_pass_set_stack(pass, IOV_PASS_CPU, 0);
	iov_asm_place(code, again);
	iov_pass_find(pass, BASE, IOV_SIDE_BASE, IOV_SIDE_OLD, missing);
	iov_pass_find(pass, TO, iov_pass_target(pass), IOV_SIDE_OLD, missing);
	iov_asm_copy(code, FROM, TO);
	each(code, &pass->conversion->value, pass->back, label);
	if (!pass->maps->is_percpu)
		return;
	iov_asm_add(code, BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_0, BPF_REG_10, IOV_PASS_CPU, 0);
	iov_asm_alu(code, BPF_ADD, BPF_REG_0, 1);
	iov_asm_add(code, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_0, IOV_PASS_CPU, 0);
	iov_asm_if(code, BPF_JLT, BPF_REG_0, (int32_t)pass->maps->cpus, again);
}

void iov_pass_follow_deletion(struct iov_pass *pass)
{
	struct iov_asm *code = &pass->code;
	int touched = iov_asm_label(code), forget = iov_asm_label(code);
	iov_pass_set_stack(pass, IOV_PASS_CPU, 0);
	iov_pass_convert_key(pass, IOV_SIDE_OLD);
	if (pass->maps->keys < 0) {
		iov_pass_look_up(pass, iov_pass_source(pass), IOV_SIDE_OLD);
		iov_asm_if(code, BPF_JNE, BPF_REG_0, 0, pass->out);
	}
	if (pass->kind != IOV_PASS_COPY)
		each_value(pass, iov_pass_if_touched, touched, forget);
	iov_pass_erase(pass, iov_pass_target(pass), IOV_SIDE_OLD);
	iov_asm_goto(code, forget);
	iov_asm_place(code, touched);
	if (pass->kind != IOV_PASS_COPY)
		each_value(pass, subtract, 0, forget);
	iov_asm_place(code, forget);
	iov_pass_erase_from_base(pass, IOV_SIDE_OLD);
	iov_pass_count(pass, IOV_PASS_COUNTER(held), -1);
	iov_pass_count(pass, IOV_PASS_COUNTER(changed), 1);
}

/* The same for what is in a slot. */
void iov_pass_follow_slot(struct iov_pass *pass)
{
	iov_asm_load(&pass->code, 8, BPF_REG_1, FROM, 0);
	iov_asm_if(&pass->code, BPF_JNE, BPF_REG_1, IOV_SLOT_TAKEN, pass->out);
	iov_asm_copy(&pass->code, KEY, FROM);
	iov_asm_alu(&pass->code, BPF_ADD, KEY, 8);
	iov_pass_follow_deletion(pass);
}
