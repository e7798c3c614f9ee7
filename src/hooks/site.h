/*
 * What every hook needs of a site: its pins (hooks/hook.h names them), its program, and words for the kernel's
 * refusals. `kind` is the folder of the pin: "progs", "links", "slots" or "runs".
 */
#ifndef IOV_HOOKS_SITE_H
#define IOV_HOOKS_SITE_H

#include <linux/bpf.h>

#include "hooks/hook.h"

/* A descriptor of what the pin holds; *ret is -1 when there is no such pin, which is no error. */
int iov_site_open(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, const char *kind, int *ret);
/* The module's program; that must be there. */
int iov_site_program(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, int *ret);
/* Pins what `fd` stands for. */
int iov_site_pin(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, const char *kind, int fd);
/* The same object under a second tree; a pin that is not there, or is there already, is success. */
int iov_site_share(struct iov_ctx *ctx, const struct iov_site *from, const char *from_dir, const struct iov_site *to,
		   const char *to_dir, const char *kind);
/* A missing pin is success. */
int iov_site_unpin(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, const char *kind);
/* "instance 'x': program 'p' cannot be VERB 'eth0': ..."; `err` is positive or negative. */
int iov_site_refused(struct iov_ctx *ctx, const struct iov_site *site, const char *verb, int err);
/* Does the kernel count the runs of all programs (kernel.bpf_stats_enabled)? */
bool iov_site_kernel_counts(void);
/* The id, and where the kernel counts them (kernel.bpf_stats_enabled) the runs, of a program. */
int iov_site_count_runs(struct iov_ctx *ctx, uint32_t prog_id, struct iov_running *ret);
/* The runs as the kernel knows them; for who knows that it counts. */
int iov_site_read_runs(struct iov_ctx *ctx, uint32_t prog_id, struct iov_running *ret);
int iov_site_program_info(struct iov_ctx *ctx, int fd, struct bpf_prog_info *ret);

#endif
