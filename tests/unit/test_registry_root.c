#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modules.h"
#include "registry/clock.h"
#include "registry/root.h"
#include "submissions.h"
#include "util/cleanup.h"

static struct iov_ctx *ctx;
static struct iov_signer a, b, c;

static void set_up(void)
{
	ctx = unit_ctx();
	unit_signer(ctx, "a", &a);
	unit_signer(ctx, "b", &b);
	unit_signer(ctx, "c", &c);
}

static void tear_down(void)
{
	iov_signer_release(&a);
	iov_signer_release(&b);
	iov_signer_release(&c);
	unit_ctx_free(ctx);
}

static int make(const char *const *publishers, size_t count, struct iov_root **ret)
{
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	const struct iov_root_plan plan = {"example.org/modules", 1900000000, &a, publishers, count};
	int rc = iov_root_make(ctx, &plan, &note);
	return rc ? rc : iov_root_parse(ctx, "root/1.note", note.data, note.len, ret);
}

static char *rule(const char *pattern, const struct iov_signer *signer)
{
	char *text = NULL;
	iov_auto(iov_free_ptr) char *key = iov_verifier_text(&signer->verifier);
	ck_assert_int_ge(asprintf(&text, "%s=%s", pattern, key), 0);
	return text;
}

START_TEST(a_made_root_reads_back)
{
	struct iov_root *root = NULL;
	char sha256[IOV_HEX_SIZE];
	unit_ok(ctx, make(NULL, 0, &root));
	ck_assert_uint_eq(root->version, 1);
	ck_assert_str_eq(root->origin, "example.org/modules");
	ck_assert_int_eq(root->expires, 1900000000);
	ck_assert_uint_eq(root->registry.n_keys, 1);
	ck_assert_mem_eq(root->registry.keys[0].key, a.verifier.key, 32);
	iov_sha256_hex(root->note.text, strlen(root->note.text), sha256);
	ck_assert_str_eq(root->fingerprint, sha256);
	ck_assert(!root->resumes);
	iov_root_free(root);
}
END_TEST

static bool may(const struct iov_root *root, const char *name, const struct iov_signer *signer)
{
	const struct iov_role *role = iov_root_publishers(root, name);
	for (size_t i = 0; role && i < role->n_keys; i++)
		if (!memcmp(role->keys[i].key, signer->verifier.key, 32))
			return true;
	return false;
}

START_TEST(the_longest_pattern_decides)
{
	struct iov_root *root = NULL;
	iov_auto(iov_free_ptr) char *flow = rule("flow-*", &b);
	iov_auto(iov_free_ptr) char *table = rule("flow-table", &c);
	iov_auto(iov_free_ptr) char *all = rule("*", &c);
	const char *const rules[] = {flow, table, all, flow};
	unit_ok(ctx, make(rules, 4, &root));
	ck_assert(may(root, "exec-trace", &a) && may(root, "exec-trace", &c) && !may(root, "exec-trace", &b));
	ck_assert(may(root, "flow-top", &b) && !may(root, "flow-top", &a) && !may(root, "flow-top", &c));
	ck_assert(may(root, "flow-", &b));
	ck_assert(may(root, "flow", &a) && !may(root, "flow", &b));
	ck_assert(may(root, "flow-table", &c) && !may(root, "flow-table", &b) && !may(root, "flow-table", &a));
	ck_assert(may(root, "flow-table-x", &b));
	iov_root_free(root);
}
END_TEST

START_TEST(wrong_publishers_are_told)
{
	struct iov_root *root = NULL;
	iov_auto(iov_free_ptr) char *star = rule("fl*ow", &b);
	iov_auto(iov_free_ptr) char *empty = rule("", &b);
	const char *const cases[] = {star, empty, "flow-*", "flow-*=nonsense"};
	unit_fails(ctx, make(&cases[0], 1, &root), IOV_E_UNTRUSTED, "'fl*ow' is no name pattern");
	unit_fails(ctx, make(&cases[1], 1, &root), IOV_E_USAGE, "has not the form PATTERN=VERIFIER-KEY");
	unit_fails(ctx, make(&cases[2], 1, &root), IOV_E_USAGE, "'flow-*' has not the form");
	unit_fails(ctx, make(&cases[3], 1, &root), IOV_E_INPUT, "'nonsense' is no verifier key");
}
END_TEST

/* A root document with keys a, b, c under their names, changed by the test, and signed by whom the test says. */
static json_t *document(void)
{
	const struct iov_signer *all[] = {&a, &b, &c};
	json_t *json = unit_json(
		"{'expires':'2030-01-01T00:00:00Z','keys':{},'kind':'root','origin':'example.org/modules','publishers':"
		"[{'keys':['c'],'pattern':'*','threshold':1}],'roles':{'registry':{'keys':['c'],'threshold':1},'root':{"
		"'keys':"
		"['a','b'],'threshold':2}},'schema':1,'version':1}");
	for (size_t i = 0; i < IOV_COUNT(all); i++) {
		iov_auto(iov_free_ptr) char *text = iov_verifier_text(&all[i]->verifier);
		json_object_set_new(json_object_get(json, "keys"), all[i]->verifier.name, json_string(text));
	}
	return json;
}

