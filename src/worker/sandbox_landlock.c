/* Landlock, through its system calls: no library is needed, and kernels differ by its ABI number only. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/cleanup.h"
#include "worker/sandbox.h"

/* Numbers of the kernel's interface that headers of its 6.1 lack. */
#define FS_REFER (1ull << 13)	 /* ABI 2 */
#define FS_TRUNCATE (1ull << 14) /* ABI 3 */
#define NET_BIND (1ull << 0)	 /* ABI 4 */
#define NET_CONNECT (1ull << 1)
#define FS_IOCTL (1ull << 15) /* ABI 5 */
#define SCOPE_ALL 3ull	      /* ABI 6: abstract sockets and signals stay inside */

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_OF_ABI_1 ((1ull << 13) - 1)
#define ON_FILES (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)
#define WRITE                                                                                                          \
	(READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |       \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | FS_REFER | FS_TRUNCATE)

struct ruleset_attributes { /* struct landlock_ruleset_attr as of ABI 6 */
	uint64_t fs, net, scoped;
};

/* What names, certificates and glibc's modules for them need. */
static const char *const network_files[] = {
	"/etc/resolv.conf",
	"/etc/hosts",
	"/etc/host.conf",
	"/etc/nsswitch.conf",
	"/etc/gai.conf",
	"/etc/services",
	"/etc/ssl",
	"/etc/ld.so.cache",
	"/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates",
	"/usr/lib",
	"/lib",
	"/lib64",
};

/* One more file or folder. What is not there needs no rule. */
static int allow(struct iov_ctx *ctx, int ruleset, const char *path, uint64_t access)
{
	struct stat st;
	iov_auto(iov_close_fd) int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return IOV_OK;
	struct landlock_path_beneath_attr rule = {.parent_fd = fd, .allowed_access = access};
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= ON_FILES;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
		return iov_error_errno(ctx, errno, "worker: cannot allow '%s' to itself", path);
	return IOV_OK;
}

static int allow_ssh(struct iov_ctx *ctx, int ruleset, const char *home)
{
	struct iov_buf path = {0};
	iov_buf_printf(&path, "%s/.ssh", home);
	iov_auto(iov_free_ptr) char *keys = iov_buf_take(&path);
	if (!keys)
		return iov_oom(ctx);
	return allow(ctx, ruleset, keys, READ);
}

static int allow_all(const struct iov_job *job, int ruleset, const struct iov_rights *rights, uint64_t handled)
{
	struct iov_ctx *ctx = job->ctx;
	int rc = IOV_OK;
	if (rights->repo)
		rc = allow(ctx, ruleset, rights->repo, WRITE & handled);
	/* Written to by a push, and locked by nobody else's rules than its own. */
	if (!rc && rights->has_url && !rights->network)
		rc = allow(ctx, ruleset, rights->url.target, WRITE & handled);
	for (size_t i = 0; i < IOV_COUNT(network_files) && !rc && rights->network; i++)
		rc = allow(ctx, ruleset, network_files[i], READ);
	if (!rc && job->has_ca)
		rc = allow(ctx, ruleset, job->ca, READ);
	if (!rc && job->ssh_key)
		rc = allow(ctx, ruleset, job->ssh_key, READ);
	return !rc && job->home ? allow_ssh(ctx, ruleset, job->home) : rc;
}

/* What is to be refused where no rule allows it, as far as this kernel knows it. */
static struct ruleset_attributes handled_by(long abi, bool network)
{
	struct ruleset_attributes handled = {.fs = FS_OF_ABI_1};
	handled.fs |= (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) | (abi >= 5 ? FS_IOCTL : 0);
	if (abi >= 4)
		handled.net = network ? NET_BIND : NET_BIND | NET_CONNECT;
	if (abi >= 6)
		handled.scoped = SCOPE_ALL;
	return handled;
}

int iov_sandbox_landlock(const struct iov_job *job, const struct iov_rights *rights)
{
	struct iov_ctx *ctx = job->ctx;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	/* ABI 1 refuses every rename from one folder to another, which git cannot do without. */
	if (abi < 1 || (abi < 2 && rights->kind == IOV_SANDBOX_GIT))
		return IOV_OK;
	struct ruleset_attributes handled = handled_by(abi, rights->network);
	size_t size = abi >= 6 ? sizeof(handled) : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
	iov_auto(iov_close_fd) int ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, size, 0);
	if (ruleset < 0)
		return iov_error_errno(ctx, errno, "worker: cannot set up Landlock");
	int rc = allow_all(job, ruleset, rights, handled.fs);
	if (!rc && syscall(SYS_landlock_restrict_self, ruleset, 0))
		rc = iov_error_errno(ctx, errno, "worker: cannot enter Landlock");
	return rc;
}
