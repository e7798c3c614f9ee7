/* Prints the JSON Schema of a file that people write, for editors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hostfile.h"
#include "core/manifest.h"
#include "credentials/entries.h"
#include "util/cleanup.h"

static const struct {
	const char *name;
	json_t *(*schema)(void);
} schemas[] = {
	{"iov", iov_manifest_json_schema},
	{"host", iov_hostfile_json_schema},
	{"credentials", iov_entries_json_schema},
};

static json_t *find(const char *name)
{
	for (size_t i = 0; i < IOV_COUNT(schemas); i++)
		if (!strcmp(schemas[i].name, name))
			return schemas[i].schema();
	return NULL;
}

int main(int argc, char **argv)
{
	iov_auto(iov_json_release) json_t *schema = argc == 2 ? find(argv[1]) : NULL;
	iov_auto(iov_free_ptr) char *text = schema ? iov_json_text(schema) : NULL;
	if (!text || fputs(text, stdout) < 0 || fflush(stdout))
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
