/*
 * libiovpkg: install, load and upgrade IO modules (packaged eBPF programs) on a live Linux kernel.
 *
 * A program opens one context, calls the functions below, and frees the context. The library keeps no global
 * state, never exits, prints nothing and reads no environment; what it has to tell while it works arrives at the event
 * callback.
 *
 * Results. Functions return IOV_OK or an error code; iov_error_text() then says what was wrong and what to do next.
 * Functions that answer a question write one JSON document (UTF-8, described in docs/json.md) to *ret_json, which the
 * caller frees with free(). Out-parameters are written only on success, and may be NULL where the caller does not care.
 *
 * Changing functions compute generation N+1 from generation N, show the difference as a plan (the `confirm` callback,
 * or *ret_json with IOV_DRY_RUN), and move the kernel there in one transaction: when they fail, the host is at N.
 *
 * Threads: a context belongs to one thread at a time. Processes: changing functions take a lock under the root; queries
 * never wait.
 */
#ifndef IOVPKG_H
#define IOVPKG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IOV_VERSION "0.1.0"

struct iov_ctx;

/* Every way to fail. The program iovpkg exits with these numbers (docs/exit-codes.md). */
enum iov_code {
	IOV_OK = 0,
	IOV_E_INTERNAL = 1,    /* a bug, or no memory */
	IOV_E_USAGE = 2,       /* words of the command line or arguments of the call */
	IOV_E_INPUT = 3,       /* a manifest, object or other file of the user is wrong */
	IOV_E_NOT_FOUND = 4,   /* no such module, instance, release, registry or key */
	IOV_E_CONFLICT = 5,    /* requirements that cannot all be met, or a change that others depend on */
	IOV_E_UNTRUSTED = 6,   /* digest, signature, expiry or rollback: the bytes are not what they should be */
	IOV_E_CONTRACT = 7,    /* the layout of a shared map is not what the importer was built for */
	IOV_E_REJECTED = 8,    /* the kernel's verifier refused a program */
	IOV_E_UNSUPPORTED = 9, /* this kernel or this build lacks something */
	IOV_E_PERMISSION = 10, /* needs root, or a capability */
	IOV_E_NETWORK = 11,    /* a registry cannot be reached */
	IOV_E_IO = 12,	       /* a read or write failed */
	IOV_E_SPACE = 13,      /* disk or memory limit reached */
	IOV_E_BUSY = 14,       /* another iovpkg is at work, or a hook is taken */
	IOV_E_BUILD = 15,      /* the compiler failed, or met a limit */
	IOV_E_DECLINED = 16,   /* the confirm callback said no */
	IOV_E_UNHEALTHY = 17,  /* a health check failed after the switch; the host went back */
	IOV_E_PARTIAL = 18,    /* the program's alone: restore left something out, check cannot tell; the answer says */
	IOV_E_STOPPED = 19,    /* the stop callback asked for it; the host is as it was */
};

enum iov_event_kind {
	IOV_EVENT_NOTE,	    /* a sentence worth reading; `text` */
	IOV_EVENT_WARNING,  /* the same, and something to act on */
	IOV_EVENT_STEP,	    /* something begins: verb in `text` ("fetching"), what in `subject` */
	IOV_EVENT_PROGRESS, /* `done` of `total` units of the current step; total 0 = unknown */
	IOV_EVENT_DONE,	    /* the step named by `text` and `subject` has ended well */
};

/* Borrowed strings, valid during the callback only. */
struct iov_event {
	enum iov_event_kind kind;
	const char *text;
	const char *subject;
	uint64_t done;
	uint64_t total;
	bool bytes; /* these two are bytes */
};

#define IOV_PASSPHRASE_MAX 1024 /* bytes of a passphrase, with its terminator */

enum iov_question {
	IOV_ASK_PLAN,  /* `json` is the plan; asked only when it does more than was named */
	IOV_ASK_TRUST, /* `json` is {registry, url, fingerprint, keys}: pin this root? */
	IOV_ASK_SIGN,  /* `json` is what iov_root_show() says of a new root, and "changes": sign it? */
};

