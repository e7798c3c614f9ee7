/*
 * A module folder to an archive and the release record that describes it. What goes in: iov.yaml, every file that git
 * would track by default rules here: the manifest's sources and their folder's headers, README*, LICENSE*, tests/ stay
 * out, see docs/archive-format.md.
 */
#ifndef IOV_PACK_PACK_H
#define IOV_PACK_PACK_H

#include "core/release.h"

/* Packs `dir` into the file `output`. `object` (a path, or NULL) goes in as objects/<machine>/<name>.bpf.o. `described`
 * is the object's description for the record. *ret_release is the "release" member of an index line (core/release.h);
 * the caller owns it. */
int iov_pack_module(struct iov_ctx *ctx, const char *dir, const struct iov_manifest *manifest, const char *object,
		    const struct iov_object *described, const char *output, json_t **ret_release);

#endif
