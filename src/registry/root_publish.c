#include "registry/root_publish.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "registry/clock.h"
#include "registry/describe.h"
#include "registry/event.h"
#include "registry/log.h"
#include "registry/turn.h"
#include "util/cleanup.h"

/* ---- chains ---- */

void iov_root_chain_release(struct iov_root_chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		iov_root_free(chain->roots[i]);
	free(chain->roots);
	*chain = (struct iov_root_chain){.roots = NULL};
}

static int add_root(struct iov_ctx *ctx, struct iov_root_chain *chain, const char *path, const struct iov_buf *note)
{
	struct iov_root *root = NULL;
	int rc = iov_root_parse(ctx, path, note->data, note->len, &root);
	if (!rc && chain->count)
		rc = iov_root_check_next(ctx, path, chain->roots[chain->count - 1], root);
	struct iov_root **roots = rc ? NULL : realloc(chain->roots, (chain->count + 1) * sizeof(*roots));
	if (!roots) {
		iov_root_free(root);
		return rc ? rc : iov_oom(ctx);
	}
	chain->roots = roots;
	roots[chain->count++] = root;
	return IOV_OK;
}

int iov_root_chain_read(struct iov_ctx *ctx, const struct iov_source *source, struct iov_root_chain *ret)
{
	int rc = IOV_OK;
	for (bool more = true; more && !rc;) {
		char path[IOV_ROOT_PATH_MAX];
		const char *paths = path;
		iov_auto(iov_buf_release) struct iov_buf note = {0};
		iov_root_path(ret->count + 1, path);
		rc = source->read(ctx, source, &paths, 1, IOV_ROOT_MAX, &note);
		more = !rc && note.data;
		if (more)
			rc = add_root(ctx, ret, path, &note);
	}
	return rc;
}

/* ---- one root on its way into one registry ---- */

struct entry {
	const char *path;
	const struct iov_buf *note;
	const char *back_to;
	const struct iov_signer *signer;
	struct iov_host host;  /* with the old root; what is built upon */
	struct iov_root *next; /* until it is the host's */
	struct iov_changes changes;
	char kind[16];
	char commit[IOV_COMMIT_SIZE];
	bool again;
};

static void entry_release(struct entry *entry)
{
	iov_host_release(&entry->host);
	iov_root_free(entry->next);
	iov_changes_release(&entry->changes);
	entry->next = NULL;
}

static int check_resume(struct iov_ctx *ctx, const struct entry *entry)
{
	const struct iov_root *next = entry->next;
	const struct iov_head *head = &entry->host.head;
	if (!next->resumes && entry->back_to)
		return iov_error(ctx, IOV_E_USAGE,
				 "root %llu does not say that the log goes on from an older state; leave --resume out",
				 (unsigned long long)next->version);
	if (!next->resumes)
		return IOV_OK;
	if (!entry->back_to)
		return iov_error(ctx, IOV_E_USAGE,
				 "root %llu has the log go on from entry %llu; name the commit that it was prepared "
				 "for with --resume",
				 (unsigned long long)next->version, (unsigned long long)next->resume_size);
	if (head->log_size != next->resume_size ||
	    memcmp(head->log_root.bytes, next->resume_root, IOV_DIGEST_SIZE) != 0)
		return iov_error(
			ctx, IOV_E_CONFLICT,
			"root %llu has the log go on from entry %llu, but commit %s has a log of %llu entries, "
			"or another one; name the commit that the root was prepared for",
			(unsigned long long)next->version, (unsigned long long)next->resume_size, entry->back_to,
			(unsigned long long)head->log_size);
	return IOV_OK;
}

/* Roots that came after the commit that is gone back to stay: they were signed by root keys, not by the stolen one.
 * What is no root there is the thief's, and goes. */
