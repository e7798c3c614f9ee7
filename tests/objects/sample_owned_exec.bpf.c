/* For tests that look at all objects. */
#include "../../bpf-samples/owned-exec/src/owned_exec.bpf.c"
