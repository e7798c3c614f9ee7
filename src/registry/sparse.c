#include "registry/sparse.h"

#include <stdio.h>
#include <string.h>

#include "credentials/credentials.h"
#include "registry/changes.h"
#include "registry/head.h"
#include "registry/checked.h"
#include "util/cleanup.h"

#define SCHEME "sparse+"

static const struct iov_checked_bounds bounds = {IOV_SPARSE_FILES_MAX, IOV_SPARSE_BYTES_MAX};

struct iov_sparse {
	char *name;
	char *url;		  /* as HTTP has it; ends in a slash */
	char *files;		  /* the folder of what was checked */
	struct iov_http *session; /* NULL: not opened yet */
	struct iov_changes ahead; /* what was read ahead; data NULL: the server has no such file */
	char *etag;		  /* of the head.note among it */
};

bool iov_sparse_is(const char *url)
{
	return !strncmp(url, SCHEME, strlen(SCHEME));
}

/* ---- making one ---- */

static bool is_http(const char *url)
{
	static const char *const schemes[] = {"https://", "http://"};
	for (size_t i = 0; i < IOV_COUNT(schemes); i++) {
		const char *host = url + strlen(schemes[i]);
		if (!strncmp(url, schemes[i], strlen(schemes[i])) && *host && *host != '/')
			return true;
	}
	return false;
}

/* Paths are put behind it, so it has no query; a password in it would be stored for everybody to read. */
static int check_url(struct iov_ctx *ctx, const char *url)
{
	bool plain = strlen(url) < IOV_HTTP_URL_MAX - IOV_INDEX_PATH_MAX;
	for (const char *at = url; *at; at++)
		plain &= *at > ' ' && *at < 127 && !strchr("?#@\"<>\\^`{|}", *at);
	if (is_http(url) && plain)
		return IOV_OK;
	return iov_error(ctx, IOV_E_INPUT,
			 "'" SCHEME "%.200s' is no URL of a registry; write 'sparse+https://HOST/PATH', without user, "
			 "password, '?' and '#'",
			 url);
}

int iov_sparse_new(struct iov_ctx *ctx, const char *name, const char *url, const char *folder, struct iov_sparse **ret)
{
	const char *plain = url + strlen(SCHEME);
	int rc = check_url(ctx, plain);
	if (rc)
		return rc;
	struct iov_sparse *sparse = calloc(1, sizeof(*sparse));
	if (!sparse)
		return iov_oom(ctx);
	const char *slash = plain[strlen(plain) - 1] == '/' ? "" : "/";
	sparse->name = strdup(name);
	if (asprintf(&sparse->url, "%s%s", plain, slash) < 0)
		sparse->url = NULL;
	if (asprintf(&sparse->files, "%s/files", folder) < 0)
		sparse->files = NULL;
	if (!sparse->name || !sparse->url || !sparse->files) {
		iov_sparse_free(sparse);
		return iov_oom(ctx);
	}
	*ret = sparse;
	return IOV_OK;
}

void iov_sparse_free(struct iov_sparse *sparse)
{
	if (!sparse)
		return;
	iov_http_free(sparse->session);
	iov_changes_release(&sparse->ahead);
	free(sparse->etag);
	free(sparse->files);
	free(sparse->url);
	free(sparse->name);
	free(sparse);
}

void iov_sparse_adopt(struct iov_sparse *to, struct iov_sparse *from)
{
	if (!to->session)
		to->session = iov_take(from->session);
}

const char *iov_sparse_url(const struct iov_sparse *sparse)
{
	return sparse->url;
}

int iov_sparse_session(struct iov_ctx *ctx, struct iov_sparse *sparse, struct iov_http **ret)
{
	int rc = sparse->session ? IOV_OK : iov_http_open(ctx, &sparse->session);
	if (!rc)
		*ret = sparse->session;
	return rc;
}

/* ---- asking ---- */

struct question {
	struct iov_http_request *requests;
	struct iov_http_answer *answers;
	size_t count;
};

