#include "hooks/hook.h"

#include <errno.h>
#include <string.h>

#include "hooks/rows.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define WITHOUT_FILE IOV_ETC "/without"
#define WITHOUT_MAX 4096 /* bytes; a name a line, and there are few hooks */

/* A hook stands before the one that it falls back to. */
static const struct iov_hook *const hooks[] = {
	&iov_hook_xdp,
	&iov_hook_tcx,
	&iov_hook_clsact,
	&iov_hook_tracepoint,
	&iov_hook_raw_tp,
	&iov_hook_cgroup,
	&iov_hook_lsm_cgroup,
	&iov_hook_sk_lookup,
	&iov_hook_flow_dissector,
	&iov_hook_netfilter,
	&iov_hook_uprobe,
	&iov_hook_uprobe_s,
	&iov_hook_kprobe,
	&iov_hook_tp_btf,
	&iov_hook_fentry,
	&iov_hook_fentry_s,
	&iov_hook_lsm,
	&iov_hook_lsm_s,
	NULL,
};

const struct iov_hook *const *iov_hook_all(void)
{
	return hooks;
}

/* "tcx/" serves whatever follows the slash, "xdp" only itself. */
static bool serves(const struct iov_hook *hook, const char *section)
{
	for (const char *const *prefix = hook->sections; *prefix; prefix++) {
		size_t len = strlen(*prefix);
		if (!strcmp(*prefix, section) || ((*prefix)[len - 1] == '/' && !strncmp(*prefix, section, len)))
			return true;
	}
	return false;
}

static const struct iov_hook *hook_named(const char *name)
{
	for (size_t i = 0; name && hooks[i]; i++)
		if (!strcmp(hooks[i]->name, name))
			return hooks[i];
	return NULL;
}

/* The operator's word: etc/iovpkg/without names hooks that this host does not use, one a line. */
static int read_without(struct iov_ctx *ctx, struct iov_buf *ret)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, WITHOUT_FILE);
	if (!path)
		return iov_oom(ctx);
	int rc = iov_fs_read(path, WITHOUT_MAX, ret);
	if (rc == -EFBIG)
		return iov_error(ctx, IOV_E_INPUT, "'%s' is longer than %d bytes; it names hooks, one a line", path,
				 WITHOUT_MAX);
	if (rc && rc != -ENOENT)
		return iov_error_errno(ctx, rc, "cannot read '%s'", path);
	return IOV_OK;
}

static bool is_without(const struct iov_buf *without, const char *name)
{
	size_t len = strlen(name);
	for (const char *line = without->data; line && *line;) {
		size_t span = strcspn(line, "\n");
		if (span == len && !memcmp(line, name, len))
			return true;
		line += span + (line[span] == '\n');
	}
	return false;
}

static int usable(struct iov_ctx *ctx, const struct iov_hook *hook, bool *ret)
{
	iov_auto(iov_buf_release) struct iov_buf without = {0};
	int rc = read_without(ctx, &without);
	if (rc)
		return rc;
	*ret = !is_without(&without, hook->name) && (!hook->supported || hook->supported(ctx));
	return IOV_OK;
}

static int nobody_serves(struct iov_ctx *ctx, const char *section)
{
	iov_auto(iov_buf_release) struct iov_buf known = {0};
	for (size_t i = 0; hooks[i]; i++)
		iov_buf_printf(&known, "%s%s", i ? ", " : "", hooks[i]->name);
	return iov_error(ctx, IOV_E_UNSUPPORTED, "no hook serves section '%s'; this iovpkg has %s", section,
			 known.data ? known.data : "none");
}

int iov_hook_find(struct iov_ctx *ctx, const char *section, const struct iov_hook **ret)
{
	const struct iov_hook *hook = NULL;
	for (size_t i = 0; hooks[i] && !hook; i++)
		if (serves(hooks[i], section))
			hook = hooks[i];
	if (!hook)
		return nobody_serves(ctx, section);
	for (const struct iov_hook *at = hook; at; at = hook_named(at->fallback)) {
		bool here = false;
		int rc = usable(ctx, at, &here);
		if (rc)
			return rc;
		if (here) {
			*ret = at;
			return IOV_OK;
		}
	}
	return iov_error(ctx, IOV_E_UNSUPPORTED,
			 "this kernel has no '%s' hook for section '%s'; use a newer kernel, or look into %s%s",
			 hook->name, section, ctx->root, WITHOUT_FILE);
}
