#include "registry/poll.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "registry/registries.h"
#include "registry/scratch.h"
#include "registry/submission.h"
#include "registry/verdict.h"
#include "util/cleanup.h"

#define FIRST_MS 1000
#define LAST_MS 30000 /* between two looks: what a forge's CI takes to start */

/* The verdict that is there now, if there is one: its commit, and its note when it is not the one seen. */
static int fetch_verdict(struct iov_ctx *ctx, const struct iov_poll *poll, char *ret_commit, struct iov_buf *ret_note)
{
	char ref[IOV_REF_MAX];
	iov_auto(iov_free_ptr) char *scratch = NULL;
	snprintf(ref, sizeof(ref), IOV_VERDICT_REFS "%.64s", poll->sha256);
	*ret_commit = '\0';
	int rc = iov_scratch_make(ctx, &scratch);
	if (rc)
		return rc;
	rc = iov_git_fetch(ctx, scratch, poll->url, ref, ret_commit);
	if (!rc && strcmp(ret_commit, poll->seen) != 0)
		rc = iov_git_read(ctx, scratch, ret_commit, IOV_VERDICT_PATH, IOV_VERDICT_MAX, ret_note);
	iov_scratch_remove(ctx, scratch);
	return rc == IOV_E_NOT_FOUND ? IOV_OK : rc;
}

int iov_poll_begin(struct iov_ctx *ctx, struct iov_poll *poll)
{
	char commit[IOV_COMMIT_SIZE];
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	int rc = fetch_verdict(ctx, poll, commit, &note);
	if (!rc)
		memcpy(poll->seen, commit, sizeof(poll->seen));
	return rc;
}

static bool has_release(struct iov_release *const *releases, size_t count, const char *sha256)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(releases[i]->sha256, sha256))
			return true;
	return false;
}

static int look(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_poll *poll, bool *ret_done)
{
	char commit[IOV_COMMIT_SIZE];
	struct iov_release *const *releases = NULL;
	size_t count = 0;
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	int rc = iov_registries_update(ctx, registries, poll->registry);
	if (!rc)
		rc = iov_registries_choose(ctx, registries, poll->module, poll->registry);
	if (!rc)
		rc = iov_registries_releases(ctx, registries, poll->module, &releases, &count);
	*ret_done = !rc && has_release(releases, count, poll->sha256);
	if (rc || *ret_done)
		return rc;
	rc = fetch_verdict(ctx, poll, commit, &note);
	if (rc || !note.data)
		return rc;
	const struct iov_registry *registry = iov_registries_find(registries, poll->registry);
	return iov_verdict_tell(ctx, iov_trust_root(registry->trust), poll->sha256, &note);
}

int iov_poll_once(struct iov_ctx *ctx, const struct iov_poll *poll, bool *ret_done)
{
	struct iov_registries *registries = NULL;
	int rc = iov_registries_open(ctx, &registries);
	if (!rc)
		rc = look(ctx, registries, poll, ret_done);
	iov_registries_free(registries);
	return rc;
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A little longer or shorter than said, so that those who began together do not come together. */
static void pause_for(int64_t ms)
{
	int64_t jittered = ms - ms / 8 + (int64_t)randombytes_uniform((uint32_t)(ms / 4 + 1));
	nanosleep(&(struct timespec){.tv_sec = jittered / 1000, .tv_nsec = jittered % 1000 * 1000000}, NULL);
}

int iov_poll_wait(struct iov_ctx *ctx, const struct iov_poll *poll, uint64_t seconds)
{
	bool done = false;
	int64_t pause = FIRST_MS, end = now_ms() + (int64_t)(seconds * 1000), left;
	int rc = iov_poll_once(ctx, poll, &done);
	/* A registry that cannot be reached for a moment is asked again. */
	while ((!rc || rc == IOV_E_NETWORK) && !done && (left = end - now_ms()) > 0) {
		pause_for(pause < left ? pause : left);
		pause = pause * 2 < LAST_MS ? pause * 2 : LAST_MS;
		rc = iov_stop_asked(ctx);
		rc = rc ? rc : iov_poll_once(ctx, poll, &done);
	}
	if (rc || done)
		return rc;
	return iov_error(ctx, IOV_E_BUSY,
			 "registry '%s' has not judged the submission within %llu seconds; it waits there, and "
			 "publishing again says what became of it",
			 poll->registry, (unsigned long long)seconds);
}
