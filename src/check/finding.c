#include "check/finding.h"

#include <bpf/btf.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct iov_finding iov_finding(enum iov_verdict verdict, const char *missing, const char *why, const char *since,
			       const char *format, ...)
{
	struct iov_finding found = {.verdict = verdict, .missing = missing, .why = why, .since = since};
	va_list args;
	va_start(args, format);
	vsnprintf(found.what, sizeof(found.what), format, args);
	va_end(args);
	return found;
}

struct iov_finding iov_finding_good(void)
{
	return (struct iov_finding){.verdict = IOV_LOADS};
}

struct iov_finding iov_finding_absent(const struct iov_kernel *kernel, const char *missing, const char *what)
{
	if (iov_kernel_is_all(kernel))
		return iov_finding(IOV_FAILS, missing, IOV_NOT_HERE, NULL, "%s", what);
	return iov_finding(IOV_MAY_LOAD, missing, "is not in the kernel itself; one of its modules may have it", NULL,
			   "%s", what);
}

bool iov_lists(const json_t *list, const char *word)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) {
		if (json_is_string(item) && !strcmp(json_string_value(item), word))
			return true;
	}
	return false;
}

bool iov_enumerates(const struct btf *btf, const char *name, const char *prefix, const char *word, bool upper)
{
	char wanted[IOV_WHAT_MAX];
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_ENUM);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;
	snprintf(wanted, sizeof(wanted), "%s%s", prefix, word);
	for (char *at = wanted + strlen(prefix); upper && *at; at++)
		*at = (char)toupper((unsigned char)*at);
	for (unsigned i = 0; type && i < btf_vlen(type); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_enum(type)[i].name_off), wanted))
			return true;
	return false;
}
