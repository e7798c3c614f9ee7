/* Over HTTP, index files by the digests that the head comes to, as every client reads them. */
#include <stdio.h>
#include <string.h>

#include "registry/audit.h"
#include "registry/listing.h"
#include "util/cleanup.h"

static int not_listed(struct iov_audit *audit, const char *path)
{
	return iov_error(audit->ctx, IOV_E_UNTRUSTED, "'%s' in registry '%s' is not what head %llu names", path,
			 audit->subject->name, (unsigned long long)audit->subject->head->version);
}

static int read_listing(struct iov_audit *audit, const char *path, const struct iov_listed *listed,
			struct iov_listing *ret)
{
	const struct iov_source *source = &audit->subject->source;
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	int rc = source->read(audit->ctx, source, &path, 1, IOV_LISTING_MAX, &text);
	if (!rc)
		rc = iov_source_settle(audit->ctx, source, listed, &text);
	if (!rc && (!text.data || !iov_listed_is(listed, text.data, text.len)))
		rc = not_listed(audit, path);
	return rc ? rc : iov_listing_parse(audit->ctx, path, text.data, text.len, ret);
}

static int read_top(struct iov_audit *audit)
{
	const struct iov_head *head = audit->subject->head;
	struct iov_listed listed = {.size = head->manifest_size};
	memcpy(listed.sha256, head->manifest, IOV_HEX_SIZE);
	return audit->top.items ? IOV_OK : read_listing(audit, IOV_TOP_PATH, &listed, &audit->top);
}

static int shard_of(struct iov_audit *audit, const struct iov_index_place *place, const struct iov_listing **ret)
{
	uint8_t number = 0;
	iov_unhex(place->shard, &number, 1);
	int rc = read_top(audit);
	const struct iov_listed *listed = rc ? NULL : iov_listing_find(&audit->top, place->shard);
	if (listed && !audit->shards[number].items)
		rc = read_listing(audit, place->shard_path, listed, &audit->shards[number]);
	*ret = &audit->shards[number];
	return rc;
}

int iov_audit_settle(struct iov_audit *audit, const char *name, struct iov_buf *file)
{
	struct iov_index_place place;
	const struct iov_listing *shard = NULL;
	if (!audit->subject->source.keep)
		return IOV_OK;
	iov_index_place(name, &place);
	int rc = shard_of(audit, &place, &shard);
	const struct iov_listed *listed = rc ? NULL : iov_listing_find(shard, name);
	return listed ? iov_source_settle(audit->ctx, &audit->subject->source, listed, file) : rc;
}
