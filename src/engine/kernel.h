/* The parts of the engine for the live kernel; engine/kernel.c puts them together. */
#ifndef IOV_ENGINE_KERNEL_H
#define IOV_ENGINE_KERNEL_H

#include "engine/engine.h"

/* Privileges, BTF, bpffs: each missing one is an error that names the remedy. */
int iov_kernel_prepare(struct iov_ctx *ctx);
int iov_kernel_load(struct iov_ctx *ctx, const struct iov_engine_load *load);
int iov_kernel_describe_map(struct iov_ctx *ctx, const char *pin, json_t **ret);
int iov_kernel_describe_program(struct iov_ctx *ctx, const char *pin, json_t **ret);

#endif
