/* What Linux has for eBPF programs, by libbpf's names, and the version of the kernel that brought it. */
#ifndef IOV_CHECK_FEATURES_H
#define IOV_CHECK_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IOV_HELPERS 212 /* the last is number 211 */

struct iov_helper {
	const char *name;  /* "map_lookup_elem" */
	const char *since; /* "3.18" */
	bool gpl;	   /* for programs under a license that fits the GPL only */
};

extern const struct iov_helper iov_helpers[IOV_HELPERS];
/* NULL: there is no such helper. */
const struct iov_helper *iov_helper_by_id(uint32_t id);

enum iov_feature { IOV_PROGRAM_TYPE, IOV_MAP_TYPE, IOV_ATTACH_TYPE, IOV_HELPER };

/* The version of Linux that brought it, "6.6"; NULL: not known. */
const char *iov_feature_since(enum iov_feature feature, const char *name);

#endif
