/* CO-RE relocations as an object carries them (linux: Documentation/bpf/btf.rst, .BTF.ext). */
#ifndef IOV_CHECK_RELOCATIONS_H
#define IOV_CHECK_RELOCATIONS_H

#include <linux/bpf.h>
#include <stddef.h>

struct btf;
struct btf_ext;

#define IOV_RELOCATIONS_DAMAGED (-1) /* the table makes no sense */

/* Calls `take` for each relocation, with the name of its section, until it gives something else than 0, which is the
 * answer. An object without relocations is as good as one with. */
int iov_relocations_each(const struct btf *btf, const struct btf_ext *ext,
			 int (*take)(void *data, const char *section, const struct bpf_core_relo *relocation),
			 void *data);

/* Bytes of a type's name without its flavor: 11 of "task_struct___old". libbpf's rule, to the letter. */
size_t iov_essential_len(const char *name);

#endif
