/* A newer state of the registry against what this host remembers of the older one. */
#include "registry/seen_check.h"

#include <string.h>

#include "registry/event.h"
#include "registry/seen_line.h"
#include "util/cleanup.h"

/* ---- refusals ---- */

static int refuse(const struct iov_seen_check *check, const char *name, const char *version, const char *how,
		  const char *attack)
{
	return iov_error(check->ctx, IOV_E_UNTRUSTED,
			 "registry '%s' %s '%s' %s (%s); the last good state is kept, ask the registry's host",
			 check->offer->registry, how, name, version, attack);
}

/* ---- what the log says of a status that is new to this host ---- */

static int read_event(struct iov_seen_check *check, uint64_t position, struct iov_leaf *ret)
{
	struct iov_ctx *ctx = check->ctx;
	struct iov_log *log = &check->log;
	iov_auto(iov_buf_release) struct iov_buf entry = {0};
	struct iov_proof proof;
	int rc = iov_log_prove_included(ctx, log, position, &proof);
	if (!rc)
		rc = iov_log_entry(ctx, log, position, &entry);
	if (rc)
		return iov_error_prefix(ctx, "registry '%s'", check->offer->registry);
	struct iov_hash leaf = iov_merkle_leaf(entry.data, (uint16_t)entry.len);
	if (!iov_merkle_included(position, log->size, &leaf, proof.hashes, proof.count, &check->offer->head->log_root))
		return iov_error(
			ctx, IOV_E_UNTRUSTED,
			"the log of registry '%s' does not hold its own entry %llu (fork); the last good state "
			"is kept",
			check->offer->registry, (unsigned long long)position);
	return iov_leaf_parse(ctx, "log entry", entry.data, entry.len, ret);
}

static bool speaks_of(const struct iov_statement *statement, const char *name, const char *version)
{
	bool named = !strcmp(statement->name, name);
	for (size_t i = 0; named && i < json_array_size(statement->versions); i++)
		if (!strcmp(json_string_value(json_array_get(statement->versions, i)), version))
			return true;
	return false;
}

static uint64_t newest_of(const struct iov_seen_release *release)
{
	uint64_t newest = release->yank_log > release->log ? release->yank_log : release->log;
	return release->deprecate_log > newest ? release->deprecate_log : newest;
}

/* That entry `position` is a statement about this release for this member, and whether it withdraws or takes back. Who
 * signed it knew at least what this host knew before. */
static int check_event(struct iov_seen_check *check, const char *name, const char *version, const char *member,
		       const struct iov_seen_release *before, uint64_t position, bool *ret_states)
{
	iov_auto(iov_leaf_release) struct iov_leaf leaf = {.json = NULL};
	int rc = read_event(check, position, &leaf);
	if (rc)
		return rc;
	const struct iov_statement *statement = &leaf.statement;
	*ret_states = statement->text != NULL;
	if (leaf.class != IOV_LEAF_STATUS || strcmp(statement->kind->member, member) != 0 ||
	    !speaks_of(statement, name, version))
		return refuse(check, name, version, "names a log entry that says nothing such of",
			      !strcmp(member, "yanked") ? "yank undone, or made up" : "a status made up");
	if (statement->since < newest_of(before))
		return refuse(check, name, version, "uses an old statement again for",
			      before->yanked ? "yank undone" : "a status made up");
	return iov_statement_check_signers(check->ctx, check->offer->roots, check->offer->n_roots, statement, position);
}

static int check_yank(struct iov_seen_check *check, const char *name, const char *version,
		      const struct iov_seen_release *before, const struct iov_seen_release *now)
{
	bool withdrawn = false;
	if (now->yank_log == before->yank_log && now->yanked == before->yanked)
		return IOV_OK;
	if (now->yank_log <= before->yank_log)
		return refuse(check, name, version, "no longer says what it said of",
			      before->yanked ? "yank undone" : "a status rolled back");
	int rc = check_event(check, name, version, "yanked", before, now->yank_log, &withdrawn);
	if (!rc && withdrawn != now->yanked)
		return refuse(check, name, version, "lists other than its log says",
			      before->yanked ? "yank undone" : "yank made up");
	return rc;
}

static int check_deprecation(struct iov_seen_check *check, const char *name, const char *version,
			     const struct iov_seen_release *before, const struct iov_seen_release *now)
{
	bool states;
	if (now->deprecate_log == before->deprecate_log)
		return IOV_OK;
	if (now->deprecate_log < before->deprecate_log)
		return refuse(check, name, version, "no longer says what it said of", "a status rolled back");
	return check_event(check, name, version, "deprecated", before, now->deprecate_log, &states);
}

/* ---- releases ---- */

static int check_one(struct iov_seen_check *check, const char *name, const char *version, const json_t *before,
		     const json_t *now)
{
	struct iov_seen_release old, new;
	if (!iov_seen_release_get(before, &old) || old.log >= check->offer->known)
		return IOV_OK;
	if (!iov_seen_release_get(now, &new))
		return refuse(check, name, version, "no longer has", "release vanished");
	if (strcmp(old.record, new.record) != 0)
		return refuse(check, name, version, "has another release under the version of", "release replaced");
	if (old.log != new.log)
		return refuse(check, name, version, "names another place in the log for", "release replaced");
	if (old.yank_log >= check->offer->known || old.deprecate_log >= check->offer->known)
		return IOV_OK; /* what was said of it was said by a thief */
	int rc = check_yank(check, name, version, &old, &new);
	return rc ? rc : check_deprecation(check, name, version, &old, &new);
}

int iov_seen_judge(struct iov_seen_check *check, const char *name, const json_t *before, const json_t *now)
{
	const char *version;
	json_t *release, *releases = json_object_get(before, "releases");
	int rc = IOV_OK;
	json_object_foreach(releases, version, release) {
		if (!rc)
			rc = check_one(check, name, version, release,
				       json_object_get(json_object_get(now, "releases"), version));
	}
	return rc;
}
