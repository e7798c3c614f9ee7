/* For tests that look at all objects. */
#include "../../bpf-samples/unlink-count/src/unlink_count.bpf.c"
