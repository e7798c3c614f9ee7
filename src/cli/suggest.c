#include "cli/suggest.h"

#include <stdlib.h>
#include <string.h>

#define WORD_MAX 31 /* longer words get no suggestion */

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;
	return ab < c ? ab : c;
}

/* Single letters added, dropped, changed, or swapped with their neighbour (optimal string alignment). */
static size_t distance_of(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *older = rows[0], *old = rows[1], *row = rows[2];
	for (size_t j = 0; j <= b_len; j++)
		old[j] = older[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = least(old[j] + 1, row[j - 1] + 1, old[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], older[j - 2] + 1, row[j]);
		}
		size_t *spare = older;
		older = old;
		old = row;
		row = spare;
	}
	return old[b_len];
}

struct cli_suggestion cli_suggest_begin(const char *word, size_t len)
{
	return (struct cli_suggestion){.word = word, .len = len, .distance = len / 3 + 2};
}

void cli_suggest_offer(struct cli_suggestion *suggestion, const char *candidate)
{
	size_t len = strlen(candidate);
	if (len > WORD_MAX || suggestion->len > WORD_MAX)
		return;
	size_t distance = distance_of(suggestion->word, suggestion->len, candidate, len);
	if (distance < suggestion->distance && distance < len) {
		suggestion->distance = distance;
		suggestion->best = candidate;
	}
}
