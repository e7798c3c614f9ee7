#include "registry/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define FORMAT "%Y-%m-%dT%H:%M:%SZ"
#define LAST 253402300799 /* the end of year 9999 */

void iov_time_text(int64_t seconds, char ret[IOV_TIME_SIZE])
{
	time_t at = seconds < 0 ? 0 : seconds > LAST ? LAST : (time_t)seconds;
	struct tm tm;
	gmtime_r(&at, &tm);
	strftime(ret, IOV_TIME_SIZE, FORMAT, &tm);
}

bool iov_time_parse(const char *text, int64_t *ret_seconds)
{
	struct tm tm = {0};
	char again[IOV_TIME_SIZE];
	const char *end = strptime(text, FORMAT, &tm);
	if (!end || *end)
		return false;
	time_t at = timegm(&tm);
	if (at < 0 || at > LAST)
		return false;
	iov_time_text(at, again);
	if (strcmp(again, text) != 0)
		return false;
	*ret_seconds = at;
	return true;
}

int iov_time_get(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, int64_t *ret_seconds)
{
	const char *text;
	int rc = iov_json_get_string(ctx, what, object, key, &text);
	if (!rc && !iov_time_parse(text, ret_seconds))
		return iov_error(ctx, IOV_E_INPUT, "%s: '%s' is not a time such as 2026-11-23T10:00:00Z", what, key);
	return rc;
}
