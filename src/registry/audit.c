#include "registry/audit.h"

#include <string.h>

#include "registry/clock.h"
#include "util/cleanup.h"

static void audit_release(struct iov_audit *audit)
{
	for (size_t i = 0; i < audit->n_modules; i++)
		free(audit->modules[i].name);
	for (size_t i = 0; i < audit->n_statements; i++)
		iov_leaf_release(&audit->statements[i]);
	for (size_t i = 0; i < audit->n_roots; i++)
		iov_root_free(audit->roots[i]);
	for (size_t i = 0; i < IOV_AUDIT_SHARDS; i++)
		iov_listing_release(&audit->shards[i]);
	iov_listing_release(&audit->top);
	free(audit->events);
	free(audit->modules);
	free(audit->statements);
	free(audit->positions);
	free(audit->roots);
	json_decref(audit->numbers);
}

int iov_audit_misfit(struct iov_audit *audit, uint64_t position, const char *how)
{
	return iov_error(audit->ctx, IOV_E_UNTRUSTED, "entry %llu of the log of registry '%s' %s",
			 (unsigned long long)position, audit->subject->name, how);
}

int iov_audit_identity(struct iov_ctx *ctx, const char *name, const char *version, const char *archive,
		       const char *record, const char *time, uint64_t position, uint8_t ret[IOV_DIGEST_SIZE])
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_buf_printf(&text, "%s %s %s %s %s %llu", name, version, archive, record, time,
		       (unsigned long long)position);
	if (iov_buf_failed(&text))
		return iov_oom(ctx);
	iov_sha256(text.data, text.len, ret);
	return IOV_OK;
}

const struct iov_statement *iov_audit_statement(const struct iov_audit *audit, uint32_t position)
{
	size_t from = 0, to = audit->n_statements;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (audit->positions[middle] == position)
			return &audit->statements[middle].statement;
		if (audit->positions[middle] < position)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

static int replay(struct iov_audit *audit)
{
	int rc = iov_audit_log(audit);
	if (!rc)
		rc = iov_audit_index(audit);
	return rc ? rc : iov_audit_manifest(audit);
}

static json_t *describe(const struct iov_audit *audit)
{
	const struct iov_subject *subject = audit->subject;
	return json_pack("{s:I, s:s, s:b, s:I, s:I, s:s, s:b, s:s, s:I, s:I}", "entries", (json_int_t)audit->n_events,
			 "fingerprint", audit->roots[0]->fingerprint, "good", 1, "head",
			 (json_int_t)subject->head->version, "modules", (json_int_t)audit->n_modules, "origin",
			 subject->root->origin, "pinned", subject->trust && !subject->scratch, "registry",
			 subject->name, "releases", (json_int_t)audit->releases, "root",
			 (json_int_t)subject->root->version);
}

static bool is_misfit(int rc)
{
	return rc == IOV_E_UNTRUSTED || rc == IOV_E_INPUT;
}

int iov_registry_audit_at(struct iov_ctx *ctx, const char *what, json_t **ret)
{
	iov_auto(iov_subject_release) struct iov_subject subject = {.name = NULL};
	iov_auto(audit_release) struct iov_audit audit = {.ctx = ctx, .subject = &subject, .numbers = json_object()};
	int rc = audit.numbers ? iov_subject_open(ctx, what, &subject) : iov_oom(ctx);
	if (!rc && subject.head->log_size >= IOV_AUDIT_NONE)
		rc = iov_error(ctx, IOV_E_UNSUPPORTED, "the log of registry '%s' has more than 2^32 entries", what);
	if (!rc)
		rc = replay(&audit);
	if (is_misfit(rc) && subject.name && iov_subject_has_moved(ctx, &subject))
		return iov_error(ctx, IOV_E_BUSY,
				 "registry '%s' has gone on from head %llu while it was audited, and what was read may "
				 "be of later; audit it again",
				 what, (unsigned long long)subject.head->version);
	if (is_misfit(rc))
		*ret = json_pack("{s:b, s:s, s:s}", "good", 0, "reason", iov_error_text(ctx), "registry", what);
	else if (!rc)
		*ret = describe(&audit);
	else
		return rc;
	return *ret ? IOV_OK : iov_oom(ctx);
}
