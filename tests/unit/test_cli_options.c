#include "unit.h"

#include <string.h>

#include "cli/commands.h"
#include "cli/help.h"
#include "util/cleanup.h"

static struct cli_values values;
static struct iov_buf error;

/* Reads words, separated by blanks, as the command does; "_" stands for an empty word. */
static int parse_as(const struct cli_command *command, const char *line)
{
	static char copy[256];
	static const struct cli_option none[] = {{0}};
	const struct cli_option *tables[] = {command && command->options ? command->options : none, cli_global_options,
					     NULL};
	const char *words[16] = {0};
	int count = 0;
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		words[count++] = strcmp(word, "_") == 0 ? "" : word;
	return cli_options_parse(tables, words, count, command == NULL, &values, &error);
}

static void tidy(void)
{
	cli_values_release(&values);
	iov_buf_release(&error);
}

START_TEST(reads_every_form)
{
	static const char *const forms[] = {"--key=me x", "--key me x", "-kme x",
					    "-k me x",	  "x -k me",	"x --key=me --"};
	for (size_t i = 0; i < IOV_COUNT(forms); i++) {
		ck_assert_msg(parse_as(&cli_cmd_publish, forms[i]) > 0, "'%s': %s", forms[i], error.data);
		ck_assert_str_eq(values.key, "me");
		ck_assert_uint_eq(values.words.count, 1);
		ck_assert_str_eq(values.words.items[0], "x");
		tidy();
	}
}
END_TEST

START_TEST(reads_flags_together)
{
	ck_assert_int_gt(parse_as(&cli_cmd_install, "-nqy a b"), 0);
	ck_assert(values.dry_run && values.quiet && values.yes && !values.json);
	ck_assert_uint_eq(values.words.count, 2);
	tidy();
}
END_TEST

START_TEST(collects_lists_and_keeps_the_last)
{
	ck_assert_int_gt(parse_as(&cli_cmd_install, "--set a=1 x --as one --set b=2=3 --as=two"), 0);
	ck_assert_uint_eq(values.settings.count, 2);
	ck_assert_str_eq(values.settings.items[0], "a=1");
	ck_assert_str_eq(values.settings.items[1], "b=2=3");
	ck_assert_str_eq(values.alias, "two");
	tidy();
}
END_TEST

START_TEST(stops_at_two_dashes)
{
	ck_assert_int_gt(parse_as(&cli_cmd_search, "--json -- --quiet -x -"), 0);
	ck_assert(values.json && !values.quiet);
	ck_assert_uint_eq(values.words.count, 3);
	ck_assert_str_eq(values.words.items[0], "--quiet");
	tidy();
}
END_TEST

START_TEST(leads_up_to_the_command)
{
	ck_assert_int_eq(parse_as(NULL, "--root /x -q install --frob"), 3);
	ck_assert_str_eq(values.root, "/x");
	ck_assert(values.quiet);
	ck_assert_uint_eq(values.words.count, 0);
	tidy();
}
END_TEST

static const struct {
	const struct cli_command *command;
	const char *line, *text;
} wrong[] = {
	{&cli_cmd_install, "--jsno x", "unknown option '--jsno'; did you mean '--json'?"},
	{&cli_cmd_install, "--no-laod x", "unknown option '--no-laod'; did you mean '--no-load'?"},
	{&cli_cmd_install, "--nothing-like-it x", "unknown option '--nothing-like-it'"},
	{&cli_cmd_install, "--frob=1", "unknown option '--frob'"},
	{&cli_cmd_install, "-qz x", "unknown option '-z'"},
	{&cli_cmd_install, "--quiet=1", "option '--quiet' takes no value"},
	{&cli_cmd_install, "x --as", "option '--as' needs a value, ALIAS"},
	{&cli_cmd_install, "x --as=", "option '--as' needs a value, ALIAS"},
	{&cli_cmd_install, "x --no-load --as y", "options '--no-load' and '--as' exclude each other"},
	{NULL, "--root _ status", "option '--root' needs a value, DIR"},
	{&cli_cmd_events, "-c 0", "option '--count' needs a whole number from 1 to 9223372036854775807, not '0'"},
	{&cli_cmd_events, "-c-1", "option '--count' needs a whole number from 1 to 9223372036854775807, not '-1'"},
	{&cli_cmd_events, "-c 3x", "option '--count' needs a whole number from 1 to 9223372036854775807, not '3x'"},
};

START_TEST(says_what_is_wrong)
{
	ck_assert_int_eq(parse_as(wrong[_i].command, wrong[_i].line), -1);
	ck_assert_str_eq(error.data, wrong[_i].text);
	tidy();
}
END_TEST

START_TEST(reads_numbers)
{
	ck_assert_uint_eq(cli_parse_number("42", 42), 42);
	ck_assert_uint_eq(cli_parse_number("43", 42), 0);
	ck_assert_uint_eq(cli_parse_number("99999999999999999999", UINT64_MAX), 0);
	ck_assert_uint_eq(cli_parse_number("+1", 9), 0);
	ck_assert_uint_eq(cli_parse_number(" 1", 9), 0);
	ck_assert_uint_eq(cli_parse_number("", 9), 0);
}
END_TEST

