/* The git half of worker.h: each function is one worker, one request and what comes back. */
#include "worker/worker.h"

#include <errno.h>
#include <string.h>

#include "credentials/credentials.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "worker/client.h"
#include "worker/url.h"

#define LOCAL_SECONDS 300     /* a disk that takes longer is broken */
#define REMOTE_SECONDS 900    /* a first clone of a large registry over a slow line */
#define NAMES_MAX (64u << 20) /* bytes of a listing: half a million refs */
#define COMMIT_HEX 40
#define WORDS_MAX 4096 /* bytes of what a remote says beside the protocol */

static struct iov_worker_job local_job(const char *verb, const char *repo, uint64_t bytes)
{
	return (struct iov_worker_job){verb, repo, LOCAL_SECONDS, bytes, IOV_E_IO};
}

static struct iov_worker_job remote_job(const char *verb, const char *url)
{
	return (struct iov_worker_job){verb, url, REMOTE_SECONDS, 0, IOV_E_NETWORK};
}

/* The commit id that END carries. */
static int take_commit(struct iov_ctx *ctx, struct iov_worker *worker, char *ret_commit)
{
	const char *id = worker->frame.payload;
	if (worker->frame.len != COMMIT_HEX || strspn(id, "0123456789abcdef") != COMMIT_HEX)
		return iov_worker_nonsense(ctx, worker);
	if (ret_commit)
		memcpy(ret_commit, id, COMMIT_HEX + 1);
	return IOV_OK;
}

/* A job without input that answers with END alone, which carries a commit where `ret_commit` is wanted. */
static int run_simple(struct iov_ctx *ctx, const struct iov_worker_job *job, json_t *request, char *ret_commit)
{
	iov_auto(iov_worker_release) struct iov_worker worker = IOV_WORKER_NONE;
	int rc = iov_worker_start(ctx, job, request, -1, &worker);
	rc = rc ? rc : iov_worker_finish(ctx, &worker);
	return !rc && ret_commit ? take_commit(ctx, &worker, ret_commit) : rc;
}

/* The DATA of a job without input, until its END. */
static int take_data(struct iov_ctx *ctx, struct iov_worker *worker, iov_sink sink, void *cookie)
{
	int rc = iov_worker_end_input(ctx, worker);
	while (!rc && !(rc = iov_worker_next(ctx, worker)) && worker->frame.type != IOV_FRAME_END) {
		if (worker->frame.type != IOV_FRAME_DATA)
			return iov_worker_nonsense(ctx, worker);
		rc = sink(ctx, worker->frame.payload, worker->frame.len, cookie);
	}
	return rc;
}

/* A job without input whose answer is one run of bytes. */
static int run_stream(struct iov_ctx *ctx, const struct iov_worker_job *job, json_t *request, iov_sink sink,
		      void *cookie)
{
	iov_auto(iov_worker_release) struct iov_worker worker = IOV_WORKER_NONE;
	int rc = iov_worker_start(ctx, job, request, -1, &worker);
	return rc ? rc : take_data(ctx, &worker, sink, cookie);
}

static int sink_to_buf(struct iov_ctx *ctx, const void *data, size_t len, void *cookie)
{
	struct iov_buf *buf = cookie;
	iov_buf_add(buf, data, len);
	return iov_buf_failed(buf) ? iov_oom(ctx) : IOV_OK;
}

/* The same into a buffer: whole, and not NULL even where it is empty, or untouched. */
static int run_to_buf(struct iov_ctx *ctx, const struct iov_worker_job *job, json_t *request, struct iov_buf *ret)
{
	iov_auto(iov_buf_release) struct iov_buf whole = {0};
	iov_buf_add(&whole, "", 0);
	int rc = run_stream(ctx, job, request, sink_to_buf, &whole);
	if (rc)
		return rc;
	*ret = whole;
	whole = (struct iov_buf){0};
	return IOV_OK;
}

/* The folder is made here, so that the worker needs rights on nothing above it. */
static int make_folder(struct iov_ctx *ctx, const char *repo)
{
	int rc = iov_fs_mkdirs(repo, 0755);
	return rc ? iov_error_errno(ctx, rc, "cannot make the folder '%s'", repo) : IOV_OK;
}