struct iov_config {
	const char *root;   /* every path is below it; NULL or "/" is the live host */
	const char *worker; /* path of iovpkg-worker; NULL: the installed one */
	/* Releases that were published less than this many seconds ago are not chosen, unless they are installed or
	 * locked already; 0: all are. */
	uint64_t min_age;
	bool offline; /* never reach for a registry: the last verified index and cached archives answer */
	void (*event)(const struct iov_event *event, void *data); /* NULL: silent */
	/* Asked between the steps of a change: true takes the change back and ends with IOV_E_STOPPED. Not asked once
	 * the change is in force. NULL: never. */
	bool (*stop)(void *data);
	/* True when the host begins to change, false when that is over: in between the process should not be ended.
	 * It may be, the next command then settles it. NULL: nobody wants to know. */
	void (*changing)(bool changing, void *data);
	/* The value of an environment variable that an entry of credentials.yaml names as its source; borrowed, NULL:
	 * not set. The library looks at no variable itself. NULL: there is none. */
	const char *(*environment)(const char *name, void *data);
	bool (*confirm)(enum iov_question question, const char *json,
			void *data); /* NULL: plans go, the others do not */
	/* Asked for the passphrase of a key pair; `fresh`: a new one is to be chosen. `attempt` counts the wrong
	 * answers before. Writes it with a terminator to `ret`, of IOV_PASSPHRASE_MAX bytes, which the library wipes;
	 * false: there is none. NULL: encrypted keys cannot be used. */
	bool (*passphrase)(const char *key, bool fresh, unsigned attempt, char *ret, void *data);
	void *data;
};

/* Opens a context. The configuration is copied. On failure *ret is NULL only when there was no memory, so that the text
 * can be read. */
int iov_ctx_new(const struct iov_config *config, struct iov_ctx **ret);
void iov_ctx_free(struct iov_ctx *ctx);

/* The code and text of the last failure on this context; text is borrowed and valid until the next call. */
enum iov_code iov_error_code(const struct iov_ctx *ctx);
const char *iov_error_text(const struct iov_ctx *ctx);
/* Why no releases fit together, where that is what failed: the proof as a JSON array (docs/json.md), borrowed as the
 * text is. NULL: it was something else. */
const char *iov_error_derivation(const struct iov_ctx *ctx);
const char *iov_version(void);

/* ---- hosts: generations, modules, instances ------------------------------------------------------------------ */

enum iov_flags {
	IOV_DRY_RUN = 1 << 0,	/* *ret_json is the plan; nothing changes */
	IOV_NO_LOAD = 1 << 1,	/* stop before the kernel: install without an instance */
	IOV_CASCADE = 1 << 2,	/* remove or unload the importers too, first */
	IOV_LOSSY = 1 << 3,	/* maps may lose what their new layout cannot hold */
	IOV_NO_HEALTH = 1 << 4, /* do without the health checks of the manifests */
	IOV_LATEST = 1 << 5,	/* upgrade beyond what was wished, and change the wishes */
	IOV_LOCKED = 1 << 6,	/* apply exactly what the lock says, or nothing */
	IOV_RENEW = 1 << 7,	/* lock the newest that fits, whatever the lock held before */
	IOV_PLAIN_KEY = 1 << 8, /* a key pair that is made gets no passphrase: whoever has its file can sign */
	IOV_VERDICTS = 1 << 9,	/* refusals are written down in the registry for those who wait elsewhere */
	IOV_HOOK = 1 << 10,	/* a registry judges what is pushed into it at once */
};

/* What an instance is given; it keeps what it had where nothing is said. */
struct iov_settings {
	const char *const *items; /* parameters that the module's manifest names, as "key=value" */
	size_t count;
	const char *const *imports; /* from which instance a map comes, as "map=instance" */
	size_t n_imports;
};

/* Each wish is NAME or NAME@REQUIREMENT ("flow-count@^1.0"). `alias` needs exactly one wish. */
int iov_install(struct iov_ctx *ctx, const char *const *wishes, size_t count, const char *alias,
		struct iov_settings settings, unsigned flags, char **ret_json);
int iov_remove(struct iov_ctx *ctx, const char *const *names, size_t count, unsigned flags, char **ret_json);
/* No names: every installed module. Parameters of instances stay, and what is pinned keeps its version. */
int iov_upgrade(struct iov_ctx *ctx, const char *const *wishes, size_t count, unsigned flags, char **ret_json);
/* Each word is NAME or NAME@VERSION; an installed module keeps the version it has, or goes to that one and keeps it. */
int iov_pin(struct iov_ctx *ctx, const char *const *words, size_t count, unsigned flags, char **ret_json);
int iov_unpin(struct iov_ctx *ctx, const char *const *names, size_t count, unsigned flags, char **ret_json);
/* Goes back to what a kept generation held, as a new generation; 0 is the one before the current. */
int iov_rollback(struct iov_ctx *ctx, uint64_t generation, unsigned flags, char **ret_json);
int iov_load(struct iov_ctx *ctx, const char *module, const char *alias, struct iov_settings settings, unsigned flags,
	     char **ret_json);