static int parse_signed(json_t *json, const struct iov_signer *const *signers, size_t count, struct iov_root **ret)
{
	iov_auto(iov_json_release) json_t *owned = json;
	iov_auto(iov_free_ptr) char *canonical = iov_json_canonical(owned);
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	iov_buf_printf(&text, "%s\n", canonical);
	unit_ok(ctx, iov_note_make(ctx, text.data, signers, count, &note));
	return iov_root_parse(ctx, "root/1.note", note.data, note.len, ret);
}

START_TEST(a_threshold_needs_different_keys)
{
	struct iov_root *root = NULL;
	const struct iov_signer *both[] = {&a, &b}, *twice[] = {&a, &a}, *other[] = {&a, &c};
	unit_ok(ctx, parse_signed(document(), both, 2, &root));
	iov_root_free(root);
	unit_fails(ctx, parse_signed(document(), both, 1, &root), IOV_E_UNTRUSTED,
		   "is signed by 1 of the 2 different keys that it names itself for roots (below threshold)");
	unit_fails(ctx, parse_signed(document(), twice, 2, &root), IOV_E_UNTRUSTED,
		   "(below threshold; one key counts once, however often it signs)");
	unit_fails(ctx, parse_signed(document(), other, 2, &root), IOV_E_UNTRUSTED, "is signed by 1 of the 2");
}
END_TEST

START_TEST(malformed_documents_are_refused)
{
	static const struct {
		const char *key, *value, *why;
	} cases[] = {
		{"kind", "'head'", "it is a 'head', not a root"},
		{"kind", "null", "has no 'kind'"},
		{"origin", "'a b'", "its origin is not"},
		{"expires", "'2030-01-01'", "'expires' is not a time"},
		{"expires", "'2030-02-30T00:00:00Z'", "'expires' is not a time"},
		{"version", "-1", "'version' is not"},
		{"roles", "{}", "has no 'root'"},
		{"roles", "{'registry':{'keys':['c'],'threshold':1},'root':{'keys':['a'],'threshold':0}}",
		 "a threshold of 0"},
		{"roles", "{'registry':{'keys':['c'],'threshold':1},'root':{'keys':['a'],'threshold':2}}",
		 "a threshold of 2"},
		{"roles", "{'registry':{'keys':['c'],'threshold':1},'root':{'keys':['a','a'],'threshold':1}}",
		 "names one key twice"},
		{"roles", "{'registry':{'keys':['c'],'threshold':1},'root':{'keys':['d'],'threshold':1}}",
		 "has no 'd'"},
		{"roles", "{'registry':{'keys':[],'threshold':1},'root':{'keys':['a'],'threshold':1}}", "0 keys"},
		{"publishers", "[{'keys':['c'],'pattern':'A*','threshold':1}]", "'A*' is no name pattern"},
		{"publishers",
		 "[{'keys':['c'],'pattern':'*','threshold':1},{'keys':['a'],'pattern':'*','threshold':1}]",
		 "'*' is there twice"},
		{"resume", "{'log_size':3,'log_root':'xyz'}", "'log_root' is no SHA-256"},
	};
	const struct iov_signer *both[] = {&a, &b};
	for (size_t i = 0; i < IOV_COUNT(cases); i++) {
		struct iov_root *root = NULL;
		json_t *json = document();
		iov_auto(iov_json_release) json_t *wrapped = NULL;
		iov_auto(iov_buf_release) struct iov_buf text = {0};
		iov_buf_printf(&text, "[%s]", cases[i].value);
		wrapped = unit_json(text.data);
		json_object_set(json, cases[i].key, json_array_get(wrapped, 0));
		unit_fails(ctx, parse_signed(json, both, 2, &root), IOV_E_UNTRUSTED, cases[i].why);
		ck_assert_msg(!strncmp(iov_error_text(ctx), "root/1.note is refused: ", 24), "%s", iov_error_text(ctx));
	}
}
END_TEST

START_TEST(a_newer_schema_asks_for_a_newer_iovpkg)
{
	struct iov_root *root = NULL;
	const struct iov_signer *both[] = {&a, &b};
	json_t *json = document();
	json_object_set_new(json, "schema", json_integer(2));
	unit_fails(ctx, parse_signed(json, both, 2, &root), IOV_E_UNSUPPORTED, "use a newer iovpkg");
}
END_TEST

static int next(const char *key, json_t *value, const struct iov_signer *const *signers, size_t count)
{
	struct iov_root *root = NULL, *following = NULL;
	const struct iov_signer *both[] = {&a, &b};
	unit_ok(ctx, parse_signed(document(), both, 2, &root));
	json_t *json = document();
	json_object_set_new(json, "version", json_integer(2));
	json_object_set_new(json, key, value);
	unit_ok(ctx, parse_signed(json, signers, count, &following));
	int rc = iov_root_check_next(ctx, "root 2", root, following);
	iov_root_free(root);
	iov_root_free(following);
	return rc;
}

