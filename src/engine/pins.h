/* Folders of pins in bpffs: mounting it, and whole trees at once. */
#ifndef IOV_ENGINE_PINS_H
#define IOV_ENGINE_PINS_H

#include "core/ctx.h"

/* bpffs below the root is mounted, and has our folder. */
int iov_pins_prepare(struct iov_ctx *ctx);
/* The same objects under a second folder, made where it is not. What is there already stays. */
int iov_pins_adopt(struct iov_ctx *ctx, const char *from_dir, const char *to_dir);
/* Both must exist. */
int iov_pins_exchange(struct iov_ctx *ctx, const char *a, const char *b);
int iov_pins_remove(struct iov_ctx *ctx, const char *dir);
/* DIR/KIND/<pin name of `name`>; owned by the caller, NULL: no memory. */
char *iov_pins_path(const char *dir, const char *kind, const char *name);
/* A descriptor; *ret is -1 when there is no such pin, which is no error. */
int iov_pins_open(struct iov_ctx *ctx, const char *path, int *ret);

#endif
