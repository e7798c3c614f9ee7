/* Man pages from the command table, in mdoc(7). */
#include <ctype.h>
#include <string.h>

#include "cli/codes.h"
#include "cli/generate.h"
#include "cli/help.h"
#include "iovpkg.h"
#include "util/cleanup.h"

#define COLUMNS 76 /* of a line of text, escapes not counted */
#define PAGE_DATE                                                                                                      \
	"November 23, 2026" /* of the last change of the texts, not of the build: equal sources give equal pages */

/* A line that begins with "." or "'" would be a request. */
static void add_escaped(struct iov_buf *out, const char *text, size_t len)
{
	if (len && (text[0] == '.' || text[0] == '\''))
		iov_buf_puts(out, "\\&");
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\')
			iov_buf_puts(out, "\\e");
		else if (text[i] == '-' && (i == 0 || text[i - 1] == '-' || text[i - 1] == ' ' || text[i - 1] == '\''))
			iov_buf_puts(out, "\\-");
		else
			iov_buf_add(out, text + i, 1);
	}
}

/* One sentence, filled to the width of a screen. */
static void add_filled(struct iov_buf *out, const char *text, size_t len)
{
	iov_auto(iov_buf_release) struct iov_buf sentence = {0}, filled = {0};
	iov_buf_add(&sentence, text, len);
	if (!iov_buf_failed(&sentence))
		cli_add_wrapped(&filled, sentence.data, COLUMNS, 0);
	for (char *line = filled.data, *end; line && *line; line = end + 1) {
		end = strchrnul(line, '\n');
		add_escaped(out, line, (size_t)(end - line));
		iov_buf_puts(out, "\n");
		if (!*end)
			break;
	}
}

/* Each sentence begins a line, as mdoc wants it; an empty line is a paragraph. */
static void add_text(struct iov_buf *out, const char *text)
{
	while (*text) {
		const char *stop = strstr(text, ". "), *line = strchrnul(text, '\n');
		size_t len = stop && stop < line ? (size_t)(stop - text) + 1 : (size_t)(line - text);
		add_filled(out, text, len);
		text += len;
		if (!strncmp(text, "\n\n", 2))
			iov_buf_puts(out, ".Pp\n");
		text += strspn(text, " \n");
	}
}

static void add_sentence(struct iov_buf *out, const char *text)
{
	iov_auto(iov_buf_release) struct iov_buf sentence = {0};
	iov_buf_printf(&sentence, "%c%s.", toupper((unsigned char)*text), text + 1);
	if (!iov_buf_failed(&sentence))
		add_text(out, sentence.data);
}

static void add_option_names(struct iov_buf *out, const struct cli_option *option)
{
	if (option->letter)
		iov_buf_printf(out, "Fl %c , ", option->letter);
	iov_buf_printf(out, "Fl \\-%s", option->name);
	if (option->value)
		iov_buf_printf(out, " Ar %s", option->value);
}

static void add_options(struct iov_buf *out, const struct cli_option *option)
{
	if (!option || !option->name)
		return;
	iov_buf_puts(out, ".Bl -tag -width Ds\n");
	for (; option->name; option++) {
		if (!option->help)
			continue;
		iov_buf_puts(out, ".It ");
		add_option_names(out, option);
		iov_buf_puts(out, "\n");
		add_sentence(out, option->help);
	}
	iov_buf_puts(out, ".El\n");
}

/* "NAME[@REQ]" has brackets of its own, so arguments are not split into macros. */
static void add_synopsis(struct iov_buf *out, const struct cli_command *command)
{
	iov_buf_printf(out, ".Nm \"iovpkg %s\"\n", command->full);
	for (const struct cli_option *option = command->options; option && option->name; option++)
		iov_buf_printf(out, ".Op Fl \\-%s%s%s%s\n", option->name, option->value ? " Ar " : "",
			       option->value ? option->value : "", option->kind == CLI_LIST ? " ..." : "");
	for (const struct cli_argument *argument = command->arguments; argument && argument->name; argument++) {
		const char *more = argument->max > 1 ? " ..." : "";
		iov_buf_printf(out, argument->min ? ".Ar %s%s\n" : ".Op Ar %s%s\n", argument->name, more);
	}
}

static void add_arguments(struct iov_buf *out, const struct cli_argument *argument)
{
	if (!argument || !argument->name)
		return;
	iov_buf_puts(out, ".Bl -tag -width Ds\n");
	for (; argument->name; argument++) {
		iov_buf_printf(out, ".It Ar %s\n", argument->name);
		add_sentence(out, argument->help);
	}
	iov_buf_puts(out, ".El\n");
}

static void add_examples(struct iov_buf *out, const struct cli_example *example)
{
	if (!example)
		return;
	iov_buf_puts(out, ".Sh EXAMPLES\n.Bl -tag -width Ds\n");
	for (; example->line; example++) {
		iov_buf_puts(out, ".It Li \"");
		add_escaped(out, example->line, strlen(example->line));
		iov_buf_puts(out, "\"\n");
		add_sentence(out, example->meaning);
	}
	iov_buf_puts(out, ".El\n");
}

static void add_child(struct iov_buf *out, const struct cli_command *child)
{
	iov_buf_printf(out, ".Ss iovpkg %s\n", child->full);
	add_text(out, child->description);
	add_arguments(out, child->arguments);
	add_options(out, child->options);
}

