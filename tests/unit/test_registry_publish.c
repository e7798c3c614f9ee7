/* The host's half, on real repositories through the real worker: init, submit, accept, and what is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "registry/admin.h"
#include "registry/host.h"
#include "registry/publish.h"
#include "registry/submission.h"
#include "submissions.h"
#include "util/cleanup.h"
#include "util/fs.h"

static struct iov_ctx *ctx;
static char *repo;
static struct iov_signer owner;

static bool no_worker(void)
{
	const char *worker = getenv("IOVPKG_WORKER");
	return !worker || access(worker, X_OK);
}

static void set_up(void)
{
	ctx = unit_ctx();
	repo = iov_path(ctx, "/registry.git");
	unit_signer(ctx, "owner", &owner);
	if (!no_worker())
		unit_ok(ctx, iov_registry_create(ctx, repo, "example.org/modules", &owner, NULL, 0, NULL));
}

static void tear_down(void)
{
	iov_signer_release(&owner);
	free(repo);
	unit_ctx_free(ctx);
}

static int publish(const struct iov_signer *publisher, const char *name, const char *version, const char *source,
		   json_t **ret)
{
	iov_auto(unit_submission_release) struct unit_submission submission;
	unit_submission_make(ctx, name, version, source, &submission);
	unit_ok(ctx, iov_registry_submit(ctx, repo, submission.record, submission.archive, publisher));
	return iov_registry_take_in(ctx, repo, &owner, submission.sha256, ret);
}

static size_t waiting(void)
{
	size_t lines = 0;
	iov_auto(iov_buf_release) struct iov_buf refs = {0};
	unit_ok(ctx, iov_git_refs(ctx, repo, IOV_INCOMING_REFS, &refs));
	for (size_t i = 0; i < refs.len; i++)
		lines += refs.data[i] == '\n';
	return lines + (refs.len && refs.data[refs.len - 1] != '\n');
}

static void open_host(struct iov_host *ret)
{
	unit_ok(ctx, iov_host_open(ctx, repo, ret));
}

START_TEST(init_makes_an_empty_registry)
{
	iov_auto(iov_json_release) json_t *told = NULL;
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	iov_auto(iov_free_ptr) char *other = iov_path(ctx, "/other.git");
	iov_auto(iov_free_ptr) char *key = iov_verifier_text(&owner.verifier);
	unit_ok(ctx, iov_registry_create(ctx, other, "example.org/other", &owner, NULL, 0, &told));
	ck_assert_str_eq(json_string_value(json_object_get(told, "origin")), "example.org/other");
	ck_assert_str_eq(json_string_value(json_object_get(told, "key")), key);
	unit_ok(ctx, iov_host_open(ctx, other, &host));
	ck_assert_str_eq(json_string_value(json_object_get(told, "fingerprint")), host.root->fingerprint);
	ck_assert_uint_eq(host.head.version, 1);
	ck_assert_uint_eq(host.head.log_size, 0);
	ck_assert_uint_eq(host.top.count, 0);
}
END_TEST

START_TEST(init_refuses_what_is_there)
{
	iov_auto(iov_free_ptr) char *modules = iov_path(ctx, "/modules");
	iov_auto(iov_free_ptr) char *file = iov_path(ctx, "/modules/README");
	unit_fails(ctx, iov_registry_create(ctx, repo, "example.org/modules", &owner, NULL, 0, NULL), IOV_E_CONFLICT,
		   "holds a registry");
	ck_assert_int_eq(iov_fs_mkdirs_for(file, 0755), 0);
	ck_assert_int_eq(iov_fs_replace(file, "x", 1, 0644), 0);
	unit_fails(ctx, iov_registry_create(ctx, modules, "example.org/modules", &owner, NULL, 0, NULL), IOV_E_CONFLICT,
		   "holds other files");
	unit_fails(ctx, iov_registry_create(ctx, "https://example.org/x", "example.org/modules", &owner, NULL, 0, NULL),
		   IOV_E_USAGE, "is not on this host");
	unit_fails(ctx, iov_registry_create(ctx, file, "not an origin", &owner, NULL, 0, NULL), IOV_E_USAGE,
		   "is no origin");
}
END_TEST

START_TEST(a_publish_ends_in_the_index)
{
	iov_auto(iov_json_release) json_t *result = NULL;
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	struct iov_index_place place;
	unit_ok(ctx, publish(&owner, "flow-table", "1.0.0", "int x;\n", &result));
	const json_t *accepted = json_array_get(json_object_get(result, "accepted"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(accepted, "name")), "flow-table");
	ck_assert_str_eq(json_string_value(json_object_get(accepted, "version")), "1.0.0");
	ck_assert(json_is_false(json_object_get(accepted, "again")));
	open_host(&host);
	iov_index_place("flow-table", &place);
	ck_assert_uint_eq(host.head.version, 2);
	ck_assert_uint_eq(host.head.log_size, 1);
	ck_assert_ptr_nonnull(iov_listing_find(&host.top, place.shard));
	ck_assert_uint_eq(waiting(), 0);
}
END_TEST

START_TEST(the_same_bytes_again_are_success)
{
	iov_auto(iov_json_release) json_t *first = NULL;
	iov_auto(iov_json_release) json_t *again = NULL;
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	unit_ok(ctx, publish(&owner, "flow-table", "1.0.0", "int x;\n", &first));
	unit_ok(ctx, publish(&owner, "flow-table", "1.0.0", "int x;\n", &again));
	ck_assert(json_is_true(json_object_get(json_array_get(json_object_get(again, "accepted"), 0), "again")));
	open_host(&host);
	ck_assert_uint_eq(host.head.log_size, 1);
	ck_assert_uint_eq(waiting(), 0);
}
END_TEST

START_TEST(other_bytes_under_a_version_are_refused)
{
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	unit_ok(ctx, publish(&owner, "flow-table", "1.0.0", "int x;\n", NULL));
	unit_fails(ctx, publish(&owner, "flow-table", "1.0.0", "int y;\n", NULL), IOV_E_CONFLICT,
		   "'flow-table' 1.0.0 is published already with other bytes");
	unit_fails(ctx, publish(&owner, "flow-table", "1.0.0+build", "int y;\n", NULL), IOV_E_CONFLICT,
		   "published already");
	unit_ok(ctx, publish(&owner, "flow-table", "1.0.1", "int y;\n", NULL));
	open_host(&host);
	ck_assert_uint_eq(host.head.log_size, 2);
	ck_assert_uint_eq(waiting(), 0);
}
END_TEST

static int publish_export(const char *version, const char *field)
{
	iov_auto(unit_submission_release) struct unit_submission submission;
	unit_submission_export(ctx, "flow-table", version, field, &submission);
	unit_ok(ctx, iov_registry_submit(ctx, repo, submission.record, submission.archive, &owner));
	return iov_registry_take_in(ctx, repo, &owner, submission.sha256, NULL);
}

/* Whatever the publisher's own iovpkg has looked at, or not. */
START_TEST(a_silent_break_is_refused)
{
	unit_ok(ctx, publish_export("1.0.0", "packets"));
	unit_fails(ctx, publish_export("1.1.0", "pkts"), IOV_E_CONTRACT, "field 'packets' is renamed to 'pkts'");
	ck_assert_uint_eq(waiting(), 0);
	unit_ok(ctx, publish_export("2.0.0", "pkts"));
	unit_fails(ctx, publish_export("1.0.1", "pkts"), IOV_E_CONTRACT, "so make it 2.0.0");
	unit_ok(ctx, publish_export("1.0.1", "packets"));
	unit_fails(ctx, publish_export("2.1.0", "packets"), IOV_E_CONTRACT, "changes maps that 2.0.0 exports");
}
END_TEST

