/* One thing that an object needs, against what a kernel has; for check/against.c. */
#ifndef IOV_CHECK_AGAINST_NEEDS_H
#define IOV_CHECK_AGAINST_NEEDS_H

#include "check/against.h"
#include "check/kinds.h"
#include "util/buf.h"

#define IOV_WHAT_MAX 192 /* bytes of a need's name */

struct iov_finding {
	enum iov_verdict verdict;
	const char *missing;	 /* "helper", "field"; static */
	char what[IOV_WHAT_MAX]; /* its name */
	const char *why;	 /* static; what follows the name in a sentence */
	const char *type;	 /* programs of this type lack it, others may not; NULL: all do; borrowed */
	const char *since;	 /* the version of Linux that brought it; NULL: not known, or there */
};

struct iov_finding iov_against_program(const struct iov_kernel *kernel, const struct iov_kind *kind);
struct iov_finding iov_against_attach(const struct iov_kernel *kernel, const struct iov_kind *kind);
struct iov_finding iov_against_target(const struct iov_kernel *kernel, const struct iov_kind *kind);
struct iov_finding iov_against_map(const struct iov_kernel *kernel, const char *type);
/* Where the verifier comes by. */
struct iov_finding iov_against_need(const struct iov_kernel *kernel, const struct iov_kind *kind, const json_t *need);
/* What a program finds that asks: IOV_LOADS: there, IOV_FAILS: not there. */
enum iov_verdict iov_against_question(const struct iov_kernel *kernel, const json_t *need);

#endif
