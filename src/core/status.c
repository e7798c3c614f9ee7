#include "core/status.h"

#include <string.h>

bool iov_is_status_text(const char *text)
{
	size_t len = strlen(text);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return len && len <= IOV_STATUS_TEXT_MAX;
}

/* An event about a release stands behind its publish in the log; so 0 can say that there was none. */
static int read_log(struct iov_ctx *ctx, const char *key, const json_t *status, const struct iov_release *release,
		    uint64_t *ret)
{
	int rc = iov_json_get_uint(ctx, key, status, "log", ret);
	if (!rc && *ret <= release->log)
		return iov_error(ctx, IOV_E_INPUT, "index line: '%s' is of log entry %llu, before the publish at %llu",
				 key, (unsigned long long)*ret, (unsigned long long)release->log);
	return rc;
}

static int read_text(struct iov_ctx *ctx, const char *key, const json_t *status, const char *member, const char **ret)
{
	int rc = iov_json_opt_string(ctx, key, status, member, ret);
	if (!rc && *ret && !iov_is_status_text(*ret))
		return iov_error(ctx, IOV_E_INPUT, "index line: '%s' of '%s' is not one line of at most %d bytes",
				 member, key, IOV_STATUS_TEXT_MAX);
	return rc;
}

static int read_one(struct iov_ctx *ctx, const json_t *line, const char *key, const char *member,
		    const struct iov_release *release, const char **ret_text, uint64_t *ret_log, json_t **ret_status)
{
	int rc = iov_json_opt_object(ctx, "index line", line, key, ret_status);
	if (rc || !*ret_status)
		return rc;
	rc = read_log(ctx, key, *ret_status, release, ret_log);
	return rc ? rc : read_text(ctx, key, *ret_status, member, ret_text);
}

static int read_successor(struct iov_ctx *ctx, const json_t *status, struct iov_release *release)
{
	int rc = status ? iov_json_opt_string(ctx, "deprecated", status, "successor", &release->successor) : IOV_OK;
	if (!rc && release->successor && !(release->deprecated && iov_is_name(release->successor)))
		return iov_error(ctx, IOV_E_INPUT, "index line: 'successor' of 'deprecated' is no module's name");
	return rc;
}

int iov_status_read(struct iov_ctx *ctx, const json_t *line, struct iov_release *release)
{
	json_t *yanked = NULL, *deprecated = NULL;
	int rc = read_one(ctx, line, "yanked", "reason", release, &release->yanked, &release->yank_log, &yanked);
	if (!rc)
		rc = read_one(ctx, line, "deprecated", "text", release, &release->deprecated, &release->deprecate_log,
			      &deprecated);
	return rc ? rc : read_successor(ctx, deprecated, release);
}

uint64_t iov_release_newest_event(const struct iov_release *release)
{
	uint64_t newest = release->log;
	if (release->yank_log > newest)
		newest = release->yank_log;
	return release->deprecate_log > newest ? release->deprecate_log : newest;
}
