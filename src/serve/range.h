/* "Range: bytes=FIRST-[LAST]" and "bytes=-COUNT" (RFC 9110, 14.1.2), one range alone. */
#ifndef IOV_SERVE_RANGE_H
#define IOV_SERVE_RANGE_H

#include <stdint.h>

struct serve_range {
	uint64_t from, count; /* bytes */
};

enum serve_range_kind {
	SERVE_WHOLE,   /* none was asked for, or none that is understood: those are to be ignored */
	SERVE_PART,    /* *ret has at least one byte */
	SERVE_OUTSIDE, /* nothing of it is in the file */
};

/* `text` may be NULL. `size` is the file's. */
enum serve_range_kind serve_range_parse(const char *text, uint64_t size, struct serve_range *ret);

#endif
