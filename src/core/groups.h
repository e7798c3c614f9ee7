/*
 * Groups of programs that do the same (`choose` of a manifest): an instance runs the first that its kernel takes, and
 * leaves out the others. Groups are counted from 1; an instance of 0 has none, or none yet.
 */
#ifndef IOV_CORE_GROUPS_H
#define IOV_CORE_GROUPS_H

#include "core/generation.h"

#define IOV_GROUPS_MAX 16 /* each may have to be verified before one is found; the most seen is 3 */

size_t iov_groups_count(const struct iov_manifest *manifest);
/* The group in which a program stands; 0: in none, so that it belongs to all. */
unsigned iov_group_of(const struct iov_manifest *manifest, const char *program);
/* "'connect_kprobe', 'return_kprobe'"; owned by the caller, NULL: no memory. */
char *iov_group_text(const struct iov_manifest *manifest, unsigned group);

/* Is the program meant to run at all? One of SEC("?...") is when the manifest names it. */
bool iov_program_is_wanted(const struct iov_manifest *manifest, const struct iov_object_program *program);
/* Does it run where this group is the chosen one? */
bool iov_program_runs(const struct iov_manifest *manifest, const struct iov_object_program *program, unsigned group);
/* Is this asked where that group is the chosen one? Not of the runs of a program that is left out. */
bool iov_health_is_asked(const struct iov_manifest *manifest, const struct iov_health_spec *spec, unsigned group);

/* Notes what was chosen; takes a reference of the reasons. */
void iov_group_take(struct iov_instance *instance, unsigned group, json_t *passed_over);
/* The instance of `from` that runs this one's release with its settings, so that its choice stands; NULL: none. */
const struct iov_instance *iov_group_before(const struct iov_generation *from, const struct iov_generation *to,
					    const struct iov_instance *instance);
/* {"group": 2, "programs": [...], "passed_over": [{"programs": [...], "reason": "..."}]}; null where the module has no
 * groups, or nobody has chosen yet. A new reference, NULL: no memory. */
json_t *iov_choice_json(const struct iov_manifest *manifest, const struct iov_instance *instance);

#endif