int iov_git_init(struct iov_ctx *ctx, const char *repo)
{
	struct iov_worker_job job = local_job("making repository", repo, 0);
	int rc = make_folder(ctx, repo);
	return rc ? rc : run_simple(ctx, &job, json_pack("{s:s, s:s}", "job", "git-init", "repo", repo), NULL);
}

/* Members of the request for a job that speaks to its URL: the folder where this root keeps certificates and ssh keys,
 * and the credential for this very URL, if there is one. */
static int add_settings(struct iov_ctx *ctx, const struct iov_credential *credential, json_t *request)
{
	iov_auto(iov_free_ptr) char *etc = iov_path(ctx, IOV_ETC);
	int failed = !etc || json_object_set_new(request, "etc", json_string(etc));
	if (!failed && credential && credential->authorization)
		failed = json_object_set_new(request, "authorization", json_string(credential->authorization));
	if (!failed && credential && credential->ssh_key)
		failed = json_object_set_new(request, "ssh_key", json_string(credential->ssh_key));
	if (!failed && ctx->patience)
		failed = json_object_set_new(request, "patience", json_integer(ctx->patience));
	return failed ? iov_oom(ctx) : IOV_OK;
}

static int start_remote(struct iov_ctx *ctx, const struct iov_worker_job *job, const char *url, json_t *request,
			struct iov_worker *worker)
{
	iov_auto(iov_url_release) struct iov_url parsed = {.target = NULL};
	int rc = iov_url_parse(ctx, url, &parsed);
	if (rc) {
		json_decref(request);
		return rc;
	}
	return parsed.kind == IOV_URL_HTTP ? iov_worker_start_git_http(ctx, job, request, worker)
					   : iov_worker_start(ctx, job, request, -1, worker);
}

/* What a job that takes no input answers before its END goes to `ret_words`, if that is wanted. */
static int run_remote(struct iov_ctx *ctx, const struct iov_worker_job *job, const char *url, json_t *request,
		      char *ret_commit, struct iov_buf *ret_words)
{
	iov_auto(iov_worker_release) struct iov_worker worker = IOV_WORKER_NONE;
	iov_auto(iov_json_release) json_t *owned = request;
	const struct iov_credential *credential = NULL;
	int rc = iov_credential_find(ctx, url, &credential);
	if (!rc && owned)
		rc = add_settings(ctx, credential, owned);
	rc = rc ? rc : start_remote(ctx, job, url, iov_take(owned), &worker);
	rc = rc ? rc : (ret_words ? take_data(ctx, &worker, sink_to_buf, ret_words) : iov_worker_finish(ctx, &worker));
	if (worker.refused)
		return iov_credential_refused(ctx, url);
	if (worker.accepted)
		iov_credential_accepted(ctx, url);
	if (rc)
		return iov_credential_veil(ctx, url, credential);
	return ret_commit ? take_commit(ctx, &worker, ret_commit) : IOV_OK;
}

int iov_git_fetch(struct iov_ctx *ctx, const char *repo, const char *url, const char *ref, char *ret_commit)
{
	char commit[COMMIT_HEX + 1];
	struct iov_worker_job job = remote_job("fetching", url);
	int rc = make_folder(ctx, repo);
	if (rc)
		return rc;
	json_t *request = json_pack("{s:s, s:s, s:s, s:s}", "job", "git-fetch", "repo", repo, "url", url, "ref", ref);
	return run_remote(ctx, &job, url, request, ret_commit ? ret_commit : commit, NULL);
}

int iov_git_resolve(struct iov_ctx *ctx, const char *repo, const char *ref, char *ret_commit)
{
	char commit[COMMIT_HEX + 1];
	struct iov_worker_job job = local_job("reading", repo, 0);
	json_t *request = json_pack("{s:s, s:s, s:s}", "job", "git-resolve", "repo", repo, "ref", ref);
	return run_simple(ctx, &job, request, ret_commit ? ret_commit : commit);
}

static json_int_t limit_json(size_t limit)
{
	return limit > INT64_MAX ? INT64_MAX : (json_int_t)limit;
}

static json_t *read_request(const char *repo, const char *commit, const char *path, size_t limit)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:I}", "job", "git-read", "repo", repo, "commit", commit, "path", path,
			 "limit", limit_json(limit));
}

