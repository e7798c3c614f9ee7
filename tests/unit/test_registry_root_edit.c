#include <stdlib.h>
#include <string.h>

#include "modules.h"
#include "registry/publishers.h"
#include "registry/root_edit.h"
#include "registry/submission.h"
#include "submissions.h"
#include "util/cleanup.h"

static struct iov_ctx *ctx;
static struct iov_signer a, b, c;
static struct iov_root *root;

/* Root 1: `a` for all, `b` publishes flow-* too. */
static void set_up(void)
{
	ctx = unit_ctx();
	unit_signer(ctx, "a", &a);
	unit_signer(ctx, "b", &b);
	unit_signer(ctx, "c", &c);
	char *rule = NULL;
	iov_auto(iov_free_ptr) char *key = iov_verifier_text(&b.verifier);
	ck_assert_int_ge(asprintf(&rule, "flow-*=%s", key), 0);
	const struct iov_root_plan plan = {"example.org/modules", 1900000000, &a, (const char *const *)&rule, 1};
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	unit_ok(ctx, iov_root_make(ctx, &plan, &note));
	unit_ok(ctx, iov_root_parse(ctx, "root 1", note.data, note.len, &root));
	free(rule);
}

static void tear_down(void)
{
	iov_root_free(root);
	iov_signer_release(&a);
	iov_signer_release(&b);
	iov_signer_release(&c);
	unit_ctx_free(ctx);
}

static int edit(const struct iov_root_edit *wish, struct iov_root **ret)
{
	struct iov_root_edit full = *wish;
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	full.expires = 1900000000;
	full.log_size = full.log_size ? full.log_size : 10;
	int rc = iov_root_edit(ctx, root, &full, &note);
	return rc ? rc : iov_root_parse_prepared(ctx, "the next root", note.data, note.len, ret);
}

static void follow(const struct iov_root_edit *wish)
{
	struct iov_root *next = NULL;
	unit_ok(ctx, edit(wish, &next));
	iov_root_free(root);
	root = next;
}

static const struct iov_retired *retired(const struct iov_signer *signer, const char *pattern)
{
	for (size_t i = 0; i < root->n_retired; i++)
		if (!memcmp(root->retired[i].key.key, signer->verifier.key, 32) &&
		    !strcmp(root->retired[i].pattern, pattern))
			return &root->retired[i];
	return NULL;
}

/* ---- edits ---- */

START_TEST(a_root_without_changes_is_one_version_on)
{
	follow(&(struct iov_root_edit){.log_size = 3});
	ck_assert_uint_eq(root->version, 2);
	ck_assert_uint_eq(root->n_publishers, 2);
	ck_assert_uint_eq(root->n_retired, 0);
	ck_assert_uint_eq(root->note.n_signatures, 0);
	ck_assert(!root->resumes);
}
END_TEST

START_TEST(root_keys_come_and_go)
{
	const struct iov_verifier both[] = {b.verifier, c.verifier};
	struct iov_root *next = NULL;
	follow(&(struct iov_root_edit){.add_root = {both, 2}, .remove_root = {&a.verifier, 1}, .root_threshold = 2});
	ck_assert_uint_eq(root->root.n_keys, 2);
	ck_assert_uint_eq(root->root.threshold, 2);
	ck_assert(iov_role_has(&root->root, &c.verifier) && !iov_role_has(&root->root, &a.verifier));
	ck_assert(iov_role_has(&root->registry, &a.verifier));
	unit_fails(ctx, edit(&(struct iov_root_edit){.remove_root = {&b.verifier, 1}}, &next), IOV_E_USAGE,
		   "the root would have 1 keys and need 2 signatures");
	unit_fails(ctx, edit(&(struct iov_root_edit){.remove_root = {&a.verifier, 1}}, &next), IOV_E_NOT_FOUND,
		   "'a' is no root key of root 2");
	unit_fails(ctx, edit(&(struct iov_root_edit){.add_root = {&b.verifier, 1}}, &next), IOV_E_CONFLICT,
		   "'b' is a root key of root 2 already");
}
END_TEST

START_TEST(the_registry_key_is_replaced)
{
	follow(&(struct iov_root_edit){.registry = {&c.verifier, 1}});
	ck_assert_uint_eq(root->registry.n_keys, 1);
	ck_assert(iov_role_has(&root->registry, &c.verifier));
	ck_assert_uint_eq(root->n_retired, 0);
}
END_TEST

static struct iov_rules one_rule(struct iov_root_rule *rule)
{
	return (struct iov_rules){rule, 1};
}

