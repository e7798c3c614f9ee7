#include "cli/cli.h"
#include "cli/json.h"

static const struct cli_example examples[] = {
	{"iovpkg restore", "bring up what should run, as the systemd unit does after a boot"},
	{"iovpkg restore --json", "the same, with what is up and what is not as JSON"},
	{0},
};

static void add_down(const json_t *instance, struct iov_buf *out)
{
	size_t i;
	json_t *hook;
	const char *name = cli_text(instance, "instance");
	if (!cli_true(instance, "loaded")) {
		iov_buf_printf(out, "down: instance '%s' is not loaded\n", name);
		return;
	}
	json_array_foreach(json_object_get(instance, "hooks_down"), i, hook) {
		const char *target = cli_text(hook, "target");
		iov_buf_printf(out, "down: program '%s' of '%s' is not attached to '%s'\n", cli_text(hook, "program"),
			       name, *target ? target : cli_text(hook, "section"));
	}
}

static void show(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	(void)look;
	size_t i, up = 0;
	json_t *instance, *instances = json_object_get(answer, "instances");
	json_array_foreach(instances, i, instance) {
		up += cli_true(instance, "up");
		add_down(instance, out);
	}
	iov_buf_printf(out, "generation %llu: %zu of %zu instances are up\n",
		       (unsigned long long)cli_uint(answer, "generation"), up, json_array_size(instances));
}

static bool is_complete(const char *json)
{
	iov_auto(cli_json_release) json_t *answer = json_loads(json, 0, NULL);
	return cli_true(answer, "complete");
}

/* What was left out is an answer, not an error, but a script must see it in the exit code. */
static int run(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_restore(cli->ctx, &json);
	bool complete = rc || is_complete(json);
	rc = cli_report(cli, rc, json, show);
	return rc || complete ? rc : (int)IOV_E_PARTIAL;
}

const struct cli_command cli_cmd_restore = {
	.name = "restore",
	.full = "restore",
	.group = CLI_GROUP_HOST,
	.summary = "bring up what should run, after a boot",
	.description = "Loads and attaches every instance of the current generation, and fills the maps that their "
		       "manifests name under 'persist' with what was saved. Does nothing where all of it is up.\n\n"
		       "What this kernel refuses, or whose interface is not there yet, is left out with a warning, and "
		       "the rest comes up; the exit code is then 18.",
	.examples = examples,
	.run = run,
};
