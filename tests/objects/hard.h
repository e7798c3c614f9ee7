/* What the objects made to be hard for `check` share. */
#define __core __attribute__((preserve_access_index))

/* Helpers that no kernel has, and that are newer than the headers of some. */
static long (*bpf_made_up)(void) = (void *)4711;