START_TEST(wrong_rules_are_told)
{
	struct iov_root *next = NULL;
	struct iov_root_rule star = {"fl*w", b.verifier, 0}, again = {"flow-*", b.verifier, 0};
	struct iov_root_rule stranger = {"flow-*", c.verifier, 0}, nobody = {"x", b.verifier, 2};
	struct iov_root_rule three = {"flow-*", b.verifier, 3};
	uint64_t since = 11;
	unit_fails(ctx, edit(&(struct iov_root_edit){.allow = one_rule(&star)}, &next), IOV_E_USAGE,
		   "'fl*w' is no name pattern");
	unit_fails(ctx, edit(&(struct iov_root_edit){.allow = one_rule(&again)}, &next), IOV_E_CONFLICT,
		   "'b' may publish 'flow-*' already");
	unit_fails(ctx, edit(&(struct iov_root_edit){.forbid = one_rule(&stranger)}, &next), IOV_E_NOT_FOUND,
		   "'c' may not publish 'flow-*' by root 1");
	unit_fails(ctx, edit(&(struct iov_root_edit){.thresholds = one_rule(&nobody)}, &next), IOV_E_NOT_FOUND,
		   "nobody may publish 'x' by itself");
	unit_fails(ctx, edit(&(struct iov_root_edit){.thresholds = one_rule(&three)}, &next), IOV_E_USAGE,
		   "pattern 'flow-*' would have 1 keys and need 3");
	unit_fails(ctx, edit(&(struct iov_root_edit){.forbid = one_rule(&again), .since = &since}, &next), IOV_E_USAGE,
		   "the log has 10 entries");
}
END_TEST

START_TEST(who_loses_a_say_keeps_the_past)
{
	struct iov_root_rule flow = {"flow-*", b.verifier, 0}, top = {"flow-top", c.verifier, 0};
	follow(&(struct iov_root_edit){.allow = one_rule(&top), .log_size = 10});
	ck_assert_uint_eq(root->n_retired, 1);
	ck_assert_uint_eq(retired(&b, "flow-top")->log_size, 10);
	ck_assert_uint_eq(retired(&b, "flow-top")->threshold, 1);
	follow(&(struct iov_root_edit){.forbid = one_rule(&flow), .log_size = 20});
	ck_assert_uint_eq(root->n_retired, 2);
	ck_assert_uint_eq(retired(&b, "flow-*")->log_size, 20);
	ck_assert_uint_eq(retired(&b, "flow-top")->log_size, 10);
	ck_assert_uint_eq(root->n_publishers, 2); /* the empty rule is gone: "*" decides again */
	ck_assert_ptr_eq(iov_root_publishers(root, "flow-x"), iov_root_publishers(root, "other"));
}
END_TEST

START_TEST(a_higher_threshold_is_for_the_future)
{
	struct iov_root_rule too = {"flow-*", c.verifier, 0}, two = {"flow-*", c.verifier, 2};
	follow(&(struct iov_root_edit){.allow = one_rule(&too), .thresholds = one_rule(&two), .log_size = 10});
	ck_assert_uint_eq(root->n_retired, 1);
	ck_assert_uint_eq(retired(&b, "flow-*")->threshold, 1);
	follow(&(struct iov_root_edit){.forbid = one_rule(&too),
				       .thresholds = one_rule(&(struct iov_root_rule){"flow-*", c.verifier, 1}),
				       .log_size = 20});
	ck_assert_uint_eq(retired(&c, "flow-*")->threshold, 2);
}
END_TEST

START_TEST(a_leaked_key_loses_the_past_too)
{
	struct iov_root_rule flow = {"flow-*", b.verifier, 0}, top = {"flow-top", c.verifier, 0};
	uint64_t since = 4;
	follow(&(struct iov_root_edit){.allow = one_rule(&top), .log_size = 10});
	follow(&(struct iov_root_edit){.forbid = one_rule(&flow), .since = &since, .log_size = 20});
	ck_assert_uint_eq(retired(&b, "flow-*")->log_size, 4);
	ck_assert_uint_eq(retired(&b, "flow-top")->log_size, 4);
	since = 2; /* it leaked earlier than was thought */
	follow(&(struct iov_root_edit){.forbid = one_rule(&flow), .since = &since, .log_size = 30});
	ck_assert_uint_eq(retired(&b, "flow-*")->log_size, 2);
}
END_TEST

