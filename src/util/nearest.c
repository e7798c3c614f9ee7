#include "util/nearest.h"

#include <string.h>

#define WORD_MAX 64 /* longer words are no slips of the finger */

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned smaller = a < b ? a : b;
	return smaller < c ? smaller : c;
}

/* Optimal string alignment: edits and swaps of neighbours; three rows are enough. */
static unsigned distance_of(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];
	for (size_t j = 0; j <= b_len; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = least(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1, row[j]);
		}
		unsigned *free_row = before;
		before = last;
		last = row;
		row = free_row;
	}
	return last[b_len];
}

void iov_nearest_init(struct iov_nearest *nearest, const char *word, size_t len)
{
	*nearest = (struct iov_nearest){.word = word, .len = len, .distance = ~0u};
}

void iov_nearest_offer(struct iov_nearest *nearest, const char *name)
{
	size_t len = strlen(name);
	if (nearest->len > WORD_MAX || len > WORD_MAX)
		return;
	unsigned distance = distance_of(nearest->word, nearest->len, name, len);
	if (distance < nearest->distance && distance <= (len < 3 ? 1 : len / 3)) {
		nearest->distance = distance;
		nearest->name = name;
	}
}
