/* The bash completion: a fixed part that finds out where the cursor is, and cases written from the command table. */
#include <string.h>

#include "cli/generate.h"
#include "util/cleanup.h"

/* What the shell calls to fill a place; the order is that of enum cli_names. */
static const char *const fillers[] = {
	[CLI_NAMES_NONE] = ":",
	[CLI_NAMES_FILES] = "_iovpkg_paths -f",
	[CLI_NAMES_FOLDERS] = "_iovpkg_paths -d",
	[CLI_NAMES_COMMANDS] = "_iovpkg_words \"$commands\"",
	[CLI_NAMES_AVAILABLE] = "_iovpkg_names available",
	[CLI_NAMES_INSTALLED] = "_iovpkg_names installed",
	[CLI_NAMES_INSTANCES] = "_iovpkg_names instances",
	[CLI_NAMES_REGISTRIES] = "_iovpkg_names registries",
	[CLI_NAMES_KEYS] = "_iovpkg_names keys",
};

static const char head[] =
	"# bash completion for iovpkg, generated from its command table\n"
	"# shellcheck shell=bash\n"
	"\n"
	"_iovpkg_words()\n"
	"{\n"
	"\tmapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
	"}\n"
	"\n"
	"_iovpkg_paths()\n"
	"{\n"
	"\tcompopt -o filenames 2>/dev/null\n"
	"\tmapfile -t COMPREPLY < <(compgen \"$1\" -- \"$cur\")\n"
	"}\n"
	"\n"
	"_iovpkg_names()\n"
	"{\n"
	"\t_iovpkg_words \"$(\"${COMP_WORDS[0]}\" \"${root[@]}\" --generate names \"$1\" 2>/dev/null)\"\n"
	"}\n"
	"\n";

/* Words that an option takes as its value are skipped, so that "iovpkg --root DIR install" is an install; bash splits
 * words at "=". */
static const char walk[] =
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command='' place=0 i word next\n"
	"\tlocal -a root=()\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]} next=${COMP_WORDS[i+1]}\n"
	"\t\tif [[ $word == --root ]]; then\n"
	"\t\t\t[[ $next == '=' ]] && root=(--root \"${COMP_WORDS[i+2]}\") || root=(--root \"$next\")\n"
	"\t\tfi\n"
	"\t\tif [[ $valued == *\" $word \"* ]]; then\n"
	"\t\t\t[[ $next == '=' ]] || ((i++))\n"
	"\t\telif [[ $word == -* ]]; then\n"
	"\t\t\tcontinue\n"
	"\t\telif [[ -z $command || $families == *\" $command \"* ]]; then\n"
	"\t\t\tcommand+=${command:+ }$word\n"
	"\t\telse\n"
	"\t\t\t((place++))\n"
	"\t\tfi\n"
	"\t\twhile ((i < COMP_CWORD)) && [[ ${COMP_WORDS[i+1]} == '=' ]]; do\n"
	"\t\t\t((i += 2))\n"
	"\t\tdone\n"
	"\tdone\n";

static void add_option_words(struct iov_buf *out, const struct cli_option *option, bool valued_only)
{
	for (; option && option->name; option++) {
		if (!option->help || (valued_only && option->kind == CLI_FLAG))
			continue;
		iov_buf_printf(out, " --%s", option->name);
		if (option->letter)
			iov_buf_printf(out, " -%c", option->letter);
	}
}

static void add_command_words(struct iov_buf *out, const struct cli_command *const *commands)
{
	for (const struct cli_command *const *command = commands; *command; command++)
		iov_buf_printf(out, "%s%s", command == commands ? "" : " ", (*command)->name);
}

/* Calls `add` for each command that runs, children of families included. */
static void each_command(struct iov_buf *out, const struct cli_command *const *commands,
			 void (*add)(struct iov_buf *out, const struct cli_command *command))
{
	for (; *commands; commands++) {
		add(out, *commands);
		if ((*commands)->children)
			each_command(out, (*commands)->children, add);
	}
}