int iov_unload(struct iov_ctx *ctx, const char *const *instances, size_t count, unsigned flags, char **ret_json);

/* Makes the host what a host manifest says (docs/host-manifest.md): those modules and instances, what they need, and
 * nothing else. Flags: IOV_LOCKED too. */
int iov_apply(struct iov_ctx *ctx, const char *manifest, unsigned flags, char **ret_json);
/* Writes the lock of a host manifest, beside it, whatever runs here. Each of `facts` is FILE.json, what iov_facts()
 * said on a host, with its kernel's types as FILE.btf beside it: only what all those kernels load is locked. Flags:
 * IOV_RENEW, IOV_DRY_RUN. */
int iov_lock(struct iov_ctx *ctx, const char *manifest, const char *const *facts, size_t count, unsigned flags,
	     char **ret_json);

/* Brings up the current generation where the kernel does not have it, after a boot; and ends what a crash left behind.
 * What this kernel refuses is left out, warned of, and not "up" in the answer. */
int iov_restore(struct iov_ctx *ctx, char **ret_json);
/* Saves the maps that the manifests of what runs name under `persist`. One that fails does not keep the others. */
int iov_save(struct iov_ctx *ctx, char **ret_json);

int iov_status(struct iov_ctx *ctx, char **ret_json); /* instances as the kernel has them */
int iov_list(struct iov_ctx *ctx, char **ret_json);   /* installed modules, kept generations */
/* Installed modules that have newer releases: what an upgrade would bring, and what holds it back. */
int iov_outdated(struct iov_ctx *ctx, char **ret_json);
int iov_tree(struct iov_ctx *ctx, char **ret_json);		     /* what is installed, and what needs what */
int iov_why(struct iov_ctx *ctx, const char *name, char **ret_json); /* every chain from a wish to a module */
int iov_search(struct iov_ctx *ctx, const char *text,
	       char **ret_json); /* names and summaries that contain text; NULL: all */
int iov_info(struct iov_ctx *ctx, const char *name, char **ret_json); /* every release of a module */
/* From the pinned root to the bytes, of an installed module or an archive's file; NULL: of all that is installed. */
int iov_verify(struct iov_ctx *ctx, const char *what, char **ret_json);

/* The differences between the current generation and the kernel, each with what to do; `fix` mends what can be. Takes
 * the lock, so that nothing moves meanwhile. */
int iov_doctor(struct iov_ctx *ctx, bool fix, char **ret_json);

/* What this host's kernel takes, tried out (docs/facts.md); kept until another kernel runs. */
int iov_facts(struct iov_ctx *ctx, char **ret_json);

/* Will kernels load a module (what is installed, else the newest release) or the object in a file? Each of `against` is
 * FILE.btf, with what iov_facts() said there as FILE.json beside it; none: the running kernel. Nothing is loaded. */
int iov_check(struct iov_ctx *ctx, const char *subject, const char *const *against, size_t count, char **ret_json);

/* Removes generations but the newest `keep` (0: the default) and the current one, and what only they need: entries of
 * the store, archives, caches of other kernels. Flags: IOV_DRY_RUN. */
int iov_gc(struct iov_ctx *ctx, uint64_t keep, unsigned flags, char **ret_json);

/* Follows the events of an instance until `on_event` returns false, `stop_fd` (if not -1) is readable, or `limit`
 * events (0: none) came. `json` is one event: {"instance", "buffer", "fields": {...}}, borrowed. */
int iov_events(struct iov_ctx *ctx, const char *instance, uint64_t limit, int stop_fd,
	       bool (*on_event)(const char *json, void *data), void *data);

/* ---- registries ----------------------------------------------------------------------------------------------- */

/* Makes a bare git repository at `path` with its first root, head and log. `origin` names it in signatures and log
 * ("example.org/modules"). `key` is the name of a key pair to use, made when missing; it becomes root, registry and
 * publisher key. `publishers` are "PATTERN=VERIFIER-KEY" strings for further publishers. Flags: IOV_PLAIN_KEY,
 * IOV_HOOK. */
int iov_registry_init(struct iov_ctx *ctx, const char *path, const char *origin, const char *key,
		      const char *const *publishers, size_t count, unsigned flags, char **ret_json);
