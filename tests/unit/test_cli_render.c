#include "unit.h"

#include <string.h>

#include "cli/codes.h"
#include "cli/generate.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/render.h"
#include "cli/show_event.h"
#include "cli/show_plan.h"
#include "util/fs.h"

static struct iov_buf out;
static const struct cli_look plain = {0}, fancy = {.utf8 = true}, narrow = {.width = 24, .utf8 = true},
			     coloured = {.colour = true};

/* Widths are measured in UTF-8 once someone has looked at a terminal; -1 is none. */
static void setup(void)
{
	ck_assert(!cli_look_at(-1, false).colour);
}

static void teardown(void)
{
	iov_buf_release(&out);
}

static const struct cli_column columns[] = {
	{.title = "NAME"}, {.title = "RUNS", .right = true}, {.title = "ABOUT", .shrinks = true}};

static void fill(struct cli_table *table)
{
	*table = (struct cli_table){.columns = columns, .n_columns = IOV_COUNT(columns)};
	cli_table_add(table, CLI_STRONG, "%s", "größe");
	cli_table_add(table, CLI_PLAIN, "%s", "1,204");
	cli_table_add(table, CLI_PLAIN, "%s", "表 wide");
	cli_table_add(table, CLI_PLAIN, "%s", "a");
	cli_table_add(table, CLI_PLAIN, "%d", 7);
	cli_table_add(table, CLI_PLAIN, "%s", "");
}

START_TEST(aligns_by_display_width)
{
	struct cli_table table;
	fill(&table);
	cli_table_print(&table, &plain, &out);
	ck_assert_str_eq(out.data, "NAME    RUNS  ABOUT\n"
				   "größe  1,204  表 wide\n"
				   "a          7\n");
	cli_table_release(&table);
}
END_TEST

START_TEST(cuts_to_the_terminal)
{
	struct cli_table table;
	fill(&table);
	cli_table_add(&table, CLI_PLAIN, "%s", "b");
	cli_table_add(&table, CLI_PLAIN, "%s", "1");
	cli_table_add(&table, CLI_PLAIN, "%s", "表表表表表表表表");
	cli_table_print(&table, &narrow, &out);
	ck_assert_ptr_nonnull(strstr(out.data, "b          1  表表表表…\n"));
	for (char *line = strtok(out.data, "\n"); line; line = strtok(NULL, "\n"))
		ck_assert_msg(cli_width(line) <= narrow.width, "%s", line);
	cli_table_release(&table);
}
END_TEST

START_TEST(colours_only_where_asked)
{
	cli_add_styled(&out, &plain, CLI_BAD, "no");
	ck_assert_str_eq(out.data, "no");
	iov_buf_release(&out);
	cli_add_styled(&out, &coloured, CLI_BAD, "no");
	ck_assert_str_eq(out.data, "\033[31mno\033[0m");
}
END_TEST

START_TEST(keeps_control_characters_out)
{
	cli_add_clean(&out,
		      "a\033[31mb\tc\nd\x7f\xc2\x9b"
		      "e–",
		      false);
	ck_assert_str_eq(out.data, "a?[31mb?c?d??e–");
	iov_buf_release(&out);
	cli_add_clean(&out, "a\nb\tc\r", true);
	ck_assert_str_eq(out.data, "a\nb\tc?");
}
END_TEST

START_TEST(writes_numbers_and_sizes)
{
	static const struct {
		uint64_t number;
		const char *text, *size;
	} cases[] = {
		{0, "0", "0 B"},
		{999, "999", "999 B"},
		{1000, "1,000", "1.0 kB"},
		{1204331, "1,204,331", "1.2 MB"},
		{999999, "999,999", "1.0 MB"},
		{UINT64_MAX, "18,446,744,073,709,551,615", "18446744.1 TB"},
	};
	for (size_t i = 0; i < IOV_COUNT(cases); i++) {
		iov_auto(iov_buf_release) struct iov_buf number = {0}, size = {0};
		cli_add_number(&number, cases[i].number);
		cli_add_size(&size, cases[i].number);
		ck_assert_str_eq(number.data, cases[i].text);
		ck_assert_str_eq(size.data, cases[i].size);
	}
}
END_TEST

