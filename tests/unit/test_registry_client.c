/* The client's half on real repositories: what it trusts, and every attack it names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/brief.h"
#include "registry/admin.h"
#include "registry/host.h"
#include "registry/publish.h"
#include "registry/registry.h"
#include "registry/submission.h"
#include "registry/trust.h"
#include "submissions.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/process.h"

#define DAY 86400

static struct iov_ctx *ctx;
static char *repo;
static struct iov_signer owner;
static struct iov_registries *registries;
static uint64_t root_version; /* the newest */

static bool no_worker(void)
{
	const char *worker = getenv("IOVPKG_WORKER");
	return !worker || access(worker, X_OK);
}

static void publish_to(const char *path, const char *name, const char *version)
{
	iov_auto(unit_submission_release) struct unit_submission submission;
	unit_submission_make(ctx, name, version, version, &submission);
	unit_ok(ctx, iov_registry_submit(ctx, path, submission.record, submission.archive, &owner));
	unit_ok(ctx, iov_registry_take_in(ctx, path, &owner, submission.sha256, NULL));
}

static void publish(const char *name, const char *version)
{
	publish_to(repo, name, version);
}

static void create(const char *path)
{
	unit_ok(ctx, iov_registry_create(ctx, path, "example.org/modules", &owner, NULL, 0, NULL));
}

static char *fingerprint_of(const char *path)
{
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	unit_ok(ctx, iov_host_open(ctx, path, &host));
	return strdup(host.root->fingerprint);
}

static void pin(const char *name, const char *path)
{
	iov_auto(iov_free_ptr) char *fingerprint = fingerprint_of(path);
	unit_ok(ctx, iov_registry_pin(ctx, name, path, fingerprint, NULL));
}

static void reopen(void)
{
	iov_registries_free(registries);
	registries = NULL;
	unit_ok(ctx, iov_registries_open(ctx, &registries));
}

static int update(void)
{
	return iov_registries_update(ctx, registries, NULL);
}

static size_t count_releases(const char *name)
{
	struct iov_release *const *releases;
	size_t count;
	unit_ok(ctx, iov_registries_releases(ctx, registries, name, &releases, &count));
	return count;
}

static int ask(const char *name)
{
	struct iov_release *const *releases;
	size_t count;
	return iov_registries_releases(ctx, registries, name, &releases, &count);
}

/* A host with registry 'main', which has flow-table 1.0.0. */
static void set_up(void)
{
	ctx = unit_ctx();
	repo = iov_path(ctx, "/registry.git");
	unit_signer(ctx, "owner", &owner);
	create(repo);
	root_version = 1;
	publish("flow-table", "1.0.0");
	pin("main", repo);
	reopen();
}

static void tear_down(void)
{
	iov_registries_free(registries);
	registries = NULL;
	iov_signer_release(&owner);
	free(repo);
	unit_ctx_free(ctx);
}

static void copy(const char *from, const char *to)
{
	const char *const argv[] = {"cp", "-a", from, to, NULL};
	const struct iov_process process = {.argv = argv, .limit_output = 1000};
	struct iov_process_result result;
	ck_assert_int_eq(iov_fs_rmtree(to), 0);
	ck_assert_int_eq(iov_process_run(&process, &result), 0);
	ck_assert_int_eq(result.status, 0);
	iov_process_result_release(&result);
}

/* Puts files on top of the registry's main branch, as somebody with write access to the repository could. */
static void tamper(const struct iov_git_file *files, size_t count)
{
	char parent[IOV_COMMIT_SIZE], commit[IOV_COMMIT_SIZE];
	unit_ok(ctx, iov_git_resolve(ctx, repo, IOV_MAIN_REF, parent));
	unit_ok(ctx, iov_git_commit(ctx, repo, IOV_MAIN_REF, parent, files, count, "tamper", time(NULL), commit));
}

static void read_main(const char *path, struct iov_buf *ret)
{
	char commit[IOV_COMMIT_SIZE];
	unit_ok(ctx, iov_git_resolve(ctx, repo, IOV_MAIN_REF, commit));
	unit_ok(ctx, iov_git_read(ctx, repo, commit, path, 1 << 20, ret));
}

/* ---- pinning ---- */

START_TEST(pinning_needs_a_fingerprint_or_a_yes)
{
	iov_auto(iov_free_ptr) char *right = fingerprint_of(repo);
	char wrong[IOV_HEX_SIZE];
	memset(wrong, '0', sizeof(wrong) - 1);
	wrong[sizeof(wrong) - 1] = '\0';
	unit_fails(ctx, iov_registry_pin(ctx, "second", repo, NULL, NULL), IOV_E_UNTRUSTED, right);
	unit_fails(ctx, iov_registry_pin(ctx, "second", repo, NULL, NULL), IOV_E_UNTRUSTED,
		   "run 'iovpkg registry add second ");
	unit_fails(ctx, iov_registry_pin(ctx, "second", repo, wrong, NULL), IOV_E_UNTRUSTED,
		   "is not the one you named");
	unit_fails(ctx, iov_registry_pin(ctx, "second", repo, "0000", NULL), IOV_E_USAGE, "is not a SHA-256");
	unit_fails(ctx, iov_registry_pin(ctx, "Second", repo, right, NULL), IOV_E_USAGE, "is no name for a registry");
	unit_fails(ctx, iov_registry_pin(ctx, "main", repo, right, NULL), IOV_E_CONFLICT,
		   "has a registry 'main' already");
	reopen();
	ck_assert_uint_eq(iov_registries_count(registries), 1);
	unit_ok(ctx, iov_registry_pin(ctx, "second", repo, right, NULL));
	reopen();
	ck_assert_uint_eq(iov_registries_count(registries), 2);
}
END_TEST

static bool answer_given;