START_TEST(strangers_may_not_publish)
{
	iov_auto(iov_signer_release) struct iov_signer stranger = {0};
	unit_signer(ctx, "stranger", &stranger);
	unit_fails(ctx, publish(&stranger, "flow-table", "1.0.0", "int x;\n", NULL), IOV_E_UNTRUSTED,
		   "'flow-table' 1.0.0 is signed by 'stranger', but for that name registry 'example.org/modules' needs "
		   "a good signature of "
		   "'owner'");
	/* The name alone is not the key. */
	iov_auto(iov_signer_release) struct iov_signer impostor = {0};
	unit_signer(ctx, "owner", &impostor);
	unit_fails(ctx, publish(&impostor, "flow-table", "1.0.0", "int x;\n", NULL), IOV_E_UNTRUSTED,
		   "needs a good signature of 'owner'");
	ck_assert_uint_eq(waiting(), 0);
}
END_TEST

START_TEST(a_pattern_gives_names_to_a_publisher)
{
	iov_auto(iov_signer_release) struct iov_signer alice = {0};
	iov_auto(iov_buf_release) struct iov_buf rule = {0};
	unit_signer(ctx, "alice", &alice);
	iov_auto(iov_free_ptr) char *key = iov_verifier_text(&alice.verifier);
	iov_buf_printf(&rule, "flow-*=%s", key);
	const char *rules = rule.data;
	free(repo);
	repo = iov_path(ctx, "/patterns.git");
	unit_ok(ctx, iov_registry_create(ctx, repo, "example.org/patterns", &owner, &rules, 1, NULL));
	unit_ok(ctx, publish(&alice, "flow-table", "1.0.0", "int x;\n", NULL));
	unit_fails(ctx, publish(&alice, "exec-trace", "1.0.0", "int x;\n", NULL), IOV_E_UNTRUSTED,
		   "is signed by 'alice'");
	unit_fails(ctx, publish(&owner, "flow-top", "1.0.0", "int x;\n", NULL), IOV_E_UNTRUSTED,
		   "needs a good signature of 'alice'");
	unit_ok(ctx, publish(&owner, "exec-trace", "1.0.0", "int x;\n", NULL));
}
END_TEST

