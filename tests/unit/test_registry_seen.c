/* What a host remembers of index files, against a registry that has all the keys and tells another story. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "registry/admin.h"
#include "registry/event.h"
#include "registry/host.h"
#include "registry/publish.h"
#include "registry/registry.h"
#include "registry/statement.h"
#include "submissions.h"
#include "util/cleanup.h"
#include "util/fs.h"

static struct iov_ctx *ctx;
static char *repo;
static struct iov_signer owner;
static struct iov_registries *registries;

static bool no_worker(void)
{
	const char *worker = getenv("IOVPKG_WORKER");
	return !worker || access(worker, X_OK);
}

static void publish(const char *version)
{
	iov_auto(unit_submission_release) struct unit_submission submission;
	unit_submission_make(ctx, "flow-table", version, version, &submission);
	unit_ok(ctx, iov_registry_submit(ctx, repo, submission.record, submission.archive, &owner));
	unit_ok(ctx, iov_registry_take_in(ctx, repo, &owner, submission.sha256, NULL));
}

static int say(const char *kind, const char *version, uint64_t since, const struct iov_signer *signer)
{
	char sha256[IOV_HEX_SIZE];
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	iov_auto(iov_json_release) json_t *versions = json_pack("[s]", version);
	const struct iov_statement_kind *row = iov_statement_kind(kind);
	iov_auto(iov_json_release) json_t *json = iov_statement_make(
		row, "flow-table", "example.org/modules", row->text ? "broken" : NULL, NULL, versions, since);
	unit_ok(ctx, iov_statement_note(ctx, json, signer, &note));
	unit_ok(ctx, iov_registry_submit_statement(ctx, repo, &note, sha256));
	return iov_registry_take_in(ctx, repo, &owner, sha256, NULL);
}

static void reopen(void)
{
	iov_registries_free(registries);
	registries = NULL;
	unit_ok(ctx, iov_registries_open(ctx, &registries));
}

/* Asks, and closes, so that what was read is remembered. */
static size_t count_releases(const char **ret_yanked)
{
	struct iov_release *const *releases;
	size_t count;
	reopen();
	unit_ok(ctx, iov_registries_releases(ctx, registries, "flow-table", &releases, &count));
	*ret_yanked = count && releases[0]->yanked ? "yanked" : "";
	reopen();
	return count;
}

static void expect(size_t count, const char *yanked)
{
	const char *is;
	ck_assert_uint_eq(count_releases(&is), count);
	ck_assert_str_eq(is, yanked);
}

static int update(void)
{
	reopen();
	return iov_registries_update(ctx, registries, NULL);
}

static void open_host(struct iov_host *ret)
{
	unit_ok(ctx, iov_host_open(ctx, repo, ret));
}

/* A head over another index file, signed by the registry's key, as its thief could make it. */
static void forge(const struct iov_buf *index)
{
	char commit[IOV_COMMIT_SIZE];
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	iov_auto(iov_changes_release) struct iov_changes changes = {0};
	open_host(&host);
	unit_ok(ctx, iov_host_list(ctx, &host, "flow-table", index, &changes));
	unit_ok(ctx, iov_host_commit(ctx, &host, &owner, 90, time(NULL), &changes, "forged", commit));
}

static void read_index(struct iov_buf *ret)
{
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	iov_auto(iov_index_release) struct iov_index index = {0};
	open_host(&host);
	unit_ok(ctx, iov_host_index(ctx, &host, "flow-table", ret, &index));
}

static void forge_text(const char *old, const char *new)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_buf_release) struct iov_buf other = {0};
	read_index(&text);
	const char *at = strstr(text.data, old);
	ck_assert_ptr_nonnull(at);
	iov_buf_add(&other, text.data, (size_t)(at - text.data));
	iov_buf_puts(&other, new);
	iov_buf_puts(&other, at + strlen(old));
	forge(&other);
}

static void set_up(void)
{
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	ctx = unit_ctx();
	repo = iov_path(ctx, "/registry.git");
	unit_signer(ctx, "owner", &owner);
	unit_ok(ctx, iov_registry_create(ctx, repo, "example.org/modules", &owner, NULL, 0, NULL));
	publish("1.0.0");
	publish("1.1.0");
	open_host(&host);
	unit_ok(ctx, iov_registry_pin(ctx, "main", repo, host.root->fingerprint, NULL));
	expect(2, "");
}

static void tear_down(void)
{
	iov_registries_free(registries);
	registries = NULL;
	iov_signer_release(&owner);
	free(repo);
	unit_ctx_free(ctx);
}

START_TEST(an_honest_registry_goes_on)
{
	publish("1.2.0");
	unit_ok(ctx, say("yank", "1.2.0", 2, &owner));
	unit_ok(ctx, update());
	expect(3, "yanked");
	unit_ok(ctx, say("unyank", "1.2.0", 3, &owner));
	unit_ok(ctx, say("deprecate", "1.0.0", 0, &owner));
	unit_ok(ctx, update());
	expect(3, "");
}
END_TEST

START_TEST(a_release_that_vanished_is_missed)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_buf_release) struct iov_buf none = {0};
	read_index(&text);
	text.len = (size_t)(strchr(text.data, '\n') + 1 - text.data);
	text.data[text.len] = '\0';
	forge(&text);
	unit_fails(ctx, update(), IOV_E_UNTRUSTED, "no longer has 'flow-table' 1.1.0 (release vanished)");
	expect(2, "");
	iov_buf_add(&none, "", 0);
	forge(&none);
	unit_fails(ctx, update(), IOV_E_UNTRUSTED, "(release vanished)");
	expect(2, "");
}
END_TEST

