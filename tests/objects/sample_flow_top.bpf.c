/* For tests that look at all objects. */
#include "../../bpf-samples/flow-top/src/flow_top.bpf.c"
