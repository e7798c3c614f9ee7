/* The names and meanings of the library's codes, which are the exit codes. */
#ifndef IOV_CLI_CODES_H
#define IOV_CLI_CODES_H

#include <stddef.h>

struct cli_code {
	const char *name; /* in the JSON of an error */
	const char *meaning;
};

/* NULL: no such code. */
const struct cli_code *cli_code(size_t code);

#endif