static bool on_question(enum iov_question question, const char *json, void *data)
{
	char *text = data;
	ck_assert_int_eq(question, IOV_ASK_TRUST);
	snprintf(text, 2000, "%s", json);
	return answer_given;
}

START_TEST(the_confirm_callback_is_asked)
{
	char question[2000] = "";
	iov_auto(iov_free_ptr) char *right = fingerprint_of(repo);
	iov_auto(iov_json_release) json_t *told = NULL;
	ctx->config.confirm = on_question;
	ctx->config.data = question;
	answer_given = false;
	unit_fails(ctx, iov_registry_pin(ctx, "second", repo, NULL, NULL), IOV_E_DECLINED, "is not trusted");
	answer_given = true;
	unit_ok(ctx, iov_registry_pin(ctx, "second", repo, NULL, &told));
	ck_assert_ptr_nonnull(strstr(question, right));
	ck_assert_ptr_nonnull(strstr(question, "\"registry\":\"second\""));
	ck_assert_ptr_nonnull(strstr(question, "\"keys\":[\"owner+"));
	ck_assert_str_eq(json_string_value(json_object_get(told, "fingerprint")), right);
	ck_assert_str_eq(json_string_value(json_object_get(told, "origin")), "example.org/modules");
}
END_TEST

START_TEST(what_is_no_registry_is_not_pinned)
{
	iov_auto(iov_free_ptr) char *nowhere = iov_path(ctx, "/nowhere.git");
	iov_auto(iov_free_ptr) char *bare = iov_path(ctx, "/bare.git");
	char commit[IOV_COMMIT_SIZE];
	const struct iov_git_file file = {"README", "x", 1};
	unit_fails(ctx, iov_registry_pin(ctx, "second", nowhere, NULL, NULL), IOV_E_NETWORK, "registry 'second'");
	unit_ok(ctx, iov_git_init(ctx, bare));
	unit_fails(ctx, iov_registry_pin(ctx, "second", bare, NULL, NULL), IOV_E_NOT_FOUND, "registry 'second'");
	unit_ok(ctx, iov_git_commit(ctx, bare, IOV_MAIN_REF, NULL, &file, 1, "x", 0, commit));
	unit_fails(ctx, iov_registry_pin(ctx, "second", bare, NULL, NULL), IOV_E_UNTRUSTED, "is no registry");
	iov_auto(iov_free_ptr) char *folder = iov_trust_folder(ctx, ".second.new");
	ck_assert(!iov_fs_exists(folder));
}
END_TEST

START_TEST(forgetting_and_describing)
{
	iov_auto(iov_json_release) json_t *list = NULL;
	iov_auto(iov_json_release) json_t *empty = NULL;
	unit_ok(ctx, iov_registry_describe_all(ctx, &list));
	ck_assert_uint_eq(json_array_size(list), 1);
	const json_t *one = json_array_get(list, 0);
	ck_assert_str_eq(json_string_value(json_object_get(one, "name")), "main");
	ck_assert_str_eq(json_string_value(json_object_get(one, "url")), repo);
	ck_assert_int_eq(json_integer_value(json_object_get(one, "log_size")), 1);
	ck_assert(json_is_false(json_object_get(one, "expired")));
	unit_ok(ctx, iov_registry_forget(ctx, "main"));
	unit_fails(ctx, iov_registry_forget(ctx, "main"), IOV_E_NOT_FOUND, "no registry 'main'");
	unit_fails(ctx, iov_registry_forget(ctx, "../registries"), IOV_E_NOT_FOUND, "no registry");
	unit_ok(ctx, iov_registry_describe_all(ctx, &empty));
	ck_assert_uint_eq(json_array_size(empty), 0);
}
END_TEST

/* ---- reading ---- */

START_TEST(releases_come_newest_first)
{
	struct iov_release *const *releases;
	size_t count;
	publish("flow-table", "1.10.0");
	publish("flow-table", "1.9.0");
	unit_ok(ctx, update());
	unit_ok(ctx, iov_registries_releases(ctx, registries, "flow-table", &releases, &count));
	ck_assert_uint_eq(count, 3);
	ck_assert_str_eq(releases[0]->manifest->version.text, "1.10.0");
	ck_assert_str_eq(releases[1]->manifest->version.text, "1.9.0");
	ck_assert_str_eq(releases[2]->manifest->version.text, "1.0.0");
	ck_assert_str_eq(releases[0]->registry, "main");
	ck_assert_uint_eq(releases[2]->log, 0);
	ck_assert_uint_eq(count_releases("nothing-like-it"), 0);
}
END_TEST

START_TEST(names_and_prefetch)
{
	static const char *const wanted[] = {"exec-trace", "flow-table", "no-such"};
	char **names = NULL;
	size_t count = 0;
	publish("exec-trace", "0.1.0");
	unit_ok(ctx, update());
	unit_ok(ctx, iov_registries_names(ctx, registries, &names, &count));
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(names[0], "main exec-trace");
	ck_assert_str_eq(names[1], "main flow-table");
	iov_fs_names_free(names, count);
	reopen();
	unit_ok(ctx, iov_registries_prefetch(ctx, registries, wanted, 3));
	ck_assert_uint_eq(count_releases("exec-trace"), 1);
	ck_assert_uint_eq(count_releases("flow-table"), 1);
	ck_assert_uint_eq(count_releases("no-such"), 0);
}
END_TEST

/* ---- briefs ---- */

static const struct iov_release *newest_brief(const char *name, size_t expected)
{
	struct iov_release *const *releases = NULL;
	size_t count = 0;
	unit_ok(ctx, iov_registries_briefs(ctx, registries, name, &releases, &count));
	ck_assert_uint_eq(count, expected);
	return count ? releases[0] : NULL;
}

static void keep_and_reopen(void)
{
	iov_registries_keep_briefs(registries);
	reopen();
}

