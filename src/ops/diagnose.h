/*
 * The look at a host that doctor takes, in parts: the record and the store, the instances, what is left over. Each
 * compares and adds what it finds; a difference is no error. The host lock is held, so that nothing moves meanwhile.
 */
#ifndef IOV_OPS_DIAGNOSE_H
#define IOV_OPS_DIAGNOSE_H

#include "engine/engine.h"
#include "ops/findings.h"
#include "ops/view.h"

struct iov_diagnosis {
	struct iov_ctx *ctx;
	struct iov_engine *engine;
	struct iov_view view; /* of the current generation; its plan is NULL where that cannot be read */
	struct iov_findings findings;
};

/* The whole of it. `engine` is borrowed. */
int iov_diagnose(struct iov_ctx *ctx, struct iov_engine *engine, struct iov_diagnosis *ret);
void iov_diagnosis_release(struct iov_diagnosis *diagnosis);

int iov_diagnose_store(struct iov_diagnosis *diagnosis);     /* diagnose_store.c */
int iov_diagnose_instances(struct iov_diagnosis *diagnosis); /* diagnose_instances.c */
int iov_diagnose_maps(struct iov_diagnosis *diagnosis, const struct iov_instance_change *one); /* diagnose_maps.c */

/* Sites of kept generations that the current one does not have, and that something is attached at without a link:
 * filters that a dead process left. */
typedef int (*iov_diagnose_act)(struct iov_diagnosis *diagnosis, const struct iov_site *site, const char *dir);
int iov_diagnose_old_sites(struct iov_diagnosis *diagnosis, iov_diagnose_act act);
int iov_diagnose_strays(struct iov_diagnosis *diagnosis); /* diagnose_strays.c */

/* Is the map with this name in the kernel, cut off and with libbpf's prefix, the object's `name`? */
bool iov_diagnose_is_map(const char *kernel_name, const char *name);
/* The pin of a map as this instance has it: its own, or its provider's. Owned by the caller. */
char *iov_diagnose_map_pin(const struct iov_diagnosis *diagnosis, const struct iov_instance_change *one,
			   const char *map);

#endif
