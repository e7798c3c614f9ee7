/* For tests that look at all objects. */
#include "../../bpf-samples/call-time/src/call_time.bpf.c"
