/* Prints the manifest's schema as JSON Schema, for editors. */
#include <stdio.h>
#include <stdlib.h>

#include "core/manifest.h"
#include "util/cleanup.h"

int main(void)
{
	iov_auto(iov_json_release) json_t *schema = iov_manifest_json_schema();
	iov_auto(iov_free_ptr) char *text = schema ? iov_json_text(schema) : NULL;
	if (!text || fputs(text, stdout) < 0 || fflush(stdout))
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
