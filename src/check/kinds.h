/* A program with what it is loaded as: what decides which helpers it has. */
#ifndef IOV_CHECK_KINDS_H
#define IOV_CHECK_KINDS_H

#include "core/object.h"

/* Borrowed. */
struct iov_kind {
	const char *type, *attach, *target; /* attach NULL, target "": none */
	bool sleepable;
};

/* `group` is one of the facts' programs, `target` what its names have for this program. */
struct iov_kind iov_kind_of(const struct iov_object_program *program, const json_t *group, const json_t *target);
/* Does the name of a kind of programs (docs/facts.md) mean this one? "tracing/trace_fentry.s", "kprobe.s", "xdp" */
bool iov_kind_is_named(const struct iov_kind *kind, const char *name);

/* Is this what the object asks of the kernel? */
bool iov_asks_kind(const struct iov_object *object, const char *name);
bool iov_asks_map(const struct iov_object *object, const char *type);
bool iov_asks_helper(const struct iov_object *object, const char *helper);
/* "kfunc", "ksym": any need of that kind (core/facts.h). */
bool iov_asks_any(const struct iov_object *object, const char *what);
/* With or without a flavor. */
bool iov_asks_kfunc(const struct iov_object *object, const char *kfunc);

#endif
