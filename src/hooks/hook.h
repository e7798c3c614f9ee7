/*
 * A hook plugin: one file in src/hooks/ that serves one kind of place where the kernel runs programs. hooks/table.c
 * lists them. To add a hook: write the file, add its row, a sample and a test (docs/hooks.md).
 *
 * A plugin speaks in pins. `dir` is an instance's folder in bpffs (".../live/flow-count"):
 *   progs/<program>  the module's program, pinned by the engine before attach is called
 *   links/<program>  the link that keeps it attached (none for netlink hooks)
 *   slots/<program>  program array behind an entry program, runs/<program> its per-CPU run counter (entry hooks only,
 * hooks/entry.h) Pins of one object may stand in two trees at once (live and staging); an object goes when its last pin
 * goes.
 */
#ifndef IOV_HOOKS_HOOK_H
#define IOV_HOOKS_HOOK_H

#include "core/ctx.h"

/* One program at one target. Borrowed strings. */
struct iov_site {
	const char *instance;
	const char *program;
	const char *section; /* "tcx/ingress" */
	const char *target;  /* what the manifest says, expanded: "eth0"; "" when SEC says it all */
};

/* What the kernel says of a site, read back, never remembered. */
struct iov_running {
	uint32_t prog_id; /* that the hook runs now; 0: nothing attached */
	uint32_t link_id; /* 0: no link */
	uint64_t runs;	  /* of this site since it was attached */
	bool runs_known;  /* entry hooks count always, others only with kernel.bpf_stats_enabled=1 */
};

struct iov_hook {
	const char *name;	     /* "tcx", as `status` shows it */
	const char *const *sections; /* SEC prefixes, NULL-terminated: "tcx/ingress" is served by "tcx/" */
	/* May load hints be needed before bpf_object__load: program type and expected attach type, -1: as libbpf says.
	 */
	int program_type, attach_type;
	bool (*supported)(struct iov_ctx *ctx); /* by this kernel; NULL: always */
	const char *fallback; /* the hook that serves the same sections where this one is not supported: "clsact"; NULL:
				 none */
	/* Is the target sound (an interface that exists, a tracepoint that the kernel has)? IOV_E_INPUT or
	 * IOV_E_NOT_FOUND. */
	int (*check)(struct iov_ctx *ctx, const struct iov_site *site);
	/* Attaches progs/<program> of `dir` and leaves the pins above there. */
	int (*attach)(struct iov_ctx *ctx, const struct iov_site *site, const char *dir);
	/* Pins what keeps the site attached in a second tree too (links/, slots/, runs/), changing nothing that runs.
	 */
	int (*adopt)(struct iov_ctx *ctx, const struct iov_site *site, const char *from_dir, const char *to_dir);
	/* Makes the attached site run progs/<program> of `dir`, whose tree has its link pins; no event misses both
	 * programs or sees both. */
	int (*swap)(struct iov_ctx *ctx, const struct iov_site *site, const char *dir);
	/* Ends what unpinning alone does not end (netlink filters), and removes this tree's links/, slots/, runs/ pins
	 * of the site. Not attached is success. */
	int (*detach)(struct iov_ctx *ctx, const struct iov_site *site, const char *dir);
	int (*running)(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, struct iov_running *ret);
};

/* The plugin for a section on this kernel, fallbacks followed. IOV_E_UNSUPPORTED names the section and what the kernel
 * lacks. */
int iov_hook_find(struct iov_ctx *ctx, const char *section, const struct iov_hook **ret);
/* All rows, NULL-terminated. */
const struct iov_hook *const *iov_hook_all(void);

#endif
