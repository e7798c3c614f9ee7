/* Any bytes as what a registry's own key has signed, and as what stands beside it: a head, a root, a verdict, the
 * description, an index file, the tiles of a log, cosignatures of a witness, the proof in a lock. The first byte says
 * as which. */
#include <stdlib.h>
#include <string.h>

#include "registry/checkpoint.h"
#include "registry/describe.h"
#include "registry/index.h"
#include "registry/log.h"
#include "registry/registry.h"
#include "registry/verdict.h"
#include "registry/witness.h"
#include "sign/cosign.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The example of the Go package golang.org/x/mod/sumdb/note. */
#define KEY "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
#define DIGEST "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct world {
	struct iov_ctx *ctx;
	struct iov_signer signer;
	struct iov_root *root;
};

static void demand(bool condition)
{
	if (!condition)
		abort();
}

/* Refused with a text, or taken. */
static bool taken(const struct world *world, int rc)
{
	demand(rc == IOV_OK || *iov_error_text(world->ctx));
	return rc == IOV_OK;
}

/* A note of this text; false where a note cannot have it. */
static bool sign(struct world *world, const char *text, struct iov_buf *ret)
{
	const struct iov_signer *signers = &world->signer;
	size_t len = strlen(text);
	return len && text[len - 1] == '\n' && !iov_note_make(world->ctx, text, &signers, 1, ret);
}

static void try_head(struct world *world, const char *text, size_t len)
{
	struct iov_head head, again;
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	iov_auto(iov_buf_release) struct iov_buf made = {0};
	(void)len;
	if (!sign(world, text, &note) ||
	    !taken(world, iov_head_parse(world->ctx, "main", note.data, note.len, world->root, &head)))
		return;
	iov_head_check_fresh(world->ctx, "main", &head, 1800000000);
	demand(!iov_head_check_after(world->ctx, "main", &head, &head));
	demand(!iov_head_make(world->ctx, &head, world->root, &world->signer, &made));
	demand(!iov_head_parse(world->ctx, "main", made.data, made.len, world->root, &again));
	demand(again.version == head.version && again.expires == head.expires);
}

static void try_checkpoint(struct world *world, const char *text, size_t len)
{
	const struct iov_head head = {.version = 1, .root = 1, .log_size = 3};
	taken(world, iov_checkpoint_check(world->ctx, "main", text, len, world->root, &head));
}

/* As somebody else saw it. */
static void try_copy(struct world *world, const char *text, size_t len)
{
	struct iov_checkpoint checkpoint;
	taken(world, iov_checkpoint_parse(world->ctx, "copy", text, len, world->root, &checkpoint));
}

/* A line with the key of a witness, then a checkpoint with its cosignature. */
static void try_witness(struct world *world, const char *text, size_t len)
{
	struct iov_verifier key;
	size_t line = strcspn(text, "\n");
	iov_auto(iov_free_ptr) char *name = strndup(text, line);
	iov_auto(iov_json_release) json_t *keys = json_pack("[s]", name);
	const char *rest = text + line + (line < len);
	const struct iov_buf checkpoint = {.data = (char *)rest, .len = strlen(rest)};
	if (!keys || !taken(world, iov_witness_parse(world->ctx, name, &key)))
		return;
	iov_auto(iov_free_ptr) char *again = iov_witness_text(&key);
	struct iov_verifier same;
	demand(again && !iov_witness_parse(world->ctx, again, &same) && same.hash == key.hash);
	demand(!iov_witness_check_keys(world->ctx, keys, 1));
	taken(world, iov_witness_check(world->ctx, "main", keys, 1, &checkpoint));
}

/* An index line, then what a lock says is the proof of it. */
static void try_proof(struct world *world, const char *text, size_t len)
{
	struct iov_release *release = NULL;
	size_t line = strcspn(text, "\n");
	const char *rest = text + line + (line < len);
	iov_auto(iov_json_release) json_t *proof = NULL;
	iov_auto(iov_json_release) json_t *chain = NULL;
	if (taken(world, iov_json_parse(world->ctx, "proof", rest, strlen(rest), 1 << 20, &proof)) &&
	    taken(world, iov_release_parse(world->ctx, "line", text, line, &release)))
		taken(world, iov_proof_check(world->ctx, proof, release, &chain));
	iov_release_free(release);
}

