/* Fetch and push. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <git2/sys/errors.h>

#include "core/refusal.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "worker/git.h"
#include "worker/git_http.h"
#include "worker/url.h"
#include "worker/watch.h"

#define FETCH_MAX (1u << 30)   /* bytes in one fetch; a registry with 10,000 archives of 100 KB */
#define PROGRESS_MS 100	       /* between two progress frames */
#define WORDS_MAX 2048	       /* bytes kept of what a remote says */
#define WORDS_HEARD (1u << 20) /* bytes that it may say */
#define REFUSAL_MAX 4096       /* and of why it refuses a ref */

/* Keys without a passphrase in the .ssh of job->home, in the order of ssh(1). */
static const char *const ssh_keys[] = {"id_rsa", "id_ecdsa", "id_ed25519"};

struct transfer {
	struct iov_job *job;
	struct iov_url url;
	const char *text; /* the URL as the user wrote it */
	git_remote *remote;
	struct iov_git_http http;
	size_t next_key; /* of ssh_keys, to offer next */
	int64_t last_progress;
	struct iov_watch watch;
	bool connected;
	size_t heard;		/* bytes of words */
	struct iov_buf words;	/* what the remote said beside the protocol */
	struct iov_buf refusal; /* why it refused a ref */
	bool failed;		/* one of the callbacks has set the error */
};

static void transfer_release(struct transfer *transfer)
{
	iov_watch_release(&transfer->watch);
	git_remote_free(transfer->remote);
	iov_url_release(&transfer->url);
	iov_buf_release(&transfer->words);
	iov_buf_release(&transfer->refusal);
}

static char *join(const char *a, const char *b, const char *c, const char *d)
{
	struct iov_buf text = {0};
	iov_buf_printf(&text, "%s%s%s%s", a, b, c, d);
	return iov_buf_take(&text);
}

/* ---- errors ----------------------------------------------------------------------------------------------------- */

static int unreachable(struct transfer *transfer, const char *why)
{
	return iov_error(transfer->job->ctx, IOV_E_NETWORK,
			 "'%s' cannot be reached: %s; check the URL and the network, or use --offline", transfer->text,
			 why);
}

/* After a server has told of its refs. */
static int broken(struct transfer *transfer)
{
	return iov_error(
		transfer->job->ctx, IOV_E_NETWORK,
		"'%s' did not send what it promised: %s (a broken connection, or a hostile server); nothing of it was "
		"kept, try again later or use --offline",
		transfer->text, iov_git_message());
}

/* An error of connect, fetch or push. */
static int transfer_error(struct transfer *transfer, int rc)
{
	struct iov_ctx *ctx = transfer->job->ctx;
	if (transfer->failed || transfer->http.failed)
		return iov_error_code(ctx);
	if (rc == GIT_ECERTIFICATE && transfer->url.kind == IOV_URL_SSH)
		return iov_error(
			ctx, IOV_E_NETWORK,
			"'%s': its host key is not the one that '%s/.ssh/known_hosts' has, if it has one; compare "
			"the fingerprint with the server's, then write the key there (ssh-keyscan shows it)",
			transfer->text, transfer->job->home);
	if (rc == GIT_EAUTH)
		return iov_error(ctx, IOV_E_NETWORK, "'%s' does not let you in: %s", transfer->text, iov_git_message());
	/* This host's own trouble comes before what the remote says, which may have said no more than how it counts. */
	int code = iov_git_error(ctx, rc, "'%s'", transfer->text);
	if (code == IOV_E_SPACE || code == IOV_E_PERMISSION || iov_git_is_too_much())
		return code;
	if (transfer->words.len)
		return iov_error(ctx, IOV_E_NETWORK, "'%s': %s; the remote says: %s", transfer->text, iov_git_message(),
				 transfer->words.data);
	return transfer->connected ? broken(transfer) : unreachable(transfer, iov_git_message());
}

/* ---- callbacks -------------------------------------------------------------------------------------------------- */

/* Every callback that fails has set the error first. */
static int fail(struct transfer *transfer)
{
	transfer->failed = true;
	return GIT_EUSER;
}

