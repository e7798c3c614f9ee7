#include "hooks/probed.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "util/cleanup.h"

const char *iov_probed_text(const struct iov_site *site)
{
	const char *slash = strchr(site->section, '/');
	if (*site->target)
		return site->target;
	return slash && slash[1] ? slash + 1 : NULL;
}

bool iov_probed_at_return(const struct iov_site *site)
{
	const char *ret = strstr(site->section, "ret");
	return ret && ret - site->section <= 1; /* "uret...", "kret..." */
}

int iov_probed_split(struct iov_ctx *ctx, const struct iov_site *site, const char *place, char **ret_function,
		     uint64_t *ret_offset)
{
	size_t len = isdigit((unsigned char)*place) ? 0 : strcspn(place, "+");
	const char *number = place + len + (place[len] == '+');
	char *end = NULL;
	errno = 0;
	uint64_t offset = *number ? strtoull(number, &end, 0) : 0;
	if (errno || (*number && (!isdigit((unsigned char)*number) || *end)) || (len && place[len] == '+' && !*number))
		return iov_error(ctx, IOV_E_INPUT,
				 "'%s' of program '%s' of instance '%s' is no place to probe; write 'FUNCTION', or "
				 "'FUNCTION+0x10' for an instruction in it",
				 place, site->program, site->instance);
	*ret_function = strndup(place, len);
	if (!*ret_function)
		return iov_oom(ctx);
	*ret_offset = offset;
	return IOV_OK;
}
