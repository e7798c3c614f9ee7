/* For tests that look at all objects. */
#include "../../bpf-samples/xdp-guard/src/xdp_guard.bpf.c"
