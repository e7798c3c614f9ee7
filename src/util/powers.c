#include "util/powers.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SPARE_ID 65534 /* nobody, nogroup */

static void __attribute__((noreturn)) end_as(pid_t child)
{
	int status = 0;
	close_range(0, ~0u, 0); /* the pipes are the child's: they must end with it */
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

/* The first process of a PID namespace takes all others along when it ends. */
static int enter_namespace(void)
{
	if (unshare(CLONE_NEWPID))
		return -1;
	pid_t child = fork();
	if (child > 0)
		end_as(child);
	return child < 0 ? -1 : prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static int become_nobody(void)
{
	if (setgroups(0, NULL) && errno != EPERM) /* EPERM: a user namespace without groups */
		return -1;
	/* EINVAL: root in a user namespace that has no such user; then only the capabilities go. */
	if (setresgid(SPARE_ID, SPARE_ID, SPARE_ID) && errno != EINVAL)
		return -1;
	return setresuid(SPARE_ID, SPARE_ID, SPARE_ID) && errno != EINVAL ? -1 : 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &header, none) ? -1 : 0;
}

int iov_powers_drop(void)
{
	if (geteuid() == 0 && (enter_namespace() || become_nobody()))
		return -1;
	/* A change of the user id forgets who is told of the parent's death. */
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || drop_capabilities() || prctl(PR_SET_PDEATHSIG, SIGKILL) ? -1
														 : 0;
}
