/* Names with a flavor, which tells several of an object's types of one name of the kernel's apart: "task_struct___old".
 */
#ifndef IOV_CHECK_FLAVOR_H
#define IOV_CHECK_FLAVOR_H

#include <stddef.h>

/* Bytes of a name without its flavor: 11 of "task_struct___old". libbpf's rule, to the letter. */
size_t iov_essential_len(const char *name);

#endif