static char *in_trust(const char *name)
{
	return iov_path(ctx, IOV_STATE "/registries/main/%s", name);
}

START_TEST(briefs_answer_without_reading_the_index)
{
	static const char *const wanted[] = {"flow-table", "no-such"};
	iov_auto(iov_free_ptr) char *clone = in_trust("git"), *away = in_trust("away");
	const struct iov_release *whole = NULL;
	publish("flow-table", "1.1.0");
	unit_ok(ctx, update());
	unit_ok(ctx, iov_registries_warm(ctx, registries, wanted, 2));
	ck_assert(!iov_release_is_brief(newest_brief("flow-table", 2)));
	keep_and_reopen();
	ck_assert_int_eq(rename(clone, away), 0);
	const struct iov_release *brief = newest_brief("flow-table", 2);
	ck_assert(iov_release_is_brief(brief));
	ck_assert_str_eq(brief->manifest->name, "flow-table");
	ck_assert_str_eq(brief->manifest->version.text, "1.1.0");
	ck_assert_str_eq(brief->registry, "main");
	newest_brief("no-such", 0);
	ck_assert_int_ne(iov_registries_complete(ctx, registries, brief, &whole), IOV_OK);
	ck_assert_int_eq(rename(away, clone), 0);
	unit_ok(ctx, iov_registries_complete(ctx, registries, brief, &whole));
	ck_assert(!iov_release_is_brief(whole));
	ck_assert_str_eq(whole->sha256, brief->sha256);
	ck_assert_str_eq(whole->published, brief->published);
}
END_TEST

START_TEST(briefs_are_those_of_one_head)
{
	newest_brief("flow-table", 1);
	keep_and_reopen();
	publish("flow-table", "1.1.0");
	unit_ok(ctx, update());
	ck_assert_str_eq(newest_brief("flow-table", 2)->manifest->version.text, "1.1.0");
}
END_TEST

START_TEST(damaged_briefs_are_read_anew)
{
	iov_auto(iov_free_ptr) char *path = in_trust("briefs");
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	newest_brief("flow-table", 1);
	iov_registries_keep_briefs(registries);
	ck_assert_int_eq(iov_fs_read(path, 1 << 20, &text), 0);
	char *version = strstr(text.data, "1.0.0");
	ck_assert_ptr_nonnull(version);
	*version = '9';
	ck_assert_int_eq(iov_fs_replace(path, text.data, text.len, 0644), 0);
	reopen();
	ck_assert_str_eq(newest_brief("flow-table", 1)->manifest->version.text, "1.0.0");
}
END_TEST

static int fetch_archive(const struct iov_release *release, const char *path)
{
	struct iov_archive_wish wish = {.release = release, .path = path};
	int rc = iov_registries_fetch_archives(ctx, registries, &wish, 1);
	ck_assert(!wish.checked);
	return rc;
}

START_TEST(archives_are_fetched_whole)
{
	struct iov_release *const *releases;
	size_t count;
	char sha256[IOV_HEX_SIZE];
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, "/fetched.iov");
	unit_ok(ctx, iov_registries_releases(ctx, registries, "flow-table", &releases, &count));
	ctx->config.offline = true;
	unit_fails(ctx, fetch_archive(releases[0], path), IOV_E_NETWORK, "run again without --offline");
	ctx->config.offline = false;
	unit_ok(ctx, fetch_archive(releases[0], path));
	unit_ok(ctx, iov_sha256_file(ctx, path, sha256));
	ck_assert_str_eq(sha256, releases[0]->sha256);
	ctx->config.offline = true;
	unit_ok(ctx, fetch_archive(releases[0], path));
}
END_TEST

START_TEST(an_archive_longer_than_its_record_is_cut_off)
{
	struct iov_release *const *releases;
	size_t count;
	char ref[IOV_REF_MAX], commit[IOV_COMMIT_SIZE];
	static const char endless[100000];
	const struct iov_git_file file = {IOV_ARCHIVE_PATH, endless, sizeof(endless)};
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, "/fetched.iov");
	struct stat st;
	unit_ok(ctx, iov_registries_releases(ctx, registries, "flow-table", &releases, &count));
	snprintf(ref, sizeof(ref), IOV_PACKAGE_REFS "%s", releases[0]->sha256);
	unit_ok(ctx, iov_git_delete_ref(ctx, repo, ref));
	unit_fails(ctx, fetch_archive(releases[0], path), IOV_E_NOT_FOUND, "has not its archive");
	unit_ok(ctx, iov_git_commit(ctx, repo, ref, NULL, &file, 1, "endless", 0, commit));
	unit_fails(ctx, fetch_archive(releases[0], path), IOV_E_UNTRUSTED, "endless data attack");
	ck_assert(stat(path, &st) || (uint64_t)st.st_size <= releases[0]->size);
}
END_TEST

START_TEST(a_release_is_proved_from_the_pin_on)
{
	struct iov_release *const *releases;
	size_t count;
	iov_auto(iov_json_release) json_t *proof = NULL;
	iov_auto(iov_free_ptr) char *fingerprint = fingerprint_of(repo);
	for (int i = 1; i < 6; i++) {
		char version[16];
		snprintf(version, sizeof(version), "1.0.%d", i);
		publish("flow-table", version);
	}
	unit_ok(ctx, update());
	unit_ok(ctx, iov_registries_releases(ctx, registries, "flow-table", &releases, &count));
	unit_ok(ctx, iov_registries_prove(ctx, registries, releases[3], &proof));
	ck_assert_str_eq(json_string_value(json_object_get(proof, "version")), "1.0.2");
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(proof, "root"), "fingerprint")),
			 fingerprint);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(proof, "log"), "position")), 2);
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(proof, "publishers"), 0)), "owner");
}
END_TEST

