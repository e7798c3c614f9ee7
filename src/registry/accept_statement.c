#include "registry/accept.h"

#include <stdio.h>
#include <string.h>

#include "core/status.h"
#include "registry/clock.h"
#include "registry/event.h"
#include "registry/publishers.h"
#include "util/cleanup.h"

/* ---- judging ---- */

static const struct iov_release *find_release(const struct iov_index *index, const char *version)
{
	for (size_t i = 0; i < index->count; i++)
		if (!strcmp(index->releases[i]->manifest->version.text, version))
			return index->releases[i];
	return NULL;
}

/* What the index says of all the releases together. */
struct standing {
	bool holds;	 /* each is as the statement says */
	uint64_t newest; /* entry of the log about any of them */
};

static int look_at(struct iov_ctx *ctx, const struct iov_index *index, const struct iov_statement *statement,
		   struct standing *ret)
{
	struct standing standing = {.holds = true};
	for (size_t i = 0; i < json_array_size(statement->versions); i++) {
		const char *version = json_string_value(json_array_get(statement->versions, i));
		const struct iov_release *release = find_release(index, version);
		if (!release)
			return iov_error(ctx, IOV_E_INPUT, "'%s' %s is not in the registry, so it cannot be %s",
					 statement->name, version, statement->kind->words);
		uint64_t newest = iov_release_newest_event(release);
		standing.holds = standing.holds && iov_statement_holds(statement, release);
		standing.newest = newest > standing.newest ? newest : standing.newest;
	}
	*ret = standing;
	return IOV_OK;
}

static int check_since(struct iov_ctx *ctx, const struct iov_statement *statement, const struct standing *standing)
{
	if (statement->since == standing->newest)
		return IOV_OK;
	return iov_error(ctx, IOV_E_CONFLICT,
			 "that '%s' is %s was signed when entry %llu of the log was the last about it, and now it is "
			 "entry %llu (an old statement sent again, or somebody was faster); look at it with 'iovpkg "
			 "info %s', and sign again",
			 statement->name, statement->kind->words, (unsigned long long)statement->since,
			 (unsigned long long)standing->newest, statement->name);
}

/* ---- writing ---- */

static int write_event(struct iov_ctx *ctx, struct iov_host *host, const struct iov_signer *signer,
		       const struct iov_statement *statement, int64_t now, const struct iov_buf *old)
{
	char commit[IOV_COMMIT_SIZE], message[IOV_NAME_MAX + IOV_VERSION_MAX + 32], when[IOV_TIME_SIZE];
	size_t more = json_array_size(statement->versions) - 1;
	iov_auto(iov_changes_release) struct iov_changes changes = {0};
	iov_auto(iov_buf_release) struct iov_buf index = {0};
	iov_auto(iov_free_ptr) char *leaf = NULL;
	iov_time_text(now, when);
	snprintf(message, sizeof(message), "%s %s %s%s", statement->kind->name, statement->name,
		 json_string_value(json_array_get(statement->versions, 0)), more ? " and others" : "");
	int rc = iov_statement_rewrite(ctx, statement, host->head.log_size, old->data, old->len, &index, NULL);
	if (!rc)
		rc = iov_host_list(ctx, host, statement->name, &index, &changes);
	if (!rc)
		rc = iov_event_status(ctx, statement, host->head.manifest, when, &leaf);
	if (!rc)
		rc = iov_host_log(ctx, host, leaf, &changes);
	return rc ? rc : iov_host_commit(ctx, host, signer, IOV_HEAD_DAYS, now, &changes, message, commit);
}

int iov_accept_statement(struct iov_ctx *ctx, struct iov_host *host, const struct iov_signer *signer,
			 const struct iov_statement *statement, int64_t now, bool *ret_known, uint64_t *ret_log)
{
	struct standing standing = {.holds = false};
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_index_release) struct iov_index index = {0};
	int rc = iov_statement_check_signers(ctx, &host->root, 1, statement, IOV_LOG_NOT_YET);
	if (!rc)
		rc = iov_host_index(ctx, host, statement->name, &text, &index);
	if (!rc)
		rc = look_at(ctx, &index, statement, &standing);
	if (rc)
		return rc;
	*ret_known = standing.holds;
	*ret_log = standing.holds ? standing.newest : host->head.log_size;
	if (standing.holds)
		return IOV_OK;
	rc = check_since(ctx, statement, &standing);
	return rc ? rc : write_event(ctx, host, signer, statement, now, &text);
}
