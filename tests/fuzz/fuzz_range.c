/* Any bytes as a Range header: ignored, or a part that lies within the file. */
#include <stdlib.h>
#include <string.h>

#include "serve/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t sizes[] = {0, 1, 100, 1ull << 40};
	char *text = malloc(size + 1);
	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct serve_range range = {0, 0};
		if (serve_range_parse(text, sizes[i], &range) != SERVE_PART)
			continue;
		if (!range.count || range.from >= sizes[i] || range.count > sizes[i] - range.from)
			abort();
	}
	free(text);
	return 0;
}