static int carry_roots(struct iov_ctx *ctx, struct entry *entry)
{
	struct iov_source now = iov_source_git(entry->path, entry->host.parent);
	for (;;) {
		char path[IOV_ROOT_PATH_MAX];
		const char *paths = path;
		struct iov_root *root = NULL;
		iov_auto(iov_buf_release) struct iov_buf note = {0};
		iov_root_path(entry->host.root->version + 1, path);
		int rc = now.read(ctx, &now, &paths, 1, IOV_ROOT_MAX, &note);
		if (rc || !note.data)
			return rc;
		if (iov_root_parse(ctx, path, note.data, note.len, &root) ||
		    iov_root_check_next(ctx, path, entry->host.root, root)) {
			iov_root_free(root);
			return IOV_OK;
		}
		iov_root_free(entry->host.root);
		entry->host.root = root;
		rc = iov_changes_put(ctx, &entry->changes, path, note.data, note.len);
		if (rc)
			return rc;
	}
}

static int check_root(struct iov_ctx *ctx, struct entry *entry)
{
	const struct iov_root *now = entry->host.root, *next = entry->next;
	entry->again = next->version == now->version && !strcmp(next->fingerprint, now->fingerprint);
	if (entry->again)
		return IOV_OK;
	if (next->version != now->version + 1)
		return iov_error(ctx, IOV_E_CONFLICT,
				 "it is root %llu, and registry '%s' is at root %llu; prepare it again from there",
				 (unsigned long long)next->version, now->origin, (unsigned long long)now->version);
	int rc = iov_root_check_next(ctx, "the new root", now, next);
	if (!rc)
		rc = iov_root_check_fresh(ctx, "the new root", next, time(NULL));
	return rc ? rc : check_resume(ctx, entry);
}

/* ---- what it makes unreadable ---- */

/* Does the entry give a key less of the log than it had until now? */
static bool takes_away(const struct iov_root *root, const struct iov_retired *entry, uint64_t size)
{
	for (size_t i = 0; i < root->n_retired; i++) {
		const struct iov_retired *old = &root->retired[i];
		if (!memcmp(old->key.key, entry->key.key, sizeof(old->key.key)) &&
		    !strcmp(old->pattern, entry->pattern) && old->threshold == entry->threshold)
			return entry->log_size < old->log_size;
	}
	return entry->log_size < size;
}

/* The index file of a name, read by the new root, warns of what is passed over. A file that the new root makes
 * unreadable as a whole is refused here. */
static int read_by_new_root(struct iov_ctx *ctx, const struct iov_host *host, const char *name)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_index_release) struct iov_index index = {0};
	int rc = iov_host_index(ctx, host, name, &text, &index);
	return rc == IOV_E_UNTRUSTED ? iov_error_prefix(ctx, "the new root would make releases unreadable") : rc;
}

static int check_entry(struct iov_ctx *ctx, const struct iov_host *host, struct iov_log *log, uint64_t at,
		       const struct iov_retired *retired, json_t *seen)
{
	iov_auto(iov_buf_release) struct iov_buf bytes = {0};
	iov_auto(iov_leaf_release) struct iov_leaf leaf = {.json = NULL};
	int rc = iov_log_entry(ctx, log, at, &bytes);
	if (!rc)
		rc = iov_leaf_parse(ctx, "log entry", bytes.data, bytes.len, &leaf);
	if (rc || leaf.class != IOV_LEAF_PUBLISH || iov_pattern_fit(retired->pattern, leaf.name) < 0 ||
	    json_object_get(seen, leaf.name))
		return rc;
	if (json_object_set_new(seen, leaf.name, json_true()))
		return iov_oom(ctx);
	return read_by_new_root(ctx, host, leaf.name);
}

/* Releases from where a key counts no more to the end of the log; there are few, or it was stolen long ago. */
static int check_releases(struct iov_ctx *ctx, const struct iov_host *host, const struct iov_root *old)
{
	struct iov_source source = iov_host_source(host);
	iov_auto(iov_log_release) struct iov_log log;
	iov_auto(iov_json_release) json_t *seen = json_object();
	int rc = seen ? IOV_OK : iov_oom(ctx);
	iov_log_init(&log, &source, host->head.log_size);
	for (size_t i = 0; i < host->root->n_retired; i++) {
		const struct iov_retired *entry = &host->root->retired[i];
		if (!takes_away(old, entry, host->head.log_size))
			continue;
		for (uint64_t at = entry->log_size; !rc && at < host->head.log_size; at++)
			rc = check_entry(ctx, host, &log, at, entry, seen);
	}
	return rc;
}

/* ---- writing ---- */

