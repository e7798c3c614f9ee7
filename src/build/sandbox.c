#include "build/sandbox.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "build/toolchain.h"
#include "util/cleanup.h"

#define TEXT_(number) #number
#define TEXT(number) TEXT_(number)
#define OUTPUT_KEPT (64 * 1024) /* bytes of diagnostics; a screen is 4 KB */
#define WORDS_MAX 160		/* of the whole command line; the tables below have about 60 */

struct words {
	const char *items[WORDS_MAX + 1];
	size_t count;
};

/* An option of bubblewrap with its arguments. */
struct option {
	const char *words[4];
};

static const struct option confine[] = {
	{{"--unshare-net"}},		  /* a build is a function of its sources */
	{{"--unshare-pid"}},		  /* sees and signals nobody; all of it ends with its first process */
	{{"--unshare-ipc"}},		  /* no shared memory */
	{{"--unshare-uts"}},		  /* with a name of its own */
	{{"--hostname", "sandbox"}},	  /* the host stays unnamed */
	{{"--unshare-cgroup-try"}},	  /* where the kernel can */
	{{"--new-session"}},		  /* no typing into our terminal */
	{{"--die-with-parent"}},	  /* nor living on when we are killed */
	{{"--clearenv"}},		  /* our environment may hold secrets */
	{{"--setenv", "LC_ALL", "C"}},	  /* diagnostics that we can read */
	{{"--cap-drop", "ALL"}},	  /* also as root */
	{{"--ro-bind", "/usr", "/usr"}},  /* clang and the headers */
	{{"--size", "67108864"}},	  /* bytes, of the next but one */
	{{"--perms", "1777"}},		  /* of the next */
	{{"--tmpfs", "/tmp"}},		  /* LLVM's temporary files */
	{{"--dir", IOV_SANDBOX_HEADERS}}, /* made for a bind, it would be root's alone */
};

/* Root enters no user namespace (a chroot allows none) and gives its identity up inside; these end with that. */
static const struct option as_root[] = {
	{{"--cap-add", "CAP_SETUID"}},
	{{"--cap-add", "CAP_SETGID"}},
};
static const struct option as_user[] = {
	{{"--unshare-user"}},
};

/* clang-format off */
static const char *const drop_root[] = {
	IOV_SETPRIV, "--reuid", TEXT(IOV_SANDBOX_UID), "--regid", TEXT(IOV_SANDBOX_UID), "--clear-groups",
	"--inh-caps=-all", "--no-new-privs", NULL,
};
/* clang-format on */

/* Folders of the distribution beside /usr: links into it on a merged system, folders on others, or absent. */
static const char *const system_folders[] = {"/bin", "/lib", "/lib32", "/lib64", "/libx32"};

static void add(struct words *words, const char *word)
{
	if (words->count < WORDS_MAX)
		words->items[words->count] = word;
	words->count++; /* past the end: refused in iov_sandbox_run() */
}

static void add_all(struct words *words, const char *const *list)
{
	while (*list)
		add(words, *list++);
}

static void add_options(struct words *words, const struct option *options, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_all(words, options[i].words);
}

static void add_three(struct words *words, const char *option, const char *from, const char *to)
{
	add(words, option);
	add(words, from);
	add(words, to);
}

static void add_system(struct words *words, char targets[][PATH_MAX])
{
	for (size_t i = 0; i < IOV_COUNT(system_folders); i++) {
		ssize_t len = readlink(system_folders[i], targets[i], PATH_MAX - 1);
		targets[i][len > 0 ? len : 0] = '\0';
		if (len > 0)
			add_three(words, "--symlink", targets[i], system_folders[i]);
		else
			add_three(words, "--ro-bind-try", system_folders[i], system_folders[i]);
	}
}

static void add_module(struct words *words, const struct iov_sandbox *sandbox)
{
	add_three(words, "--ro-bind", sandbox->module, IOV_SANDBOX_MODULE);
	add_three(words, "--bind", sandbox->output, IOV_SANDBOX_OUTPUT);
	if (sandbox->vmlinux)
		add_three(words, "--ro-bind", sandbox->vmlinux, IOV_SANDBOX_HEADERS "/vmlinux.h");
	add_three(words, "--remount-ro", "/", "--chdir");
	add(words, IOV_SANDBOX_MODULE);
}

static void compose(struct words *words, const struct iov_sandbox *sandbox, char targets[][PATH_MAX])
{
	bool root = geteuid() == 0;
	add(words, IOV_BWRAP);
	add_options(words, confine, IOV_COUNT(confine));
	if (root)
		add_options(words, as_root, IOV_COUNT(as_root));
	else
		add_options(words, as_user, IOV_COUNT(as_user));
	add_system(words, targets);
	add_module(words, sandbox);
	add(words, "--");
	if (root)
		add_all(words, drop_root);
	add_all(words, sandbox->argv);
	words->items[words->count < WORDS_MAX ? words->count : WORDS_MAX] = NULL;
}