static void question_release(struct question *question)
{
	for (size_t i = 0; question->requests && i < question->count; i++)
		free((char *)question->requests[i].url);
	if (question->answers)
		iov_http_answers_release(question->answers, question->count);
	free(question->requests);
	free(question->answers);
}

static int question_init(struct iov_ctx *ctx, const struct iov_sparse *sparse, const char *const *paths, size_t count,
			 size_t limit, struct question *ret)
{
	ret->requests = calloc(count + 1, sizeof(*ret->requests));
	ret->answers = calloc(count + 1, sizeof(*ret->answers));
	if (!ret->requests || !ret->answers)
		return iov_oom(ctx);
	ret->count = count;
	for (size_t i = 0; i < count; i++) {
		char *url = NULL;
		if (asprintf(&url, "%s%s", sparse->url, paths[i]) < 0)
			return iov_oom(ctx);
		ret->requests[i] = (struct iov_http_request){.url = url, .limit = limit};
	}
	return IOV_OK;
}

static bool is_refused(const struct question *question)
{
	for (size_t i = 0; i < question->count; i++)
		if (question->answers[i].status == 401)
			return true;
	return false;
}

static int put_question(struct iov_ctx *ctx, struct iov_sparse *sparse, struct question *question)
{
	struct iov_http *session = NULL;
	if (ctx->config.offline)
		return iov_error(
			ctx, IOV_E_NETWORK,
			"registry '%s': '%s' is not among what this host has kept; run again without --offline",
			sparse->name, question->requests[0].url);
	const struct iov_credential *credential = NULL;
	int rc = iov_sparse_session(ctx, sparse, &session);
	if (!rc)
		rc = iov_credential_find(ctx, sparse->url, &credential);
	if (rc)
		return rc;
	for (size_t i = 0; credential && i < question->count; i++)
		question->requests[i].authorization = credential->authorization;
	rc = iov_http_get(session, question->requests, question->count, question->answers);
	if (credential && is_refused(question))
		return iov_credential_refused(ctx, sparse->url);
	if (!rc && credential)
		iov_credential_accepted(ctx, sparse->url);
	rc = rc ? iov_credential_veil(ctx, sparse->url, credential) : IOV_OK;
	return rc == IOV_E_NETWORK || rc == IOV_E_UNTRUSTED ? iov_error_prefix(ctx, "registry '%s'", sparse->name) : rc;
}

static void take_body(struct iov_http_answer *answer, struct iov_buf *ret)
{
	if (answer->status != 200)
		return;
	*ret = answer->body;
	answer->body = (struct iov_buf){0};
}

static int fetch(struct iov_ctx *ctx, struct iov_sparse *sparse, const char *const *paths, size_t count, size_t limit,
		 struct iov_buf *ret)
{
	iov_auto(question_release) struct question question = {.count = 0};
	int rc = question_init(ctx, sparse, paths, count, limit, &question);
	if (!rc)
		rc = put_question(ctx, sparse, &question);
	for (size_t i = 0; !rc && i < count; i++)
		take_body(&question.answers[i], &ret[i]);
	return rc;
}

/* ---- what was read ahead: for one taker ---- */

static bool take_ahead(struct iov_sparse *sparse, const char *path, struct iov_buf *ret)
{
	for (size_t i = 0; i < sparse->ahead.count; i++) {
		struct iov_git_file *file = &sparse->ahead.files[i];
		if (strcmp(file->path, path) != 0)
			continue;
		if (file->data)
			iov_buf_add(ret, file->data, file->len);
		free((void *)file->path);
		free((void *)file->data);
		*file = sparse->ahead.files[--sparse->ahead.count];
		return true;
	}
	return false;
}

static int keep_ahead(struct iov_ctx *ctx, struct iov_sparse *sparse, const char *path, struct iov_http_answer *answer)
{
	bool is_head = !strcmp(path, IOV_HEAD_PATH);
	if (is_head) {
		free(sparse->etag);
		sparse->etag = strdup(answer->etag);
		if (!sparse->etag)
			return iov_oom(ctx);
	}
	if (answer->status != 200)
		return iov_changes_remove(ctx, &sparse->ahead, path);
	return iov_changes_put(ctx, &sparse->ahead, path, answer->body.data, answer->body.len);
}