START_TEST(wraps_between_words)
{
	cli_add_wrapped(&out, "one two three four", 13, 4);
	ck_assert_str_eq(out.data, "one two\n    three\n    four");
}
END_TEST

START_TEST(draws_progress)
{
	struct cli_step step = {.active = true, .verb = "fetching", .subject = "a\033b", .done = 30, .total = 60};
	cli_progress_line(&step, &plain, 0, &out);
	ck_assert_str_eq(out.data, "fetching a?b [############............]  50%");
	iov_buf_release(&out);
	step.done = 90; /* more than was told */
	cli_progress_line(&step, &plain, 0, &out);
	ck_assert_str_eq(out.data, "fetching a?b [########################] 100%");
	iov_buf_release(&out);
	step.total = 0;
	cli_progress_line(&step, &plain, 2500, &out);
	ck_assert_str_eq(out.data, "fetching a?b (2 s)");
	iov_buf_release(&out);
	cli_progress_line(&step, &(struct cli_look){.width = 11}, 2500, &out);
	ck_assert_str_eq(out.data, "fetching a");
}
END_TEST

static const char plan[] =
	"{\"from\":3,\"to\":4,\"changed\":true,\"releases\":["
	"{\"module\":\"flow-table\",\"change\":\"install\",\"from\":null,\"to\":\"1.0.0\",\"needed_by\":[\"flow-top\"]}"
	","
	"{\"module\":\"flow-count\",\"change\":\"upgrade\",\"from\":\"1.0.0\",\"to\":\"1.1.0\"}],\"instances\":["
	"{\"instance\":\"guard\",\"module\":\"xdp-guard\",\"change\":\"keep\",\"hooks\":[]},"
	"{\"instance\":\"flow-count\",\"module\":\"flow-count\",\"change\":\"replace\",\"hooks\":["
	"{\"change\":\"replace\",\"program\":\"count_in\",\"section\":\"tcx/ingress\",\"target\":\"eth0\","
	"\"moves\":\"store\"},"
	"{\"change\":\"unload\",\"program\":\"count_old\",\"section\":\"tp_btf/x\",\"target\":\"\"}]},"
	"{\"instance\":\"old\",\"module\":\"old\",\"change\":\"unload\",\"hooks\":["
	"{\"change\":\"unload\",\"program\":\"p\",\"section\":\"xdp\",\"target\":\"eth0\"}]}]}";

