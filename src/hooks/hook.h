/*
 * A hook plugin: one file in src/hooks/ that serves one kind of place where the kernel runs programs. hooks/table.c
 * lists them. To add a hook: write the file, add its row, a sample and a test (docs/hooks.md).
 *
 * A plugin speaks in pins. `dir` is an instance's folder in bpffs (".../live/flow-count"):
 *   progs/<program>  the module's program, pinned by the engine before anything is attached
 *   links/<program>  the link that keeps it attached (none for netlink hooks)
 *   slots/<program>  program array behind an entry program, runs/<program> its run counter (hooks/entry.h)
 * Pins of one object may stand in two trees at once (live and staging); an object goes when its last pin goes.
 */
#ifndef IOV_HOOKS_HOOK_H
#define IOV_HOOKS_HOOK_H

#include "core/ctx.h"

struct bpf_link_info;
struct iov_entry_kind;
struct iov_style;

/* One program at one target. Borrowed strings. */
struct iov_site {
	const char *instance;
	const char *program;
	const char *section; /* "tcx/ingress" */
	const char *target;  /* what the manifest says, expanded: "eth0"; "" when SEC says it all */
};

/* What the kernel says of a site, read back, never remembered. */
struct iov_running {
	uint32_t prog_id; /* that the hook runs now, behind its entry program if there is one; 0: nothing attached */
	uint32_t link_id; /* 0: no link */
	uint64_t runs;	  /* of this site since it was attached, or armed */
	bool runs_known;  /* entry programs count always, others only with kernel.bpf_stats_enabled=1 */
	bool armed;	  /* between arm and swap: an upgrade stands here */
};

/* How a site comes from one program to the next (docs/transaction.md). */
enum iov_move {
	IOV_MOVE_STORE,	  /* with all others of its set, by one store to the generation index */
	IOV_MOVE_REPLACE, /* by the kernel's own atomic replace, next to that store */
	IOV_MOVE_TWICE,	  /* the new one is attached before the old one is detached: events may be seen by both */
};

/* What a hook can do with a packet's XDP metadata (hooks/entry.h). */
enum iov_carry { IOV_CARRY_NONE, IOV_CARRY_GIVE, IOV_CARRY_TAKE };

/* Both programs of a site behind one entry; `old_dir` or `new_dir` is NULL where the site comes or goes. */
struct iov_arm {
	const struct iov_site *old;    /* whose place it takes (hook.same_place); NULL: the site's own */
	const char *old_dir, *new_dir; /* the trees with progs/<program> of both sides */
	uint64_t generation;	       /* whose store to the index makes the new program run */
	bool carry;		       /* packets carry the generation in XDP metadata (hooks/entry.h) */
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
	const struct iov_style *style;
	/* Is the target sound (an interface that exists, a tracepoint that the kernel has)? IOV_E_INPUT or
	 * IOV_E_NOT_FOUND. */
	int (*check)(struct iov_ctx *ctx, const struct iov_site *site);

	/* For the styles `link` and `standing`: */
	/* Attaches a program, the module's own or an entry; the caller closes *ret. */
	int (*link)(struct iov_ctx *ctx, const struct iov_site *site, int program, int *ret);
	/* The entry that may stand in front of `program`. */
	int (*kind)(struct iov_ctx *ctx, const struct iov_site *site, int program, struct iov_entry_kind *ret);
	/* Is the link still where it was made, or has its interface or cgroup gone? NULL: it cannot go. */
	bool (*alive)(const struct bpf_link_info *info);
	/* Where packets pass from XDP to traffic control; NULL: they do not pass here. */
	enum iov_carry (*carry)(const struct iov_site *site);
	/* Do both sites want one place that takes one program only? NULL: places take several. */
	bool (*same_place)(const struct iov_site *a, const struct iov_site *b);
	/* `standing` only: would the kernel attach this program here? Asks with something in its place that does
	 * nothing, for the kernel looks at these programs when they are attached, not when they are put into a slot.
	 * NULL: the verifier has seen to it. */
	int (*trial)(struct iov_ctx *ctx, const struct iov_site *site, int program);
	/* `standing` only: what the kernel looks at when it attaches a program, it looks at when the program is put
	 * into a slot of an entry of the same kind too. So an upgrade probes nothing, for which some hooks have no
	 * place. */
	bool slots_checked;
	/* The target is a part of the kernel, a function or an event: where it is missing, this kernel cannot run the
	 * program, whatever the host. */
	bool of_kernel;
	/* The program is loaded for what it attaches to, a function or event of the kernel that BTF names: the site's
	 * target, where it has one. */
	bool loaded_for_target;
};

/*
 * What hooks of one kind have in common: how programs are attached, replaced and found. `link` (hooks/link.h): the link
 * can be moved to another program. `standing` (hooks/standing.h): it cannot, so an entry program stands in front
 * always. `beside` (hooks/beside.h): neither, so old and new are attached side by side for a moment.
 */
struct iov_style {
	enum iov_move move;
	/* Would the kernel attach this program? Asks with something in its place that does nothing. NULL: only an
	 * attach would tell. */
	int (*probe)(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, int program);
	/* Attaches progs/<program> of `dir` and leaves the pins above there. */
	int (*attach)(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir);
	/* Pins what keeps a site attached in a second tree too, there under the name of `to`, changing nothing that
	 * runs. */
	int (*adopt)(struct iov_ctx *ctx, const struct iov_site *from, const char *from_dir, const struct iov_site *to,
		     const char *to_dir);
	/* Puts an entry with both programs in front, in both trees. Until the store nothing changes for events. NULL:
	 * no store moves this hook. */
	int (*arm)(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site,
		   const struct iov_arm *arm);
	/* Makes the site run progs/<program> of `dir` and nothing else: in one step, and where it was armed, without an
	 * entry if the hook can do without. `dir` has the site's link pin. */
	int (*swap)(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir);
	/* Ends the site, with this tree's links/, slots/, runs/ pins of it. Not attached is success. */
	int (*detach)(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir);
	int (*running)(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir,
		       struct iov_running *ret);
};

/* The plugin for a section on this kernel, fallbacks followed. IOV_E_UNSUPPORTED names the section and what the kernel
 * lacks. */
int iov_hook_find(struct iov_ctx *ctx, const char *section, const struct iov_hook **ret);
/* All rows, NULL-terminated. */
const struct iov_hook *const *iov_hook_all(void);

#endif
