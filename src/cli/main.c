/* The program iovpkg: finds the command, reads its words, runs it. Nothing is opened before the command is known. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/generate.h"
#include "cli/help.h"
#include "cli/passphrase.h"
#include "cli/signals.h"
#include "util/cleanup.h"

static void on_event(const struct iov_event *event, void *data)
{
	cli_progress_event(&((struct cli *)data)->progress, event);
}

static const char *environment(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

static const char *on_environment(const char *name, void *data)
{
	(void)data;
	return environment(name);
}

static char *worker_in(const char *folder, size_t len)
{
	struct iov_buf path = {0};
	iov_buf_printf(&path, "%.*s/iovpkg-worker", (int)len, folder);
	iov_auto(iov_free_ptr) char *worker = iov_buf_take(&path);
	return worker && access(worker, X_OK) == 0 ? iov_take(worker) : NULL;
}

/* Uninstalled, the worker stands next to the program, or above libtool's folder of programs. NULL: the library knows
 * the installed one. */
static char *worker_nearby(void)
{
	static const char libtool[] = "/.libs";
	char program[4096];
	ssize_t got = readlink("/proc/self/exe", program, sizeof(program) - 1);
	program[got > 0 ? got : 0] = '\0';
	const char *slash = strrchr(program, '/');
	size_t len = slash ? (size_t)(slash - program) : 0, tail = sizeof(libtool) - 1;
	char *worker = len ? worker_in(program, len) : NULL;
	if (!worker && len > tail && !memcmp(program + len - tail, libtool, tail))
		worker = worker_in(program, len - tail);
	return worker;
}

static int open_and_run(struct cli *cli)
{
	const char *worker = environment("IOVPKG_WORKER");
	iov_auto(iov_free_ptr) char *nearby = worker ? NULL : worker_nearby();
	cli->progress.quiet = cli->values.quiet;
	cli->progress.no_color = cli->values.no_color;
	struct iov_config config = {
		.root = cli->values.root ? cli->values.root : environment("IOVPKG_ROOT"),
		.worker = worker ? worker : nearby,
		.offline = cli->values.offline,
		.min_age = cli->values.min_age,
		.event = on_event,
		.confirm = cli_confirm,
		.environment = on_environment,
		.passphrase = cli_passphrase,
		.stop = cli_signals_stop,
		.changing = cli_signals_changing,
		.data = cli,
	};
	cli_signals_init();
	if (!cli_passphrase_init(cli))
		return IOV_E_USAGE;
	int rc = iov_ctx_new(&config, &cli->ctx);
	if (rc)
		rc = cli_fail(cli, rc, cli->ctx ? iov_error_text(cli->ctx) : "out of memory");
	else
		rc = cli->command ? cli->command->run(cli) : cli_generate_names(cli);
	iov_ctx_free(cli->ctx);
	return rc;
}

static int usage_error(struct cli *cli, const struct iov_buf *error, const char *const *words, int count)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	const struct cli_command *command = cli->command;
	iov_buf_printf(&text, "%s%s see 'iovpkg %s%s--help'", error->data,
		       error->data[error->len - 1] == '?' ? "" : ";", command ? command->full : "", command ? " " : "");
	for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++)
		cli->values.json = cli->values.json || strcmp(words[i], "--json") == 0;
	return cli_fail(cli, IOV_E_USAGE, iov_buf_failed(&text) ? error->data : text.data);
}

static void family_needs_command(const struct cli_command *family, struct iov_buf *error)
{
	iov_buf_printf(error, "'%s' needs a command:", family->full);
	for (const struct cli_command *const *child = family->children; *child; child++)
		iov_buf_printf(error, "%s %s", child == family->children ? "" : ",", (*child)->name);
}

/* Reads the words that follow the command's name. False with a sentence in *error. */
static bool read_words(struct cli *cli, const char *const *words, int count, struct iov_buf *error)
{
	static const struct cli_option none[] = {{0}};
	const struct cli_command *command = cli->command;
	const struct cli_option *tables[] = {command->options ? command->options : none, cli_global_options, NULL};
	if (cli_options_parse(tables, words, count, false, &cli->values, error) < 0)
		return false;
	if (cli->values.help || cli->values.version)
		return true;
	if (!command->children)
		return cli_command_check_words(command, &cli->values.words, error);
	family_needs_command(command, error);
	return false;
}

static int run_command(struct cli *cli)
{
	if (cli->values.version) {
		printf("iovpkg %s\n", iov_version());
		return IOV_OK;
	}
	if (cli->values.help)
		return cli_help(cli, cli->command);
	return cli->command->standalone ? cli->command->run(cli) : open_and_run(cli);
}

static int run(struct cli *cli, const char *const *words, int count)
{
	static const struct cli_option *const globals[] = {cli_global_options, NULL};
	iov_auto(iov_buf_release) struct iov_buf error = {0};
	size_t named = 0;
	int used = cli_options_parse(globals, words, count, true, &cli->values, &error);
	if (used < 0)
		return usage_error(cli, &error, words, count);
	if (cli->values.generate)
		return cli_generate(cli, words + used, (size_t)(count - used), open_and_run);
	if (cli->values.version || used == count)
		return cli->values.version ? run_command(cli) : cli_help(cli, NULL);
	cli->command = cli_command_of_words(words + used, (size_t)(count - used), &named, &error);
	used += (int)named;
	if (!cli->command || !read_words(cli, words + used, count - used, &error))
		return usage_error(cli, &error, words, count);
	return run_command(cli);
}

int main(int argc, char **argv)
{
	struct cli cli = {0};
	const char *const *words = (const char *const *)argv + (argc > 0);
	int count = argc > 0 ? argc - 1 : 0;
	cli_progress_init(&cli.progress);
	int rc = run(&cli, words, count);
	cli_passphrase_release(&cli);
	cli_progress_release(&cli.progress);
	cli_values_release(&cli.values);
	return rc;
}
