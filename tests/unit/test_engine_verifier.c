/* Verifiers' logs of several kernels, and what is told of them. */
#include <string.h>

#include "engine/loading.h"
#include "unit.h"

static void assert_told(const char *log, const char *expected)
{
	struct iov_ctx *ctx = unit_ctx();
	ck_assert_int_eq(iov_verifier_refusal(ctx, "guard 1.0.0", "drop", log), IOV_E_REJECTED);
	ck_assert_str_eq(iov_error_text(ctx), expected);
	unit_ctx_free(ctx);
}

/* Linux 6.1: no file names, offsets in every state. */
START_TEST(test_packet)
{
	assert_told(
		"0: R1=ctx(off=0,imm=0) R10=fp0\n"
		"; void *data = (void *)(long)ctx->data;\n"
		"0: (61) r1 = *(u32 *)(r1 +0)          ; R1_w=pkt(off=0,r=0,imm=0)\n"
		"; return *(char *)(data + 30);\n"
		"1: (71) r0 = *(u8 *)(r1 +30)\n"
		"invalid access to packet, off=30 size=1, R1(id=0,off=30,r=0)\n"
		"R1 offset is outside of the packet\n"
		"processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n",
		"the kernel's verifier refused program 'drop' of guard 1.0.0: invalid access to packet, off=30 size=1, "
		"R1(id=0,off=30,r=0); R1 offset is outside of the packet; compare the end of what is read with "
		"data_end first\n"
		"  at: return *(char *)(data + 30);\n"
		"  instruction 1: (71) r0 = *(u8 *)(r1 +30)\n"
		"  R1 is pkt(off=0,r=0,imm=0)");
}
END_TEST

/* The state of R10 is not that of R1, and a state may hold spaces within parentheses. */
START_TEST(test_state)
{
	assert_told(
		"; x = table[i]; @ guard.bpf.c:31\n"
		"9: (0f) r1 += r2                      ; R1_w=map_value(map=t,ks=4,vs=64,smin=0,umax=255,var_off=(0x0; "
		"0xff)) R10=fp0\n"
		"10: (79) r0 = *(u64 *)(r1 +0)\n"
		"R1 unbounded memory access, make sure to bounds check any such access\n"
		"processed 11 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n",
		"the kernel's verifier refused program 'drop' of guard 1.0.0: R1 unbounded memory access, make sure to "
		"bounds check any "
		"such access; bound the index before it is used\n"
		"  guard.bpf.c:31: x = table[i];\n"
		"  instruction 10: (79) r0 = *(u64 *)(r1 +0)\n"
		"  R1 is map_value(map=t,ks=4,vs=64,smin=0,umax=255,var_off=(0x0; 0xff))");
}
END_TEST

START_TEST(test_short)
{
	assert_told("", "the kernel's verifier refused program 'drop' of guard 1.0.0: it gives no reason; change the "
			"program there, and build "
			"it again");
	assert_told("BPF program is too large. Processed 1000001 insn\nprocessed 1000001 insns (limit 1000000)\n",
		    "the kernel's verifier refused program 'drop' of guard 1.0.0: BPF program is too large. Processed "
		    "1000001 insn; bound its "
		    "loops, or split the program");
}
END_TEST

/* Megabytes of a walk, and a line without end: the text stays short. */
START_TEST(test_long)
{
	struct iov_ctx *ctx = unit_ctx();
	struct iov_buf log = {0};
	for (int i = 0; i < 20000; i++)
		iov_buf_printf(&log, "%d: (bf) r2 = r1                       ; R1=ctx() R2_w=ctx()\n", i);
	iov_buf_puts(&log, "R2 !read_ok\nprocessed 20000 insns (limit 1000000)\n");
	ck_assert_int_eq(iov_verifier_refusal(ctx, "guard 1.0.0", "drop", log.data), IOV_E_REJECTED);
	ck_assert_uint_lt(strlen(iov_error_text(ctx)), 400);
	ck_assert_ptr_nonnull(strstr(iov_error_text(ctx), "R2 !read_ok"));
	iov_buf_release(&log);
	unit_ctx_free(ctx);
}
END_TEST

Suite *suite_engine_verifier(void)
{
	Suite *suite = suite_create("engine/verifier");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, test_packet);
	tcase_add_test(tcase, test_state);
	tcase_add_test(tcase, test_short);
	tcase_add_test(tcase, test_long);
	suite_add_tcase(suite, tcase);
	return suite;
}
