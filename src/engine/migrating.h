/* One map in migration, opened: the old one, the new one, and what stands next to the new one (engine/pass.h). */
#ifndef IOV_ENGINE_MIGRATING_H
#define IOV_ENGINE_MIGRATING_H

#include "core/upgrade.h"
#include "engine/engine.h"
#include "engine/pass.h"

struct iov_migrating {
	struct iov_ctx *ctx;
	const struct iov_migration *migration;
	const struct iov_object_map *from, *to;
	struct iov_conversion *conversion;
	struct iov_pass_maps maps;
	bool is_listed;			/* programs cannot walk it */
	struct iov_pass_record *record; /* mapped; NULL for a map whose entries do not move */
	uint32_t record_size;
};

/* Makes base and record for a new map and pins them at DIR/base/<map>; `old` is the old map's descriptor. A map whose
 * entries do not move (a ring buffer) gets the folder only. */
int iov_migrating_prepare(struct iov_ctx *ctx, const char *dir, const struct iov_upgrade *upgrade,
			  const struct iov_object_map *from, const struct iov_object_map *to, int old);
/* The base and the record for `maps->old`; their descriptors are the caller's. */
int iov_migrating_make(struct iov_ctx *ctx, const struct iov_object_map *from, const struct iov_conversion *conversion,
		       struct iov_pass_maps *maps);
/* Makes the programs of the passes after the first and pins them at DIR/base/<map>, where they are not: later, while
 * programs wait for what they bring, the verifier takes no time and can refuse nothing. A map that programs cannot walk
 * has none, since its keys are part of them. */
int iov_migrating_prepare_programs(struct iov_migrating *migrating);
/* What was prepared, or made now; `first`: for the first pass. The descriptor is the caller's. */
int iov_migrating_program(struct iov_migrating *migrating, enum iov_pass_kind kind, bool first, int *ret);
/* Closes those that are open (not -1). */
void iov_pass_maps_close(struct iov_pass_maps *maps);
/* Calls `act` with each map that is in migration. */
int iov_migrating_each(struct iov_ctx *ctx, const struct iov_migration *migration,
		       int (*act)(struct iov_migrating *migrating, struct iov_migrated *sum), struct iov_migrated *sum);

#endif
