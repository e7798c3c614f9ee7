/* For tests that look at all objects. */
#include "../../bpf-samples/switch-count/src/switch_count.bpf.c"
