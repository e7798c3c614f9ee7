/* A registry's files in memory: what the next commit would hold, read as if it were one. */
#ifndef IOV_TESTS_FOLDERS_H
#define IOV_TESTS_FOLDERS_H

#include "registry/changes.h"
#include "registry/source.h"
#include "unit.h"

struct unit_folder {
	struct iov_changes files;
	size_t questions; /* how often it was read */
};

struct iov_source unit_folder_source(struct unit_folder *folder);
/* Makes the changes, as a commit would. */
void unit_folder_apply(struct iov_ctx *ctx, struct unit_folder *folder, const struct iov_changes *changes);
void unit_folder_release(struct unit_folder *folder);

#endif
