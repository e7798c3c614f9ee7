#include "build/compile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "build/diagnostics.h"
#include "build/toolchain.h"
#include "util/cleanup.h"

#define ARGS_MAX 64

/* How clang talks, and what it does not do; nothing here changes the code. */
static const char *const manners[] = {
	"-fno-caret-diagnostics", "-fno-color-diagnostics",    "-fno-crash-diagnostics",
	"-ferror-limit=20",	  "-fdebug-compilation-dir=.", NULL,
};

/* Texts that the argument vector points into. */
struct texts {
	char target[48], prefix[64], output[64], folder[512], multiarch[64];
};

struct args {
	const char *items[ARGS_MAX];
	size_t count;
};

static void add(struct args *args, const char *word)
{
	args->items[args->count++] = word;
}

static void add_all(struct args *args, const char *const *words)
{
	while (*words)
		add(args, *words++);
}

static void add_includes(struct args *args, const struct iov_compile *compile, const struct texts *texts)
{
	static const char *const own[] = {"-I.", "-Iinclude", NULL};
	add(args, texts->folder);
	add_all(args, own);
	if (compile->vmlinux)
		add(args, "-I" IOV_SANDBOX_HEADERS);
	add(args, "-isystem");
	add(args, texts->multiarch);
	add(args, "-isystem");
	add(args, "/usr/include");
}

static void compose(struct args *args, struct texts *texts, const struct iov_compile *compile,
		    const struct iov_machine *machine)
{
	const char *slash = strrchr(compile->source, '/');
	int folder_len = slash ? (int)(slash - compile->source) : 1;
	snprintf(texts->target, sizeof(texts->target), "-D__TARGET_ARCH_%s", machine->target);
	snprintf(texts->prefix, sizeof(texts->prefix), "-ffile-prefix-map=%s/=", IOV_SANDBOX_MODULE);
	snprintf(texts->output, sizeof(texts->output), IOV_SANDBOX_OUTPUT "/%s", compile->object);
	snprintf(texts->folder, sizeof(texts->folder), "-I%.*s", folder_len, slash ? compile->source : ".");
	snprintf(texts->multiarch, sizeof(texts->multiarch), "/usr/include/%s", machine->multiarch);
	add(args, IOV_CLANG);
	add_all(args, iov_clang_flags);
	add(args, texts->target);
	add_all(args, manners);
	add(args, texts->prefix); /* paths in debug information as the author knows them */
	add_includes(args, compile, texts);
	add(args, "-c");
	add(args, "-o");
	add(args, texts->output);
	add(args, "--");
	add(args, compile->source);
	add(args, NULL);
}

/* The sandbox wrote it, so it may be anything: a link or a pipe would lead us astray. */
static int check_object(struct iov_ctx *ctx, const struct iov_compile *compile)
{
	iov_auto(iov_free_ptr) char *path = NULL;
	struct stat st;
	if (asprintf(&path, "%s/%s", compile->output, compile->object) < 0) {
		path = NULL;
		return iov_oom(ctx);
	}
	if (lstat(path, &st))
		return iov_error_errno(ctx, errno, "cannot read the object of '%s'", compile->source);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > compile->limits.file)
		return iov_error(ctx, IOV_E_BUILD, "the object of '%s' is not a file of at most %llu MB",
				 compile->source, (unsigned long long)(compile->limits.file >> 20));
	return IOV_OK;
}

int iov_compile(struct iov_ctx *ctx, const struct iov_compile *compile)
{
	const struct iov_machine *machine = NULL;
	int rc = iov_machine_here(ctx, &machine);
	if (rc)
		return rc;
	struct args args = {0};
	struct texts texts = {0};
	compose(&args, &texts, compile, machine);
	const struct iov_sandbox sandbox = {
		.module = compile->module,
		.output = compile->output,
		.vmlinux = compile->vmlinux,
		.argv = args.items,
		.limits = compile->limits,
	};
	iov_auto(iov_process_result_release) struct iov_process_result result = {0};
	rc = iov_sandbox_run(ctx, &sandbox, &result);
	if (rc == IOV_E_BUILD)
		return iov_error_prefix(ctx, "'%s'", compile->source);
	if (rc)
		return rc;
	if (result.status)
		return iov_diagnostics_error(ctx, compile->source, &result.err, result.status);
	iov_diagnostics_warn(ctx, &result.err);
	return check_object(ctx, compile);
}
