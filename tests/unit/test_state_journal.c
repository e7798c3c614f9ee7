#include <string.h>

#include "core/json.h"
#include "state/journal.h"
#include "unit.h"
#include "util/cleanup.h"
#include "util/fs.h"

static struct iov_ctx *ctx;

static void setup(void)
{
	ctx = unit_ctx();
}

static void teardown(void)
{
	unit_ctx_free(ctx);
}

static void put_text(const char *text, size_t len)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_STATE "/journal");
	ck_assert_int_eq(iov_fs_mkdirs_for(path, 0755), 0);
	ck_assert_int_eq(iov_fs_replace(path, text, len, 0644), 0);
}

START_TEST(begin_read_end)
{
	struct iov_journal journal = {.from = 99};
	char boot_id[40];
	bool present = true;
	unit_ok(ctx, iov_journal_read(ctx, &journal, &present));
	ck_assert(!present);
	unit_ok(ctx, iov_journal_end(ctx)); /* without a journal it is over already */

	unit_ok(ctx, iov_journal_begin(ctx, 4, 5));
	unit_ok(ctx, iov_journal_read(ctx, &journal, &present));
	unit_ok(ctx, iov_boot_id(ctx, boot_id));
	ck_assert(present);
	ck_assert_uint_eq(journal.from, 4);
	ck_assert_uint_eq(journal.to, 5);
	ck_assert_str_eq(journal.boot_id, boot_id);
	ck_assert_uint_eq(strlen(boot_id), 36);

	unit_ok(ctx, iov_journal_end(ctx));
	unit_ok(ctx, iov_journal_read(ctx, &journal, &present));
	ck_assert(!present);
}
END_TEST

START_TEST(the_file_is_as_documented)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_STATE "/journal");
	iov_auto(iov_json_release) json_t *json = NULL;
	unit_ok(ctx, iov_journal_begin(ctx, 4, 5));
	unit_ok(ctx, iov_json_read(ctx, path, 1000, &json));
	ck_assert_uint_eq(json_object_size(json), 4);
	ck_assert_int_eq(json_integer_value(json_object_get(json, "schema")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(json, "from")), 4);
	ck_assert_int_eq(json_integer_value(json_object_get(json, "to")), 5);
	ck_assert(json_is_string(json_object_get(json, "boot_id")));
}
END_TEST

/* It is never synced, so a power cut can leave it empty or full of zeros. Then it is of another boot, whatever it said.
 */
START_TEST(torn_by_a_power_cut)
{
	static const struct {
		const char *text;
		size_t len;
	} torn[] = {{"", 0}, {"\0\0\0\0", 4}};
	for (size_t i = 0; i < IOV_COUNT(torn); i++) {
		struct iov_journal journal = {.from = 99, .boot_id = "x"};
		bool present = false;
		put_text(torn[i].text, torn[i].len);
		unit_ok(ctx, iov_journal_read(ctx, &journal, &present));
		ck_assert(present);
		ck_assert_uint_eq(journal.from, 0);
		ck_assert_str_eq(journal.boot_id, "");
	}
}
END_TEST

static const struct {
	const char *text;
	enum iov_code code;
	const char *words;
} refused[] = {
	{"{", IOV_E_INPUT, "not valid JSON"},
	{"{\"schema\":2}", IOV_E_UNSUPPORTED, "was written by a newer iovpkg"},
	{"{\"schema\":1,\"from\":1}", IOV_E_INPUT, "has no 'to'"},
	{"{\"schema\":1,\"from\":1,\"to\":2,\"boot_id\":\"0123456789012345678901234567890123456789\"}", IOV_E_INPUT,
	 "'boot_id' is no boot id"},
};

START_TEST(refuses)
{
	struct iov_journal journal;
	bool present;
	put_text(refused[_i].text, strlen(refused[_i].text));
	unit_fails(ctx, iov_journal_read(ctx, &journal, &present), refused[_i].code, refused[_i].words);
}
END_TEST

Suite *suite_state_journal(void)
{
	Suite *suite = suite_create("state_journal");
	TCase *tests = tcase_create("journal");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, begin_read_end);
	tcase_add_test(tests, the_file_is_as_documented);
	tcase_add_test(tests, torn_by_a_power_cut);
	tcase_add_loop_test(tests, refuses, 0, IOV_COUNT(refused));
	suite_add_tcase(suite, tests);
	return suite;
}
