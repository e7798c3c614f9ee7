/* For tests that look at all objects. */
#include "../../bpf-samples/flow-count-1.1/src/flow_count.bpf.c"
