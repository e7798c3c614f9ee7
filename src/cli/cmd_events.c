#include <stdint.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/show_event.h"
#include "cli/signals.h"

static const struct cli_argument arguments[] = {
	{"INSTANCE", "an instance whose module has events", 1, 1, CLI_NAMES_INSTANCES},
	{0},
};

static const struct cli_option options[] = {
	{.name = "count",
	 .letter = 'c',
	 .kind = CLI_NUMBER,
	 .value = "N",
	 .help = "stop after N events",
	 .max = INT64_MAX,
	 .to = offsetof(struct cli_values, count)},
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg events exec-trace", "print the programs that start, until Ctrl-C"},
	{"iovpkg events exec-trace --count 10 --json", "ten of them, each as one line of JSON"},
	{0},
};

struct following {
	struct cli *cli;
	struct cli_event_view view;
	int rc; /* of printing */
};

static void add_json_line(struct iov_buf *out, const json_t *event)
{
	iov_auto(iov_free_ptr) char *line = json_dumps(event, JSON_COMPACT);
	iov_buf_printf(out, "%s\n", line ? line : "null");
}

static bool print_event(const char *json, void *data)
{
	struct following *following = data;
	iov_auto(iov_buf_release) struct iov_buf out = {0};
	iov_auto(cli_json_release) json_t *event = json_loads(json, 0, NULL);
	if (!event)
		return true;
	if (following->cli->values.json)
		add_json_line(&out, event);
	else
		cli_event_add(&following->view, event, &out);
	following->rc = cli_print(following->cli, &out);
	return following->rc == IOV_OK;
}

static int run(struct cli *cli)
{
	iov_auto(iov_close_fd) int stop_fd = cli_signals_fd();
	struct following following = {.cli = cli, .view.look = cli_look_at(STDOUT_FILENO, cli->values.no_color)};
	int rc = iov_events(cli->ctx, cli_word(cli, 0), cli->values.count, stop_fd, print_event, &following);
	iov_buf_release(&following.view.head);
	if (rc)
		return cli_fail(cli, rc, iov_error_text(cli->ctx));
	return following.rc;
}

const struct cli_command cli_cmd_events = {
	.name = "events",
	.full = "events",
	.group = CLI_GROUP_LOOK,
	.summary = "print what an instance reports",
	.description = "Follows the event buffers that the module's manifest names and prints each event as a line, "
		       "decoded through the "
		       "types of its object. Ends with Ctrl-C, or after --count events.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