/* Puts a submission there by hand, past what iov_registry_submit() makes. */
static void submit_files(const char *sha256, const void *note, size_t note_len, const void *archive, size_t archive_len)
{
	char ref[IOV_REF_MAX], commit[IOV_COMMIT_SIZE];
	const struct iov_git_file files[] = {{IOV_RELEASE_NOTE_PATH, note, note_len},
					     {IOV_ARCHIVE_PATH, archive, archive_len}};
	snprintf(ref, sizeof(ref), IOV_INCOMING_REFS "%s", sha256);
	unit_ok(ctx, iov_git_commit(ctx, repo, ref, NULL, files, 2, "by hand", 0, commit));
}

static int take_in(const char *sha256)
{
	return iov_registry_take_in(ctx, repo, &owner, sha256, NULL);
}

START_TEST(the_archive_must_be_the_signed_one)
{
	iov_auto(unit_submission_release) struct unit_submission submission;
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	unit_submission_make(ctx, "flow-table", "1.0.0", "int x;\n", &submission);
	unit_ok(ctx, iov_submission_note(ctx, submission.record, &owner, &note));
	submit_files(submission.sha256, note.data, note.len, "other", 5);
	unit_fails(ctx, take_in(submission.sha256), IOV_E_UNTRUSTED, "has 5 bytes and SHA-256");
}
END_TEST

START_TEST(the_ref_must_be_named_by_the_archive)
{
	char zeros[IOV_HEX_SIZE];
	iov_auto(unit_submission_release) struct unit_submission submission;
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	memset(zeros, '0', sizeof(zeros) - 1);
	zeros[sizeof(zeros) - 1] = '\0';
	unit_submission_make(ctx, "flow-table", "1.0.0", "int x;\n", &submission);
	unit_ok(ctx, iov_submission_note(ctx, submission.record, &owner, &note));
	submit_files(zeros, note.data, note.len, "other", 5);
	unit_fails(ctx, take_in(zeros), IOV_E_UNTRUSTED, "was submitted as 0000");
}
END_TEST