static int prove_by(const json_t *proof, const struct iov_release *release)
{
	iov_auto(iov_json_release) json_t *chain = NULL;
	return iov_registries_prove_by(ctx, registries, proof, release, &chain);
}

START_TEST(a_proof_at_hand_is_held_against_the_pin)
{
	struct iov_release *const *releases;
	size_t count;
	iov_auto(iov_json_release) json_t *proof = NULL;
	iov_auto(iov_json_release) json_t *bare = NULL;
	publish("flow-table", "1.0.1");
	unit_ok(ctx, update());
	unit_ok(ctx, iov_registries_releases(ctx, registries, "flow-table", &releases, &count));
	unit_ok(ctx, iov_registries_proof(ctx, registries, releases[0], &proof));
	ck_assert_ptr_null(iov_registries_kept_proof(ctx, registries, releases[0])); /* it costs nothing through git */
	unit_ok(ctx, prove_by(proof, releases[0]));
	unit_fails(ctx, prove_by(proof, releases[1]), IOV_E_UNTRUSTED, "does not hold its own entry");
	bare = json_copy(proof);
	json_object_set_new(bare, "roots", json_array());
	unit_fails(ctx, prove_by(bare, releases[0]), IOV_E_UNTRUSTED, "the proof has no root");
	json_object_set_new(proof, "fingerprint", json_string("0123"));
	unit_fails(ctx, prove_by(proof, releases[0]), IOV_E_UNTRUSTED,
		   "begins with a root of the fingerprint 0123, but this host trusts");
	json_object_del(proof, "fingerprint");
	unit_fails(ctx, prove_by(proof, releases[0]), IOV_E_UNTRUSTED, "but this host trusts");
	unit_fails(ctx, prove_by(json_null(), releases[0]), IOV_E_UNTRUSTED, "but this host trusts");
}
END_TEST

START_TEST(a_release_that_is_not_in_the_log_is_not_proved)
{
	struct iov_release *const *releases;
	size_t count;
	json_t *proof = NULL;
	struct iov_release *moved = NULL;
	publish("flow-table", "1.0.1");
	unit_ok(ctx, update());
	unit_ok(ctx, iov_registries_releases(ctx, registries, "flow-table", &releases, &count));
	iov_auto(iov_json_release) json_t *line = json_deep_copy(releases[0]->json);
	json_object_set_new(line, "log", json_integer(0));
	unit_ok(ctx, iov_release_from_json(ctx, line, &moved));
	moved->registry = strdup("main");
	unit_fails(ctx, iov_registries_prove(ctx, registries, moved, &proof), IOV_E_UNTRUSTED,
		   "is not the publish of 'flow-table' 1.0.1");
	moved->log = 7;
	unit_fails(ctx, iov_registries_prove(ctx, registries, moved, &proof), IOV_E_UNTRUSTED,
		   "has 2 entries and no number 7");
	moved->registry[0] = 'x';
	unit_fails(ctx, iov_registries_prove(ctx, registries, moved, &proof), IOV_E_NOT_FOUND, "no longer has");
	iov_release_free(moved);
}
END_TEST

START_TEST(a_name_in_two_registries_is_a_conflict)
{
	struct iov_release *const *releases;
	size_t count;
	iov_auto(iov_free_ptr) char *other = iov_path(ctx, "/other.git");
	create(other);
	publish_to(other, "flow-table", "9.0.0");
	pin("other", other);
	reopen();
	unit_fails(ctx, ask("flow-table"), IOV_E_CONFLICT,
		   "registries 'main' and 'other' both have a module 'flow-table'");
	unit_ok(ctx, iov_registries_choose(ctx, registries, "flow-table", "main"));
	unit_ok(ctx, iov_registries_releases(ctx, registries, "flow-table", &releases, &count));
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(releases[0]->registry, "main");
	unit_fails(ctx, iov_registries_choose(ctx, registries, "flow-table", "third"), IOV_E_NOT_FOUND,
		   "no registry 'third'");
}
END_TEST

START_TEST(an_unreachable_registry_keeps_the_last_state)
{
	iov_auto(iov_free_ptr) char *away = iov_path(ctx, "/away.git");
	ck_assert_int_eq(rename(repo, away), 0);
	unit_fails(ctx, update(), IOV_E_NETWORK, "registry 'main'");
	unit_fails(ctx, iov_registries_update(ctx, registries, "other"), IOV_E_NOT_FOUND, "no registry 'other'");
	ck_assert_uint_eq(count_releases("flow-table"), 1);
	reopen();
	ck_assert_uint_eq(count_releases("flow-table"), 1);
}
END_TEST

/* ---- attacks ---- */

/* Refused, and what was seen before goes on answering. */
static void refused(const char *words)
{
	reopen();
	unit_fails(ctx, update(), IOV_E_UNTRUSTED, words);
	reopen();
	ck_assert_uint_ge(count_releases("flow-table"), 1);
}

START_TEST(rollback_is_refused)
{
	iov_auto(iov_free_ptr) char *old = iov_path(ctx, "/old.git");
	copy(repo, old);
	publish("flow-table", "1.0.1");
	unit_ok(ctx, update());
	ck_assert_uint_eq(count_releases("flow-table"), 2);
	copy(old, repo);
	refused("shows head 2, but this host has seen head 3: an old state is played back (rollback attack)");
	ck_assert_uint_eq(count_releases("flow-table"), 2);
}
END_TEST

/* A head over the same content, issued so many days from now and good for so many more. */
static void time_head(int after, unsigned days)
{
	char commit[IOV_COMMIT_SIZE];
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	iov_auto(iov_changes_release) struct iov_changes changes = {0};
	unit_ok(ctx, iov_host_open(ctx, repo, &host));
	unit_ok(ctx, iov_host_commit(ctx, &host, &owner, days, time(NULL) + after * DAY, &changes, "head", commit));
}

