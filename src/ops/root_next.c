/* A root from the words of a command: keys by text or name, rules as PATTERN=KEY. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ops/keys.h"
#include "ops/root.h"
#include "registry/admin.h"
#include "registry/clock.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define DAYS_MAX 3660
#define THRESHOLD_MAX 1024

/* What an edit borrows from. */
struct words {
	struct iov_verifier *add_root, *remove_root, *registry;
	struct iov_root_rule *allow, *forbid, *thresholds;
	uint64_t since;
};

static void rules_free(struct iov_root_rule *rules, size_t count)
{
	for (size_t i = 0; rules && i < count; i++)
		free((char *)rules[i].pattern);
	free(rules);
}

static void words_free(struct words *words, const struct iov_root_edit *edit)
{
	free(words->add_root);
	free(words->remove_root);
	free(words->registry);
	rules_free(words->allow, edit->allow.count);
	rules_free(words->forbid, edit->forbid.count);
	rules_free(words->thresholds, edit->thresholds.count);
}

static int read_keys(struct iov_ctx *ctx, const char *const *texts, size_t count, struct iov_verifier **ret,
		     struct iov_keys *ret_keys)
{
	struct iov_verifier *keys = *ret = calloc(count + 1, sizeof(*keys));
	int rc = keys ? IOV_OK : iov_oom(ctx);
	for (size_t i = 0; !rc && i < count; i++)
		rc = iov_keys_verifier(ctx, texts[i], &keys[i]);
	*ret_keys = (struct iov_keys){keys, count};
	return rc;
}

/* A whole number; false: it is none, or over the limit. */
static bool read_number(const char *text, uint64_t limit, uint64_t *ret)
{
	char *end;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || number > limit)
		return false;
	*ret = number;
	return true;
}

static int read_rule(struct iov_ctx *ctx, const char *text, bool threshold, struct iov_root_rule *ret)
{
	uint64_t number = 0;
	const char *equals = strchr(text, '=');
	if (!equals || equals == text || !equals[1])
		return iov_error(ctx, IOV_E_USAGE, "'%.200s' has not the form PATTERN=%s, as in 'flow-*=%s'", text,
				 threshold ? "N" : "KEY", threshold ? "2" : "alice+1234abcd+AQ…");
	ret->pattern = strndup(text, (size_t)(equals - text));
	if (!ret->pattern)
		return iov_oom(ctx);
	if (!threshold)
		return iov_keys_verifier(ctx, equals + 1, &ret->key);
	if (!read_number(equals + 1, THRESHOLD_MAX, &number) || !number)
		return iov_error(ctx, IOV_E_USAGE, "'%.200s': a threshold is a number from 1 to %d", text,
				 THRESHOLD_MAX);
	ret->threshold = (size_t)number;
	return IOV_OK;
}

static int read_rules(struct iov_ctx *ctx, const char *const *texts, size_t count, bool thresholds,
		      struct iov_root_rule **ret, struct iov_rules *ret_rules)
{
	struct iov_root_rule *rules = *ret = calloc(count + 1, sizeof(*rules));
	int rc = rules ? IOV_OK : iov_oom(ctx);
	*ret_rules = (struct iov_rules){rules, rules ? count : 0};
	for (size_t i = 0; !rc && i < count; i++)
		rc = read_rule(ctx, texts[i], thresholds, &rules[i]);
	return rc;
}

static int read_since(struct iov_ctx *ctx, const char *text, struct words *words, struct iov_root_edit *edit)
{
	if (!text)
		return IOV_OK;
	if (!read_number(text, INT64_MAX, &words->since))
		return iov_error(ctx, IOV_E_USAGE,
				 "'%s' is no number of a log entry; 'iovpkg registry audit' shows them", text);
	edit->since = &words->since;
	return IOV_OK;
}