static void add_head(struct iov_buf *out, const char *name, const char *about)
{
	iov_auto(iov_buf_release) struct iov_buf title = {0};
	iov_buf_puts(&title, name);
	for (size_t i = 0; i < title.len; i++)
		title.data[i] = (char)toupper((unsigned char)title.data[i]);
	iov_buf_printf(out, ".Dd %s\n.Dt %s 1\n.Os \"iovpkg %s\"\n.Sh NAME\n.Nm %s\n.Nd %s\n.Sh SYNOPSIS\n", PAGE_DATE,
		       title.data ? title.data : "", iov_version(), name, about);
}

static void add_exit_status(struct iov_buf *out)
{
	iov_buf_puts(out, ".Sh EXIT STATUS\n.Bl -tag -width Ds\n");
	for (size_t i = 0; cli_code(i); i++) {
		iov_buf_printf(out, ".It %zu Pq %s\n", i, cli_code(i)->name);
		add_sentence(out, cli_code(i)->meaning);
	}
	iov_buf_puts(out, ".El\n");
}

static void add_synopses(struct iov_buf *out, const struct cli_command *command)
{
	for (const struct cli_command *const *child = command->children; child && *child; child++)
		add_synopses(out, *child);
	if (!command->children)
		add_synopsis(out, command);
}

static void add_children(struct iov_buf *out, const struct cli_command *command)
{
	for (const struct cli_command *const *child = command->children; child && *child; child++) {
		add_child(out, *child);
		add_children(out, *child);
	}
}

static void add_command_page(struct iov_buf *out, const struct cli_command *command)
{
	iov_auto(iov_buf_release) struct iov_buf name = {0};
	iov_buf_printf(&name, "iovpkg-%s", command->full);
	for (char *at = name.data; at && *at; at++)
		*at = *at == ' ' ? '-' : *at;
	add_head(out, name.data ? name.data : "", command->summary);
	add_synopses(out, command);
	iov_buf_puts(out, ".Sh DESCRIPTION\n");
	add_text(out, command->description);
	add_children(out, command);
	add_arguments(out, command->arguments);
	add_options(out, command->options);
	iov_buf_puts(
		out,
		".Pp\nThe options of every command, the environment and the files are described in\n.Xr iovpkg 1 .\n");
	iov_buf_puts(
		out,
		".Sh EXIT STATUS\n0 on success, otherwise the number of the error, as listed in\n.Xr iovpkg 1 .\n");
	for (const struct cli_command *const *child = command->children; child && *child; child++)
		if ((*child)->examples) {
			add_examples(out, (*child)->examples);
			break;
		}
	add_examples(out, command->examples);
	iov_buf_puts(out, ".Sh SEE ALSO\n.Xr iovpkg 1\n");
}

static void add_rows(struct iov_buf *out, const char *section, const char *macro, const char *const (*rows)[2])
{
	iov_buf_printf(out, ".Sh %s\n.Bl -tag -width Ds\n", section);
	for (; (*rows)[0]; rows++) {
		iov_buf_printf(out, ".It %s %s\n", macro, (*rows)[0]);
		add_sentence(out, (*rows)[1]);
	}
	iov_buf_puts(out, ".El\n");
}

static const char *const environment[][2] = {
	{"IOVPKG_ROOT", "the folder to work below, where --root is not given"},
	{"IOVPKG_WORKER", "path of the program iovpkg-worker, which does what touches the outside"},
	{"NO_COLOR", "not empty: no colours"},
	{"TERM", "'dumb' or not set: no colours"},
	{NULL, NULL},
};

static const char *const files[][2] = {
	{"/var/lib/iovpkg",
	 "generations, the store of unpacked modules, the journal of a change under way, and the trust in registries"},
	{"/var/cache/iovpkg", "downloads, which may be deleted at any time"},
	{"/etc/iovpkg", "settings"},
	{"/etc/iovpkg/credentials.yaml", "where the credentials for registries are"},
	{"/sys/fs/bpf/iovpkg", "pinned programs, maps and links of what is loaded"},
	{NULL, NULL},
};

static void add_program_page(struct iov_buf *out)
{
	add_head(out, "iovpkg", "package manager for IO modules, packaged eBPF programs");
	iov_buf_puts(out, ".Nm\n.Op Ar OPTION ...\n.Ar COMMAND\n.Op Ar WORD ...\n.Sh DESCRIPTION\n");
	add_text(out, "Installs modules from signed registries, loads them into the running kernel, shares maps "
		      "between them along their "
		      "dependencies, and replaces them while traffic flows. Every command that changes the host makes "
		      "a new generation "
		      "of it, or leaves it as it was.");
	for (int group = 0; group < CLI_GROUP_COUNT; group++) {
		iov_buf_printf(out, ".Ss %s\n.Bl -tag -width Ds\n", cli_group_titles[group]);
		for (const struct cli_command *const *command = cli_commands; *command; command++) {
			if ((int)(*command)->group != group)
				continue;
			iov_buf_printf(out, ".It Xr iovpkg-%s 1\n", (*command)->name);
			add_sentence(out, (*command)->summary);
		}
		iov_buf_puts(out, ".El\n");
	}
	iov_buf_puts(out, ".Ss Options of every command\n");
	add_options(out, cli_global_options);
	add_rows(out, "ENVIRONMENT", "Ev", environment);
	add_rows(out, "FILES", "Pa", files);
	add_exit_status(out);
	iov_buf_puts(out, ".Sh SEE ALSO\n.Xr bpf 2 ,\n.Xr bpftool 8\n");
}

void cli_man_page(const struct cli_command *command, struct iov_buf *out)
{
	if (command)
		add_command_page(out, command);
	else
		add_program_page(out);
}
