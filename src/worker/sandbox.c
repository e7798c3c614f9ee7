#include "worker/sandbox.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/release.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define MIB (1ull << 20)

/* AddressSanitizer reserves terabytes of address space and uses none of it. */
#if defined(__SANITIZE_ADDRESS__)
#define LIMIT_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LIMIT_MEMORY 0
#endif
#endif
#ifndef LIMIT_MEMORY
#define LIMIT_MEMORY 1
#endif

struct limit {
	int resource;
	rlim_t value;
};

static const struct limit archive_limits[] = {
	{RLIMIT_CPU, 240},		 /* seconds; the largest archive packs in about a minute */
	{RLIMIT_FSIZE, IOV_ARCHIVE_MAX}, /* what it writes is an archive */
	{RLIMIT_NOFILE, 8},
	{RLIMIT_CORE, 0},
#if LIMIT_MEMORY
	{RLIMIT_AS, 512 * MIB}, /* zstd: 90 MiB to pack at level 19, at most 128 to unpack; the rest is libraries */
#endif
};

static const struct limit git_limits[] = {
	{RLIMIT_CPU, 600},	  {RLIMIT_FSIZE, 2048 * MIB}, /* twice what one fetch may bring */
	{RLIMIT_NOFILE, 512},	  {RLIMIT_CORE, 0},
#if LIMIT_MEMORY
	{RLIMIT_AS, 2048 * MIB},  /* 256 MiB of packs mapped, libraries, stacks */
	{RLIMIT_DATA, 512 * MIB}, /* a million refs (155), two million objects of a pack, an archive and its delta */
#endif
};

static const struct limit http_limits[] = {
	{RLIMIT_CPU, 600},	 {RLIMIT_FSIZE, 0}, /* it writes no file */
	{RLIMIT_NOFILE, 64},			    /* 16 connections, and what resolving names takes */
	{RLIMIT_CORE, 0},
#if LIMIT_MEMORY
	{RLIMIT_AS, 1024 * MIB}, /* libraries, and the stacks of the threads that resolve names */
#endif
};

static const struct {
	const struct limit *limits;
	size_t count;
} limits_of[] = {
	[IOV_SANDBOX_ARCHIVE] = {archive_limits, IOV_COUNT(archive_limits)},
	[IOV_SANDBOX_GIT] = {git_limits, IOV_COUNT(git_limits)},
	[IOV_SANDBOX_HTTP] = {http_limits, IOV_COUNT(http_limits)},
};

/* Never above what the process has already. */
static int set_limit(struct iov_ctx *ctx, const struct limit *limit)
{
	struct rlimit now;
	if (getrlimit(limit->resource, &now))
		return iov_error_errno(ctx, errno, "worker: cannot read a resource limit");
	rlim_t value = limit->value < now.rlim_max ? limit->value : now.rlim_max;
	if (setrlimit(limit->resource, &(struct rlimit){value, value}))
		return iov_error_errno(ctx, errno, "worker: cannot set a resource limit");
	return IOV_OK;
}

static int set_limits(struct iov_ctx *ctx, enum iov_sandbox_kind kind)
{
	int rc = IOV_OK;
	/* A write over the limit, or to a server that hung up, shall be an error with a text, not the end. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < limits_of[kind].count && !rc; i++)
		rc = set_limit(ctx, &limits_of[kind].limits[i]);
	return rc;
}

static int find_rights(struct iov_job *job, enum iov_sandbox_kind kind, struct iov_rights *rights)
{
	const char *url = NULL;
	rights->kind = kind;
	rights->network = kind == IOV_SANDBOX_HTTP;
	if (kind != IOV_SANDBOX_GIT)
		return IOV_OK;
	int rc = iov_job_string(job, "repo", &rights->repo);
	rc = rc ? rc : iov_json_opt_string(job->ctx, "worker request", job->request, "url", &url);
	if (rc || !url)
		return rc;
	rc = iov_url_parse(job->ctx, url, &rights->url);
	rights->has_url = !rc;
	rights->network = !rc && rights->url.kind != IOV_URL_LOCAL;
	return rc;
}

static char *below(const char *folder, const char *name)
{
	struct iov_buf path = {0};
	iov_buf_printf(&path, "%s/%s", folder, name);
	return iov_buf_take(&path);
}

/* Whose keys ssh uses: this root's, where it has some that the caller may read, or the caller's own. Looked up while
 * /etc/passwd can still be read. */
static int find_home(struct iov_job *job, const char *etc)
{
	const struct passwd *user = getpwuid(getuid());
	iov_auto(iov_free_ptr) char *keys = below(etc, ".ssh");
	if (!keys)
		return iov_oom(job->ctx);
	const char *home = access(keys, R_OK | X_OK) == 0 ? etc : user ? user->pw_dir : NULL;
	if (!home)
		return iov_error(job->ctx, IOV_E_INPUT,
				 "user %u has no home folder with ssh keys; make '%s', or use a URL that needs none",
				 getuid(), keys);
	job->home = strdup(home);
	if (!job->home)
		return iov_oom(job->ctx);
	return iov_json_opt_string(job->ctx, "worker request", job->request, "ssh_key", &job->ssh_key);
}

static int find_ca(struct iov_job *job, const char *etc)
{
	iov_auto(iov_free_ptr) char *ca = below(etc, "ca.pem");
	if (!ca)
		return iov_oom(job->ctx);
	job->has_ca = access(ca, F_OK) == 0;
	job->ca = iov_take(ca);
	return IOV_OK;
}

/* What the operator of this root has set for the protocol. */
static int find_settings(struct iov_job *job, const struct iov_rights *rights)
{
	const char *etc;
	if (!rights->network)
		return IOV_OK;
	int rc = iov_job_string(job, "etc", &etc);
	if (rc)
		return rc;
	return rights->has_url && rights->url.kind == IOV_URL_SSH ? find_home(job, etc) : find_ca(job, etc);
}

static void rights_release(struct iov_rights *rights)
{
	iov_url_release(&rights->url);
}

int iov_sandbox_enter(struct iov_job *job, enum iov_sandbox_kind kind)
{
	struct iov_ctx *ctx = job->ctx;
	iov_auto(rights_release) struct iov_rights rights = {0};
	int rc = find_rights(job, kind, &rights);
	rc = rc ? rc : find_settings(job, &rights);
	rc = rc ? rc : iov_sandbox_identity(ctx, &rights);
	if (rc)
		return rc;
	/* After the change of identity, which resets both: no debugger, and no life without the main process. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return iov_error_errno(ctx, errno, "worker: cannot give up privileges");
	rc = set_limits(ctx, kind);
	rc = rc ? rc : iov_sandbox_landlock(job, &rights);
	return rc ? rc : iov_sandbox_seccomp(ctx, &rights);
}
