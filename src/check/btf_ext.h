/* The tables that an object carries beside its types (linux: Documentation/bpf/btf.rst, .BTF.ext). */
#ifndef IOV_CHECK_BTF_EXT_H
#define IOV_CHECK_BTF_EXT_H

#include <stddef.h>

struct btf;
struct btf_ext;

enum iov_btf_ext_table {
	IOV_BTF_EXT_LINES,	 /* struct bpf_line_info, whose insn_off is in bytes */
	IOV_BTF_EXT_RELOCATIONS, /* struct bpf_core_relo */
};

#define IOV_BTF_EXT_DAMAGED (-1) /* the table makes no sense */

/* Calls `take` for each record of a table, with the name of its section of code, until it gives something else than 0,
 * which is the answer. An object without the table is as good as one with. `ext` may be NULL. */
int iov_btf_ext_each(const struct btf *btf, const struct btf_ext *ext, enum iov_btf_ext_table which,
		     int (*take)(void *data, const char *section, const void *record), void *data);

#endif
