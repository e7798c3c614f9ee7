#include "registry/registries.h"

#include <string.h>
#include <time.h>

#include "registry/clock.h"
#include "registry/event.h"
#include "registry/log.h"
#include "util/cleanup.h"

/* That the log with the trusted root has this release at its position. */
static int check_logged(struct iov_ctx *ctx, const struct iov_trust *trust, const struct iov_release *release)
{
	struct iov_source source = iov_trust_source(trust);
	iov_auto(iov_log_release) struct iov_log log;
	iov_auto(iov_buf_release) struct iov_buf entry = {0};
	struct iov_proof proof;
	iov_log_init(&log, &source, trust->head.log_size);
	int rc = iov_log_prove_included(ctx, &log, release->log, &proof);
	if (!rc)
		rc = iov_log_entry(ctx, &log, release->log, &entry);
	if (rc)
		return iov_error_prefix(ctx, "registry '%s'", trust->name);
	struct iov_hash leaf = iov_merkle_leaf(entry.data, (uint16_t)entry.len);
	if (!iov_merkle_included(release->log, log.size, &leaf, proof.hashes, proof.count, &trust->head.log_root))
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "the log of registry '%s' does not hold its own entry %llu (fork); compare its "
				 "checkpoint with what others see",
				 trust->name, (unsigned long long)release->log);
	return iov_event_check(ctx, trust->name, entry.data, entry.len, release);
}

static json_t *describe(const struct iov_trust *trust, const struct iov_release *release, json_t *publishers)
{
	const struct iov_root *root = iov_trust_root(trust);
	const struct iov_head *head = &trust->head;
	char issued[IOV_TIME_SIZE], expires[IOV_TIME_SIZE], log_root[IOV_HEX_SIZE];
	iov_time_text(head->issued, issued);
	iov_time_text(head->expires, expires);
	iov_hex(head->log_root.bytes, sizeof(head->log_root.bytes), log_root);
	return json_pack("{s:s, s:b, s:{s:s, s:s, s:I}, s:{s:I, s:s, s:I}, s:s, s:O, s:s, s:{s:s, s:I}, s:s}",
			 "archive", release->sha256, "expired", time(NULL) >= head->expires, "head", "expires", expires,
			 "issued", issued, "version", (json_int_t)head->version, "log", "position",
			 (json_int_t)release->log, "root", log_root, "size", (json_int_t)head->log_size, "name",
			 release->manifest->name, "publishers", publishers, "registry", trust->name, "root",
			 "fingerprint", trust->fingerprint, "version", (json_int_t)root->version, "version",
			 release->manifest->version.text);
}

/* Opening the registry has checked the chain of roots from the pin on, and the head. */
int iov_registries_prove(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_release *release,
			 json_t **ret)
{
	const char *name = release->registry ? release->registry : "";
	iov_auto(iov_json_release) json_t *publishers = NULL;
	const struct iov_registry *registry = iov_registries_find(registries, name);
	if (!registry)
		return iov_error(ctx, IOV_E_NOT_FOUND,
				 "'%s' %s came from registry '%s', which this host no longer has; add it again",
				 release->manifest->name, release->manifest->version.text, name);
	const struct iov_trust *trust = registry->trust;
	int rc = iov_index_check_signatures(ctx, name, iov_trust_root(trust), release, &publishers);
	if (!rc)
		rc = check_logged(ctx, trust, release);
	if (rc)
		return rc;
	*ret = describe(trust, release, publishers);
	return *ret ? IOV_OK : iov_oom(ctx);
}
