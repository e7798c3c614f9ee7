#include "registry/subject.h"

#include <string.h>
#include <time.h>

#include "registry/admin.h"
#include "registry/log.h"
#include "registry/scratch.h"
#include "util/cleanup.h"
#include "util/fs.h"

static void keep_nothing(const struct iov_source *source, const struct iov_listed *listed, const struct iov_buf *text)
{
	(void)source;
	(void)listed;
	(void)text;
}

static void view_trust(struct iov_subject *ret)
{
	ret->name = ret->trust->name;
	ret->url = ret->trust->url;
	ret->source = iov_trust_source(ret->trust);
	ret->source.recall = NULL; /* what the registry has is asked for, not what this host remembers */
	if (ret->source.keep)
		ret->source.keep = keep_nothing; /* all of it would push out what this host needs */
	ret->root = iov_trust_root(ret->trust);
	ret->head = &ret->trust->head;
}

static int open_named(struct iov_ctx *ctx, const char *name, struct iov_subject *ret)
{
	int rc = iov_trust_open(ctx, name, &ret->trust);
	if (!rc && !ctx->config.offline)
		rc = iov_trust_update(ctx, ret->trust, time(NULL));
	if (rc)
		return rc;
	view_trust(ret);
	return IOV_OK;
}

static int open_web(struct iov_ctx *ctx, const char *url, struct iov_subject *ret)
{
	bool local;
	iov_auto(iov_free_ptr) char *target = NULL;
	int rc = iov_registry_locate(ctx, url, &local, &target);
	if (!rc)
		rc = iov_scratch_folder(ctx, &ret->scratch);
	if (!rc)
		rc = iov_trust_look(ctx, target, ret->scratch, &ret->trust);
	if (!rc)
		view_trust(ret);
	return rc;
}

/* A repository on this host. */
static int open_path(struct iov_ctx *ctx, const char *what, struct iov_subject *ret)
{
	bool local = false;
	iov_auto(iov_free_ptr) char *path = NULL;
	int rc = iov_registry_locate(ctx, what, &local, &path);
	if (!rc && !local)
		return iov_error(
			ctx, IOV_E_USAGE,
			"'%s' is not on this host; add it with 'iovpkg registry add NAME %s', and then say NAME", what,
			what);
	if (!rc)
		rc = iov_host_open(ctx, path, &ret->host);
	if (rc)
		return rc;
	ret->name = ret->url = ret->host.path;
	ret->source = iov_host_source(&ret->host);
	ret->root = ret->host.root;
	ret->head = &ret->host.head;
	return IOV_OK;
}

static int check_log(struct iov_ctx *ctx, const struct iov_subject *subject)
{
	struct iov_hash root;
	iov_auto(iov_log_release) struct iov_log log;
	iov_log_init(&log, &subject->source, subject->head->log_size);
	int rc = iov_log_root(ctx, &log, &root);
	if (rc || iov_hash_equal(&root, &subject->head->log_root))
		return rc;
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "the log tiles of registry '%s' do not give the root that head %llu names", subject->name,
			 (unsigned long long)subject->head->version);
}

int iov_subject_open(struct iov_ctx *ctx, const char *what, struct iov_subject *ret)
{
	*ret = (struct iov_subject){.name = NULL};
	int rc = iov_is_name(what)     ? open_named(ctx, what, ret)
		 : iov_sparse_is(what) ? open_web(ctx, what, ret)
				       : open_path(ctx, what, ret);
	if (!rc)
		rc = check_log(ctx, ret);
	if (rc)
		iov_subject_release(ret);
	return rc;
}

void iov_subject_release(struct iov_subject *subject)
{
	iov_trust_free(subject->trust);
	iov_host_release(&subject->host);
	if (subject->scratch)
		iov_fs_rmtree(subject->scratch);
	free(subject->scratch);
	*subject = (struct iov_subject){.name = NULL};
}

bool iov_subject_has_moved(struct iov_ctx *ctx, const struct iov_subject *subject)
{
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	iov_auto(iov_free_ptr) char *etag = NULL;
	const struct iov_trust *trust = subject->trust;
	if (!trust || !trust->sparse)
		return false;
	struct iov_saved_error saved = iov_error_save(ctx);
	int rc = iov_sparse_head(ctx, trust->sparse, NULL, &note, &etag);
	iov_error_restore(ctx, saved);
	return !rc && note.data && strcmp(note.data, trust->note) != 0;
}
