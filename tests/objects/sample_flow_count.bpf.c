/* For tests that look at all objects. */
#include "../../bpf-samples/flow-count/src/flow_count.bpf.c"