START_TEST(freeze_is_refused)
{
	time_head(0, 0);
	refused("newer releases may be held back from this host (freeze attack)");
	time_head(-3, 90);
	refused("time does not go back (freeze attack)");
	time_head(0, 90);
	unit_ok(ctx, update());
}
END_TEST

/* What this host has seen is a head of another time, as if its clock had been changed since. */
static void move_state(int days)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_STATE "/registries/main/head.json");
	iov_auto(iov_json_release) json_t *json = NULL;
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	struct iov_trust *trust = NULL;
	unit_ok(ctx, iov_trust_open(ctx, "main", &trust));
	struct iov_head head = trust->head;
	head.issued += days * DAY;
	head.expires = head.issued + DAY;
	unit_ok(ctx, iov_head_make(ctx, &head, iov_trust_root(trust), &owner, &note));
	iov_trust_free(trust);
	unit_ok(ctx, iov_json_read(ctx, path, 1 << 20, &json));
	json_object_set_new(json, "head", json_string(note.data));
	iov_auto(iov_free_ptr) char *text = iov_json_text(json);
	ck_assert_int_eq(iov_fs_replace(path, text, strlen(text), 0644), 0);
	reopen();
}

/* The head that this host has gets old: it is not built on, but an update heals it. */
START_TEST(an_expired_state_answers_nothing)
{
	move_state(-3);
	unit_fails(ctx, ask("flow-table"), IOV_E_UNTRUSTED, "run 'iovpkg registry update main'");
	time_head(0, 90);
	unit_ok(ctx, update());
	ck_assert_uint_eq(count_releases("flow-table"), 1);
}
END_TEST

START_TEST(a_clock_that_was_set_back_is_told)
{
	move_state(3);
	unit_fails(ctx, ask("flow-table"), IOV_E_UNTRUSTED,
		   "with a clock that is behind, newer releases could be held");
	time_head(3, 90);
	reopen();
	unit_fails(ctx, update(), IOV_E_UNTRUSTED, "(freeze attack); set the clock");
}
END_TEST

START_TEST(a_forked_log_is_refused)
{
	iov_auto(iov_free_ptr) char *twin = iov_path(ctx, "/twin.git");
	copy(repo, twin);
	publish("flow-table", "1.0.1");
	unit_ok(ctx, update());
	publish_to(twin, "flow-other", "1.0.0");
	copy(twin, repo);
	refused("shows a second head of the same version: it tells this host another story than before (fork)");
	publish_to(twin, "flow-other", "1.0.1");
	copy(twin, repo);
	refused("does not go on from the 2 entries seen before (fork)");
	ck_assert_uint_eq(count_releases("flow-table"), 2);
}
END_TEST

START_TEST(a_long_log_is_proved_to_go_on)
{
	for (int i = 0; i < 5; i++) {
		char version[16];
		for (int j = 0; j <= i; j++) {
			snprintf(version, sizeof(version), "2.%d.%d", i, j);
			publish("flow-table", version);
		}
		unit_ok(ctx, update());
	}
	ck_assert_uint_eq(count_releases("flow-table"), 16);
}
END_TEST

static void change_text(struct iov_buf *text, const char *from, const char *to)
{
	char *at = strstr(text->data, from);
	ck_assert_ptr_nonnull(at);
	ck_assert_uint_eq(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
}

static void tamper_text(const char *path, const char *from, const char *to)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	read_main(path, &text);
	change_text(&text, from, to);
	const struct iov_git_file file = {path, text.data, text.len};
	tamper(&file, 1);
}

START_TEST(a_head_that_its_key_did_not_sign_is_refused)
{
	tamper_text(IOV_HEAD_PATH, "\"version\":2", "\"version\":9");
	refused("head of registry 'main' is refused: it is not signed by a key that root 1 names for the registry");
}
END_TEST

START_TEST(a_head_of_a_stranger_is_refused)
{
	iov_auto(iov_signer_release) struct iov_signer stranger = {0};
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	iov_auto(iov_buf_release) struct iov_buf old = {0};
	const struct iov_signer *signers = &stranger;
	unit_signer(ctx, "owner", &stranger);
	read_main(IOV_HEAD_PATH, &old);
	*strstr(old.data, "\n\n") = '\0';
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_buf_printf(&text, "%s\n", old.data);
	unit_ok(ctx, iov_note_make(ctx, text.data, &signers, 1, &note));
	const struct iov_git_file file = {IOV_HEAD_PATH, note.data, note.len};
	tamper(&file, 1);
	refused("root 1 names for the registry (arbitrary software attack)");
}
END_TEST

START_TEST(mixing_an_old_manifest_with_a_new_head_is_refused)
{
	iov_auto(iov_buf_release) struct iov_buf old = {0};
	read_main(IOV_TOP_PATH, &old);
	publish("flow-table", "1.0.1");
	const struct iov_git_file file = {IOV_TOP_PATH, old.data, old.len};
	tamper(&file, 1);
	refused("the index manifest of registry 'main' is not the one that head 3 names (mix-and-match attack)");
}
END_TEST

START_TEST(mixing_an_old_index_with_a_new_manifest_is_refused)
{
	struct iov_index_place place;
	iov_auto(iov_buf_release) struct iov_buf old = {0};
	iov_index_place("flow-table", &place);
	read_main(place.index_path, &old);
	publish("flow-table", "1.0.1");
	const struct iov_git_file file = {place.index_path, old.data, old.len};
	tamper(&file, 1);
	unit_ok(ctx, update());
	unit_fails(ctx, ask("flow-table"), IOV_E_UNTRUSTED, "is not what head 3 names (mix-and-match attack)");
}
END_TEST