static int put_root(struct iov_ctx *ctx, struct entry *entry)
{
	char path[IOV_ROOT_PATH_MAX];
	iov_root_path(entry->host.root->version, path);
	return iov_changes_put(ctx, &entry->changes, path, entry->note->data, entry->note->len);
}

/* Another key signs the checkpoint from now on. */
static int put_description(struct iov_ctx *ctx, struct entry *entry)
{
	struct iov_source source = iov_host_source(&entry->host);
	iov_auto(iov_buf_release) struct iov_buf old = {0};
	iov_auto(iov_buf_release) struct iov_buf new = {0};
	int rc = iov_source_read(ctx, &source, IOV_DESCRIPTION_PATH, IOV_DESCRIPTION_MAX, &old);
	if (!rc)
		rc = iov_description_renew(ctx, entry->host.root, &old, &new);
	return rc ? rc : iov_changes_put(ctx, &entry->changes, IOV_DESCRIPTION_PATH, new.data, new.len);
}

static int append_event(struct iov_ctx *ctx, struct entry *entry, const struct iov_root *old, int64_t now)
{
	char when[IOV_TIME_SIZE];
	iov_auto(iov_free_ptr) char *leaf = NULL;
	iov_auto(iov_leaf_release) struct iov_leaf parsed = {.json = NULL};
	iov_time_text(now, when);
	int rc = iov_event_root(ctx, old, entry->host.root, entry->host.head.manifest, when, &leaf);
	if (!rc)
		rc = iov_leaf_parse(ctx, "the new log entry", leaf, strlen(leaf), &parsed);
	if (rc)
		return rc;
	snprintf(entry->kind, sizeof(entry->kind), "%s", parsed.kind);
	return iov_host_log(ctx, &entry->host, leaf, &entry->changes);
}

/* From here on the new root is the host's. */
static int write_root(struct iov_ctx *ctx, struct entry *entry, const struct iov_root *old)
{
	char message[64];
	int64_t now = time(NULL);
	entry->host.root = iov_take(entry->next);
	snprintf(message, sizeof(message), "root %llu", (unsigned long long)entry->host.root->version);
	int rc = check_releases(ctx, &entry->host, old);
	if (!rc)
		rc = put_root(ctx, entry);
	if (!rc)
		rc = put_description(ctx, entry);
	if (!rc)
		rc = append_event(ctx, entry, old, now);
	return rc ? rc
		  : iov_host_commit(ctx, &entry->host, entry->signer, IOV_HEAD_DAYS, now, &entry->changes, message,
				    entry->commit);
}

static int apply(struct iov_ctx *ctx, void *cookie)
{
	struct entry *entry = cookie;
	entry_release(entry);
	int rc = iov_host_open_at(ctx, entry->path, entry->back_to, &entry->host);
	if (!rc && entry->back_to)
		rc = carry_roots(ctx, entry);
	if (!rc)
		rc = iov_root_parse(ctx, "the new root", entry->note->data, entry->note->len, &entry->next);
	if (!rc)
		rc = check_root(ctx, entry);
	if (rc || entry->again)
		return rc;
	struct iov_root *old = entry->host.root;
	rc = write_root(ctx, entry, old);
	iov_root_free(old);
	return rc;
}

static int describe(struct iov_ctx *ctx, const struct entry *entry, json_t **ret)
{
	const struct iov_host *host = &entry->host;
	*ret = json_pack("{s:b, s:s, s:I, s:s*, s:s, s:I}", "again", entry->again, "commit",
			 entry->again ? host->parent : entry->commit, "head", (json_int_t)host->head.version, "kind",
			 *entry->kind ? entry->kind : NULL, "origin", host->root->origin, "version",
			 (json_int_t)host->root->version);
	return *ret ? IOV_OK : iov_oom(ctx);
}

int iov_root_publish_note(struct iov_ctx *ctx, const char *path, const struct iov_buf *note, const char *back_to,
			  const struct iov_signer *signer, json_t **ret)
{
	iov_auto(entry_release) struct entry entry = {.path = path, .note = note, .back_to = back_to, .signer = signer};
	int rc = iov_turn(ctx, path, apply, &entry);
	return rc ? rc : describe(ctx, &entry, ret);
}