START_TEST(a_leaked_key_gets_no_say_again)
{
	struct iov_root *next = NULL;
	struct iov_root_rule flow = {"flow-*", b.verifier, 0}, other = {"guard", b.verifier, 0};
	struct iov_keys key = {&b.verifier, 1};
	uint64_t since = 4;
	follow(&(struct iov_root_edit){.forbid = one_rule(&flow), .log_size = 20});
	ck_assert(!retired(&b, "flow-*")->leaked);
	follow(&(struct iov_root_edit){.allow = one_rule(&flow), .log_size = 21}); /* who left came back */
	follow(&(struct iov_root_edit){.forbid = one_rule(&flow), .since = &since, .log_size = 22});
	ck_assert(retired(&b, "flow-*")->leaked);
	ck_assert_uint_eq(retired(&b, "flow-*")->log_size, 4);
	unit_fails(ctx, edit(&(struct iov_root_edit){.allow = one_rule(&flow)}, &next), IOV_E_CONFLICT, "stolen key");
	unit_fails(ctx, edit(&(struct iov_root_edit){.allow = one_rule(&other)}, &next), IOV_E_CONFLICT, "make a new");
	unit_fails(ctx, edit(&(struct iov_root_edit){.add_root = key}, &next), IOV_E_CONFLICT, "stolen key");
	unit_fails(ctx, edit(&(struct iov_root_edit){.registry = key}, &next), IOV_E_CONFLICT, "stolen key");
}
END_TEST

/* ---- the words, and the log's ---- */

static bool says(const struct iov_root_edit *wish, const char *expected)
{
	struct iov_root *next = NULL;
	iov_auto(iov_json_release) json_t *words = NULL;
	bool found = false;
	unit_ok(ctx, edit(wish, &next));
	unit_ok(ctx, iov_root_words(ctx, root, next, &words));
	for (size_t i = 0; i < json_array_size(words); i++)
		found |= strstr(json_string_value(json_array_get(words, i)), expected) != NULL;
	iov_root_free(next);
	return found;
}

static bool is_kind(const struct iov_root_edit *wish, const char *kind, const char *pattern)
{
	struct iov_root *next = NULL;
	struct iov_root_event event;
	unit_ok(ctx, edit(wish, &next));
	unit_ok(ctx, iov_root_compare(ctx, root, next, &event));
	bool same = !strcmp(event.kind, kind) && !event.pattern == !pattern &&
		    (!pattern || (!strcmp(event.pattern, pattern) && json_array_size(event.keys) == 1));
	json_decref(event.keys);
	iov_root_free(next);
	return same;
}

START_TEST(a_change_is_told_in_words_and_in_the_log)
{
	struct iov_root_rule flow = {"flow-*", b.verifier, 0}, too = {"flow-*", c.verifier, 0},
			     new = {"new", c.verifier, 0}, two = {"flow-*", c.verifier, 2};
	const struct iov_root_edit grant = {.allow = one_rule(&too)}, grant_new = {.allow = one_rule(&new)};
	const struct iov_root_edit revoke = {.forbid = one_rule(&flow)};
	const struct iov_root_edit both = {.allow = one_rule(&too), .forbid = one_rule(&flow)};
	const struct iov_root_edit threshold = {.allow = one_rule(&too), .thresholds = one_rule(&two)};
	const struct iov_root_edit keys = {.add_root = {&b.verifier, 1}}, nothing = {.log_size = 1};
	ck_assert(is_kind(&grant, "grant", "flow-*") && says(&grant, " may publish 'flow-*'"));
	ck_assert(is_kind(&grant_new, "grant", "new") && says(&grant_new, "below log entry 10 stays good"));
	ck_assert(is_kind(&revoke, "revoke", "flow-*") && says(&revoke, " may no longer publish 'flow-*'"));
	ck_assert(is_kind(&both, "root", NULL));
	ck_assert(is_kind(&threshold, "root", NULL) &&
		  says(&threshold, "needs 2 of its publishers' signatures, not 1"));
	ck_assert(is_kind(&keys, "root", NULL) && says(&keys, "roots are signed by 1 of 2 keys, not 1 of 1"));
	ck_assert(is_kind(&nothing, "root", NULL) && says(&nothing, "good until 2030-03-17"));
}
END_TEST

START_TEST(a_root_can_resume)
{
	const struct iov_head head = {.log_size = 7, .log_root = {{1, 2, 3}}};
	const struct iov_root_edit wish = {.resume = &head, .log_size = 7};
	ck_assert(says(&wish, "the log goes on from entry 7"));
	follow(&wish);
	ck_assert(root->resumes);
	ck_assert_uint_eq(root->resume_size, 7);
	ck_assert_mem_eq(root->resume_root, head.log_root.bytes, 32);
	follow(&(struct iov_root_edit){.log_size = 8});
	ck_assert(!root->resumes);
}
END_TEST

/* ---- judging releases ---- */