static void try_root(struct world *world, const char *text, size_t len)
{
	struct iov_root *root = NULL;
	if (!taken(world, iov_root_parse_prepared(world->ctx, "root", text, len, &root)))
		return;
	iov_root_publishers(root, "flow-table");
	taken(world, iov_root_check_next(world->ctx, "root", world->root, root));
	iov_root_free(root);
}

static void try_verdict(struct world *world, const char *text, size_t len)
{
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	(void)len;
	if (sign(world, text, &note))
		demand(iov_verdict_tell(world->ctx, world->root, DIGEST, &note) != IOV_OK);
}

static void try_description(struct world *world, const char *text, size_t len)
{
	const struct iov_buf file = {.data = (char *)text, .len = len};
	iov_auto(iov_free_ptr) char *packages = NULL;
	if (taken(world, iov_description_check(world->ctx, "main", &file, world->root, &packages)))
		demand(packages && *packages);
}

static void try_index(struct world *world, const char *text, size_t len)
{
	const struct iov_head head = {.version = 1, .root = 1, .log_size = 1000};
	iov_auto(iov_index_release) struct iov_index index = {0};
	taken(world, iov_index_parse(world->ctx, "main", world->root, &head, "flow-table", text, len, &index));
}

/* Every tile is these bytes. */
static int read_tile(struct iov_ctx *ctx, const struct iov_source *source, const char *const *paths, size_t count,
		     size_t limit, struct iov_buf *ret)
{
	const struct iov_buf *tile = source->data;
	(void)ctx;
	(void)paths;
	for (size_t i = 0; i < count; i++)
		iov_buf_add(&ret[i], tile->data, tile->len < limit ? tile->len : limit);
	return IOV_OK;
}

static void try_log(struct world *world, const char *text, size_t len)
{
	struct iov_buf tile = {.data = (char *)text + 1, .len = len - 1};
	const struct iov_source source = {.read = read_tile, .data = &tile};
	iov_auto(iov_log_release) struct iov_log log = {.source = &source};
	iov_auto(iov_buf_release) struct iov_buf entry = {0};
	struct iov_hash root;
	struct iov_proof proof;
	if (!len)
		return;
	uint64_t size = 1 + (uint8_t)*text;
	iov_log_init(&log, &source, size);
	taken(world, iov_log_root(world->ctx, &log, &root));
	if (taken(world, iov_log_prove_included(world->ctx, &log, size / 2, &proof)))
		demand(proof.count <= IOV_PROOF_MAX);
	if (taken(world, iov_log_entry(world->ctx, &log, size - 1, &entry)))
		demand(entry.len < len);
}

static const struct {
	char letter;
	void (*run)(struct world *world, const char *text, size_t len);
} tries[] = {
	{'h', try_head},  {'c', try_checkpoint}, {'r', try_root}, {'v', try_verdict}, {'d', try_description},
	{'i', try_index}, {'l', try_log},	 {'k', try_copy}, {'w', try_witness}, {'p', try_proof},
};

static void make_root(struct world *world)
{
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	const struct iov_root_plan plan = {
		.origin = "example.org/modules", .expires = 1900000000, .signer = &world->signer};
	demand(!iov_root_make(world->ctx, &plan, &note));
	demand(!iov_root_parse(world->ctx, "root/1.note", note.data, note.len, &world->root));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = {.ctx = NULL};
	iov_auto(iov_free_ptr) char *text = size ? strndup((const char *)data + 1, size - 1) : NULL;
	if (!text)
		return 0;
	demand(!iov_ctx_new(NULL, &world.ctx) && !iov_signer_parse(world.ctx, KEY, &world.signer));
	make_root(&world);
	/* As text it ends at the first NUL; tiles are bytes. */
	for (size_t i = 0; i < IOV_COUNT(tries); i++)
		if (tries[i].letter == (char)data[0])
			tries[i].run(&world, data[0] == 'l' ? (const char *)data + 1 : text,
				     data[0] == 'l' ? size - 1 : strlen(text));
	iov_root_free(world.root);
	iov_signer_release(&world.signer);
	iov_ctx_free(world.ctx);
	return 0;
}
