/*
 * What a change of the exported maps asks of the version: cargo's meaning of semver, in which 0.Y is as good as a major
 * version, and 0.0.Z too.
 *
 * | between two releases of a module                          | step  |
 * |-----------------------------------------------------------|-------|
 * | a map is no longer exported, or for reading only           | major |
 * | its type, flags, key or inner maps differ                  | major |
 * | a field of its value is renamed, moved, resized or gone     | major |
 * | a field is appended, and importers may write the map        | major |
 * | a field is appended, and importers may only read            | minor |
 * | a map is exported that was not, or for writing too          | minor |
 * | anything else                                              | patch |
 */
#ifndef IOV_CORE_STEP_H
#define IOV_CORE_STEP_H

#include "core/release.h"
#include "util/buf.h"

enum iov_semver_step { IOV_STEP_PATCH, IOV_STEP_MINOR, IOV_STEP_MAJOR };

/* The step from one version to a later one: 1.2.3 to 1.3.0 is minor, 0.2.3 to 0.3.0 and 0.0.1 to 0.0.2 are major. */
enum iov_semver_step iov_version_step(const struct iov_version *old, const struct iov_version *new);

/* What the exports of `new` ask for, and one sentence for each change, "; " between them. */
enum iov_semver_step iov_release_step(const struct iov_release *old, const struct iov_release *new,
				      struct iov_buf *ret_changes);

/*
 * Is the version of `release` the step that its exports ask for? It is compared with its neighbours in its own line of
 * compatible versions (1.2.4 with 1.2.3, whether 2.0.0 exists or not): the newest older release, and the oldest newer
 * one, for which it will be the older. Yanked releases and pre-releases promise nothing. IOV_E_CONTRACT names the
 * changes, the step, and shows the first changed map side by side.
 */
int iov_release_check_step(struct iov_ctx *ctx, const struct iov_release *release, struct iov_release *const *others,
			   size_t count);

#endif