/* The record is signed, and yet says something else than the archive holds. */
static void submit_changed(void (*change)(json_t *record), char ret_sha256[IOV_HEX_SIZE])
{
	iov_auto(unit_submission_release) struct unit_submission submission;
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	iov_auto(iov_buf_release) struct iov_buf archive = {0};
	unit_submission_make(ctx, "flow-table", "1.0.0", "int x;\n", &submission);
	change(submission.record);
	unit_ok(ctx, iov_submission_note(ctx, submission.record, &owner, &note));
	ck_assert_int_eq(iov_fs_read(submission.archive, 1 << 20, &archive), 0);
	submit_files(submission.sha256, note.data, note.len, archive.data, archive.len);
	memcpy(ret_sha256, submission.sha256, IOV_HEX_SIZE);
}

static void change_summary(json_t *record)
{
	json_object_set_new(json_object_get(record, "manifest"), "summary", json_string("Something else"));
}

static void change_digest(json_t *record)
{
	json_t *files = json_object_get(json_object_get(record, "archive"), "files");
	json_t *digest = json_object_get(json_array_get(files, 0), "sha256");
	json_object_set(json_array_get(files, 1), "sha256", digest);
}

static void add_file(json_t *record)
{
	json_t *files = json_object_get(json_object_get(record, "archive"), "files");
	json_t *file = json_deep_copy(json_array_get(files, 1));
	json_object_set_new(file, "path", json_string("src/b.bpf.c"));
	json_object_set_new(file, "size", json_integer(0));
	json_array_append_new(files, file);
}

static void change_name(json_t *record)
{
	json_object_set_new(json_object_get(record, "manifest"), "name", json_string("flow_table"));
}

static void change_version(json_t *record)
{
	json_object_set_new(json_object_get(record, "manifest"), "version", json_string("1.0"));
}

static void change_size(json_t *record)
{
	json_object_set_new(json_object_get(record, "archive"), "size", json_integer((json_int_t)IOV_ARCHIVE_MAX + 1));
}

START_TEST(the_record_must_fit_the_archive)
{
	static const struct {
		void (*change)(json_t *record);
		const char *why;
	} cases[] = {
		{change_summary, "says something else than its record"},
		{change_digest, "'src/a.bpf.c' in the archive has SHA-256"},
		{add_file, "the archive has 2 files, but its record names 3"},
		{change_name, "flow_table"},
		{change_version, "1.0"},
		{change_size, "allowed"},
	};
	for (size_t i = 0; i < IOV_COUNT(cases); i++) {
		char sha256[IOV_HEX_SIZE];
		submit_changed(cases[i].change, sha256);
		int rc = take_in(sha256);
		ck_assert_msg(rc == IOV_E_UNTRUSTED || rc == IOV_E_INPUT, "case %zu gives %d: %s", i, rc,
			      iov_error_text(ctx));
		ck_assert_msg(strstr(iov_error_text(ctx), cases[i].why), "'%s' is not in '%s'", cases[i].why,
			      iov_error_text(ctx));
		ck_assert_uint_eq(waiting(), 0);
	}
}
END_TEST

START_TEST(all_that_wait_are_taken_or_refused_with_a_reason)
{
	static const char *const names[] = {"alpha", "beta", "gamma"};
	char sha256[IOV_HEX_SIZE];
	iov_auto(iov_json_release) json_t *result = NULL;
	for (size_t i = 0; i < IOV_COUNT(names); i++) {
		iov_auto(unit_submission_release) struct unit_submission submission;
		unit_submission_make(ctx, names[i], "1.0.0", "int x;\n", &submission);
		unit_ok(ctx, iov_registry_submit(ctx, repo, submission.record, submission.archive, &owner));
	}
	submit_changed(change_summary, sha256);
	ck_assert_uint_eq(waiting(), 4);
	unit_ok(ctx, iov_registry_take_in(ctx, repo, &owner, NULL, &result));
	ck_assert_uint_eq(json_array_size(json_object_get(result, "accepted")), 3);
	const json_t *refused = json_array_get(json_object_get(result, "refused"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(refused, "name")), "flow-table");
	ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(refused, "reason")), "says something else"));
	ck_assert_uint_eq(waiting(), 0);
}
END_TEST