/* Pins a registry's root. `fingerprint` (SHA-256 of the root, hex) or a yes from the confirm callback. */
int iov_registry_add(struct iov_ctx *ctx, const char *name, const char *url, const char *fingerprint, char **ret_json);
/* The same, asking for cosignatures of at least `cosigners` of these witnesses (keys as texts) on every checkpoint. */
int iov_registry_add_witnessed(struct iov_ctx *ctx, const char *name, const char *url, const char *fingerprint,
			       const char *const *witnesses, size_t count, uint64_t cosigners, char **ret_json);
int iov_registry_remove(struct iov_ctx *ctx, const char *name);
int iov_registry_list(struct iov_ctx *ctx, char **ret_json);
int iov_registry_update(struct iov_ctx *ctx, const char *name, char **ret_json); /* NULL: all */
/* Checks and takes in every submission that waits in the repository at `path`. Flags: IOV_VERDICTS. */
int iov_registry_accept(struct iov_ctx *ctx, const char *path, const char *key, unsigned flags, char **ret_json);
/* The same as git's hook proc-receive (githooks(5)), for the submissions of one push: git speaks on the descriptor `in`
 * and is answered on `out`. Fails only where git cannot be answered. */
int iov_registry_receive(struct iov_ctx *ctx, const char *path, const char *key, int in, int out);
/* Signs the head anew, so that clients can tell that the registry lives; `days` of validity, 0: the default. A head
 * that is good for `left` days more stays as it is; 0: it is signed in any case. */
int iov_registry_refresh(struct iov_ctx *ctx, const char *path, const char *key, unsigned days, unsigned left,
			 char **ret_json);

/* Writes the registry at `path` as static files into `folder`, for a web server; touches only what changed. */
int iov_registry_write(struct iov_ctx *ctx, const char *path, const char *folder, char **ret_json);
/* Serves the same files by itself, straight from the repository and without TLS, at `listen` ("127.0.0.1:8080"), until
 * `stop_fd` (if not -1) is readable. A note says the URL once it does. */
int iov_registry_serve(struct iov_ctx *ctx, const char *path, const char *listen, int stop_fd);

/* Roots: who may sign what in a registry (docs/keys.md). A key is its verifier text, or the name of a key pair here. */
struct iov_root_changes {
	const char *const *add_root_keys, *const *remove_root_keys;
	size_t n_add_root_keys, n_remove_root_keys;
	uint64_t root_threshold;	    /* 0: as it is */
	const char *const *registry_keys;   /* in the place of the present ones; none: as they are */
	const char *const *publishers;	    /* "PATTERN=KEY", who may publish from now on */
	const char *const *gone_publishers; /* "PATTERN=KEY", who may no longer */
	const char *const *thresholds;	    /* "PATTERN=N", how many publishers must sign */
	size_t n_registry_keys, n_publishers, n_gone_publishers, n_thresholds;
	const char *since;  /* what those gone signed from this log entry on is refused; NULL: nothing that is there */
	const char *resume; /* the commit of the last good state, when the registry's key was stolen; NULL */
	uint64_t days;	    /* of validity; 0: the default */
};

/* The chain of roots of a registry of this host, or of the repository at a path, and all that the newest says. */
int iov_root_show(struct iov_ctx *ctx, const char *registry, char **ret_json);
/* Writes the next root of the registry at `path`, unsigned, to the file `output`. */
int iov_root_prepare(struct iov_ctx *ctx, const char *path, const struct iov_root_changes *changes, const char *output,
		     char **ret_json);
/* Signs a prepared root in its file, once the confirm callback has seen what it changes in the root of `against`: a
 * registry's name, a repository's path or a root's file; NULL: a registry of this host with that origin. */
int iov_root_sign(struct iov_ctx *ctx, const char *file, const char *key, const char *against, char **ret_json);
/* Puts a root in force that is signed by enough keys. `key`: the registry's. `resume`: the commit it was prepared for.
 */
int iov_root_publish(struct iov_ctx *ctx, const char *path, const char *file, const char *key, const char *resume,
		     char **ret_json);
/* A root that differs in who may publish a pattern: signed and published where one root key is enough and here, else
 * written to `output`. With an `output` it is only written. */
int iov_registry_grant(struct iov_ctx *ctx, const char *path, const char *pattern, const char *publisher,
		       const char *key, const char *output, char **ret_json);
int iov_registry_revoke(struct iov_ctx *ctx, const char *path, const char *pattern, const char *publisher,
			const char *since, const char *key, const char *output, char **ret_json);
