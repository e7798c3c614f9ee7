/* Any bytes as a signed note: refused with a text, or taken apart so that text and signatures are within what came in.
 * The same bytes as a root, as a page of the index manifest, and as the list of hash-named copies. */
#include <stdlib.h>
#include <string.h>

#include "registry/listing.h"
#include "registry/recent.h"
#include "registry/root.h"
#include "sign/note.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The key of the example in the corpus. */
#define KEY "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

static void check_refused(const struct iov_ctx *ctx)
{
	if (!*iov_error_text(ctx))
		abort();
}

static void try_note(struct iov_ctx *ctx, const char *data, size_t size)
{
	struct iov_verifier key;
	iov_auto(iov_note_text_release) struct iov_note_text note = {0};
	if (iov_verifier_parse(ctx, KEY, &key))
		abort();
	if (iov_note_parse(ctx, "note", data, size, &note)) {
		check_refused(ctx);
		return;
	}
	if (note.len >= size || memcmp(note.text, data, note.len) != 0 || note.text[note.len - 1] != '\n')
		abort();
	if (note.n_signatures > IOV_NOTE_SIGNATURES_MAX || iov_note_count_signers(&note, &key, 1) > 1)
		abort();
}

static void try_root(struct iov_ctx *ctx, const char *data, size_t size)
{
	struct iov_root *root = NULL;
	if (iov_root_parse(ctx, "root", data, size, &root))
		check_refused(ctx);
	iov_root_free(root);
}

static void try_listing(struct iov_ctx *ctx, const char *data, size_t size)
{
	iov_auto(iov_listing_release) struct iov_listing listing = {0};
	iov_auto(iov_buf_release) struct iov_buf again = {0};
	if (iov_listing_parse(ctx, "listing", data, size, &listing)) {
		check_refused(ctx);
		return;
	}
	if (iov_listing_text(ctx, &listing, &again) || again.len != size ||
	    (size && memcmp(again.data, data, size) != 0))
		abort();
}

static void try_recent(struct iov_ctx *ctx, const char *data, size_t size)
{
	iov_auto(iov_recent_release) struct iov_recent recent = {0};
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_buf_release) struct iov_buf again = {0};
	iov_buf_add(&text, data, size);
	iov_buf_add(&text, "", 0);
	if (iov_recent_parse(ctx, "recent", text.data, size, &recent)) {
		check_refused(ctx);
		return;
	}
	if (iov_recent_text(ctx, &recent, &again) || again.len != size || memcmp(again.data, text.data, size) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iov_ctx *ctx = NULL;
	if (iov_ctx_new(NULL, &ctx))
		abort();
	try_note(ctx, (const char *)data, size);
	try_root(ctx, (const char *)data, size);
	try_listing(ctx, (const char *)data, size);
	try_recent(ctx, (const char *)data, size);
	iov_ctx_free(ctx);
	return 0;
}
