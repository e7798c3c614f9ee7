/* The hook proc-receive of a repository, and the line of its configuration that makes git ask it. */
#include "registry/admin.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/fs.h"

#define CONFIG_MAX (1u << 20) /* bytes of a repository's configuration */

/* Every ref that is pushed is the hook's, so that whoever may push can submit, and do nothing else. */
static const char config_lines[] = "[receive]\n\tprocReceiveRefs = refs\n";

static void add_quoted(struct iov_buf *script, const char *word)
{
	iov_buf_puts(script, " '");
	for (; *word; word++)
		if (*word == '\'')
			iov_buf_puts(script, "'\\''");
		else
			iov_buf_add(script, word, 1);
	iov_buf_puts(script, "'");
}

static int write_script(struct iov_ctx *ctx, const char *path, const char *key)
{
	iov_auto(iov_buf_release) struct iov_buf script = {0};
	iov_buf_puts(&script,
		     "#!/bin/sh\n"
		     "# Judges what is pushed before the push ends (githooks(5), proc-receive). Who runs git here "
		     "has to be able to read the key.\n"
		     "exec iovpkg");
	if (*ctx->root && strcmp(ctx->root, "/") != 0) {
		iov_buf_puts(&script, " --root");
		add_quoted(&script, ctx->root);
	}
	iov_buf_puts(&script, " registry accept . --hook --key");
	add_quoted(&script, key);
	iov_buf_puts(&script, "\n");
	if (iov_buf_failed(&script))
		return iov_oom(ctx);
	int err = iov_fs_mkdirs_for(path, 0755);
	if (!err)
		err = iov_fs_replace(path, script.data, script.len, 0755);
	return err ? iov_error_errno(ctx, err, "cannot write hook '%s'", path) : IOV_OK;
}

static int add_config(struct iov_ctx *ctx, const char *path)
{
	iov_auto(iov_buf_release) struct iov_buf config = {0};
	int err = iov_fs_read(path, CONFIG_MAX, &config);
	iov_buf_puts(&config, config_lines);
	if (iov_buf_failed(&config))
		return iov_oom(ctx);
	if (!err)
		err = iov_fs_replace(path, config.data, config.len, 0644);
	return err ? iov_error_errno(ctx, err, "cannot change '%s'", path) : IOV_OK;
}

int iov_registry_install_hook(struct iov_ctx *ctx, const char *path, const char *key)
{
	bool local;
	iov_auto(iov_free_ptr) char *place = NULL;
	iov_auto(iov_buf_release) struct iov_buf hook = {0};
	iov_auto(iov_buf_release) struct iov_buf config = {0};
	int rc = iov_registry_locate(ctx, path, &local, &place);
	if (rc)
		return rc;
	/* The hook runs in the repository's folder. */
	iov_auto(iov_free_ptr) char *absolute = strchr(key, '/') ? realpath(key, NULL) : NULL;
	iov_buf_printf(&hook, "%s/hooks/proc-receive", place);
	iov_buf_printf(&config, "%s/config", place);
	if (iov_buf_failed(&hook) || iov_buf_failed(&config))
		return iov_oom(ctx);
	rc = write_script(ctx, hook.data, absolute ? absolute : key);
	return rc ? rc : add_config(ctx, config.data);
}
