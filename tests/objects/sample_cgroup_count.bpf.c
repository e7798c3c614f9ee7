/* For tests that look at all objects. */
#include "../../bpf-samples/cgroup-count/src/cgroup_count.bpf.c"
