/* For tests that look at all objects. */
#include "../../bpf-samples/flow-table/src/flow_table.bpf.c"