/* On a witness's host: cosigns the checkpoint of a registry that it has added, if the log goes on from what it signed
 * before, and writes it to the file `output`. On the registry's host: takes such a file in. */
int iov_registry_witness(struct iov_ctx *ctx, const char *registry, const char *key, const char *output,
			 char **ret_json);
int iov_registry_cosigned(struct iov_ctx *ctx, const char *path, const char *file, char **ret_json);
/* Replays the whole log against the index. `registry` is a name, or the path of a repository. A registry that does not
 * fit is no error: "good" is false then, and "reason" says what is first out of place. */
int iov_registry_audit(struct iov_ctx *ctx, const char *registry, char **ret_json);
/* Does the log as this host sees it extend the one of a checkpoint (a file) or of another copy of the registry (a path
 * or git URL), or the other way round? A fork is no error: "consistent" is false then. */
int iov_registry_compare(struct iov_ctx *ctx, const char *registry, const char *other, char **ret_json);

/* ---- authors -------------------------------------------------------------------------------------------------- */

/* A key pair, encrypted with a passphrase that the callback is asked for; IOV_PLAIN_KEY: as it is. */
int iov_key_generate(struct iov_ctx *ctx, const char *name, unsigned flags, char **ret_json);
/* Another passphrase for a key pair, or none with IOV_PLAIN_KEY. */
int iov_key_passphrase(struct iov_ctx *ctx, const char *name, unsigned flags, char **ret_json);
/* Takes a key pair out of use on this host, and says in which registries it has to be revoked. */
int iov_key_revoke(struct iov_ctx *ctx, const char *name, char **ret_json);
/* Adds a signature to a note, or to a document prepared for one, in place. */
int iov_key_sign(struct iov_ctx *ctx, const char *file, const char *key, char **ret_json);
int iov_key_list(struct iov_ctx *ctx, char **ret_json);
int iov_key_show(struct iov_ctx *ctx, const char *name, char **ret_json);

/* Builds the module in `dir` in the sandbox; the object lands at `output` (NULL: DIR/NAME.bpf.o). */
int iov_build(struct iov_ctx *ctx, const char *dir, const char *output, char **ret_json);
/* Packs the module in `dir`; the archive lands at `output` (NULL: NAME-VERSION.iov in the current directory).
 * `with_object`: carry the object for this machine. */
int iov_pack(struct iov_ctx *ctx, const char *dir, const char *output, bool with_object, char **ret_json);
/* Packs, builds, checks, signs and submits the module in `dir` to the repository at `registry` (a path, file:// URL or
 * a registry's name). `wait`: how many seconds to wait until a registry elsewhere has judged it; IOV_E_BUSY when it has
 * not by then. Flags: IOV_DRY_RUN. */
int iov_publish(struct iov_ctx *ctx, const char *dir, const char *registry, const char *key, bool with_object,
		uint64_t wait, unsigned flags, char **ret_json);
/* Where several publishers have to sign: the release as a note without signatures at `output`, its archive beside it
 * with
 * ".iov" behind the name. Signed with iov_key_sign(), it is submitted by iov_publish_prepared(). */
int iov_publish_prepare(struct iov_ctx *ctx, const char *dir, bool with_object, const char *output, char **ret_json);
int iov_publish_prepared(struct iov_ctx *ctx, const char *file, const char *registry, uint64_t wait, unsigned flags,
			 char **ret_json);
/* Withdraws a release, "NAME@VERSION", so that nobody gets it anew; and takes that back. Signed with `key` (NULL: the
 * only one) and submitted like a release. Flags: IOV_DRY_RUN. */
int iov_yank(struct iov_ctx *ctx, const char *release, const char *reason, const char *registry, const char *key,
	     unsigned flags, char **ret_json);
int iov_unyank(struct iov_ctx *ctx, const char *release, const char *registry, const char *key, unsigned flags,
	       char **ret_json);
/* Tells whoever uses these releases, "NAME" or "NAME@REQUIREMENT", that they should not, and what to use instead
 * (`successor`, a module; NULL: nothing); and takes that back. Flags: IOV_DRY_RUN. */
int iov_deprecate(struct iov_ctx *ctx, const char *releases, const char *text, const char *successor,
		  const char *registry, const char *key, unsigned flags, char **ret_json);
int iov_undeprecate(struct iov_ctx *ctx, const char *releases, const char *registry, const char *key, unsigned flags,
		    char **ret_json);

#ifdef __cplusplus
}
#endif
#endif