START_TEST(an_index_that_was_changed_or_taken_away_is_refused)
{
	struct iov_index_place place;
	iov_index_place("flow-table", &place);
	tamper_text(place.index_path, "\"yanked\":null", "\"yanked\":true");
	unit_ok(ctx, update());
	unit_fails(ctx, ask("flow-table"), IOV_E_UNTRUSTED, "flow-table");
	const struct iov_git_file file = {place.index_path, NULL, 0};
	tamper(&file, 1);
	unit_ok(ctx, update());
	unit_fails(ctx, ask("flow-table"), IOV_E_UNTRUSTED, "mix-and-match");
}
END_TEST

START_TEST(a_checkpoint_of_another_log_is_refused)
{
	iov_auto(iov_buf_release) struct iov_buf old = {0};
	read_main(IOV_CHECKPOINT_PATH, &old);
	publish("flow-table", "1.0.1");
	const struct iov_git_file file = {IOV_CHECKPOINT_PATH, old.data, old.len};
	tamper(&file, 1);
	refused("checkpoint of registry 'main' tells of another log than its head (fork)");
}
END_TEST

START_TEST(tiles_that_do_not_give_the_root_are_refused)
{
	static const char zeros[64];
	publish("flow-table", "1.0.1");
	const struct iov_git_file file = {"tile/0/000.p/2", zeros, sizeof(zeros)};
	tamper(&file, 1);
	refused("do not give the root that head 3 names");
}
END_TEST

START_TEST(archives_elsewhere_are_told)
{
	tamper_text("registry.yaml", "packages: git", "packages: ftp");
	reopen();
	unit_fails(ctx, update(), IOV_E_UNSUPPORTED, "'packages' is 'ftp'");
}
END_TEST

/* The host itself, with the registry's key, lists a line that no publisher signed. */
static void list_forged(const char *name, const char *from, const char *to)
{
	struct iov_index_place place;
	char commit[IOV_COMMIT_SIZE];
	iov_auto(iov_buf_release) struct iov_buf index = {0};
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	iov_auto(iov_changes_release) struct iov_changes changes = {0};
	iov_index_place("flow-table", &place);
	read_main(place.index_path, &index);
	change_text(&index, from, to);
	unit_ok(ctx, iov_host_open(ctx, repo, &host));
	unit_ok(ctx, iov_host_list(ctx, &host, name, &index, &changes));
	unit_ok(ctx, iov_host_commit(ctx, &host, &owner, 90, time(NULL), &changes, "forge", commit));
	unit_ok(ctx, update());
}

START_TEST(a_line_that_no_publisher_signed_is_refused)
{
	list_forged("flow-table", "\"summary\":\"A test\"", "\"summary\":\"A tesT\"");
	unit_fails(ctx, ask("flow-table"), IOV_E_UNTRUSTED,
		   "'flow-table' 1.0.0 in registry 'main' is not signed by a publisher whom root 1 allows for that "
		   "name (arbitrary software");
}
END_TEST

START_TEST(a_release_under_a_wrong_name_is_refused)
{
	list_forged("flow-top", "A test", "A test");
	unit_fails(ctx, ask("flow-top"), IOV_E_UNTRUSTED,
		   "answers for 'flow-top' with a release of 'flow-table' (wrong name attack)");
}
END_TEST

START_TEST(a_line_that_is_no_release_is_refused)
{
	list_forged("flow-table", "\"schema\":1,\"summary\"", "\"shcema\":1,\"summary\"");
	unit_fails(ctx, ask("flow-table"), IOV_E_UNTRUSTED, "tell the registry's host");
}
END_TEST

START_TEST(a_line_outside_the_log_is_refused)
{
	list_forged("flow-table", "\"log\":0", "\"log\":8");
	unit_fails(ctx, ask("flow-table"), IOV_E_UNTRUSTED, "is not in the log");
}
END_TEST

/* ---- roots ---- */

static void read_root(uint64_t version, struct iov_root **ret)
{
	char path[IOV_ROOT_PATH_MAX];
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	iov_root_path(version, path);
	read_main(path, &note);
	unit_ok(ctx, iov_root_parse(ctx, path, note.data, note.len, ret));
}

/* Signs the text of the newest root, changed, as the next one. */
static void next_root(json_t *(*change)(json_t *root, const struct iov_signer *key), const struct iov_signer *key,
		      const struct iov_signer *const *signers, size_t count)
{
	char path[IOV_ROOT_PATH_MAX];
	struct iov_root *root = NULL;
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	read_root(root_version++, &root);
	json_t *changed = change(root->json, key);
	json_object_set_new(changed, "version", json_integer((json_int_t)root_version));
	iov_auto(iov_free_ptr) char *canonical = iov_json_canonical(changed);
	iov_buf_printf(&text, "%s\n", canonical);
	unit_ok(ctx, iov_note_make(ctx, text.data, signers, count, &note));
	iov_root_path(root_version, path);
	const struct iov_git_file file = {path, note.data, note.len};
	tamper(&file, 1);
	iov_root_free(root);
}

static json_t *keep(json_t *root, const struct iov_signer *key)
{
	(void)key;
	return root;
}

/* The registry's key is another one from here on. */
static json_t *replace_registry_key(json_t *root, const struct iov_signer *key)
{
	char id[IOV_KEY_NAME_MAX + 10];
	iov_auto(iov_free_ptr) char *text = iov_verifier_text(&key->verifier);
	snprintf(id, sizeof(id), "%s+%08x", key->verifier.name, key->verifier.hash);
	json_object_set_new(json_object_get(root, "keys"), id, json_string(text));
	json_t *ids = json_object_get(json_object_get(json_object_get(root, "roles"), "registry"), "keys");
	json_array_clear(ids);
	json_array_append_new(ids, json_string(id));
	return root;
}