START_TEST(a_key_that_may_not_sign_changes_nothing)
{
	iov_auto(iov_signer_release) struct iov_signer stranger = {0};
	iov_auto(unit_submission_release) struct unit_submission submission;
	unit_signer(ctx, "stranger", &stranger);
	unit_submission_make(ctx, "flow-table", "1.0.0", "int x;\n", &submission);
	unit_ok(ctx, iov_registry_submit(ctx, repo, submission.record, submission.archive, &owner));
	unit_fails(ctx, iov_registry_take_in(ctx, repo, &stranger, NULL, NULL), IOV_E_UNTRUSTED,
		   "key 'stranger' may not sign for registry 'example.org/modules'; its root names 'owner'");
	ck_assert_uint_eq(waiting(), 1);
	unit_fails(ctx, iov_registry_resign_head(ctx, repo, &stranger, 0, 0, NULL), IOV_E_UNTRUSTED, "may not sign");
}
END_TEST

START_TEST(what_does_not_wait_is_not_found)
{
	char zeros[IOV_HEX_SIZE];
	memset(zeros, '0', sizeof(zeros) - 1);
	zeros[sizeof(zeros) - 1] = '\0';
	unit_fails(ctx, take_in(zeros), IOV_E_NOT_FOUND, "no submission of archive 0000");
	iov_auto(iov_free_ptr) char *nowhere = iov_path(ctx, "/nowhere");
	unit_fails(ctx, iov_registry_take_in(ctx, nowhere, &owner, NULL, NULL), IOV_E_NOT_FOUND, "nowhere");
	iov_auto(unit_submission_release) struct unit_submission submission;
	unit_submission_make(ctx, "flow-table", "1.0.0", "int x;\n", &submission);
	unit_fails(ctx, iov_registry_submit(ctx, nowhere, submission.record, submission.archive, &owner),
		   IOV_E_NOT_FOUND, "nowhere");
}
END_TEST

/* A publish that was killed after the archive's ref, or after main had moved: the next accept ends it. */
START_TEST(a_killed_publish_is_ended_by_the_next)
{
	char ref[IOV_REF_MAX], commit[IOV_COMMIT_SIZE];
	iov_auto(unit_submission_release) struct unit_submission submission;
	iov_auto(iov_buf_release) struct iov_buf archive = {0};
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	unit_submission_make(ctx, "flow-table", "1.0.0", "int x;\n", &submission);
	ck_assert_int_eq(iov_fs_read(submission.archive, 1 << 20, &archive), 0);
	const struct iov_git_file file = {IOV_ARCHIVE_PATH, archive.data, archive.len};
	snprintf(ref, sizeof(ref), IOV_PACKAGE_REFS "%s", submission.sha256);
	unit_ok(ctx, iov_git_commit(ctx, repo, ref, NULL, &file, 1, submission.sha256, 0, commit));
	for (int i = 0; i < 2; i++) {
		unit_ok(ctx, iov_registry_submit(ctx, repo, submission.record, submission.archive, &owner));
		unit_ok(ctx, iov_registry_take_in(ctx, repo, &owner, NULL, NULL));
	}
	open_host(&host);
	ck_assert_uint_eq(host.head.log_size, 1);
	ck_assert_uint_eq(waiting(), 0);
}
END_TEST

#define RIVALS 3

static void publish_some(int rival)
{
	for (int i = 0; i < 2; i++) {
		char name[32];
		snprintf(name, sizeof(name), "rival-%d-%d", rival, i);
		iov_auto(unit_submission_release) struct unit_submission submission;
		unit_submission_make(ctx, name, "1.0.0", name, &submission);
		unit_ok(ctx, iov_registry_submit(ctx, repo, submission.record, submission.archive, &owner));
		unit_ok(ctx, iov_registry_take_in(ctx, repo, &owner, submission.sha256, NULL));
	}
}

/* Nothing is lost between two others. */
START_TEST(rivals_all_get_in)
{
	pid_t children[RIVALS];
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	for (int i = 0; i < RIVALS; i++) {
		children[i] = fork();
		ck_assert_int_ge(children[i], 0);
		if (children[i] == 0) {
			publish_some(i);
			_exit(0);
		}
	}
	for (int i = 0; i < RIVALS; i++) {
		int status;
		ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
		ck_assert_int_eq(status, 0);
	}
	open_host(&host);
	ck_assert_uint_eq(host.head.log_size, 2 * RIVALS);
	ck_assert_uint_eq(waiting(), 0);
}
END_TEST

