#include "cli/show_statement.h"

#include <string.h>

#include "cli/json.h"
#include "cli/show.h"

static const struct {
	const char *kind, *words;
} kinds[] = {
	{"yank", "yanked"},
	{"unyank", "no longer yanked"},
	{"deprecate", "deprecated"},
	{"undeprecate", "no longer deprecated"},
};

static const char *words_of(const char *kind)
{
	for (size_t i = 0; i < IOV_COUNT(kinds); i++)
		if (!strcmp(kinds[i].kind, kind))
			return kinds[i].words;
	return kind;
}

void cli_show_statement(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	(void)look;
	size_t i;
	json_t *version;
	const char *status = cli_text(answer, "status");
	json_array_foreach(json_object_get(answer, "versions"), i, version) {
		cli_show_line(out, "%s %s: %s (%s) at %s", cli_text(answer, "name"), json_string_value(version),
			      words_of(cli_text(answer, "kind")), status, cli_text(answer, "registry"));
	}
}