static json_t *expire(json_t *root, const struct iov_signer *key)
{
	(void)key;
	json_object_set_new(root, "expires", json_string("2020-01-01T00:00:00Z"));
	return root;
}

START_TEST(a_new_root_is_followed)
{
	const struct iov_signer *signers = &owner;
	for (int i = 0; i < 6; i++)
		next_root(keep, NULL, &signers, 1);
	/* The head still goes with root 1. */
	refused("it goes with root 1, but root 7 is in force (rollback attack)");
}
END_TEST

/* The head anew under the newest root, as the command that replaces roots does it in one commit. */
static void sign_head(const struct iov_signer *signer, uint64_t version)
{
	iov_auto(iov_buf_release) struct iov_buf head = {0};
	iov_auto(iov_buf_release) struct iov_buf checkpoint = {0};
	struct iov_root *first = NULL, *second = NULL;
	struct iov_head value;
	read_root(1, &first);
	read_root(2, &second);
	read_main(IOV_HEAD_PATH, &head);
	unit_ok(ctx, iov_head_parse(ctx, "main", head.data, head.len, first, &value));
	value.version = version;
	value.root = 2;
	unit_ok(ctx, iov_head_make(ctx, &value, second, signer, &head));
	unit_ok(ctx, iov_checkpoint_make(ctx, &value, second, signer, &checkpoint));
	const struct iov_git_file files[] = {{IOV_HEAD_PATH, head.data, head.len},
					     {IOV_CHECKPOINT_PATH, checkpoint.data, checkpoint.len}};
	tamper(files, 2);
	iov_root_free(first);
	iov_root_free(second);
}

START_TEST(a_new_registry_key_takes_over)
{
	const struct iov_signer *signers = &owner;
	iov_auto(iov_signer_release) struct iov_signer next = {0};
	unit_signer(ctx, "next", &next);
	next_root(replace_registry_key, &next, &signers, 1);
	sign_head(&next, 3);
	unit_ok(ctx, update());
	reopen();
	ck_assert_uint_eq(count_releases("flow-table"), 1);
	unit_ok(ctx, iov_registry_resign_head(ctx, repo, &next, 0, 0, NULL));
	unit_ok(ctx, update());
	unit_fails(ctx, iov_registry_resign_head(ctx, repo, &owner, 0, 0, NULL), IOV_E_UNTRUSTED,
		   "its root names 'next'");
}
END_TEST

static struct iov_head stolen_from;

static json_t *replace_and_resume(json_t *root, const struct iov_signer *key)
{
	char log_root[IOV_HEX_SIZE];
	iov_hex(stolen_from.log_root.bytes, sizeof(stolen_from.log_root.bytes), log_root);
	json_object_set_new(
		root, "resume",
		json_pack("{s:s, s:I}", "log_root", log_root, "log_size", (json_int_t)stolen_from.log_size));
	return replace_registry_key(root, key);
}

/* A thief of the registry's key has signed a head that no honest one comes after; a root that says where to go on from
 * ends it. */
/* Of the two releases, newest first. */
static void take_proofs(json_t *ret_proofs[2], struct iov_release *ret_releases[2])
{
	struct iov_release *const *releases;
	size_t count;
	unit_ok(ctx, iov_registries_releases(ctx, registries, "flow-table", &releases, &count));
	for (size_t i = 0; i < 2; i++) {
		ret_releases[i] = iov_release_ref(releases[i]);
		unit_ok(ctx, iov_registries_proof(ctx, registries, releases[i], &ret_proofs[i]));
		unit_ok(ctx, prove_by(ret_proofs[i], releases[i]));
	}
}

START_TEST(a_stolen_registry_key_locks_nobody_out)
{
	json_t *proofs[2] = {NULL, NULL};
	struct iov_release *releases[2] = {NULL, NULL};
	const struct iov_signer *signers = &owner;
	iov_auto(iov_signer_release) struct iov_signer next = {0};
	iov_auto(iov_free_ptr) char *honest = iov_path(ctx, "/honest.git");
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	iov_auto(iov_host_release) struct iov_host thief = {.path = NULL};
	iov_auto(iov_changes_release) struct iov_changes changes = {0};
	char commit[IOV_COMMIT_SIZE];
	unit_signer(ctx, "next", &next);
	copy(repo, honest);
	unit_ok(ctx, iov_host_open(ctx, honest, &host));
	stolen_from = host.head;
	publish("flow-table", "6.6.6");
	unit_ok(ctx, iov_host_open(ctx, repo, &thief));
	thief.head.version = 1000000;
	unit_ok(ctx, iov_host_commit(ctx, &thief, &owner, 90, time(NULL), &changes, "steal", commit));
	unit_ok(ctx, update());
	ck_assert_uint_eq(count_releases("flow-table"), 2);
	take_proofs(proofs, releases);

	copy(honest, repo);
	refused("rollback attack");
	next_root(replace_and_resume, &next, &signers, 1);
	sign_head(&next, 3);
	unit_ok(ctx, update());
	ck_assert_uint_eq(count_releases("flow-table"), 1);
	unit_fails(ctx, prove_by(proofs[0], releases[0]), IOV_E_UNTRUSTED, "entry 1 was taken back");
	unit_ok(ctx, prove_by(proofs[1], releases[1]));
	for (size_t i = 0; i < 2; i++) {
		json_decref(proofs[i]);
		iov_release_free(releases[i]);
	}
}
END_TEST

START_TEST(a_root_that_the_old_one_did_not_sign_is_refused)
{
	iov_auto(iov_signer_release) struct iov_signer stranger = {0};
	const struct iov_signer *signers = &stranger;
	unit_signer(ctx, "owner", &stranger);
	next_root(keep, NULL, &signers, 1);
	refused("root 2 of registry 'main' is refused: it is not signed by a key that it names itself for roots");
}
END_TEST

