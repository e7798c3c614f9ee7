/* Editing the instances of the generation in the making, so that imports are always met and nothing runs that nobody
 * wants. */
#ifndef IOV_OPS_INSTANCES_H
#define IOV_OPS_INSTANCES_H

#include "ops/edit.h"

/* The instance `alias` of an installed module, made or changed; providers of its imports come with it where they are
 * missing. */
int iov_instance_want(struct iov_edit *edit, const char *module, const char *alias, struct iov_settings settings,
		      bool wished);
/* After releases changed: every instance of them gets the parameters and imports that the new manifest knows. */
int iov_instances_refresh(struct iov_edit *edit);
/* Drops instances that were loaded only for importers that are gone, and releases installed only for dependents that
 * are gone. */
void iov_instances_tidy(struct iov_edit *edit);

/* Does this instance take a map from `provider`? */
bool iov_instance_imports_from(const struct iov_instance *instance, const char *provider);
/* The instances that import from `name`, as "a, b"; NULL: none or no memory (then the text is empty anyway). Owned by
 * the caller. */
char *iov_instance_importers(const struct iov_generation *generation, const char *name);

#endif
