/* For tests that look at all objects. */
#include "../../bpf-samples/exec-trace/src/exec_trace.bpf.c"
