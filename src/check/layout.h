/* Layouts of BTF types (docs/map-contracts.md), for the files of this room. */
#ifndef IOV_CHECK_LAYOUT_H
#define IOV_CHECK_LAYOUT_H

#include "check/check.h"

/* A release is JSON of 32 levels at most; eight nested structs in the value of a map of maps make 31 of them. */
#define IOV_LAYOUT_DEPTH 8
/* Members and enumerators of one layout: about 200 KB in the index, and an end to types that unfold without one. */
#define IOV_LAYOUT_MEMBERS 4096

#endif