static int on_progress(const git_indexer_progress *stats, void *payload)
{
	struct transfer *transfer = payload;
	struct iov_job *job = transfer->job;
	if (stats->received_bytes > FETCH_MAX) {
		iov_error(job->ctx, IOV_E_UNTRUSTED,
			  "'%s' sent more than the %u MiB that a fetch may have (endless data)", transfer->text,
			  FETCH_MAX >> 20);
		return fail(transfer);
	}
	if (stats->received_objects == stats->total_objects)
		iov_watch_end(&transfer->watch);
	else
		iov_watch_feed(&transfer->watch, stats->received_bytes);
	int64_t now = iov_frame_now();
	if (now - transfer->last_progress < PROGRESS_MS)
		return 0;
	transfer->last_progress = now;
	return iov_frame_send_progress(job->sock, stats->received_objects, stats->total_objects) ? GIT_EUSER : 0;
}

static int on_words(const char *text, int len, void *payload)
{
	struct transfer *transfer = payload;
	transfer->heard += (size_t)len;
	if (transfer->heard > WORDS_HEARD) {
		iov_error(transfer->job->ctx, IOV_E_UNTRUSTED,
			  "'%s' talks without end beside what it was asked for (endless data attack); nothing of it "
			  "was kept, "
			  "ask the registry's host",
			  transfer->text);
		return fail(transfer);
	}
	size_t room = WORDS_MAX - transfer->words.len;
	iov_buf_add(&transfer->words, text, (size_t)len < room ? (size_t)len : room);
	return 0;
}

static int on_push_result(const char *ref, const char *status, void *payload)
{
	struct transfer *transfer = payload;
	(void)ref;
	if (status)
		iov_buf_printf(&transfer->refusal, "%.*s", REFUSAL_MAX, status);
	return 0;
}

/* The next of the user's keys that exists. */
static int offer_key(struct transfer *transfer, const char *user, git_credential **ret)
{
	while (transfer->next_key < IOV_COUNT(ssh_keys)) {
		const char *name = ssh_keys[transfer->next_key++];
		iov_auto(iov_free_ptr) char *key = join(transfer->job->home, "/.ssh/", name, "");
		if (!key) {
			iov_oom(transfer->job->ctx);
			return fail(transfer);
		}
		if (access(key, R_OK) == 0)
			return git_credential_ssh_key_new(ret, user ? user : "git", NULL, key, "");
	}
	iov_error(transfer->job->ctx, IOV_E_NETWORK,
		  "'%s' accepts none of your keys; it needs id_ed25519, id_ecdsa or id_rsa without a passphrase in "
		  "'%s/.ssh' (ssh agents are not asked)",
		  transfer->text, transfer->job->home);
	return fail(transfer);
}

/* The one key that is named for this place, once. */
static int offer_named_key(struct transfer *transfer, const char *user, git_credential **ret)
{
	if (!transfer->next_key++)
		return git_credential_ssh_key_new(ret, user ? user : "git", NULL, transfer->job->ssh_key, "");
	if (!iov_job_send_credential(transfer->job, false))
		iov_error(transfer->job->ctx, IOV_E_NETWORK, "'%s' does not accept the ssh key '%s'", transfer->text,
			  transfer->job->ssh_key);
	return fail(transfer);
}

/* Only ssh asks here: HTTP has a transport of ours, and git:// knows no credentials. */
static int on_credentials(git_credential **ret, const char *url, const char *user, unsigned allowed, void *payload)
{
	struct transfer *transfer = payload;
	(void)url;
	if (transfer->url.kind == IOV_URL_SSH && (allowed & GIT_CREDENTIAL_USERNAME))
		return git_credential_username_new(ret, "git");
	if (transfer->url.kind == IOV_URL_SSH && (allowed & GIT_CREDENTIAL_SSH_KEY))
		return transfer->job->ssh_key ? offer_named_key(transfer, user, ret) : offer_key(transfer, user, ret);
	iov_error(transfer->job->ctx, IOV_E_NETWORK, "'%s' asks for a password, and keys are all that ssh offers here",
		  transfer->text);
	return fail(transfer);
}

static int on_transport(git_transport **ret, git_remote *remote, void *payload)
{
	struct transfer *transfer = payload;
	return iov_git_http(&transfer->http, remote, ret);
}

static void set_callbacks(struct transfer *transfer, git_remote_callbacks *callbacks)
{
	callbacks->payload = transfer;
	callbacks->credentials = on_credentials;
	callbacks->transfer_progress = on_progress;
	callbacks->sideband_progress = on_words;
	callbacks->push_update_reference = on_push_result;
	if (transfer->url.kind == IOV_URL_HTTP)
		callbacks->transport = on_transport;
}

/* ---- both ------------------------------------------------------------------------------------------------------- */

