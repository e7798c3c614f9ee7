/* For tests that look at all objects. */
#include "../../bpf-samples/netfilter-count/src/netfilter_count.bpf.c"