static void add_valued(struct iov_buf *out, const struct cli_command *command)
{
	add_option_words(out, command->options, true);
}

static void add_value_cases_of(struct iov_buf *out, const char *command, const struct cli_option *option)
{
	for (; option && option->name; option++) {
		if (!option->help || option->kind == CLI_FLAG)
			continue;
		iov_buf_printf(out, "\t\"%s --%s\")", command, option->name);
		iov_buf_printf(out, " %s; return ;;\n", fillers[option->completes]);
		if (option->letter)
			iov_buf_printf(out, "\t\"%s -%c\") %s; return ;;\n", command, option->letter,
				       fillers[option->completes]);
	}
}

static void add_value_cases(struct iov_buf *out, const struct cli_command *command)
{
	add_value_cases_of(out, command->full, command->options);
}

static void add_option_case(struct iov_buf *out, const struct cli_command *command)
{
	if (!command->options)
		return;
	iov_buf_printf(out, "\t\t\"%s\") words+='", command->full);
	add_option_words(out, command->options, false);
	iov_buf_puts(out, "' ;;\n");
}

/* One case an argument; the last one that repeats stands for all places after it. */
static void add_place_cases(struct iov_buf *out, const struct cli_command *command)
{
	unsigned place = 0;
	if (command->children) {
		iov_buf_printf(out, "\t\"%s 0\") _iovpkg_words '", command->full);
		add_command_words(out, command->children);
		iov_buf_puts(out, "' ;;\n");
	}
	for (const struct cli_argument *argument = command->arguments; argument && argument->name;
	     argument++, place++) {
		if (argument->max > 1)
			iov_buf_printf(out, "\t\"%s \"*) %s ;;\n", command->full, fillers[argument->completes]);
		else
			iov_buf_printf(out, "\t\"%s %u\") %s ;;\n", command->full, place, fillers[argument->completes]);
	}
}

static void add_families(struct iov_buf *out)
{
	for (const struct cli_command *const *command = cli_commands; *command; command++)
		if ((*command)->children)
			iov_buf_printf(out, " %s", (*command)->name);
}

static void add_tables(struct iov_buf *out)
{
	iov_buf_puts(out, "\tlocal commands='");
	add_command_words(out, cli_commands);
	iov_buf_puts(out, "'\n\tlocal families='");
	add_families(out);
	iov_buf_puts(out, " '\n\tlocal valued='");
	add_option_words(out, cli_global_options, true);
	each_command(out, cli_commands, add_valued);
	iov_buf_puts(out, " '\n");
}

void cli_bash_completion(struct iov_buf *out)
{
	iov_buf_puts(out, head);
	iov_buf_puts(out, "_iovpkg()\n{\n");
	add_tables(out);
	iov_buf_puts(out, walk);
	iov_buf_puts(out, "\tCOMPREPLY=()\n\tcase \"$command $prev\" in\n");
	each_command(out, cli_commands, add_value_cases);
	iov_buf_puts(out, "\t*' --root') _iovpkg_paths -d; return ;;\n\tesac\n");
	iov_buf_puts(out, "\tif [[ $cur == -* ]]; then\n\t\tlocal words='");
	add_option_words(out, cli_global_options, false);
	iov_buf_puts(out, "'\n\t\tcase \"$command\" in\n");
	each_command(out, cli_commands, add_option_case);
	iov_buf_puts(out, "\t\tesac\n\t\t_iovpkg_words \"$words\"\n\t\treturn\n\tfi\n");
	iov_buf_puts(out, "\tcase \"$command $place\" in\n\t' '*) _iovpkg_words \"$commands\" ;;\n");
	each_command(out, cli_commands, add_place_cases);
	iov_buf_puts(out, "\tesac\n}\n\ncomplete -F _iovpkg iovpkg\n");
}
