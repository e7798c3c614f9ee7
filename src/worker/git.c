#include "worker/git.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/cleanup.h"

#define WINDOW (32u << 20)	/* bytes of a pack mapped at once, so that the address space limit is no surprise */
#define WINDOWS (256u << 20)	/* bytes mapped all together */
#define PACK_OBJECTS (4u << 20) /* in one pack: a registry of a million releases */
#define CONNECT_MS 15000
#define LOCK_STEP_MS 20
#define ANSWER_MS 30000 /* silence of a server in the middle of an answer */

const char *iov_git_message(void)
{
	const git_error *error = git_error_last();
	return error && error->message ? error->message : "no reason given";
}

static bool message_has(const char *words)
{
	return strstr(iov_git_message(), words) != NULL;
}

static bool is_of_class(int class)
{
	const git_error *error = git_error_last();
	return error && error->klass == class;
}

bool iov_git_is_too_much(void)
{
	return is_of_class(GIT_ERROR_NOMEMORY);
}

/* Objects that cannot be taken apart. */
static bool is_broken(void)
{
	return is_of_class(GIT_ERROR_TREE) || is_of_class(GIT_ERROR_OBJECT) || is_of_class(GIT_ERROR_ZLIB);
}

static enum iov_code code_of(int rc)
{
	static const struct {
		int rc;
		enum iov_code code;
	} codes[] = {
		{GIT_ENOTFOUND, IOV_E_NOT_FOUND}, {GIT_ELOCKED, IOV_E_BUSY},	   {GIT_EMODIFIED, IOV_E_BUSY},
		{GIT_EEXISTS, IOV_E_CONFLICT},	  {GIT_EAUTH, IOV_E_NETWORK},	   {GIT_ECERTIFICATE, IOV_E_NETWORK},
		{GIT_TIMEOUT, IOV_E_NETWORK},	  {GIT_EINVALIDSPEC, IOV_E_INPUT}, {GIT_EMISMATCH, IOV_E_UNTRUSTED},
	};
	/* errno is gone by now, but libgit2's message ends with its text, in the C locale. */
	if (message_has("No space left on device") || message_has("quota exceeded") || message_has("File too large"))
		return IOV_E_SPACE;
	if (message_has("Permission denied") || message_has("Operation not permitted"))
		return IOV_E_PERMISSION;
	if (is_broken())
		return IOV_E_UNTRUSTED;
	for (size_t i = 0; i < IOV_COUNT(codes); i++)
		if (codes[i].rc == rc)
			return codes[i].code;
	return IOV_E_IO;
}

int iov_git_error(struct iov_ctx *ctx, int rc, const char *format, ...)
{
	iov_auto(iov_buf_release) struct iov_buf what = {0};
	va_list args;
	va_start(args, format);
	iov_buf_vprintf(&what, format, args);
	va_end(args);
	if (iov_buf_failed(&what))
		return iov_oom(ctx);
	if (iov_git_is_too_much())
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "%s: it needs more memory than a worker may take (endless data attack); ask the "
				 "registry's host",
				 what.data);
	return iov_error(ctx, code_of(rc), "%s: %s", what.data, iov_git_message());
}

int iov_git_setup(struct iov_job *job)
{
	int rc = git_libgit2_init();
	if (rc < 0)
		return iov_git_error(job->ctx, rc, "cannot start libgit2");
	static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG,
				     GIT_CONFIG_LEVEL_GLOBAL};
	rc = 0;
	for (size_t i = 0; i < IOV_COUNT(levels) && rc >= 0; i++)
		rc = git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
	/* Who owns a repository says nothing here: all of its content is checked by digest and signature. */
	rc = rc < 0 ? rc : git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	/* A registry is the truth of many hosts; and of a clone, a fetch believes what its refs name. Neither may lose
	 * objects or get an empty ref when the power goes. */
	rc = rc < 0 ? rc : git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	rc = rc < 0 ? rc : git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, (size_t)WINDOW);
	rc = rc < 0 ? rc : git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, (size_t)WINDOWS);
	rc = rc < 0 ? rc : git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECTS, (size_t)PACK_OBJECTS);
	rc = rc < 0 ? rc : git_libgit2_opts(GIT_OPT_SET_SERVER_CONNECT_TIMEOUT, CONNECT_MS);
	rc = rc < 0 ? rc : git_libgit2_opts(GIT_OPT_SET_SERVER_TIMEOUT, ANSWER_MS);
	return rc < 0 ? iov_git_error(job->ctx, rc, "cannot set up libgit2") : IOV_OK;
}

static int open_bare(const char *path, git_repository **ret)
{
	return git_repository_open_ext(ret, path, GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_BARE, NULL);
}

int iov_git_open(struct iov_job *job, git_repository **ret)
{
	const char *path;
	int rc = iov_job_string(job, "repo", &path);
	rc = rc ? rc : iov_git_setup(job);
	if (rc)
		return rc;
	rc = open_bare(path, ret);
	if (rc == GIT_ENOTFOUND)
		return iov_error(job->ctx, IOV_E_NOT_FOUND, "there is no git repository at '%s'", path);
	return rc ? iov_git_error(job->ctx, rc, "cannot open the git repository '%s'", path) : IOV_OK;
}

int iov_git_open_or_init(struct iov_job *job, git_repository **ret)
{
	const char *path;
	int rc = iov_job_string(job, "repo", &path);
	rc = rc ? rc : iov_git_setup(job);
	if (rc || open_bare(path, ret) == 0)
		return rc;
	git_repository_init_options options;
	git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
	options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKDIR;
	options.initial_head = "main";
	rc = git_repository_init_ext(ret, path, &options);
	return rc ? iov_git_error(job->ctx, rc, "cannot make a git repository in '%s'", path) : IOV_OK;
}

bool iov_git_end_lock(const git_repository *repo, const char *ref, unsigned patience_ms)
{
	iov_auto(iov_buf_release) struct iov_buf path = {0};
	iov_buf_printf(&path, "%s%s.lock", git_repository_path(repo), ref);
	if (iov_buf_failed(&path) || access(path.data, F_OK))
		return false;
	for (unsigned waited = 0; waited < patience_ms && !access(path.data, F_OK); waited += LOCK_STEP_MS)
		nanosleep(&(struct timespec){.tv_nsec = LOCK_STEP_MS * 1000000}, NULL);
	return !unlink(path.data) || errno == ENOENT;
}
