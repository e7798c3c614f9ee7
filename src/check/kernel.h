/*
 * What a kernel has, to hold the facts of an object against (check/against.h): its BTF, and what it takes as somebody
 * tried it out on a host (`iovpkg facts`; docs/facts.md).
 */
#ifndef IOV_CHECK_KERNEL_H
#define IOV_CHECK_KERNEL_H

#include "core/digest.h"
#include "core/json.h"
#include "core/object.h"

struct btf;
struct iov_core_types;

#define IOV_KERNEL_BTF_MAX (64u << 20)	/* bytes; ten times those of today */
#define IOV_KERNEL_BUILD_DIGITS 16	/* of a build's name that files and folders have */
#define IOV_KERNEL_FACTS_MAX (1u << 20) /* bytes; 20 KB of today */

struct iov_kernel {
	char *name;		      /* "6.12.9", or the file's name; owned */
	struct btf *btf;	      /* owned */
	struct iov_core_types *types; /* of it; NULL: lookups take their time; owned */
	json_t *facts;		      /* NULL: nobody tried; owned */
	struct btf **modules;	      /* the types of its modules that are loaded, as far as they are at hand; owned */
	size_t n_modules;
	bool has_all_modules; /* those that the facts name */
};

/* From FILE.btf, and beside it FILE.json, and the types of each module that this names as FILE.MODULE.btf, where there
 * are such. */
int iov_kernel_open(struct iov_ctx *ctx, const char *path, struct iov_kernel *ret);
/* The running one. */
int iov_kernel_running(struct iov_ctx *ctx, struct iov_kernel *ret);
/* The running one, of which nothing was tried yet, and whose modules nobody asks. */
int iov_kernel_types(struct iov_ctx *ctx, struct iov_kernel *ret);
/* The facts of the running kernel that matter for an object, tried out now; where this process may not try, those that
 * it can see. Replaces kernel->facts. */
int iov_kernel_try(struct iov_ctx *ctx, const struct iov_object *object, struct iov_kernel *kernel);
/* Has the running kernel modules with types of their own? */
bool iov_kernel_has_modules(void);
void iov_kernel_release(struct iov_kernel *kernel);

/* check/kernel_types.c */
/* The type of a name and kind, in the kernel or one of its modules; 0: there is none. *ret_btf, which may be NULL:
 * whose. */
uint32_t iov_kernel_find(const struct iov_kernel *kernel, const char *name, uint32_t kind, const struct btf **ret_btf);
/* Are the types of all of it at hand? Then what is not among them, is not there. */
bool iov_kernel_is_all(const struct iov_kernel *kernel);
/* Reads the types of the modules that the facts name; those that cannot be read are left out. `path_of` gives the path
 * of one, owned by the caller. */
int iov_kernel_read_modules(struct iov_ctx *ctx, struct iov_kernel *kernel,
			    char *(*path_of)(const void *data, const char *module), const void *data);

/* The facts of the running kernel, from <cache>/facts/<build> or tried out now and written there. A new
 * reference. */
int iov_kernel_facts(struct iov_ctx *ctx, json_t **ret);
/* Names the running kernel, by its build id, its version and the size of its BTF; false: it does not tell. */
bool iov_kernel_build(char ret[IOV_HEX_SIZE]);

#endif