START_TEST(reads_ages)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} ages[] = {{"90s", 90},
		    {"30m", 1800},
		    {"12h", 43200},
		    {"7d", 604800},
		    {"2w", 1209600},
		    {"7", 0},
		    {"d", 0},
		    {"-7d", 0},
		    {"7days", 0},
		    {" 7d", 0},
		    {"0d", 0},
		    {"7D", 0},
		    {"1.5d", 0},
		    {"", 0},
		    {"7d ", 0},
		    {"99999999999999999w", 0},
		    {"184467440737095516160s", 0}};
	for (size_t i = 0; i < IOV_COUNT(ages); i++)
		ck_assert_msg(cli_parse_age(ages[i].text) == ages[i].seconds, "'%s' is %llu", ages[i].text,
			      (unsigned long long)cli_parse_age(ages[i].text));
}
END_TEST

START_TEST(finds_commands)
{
	size_t used = 0;
	const char *const plain[] = {"status", "registry"}, *const family[] = {"registry", "add", "x"},
			  *const half[] = {"key", "--help"};
	ck_assert_ptr_eq(cli_command_of_words(plain, 2, &used, &error), &cli_cmd_status);
	ck_assert_uint_eq(used, 1);
	ck_assert_str_eq(cli_command_of_words(family, 3, &used, &error)->full, "registry add");
	ck_assert_uint_eq(used, 2);
	ck_assert_ptr_eq(cli_command_of_words(half, 2, &used, &error), &cli_cmd_key);
	ck_assert_uint_eq(used, 1);
}
END_TEST

START_TEST(suggests_commands)
{
	size_t used = 0;
	const char *const first[] = {"stauts"}, *const second[] = {"registry", "lst"}, *const far[] = {"xyzzy"};
	ck_assert_ptr_null(cli_command_of_words(first, 1, &used, &error));
	ck_assert_str_eq(error.data, "unknown command 'stauts'; did you mean 'status'?");
	tidy();
	ck_assert_ptr_null(cli_command_of_words(second, 2, &used, &error));
	ck_assert_str_eq(error.data, "unknown command 'registry lst'; did you mean 'registry list'?");
	tidy();
	ck_assert_ptr_null(cli_command_of_words(far, 1, &used, &error));
	ck_assert_str_eq(error.data, "unknown command 'xyzzy'");
	tidy();
}
END_TEST

START_TEST(counts_words)
{
	const char *words[] = {"a", "b"};
	struct cli_list none = {0}, one = {words, 1}, two = {words, 2};
	ck_assert(!cli_command_check_words(&cli_cmd_install, &none, &error));
	ck_assert_str_eq(error.data, "'install' needs NAME[@REQ]");
	tidy();
	ck_assert(!cli_command_check_words(&cli_cmd_info, &two, &error));
	ck_assert_str_eq(error.data, "'info' does not know what to do with 'b'");
	tidy();
	ck_assert(cli_command_check_words(&cli_cmd_install, &two, &error));
	ck_assert(cli_command_check_words(&cli_cmd_upgrade, &none, &error));
	ck_assert(cli_command_check_words(&cli_cmd_info, &one, &error));
}
END_TEST

static void check_options(const struct cli_command *command)
{
	for (const struct cli_option *option = command->options; option && option->name; option++) {
		ck_assert_msg(option->help && !option->value == (option->kind == CLI_FLAG), "%s --%s", command->full,
			      option->name);
		for (const struct cli_option *other = cli_global_options; other->name; other++) {
			ck_assert_str_ne(option->name, other->name);
			ck_assert_msg(!option->letter || option->letter != other->letter, "%s -%c", command->full,
				      option->letter);
		}
		for (const struct cli_option *other = command->options; other != option; other++) {
			ck_assert_str_ne(option->name, other->name);
			ck_assert_msg(!option->letter || option->letter != other->letter, "%s -%c", command->full,
				      option->letter);
		}
	}
}

/* Help has a line for each option and argument, and no line wider than a screen but those that cannot be broken. */
static void check_help(const struct cli_command *command)
{
	iov_auto(iov_buf_release) struct iov_buf help = {0};
	char name[64];
	cli_help_text(command, &(struct cli_look){0}, &help);
	ck_assert(!iov_buf_failed(&help));
	for (const struct cli_option *option = command->options; option && option->name; option++) {
		snprintf(name, sizeof(name), "--%s", option->name);
		ck_assert_msg(strstr(help.data, name), "%s: %s", command->full, name);
	}
	for (const struct cli_argument *argument = command->arguments; argument && argument->name; argument++)
		ck_assert_ptr_nonnull(strstr(help.data, argument->name));
}

static void check_all(const struct cli_command *const *commands)
{
	for (; *commands; commands++) {
		const struct cli_command *command = *commands;
		ck_assert(command->summary && command->description);
		ck_assert_msg(!command->run == (command->children != NULL), "%s", command->full);
		check_options(command);
		check_help(command);
		if (command->children)
			check_all(command->children);
	}
}

START_TEST(table_is_whole)
{
	check_all(cli_commands);
}
END_TEST

Suite *suite_cli_options(void);
Suite *suite_cli_options(void)
{
	Suite *suite = suite_create("cli/options");
	TCase *tests = tcase_create("options");
	tcase_add_test(tests, reads_every_form);
	tcase_add_test(tests, reads_flags_together);
	tcase_add_test(tests, collects_lists_and_keeps_the_last);
	tcase_add_test(tests, stops_at_two_dashes);
	tcase_add_test(tests, leads_up_to_the_command);
	tcase_add_loop_test(tests, says_what_is_wrong, 0, (int)IOV_COUNT(wrong));
	tcase_add_test(tests, reads_numbers);
	tcase_add_test(tests, reads_ages);
	tcase_add_test(tests, finds_commands);
	tcase_add_test(tests, suggests_commands);
	tcase_add_test(tests, counts_words);
	tcase_add_test(tests, table_is_whole);
	suite_add_tcase(suite, tests);
	return suite;
}
