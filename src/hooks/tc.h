/* What tcx and clsact share: the same sections, so that one manifest runs on kernels with and without TCX. */
#ifndef IOV_HOOKS_TC_H
#define IOV_HOOKS_TC_H

/* linux/bpf.h of Linux 6.6 and later; the numbers are the kernel's ABI. */
#define IOV_TCX_INGRESS 46
#define IOV_TCX_EGRESS 47
#define IOV_TCX_NEXT (-1) /* verdict: the next program decides */

/* Programs are loaded without an expected attach type: TCX takes them so, older kernels know no other, and all can
 * stand in for each other. */
#define IOV_TC_ATTACH_TYPE 0

extern const char *const iov_tc_sections[];

#endif
