/*
 * System calls. An archive job computes, reads and writes what it holds: a list of what it may. Git and
 * HTTP go through libraries whose calls change with their version: a list of what they may not. A refused call fails
 * with EPERM.
 */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>

#include "util/cleanup.h"
#include "worker/sandbox.h"

static const int archive_calls[] = {
	/* its socket and its file */
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(lseek),
	SCMP_SYS(close),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(mprotect),
	SCMP_SYS(madvise),
	/* the C library */
	SCMP_SYS(futex),
	SCMP_SYS(getrandom),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

static const int never_for_libraries[] = {
	/* other programs and processes */
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(kcmp),
	SCMP_SYS(pidfd_open),
	SCMP_SYS(pidfd_getfd),
	/* the kernel and the machine */
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(reboot),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(syslog),
	SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime),
	SCMP_SYS(adjtimex),
	SCMP_SYS(clock_adjtime),
	SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
	SCMP_SYS(acct),
	SCMP_SYS(quotactl),
	SCMP_SYS(iopl),
	SCMP_SYS(ioperm),
	/* mounts and namespaces */
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount),
	SCMP_SYS(fspick),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_tree),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	/* files around the usual checks */
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(name_to_handle_at),
	SCMP_SYS(mknod),
	SCMP_SYS(mknodat),
	SCMP_SYS(fanotify_init),
	/* attack surface without use here */
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(keyctl),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(vmsplice),
	SCMP_SYS(personality),
	SCMP_SYS(listen),
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
};

/* Names are resolved over the internet, a local socket of the resolver, and netlink, which lists this host's addresses.
 */
static const int network_families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

static int add_rules(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
	int rc = 0;
	for (size_t i = 0; i < count && !rc; i++)
		rc = seccomp_rule_add(filter, action, calls[i], 0);
	return rc;
}

static bool is_network_family(int family)
{
	for (size_t i = 0; i < IOV_COUNT(network_families); i++)
		if (network_families[i] == family)
			return true;
	return false;
}

/* A rule can compare an argument once only, so the families in between are refused one by one. */
static int add_socket_rules(scmp_filter_ctx filter, bool network)
{
	const uint32_t refuse = SCMP_ACT_ERRNO(EPERM);
	if (!network)
		return seccomp_rule_add(filter, refuse, SCMP_SYS(socket), 0);
	int rc = seccomp_rule_add(filter, refuse, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_GT, AF_NETLINK, 0));
	for (int family = 0; family < AF_NETLINK && !rc; family++)
		if (!is_network_family(family))
			rc = seccomp_rule_add(filter, refuse, SCMP_SYS(socket), 1,
					      SCMP_A0(SCMP_CMP_EQ, (unsigned)family, 0));
	return rc;
}

/* libgit2 packs and unpacks in threads, libcurl resolves names in one. What clone3 would do stands in memory that a
 * filter cannot read, so the C library is sent back to clone, which may make a thread and no process. */
static int add_thread_rules(scmp_filter_ctx filter)
{
	int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return rc ? rc
		  : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				     SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
}

static int fill(scmp_filter_ctx filter, const struct iov_rights *rights)
{
	if (rights->kind == IOV_SANDBOX_ARCHIVE)
		return add_rules(filter, SCMP_ACT_ALLOW, archive_calls, IOV_COUNT(archive_calls));
	int rc = add_rules(filter, SCMP_ACT_ERRNO(EPERM), never_for_libraries, IOV_COUNT(never_for_libraries));
	rc = rc ? rc : add_thread_rules(filter);
	return rc ? rc : add_socket_rules(filter, rights->network);
}

int iov_sandbox_seccomp(struct iov_ctx *ctx, const struct iov_rights *rights)
{
	uint32_t otherwise = rights->kind == IOV_SANDBOX_ARCHIVE ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_ALLOW;
	scmp_filter_ctx filter = seccomp_init(otherwise);
	if (!filter)
		return iov_oom(ctx);
	int rc = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC,
				  1); /* errors of the kernel, not a word for all of them */
	rc = rc ? rc : fill(filter, rights);
	rc = rc ? rc : seccomp_load(filter);
	seccomp_release(filter);
	/* A kernel without seccomp has the other walls. */
	if (rc && rc != -EINVAL && rc != -ENOSYS)
		return iov_error_errno(ctx, rc, "worker: cannot limit system calls");
	return IOV_OK;
}
