#include "cli/ask.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/json.h"
#include "cli/show_plan.h"

static bool can_ask(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* The end of the input is a no. */
static bool ask(const char *text, bool on_enter)
{
	iov_auto(iov_free_ptr) char *line = NULL;
	size_t size = 0;
	fprintf(stderr, "%s %s ", text, on_enter ? "[Y/n]" : "[y/N]");
	if (getline(&line, &size, stdin) < 0) {
		fputs("\n", stderr);
		return false;
	}
	if (line[0] == '\n')
		return on_enter;
	return tolower((unsigned char)line[0]) == 'y';
}

static void show_trust(const struct cli_look *look, const json_t *root, struct iov_buf *out)
{
	(void)look;
	const struct {
		const char *title, *key;
	} rows[] = {{"registry", "registry"}, {"url", "url"}, {"fingerprint", "fingerprint"}};
	for (size_t i = 0; i < IOV_COUNT(rows); i++) {
		iov_buf_printf(out, "  %-12s ", rows[i].title);
		cli_add_clean(out, cli_text(root, rows[i].key), false);
		iov_buf_puts(out, "\n");
	}
	size_t i;
	json_t *key;
	json_array_foreach(json_object_get(root, "keys"), i, key) {
		iov_buf_printf(out, "  %-12s ", i ? "" : "keys");
		cli_add_clean(out, json_is_string(key) ? json_string_value(key) : "", false);
		iov_buf_puts(out, "\n");
	}
}

static void show_changes(const struct cli_look *look, const json_t *question, struct iov_buf *out)
{
	size_t i;
	json_t *change;
	const json_t *root = json_object_get(question, "root");
	(void)look;
	iov_buf_printf(out, "  root %llu of ", (unsigned long long)cli_uint(root, "version"));
	cli_add_clean(out, cli_text(root, "origin"), false);
	iov_buf_puts(out, cli_uint(question, "follows") ? "\n" : ", all of it:\n");
	json_array_foreach(json_object_get(question, "changes"), i, change) {
		iov_buf_puts(out, "  - ");
		cli_add_clean(out, json_is_string(change) ? json_string_value(change) : "", false);
		iov_buf_puts(out, "\n");
	}
}

static const struct {
	const char *title, *question;
	cli_show *show;
	bool on_enter; /* what the Enter key says */
	bool unasked;  /* the answer where nobody can be asked */
	bool told;     /* shown also where --yes answers */
} questions[] = {
	[IOV_ASK_PLAN] = {"The plan:", "Go ahead?", cli_show_plan, true, true},
	[IOV_ASK_TRUST] = {"This registry is new here. Compare the fingerprint with the one that its owner tells you:",
			   "Trust it?", show_trust, false, false},
	[IOV_ASK_SIGN] = {"The new root changes who is trusted:", "Sign it?", show_changes, false, false, true},
};

static bool tell(const struct cli *cli, enum iov_question question, const char *json)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(cli_json_release) json_t *document = json_loads(json, 0, NULL);
	struct cli_look look = cli_look_at(STDERR_FILENO, cli->values.no_color);
	questions[question].show(&look, document, &text);
	if (!document || iov_buf_failed(&text))
		return false;
	fprintf(stderr, "%s\n%s", questions[question].title, text.data ? text.data : "");
	return true;
}

bool cli_confirm(enum iov_question question, const char *json, void *data)
{
	struct cli *cli = data;
	cli_progress_hide(&cli->progress);
	if (cli->values.yes)
		return !questions[question].told || cli->values.quiet || tell(cli, question, json);
	if (!can_ask())
		return questions[question].unasked;
	return tell(cli, question, json) && ask(questions[question].question, questions[question].on_enter);
}