/* ---- how it ended ---- */

struct ending {
	const struct iov_sandbox *sandbox;
	const struct iov_process_result *result;
	unsigned seconds; /* by the clock on the wall */
};

static bool killed_by(const struct ending *ending, int signal)
{
	return ending->result->status == 128 + signal;
}

static bool says(const struct ending *ending, const char *words)
{
	return ending->result->status && ending->result->err.data && strstr(ending->result->err.data, words);
}

/* Over the hard limit of processor time the kernel kills outright; only then has so much time gone by. */
static bool out_of_time(const struct ending *ending)
{
	return ending->result->timed_out || killed_by(ending, SIGXCPU) ||
	       (killed_by(ending, SIGKILL) && ending->seconds >= ending->sandbox->limits.cpu_seconds);
}

static bool out_of_memory(const struct ending *ending)
{
	return says(ending, "out of memory") || says(ending, "bad_alloc") || says(ending, "Cannot allocate memory") ||
	       killed_by(ending, SIGKILL);
}

static bool out_of_file(const struct ending *ending)
{
	return killed_by(ending, SIGXFSZ) || says(ending, "File too large");
}

static int limit_error(struct iov_ctx *ctx, const struct ending *ending)
{
	const struct iov_build_limits *limits = &ending->sandbox->limits;
	if (out_of_time(ending))
		return iov_error(ctx, IOV_E_BUILD, "the compiler was stopped: it may take %u s of processor time",
				 limits->cpu_seconds);
	if (out_of_file(ending))
		return iov_error(ctx, IOV_E_BUILD, "the compiler was stopped: it may write files of %llu MB",
				 (unsigned long long)(limits->file >> 20));
	if (out_of_memory(ending))
		return iov_error(ctx, IOV_E_BUILD, "the compiler was stopped: it may take %llu MB of memory",
				 (unsigned long long)(limits->memory >> 20));
	return IOV_OK;
}

static bool begins(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* What stands between us and a sandbox, in bubblewrap's own words. */
static int setup_error(struct iov_ctx *ctx, const struct iov_process_result *result)
{
	const char *text = result->err.data ? result->err.data : "";
	if (!result->status || (!begins(text, "bwrap: ") && !begins(text, "setpriv: ")))
		return IOV_OK;
	return iov_error(
		ctx, IOV_E_UNSUPPORTED, "cannot make the sandbox for building: %.*s; %s", (int)strcspn(text, "\n"),
		text,
		geteuid() ? "build as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, "
			    "or a setting of your container)"
			  : "mount /proc, and let this container make mounts and namespaces");
}

static unsigned clock_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned)now.tv_sec;
}

static int run(struct iov_ctx *ctx, const struct iov_sandbox *sandbox, const char *const *argv,
	       struct iov_process_result *ret)
{
	const struct iov_process process = {
		.argv = argv,
		.timeout_ms = sandbox->limits.cpu_seconds * 3 * 1000, /* the machine may be busy */
		.limit_memory = sandbox->limits.memory,
		.limit_cpu_seconds = sandbox->limits.cpu_seconds,
		.limit_file = sandbox->limits.file,
		.limit_output = OUTPUT_KEPT,
	};
	unsigned start = clock_seconds();
	int rc = iov_process_run(&process, ret);
	if (rc)
		return iov_error_errno(ctx, rc, "cannot run '%s'", IOV_BWRAP);
	rc = setup_error(ctx, ret);
	return rc ? rc : limit_error(ctx, &(struct ending){sandbox, ret, clock_seconds() - start});
}

int iov_sandbox_run(struct iov_ctx *ctx, const struct iov_sandbox *sandbox, struct iov_process_result *ret)
{
	char targets[IOV_COUNT(system_folders)][PATH_MAX];
	struct words words = {0};
	compose(&words, sandbox, targets);
	if (words.count > WORDS_MAX)
		return iov_error(ctx, IOV_E_INTERNAL, "a command of the sandbox has more than %d words", WORDS_MAX);
	iov_auto(iov_process_result_release) struct iov_process_result result = {0};
	int rc = run(ctx, sandbox, words.items, &result);
	if (rc)
		return rc;
	*ret = result;
	result = (struct iov_process_result){0};
	return IOV_OK;
}

int iov_sandbox_own(struct iov_ctx *ctx, const char *dir)
{
	if (chmod(dir, 0700) || (geteuid() == 0 && chown(dir, IOV_SANDBOX_UID, IOV_SANDBOX_UID)))
		return iov_error_errno(ctx, errno, "cannot prepare the folder '%s' for building", dir);
	return IOV_OK;
}
