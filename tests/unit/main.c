/* Runs every unit suite and prints TAP. An argument names the one suite to run ("core_version"); --list names all. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	Suite *(*make)(void);
} suites[] = {
#define SUITE(name) {#name, suite_##name},
#include "suites.h"
#undef SUITE
};

static int list(void)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(*suites); i++)
		puts(suites[i].name);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--list"))
		return list();
	SRunner *runner = srunner_create(NULL);
	for (size_t i = 0; i < sizeof(suites) / sizeof(*suites); i++)
		if (argc < 2 || !strcmp(argv[1], suites[i].name))
			srunner_add_suite(runner, suites[i].make());
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
