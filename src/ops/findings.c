#include "ops/findings.h"

#include <stdarg.h>
#include <string.h>

#include "util/buf.h"
#include "util/cleanup.h"

static const char by_fix[] = "run 'iovpkg doctor --fix'";
static const char pins[] = "run 'iovpkg doctor --fix', which pins what is in use, or else brings the instance up anew";
static const char swaps[] = "run 'iovpkg doctor --fix', which has it run the program of the generation";
static const char renews[] = "run 'iovpkg doctor --fix', which brings the instance up anew and keeps its maps";

static const struct {
	const char *word, *remedy;
	enum iov_mend mend;
} rows[] = {
	[IOV_FOUND_JOURNAL] = {"journal", "run 'iovpkg doctor --fix', or any command that changes this host",
			       IOV_MEND_RECOVER},
	[IOV_FOUND_GENERATION] = {"generation",
				  "put the files of the generation back from a copy, or point 'current' "
				  "to a generation that is whole",
				  IOV_MEND_NOTHING},
	[IOV_FOUND_RELEASE] = {"release", "run 'iovpkg doctor --fix', which fetches it again", IOV_MEND_STORE},
	[IOV_FOUND_OBJECT] = {"object", "run 'iovpkg doctor --fix', which builds it again", IOV_MEND_STORE},
	[IOV_FOUND_BPFFS] = {"bpffs", "run 'iovpkg doctor --fix', which mounts it and brings the generation up",
			     IOV_MEND_RECOVER},
	[IOV_FOUND_NOT_LOADED] = {"not-loaded", "run 'iovpkg doctor --fix', which loads it", IOV_MEND_RENEW},
	[IOV_FOUND_NO_PROGRAM] = {"no-program", pins, IOV_MEND_RENEW},
	[IOV_FOUND_NO_MAP] = {"no-map", pins, IOV_MEND_RENEW},
	[IOV_FOUND_OTHER_MAP] = {"other-map", pins, IOV_MEND_RENEW},
	[IOV_FOUND_FOREIGN_MAP] = {"foreign-map", renews, IOV_MEND_RENEW},
	[IOV_FOUND_NOT_ATTACHED] = {"not-attached", "run 'iovpkg doctor --fix', which attaches it again",
				    IOV_MEND_RENEW},
	[IOV_FOUND_OTHER_PROGRAM] = {"other-program", swaps, IOV_MEND_RENEW},
	[IOV_FOUND_ARMED] = {"armed", swaps, IOV_MEND_RENEW},
	[IOV_FOUND_INDEX] = {"index", "run 'iovpkg doctor --fix', which stores it again", IOV_MEND_INDEX},
	[IOV_FOUND_NO_TARGET] = {"no-target",
				 "bring the target back and run 'iovpkg doctor --fix', or unload the "
				 "instance",
				 IOV_MEND_NOTHING},
	[IOV_FOUND_STRAY_TREE] = {"stray-tree", by_fix, IOV_MEND_REMOVE},
	[IOV_FOUND_STRAY_INSTANCE] = {"stray-instance", by_fix, IOV_MEND_REMOVE},
	[IOV_FOUND_STRAY_ATTACHED] = {"stray-attached", by_fix, IOV_MEND_REMOVE},
	[IOV_FOUND_NOT_OURS] = {"not-ours", "nothing: iovpkg leaves it alone", IOV_MEND_NOTHING},
};

static char *format_text(const char *format, va_list args)
{
	struct iov_buf text = {0};
	iov_buf_vprintf(&text, format, args);
	return iov_buf_take(&text);
}

static void release(struct iov_finding *one)
{
	free(one->subject);
	free(one->where);
	free(one->text);
}

static bool is_told(const struct iov_findings *findings, const struct iov_finding *one)
{
	for (size_t i = 0; i < findings->count; i++)
		if (findings->items[i].kind == one->kind && !strcmp(findings->items[i].text, one->text))
			return true;
	return false;
}

int iov_findings_add(struct iov_ctx *ctx, struct iov_findings *findings, enum iov_finding_kind kind,
		     const char *subject, const char *where, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	struct iov_finding one = {
		.kind = kind, .subject = strdup(subject), .where = strdup(where), .text = format_text(format, args)};
	va_end(args);
	struct iov_finding *items = realloc(findings->items, (findings->count + 1) * sizeof(*items));
	if (items)
		findings->items = items;
	if (!items || !one.subject || !one.where || !one.text) {
		release(&one);
		return iov_oom(ctx);
	}
	if (is_told(findings, &one))
		release(&one);
	else
		items[findings->count++] = one;
	return IOV_OK;
}

void iov_findings_release(struct iov_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		release(&findings->items[i]);
	free(findings->items);
	*findings = (struct iov_findings){0};
}

enum iov_mend iov_finding_mend(const struct iov_finding *finding)
{
	return rows[finding->kind].mend;
}

bool iov_finding_counts(const struct iov_finding *finding)
{
	return finding->kind != IOV_FOUND_NOT_OURS;
}

bool iov_findings_need(const struct iov_findings *findings, enum iov_mend mend)
{
	for (size_t i = 0; i < findings->count; i++)
		if (iov_finding_mend(&findings->items[i]) == mend)
			return true;
	return false;
}

bool iov_findings_are_clean(const struct iov_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		if (iov_finding_counts(&findings->items[i]))
			return false;
	return true;
}

bool iov_findings_have(const struct iov_findings *findings, const struct iov_finding *one)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct iov_finding *other = &findings->items[i];
		if (other->kind == one->kind && !strcmp(other->subject, one->subject) &&
		    !strcmp(other->where, one->where))
			return true;
	}
	return false;
}

static json_t *one_json(const struct iov_finding *one)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "kind", rows[one->kind].word, "subject", one->subject,
			 "where", one->where, "text", one->text, "remedy", rows[one->kind].remedy, "mends",
			 rows[one->kind].mend != IOV_MEND_NOTHING);
}

json_t *iov_findings_json(const struct iov_findings *findings)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < findings->count; i++)
		if (json_array_append_new(list, one_json(&findings->items[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}
