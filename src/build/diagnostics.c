#include "build/diagnostics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

/* Headers that Debian has in a package of their own. */
static const struct {
	const char *header, *package;
} packages[] = {
	{"'bpf/", "libbpf-dev"},
	{"'linux/", "linux-libc-dev"},
	{"'asm/", "linux-libc-dev"},
	{"'asm-generic/", "linux-libc-dev"},
};

struct line {
	const char *text;
	int len;
};

/* The next line with `word` in it, from *at on; false at the end. */
static bool next_line(const char **at, const char *word, struct line *ret)
{
	while (**at) {
		struct line line = {*at, (int)strcspn(*at, "\n")};
		*at += line.len + (line.text[line.len] == '\n');
		if (memmem(line.text, (size_t)line.len, word, strlen(word))) {
			*ret = line;
			return true;
		}
	}
	return false;
}

static void hint_package(struct iov_buf *text, const struct line *line)
{
	for (size_t i = 0; i < IOV_COUNT(packages); i++)
		if (memmem(line->text, (size_t)line->len, packages[i].header, strlen(packages[i].header)) &&
		    memmem(line->text, (size_t)line->len, "file not found", 14))
			iov_buf_printf(text, " (install the package '%s')", packages[i].package);
}

static void list_errors(struct iov_buf *text, const char *said)
{
	struct line line;
	int errors = 0;
	while (next_line(&said, "error: ", &line)) {
		if (++errors > IOV_DIAGNOSTICS_SHOWN)
			continue;
		iov_buf_printf(text, "\n  %.*s", line.len, line.text);
		hint_package(text, &line);
	}
	if (errors > IOV_DIAGNOSTICS_SHOWN)
		iov_buf_printf(text, "\n  and %d more", errors - IOV_DIAGNOSTICS_SHOWN);
}

int iov_diagnostics_error(struct iov_ctx *ctx, const char *source, const struct iov_buf *said, int status)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	list_errors(&text, said->data ? said->data : "");
	if (!text.len)
		iov_buf_printf(&text, " clang ended with status %d%s%.*s", status, said->len ? " and said: " : "",
			       (int)strcspn(said->data ? said->data : "", "\n"), said->data ? said->data : "");
	if (iov_buf_failed(&text))
		return iov_oom(ctx);
	return iov_error(ctx, IOV_E_BUILD, "'%s' does not compile:%s", source, text.data);
}

void iov_diagnostics_warn(struct iov_ctx *ctx, const struct iov_buf *said)
{
	const char *at = said->data ? said->data : "";
	struct line line;
	while (next_line(&at, "warning: ", &line))
		iov_warn(ctx, "%.*s", line.len, line.text);
}
