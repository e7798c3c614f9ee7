/*
 * One thing that an object needs, against what a kernel has; for check/against.c. A finding without a reason is that
 * all is well.
 */
#ifndef IOV_CHECK_FINDING_H
#define IOV_CHECK_FINDING_H

#include "check/against.h"
#include "check/kinds.h"

#define IOV_WHAT_MAX 192 /* bytes of a need's name */
#define IOV_NOT_HERE "is not in this kernel"
#define IOV_NOT_TRIED                                                                                                  \
	"is known to this kernel, but nobody tried whether it takes it; put what 'iovpkg facts' says there beside "    \
	"its BTF"

struct iov_finding {
	const char *missing; /* "helper", "field"; static */
	const char *noun;    /* what is named in the sentence; NULL: the same; static */
	const char *why;     /* static; what follows the name in a sentence */
	const char *type;    /* programs of this type lack it, others may not; NULL: all do; borrowed */
	const char *since;   /* the version of Linux that brought it; NULL: not known, or there */
	enum iov_verdict verdict;
	bool anywhere;		 /* also in code that the verifier does not come to */
	char what[IOV_WHAT_MAX]; /* its name */
};

/* The format is that of `what`. */
__attribute__((format(printf, 5, 6))) struct iov_finding
iov_finding(enum iov_verdict verdict, const char *missing, const char *why, const char *since, const char *format, ...);
/* The kernel has it, and lets programs have it. */
struct iov_finding iov_finding_good(void);
/* Neither the kernel nor a module whose types are known has it. */
struct iov_finding iov_finding_absent(const struct iov_kernel *kernel, const char *missing, const char *what);

/* What somebody tried on a kernel, and what stands in its types. */
bool iov_lists(const json_t *list, const char *word);
/* Does an enum of the kernel have PREFIXWORD? `upper`: with the word in capitals. */
bool iov_enumerates(const struct btf *btf, const char *name, const char *prefix, const char *word, bool upper);
/* The helpers of a kind of programs; NULL: it does not load, or nobody tried. */
const json_t *iov_helpers_of(const struct iov_kernel *kernel, const struct iov_kind *kind);
/* Was it tried with its attach type, on which a few functions of the kernel hang? */
bool iov_is_tried(const struct iov_kernel *kernel, const struct iov_kind *kind);

/* check/against_kinds.c */
struct iov_finding iov_against_program(const struct iov_kernel *kernel, const struct iov_kind *kind);
struct iov_finding iov_against_attach(const struct iov_kernel *kernel, const struct iov_kind *kind);
struct iov_finding iov_against_target(const struct iov_kernel *kernel, const struct iov_kind *kind);
/* check/against_maps.c: of the object or within one of its maps */
struct iov_finding iov_against_map(const struct iov_kernel *kernel, const char *type);
struct iov_finding iov_against_map_flags(const struct iov_kernel *kernel, const char *type, uint32_t flags);
/* check/against_needs.c: where the verifier comes by */
struct iov_finding iov_against_need(const struct iov_kernel *kernel, const struct iov_kind *kind, const json_t *need);
/* What a program finds that asks: IOV_LOADS: there, IOV_FAILS: not there. */
enum iov_verdict iov_against_question(const struct iov_kernel *kernel, const json_t *need);

#endif