static enum iov_verdict judge(const char *name, uint64_t log, const struct iov_signer *const *signers, size_t count)
{
	struct unit_submission submission = {.record = NULL};
	struct iov_release *release = NULL;
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_judgement_release) struct iov_judgement judgement = {.names = NULL};
	unit_submission_make(ctx, name, "1.0.0", "int x;\n", &submission);
	iov_auto(iov_free_ptr) char *canonical = iov_json_canonical(submission.record);
	iov_buf_printf(&text, "%s\n", canonical);
	unit_ok(ctx, iov_note_make(ctx, text.data, signers, count, &note));
	iov_auto(iov_json_release) json_t *lines = iov_note_lines(note.data, note.len, text.len);
	iov_auto(iov_json_release) json_t *line = iov_index_line(submission.record, lines, 0, "2026-11-23T10:00:00Z");
	unit_ok(ctx, iov_release_from_json(ctx, line, &release));
	unit_ok(ctx, iov_release_judge(ctx, root, release, log, &judgement));
	ck_assert_int_eq(iov_judgement_refuse(ctx, "r", root, release, &judgement) == IOV_OK,
			 judgement.verdict == IOV_SIGNED_WELL);
	ck_assert_uint_eq(json_array_size(judgement.names), judgement.good);
	iov_release_free(release);
	unit_submission_release(&submission);
	return judgement.verdict;
}

START_TEST(releases_are_judged_by_the_rules_of_their_time)
{
	const struct iov_signer *by_a[] = {&a}, *by_b[] = {&b}, *by_c[] = {&c}, *by_both[] = {&b, &c};
	const struct iov_signer *twice[] = {&b, &b};
	struct iov_root_rule flow = {"flow-*", b.verifier, 0}, too = {"flow-*", c.verifier, 0},
			     two = {"flow-*", c.verifier, 2}, one = {"flow-*", c.verifier, 1};
	ck_assert_int_eq(judge("flow-x", 5, by_b, 1), IOV_SIGNED_WELL);
	ck_assert_int_eq(judge("flow-x", 5, by_a, 1), IOV_SIGNED_BY_ANOTHER);
	ck_assert_int_eq(judge("flow-x", 5, by_c, 1), IOV_SIGNED_BY_NOBODY);
	ck_assert_int_eq(judge("other", 5, by_b, 1), IOV_SIGNED_BY_ANOTHER);

	follow(&(struct iov_root_edit){.allow = one_rule(&too), .thresholds = one_rule(&two), .log_size = 10});
	ck_assert_int_eq(judge("flow-x", 9, by_b, 1), IOV_SIGNED_WELL);
	ck_assert_int_eq(judge("flow-x", 10, by_b, 1), IOV_SIGNED_BY_TOO_FEW);
	ck_assert_int_eq(judge("flow-x", 9, by_c, 1), IOV_SIGNED_BY_TOO_FEW);
	ck_assert_int_eq(judge("flow-x", 10, twice, 2), IOV_SIGNED_TWICE);
	ck_assert_int_eq(judge("flow-x", 10, by_both, 2), IOV_SIGNED_WELL);
	ck_assert_int_eq(judge("flow-x", IOV_LOG_NOT_YET, by_both, 2), IOV_SIGNED_WELL);

	follow(&(struct iov_root_edit){.forbid = one_rule(&flow), .thresholds = one_rule(&one), .log_size = 20});
	ck_assert_int_eq(judge("flow-x", 9, by_b, 1), IOV_SIGNED_WELL);
	ck_assert_int_eq(judge("flow-x", 19, by_both, 2), IOV_SIGNED_WELL);
	ck_assert_int_eq(judge("flow-x", 20, by_b, 1), IOV_SIGNED_TOO_LATE);
	ck_assert_int_eq(judge("flow-x", 20, by_c, 1), IOV_SIGNED_WELL);
	ck_assert_int_eq(judge("other", 9, by_b, 1), IOV_SIGNED_BY_NOBODY);
}
END_TEST

Suite *suite_registry_root_edit(void)
{
	Suite *suite = suite_create("registry_root_edit");
	TCase *tests = tcase_create("root_edit");
	tcase_set_timeout(tests, 60); /* each submission packs an archive in a worker */
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_root_without_changes_is_one_version_on);
	tcase_add_test(tests, root_keys_come_and_go);
	tcase_add_test(tests, the_registry_key_is_replaced);
	tcase_add_test(tests, wrong_rules_are_told);
	tcase_add_test(tests, who_loses_a_say_keeps_the_past);
	tcase_add_test(tests, a_higher_threshold_is_for_the_future);
	tcase_add_test(tests, a_leaked_key_loses_the_past_too);
	tcase_add_test(tests, a_leaked_key_gets_no_say_again);
	tcase_add_test(tests, a_change_is_told_in_words_and_in_the_log);
	tcase_add_test(tests, a_root_can_resume);
	tcase_add_test(tests, releases_are_judged_by_the_rules_of_their_time);
	suite_add_tcase(suite, tests);
	return suite;
}