int iov_git_read(struct iov_ctx *ctx, const char *repo, const char *commit, const char *path, size_t limit,
		 struct iov_buf *ret)
{
	struct iov_worker_job job = local_job("reading", repo, limit);
	return run_to_buf(ctx, &job, read_request(repo, commit, path, limit), ret);
}

int iov_git_stream(struct iov_ctx *ctx, const char *repo, const char *commit, const char *path, size_t limit,
		   iov_sink sink, void *cookie)
{
	struct iov_worker_job job = local_job("reading", repo, limit);
	return run_stream(ctx, &job, read_request(repo, commit, path, limit), sink, cookie);
}

int iov_git_list(struct iov_ctx *ctx, const char *repo, const char *commit, const char *path, struct iov_buf *ret)
{
	struct iov_worker_job job = local_job("listing", repo, NAMES_MAX);
	json_t *request =
		json_pack("{s:s, s:s, s:s, s:s}", "job", "git-list", "repo", repo, "commit", commit, "path", path);
	return run_to_buf(ctx, &job, request, ret);
}

int iov_git_diff(struct iov_ctx *ctx, const char *repo, const char *from, const char *commit, struct iov_buf *ret)
{
	struct iov_worker_job job = local_job("comparing", repo, NAMES_MAX);
	json_t *request =
		json_pack("{s:s, s:s, s:s*, s:s}", "job", "git-diff", "repo", repo, "from", from, "commit", commit);
	return run_to_buf(ctx, &job, request, ret);
}

int iov_git_refs(struct iov_ctx *ctx, const char *repo, const char *prefix, struct iov_buf *ret)
{
	struct iov_worker_job job = local_job("listing", repo, NAMES_MAX);
	return run_to_buf(ctx, &job, json_pack("{s:s, s:s, s:s}", "job", "git-refs", "repo", repo, "prefix", prefix),
			  ret);
}

int iov_git_gather(struct iov_ctx *ctx, const char *repo, const char *keep, char *ret_pack)
{
	struct iov_worker_job job = local_job("packing", repo, 0);
	return run_simple(ctx, &job, json_pack("{s:s, s:s, s:s*}", "job", "git-gather", "repo", repo, "keep", keep),
			  ret_pack);
}

int iov_git_drop_packs(struct iov_ctx *ctx, const char *repo, const char *pack)
{
	struct iov_worker_job job = local_job("packing", repo, 0);
	return run_simple(ctx, &job, json_pack("{s:s, s:s, s:s}", "job", "git-drop-packs", "repo", repo, "whole", pack),
			  NULL);
}

int iov_git_delete_ref_at(struct iov_ctx *ctx, const char *repo, const char *ref, const char *commit)
{
	struct iov_worker_job job = local_job("changing", repo, 0);
	return run_simple(
		ctx, &job,
		json_pack("{s:s, s:s, s:s, s:s*}", "job", "git-delete-ref", "repo", repo, "ref", ref, "commit", commit),
		NULL);
}

int iov_git_delete_ref(struct iov_ctx *ctx, const char *repo, const char *ref)
{
	return iov_git_delete_ref_at(ctx, repo, ref, NULL);
}

int iov_git_push(struct iov_ctx *ctx, const char *repo, const char *url, const char *ref, const char *remote_ref,
		 struct iov_buf *ret_words)
{
	struct iov_worker_job job = remote_job("pushing to", url);
	json_t *request = json_pack("{s:s, s:s, s:s, s:s, s:s}", "job", "git-push", "repo", repo, "url", url, "ref",
				    ref, "remote_ref", remote_ref);
	iov_auto(iov_buf_release) struct iov_buf unheard = {0};
	job.bytes = WORDS_MAX;
	return run_remote(ctx, &job, url, request, NULL, ret_words ? ret_words : &unheard);
}

/* ---- commit ---------------------------------------------------------------------------------------------------- */

static int send_files(struct iov_ctx *ctx, struct iov_worker *worker, const struct iov_git_file *files, size_t count)
{
	int rc = IOV_OK;
	for (size_t i = 0; i < count && !rc; i++) {
		rc = iov_worker_send_file(ctx, worker, files[i].path, files[i].data ? files[i].len : IOV_NO_FILE);
		if (!rc && files[i].data)
			rc = iov_worker_send_data(ctx, worker, files[i].data, files[i].len);
	}
	return rc;
}

