/* The parts of the engine for the live kernel; engine/kernel.c puts them together. */
#ifndef IOV_ENGINE_KERNEL_H
#define IOV_ENGINE_KERNEL_H

#include "engine/engine.h"

/* Privileges, BTF, bpffs: each missing one is an error that names the remedy. */
int iov_kernel_prepare(struct iov_ctx *ctx);
int iov_kernel_load(struct iov_ctx *ctx, const struct iov_engine_load *load);
/* rehearse.c */
int iov_kernel_rehearse(struct iov_ctx *ctx, const struct iov_engine_load *load, const struct iov_site *sites,
			size_t n_sites, const char **ret_program);
/* value.c */
int iov_kernel_read_value(struct iov_ctx *ctx, const struct iov_engine_value *what, bool *ret_present, uint64_t *ret);
/* migrate.c */
int iov_kernel_copy(struct iov_ctx *ctx, const struct iov_migration *migration, struct iov_migrated *ret);
int iov_kernel_merge(struct iov_ctx *ctx, const struct iov_migration *migration, bool back, struct iov_migrated *ret);
/* An RCU grace period: programs that ran when this was called have ended when it returns. */
int iov_kernel_grace(struct iov_ctx *ctx);
/* saved.c */
int iov_kernel_save_map(struct iov_ctx *ctx, const char *pin, const struct iov_object_map *map, const char *path,
			uint64_t *ret_entries);
int iov_kernel_fill_map(struct iov_ctx *ctx, const char *pin, const struct iov_object_map *map, const char *path,
			const json_t *upgrade, struct iov_filled *ret);
/* inspect.c */
int iov_kernel_inspect(struct iov_ctx *ctx, const char *pin, struct iov_pinned *ret);
int iov_kernel_pin_id(struct iov_ctx *ctx, enum iov_pinned_kind kind, uint32_t id, const char *pin);
int iov_kernel_describe_map(struct iov_ctx *ctx, const char *pin, json_t **ret);
int iov_kernel_describe_program(struct iov_ctx *ctx, const char *pin, json_t **ret);

#endif