START_TEST(a_release_that_was_replaced_is_noticed)
{
	forge_text("\"summary\":\"A test\"", "\"summary\":\"A trap\"");
	unit_fails(ctx, update(), IOV_E_UNTRUSTED,
		   "another release under the version of 'flow-table' 1.0.0 (release replaced)");
	expect(2, "");
}
END_TEST

START_TEST(a_release_that_moved_in_the_log_is_noticed)
{
	forge_text("{\"log\":1,", "{\"log\":0,");
	unit_fails(ctx, update(), IOV_E_UNTRUSTED, "another place in the log for 'flow-table' 1.1.0");
	expect(2, "");
}
END_TEST

START_TEST(a_yank_is_not_undone_in_silence)
{
	unit_ok(ctx, say("yank", "1.1.0", 1, &owner));
	unit_ok(ctx, update());
	expect(2, "yanked");
	forge_text("\"yanked\":{\"log\":2,\"reason\":\"broken\"}", "\"yanked\":null");
	unit_fails(ctx, update(), IOV_E_UNTRUSTED, "'flow-table' 1.1.0 (yank undone)");
	expect(2, "yanked");
}
END_TEST

/* Nor with the word of an entry that says something else, or nothing. */
START_TEST(a_yank_is_not_undone_by_another_event)
{
	unit_ok(ctx, say("yank", "1.1.0", 1, &owner));
	unit_ok(ctx, update());
	publish("1.2.0");
	unit_ok(ctx, say("yank", "1.0.0", 0, &owner));
	unit_ok(ctx, say("unyank", "1.0.0", 4, &owner));
	forge_text("\"yanked\":{\"log\":2,\"reason\":\"broken\"}", "\"yanked\":{\"log\":3}");
	unit_fails(ctx, update(), IOV_E_UNTRUSTED, "yank undone");
	forge_text("\"yanked\":{\"log\":3}", "\"yanked\":{\"log\":4}");
	unit_fails(ctx, update(), IOV_E_UNTRUSTED, "yank undone");
	expect(2, "yanked");
}
END_TEST

/* The memory is made of what was read, also by an update that nobody read after. */
START_TEST(a_yank_seen_by_an_update_alone_counts)
{
	unit_ok(ctx, say("yank", "1.1.0", 1, &owner));
	unit_ok(ctx, update());
	forge_text("\"yanked\":{\"log\":2,\"reason\":\"broken\"}", "\"yanked\":null");
	unit_fails(ctx, update(), IOV_E_UNTRUSTED, "yank undone");
}
END_TEST

START_TEST(a_memory_that_is_damaged_is_named)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_STATE "/registries/main/seen.json");
	ck_assert(iov_fs_exists(path));
	ck_assert_int_eq(iov_fs_replace(path, "{", 1, 0644), 0);
	publish("1.2.0");
	unit_fails(ctx, update(), IOV_E_UNTRUSTED, "seen.json'; remove the file");
	ck_assert_int_eq(unlink(path), 0);
	unit_ok(ctx, update());
	expect(3, "");
}
END_TEST

/* ---- what accept makes of statements ---- */

START_TEST(a_statement_is_used_once)
{
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	unit_ok(ctx, say("yank", "1.1.0", 1, &owner));
	unit_ok(ctx, say("yank", "1.1.0", 1, &owner));
	unit_ok(ctx, say("unyank", "1.1.0", 2, &owner));
	unit_fails(ctx, say("yank", "1.1.0", 1, &owner), IOV_E_CONFLICT, "an old statement sent again");
	unit_ok(ctx, say("unyank", "1.1.0", 1, &owner));
	open_host(&host);
	ck_assert_uint_eq(host.head.log_size, 4);
}
END_TEST

START_TEST(strangers_say_nothing)
{
	struct iov_signer stranger;
	unit_signer(ctx, "stranger", &stranger);
	unit_fails(ctx, say("yank", "1.1.0", 1, &stranger), IOV_E_UNTRUSTED, "wrong publisher");
	unit_fails(ctx, say("yank", "3.0.0", 1, &owner), IOV_E_INPUT, "'flow-table' 3.0.0 is not in the registry");
	iov_signer_release(&stranger);
}
END_TEST

Suite *suite_registry_seen(void);
Suite *suite_registry_seen(void)
{
	Suite *suite = suite_create("registry_seen");
	TCase *tests = tcase_create("seen");
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, set_up, tear_down);
	if (!no_worker()) {
		tcase_add_test(tests, an_honest_registry_goes_on);
		tcase_add_test(tests, a_release_that_vanished_is_missed);
		tcase_add_test(tests, a_release_that_was_replaced_is_noticed);
		tcase_add_test(tests, a_release_that_moved_in_the_log_is_noticed);
		tcase_add_test(tests, a_yank_is_not_undone_in_silence);
		tcase_add_test(tests, a_yank_is_not_undone_by_another_event);
		tcase_add_test(tests, a_yank_seen_by_an_update_alone_counts);
		tcase_add_test(tests, a_memory_that_is_damaged_is_named);
		tcase_add_test(tests, a_statement_is_used_once);
		tcase_add_test(tests, strangers_say_nothing);
	}
	suite_add_tcase(suite, tests);
	return suite;
}