int iov_git_commit(struct iov_ctx *ctx, const char *repo, const char *ref, const char *parent,
		   const struct iov_git_file *files, size_t count, const char *message, int64_t time, char *ret_commit)
{
	return iov_git_commit_back(ctx, repo, ref, parent, NULL, files, count, message, time, ret_commit);
}

int iov_git_commit_back(struct iov_ctx *ctx, const char *repo, const char *ref, const char *parent, const char *base,
			const struct iov_git_file *files, size_t count, const char *message, int64_t time,
			char *ret_commit)
{
	struct iov_worker_job job = local_job("committing to", repo, 0);
	json_t *request = json_pack("{s:s, s:s, s:s, s:s*, s:s*, s:s, s:I}", "job", "git-commit", "repo", repo, "ref",
				    ref, "parent", parent, "base", base, "message", message, "time", (json_int_t)time);
	iov_auto(iov_worker_release) struct iov_worker worker = IOV_WORKER_NONE;
	int rc = iov_worker_start(ctx, &job, request, -1, &worker);
	rc = rc ? rc : send_files(ctx, &worker, files, count);
	rc = rc ? rc : iov_worker_finish(ctx, &worker);
	return rc ? rc : take_commit(ctx, &worker, ret_commit);
}

/* ---- many files ------------------------------------------------------------------------------------------------ */

struct many {
	const char *const *paths;
	size_t count, limit;
	struct iov_buf *files;
	size_t next;	  /* the file whose FILE frame comes next */
	uint64_t missing; /* bytes that the file before it still lacks */
};

static bool begin_file(struct many *many, const struct iov_frame *frame)
{
	const char *path;
	uint64_t size;
	if (many->missing || many->next == many->count || !iov_frame_parse_file(frame, &path, &size))
		return false;
	if (strcmp(path, many->paths[many->next]) != 0 || (size != IOV_NO_FILE && size > many->limit))
		return false;
	if (size != IOV_NO_FILE)
		iov_buf_add(&many->files[many->next], "", 0);
	many->missing = size == IOV_NO_FILE ? 0 : size;
	many->next++;
	return true;
}

static bool fill_file(struct many *many, const struct iov_frame *frame)
{
	if (frame->len > many->missing)
		return false;
	iov_buf_add(&many->files[many->next - 1], frame->payload, frame->len);
	many->missing -= frame->len;
	return true;
}

static int receive_many(struct iov_ctx *ctx, struct iov_worker *worker, struct many *many)
{
	int rc;
	while (!(rc = iov_worker_next(ctx, worker)) && worker->frame.type != IOV_FRAME_END) {
		bool fits = worker->frame.type == IOV_FRAME_FILE ? begin_file(many, &worker->frame)
								 : fill_file(many, &worker->frame);
		if (!fits)
			return iov_worker_nonsense(ctx, worker);
		if (iov_buf_failed(&many->files[many->next - 1]))
			return iov_oom(ctx);
	}
	if (!rc && (many->missing || many->next != many->count))
		return iov_worker_nonsense(ctx, worker);
	return rc;
}

int iov_git_read_many(struct iov_ctx *ctx, const char *repo, const char *commit, const char *const *paths, size_t count,
		      size_t limit, struct iov_buf *ret)
{
	struct iov_worker_job job =
		local_job("reading", repo, limit < UINT64_MAX / (count + 1) ? limit * count : UINT64_MAX);
	json_t *request = json_pack("{s:s, s:s, s:s, s:I}", "job", "git-read-many", "repo", repo, "commit", commit,
				    "limit", limit_json(limit));
	struct many many = {.paths = paths, .count = count, .limit = limit, .files = ret};
	for (size_t i = 0; i < count; i++)
		ret[i] = (struct iov_buf){0};
	iov_auto(iov_worker_release) struct iov_worker worker = IOV_WORKER_NONE;
	int rc = iov_worker_start(ctx, &job, request, -1, &worker);
	for (size_t i = 0; i < count && !rc; i++)
		rc = iov_worker_send_file(ctx, &worker, paths[i], IOV_NO_FILE);
	rc = rc ? rc : iov_worker_end_input(ctx, &worker);
	rc = rc ? rc : receive_many(ctx, &worker, &many);
	for (size_t i = 0; i < count && rc; i++)
		iov_buf_release(&ret[i]);
	return rc;
}
