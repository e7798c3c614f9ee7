/* What the texts of our documents may look like: names, versions, paths, durations. One row of a schema names one
 * format. */
#ifndef IOV_CORE_FORMAT_H
#define IOV_CORE_FORMAT_H

#include "core/ctx.h"

struct iov_format {
	const char *pattern; /* the same as far as a regular expression (ECMA 262) can say it, for JSON Schema */
	int (*check)(struct iov_ctx *ctx, const char *text); /* IOV_E_INPUT with a text that quotes the value */
};

extern const struct iov_format iov_format_schema; /* the number of the manifest's format */
extern const struct iov_format iov_format_name;	  /* of a module */
extern const struct iov_format iov_format_version;
extern const struct iov_format iov_format_requirement;
extern const struct iov_format iov_format_license; /* an SPDX expression */
extern const struct iov_format iov_format_summary;
extern const struct iov_format iov_format_source;     /* the path of a C file inside the module */
extern const struct iov_format iov_format_identifier; /* of C: a program's function, a field */
extern const struct iov_format iov_format_positive;   /* a number from 1 */
extern const struct iov_format iov_format_map;	      /* a map's name; ".data" and the like too */
extern const struct iov_format iov_format_field;      /* a place in a value: "packets", "rx.bytes", "counts[3]" */
extern const struct iov_format iov_format_param;      /* a parameter's name */
extern const struct iov_format iov_format_target;
extern const struct iov_format iov_format_value;    /* of a parameter, as text */
extern const struct iov_format iov_format_sets;	    /* "variable NAME" or "max_entries MAP" */
extern const struct iov_format iov_format_struct;   /* "struct NAME" */
extern const struct iov_format iov_format_duration; /* "500ms", "2s", "1m" */

unsigned iov_duration_ms(const char *text); /* of a checked duration; at most UINT_MAX */

/* No control characters of ASCII or Unicode: what reaches a terminal through us must not steer it. */
bool iov_is_plain_text(const char *text);

#endif