/* libgit2 says little of a local path that is wrong. */
static int check_local(struct transfer *transfer)
{
	struct stat st;
	if (transfer->url.kind != IOV_URL_LOCAL)
		return IOV_OK;
	if (stat(transfer->url.target, &st))
		return unreachable(transfer, "there is no such folder");
	if (git_repository_open_ext(NULL, transfer->url.target, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL))
		return unreachable(transfer, "it is not a git repository");
	return IOV_OK;
}

/* What the main process has found for this URL. */
static int take_credential(struct transfer *transfer)
{
	struct iov_job *job = transfer->job;
	transfer->http = (struct iov_git_http){.job = job, .url = transfer->text};
	int rc = iov_json_opt_string(job->ctx, "worker request", job->request, "authorization",
				     &transfer->http.authorization);
	if (!rc && transfer->url.kind == IOV_URL_HTTP && !iov_git_http)
		rc = iov_error(job->ctx, IOV_E_INTERNAL, "this worker does not speak HTTP; reinstall iovpkg");
	return rc;
}

static int begin(struct transfer *transfer, git_repository *repo)
{
	int rc = check_local(transfer);
	if (rc)
		return rc;
	if ((rc = take_credential(transfer)))
		return rc;
	if (transfer->url.kind == IOV_URL_SSH)
		git_libgit2_opts(GIT_OPT_SET_HOMEDIR, transfer->job->home);
	rc = git_remote_create_anonymous(&transfer->remote, repo, transfer->url.target);
	return rc ? transfer_error(transfer, rc) : IOV_OK;
}

static int parse_url(struct transfer *transfer)
{
	int rc = iov_job_string(transfer->job, "url", &transfer->text);
	return rc ? rc : iov_url_parse(transfer->job->ctx, transfer->text, &transfer->url);
}

/* ---- fetch ------------------------------------------------------------------------------------------------------ */

static int connect_to(struct transfer *transfer)
{
	git_remote_connect_options options;
	git_remote_connect_options_init(&options, GIT_REMOTE_CONNECT_OPTIONS_VERSION);
	set_callbacks(transfer, &options.callbacks);
	options.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
	uint64_t patience = 0;
	int rc = iov_json_opt_uint(transfer->job->ctx, "worker request", transfer->job->request, "patience", &patience);
	if (!rc && transfer->url.kind != IOV_URL_LOCAL)
		rc = iov_watch_begin(&transfer->watch, transfer->job, transfer->text, patience);
	if (rc)
		return rc;
	git_error_clear();
	rc = git_remote_connect_ext(transfer->remote, GIT_DIRECTION_FETCH, &options);
	if (rc)
		return transfer_error(transfer, rc);
	iov_watch_feed(&transfer->watch, 0);
	transfer->connected = true;
	return IOV_OK;
}

/* One commit deep where libgit2 can: from a local path it refuses to, and over a lasting connection (ssh, git) it
 * confuses the server. */
static bool is_shallow(const struct transfer *transfer)
{
	return transfer->url.kind == IOV_URL_HTTP;
}

static int find_remote_ref(struct transfer *transfer, const char *ref, git_oid *ret)
{
	const git_remote_head **heads;
	size_t count;
	int rc = git_remote_ls(&heads, &count, transfer->remote);
	if (rc)
		return transfer_error(transfer, rc);
	for (size_t i = 0; i < count; i++)
		if (!strcmp(heads[i]->name, ref)) {
			git_oid_cpy(ret, &heads[i]->oid);
			return IOV_OK;
		}
	return iov_error(transfer->job->ctx, IOV_E_NOT_FOUND, "'%s' has no ref '%s'", transfer->text, ref);
}

static int download(struct transfer *transfer, git_repository *repo, const char *ref)
{
	iov_auto(iov_free_ptr) char *spec = join("+", ref, ":", ref);
	if (!spec)
		return iov_oom(transfer->job->ctx);
	git_fetch_options options;
	git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
	set_callbacks(transfer, &options.callbacks);
	options.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
	options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	options.update_fetchhead = 0;
	options.depth = is_shallow(transfer) ? 1 : GIT_FETCH_DEPTH_FULL;
	git_strarray specs = {.strings = &spec, .count = 1};
	int rc = git_remote_fetch(transfer->remote, &specs, &options, NULL);
	if (rc && !transfer->failed && iov_git_end_lock(repo, ref, IOV_GIT_CLONE_LOCK_MS))
		rc = git_remote_fetch(transfer->remote, &specs, &options, NULL);
	return rc ? transfer_error(transfer, rc) : IOV_OK;
}