START_TEST(an_expired_root_is_refused)
{
	const struct iov_signer *signers = &owner;
	next_root(expire, NULL, &signers, 1);
	refused("root 2 of registry 'main' expired at 2020-01-01T00:00:00Z");
}
END_TEST

/* ---- our own state ---- */

START_TEST(damaged_state_is_told)
{
	iov_auto(iov_free_ptr) char *folder = iov_trust_folder(ctx, "main");
	iov_auto(iov_buf_release) struct iov_buf path = {0};
	struct iov_registries *none = NULL;
	iov_buf_printf(&path, "%s/head.json", folder);
	ck_assert_int_eq(iov_fs_replace(path.data, "{", 1, 0644), 0);
	unit_fails(ctx, iov_registries_open(ctx, &none), IOV_E_UNTRUSTED,
		   "run 'iovpkg registry rm main' and add it again");
	ck_assert_int_eq(unlink(path.data), 0);
	unit_fails(ctx, iov_registries_open(ctx, &none), IOV_E_UNTRUSTED, "is damaged");
	unit_ok(ctx, iov_registry_forget(ctx, "main"));
	unit_ok(ctx, iov_registries_open(ctx, &none));
	ck_assert_uint_eq(iov_registries_count(none), 0);
	iov_registries_free(none);
}
END_TEST

START_TEST(another_root_in_our_state_is_refused)
{
	iov_auto(iov_free_ptr) char *other = iov_path(ctx, "/other.git");
	iov_auto(iov_free_ptr) char *folder = iov_trust_folder(ctx, "main");
	iov_auto(iov_buf_release) struct iov_buf path = {0};
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	char commit[IOV_COMMIT_SIZE];
	struct iov_registries *none = NULL;
	unit_ok(ctx, iov_registry_create(ctx, other, "example.org/other", &owner, NULL, 0, NULL));
	unit_ok(ctx, iov_git_resolve(ctx, other, IOV_MAIN_REF, commit));
	unit_ok(ctx, iov_git_read(ctx, other, commit, "root/1.note", 10000, &note));
	iov_buf_printf(&path, "%s/root/1.note", folder);
	ck_assert_int_eq(iov_fs_replace(path.data, note.data, note.len, 0644), 0);
	unit_fails(ctx, iov_registries_open(ctx, &none), IOV_E_UNTRUSTED, "is not the root that was pinned");
}
END_TEST

static void add_attacks(TCase *tests)
{
	tcase_add_test(tests, rollback_is_refused);
	tcase_add_test(tests, freeze_is_refused);
	tcase_add_test(tests, an_expired_state_answers_nothing);
	tcase_add_test(tests, a_clock_that_was_set_back_is_told);
	tcase_add_test(tests, a_forked_log_is_refused);
	tcase_add_test(tests, a_long_log_is_proved_to_go_on);
	tcase_add_test(tests, a_head_that_its_key_did_not_sign_is_refused);
	tcase_add_test(tests, a_head_of_a_stranger_is_refused);
	tcase_add_test(tests, mixing_an_old_manifest_with_a_new_head_is_refused);
	tcase_add_test(tests, mixing_an_old_index_with_a_new_manifest_is_refused);
	tcase_add_test(tests, an_index_that_was_changed_or_taken_away_is_refused);
	tcase_add_test(tests, a_checkpoint_of_another_log_is_refused);
	tcase_add_test(tests, tiles_that_do_not_give_the_root_are_refused);
	tcase_add_test(tests, archives_elsewhere_are_told);
	tcase_add_test(tests, a_line_that_no_publisher_signed_is_refused);
	tcase_add_test(tests, a_release_under_a_wrong_name_is_refused);
	tcase_add_test(tests, a_line_that_is_no_release_is_refused);
	tcase_add_test(tests, a_line_outside_the_log_is_refused);
	tcase_add_test(tests, a_new_root_is_followed);
	tcase_add_test(tests, a_new_registry_key_takes_over);
	tcase_add_test(tests, a_stolen_registry_key_locks_nobody_out);
	tcase_add_test(tests, a_root_that_the_old_one_did_not_sign_is_refused);
	tcase_add_test(tests, an_expired_root_is_refused);
	tcase_add_test(tests, damaged_state_is_told);
	tcase_add_test(tests, another_root_in_our_state_is_refused);
}

Suite *suite_registry_client(void)
{
	Suite *suite = suite_create("registry_client");
	if (no_worker()) {
		printf("# skipped: registry_client needs IOVPKG_WORKER\n");
		return suite;
	}
	TCase *tests = tcase_create("client");
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, pinning_needs_a_fingerprint_or_a_yes);
	tcase_add_test(tests, the_confirm_callback_is_asked);
	tcase_add_test(tests, what_is_no_registry_is_not_pinned);
	tcase_add_test(tests, forgetting_and_describing);
	tcase_add_test(tests, releases_come_newest_first);
	tcase_add_test(tests, names_and_prefetch);
	tcase_add_test(tests, briefs_answer_without_reading_the_index);
	tcase_add_test(tests, briefs_are_those_of_one_head);
	tcase_add_test(tests, damaged_briefs_are_read_anew);
	tcase_add_test(tests, archives_are_fetched_whole);
	tcase_add_test(tests, an_archive_longer_than_its_record_is_cut_off);
	tcase_add_test(tests, a_release_is_proved_from_the_pin_on);
	tcase_add_test(tests, a_proof_at_hand_is_held_against_the_pin);
	tcase_add_test(tests, a_release_that_is_not_in_the_log_is_not_proved);
	tcase_add_test(tests, a_name_in_two_registries_is_a_conflict);
	tcase_add_test(tests, an_unreachable_registry_keeps_the_last_state);
	add_attacks(tests);
	suite_add_tcase(suite, tests);
	return suite;
}
