#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"

static const struct cli_example examples[] = {
	{"iovpkg tree", "what was asked for, and below each what came for it"},
	{0},
};

/* A tree on its way to the terminal. */
struct drawing {
	const struct cli_look *look;
	const json_t *modules;
	json_t *shown; /* names, whose branches are not drawn again; owned */
	struct iov_buf *out;
};

static const json_t *find(const json_t *modules, const char *name)
{
	size_t i;
	json_t *module;
	json_array_foreach(modules, i, module)
		if (!strcmp(cli_text(module, "name"), name))
			return module;
	return NULL;
}

/* "flow-table 1.0.0 (^1.0) pinned". True when its branches are to follow. */
static bool add_line(struct drawing *drawing, const json_t *module, const char *requirement)
{
	iov_auto(iov_buf_release) struct iov_buf tail = {0};
	const char *name = cli_text(module, "name");
	bool before = json_object_get(drawing->shown, name) != NULL;
	bool has_needs = json_array_size(json_object_get(module, "needs")) > 0;
	iov_buf_printf(&tail, "%s%s%s%s%s", *requirement ? " (" : "", requirement, *requirement ? ")" : "",
		       cli_true(module, "pinned") ? " pinned" : "", before && has_needs ? " (shown above)" : "");
	cli_add_styled(drawing->out, drawing->look, cli_true(module, "wished") ? CLI_STRONG : CLI_PLAIN, name);
	iov_buf_printf(drawing->out, " %s", cli_text(module, "version"));
	cli_add_styled(drawing->out, drawing->look, CLI_FAINT, tail.data ? tail.data : "");
	iov_buf_puts(drawing->out, "\n");
	json_object_set_new(drawing->shown, name, json_true());
	return !before;
}

static void draw(struct drawing *drawing, const json_t *module, const char *requirement, const char *margin)
{
	const bool utf8 = drawing->look->utf8;
	const json_t *needs = json_object_get(module, "needs");
	size_t i;
	json_t *need;
	if (!add_line(drawing, module, requirement))
		return;
	json_array_foreach(needs, i, need) {
		iov_auto(iov_buf_release) struct iov_buf deeper = {0};
		const json_t *other = find(drawing->modules, cli_text(need, "module"));
		bool last = i + 1 == json_array_size(needs);
		iov_buf_printf(&deeper, "%s%s", margin, last ? "    " : utf8 ? "│   " : "|   ");
		iov_buf_printf(drawing->out, "%s%s", margin, utf8 ? last ? "└── " : "├── " : last ? "`-- " : "|-- ");
		if (other)
			draw(drawing, other, cli_text(need, "requirement"), deeper.data ? deeper.data : "");
		else
			iov_buf_printf(drawing->out, "%s (missing)\n", cli_text(need, "module"));
	}
}

static void show(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	iov_auto(cli_json_release) json_t *shown = json_object();
	struct drawing drawing = {
		.look = look, .modules = json_object_get(answer, "modules"), .shown = shown, .out = out};
	const json_t *roots = json_object_get(answer, "roots");
	size_t i;
	json_t *root;
	json_array_foreach(roots, i, root) {
		const json_t *module = find(drawing.modules, json_string_value(root));
		if (module)
			draw(&drawing, module, cli_text(module, "requirement"), "");
	}
	if (!json_array_size(roots))
		iov_buf_puts(out, "Nothing is installed. 'iovpkg search' shows what there is to install.\n");
}

static int run(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_tree(cli->ctx, &json);
	return cli_answer(cli, rc, json, show);
}

const struct cli_command cli_cmd_tree = {
	.name = "tree",
	.full = "tree",
	.group = CLI_GROUP_LOOK,
	.summary = "draw what is installed, and what needs what",
	.description =
		"Draws the modules that were asked for, and below each the modules that it needs, with the versions "
		"that are installed and the requirement in brackets. What has been drawn with all its branches is not "
		"drawn a second time, but marked as shown above.",
	.examples = examples,
	.run = run,
};
