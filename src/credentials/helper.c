#include "credentials/helper.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "credentials/secret.h"
#include "util/cleanup.h"
#include "util/process.h"

void iov_helper_answer_release(struct iov_helper_answer *answer)
{
	iov_secret_free(answer->username);
	iov_secret_free(answer->password);
	iov_secret_free(answer->scheme);
	iov_secret_free(answer->credential);
	*answer = (struct iov_helper_answer){0};
}

/* ---- what it says ----------------------------------------------------------------------------------------------- */

struct parser {
	struct iov_ctx *ctx;
	const char *name;
	const struct iov_scope *scope;
	struct iov_helper_answer answer;
};

static void parser_release(struct parser *parser)
{
	iov_helper_answer_release(&parser->answer);
}

static int host_of(struct iov_ctx *ctx, const struct iov_scope *scope, char **ret)
{
	int len =
		scope->other_port ? asprintf(ret, "%s:%u", scope->host, scope->port) : asprintf(ret, "%s", scope->host);
	return len < 0 ? iov_oom(ctx) : IOV_OK;
}

static int keep(struct iov_ctx *ctx, char **to, const char *value)
{
	iov_secret_free(*to);
	*to = strdup(value);
	return *to ? IOV_OK : iov_oom(ctx);
}

static int on_username(struct parser *parser, const char *value)
{
	return keep(parser->ctx, &parser->answer.username, value);
}

static int on_password(struct parser *parser, const char *value)
{
	return keep(parser->ctx, &parser->answer.password, value);
}

static int on_scheme(struct parser *parser, const char *value)
{
	return keep(parser->ctx, &parser->answer.scheme, value);
}

static int on_credential(struct parser *parser, const char *value)
{
	return keep(parser->ctx, &parser->answer.credential, value);
}

static int elsewhere(struct parser *parser)
{
	return iov_error(parser->ctx, IOV_E_INPUT,
			 "the credential helper '%s' answered for another place than it was asked for ('%s')",
			 parser->name, parser->scope->host);
}

static int on_protocol(struct parser *parser, const char *value)
{
	return strcmp(value, parser->scope->scheme) ? elsewhere(parser) : IOV_OK;
}

static int on_host(struct parser *parser, const char *value)
{
	iov_auto(iov_free_ptr) char *host = NULL;
	int rc = host_of(parser->ctx, parser->scope, &host);
	return rc || !strcasecmp(value, host) ? rc : elsewhere(parser);
}

static int on_url(struct parser *parser, const char *value)
{
	(void)value;
	return elsewhere(parser);
}

static int on_quit(struct parser *parser, const char *value)
{
	if (strcmp(value, "1") != 0 && strcmp(value, "true") != 0)
		return IOV_OK;
	return iov_error(parser->ctx, IOV_E_INPUT, "the credential helper '%s' gives none for '%s' and says to stop",
			 parser->name, parser->scope->host);
}

static int on_expiry(struct parser *parser, const char *value)
{
	char *end = NULL;
	unsigned long long expiry = strtoull(value, &end, 10);
	if (*end || expiry > (unsigned long long)time(NULL))
		return IOV_OK;
	return iov_error(parser->ctx, IOV_E_INPUT,
			 "the credential helper '%s' has a credential for '%s' that has expired; renew it there",
			 parser->name, parser->scope->host);
}

/* What is not here says nothing to us, as git has it too. */
static int take_line(struct parser *parser, const char *key, const char *value)
{
	static const struct {
		const char *key;
		int (*take)(struct parser *parser, const char *value);
	} keys[] = {
		{"username", on_username},
		{"password", on_password},
		{"authtype", on_scheme},
		{"credential", on_credential},
		{"protocol", on_protocol},
		{"host", on_host},
		{"url", on_url},
		{"quit", on_quit},
		{"password_expiry_utc", on_expiry},
	};
	for (size_t i = 0; i < IOV_COUNT(keys); i++)
		if (!strcmp(key, keys[i].key))
			return keys[i].take(parser, value);
	return IOV_OK;
}