static int read_words(struct iov_ctx *ctx, const struct iov_root_changes *changes, struct words *words,
		      struct iov_root_edit *edit)
{
	uint64_t days = changes->days ? changes->days : IOV_ROOT_DAYS;
	edit->root_threshold = (size_t)changes->root_threshold;
	edit->expires = time(NULL) + (int64_t)days * IOV_DAY;
	if (days > DAYS_MAX || changes->root_threshold > THRESHOLD_MAX)
		return iov_error(ctx, IOV_E_USAGE, "a root lives at most %d days and has a threshold of at most %d",
				 DAYS_MAX, THRESHOLD_MAX);
	int rc = read_keys(ctx, changes->add_root_keys, changes->n_add_root_keys, &words->add_root, &edit->add_root);
	if (!rc)
		rc = read_keys(ctx, changes->remove_root_keys, changes->n_remove_root_keys, &words->remove_root,
			       &edit->remove_root);
	if (!rc)
		rc = read_keys(ctx, changes->registry_keys, changes->n_registry_keys, &words->registry,
			       &edit->registry);
	if (!rc)
		rc = read_rules(ctx, changes->publishers, changes->n_publishers, false, &words->allow, &edit->allow);
	if (!rc)
		rc = read_rules(ctx, changes->gone_publishers, changes->n_gone_publishers, false, &words->forbid,
				&edit->forbid);
	if (!rc)
		rc = read_rules(ctx, changes->thresholds, changes->n_thresholds, true, &words->thresholds,
				&edit->thresholds);
	return rc ? rc : read_since(ctx, changes->since, words, edit);
}

/* ---- from which state ---- */

int iov_root_place(struct iov_ctx *ctx, const char *path, char **ret)
{
	bool local;
	iov_auto(iov_free_ptr) char *place = NULL;
	int rc = iov_registry_locate(ctx, path, &local, &place);
	if (!rc && !local)
		return iov_error(ctx, IOV_E_USAGE, "'%s' is not on this host; name the folder of the repository", path);
	if (!rc)
		*ret = iov_take(place);
	return rc;
}

/* The roots that main has now and the log that the next one goes on from, which is an older one when it resumes. A
 * thief may have left more roots behind that are none. */
static int read_state(struct iov_ctx *ctx, const char *place, const char *resume, struct iov_host *ret,
		      struct iov_root **ret_root)
{
	iov_auto(iov_root_chain_release) struct iov_root_chain chain = {.roots = NULL};
	int rc = iov_host_open_at(ctx, place, resume, ret);
	if (rc)
		return rc;
	struct iov_source now = iov_source_git(ret->path, ret->parent);
	rc = iov_root_chain_read(ctx, &now, &chain);
	if (rc && !(resume && chain.count))
		return rc;
	if (!chain.count)
		return iov_error(ctx, IOV_E_UNTRUSTED, "branch 'main' of '%s' has no root/1.note; restore it", place);
	*ret_root = iov_take(chain.roots[chain.count - 1]);
	chain.count--;
	return IOV_OK;
}

int iov_root_next(struct iov_ctx *ctx, const char *place, const struct iov_root_changes *changes,
		  struct iov_buf *ret_note, struct iov_root **ret_now)
{
	struct words words = {.since = 0};
	struct iov_root_edit edit = {.since = NULL};
	struct iov_root *root = NULL;
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	int rc = read_words(ctx, changes, &words, &edit);
	if (!rc)
		rc = read_state(ctx, place, changes->resume, &host, &root);
	edit.log_size = host.head.log_size;
	edit.resume = changes->resume ? &host.head : NULL;
	if (!rc)
		rc = iov_root_edit(ctx, root, &edit, ret_note);
	words_free(&words, &edit);
	if (!rc && ret_now)
		*ret_now = iov_take(root);
	iov_root_free(root);
	return rc;
}

int iov_root_write(struct iov_ctx *ctx, const char *file, const struct iov_root *now, const struct iov_buf *note,
		   json_t **ret)
{
	struct iov_root *next = NULL;
	json_t *words = NULL;
	int rc = iov_root_parse_prepared(ctx, "the new root", note->data, note->len, &next);
	if (!rc)
		rc = iov_root_words(ctx, now, next, &words);
	int err = rc ? 0 : iov_fs_replace(file, note->data, note->len, 0644);
	if (err)
		rc = iov_error_errno(ctx, err, "cannot write '%s'", file);
	size_t needed = now->root.threshold;
	if (!rc && !(*ret = json_pack("{s:O, s:s, s:I, s:I}", "changes", words, "file", file, "signatures_needed",
				      (json_int_t)needed, "version", (json_int_t)next->version)))
		rc = iov_oom(ctx);
	json_decref(words);
	iov_root_free(next);
	return rc;
}