START_TEST(refresh_renews_the_head)
{
	iov_auto(iov_json_release) json_t *result = NULL;
	iov_auto(iov_host_release) struct iov_host before = {.path = NULL};
	iov_auto(iov_host_release) struct iov_host after = {.path = NULL};
	unit_ok(ctx, publish(&owner, "flow-table", "1.0.0", "int x;\n", NULL));
	open_host(&before);
	unit_ok(ctx, iov_registry_resign_head(ctx, repo, &owner, 7, 0, &result));
	open_host(&after);
	ck_assert_uint_eq(after.head.version, before.head.version + 1);
	ck_assert_int_eq(after.head.expires - after.head.issued, 7 * 86400);
	ck_assert_str_eq(after.head.manifest, before.head.manifest);
	ck_assert_uint_eq((uint64_t)json_integer_value(json_object_get(result, "head")), after.head.version);
	unit_fails(ctx, iov_registry_resign_head(ctx, repo, &owner, 100000, 0, NULL), IOV_E_USAGE, "at most 3650 days");
}
END_TEST

START_TEST(places_are_told_apart)
{
	static const struct {
		const char *url, *target;
		bool local;
	} cases[] = {
		{"/srv/registry.git", "/srv/registry.git", true},
		{"/srv/registry.git//", "/srv/registry.git", true},
		{"file:///srv/registry.git", "/srv/registry.git", true},
		{"https://example.org/r", "https://example.org/r", false},
		{"git@example.org:r.git", "git@example.org:r.git", false},
	};
	for (size_t i = 0; i < IOV_COUNT(cases); i++) {
		bool local;
		iov_auto(iov_free_ptr) char *target = NULL;
		unit_ok(ctx, iov_registry_locate(ctx, cases[i].url, &local, &target));
		ck_assert_int_eq(local, cases[i].local);
		ck_assert_str_eq(target, cases[i].target);
	}
	bool local;
	iov_auto(iov_free_ptr) char *relative = NULL;
	unit_ok(ctx, iov_registry_locate(ctx, "registry.git", &local, &relative));
	ck_assert_int_eq(relative[0], '/');
	ck_assert_ptr_nonnull(strstr(relative, "/registry.git"));
}
END_TEST

Suite *suite_registry_publish(void)
{
	Suite *suite = suite_create("registry_publish");
	TCase *pure = tcase_create("places");
	tcase_add_checked_fixture(pure, set_up, tear_down);
	tcase_add_test(pure, places_are_told_apart);
	suite_add_tcase(suite, pure);
	if (no_worker()) {
		printf("# skipped: registry_publish needs IOVPKG_WORKER\n");
		return suite;
	}
	TCase *tests = tcase_create("publish");
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, init_makes_an_empty_registry);
	tcase_add_test(tests, init_refuses_what_is_there);
	tcase_add_test(tests, a_publish_ends_in_the_index);
	tcase_add_test(tests, the_same_bytes_again_are_success);
	tcase_add_test(tests, other_bytes_under_a_version_are_refused);
	tcase_add_test(tests, a_silent_break_is_refused);
	tcase_add_test(tests, strangers_may_not_publish);
	tcase_add_test(tests, a_pattern_gives_names_to_a_publisher);
	tcase_add_test(tests, the_archive_must_be_the_signed_one);
	tcase_add_test(tests, the_ref_must_be_named_by_the_archive);
	tcase_add_test(tests, the_record_must_fit_the_archive);
	tcase_add_test(tests, all_that_wait_are_taken_or_refused_with_a_reason);
	tcase_add_test(tests, a_key_that_may_not_sign_changes_nothing);
	tcase_add_test(tests, what_does_not_wait_is_not_found);
	tcase_add_test(tests, a_killed_publish_is_ended_by_the_next);
	tcase_add_test(tests, rivals_all_get_in);
	tcase_add_test(tests, refresh_renews_the_head);
	suite_add_tcase(suite, tests);
	return suite;
}