static int nonsense(struct parser *parser, const char *what)
{
	return iov_error(parser->ctx, IOV_E_INPUT,
			 "the answer of the credential helper '%s' %s; it should have lines username=NAME and "
			 "password=SECRET",
			 parser->name, what);
}

static int parse_lines(struct parser *parser, char *text)
{
	int rc = IOV_OK;
	for (char *line; !rc && (line = strsep(&text, "\n"));) {
		size_t len = strlen(line);
		if (len && line[len - 1] == '\r')
			line[--len] = '\0';
		char *equals = strchr(line, '=');
		if (!len)
			break;
		if (!equals || equals == line)
			return nonsense(parser, "has a line without '='");
		*equals = '\0';
		if (equals[1] && !iov_secret_is_line(equals + 1))
			return nonsense(parser, "has a value that is too long or has a control character in it");
		rc = take_line(parser, line, equals + 1);
	}
	return rc;
}

static bool is_word(const char *text)
{
	return *text && !strpbrk(text, " \t");
}

static int check_answer(struct parser *parser)
{
	const struct iov_helper_answer *answer = &parser->answer;
	if (answer->scheme && answer->credential && is_word(answer->scheme) && *answer->credential)
		return IOV_OK;
	if (!answer->username && !answer->password && !answer->credential)
		return iov_error(parser->ctx, IOV_E_INPUT,
				 "the credential helper '%s' knows none for '%s'; teach it one, or take the entry out",
				 parser->name, parser->scope->host);
	if (!answer->username || !answer->password || !*answer->password)
		return nonsense(parser, "lacks the username or the password");
	return strchr(answer->username, ':') ? nonsense(parser, "has a username with ':' in it") : IOV_OK;
}

int iov_helper_parse(struct iov_ctx *ctx, const char *name, const struct iov_scope *scope, const char *text, size_t len,
		     struct iov_helper_answer *ret)
{
	iov_auto(parser_release) struct parser parser = {.ctx = ctx, .name = name, .scope = scope};
	iov_auto(iov_secret_release) char *copy = strndup(text, len);
	if (!copy)
		return iov_oom(ctx);
	if (strlen(copy) != len)
		return nonsense(&parser, "has a NUL in it");
	if (len >= IOV_HELPER_ANSWER_MAX)
		return nonsense(&parser, "is longer than 64 KiB");
	int rc = parse_lines(&parser, copy);
	rc = rc ? rc : check_answer(&parser);
	if (rc)
		return rc;
	*ret = parser.answer;
	parser.answer = (struct iov_helper_answer){0};
	return IOV_OK;
}

/* ---- how it is asked -------------------------------------------------------------------------------------------- */

static void add_line(struct iov_buf *text, const char *key, const char *value)
{
	if (value)
		iov_buf_printf(text, "%s=%s\n", key, value);
}

/* Room for all of it from the start, so that no copy of a secret stays behind. */
static int describe(struct iov_ctx *ctx, const struct iov_helper *helper, const struct iov_helper_answer *known,
		    struct iov_buf *ret)
{
	iov_auto(iov_free_ptr) char *host = NULL;
	int rc = host_of(ctx, helper->scope, &host);
	if (rc)
		return rc;
	*ret = (struct iov_buf){.data = calloc(1, IOV_HELPER_ANSWER_MAX), .cap = IOV_HELPER_ANSWER_MAX};
	if (!ret->data)
		return iov_oom(ctx);
	iov_buf_puts(ret, "capability[]=authtype\n");
	add_line(ret, "protocol", helper->scope->scheme);
	add_line(ret, "host", host);
	add_line(ret, "path", helper->scope->path);
	add_line(ret, "username", known ? known->username : NULL);
	add_line(ret, "password", known ? known->password : NULL);
	add_line(ret, "authtype", known ? known->scheme : NULL);
	add_line(ret, "credential", known ? known->credential : NULL);
	iov_buf_puts(ret, "\n");
	return iov_buf_failed(ret) ? iov_oom(ctx) : IOV_OK;
}

