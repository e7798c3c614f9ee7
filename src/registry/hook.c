/* accept as git's hook proc-receive: what is pushed is judged before the push ends, and who pushes reads the reason. */
#include <stdlib.h>
#include <string.h>

#include "core/refusal.h"
#include "registry/accept.h"
#include "registry/admin.h"
#include "registry/host.h"
#include "registry/publish.h"
#include "registry/receive.h"
#include "registry/submission.h"
#include "util/cleanup.h"

struct hook {
	const char *path;
	const struct iov_signer *signer;
	const char *trouble; /* why nothing can be judged now; NULL: it can */
	int out;
};

/* Why a push to this ref is none of a submission; NULL: it may be one. */
static const char *not_for_pushes(const struct iov_push *push)
{
	size_t len = strlen(IOV_INCOMING_REFS);
	if (strncmp(push->ref, IOV_INCOMING_REFS, len) != 0 || !iov_is_sha256_hex(push->ref + len))
		return "input: this registry takes submissions alone, on " IOV_INCOMING_REFS
		       "SHA256; make them with 'iovpkg publish'";
	if (iov_push_deletes(push))
		return "input: a submission that waits is not withdrawn by a push; ask the registry's host";
	return NULL;
}

static int refuse(struct iov_ctx *ctx, const struct hook *hook, const struct iov_push *push, int code)
{
	iov_auto(iov_buf_release) struct iov_buf reason = {0};
	iov_buf_printf(&reason, "%s: %s", iov_refusal_word(code), iov_error_text(ctx));
	return iov_buf_failed(&reason) ? iov_oom(ctx) : iov_receive_refuse(ctx, hook->out, push->ref, reason.data);
}

/* The host's own trouble: the submission waits for the next accept. */
static int let_wait(struct iov_ctx *ctx, const struct hook *hook, const struct iov_push *push, const char *trouble)
{
	iov_warn(ctx, "the registry cannot judge the submission now (%s); it waits, and need not be published again",
		 trouble);
	return iov_receive_pass(ctx, hook->out, push->ref);
}

/* One of the same archive may have been left waiting before. */
static int accepted(struct iov_ctx *ctx, const struct hook *hook, const struct iov_push *push,
		    const struct iov_accept *accept)
{
	const struct iov_submission *submission = &accept->submission;
	iov_git_delete_ref_at(ctx, hook->path, push->ref, push->to);
	iov_note(ctx, "accepted %s %s %s", submission->release ? "publish" : submission->statement.kind->name,
		 iov_accept_subject(accept), submission->release ? submission->release->manifest->version.text : "");
	return iov_receive_ok(ctx, hook->out, push->ref);
}

static int judge(struct iov_ctx *ctx, const struct hook *hook, const struct iov_push *push)
{
	const char *no = not_for_pushes(push);
	struct iov_accept accept = {.path = hook->path,
				    .signer = hook->signer,
				    .commit = push->to,
				    .sha256 = push->ref + (no ? 0 : strlen(IOV_INCOMING_REFS))};
	if (no)
		return iov_receive_refuse(ctx, hook->out, push->ref, no);
	if (hook->trouble)
		return let_wait(ctx, hook, push, hook->trouble);
	int rc = iov_accept_one(ctx, &accept);
	if (!rc)
		rc = accepted(ctx, hook, push, &accept);
	else
		rc = iov_is_refusal(rc) ? refuse(ctx, hook, push, rc) : let_wait(ctx, hook, push, iov_error_text(ctx));
	iov_accept_end(&accept);
	return rc;
}

/* A registry that is broken, or a key that may not sign for it, is no reason to refuse anything. */
static int check_host(struct iov_ctx *ctx, const char *path, const struct iov_signer *signer)
{
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	int rc = iov_host_open(ctx, path, &host);
	return rc ? rc : iov_head_make(ctx, &host.head, host.root, signer, &note);
}

static int answer_all(struct iov_ctx *ctx, struct hook *hook, const struct iov_pushes *pushes)
{
	iov_auto(iov_free_ptr) char *trouble = NULL;
	int rc = IOV_OK;
	if (!hook->trouble && check_host(ctx, hook->path, hook->signer)) {
		hook->trouble = trouble = strdup(iov_error_text(ctx));
		if (!trouble)
			return iov_oom(ctx);
	}
	for (size_t i = 0; !rc && i < pushes->count; i++)
		rc = judge(ctx, hook, &pushes->items[i]);
	return rc ? rc : iov_receive_end(ctx, hook->out);
}

int iov_registry_answer_push(struct iov_ctx *ctx, const char *path, const struct iov_signer *registry,
			     const char *trouble, int in, int out)
{
	bool local;
	iov_auto(iov_free_ptr) char *place = NULL;
	iov_auto(iov_pushes_release) struct iov_pushes pushes = {0};
	int rc = iov_registry_locate(ctx, path, &local, &place);
	if (!rc && !local)
		rc = iov_error(ctx, IOV_E_USAGE, "'%s' is not on this host; a hook runs where the repository is", path);
	if (!rc)
		rc = iov_receive_begin(ctx, in, out, &pushes);
	return rc ? rc : answer_all(ctx, &(struct hook){place, registry, trouble, out}, &pushes);
}
