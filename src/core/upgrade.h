/*
 * What an upgrade does with one map of an instance: the plan tells it, and the engine does it. Pure. docs/migration.md
 * has the rules.
 */
#ifndef IOV_CORE_UPGRADE_H
#define IOV_CORE_UPGRADE_H

#include "core/conversion.h"
#include "core/release.h"

enum iov_fate {
	IOV_MAP_KEPT,	  /* the same map goes on */
	IOV_MAP_MIGRATED, /* its entries move to a new one */
	IOV_MAP_RESET,	  /* a new one starts empty */
};

struct iov_upgrade {
	const char *instance;
	const struct iov_release *old, *new;
	bool back;  /* what does not fit is dropped and told, never refused */
	bool lossy; /* the operator allows losses */
};

struct iov_map_fate {
	enum iov_fate fate;
	json_t *losses; /* array of sentences: what does not move. Owned; never NULL on success */
};

/* Is this map one that a new release takes over from the old at all? Constants and program arrays are its own. */
bool iov_upgrade_hands_on(const struct iov_object_map *map);
/* May entries of this type of map move in the kernel, one by one? */
bool iov_upgrade_moves_entries(const char *type);
/* Why a changed map of this type is refused; NULL: it is not, for its type. */
const char *iov_upgrade_refusal(const char *type);

/*
 * `old` and `new` describe the map with the sizes it has on this host. IOV_E_CONTRACT refuses, with both layouts, each
 * loss and the remedy.
 */
int iov_upgrade_decide(struct iov_ctx *ctx, const struct iov_upgrade *upgrade, const struct iov_object_map *old,
		       const struct iov_object_map *new, struct iov_map_fate *ret);
void iov_map_fate_release(struct iov_map_fate *fate);

/* Does the newer release's manifest allow losses in this map? */
bool iov_upgrade_may_lose(const struct iov_release *old, const struct iov_release *new, const char *map);

/* The conversion from the old map of this name to the new one, by the rules of whichever release is newer. */
int iov_upgrade_conversion(struct iov_ctx *ctx, const struct iov_release *old, const struct iov_release *new,
			   const struct iov_object_map *from, const struct iov_object_map *to,
			   struct iov_conversion **ret);

#endif
