/* Third pass: manifest/top after each event, and at the end the one that the head names. */
#include <string.h>

#include "registry/audit.h"
#include "registry/listing.h"
#include "util/cleanup.h"

struct pages {
	struct iov_listing top;
	struct iov_listing shards[IOV_AUDIT_SHARDS];
	uint8_t digest[IOV_DIGEST_SIZE]; /* of top as a text */
};

static void pages_free(struct pages **pages)
{
	for (size_t i = 0; *pages && i < IOV_AUDIT_SHARDS; i++)
		iov_listing_release(&(*pages)->shards[i]);
	if (*pages)
		iov_listing_release(&(*pages)->top);
	free(*pages);
}

static int digest_top(struct iov_ctx *ctx, struct pages *pages)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	int rc = iov_listing_text(ctx, &pages->top, &text);
	if (!rc)
		iov_sha256(text.data ? text.data : "", text.len, pages->digest);
	return rc;
}

static int list(struct iov_ctx *ctx, struct pages *pages, const char *name, const struct iov_audit_event *event)
{
	struct iov_index_place place;
	uint8_t number = 0;
	struct iov_listed listed = {.size = event->size};
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_index_place(name, &place);
	iov_unhex(place.shard, &number, 1);
	iov_hex(event->digest, sizeof(event->digest), listed.sha256);
	int rc = iov_listing_put(ctx, &pages->shards[number], name, &listed);
	if (!rc)
		rc = iov_listing_text(ctx, &pages->shards[number], &text);
	if (!rc)
		rc = iov_listing_set(ctx, &pages->top, place.shard, text.data, text.len);
	return rc ? rc : digest_top(ctx, pages);
}

static int replay(struct iov_audit *audit, struct pages *pages, uint32_t position)
{
	const struct iov_audit_event *event = &audit->events[position];
	int rc = IOV_OK;
	if (event->module != IOV_AUDIT_NONE)
		rc = list(audit->ctx, pages, audit->modules[event->module].name, event);
	if (!rc && memcmp(pages->digest, event->manifest, sizeof(event->manifest)) != 0)
		return iov_audit_misfit(audit, position, "names another manifest than the events up to it make");
	return rc;
}

static int check_end(struct iov_audit *audit, const struct pages *pages)
{
	char digest[IOV_HEX_SIZE];
	iov_hex(pages->digest, sizeof(pages->digest), digest);
	if (!strcmp(digest, audit->subject->head->manifest))
		return IOV_OK;
	return iov_error(audit->ctx, IOV_E_UNTRUSTED,
			 "head %llu of registry '%s' names another manifest than its log makes",
			 (unsigned long long)audit->subject->head->version, audit->subject->name);
}

int iov_audit_manifest(struct iov_audit *audit)
{
	iov_auto(pages_free) struct pages *pages = calloc(1, sizeof(*pages));
	int rc = pages ? digest_top(audit->ctx, pages) : iov_oom(audit->ctx);
	for (size_t i = 0; !rc && i < audit->n_events; i++)
		rc = replay(audit, pages, (uint32_t)i);
	return rc ? rc : check_end(audit, pages);
}
