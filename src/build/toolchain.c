#include "build/toolchain.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "build/build.h"
#include "util/cleanup.h"
#include "util/process.h"

static const struct iov_machine machines[] = {
	{"x86_64", "x86", "x86_64-linux-gnu"},	   {"aarch64", "arm64", "aarch64-linux-gnu"},
	{"riscv64", "riscv", "riscv64-linux-gnu"}, {"ppc64le", "powerpc", "powerpc64le-linux-gnu"},
	{"s390x", "s390", "s390x-linux-gnu"},	   {"loongarch64", "loongarch", "loongarch64-linux-gnu"},
	{"i686", "x86", "i386-linux-gnu"},	   {"armv7l", "arm", "arm-linux-gnueabihf"},
};

const char *const iov_clang_flags[] = {
	"-target",  "bpf",   "-g",	     "-O2",
	"-mcpu=v3", "-Wall", "-nostdlibinc", /* only the include folders that we name, not what /usr/local happens to
						hold */
	NULL,
};

static const struct {
	const char *path, *package;
} tools[] = {
	{IOV_CLANG, "clang"},
	{IOV_BWRAP, "bubblewrap"},
	{IOV_SETPRIV, "util-linux"},
};

int iov_machine_here(struct iov_ctx *ctx, const struct iov_machine **ret)
{
	struct utsname here;
	uname(&here);
	for (size_t i = 0; i < IOV_COUNT(machines); i++)
		if (!strcmp(machines[i].uname, here.machine)) {
			*ret = &machines[i];
			return IOV_OK;
		}
	return iov_error(ctx, IOV_E_UNSUPPORTED,
			 "modules cannot be built on machines of type '%s'; publish with the object built elsewhere",
			 here.machine);
}

int iov_toolchain_present(struct iov_ctx *ctx)
{
	for (size_t i = 0; i < IOV_COUNT(tools); i++)
		if (access(tools[i].path, X_OK))
			return iov_error(ctx, IOV_E_UNSUPPORTED,
					 "building a module needs '%s', which is missing; install the package '%s'",
					 tools[i].path, tools[i].package);
	return IOV_OK;
}

/* "Debian clang version 14.0.6 …": outside of the sandbox, since it sees nothing of the module. */
static int clang_version(struct iov_ctx *ctx, struct iov_process_result *ret)
{
	const char *const argv[] = {IOV_CLANG, "--version", NULL};
	const struct iov_process process = {.argv = argv, .timeout_ms = 30 * 1000, .limit_output = 4096};
	int rc = iov_process_run(&process, ret);
	if (rc)
		return iov_error_errno(ctx, rc, "cannot run '%s'", IOV_CLANG);
	if (ret->status == 0 && ret->out.len)
		return IOV_OK;
	const char *why = ret->err.len ? ret->err.data : "it said nothing";
	return iov_error(ctx, IOV_E_UNSUPPORTED,
			 "'%s --version' failed (%.*s); install the package 'clang' again, or raise a limit on memory "
			 "(ulimit -v) if there is one",
			 IOV_CLANG, (int)strcspn(why, "\n"), why);
}

static void digest_text(struct iov_digest *digest, const char *text)
{
	iov_digest_add(digest, text, strlen(text) + 1);
}

int iov_build_toolchain(struct iov_ctx *ctx, char ret[IOV_HEX_SIZE])
{
	const struct iov_machine *machine = NULL;
	iov_auto(iov_process_result_release) struct iov_process_result version = {0};
	int rc = iov_machine_here(ctx, &machine);
	if (!rc)
		rc = iov_toolchain_present(ctx);
	if (!rc)
		rc = clang_version(ctx, &version);
	struct iov_digest *digest = NULL;
	if (!rc)
		rc = iov_digest_new(ctx, &digest);
	if (rc)
		return rc;
	digest_text(digest, machine->uname);
	digest_text(digest, version.out.data);
	digest_text(digest, libbpf_version_string()); /* its linker writes the object */
	for (const char *const *flag = iov_clang_flags; *flag; flag++)
		digest_text(digest, *flag);
	iov_digest_end_hex(digest, ret);
	iov_digest_free(digest);
	return IOV_OK;
}