int iov_sparse_read_ahead(struct iov_ctx *ctx, struct iov_sparse *sparse, const char *const *paths, size_t count,
			  size_t limit)
{
	iov_auto(question_release) struct question question = {.count = 0};
	int rc = question_init(ctx, sparse, paths, count, limit, &question);
	if (!rc)
		rc = put_question(ctx, sparse, &question);
	for (size_t i = 0; !rc && i < count; i++)
		rc = keep_ahead(ctx, sparse, paths[i], &question.answers[i]);
	return rc;
}

/* ---- the head ---- */

static int no_head(struct iov_ctx *ctx, const struct iov_sparse *sparse)
{
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "'" SCHEME "%s' is no registry: it has no '" IOV_HEAD_PATH "'; check the URL", sparse->url);
}

static int ask_head(struct iov_ctx *ctx, struct iov_sparse *sparse, const char *etag, struct iov_buf *ret,
		    char **ret_etag)
{
	const char *path = IOV_HEAD_PATH;
	iov_auto(question_release) struct question question = {.count = 0};
	int rc = question_init(ctx, sparse, &path, 1, IOV_HEAD_MAX, &question);
	if (rc)
		return rc;
	question.requests[0].etag = etag && *etag ? etag : NULL;
	rc = put_question(ctx, sparse, &question);
	if (rc)
		return rc;
	if (question.answers[0].status == 404)
		return no_head(ctx, sparse);
	take_body(&question.answers[0], ret);
	*ret_etag = strdup(question.answers[0].etag);
	return *ret_etag ? IOV_OK : iov_oom(ctx);
}

int iov_sparse_head(struct iov_ctx *ctx, struct iov_sparse *sparse, const char *etag, struct iov_buf *ret,
		    char **ret_etag)
{
	if (!take_ahead(sparse, IOV_HEAD_PATH, ret))
		return ask_head(ctx, sparse, etag, ret, ret_etag);
	*ret_etag = iov_take(sparse->etag);
	if (iov_buf_failed(ret))
		return iov_oom(ctx);
	return ret->data ? IOV_OK : no_head(ctx, sparse);
}

/* ---- as a source ---- */

static int read_files(struct iov_ctx *ctx, const struct iov_source *source, const char *const *paths, size_t count,
		      size_t limit, struct iov_buf *ret)
{
	struct iov_sparse *sparse = source->data;
	iov_auto(iov_free_ptr) const char **missing = calloc(count + 1, sizeof(*missing));
	iov_auto(iov_free_ptr) size_t *places = calloc(count + 1, sizeof(*places));
	iov_auto(iov_free_ptr) struct iov_buf *texts = calloc(count + 1, sizeof(*texts));
	size_t n_missing = 0;
	if (!missing || !places || !texts)
		return iov_oom(ctx);
	for (size_t i = 0; i < count; i++) {
		if (take_ahead(sparse, paths[i], &ret[i]))
			continue;
		places[n_missing] = i;
		missing[n_missing++] = paths[i];
	}
	int rc = n_missing ? fetch(ctx, sparse, missing, n_missing, limit, texts) : IOV_OK;
	for (size_t i = 0; i < n_missing; i++)
		ret[places[i]] = texts[i];
	return rc;
}

static bool recall(const struct iov_source *source, const struct iov_listed *listed, struct iov_buf *ret)
{
	const struct iov_sparse *sparse = source->data;
	return iov_checked_read(sparse->files, listed, ret);
}

static void keep(const struct iov_source *source, const struct iov_listed *listed, const struct iov_buf *text)
{
	const struct iov_sparse *sparse = source->data;
	iov_checked_write(sparse->files, listed, text);
}

struct iov_source iov_sparse_source(struct iov_sparse *sparse)
{
	return (struct iov_source){.read = read_files, .recall = recall, .keep = keep, .data = sparse};
}

void iov_sparse_prune(const struct iov_sparse *sparse)
{
	iov_checked_prune(sparse->files, &bounds);
}
