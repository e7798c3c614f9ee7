/* Any bytes as the lock of a host manifest: refused with a text, or each of its releases is found by its name. A proof
 * of one is refused with a text too, since it is held against a release that nobody has signed. */
#include <string.h>

#include "file.h"
#include "registry/registry.h"
#include "state/lockfile.h"
#include "util/cleanup.h"

#define DIGEST "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""

static const char line[] =
	"{\"log\":0,\"published\":\"2026-11-23T10:00:00Z\",\"release\":{\"archive\":{\"files\":[{\"path\":\"iov.yaml\","
	"\"sha256\":" DIGEST ",\"size\":10}],\"sha256\":" DIGEST
	",\"size\":100,\"unpacked\":10},\"manifest\":{\"build\":{"
	"\"sources\":[\"a.bpf.c\"]},\"license\":\"GPL-2.0-only\",\"name\":\"base\",\"schema\":1,\"summary\":\"A test\","
	"\"version\":\"1.0.0\"},\"object\":{\"license\":\"GPL\",\"maps\":[],\"programs\":[]},\"schema\":1},"
	"\"signatures\":[],"
	"\"yanked\":null}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_proof(struct iov_ctx *ctx, const json_t *proof)
{
	struct iov_release *release = NULL;
	iov_auto(iov_json_release) json_t *chain = NULL;
	if (iov_release_parse(ctx, "release", line, strlen(line), &release))
		abort();
	if (!iov_proof_check(ctx, proof, release, &chain) || !*iov_error_text(ctx))
		abort();
	iov_release_free(release);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iov_ctx *ctx = NULL;
	iov_auto(iov_lockfile_release) struct iov_lockfile lock = {0};
	if (iov_ctx_new(NULL, &ctx))
		abort();
	if (iov_lockfile_read(ctx, fuzz_file(data, size), &lock, NULL) && !*iov_error_text(ctx))
		abort();
	for (size_t i = 0; i < lock.count; i++) {
		if (iov_lockfile_find(&lock, lock.rows[i].name) != &lock.rows[i])
			abort();
		if (lock.rows[i].proof)
			check_proof(ctx, lock.rows[i].proof);
	}
	iov_ctx_free(ctx);
	return 0;
}
