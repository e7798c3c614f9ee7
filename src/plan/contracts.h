/* The promises between the instances of one generation: every import is met, by a map of the layout that the importer
 * was built for. */
#ifndef IOV_PLAN_CONTRACTS_H
#define IOV_PLAN_CONTRACTS_H

#include "core/generation.h"

/* IOV_E_CONFLICT: no instance meets an import; IOV_E_CONTRACT: one does, but its map, its access or its layout is
 * another. */
int iov_plan_check_contracts(struct iov_ctx *ctx, const struct iov_generation *generation);
/* The size that a map has on this host: a parameter may set it. */
uint64_t iov_plan_map_entries(const struct iov_manifest *manifest, const struct iov_instance *instance,
			      const struct iov_object_map *map);
/* Whether the map that `provider` exports is another one in `to` than in `from`, so that what its importers hold is not
 * it any more. */
bool iov_plan_map_changes(const struct iov_generation *from, const struct iov_generation *to, const char *provider,
			  const char *map);
/* Whether the provider, when it is replaced by what `to` says, goes on with this very map. Constants, variables that a
 * parameter sets, and program arrays are made anew with the programs that they belong to. */
bool iov_plan_map_is_handed_on(const struct iov_generation *to, const char *provider, const char *map);

#endif