START_TEST(roots_follow_each_other)
{
	const struct iov_signer *both[] = {&a, &b}, *one[] = {&b, &c}, *all[] = {&a, &b, &c};
	const char *by_c = "{'registry':{'keys':['c'],'threshold':1},'root':{'keys':['c'],'threshold':1}}";
	unit_ok(ctx, next("version", json_integer(2), both, 2));
	unit_fails(ctx, next("version", json_integer(3), both, 2), IOV_E_UNTRUSTED, "has version 3 after 1");
	unit_fails(ctx, next("version", json_integer(1), both, 2), IOV_E_UNTRUSTED, "rollback attack");
	unit_fails(ctx, next("origin", json_string("example.org/x"), both, 2), IOV_E_UNTRUSTED,
		   "is of 'example.org/x'");
	/* Good by itself, but without two of the old keys. */
	unit_fails(ctx, next("roles", unit_json(by_c), one, 2), IOV_E_UNTRUSTED,
		   "is signed by 1 of the 2 different keys that root 1 names for roots (below threshold)");
	unit_ok(ctx, next("roles", unit_json(by_c), all, 3));
}
END_TEST

START_TEST(roots_expire)
{
	struct iov_root *root = NULL;
	unit_ok(ctx, make(NULL, 0, &root));
	unit_ok(ctx, iov_root_check_fresh(ctx, "root 1", root, 1899999999));
	unit_fails(ctx, iov_root_check_fresh(ctx, "root 1", root, 1900000000), IOV_E_UNTRUSTED,
		   "root 1 expired at 2030-03-17T17:46:40Z");
	iov_root_free(root);
}
END_TEST

START_TEST(signature_lines_count_different_keys)
{
	iov_auto(iov_free_ptr) char *by_a = NULL;
	iov_auto(iov_free_ptr) char *by_b = NULL;
	iov_auto(iov_json_release) json_t *names = NULL;
	struct iov_verifier keys[] = {a.verifier, b.verifier};
	const struct iov_role role = {keys, 2, 2};
	unit_ok(ctx, iov_note_sign_line(ctx, &a, "text\n", 5, &by_a));
	unit_ok(ctx, iov_note_sign_line(ctx, &b, "text\n", 5, &by_b));
	iov_auto(iov_json_release) json_t *both = json_pack("[s,s]", by_a, by_b);
	iov_auto(iov_json_release) json_t *twice = json_pack("[s,s,i]", by_a, by_a, 7);
	ck_assert(iov_role_signed_lines(&role, both, "text\n", 5, &names));
	ck_assert_uint_eq(json_array_size(names), 2);
	ck_assert(!iov_role_signed_lines(&role, twice, "text\n", 5, NULL));
	ck_assert(!iov_role_signed_lines(&role, both, "tExt\n", 5, NULL));
	ck_assert(!iov_role_signed_lines(&role, NULL, "text\n", 5, NULL));
}
END_TEST

START_TEST(times_have_one_spelling)
{
	static const char *const bad[] = {"",
					  "2026-11-23",
					  "2026-11-23T10:00:00",
					  "2026-11-23T10:00:00+00:00",
					  "2026-11-23 10:00:00Z",
					  "2026-11-31T10:00:00Z",
					  "2026-11-23T10:00:00Zx",
					  "1969-12-31T23:59:59Z",
					  "02026-11-23T10:00:00Z",
					  "2026-1-23T10:00:00Z"};
	int64_t seconds = 0;
	char text[IOV_TIME_SIZE];
	ck_assert(iov_time_parse("2026-11-23T10:00:00Z", &seconds));
	ck_assert_int_eq(seconds, 1795428000);
	iov_time_text(seconds, text);
	ck_assert_str_eq(text, "2026-11-23T10:00:00Z");
	iov_time_text(INT64_MAX, text);
	ck_assert_str_eq(text, "9999-12-31T23:59:59Z");
	for (size_t i = 0; i < IOV_COUNT(bad); i++)
		ck_assert_msg(!iov_time_parse(bad[i], &seconds), "'%s'", bad[i]);
}
END_TEST

Suite *suite_registry_root(void)
{
	Suite *suite = suite_create("registry_root");
	TCase *tests = tcase_create("root");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_made_root_reads_back);
	tcase_add_test(tests, the_longest_pattern_decides);
	tcase_add_test(tests, wrong_publishers_are_told);
	tcase_add_test(tests, a_threshold_needs_different_keys);
	tcase_add_test(tests, malformed_documents_are_refused);
	tcase_add_test(tests, a_newer_schema_asks_for_a_newer_iovpkg);
	tcase_add_test(tests, roots_follow_each_other);
	tcase_add_test(tests, roots_expire);
	tcase_add_test(tests, signature_lines_count_different_keys);
	tcase_add_test(tests, times_have_one_spelling);
	suite_add_tcase(suite, tests);
	return suite;
}
