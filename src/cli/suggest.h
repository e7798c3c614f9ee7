/* "Did you mean …?": the nearest of some words to one that is unknown. */
#ifndef IOV_CLI_SUGGEST_H
#define IOV_CLI_SUGGEST_H

#include <stddef.h>

struct cli_suggestion {
	const char *word; /* not NUL-terminated */
	size_t len;
	size_t distance;  /* of `best`; at first the distance from which on a word is too far off */
	const char *best; /* the nearest word offered so far; NULL: none is near */
};

struct cli_suggestion cli_suggest_begin(const char *word, size_t len);
void cli_suggest_offer(struct cli_suggestion *suggestion, const char *candidate);

#endif
