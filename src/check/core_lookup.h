/* Does a kernel's BTF have what a CO-RE relocation looks for? By libbpf's rules, as far as names and kinds go. */
#ifndef IOV_CHECK_CORE_LOOKUP_H
#define IOV_CHECK_CORE_LOOKUP_H

#include "check/core_types.h"
#include "check/kernel.h"
#include "core/json.h"

enum iov_lookup {
	IOV_LOOKUP_FOUND,
	IOV_LOOKUP_NO_TYPE,   /* no type of that name; a module may have it */
	IOV_LOOKUP_NO_MEMBER, /* types of that name, but without the field or enumerator */
	IOV_LOOKUP_SIZE,      /* a field of another size, which the instruction cannot load */
	IOV_LOOKUP_SEVERAL,   /* types of that name differ in what is looked for; libbpf then gives up */
};

/* `need` is a relocation of facts that were checked (core/facts.h). Modules are looked at where the kernel itself has
 * no type of that name. Without kernel->types it takes a thousand times as long. */
enum iov_lookup iov_core_lookup(const struct iov_kernel *kernel, const json_t *need);

#endif
