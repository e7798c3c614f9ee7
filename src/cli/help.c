#include "cli/help.h"

#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"

#define COLUMNS 80
#define NAME_WIDTH 26 /* of the left column */

struct page {
	const struct cli_look *look;
	struct iov_buf *out;
};

static void add_title(const struct page *page, const char *title)
{
	iov_buf_puts(page->out, "\n");
	cli_add_styled(page->out, page->look, CLI_STRONG, title);
	iov_buf_puts(page->out, "\n");
}

/* "  name    help", with the help on the next line where the name is too long. */
static void add_row(const struct page *page, const char *name, const char *help)
{
	size_t used = cli_width(name) + 2;
	iov_buf_printf(page->out, "  %s", name);
	if (used + 1 > NAME_WIDTH) {
		iov_buf_puts(page->out, "\n");
		used = 0;
	}
	iov_buf_printf(page->out, "%*s", (int)(NAME_WIDTH - used), "");
	cli_add_wrapped(page->out, help, COLUMNS, NAME_WIDTH);
	iov_buf_puts(page->out, "\n");
}

static void add_options(const struct page *page, const char *title, const struct cli_option *options)
{
	if (!options || !options->name)
		return;
	add_title(page, title);
	for (; options->name; options++) {
		iov_auto(iov_buf_release) struct iov_buf name = {0};
		if (!options->help)
			continue;
		if (options->letter)
			iov_buf_printf(&name, "-%c, --%s", options->letter, options->name);
		else
			iov_buf_printf(&name, "    --%s", options->name);
		if (options->value)
			iov_buf_printf(&name, " %s", options->value);
		if (!iov_buf_failed(&name))
			add_row(page, name.data, options->help);
	}
}

static void add_commands(const struct page *page, const struct cli_command *const *commands, int group)
{
	for (; *commands; commands++)
		if (group < 0 || (int)(*commands)->group == group)
			add_row(page, (*commands)->name, (*commands)->summary);
}

void cli_argument_usage(const struct cli_argument *argument, struct iov_buf *out)
{
	const char *more = argument->max > 1 ? "..." : "";
	iov_buf_printf(out, argument->min ? "%s%s" : "[%s]%s", argument->name, more);
}

static void add_usage(const struct page *page, const struct cli_command *command)
{
	cli_add_styled(page->out, page->look, CLI_STRONG, "Usage:");
	iov_buf_printf(page->out, " iovpkg %s%s", command->full, command->children ? " COMMAND" : " [OPTION]...");
	for (const struct cli_argument *argument = command->arguments; argument && argument->name; argument++) {
		iov_buf_puts(page->out, " ");
		cli_argument_usage(argument, page->out);
	}
	iov_buf_puts(page->out, "\n\n");
}

static void add_arguments(const struct page *page, const struct cli_argument *argument)
{
	if (!argument || !argument->name)
		return;
	add_title(page, "Arguments");
	for (; argument->name; argument++)
		add_row(page, argument->name, argument->help);
}

static void add_examples(const struct page *page, const struct cli_example *example)
{
	if (!example)
		return;
	add_title(page, "Examples");
	for (; example->line; example++)
		iov_buf_printf(page->out, "  %s\n      %s\n", example->line, example->meaning);
}

static void add_command(const struct page *page, const struct cli_command *command)
{
	add_usage(page, command);
	cli_add_wrapped(page->out, command->description, COLUMNS, 0);
	iov_buf_puts(page->out, "\n");
	if (command->children) {
		add_title(page, "Commands");
		add_commands(page, command->children, -1);
	}
	add_arguments(page, command->arguments);
	add_options(page, "Options", command->options);
	add_options(page, "Options of every command", cli_global_options);
	add_examples(page, command->examples);
}

static void add_overview(const struct page *page)
{
	iov_buf_puts(page->out,
		     "iovpkg: install, load and upgrade IO modules (packaged eBPF programs) on a live kernel\n\n");
	cli_add_styled(page->out, page->look, CLI_STRONG, "Usage:");
	iov_buf_puts(page->out, " iovpkg [OPTION]... COMMAND [WORD]...\n");
	for (int group = 0; group < CLI_GROUP_COUNT; group++) {
		add_title(page, cli_group_titles[group]);
		add_commands(page, cli_commands, group);
	}
	add_options(page, "Options of every command", cli_global_options);
	iov_buf_puts(page->out, "\n'iovpkg help COMMAND' tells more of one.\n");
}

void cli_help_text(const struct cli_command *command, const struct cli_look *look, struct iov_buf *out)
{
	const struct page page = {look, out};
	if (command)
		add_command(&page, command);
	else
		add_overview(&page);
}

int cli_help(struct cli *cli, const struct cli_command *command)
{
	iov_auto(iov_buf_release) struct iov_buf out = {0};
	struct cli_look look = cli_look_at(STDOUT_FILENO, cli->values.no_color);
	cli_help_text(command, &look, &out);
	return cli_print(cli, &out);
}
