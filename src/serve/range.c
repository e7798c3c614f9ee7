#include "serve/range.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 18

/* Moves *at behind the number; false: there is none. */
static bool number(const char **at, uint64_t *ret)
{
	size_t len = strspn(*at, "0123456789");
	if (!len || len > DIGITS_MAX)
		return false;
	*ret = strtoull(*at, NULL, 10);
	*at += len;
	return true;
}

static enum serve_range_kind last_bytes(const char *at, uint64_t size, struct serve_range *ret)
{
	uint64_t count;
	if (!number(&at, &count) || *at)
		return SERVE_WHOLE;
	if (!count || !size)
		return SERVE_OUTSIDE;
	if (count > size)
		count = size;
	*ret = (struct serve_range){size - count, count};
	return SERVE_PART;
}

enum serve_range_kind serve_range_parse(const char *text, uint64_t size, struct serve_range *ret)
{
	uint64_t first, last = UINT64_MAX;
	if (!text || strncmp(text, "bytes=", strlen("bytes=")) != 0)
		return SERVE_WHOLE;
	const char *at = text + strlen("bytes=");
	if (*at == '-')
		return last_bytes(at + 1, size, ret);
	if (!number(&at, &first) || *at++ != '-')
		return SERVE_WHOLE;
	if ((*at && !number(&at, &last)) || *at || last < first)
		return SERVE_WHOLE;
	if (first >= size)
		return SERVE_OUTSIDE;
	if (last >= size)
		last = size - 1;
	*ret = (struct serve_range){first, last - first + 1};
	return SERVE_PART;
}
