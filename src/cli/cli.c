#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/codes.h"
#include "cli/json.h"

/* JSON is UTF-8, but a text may quote a file name that is not. */
static json_t *error_json(int code, const char *text)
{
	const struct cli_code *row = cli_code((size_t)code);
	return json_pack("{s:{s:i, s:s, s:s}}", "error", "code", code, "name", row ? row->name : "unknown", "text",
			 text);
}

static void add_ascii(struct iov_buf *out, const char *text)
{
	for (; *text; text++)
		iov_buf_add(out, (unsigned char)*text < 0x80 ? text : "?", 1);
}

/* A derivation, where the error has one, goes along. */
static void add_derivation(const struct cli *cli, json_t *error)
{
	const char *text = cli->ctx ? iov_error_derivation(cli->ctx) : NULL;
	json_t *derivation = text ? json_loads(text, 0, NULL) : NULL;
	if (derivation)
		json_object_set_new(json_object_get(error, "error"), "derivation", derivation);
}

static int fail_json(const struct cli *cli, int code, const char *text)
{
	iov_auto(iov_buf_release) struct iov_buf ascii = {0};
	iov_auto(cli_json_release) json_t *error = error_json(code, text);
	add_ascii(&ascii, text);
	if (!error && ascii.len)
		error = error_json(code, ascii.data);
	add_derivation(cli, error);
	iov_auto(iov_free_ptr) char *line = error ? json_dumps(error, JSON_COMPACT) : NULL;
	puts(line ? line : "{\"error\":{\"code\":1,\"name\":\"internal\",\"text\":\"out of memory\"}}");
	fflush(stdout);
	return code;
}

int cli_fail(struct cli *cli, int code, const char *text)
{
	cli_progress_hide(&cli->progress);
	if (cli->values.json)
		return fail_json(cli, code, text);
	iov_auto(iov_buf_release) struct iov_buf line = {0};
	struct cli_look look = cli_look_at(STDERR_FILENO, cli->values.no_color);
	iov_buf_puts(&line, "iovpkg: ");
	cli_add_styled(&line, &look, CLI_BAD, "error:");
	iov_buf_puts(&line, " ");
	cli_add_clean(&line, text, true);
	fprintf(stderr, "%s\n", iov_buf_failed(&line) ? "iovpkg: error: out of memory" : line.data);
	return code;
}

int cli_print(struct cli *cli, const struct iov_buf *out)
{
	if (iov_buf_failed(out))
		return cli_fail(cli, IOV_E_INTERNAL, "out of memory");
	if ((!out->len || fwrite(out->data, 1, out->len, stdout) == out->len) && fflush(stdout) == 0)
		return IOV_OK;
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_buf_printf(&text, "cannot write to standard output: %s", strerror(errno));
	fprintf(stderr, "iovpkg: error: %s\n", text.data ? text.data : "");
	return IOV_E_IO;
}

/* The library's own bytes, ending with one line end. */
static int print_json(struct cli *cli, const char *json)
{
	iov_auto(iov_buf_release) struct iov_buf out = {0};
	size_t len = strlen(json);
	iov_buf_add(&out, json, len);
	if (!len || json[len - 1] != '\n')
		iov_buf_puts(&out, "\n");
	return cli_print(cli, &out);
}

static int print_shown(struct cli *cli, const char *json, cli_show *show)
{
	iov_auto(iov_buf_release) struct iov_buf out = {0};
	iov_auto(cli_json_release) json_t *answer = json_loads(json, 0, NULL);
	struct cli_look look = cli_look_at(STDOUT_FILENO, cli->values.no_color);
	if (!answer)
		return cli_fail(cli, IOV_E_INTERNAL, "the library's answer is no JSON; this is a bug of iovpkg");
	show(&look, answer, &out);
	return cli_print(cli, &out);
}

int cli_answer(struct cli *cli, int rc, char *json, cli_show *show)
{
	iov_auto(iov_free_ptr) char *owned = json;
	if (rc)
		return cli_fail(cli, rc, iov_error_text(cli->ctx));
	cli_progress_hide(&cli->progress);
	if (!owned)
		return IOV_OK;
	if (cli->values.json)
		return print_json(cli, owned);
	return show ? print_shown(cli, owned, show) : IOV_OK;
}

int cli_report(struct cli *cli, int rc, char *json, cli_show *show)
{
	return cli_answer(cli, rc, json, cli->values.quiet ? NULL : show);
}

struct iov_settings cli_settings(const struct cli_values *values)
{
	return (struct iov_settings){.items = values->settings.items,
				     .count = values->settings.count,
				     .imports = values->imports.items,
				     .n_imports = values->imports.count};
}

unsigned cli_flags(const struct cli_values *values)
{
	return (values->dry_run ? IOV_DRY_RUN : 0) | (values->no_load ? IOV_NO_LOAD : 0) |
	       (values->with_importers ? IOV_CASCADE : 0) | (values->no_health ? IOV_NO_HEALTH : 0) |
	       (values->lossy ? IOV_LOSSY : 0) | (values->latest ? IOV_LATEST : 0) | (values->locked ? IOV_LOCKED : 0) |
	       (values->renew ? IOV_RENEW : 0) | (values->plain ? IOV_PLAIN_KEY : 0);
}

const char *cli_word(const struct cli *cli, size_t index)
{
	return index < cli->values.words.count ? cli->values.words.items[index] : NULL;
}
