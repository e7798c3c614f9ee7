/* What the programs of an object ask of the kernel, read from its file without loading it (docs/facts.md). */
#ifndef IOV_CHECK_FACTS_H
#define IOV_CHECK_FACTS_H

#include "core/json.h"

struct bpf_object;

int iov_check_facts(struct iov_ctx *ctx, const struct bpf_object *object, const char *path, json_t **ret);

#endif