START_TEST(shows_plans)
{
	iov_auto(cli_json_release) json_t *json = json_loads(plan, 0, NULL);
	cli_show_plan(&fancy, json, &out);
	ck_assert_str_eq(out.data, "install  flow-table  1.0.0 (needed by flow-top)\n"
				   "upgrade  flow-count  1.0.0 → 1.1.0\n"
				   "replace  flow-count  count_in at tcx/ingress eth0, with all others in one step\n"
				   "                     count_old at tp_btf/x (goes)\n"
				   "unload   old\n");
	iov_buf_release(&out);
	cli_show_result(&plain, json, &out);
	ck_assert_ptr_nonnull(strstr(out.data, "upgraded   flow-count  1.0.0 -> 1.1.0\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "unloaded   old\ngeneration 4\n"));
	iov_buf_release(&out);
	json_object_set_new(json, "changed", json_false());
	cli_show_result(&plain, json, &out);
	ck_assert_str_eq(out.data, "nothing to do: everything is as asked\n");
}
END_TEST

static void add_event(struct cli_event_view *view, const char *text)
{
	iov_auto(cli_json_release) json_t *event = json_loads(text, 0, NULL);
	ck_assert_ptr_nonnull(event);
	cli_event_add(view, event, &out);
}

START_TEST(shows_events)
{
	struct cli_event_view view = {0};
	add_event(&view, "{\"fields\":{\"pid\":7,\"comm\":\"ls\",\"time\":\"10:00\",\"args\":[1,2]}}");
	add_event(&view, "{\"fields\":{\"pid\":123456789,\"comm\":\"\\u001b\",\"time\":\"10:01\",\"args\":[]}}");
	ck_assert_str_eq(out.data, "TIME                  PID  COMM              ARGS\n"
				   "10:00                   7  ls                [1,2]\n"
				   "10:01             123456789  ?                 []\n");
	iov_buf_release(&out);
	add_event(&view, "{\"fields\":{\"cpu\":1}}");
	ck_assert_str_eq(out.data, "    CPU\n      1\n");
	iov_buf_release(&view.head);
}
END_TEST

/* The names of the codes are told in three places; the table is right, the document must follow. */
START_TEST(every_code_is_documented)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0}, page = {0};
	ck_assert_int_eq(iov_fs_read(unit_data("../docs/exit-codes.md"), 65536, &text), 0);
	cli_man_page(NULL, &page);
	for (size_t code = 0; code <= IOV_E_STOPPED; code++) {
		char row[64];
		ck_assert(cli_code(code) && cli_code(code)->name && cli_code(code)->meaning);
		snprintf(row, sizeof(row), "\n| %zu | `%s` |", code, cli_code(code)->name);
		ck_assert_msg(strstr(text.data, row), "%s", row);
		snprintf(row, sizeof(row), ".It %zu Pq %s\n", code, cli_code(code)->name);
		ck_assert_msg(strstr(page.data, row), "%s", row);
	}
	ck_assert_ptr_null(cli_code(IOV_E_STOPPED + 1));
}
END_TEST

START_TEST(man_pages_hold_their_lines)
{
	for (const struct cli_command *const *command = cli_commands; *command; command++) {
		iov_auto(iov_buf_release) struct iov_buf page = {0};
		cli_man_page(*command, &page);
		ck_assert(!iov_buf_failed(&page));
		ck_assert_ptr_nonnull(strstr(page.data, (*command)->summary));
		for (char *line = strtok(page.data, "\n"); line; line = strtok(NULL, "\n"))
			ck_assert_msg(line[0] != '\'' && strlen(line) <= 100, "%s", line);
	}
}
END_TEST

START_TEST(completion_knows_every_command)
{
	cli_bash_completion(&out);
	for (const struct cli_command *const *command = cli_commands; *command; command++)
		ck_assert_msg(strstr(out.data, (*command)->name), "%s", (*command)->name);
	ck_assert_ptr_nonnull(strstr(out.data, "\"remove \"*) _iovpkg_names installed ;;"));
	ck_assert_ptr_nonnull(strstr(out.data, "\"registry add 1\") _iovpkg_paths -d ;;"));
	ck_assert_ptr_nonnull(strstr(out.data, "\"publish -r\")"));
}
END_TEST

Suite *suite_cli_render(void);
Suite *suite_cli_render(void)
{
	Suite *suite = suite_create("cli/render");
	TCase *tests = tcase_create("render");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, aligns_by_display_width);
	tcase_add_test(tests, cuts_to_the_terminal);
	tcase_add_test(tests, colours_only_where_asked);
	tcase_add_test(tests, keeps_control_characters_out);
	tcase_add_test(tests, writes_numbers_and_sizes);
	tcase_add_test(tests, wraps_between_words);
	tcase_add_test(tests, draws_progress);
	tcase_add_test(tests, shows_plans);
	tcase_add_test(tests, shows_events);
	tcase_add_test(tests, every_code_is_documented);
	tcase_add_test(tests, man_pages_hold_their_lines);
	tcase_add_test(tests, completion_knows_every_command);
	suite_add_tcase(suite, tests);
	return suite;
}