static int home_line(struct iov_ctx *ctx, char **ret)
{
	const struct passwd *user = getpwuid(getuid());
	return asprintf(ret, "HOME=%s", user && user->pw_dir ? user->pw_dir : "/") < 0 ? iov_oom(ctx) : IOV_OK;
}

static int run_words(struct iov_ctx *ctx, const char *const *argv, unsigned timeout_ms, const struct iov_buf *input,
		     struct iov_process_result *ret)
{
	iov_auto(iov_free_ptr) char *home = NULL;
	int rc = home_line(ctx, &home);
	if (rc)
		return rc;
	const char *const envp[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
				    home, NULL};
	const struct iov_process process = {.argv = argv,
					    .envp = envp,
					    .directory = "/",
					    .input = input->data,
					    .input_len = input->len,
					    .timeout_ms = timeout_ms,
					    .limit_output = IOV_HELPER_ANSWER_MAX};
	int err = iov_process_run(&process, ret);
	if (err)
		return iov_error_errno(ctx, err, "cannot start the credential helper '%s'", argv[0]);
	if (ret->timed_out)
		return iov_error(ctx, IOV_E_INPUT,
				 "the credential helper '%s' did not end within %u seconds and was killed; it must not "
				 "ask anybody",
				 argv[0], (timeout_ms + 999) / 1000);
	return IOV_OK;
}

static int run(struct iov_ctx *ctx, const struct iov_helper *helper, const char *action, const struct iov_buf *input,
	       struct iov_process_result *ret)
{
	size_t count = json_array_size(helper->words);
	iov_auto(iov_free_ptr) const char **argv = calloc(count + 2, sizeof(*argv));
	if (!argv)
		return iov_oom(ctx);
	for (size_t i = 0; i < count; i++)
		argv[i] = json_string_value(json_array_get(helper->words, i));
	argv[count] = action;
	return run_words(ctx, argv, helper->timeout_ms, input, ret);
}

static void result_release(struct iov_process_result *result)
{
	iov_secret_wipe(&result->out);
	iov_buf_release(&result->err);
}

/* Its own words, in one line. */
static int failed(struct iov_ctx *ctx, const char *name, struct iov_process_result *result)
{
	char *said = result->err.data;
	for (char *at = said; at && *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = ' ';
	return iov_error(ctx, IOV_E_INPUT, "the credential helper '%s' failed with status %d%s%.200s", name,
			 result->status, said ? "; it says: " : "", said ? said : "");
}

int iov_helper_get(struct iov_ctx *ctx, const struct iov_helper *helper, struct iov_helper_answer *ret)
{
	const char *name = json_string_value(json_array_get(helper->words, 0));
	iov_auto(iov_secret_wipe) struct iov_buf input = {0};
	iov_auto(result_release) struct iov_process_result result = {0};
	int rc = describe(ctx, helper, NULL, &input);
	rc = rc ? rc : run(ctx, helper, "get", &input, &result);
	if (rc)
		return rc;
	if (result.status)
		return failed(ctx, name, &result);
	return iov_helper_parse(ctx, name, helper->scope, result.out.data ? result.out.data : "", result.out.len, ret);
}

void iov_helper_tell(struct iov_ctx *ctx, const struct iov_helper *helper, const char *action,
		     const struct iov_helper_answer *answer)
{
	iov_auto(iov_secret_wipe) struct iov_buf input = {0};
	iov_auto(result_release) struct iov_process_result result = {0};
	struct iov_saved_error saved = iov_error_save(ctx);
	int rc = describe(ctx, helper, answer, &input);
	rc = rc ? rc : run(ctx, helper, action, &input, &result);
	if (rc)
		iov_warn(ctx, "%s", iov_error_text(ctx));
	iov_error_restore(ctx, saved);
}
