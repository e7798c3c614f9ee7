/*
 * What doctor finds: the differences between what the current generation says, what is on disk and what the kernel
 * has. Each kind is a row of a table: its word in JSON, what to do about it, and how `doctor --fix` mends it.
 */
#ifndef IOV_OPS_FINDINGS_H
#define IOV_OPS_FINDINGS_H

#include "core/json.h"

enum iov_finding_kind {
	/* The record and the store. */
	IOV_FOUND_JOURNAL,    /* a change was interrupted */
	IOV_FOUND_GENERATION, /* the current generation cannot be read */
	IOV_FOUND_RELEASE,    /* an entry of the store is missing or damaged */
	IOV_FOUND_OBJECT,     /* a built object is missing or damaged */
	/* Instances. */
	IOV_FOUND_BPFFS,	 /* not mounted, or without anything of ours */
	IOV_FOUND_NOT_LOADED,	 /* an instance without pins */
	IOV_FOUND_NO_PROGRAM,	 /* a program is not pinned */
	IOV_FOUND_NO_MAP,	 /* a map is not pinned */
	IOV_FOUND_OTHER_MAP,	 /* the pin of a map is not the map that the programs use */
	IOV_FOUND_FOREIGN_MAP,	 /* a program uses a map that the lock does not say */
	IOV_FOUND_NOT_ATTACHED,	 /* a hook runs nothing of ours */
	IOV_FOUND_OTHER_PROGRAM, /* a hook runs another program than the pinned one */
	IOV_FOUND_ARMED,     /* an entry program stands in front of a hook that can do without, or its slots differ */
	IOV_FOUND_INDEX,     /* the generation index says another generation */
	IOV_FOUND_NO_TARGET, /* what a program is to be attached to is not there */
	/* What is left over. */
	IOV_FOUND_STRAY_TREE,	  /* staging without a journal, a mark of another generation */
	IOV_FOUND_STRAY_INSTANCE, /* pins of an instance that the generation does not have */
	IOV_FOUND_STRAY_ATTACHED, /* a filter with our mark that the generation does not have */
	IOV_FOUND_NOT_OURS,	  /* another tool's pin below our folder: told and left */
};

/* How a kind of finding is mended. */
enum iov_mend {
	IOV_MEND_NOTHING, /* not by us; the remedy says by whom */
	IOV_MEND_RECOVER, /* by what every changing command does first */
	IOV_MEND_STORE,	  /* the entry is fetched or built again */
	IOV_MEND_RENEW,	  /* the instance is brought up anew */
	IOV_MEND_INDEX,	  /* the generation is stored again */
	IOV_MEND_REMOVE,  /* what is left over goes */
};

struct iov_finding {
	enum iov_finding_kind kind;
	char *subject; /* an instance or a release; "" where it is neither; owned */
	char *where;   /* a path, or the target of a hook; owned */
	char *text;    /* what differs; owned */
};

struct iov_findings {
	struct iov_finding *items;
	size_t count;
};

/* Adds one; `format` makes its text. */
int iov_findings_add(struct iov_ctx *ctx, struct iov_findings *findings, enum iov_finding_kind kind,
		     const char *subject, const char *where, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
void iov_findings_release(struct iov_findings *findings);

enum iov_mend iov_finding_mend(const struct iov_finding *finding);
/* Is it a difference? What is not ours is told, and no difference. */
bool iov_finding_counts(const struct iov_finding *finding);
bool iov_findings_need(const struct iov_findings *findings, enum iov_mend mend);
bool iov_findings_are_clean(const struct iov_findings *findings);
bool iov_findings_have(const struct iov_findings *findings, const struct iov_finding *one);
/* [{"kind","subject","where","text","remedy","mends"}]; a new reference, NULL: no memory. */
json_t *iov_findings_json(const struct iov_findings *findings);

#endif
