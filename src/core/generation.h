/* A generation: the whole desired state of a host, as plain data. Immutable once written (state/generations.h). */
#ifndef IOV_CORE_GENERATION_H
#define IOV_CORE_GENERATION_H

#include "core/release.h"

struct iov_installed {
	struct iov_release *release; /* owned */
	char object[IOV_HEX_SIZE]; /* the built object's key in the store; "" when the archive holds the object for this
				      machine */
	bool wished;		   /* asked for by name; otherwise here because another needs it */
	bool pinned;		   /* keeps this version until it is unpinned */
	json_t *proof; /* that the release is what its registry published (registry/registry.h); owned; NULL: none */
	char *requirement; /* of the wish, "*" when none was given; NULL when not wished; owned */
};

struct iov_instance {
	char *name; /* the alias, by default the module's name; unique; [a-z][a-z0-9-]{0,63} */
	char *module;
	json_t *params;	     /* object of strings, every parameter resolved; owned */
	json_t *imports;     /* object: map name in this module -> providing instance; owned */
	bool wished;	     /* asked for; otherwise loaded for its importers and gone with the last of them */
	unsigned group;	     /* of the module's `choose`, the one that it runs (core/groups.h); 0: none */
	json_t *passed_over; /* why each group before that one does not run here: strings; NULL: none; owned */
	uint64_t renewed; /* the generation that brought it up anew, though nothing of it differs: a repair; 0: none */
};

struct iov_generation {
	uint64_t number;		 /* 0: the empty host, never written */
	struct iov_installed *installed; /* sorted by name */
	size_t n_installed;
	struct iov_instance *instances; /* sorted by name; loading order is the plan's business */
	size_t n_instances;
};

int iov_generation_copy(struct iov_ctx *ctx, const struct iov_generation *from,
			struct iov_generation **ret); /* number + 1 */
void iov_generation_free(struct iov_generation *generation);
/* For iov_auto(). */
static inline void iov_generation_release(struct iov_generation **generation)
{
	iov_generation_free(*generation);
}
struct iov_installed *iov_generation_installed(const struct iov_generation *generation,
					       const char *module); /* NULL: none */
struct iov_instance *iov_generation_instance(const struct iov_generation *generation, const char *name);
/* Add (copied and kept sorted) or remove by name. The release is taken over by put, also when it fails. */
int iov_generation_put_release(struct iov_ctx *ctx, struct iov_generation *generation, struct iov_release *release,
			       const char *object_key, const char *requirement /* NULL: not wished */);
int iov_generation_put_instance(struct iov_ctx *ctx, struct iov_generation *generation,
				const struct iov_instance *instance);
void iov_generation_drop_release(struct iov_generation *generation, const char *module);
void iov_generation_drop_instance(struct iov_generation *generation, const char *name);

#endif
