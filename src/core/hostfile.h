/*
 * The host manifest: what a host should run, as people write it (docs/host-manifest.md). Checked by the one schema
 * table in hostfile.c; whether modules and parameters exist shows when releases are chosen.
 */
#ifndef IOV_CORE_HOSTFILE_H
#define IOV_CORE_HOSTFILE_H

#include "core/schema.h"

#define IOV_HOSTFILE_MAX (1u << 20) /* bytes; a host with 1,000 instances has 100 KB */

struct iov_hostfile {
	char *path;
	char *lock;		  /* the path of its lock: host.lock.json beside host.yaml */
	json_t *json;		  /* the whole document; those below are borrowed from it, NULL where absent */
	const json_t *registries; /* name: {"url", "fingerprint"} */
	const json_t *modules;	  /* name: requirement */
	const json_t *instances;  /* name: {"module"?, "params"?, "imports"?} */
};

extern const struct iov_schema iov_hostfile_schema;

int iov_hostfile_read(struct iov_ctx *ctx, const char *path, struct iov_hostfile *ret);
void iov_hostfile_release(struct iov_hostfile *host);
/* The module that an instance runs: the one that is said, else that of its name. */
const char *iov_hostfile_module(const char *instance, const json_t *settings);
json_t *iov_hostfile_json_schema(void);

#endif
