/* Values of BTF types as JSON; the types are made up here. (test_engine_load.c decodes what a program wrote.) */
#include <bpf/btf.h>
#include <string.h>

#include "engine/events.h"
#include "unit.h"
#include "util/cleanup.h"

struct types {
	struct btf *btf;
	int character, u8, s32, u64, u128, tail, record, self;
};

static void make_types(struct types *types)
{
	struct btf *btf = types->btf = btf__new_empty();
	types->character = btf__add_int(btf, "char", 1, BTF_INT_SIGNED);
	types->u8 = btf__add_int(btf, "unsigned char", 1, 0);
	types->s32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	types->u64 = btf__add_int(btf, "unsigned long", 8, 0);
	types->u128 = btf__add_int(btf, "unsigned __int128", 16, 0);
	types->tail = btf__add_array(btf, types->s32, types->character, 0);
	types->record = btf__add_struct(btf, "record", 8);
	btf__add_field(btf, "number", types->s32, 0, 0);
	btf__add_field(btf, "small", types->s32, 32, 3);
	btf__add_field(btf, "rest", types->s32, 35, 29);
	btf__add_field(btf, "text", types->tail, 64, 0);
	types->self = btf__add_struct(btf, "self", 8); /* a struct that holds itself: BTF from outside may say so */
	btf__add_field(btf, "self", btf__type_cnt(btf) - 1, 0, 0);
}

static void assert_decoded(int type, const struct types *types, const void *data, size_t len, const char *expected)
{
	struct iov_ctx *ctx = unit_ctx();
	iov_auto(iov_json_release) json_t *json = NULL;
	unit_ok(ctx, iov_decode_value(ctx, types->btf, (uint32_t)type, data, len, &json));
	iov_auto(iov_free_ptr) char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	ck_assert_str_eq(text, expected);
	unit_ctx_free(ctx);
}

START_TEST(test_values)
{
	struct types types;
	make_types(&types);
	assert_decoded(types.s32, &types, (int[]){-5}, 4, "-5");
	assert_decoded(types.u64, &types, (uint64_t[]){INT64_MAX}, 8, "9223372036854775807");
	assert_decoded(types.u64, &types, (uint64_t[]){UINT64_MAX}, 8, "\"18446744073709551615\"");
	assert_decoded(types.u128, &types, (uint64_t[]){1, 2}, 16, "\"0x00000000000000020000000000000001\"");
	struct {
		int number, small : 3, rest : 29;
		char text[4];
	} record = {7, -3, 1000, {'a', 'b', 'c', 0}};
	assert_decoded(types.record, &types, &record, sizeof(record),
		       "{\"number\":7,\"small\":-3,\"rest\":1000,\"text\":\"abc\"}");
	assert_decoded(types.record, &types, &record, 10, "{\"number\":7,\"small\":-3,\"rest\":1000,\"text\":\"ab\"}");
	record.text[1] = (char)0xff; /* no UTF-8 */
	assert_decoded(types.record, &types, &record, sizeof(record),
		       "{\"number\":7,\"small\":-3,\"rest\":1000,\"text\":\"a?c\"}");
	btf__free(types.btf);
}
END_TEST

START_TEST(test_refused)
{
	struct types types;
	struct iov_ctx *ctx = unit_ctx();
	json_t *json = NULL;
	make_types(&types);
	unit_fails(ctx, iov_decode_value(ctx, types.btf, (uint32_t)types.record, "1234567", 7, &json), IOV_E_CONTRACT,
		   "an event has 7 bytes, and its type needs 8");
	unit_fails(ctx, iov_decode_value(ctx, types.btf, (uint32_t)types.self, "12345678", 8, &json), IOV_E_INPUT,
		   "more than 32 levels");
	unit_fails(ctx, iov_decode_value(ctx, types.btf, 999, "1", 1, &json), IOV_E_INPUT, "a type that has no value");
	ck_assert_ptr_null(json);
	btf__free(types.btf);
	unit_ctx_free(ctx);
}
END_TEST

Suite *suite_engine_decode(void)
{
	Suite *suite = suite_create("engine/decode");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, test_values);
	tcase_add_test(tcase, test_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}