/* What the local ref names now; the remote may have moved between the listing and the fetch. */
static int answer_ref(struct iov_job *job, git_repository *repo, const char *ref)
{
	git_oid id;
	int rc = git_reference_name_to_id(&id, repo, ref);
	if (rc)
		return iov_git_error(job->ctx, rc, "cannot read ref '%s'", ref);
	git_oid_tostr(job->answer, sizeof(job->answer), &id);
	return IOV_OK;
}

int iov_job_git_fetch(struct iov_job *job)
{
	const char *ref;
	git_oid theirs, ours;
	iov_auto(iov_git_free_repository) git_repository *repo = NULL;
	iov_auto(transfer_release) struct transfer transfer = {.job = job};
	int rc = iov_job_string(job, "ref", &ref);
	rc = rc ? rc : iov_job_no_input(job);
	rc = rc ? rc : parse_url(&transfer);
	rc = rc ? rc : iov_git_open_or_init(job, &repo);
	rc = rc ? rc : iov_git_sweep(job, repo);
	rc = rc ? rc : begin(&transfer, repo);
	transfer.http.ref = ref;
	rc = rc ? rc : connect_to(&transfer);
	rc = rc ? rc : find_remote_ref(&transfer, ref, &theirs);
	if (rc)
		return rc;
	bool current = git_reference_name_to_id(&ours, repo, ref) == 0 && git_oid_equal(&ours, &theirs);
	if (!current && is_shallow(&transfer))
		rc = iov_git_mark_ends(job, repo);
	rc = rc || current ? rc : download(&transfer, repo, ref);
	iov_watch_end(&transfer.watch);
	return rc ? rc : answer_ref(job, repo, ref);
}

/* ---- push ------------------------------------------------------------------------------------------------------- */

static int push_error(struct transfer *transfer, const char *remote_ref, int rc)
{
	struct iov_ctx *ctx = transfer->job->ctx;
	if (rc == GIT_ENONFASTFORWARD)
		return iov_error(ctx, IOV_E_CONFLICT,
				 "'%s' refused '%s': it has commits there that are not in this push", transfer->text,
				 remote_ref);
	if (rc == GIT_EBAREREPO)
		return iov_error(ctx, IOV_E_CONFLICT,
				 "'%s' refused '%s': it is a repository with a work tree; a registry is a "
				 "bare one",
				 transfer->text, remote_ref);
	return transfer_error(transfer, rc);
}

/* A registry's hook gives its own code and reason; git and other hooks say a word, and more beside the protocol. */
static int push_refused(struct transfer *transfer)
{
	const char *text;
	int code = iov_refusal_code(transfer->refusal.data, &text);
	if (code)
		return iov_error(transfer->job->ctx, code, "'%s' refuses it: %s", transfer->text, text);
	return iov_error(transfer->job->ctx, IOV_E_CONFLICT, "'%s' refuses it: %s%s%s", transfer->text, text,
			 transfer->words.len ? "; it says: " : "", transfer->words.len ? transfer->words.data : "");
}

static int upload(struct transfer *transfer, const char *ref, const char *remote_ref)
{
	iov_auto(iov_free_ptr) char *spec = join("", ref, ":", remote_ref);
	if (!spec)
		return iov_oom(transfer->job->ctx);
	git_push_options options;
	git_push_options_init(&options, GIT_PUSH_OPTIONS_VERSION);
	set_callbacks(transfer, &options.callbacks);
	options.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
	git_strarray specs = {.strings = &spec, .count = 1};
	int rc = git_remote_push(transfer->remote, &specs, &options);
	if (rc)
		return push_error(transfer, remote_ref, rc);
	return transfer->refusal.len ? push_refused(transfer) : IOV_OK;
}

int iov_job_git_push(struct iov_job *job)
{
	const char *ref, *remote_ref;
	iov_auto(iov_git_free_repository) git_repository *repo = NULL;
	iov_auto(transfer_release) struct transfer transfer = {.job = job};
	int rc = iov_job_string(job, "ref", &ref);
	rc = rc ? rc : iov_job_string(job, "remote_ref", &remote_ref);
	rc = rc ? rc : iov_job_no_input(job);
	rc = rc ? rc : parse_url(&transfer);
	rc = rc ? rc : iov_git_open(job, &repo);
	rc = rc ? rc : begin(&transfer, repo);
	rc = rc ? rc : upload(&transfer, ref, remote_ref);
	return rc || !transfer.words.len ? rc : iov_job_send_data(job, transfer.words.data, transfer.words.len);
}
