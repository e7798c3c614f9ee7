#include "credentials/netrc.h"

#include <sodium.h>
#include <string.h>

#include "credentials/secret.h"
#include "util/cleanup.h"

struct reader {
	struct iov_ctx *ctx;
	const char *path, *host;
	const char *at, *end;
	unsigned line;
	bool line_begins; /* nothing but blanks stood on this line so far */
	bool ours;	  /* within an entry for the host */
	char word[IOV_SECRET_MAX + 1];
	struct iov_netrc_login login;
};

static void reader_release(struct reader *reader)
{
	sodium_memzero(reader->word, sizeof(reader->word));
	iov_netrc_login_release(&reader->login);
}

void iov_netrc_login_release(struct iov_netrc_login *login)
{
	free(login->username);
	iov_secret_free(login->password);
	*login = (struct iov_netrc_login){0};
}

static int wrong(const struct reader *reader, const char *what)
{
	return iov_error(reader->ctx, IOV_E_INPUT, "%s:%u: %s", reader->path, reader->line, what);
}

/* ---- words ------------------------------------------------------------------------------------------------------ */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_line(struct reader *reader)
{
	while (reader->at < reader->end && *reader->at != '\n')
		reader->at++;
}

/* Blanks, and lines that begin with '#'. False at the end. */
static bool skip_blanks(struct reader *reader)
{
	for (; reader->at < reader->end; reader->at++) {
		if (*reader->at == '#' && reader->line_begins)
			skip_line(reader);
		else if (!is_blank(*reader->at))
			return true;
		if (reader->at == reader->end)
			return false;
		if (*reader->at == '\n') {
			reader->line++;
			reader->line_begins = true;
		}
	}
	return false;
}

static int add(struct reader *reader, size_t *len, char c)
{
	if (*len == IOV_SECRET_MAX)
		return wrong(reader, "a word is longer than a secret may be");
	if ((unsigned char)c < 0x20 || c == 0x7f)
		return wrong(reader, "a word has a control character in it");
	reader->word[(*len)++] = c;
	return IOV_OK;
}

/* "a word with \"quotes\" and blanks" */
static int quoted_word(struct reader *reader, size_t *len)
{
	int rc = IOV_OK;
	for (reader->at++; !rc && reader->at < reader->end && *reader->at != '"'; reader->at++) {
		if (*reader->at == '\\' && reader->at + 1 < reader->end)
			reader->at++;
		rc = add(reader, len, *reader->at);
	}
	if (!rc && reader->at == reader->end)
		return wrong(reader, "a quoted word does not end");
	reader->at += !rc;
	return rc;
}

/* The next word into reader->word; *ret is false at the end. */
static int next_word(struct reader *reader, bool *ret)
{
	size_t len = 0;
	int rc = IOV_OK;
	*ret = skip_blanks(reader);
	if (!*ret)
		return IOV_OK;
	reader->line_begins = false;
	if (*reader->at == '"')
		rc = quoted_word(reader, &len);
	for (; !rc && reader->at < reader->end && !is_blank(*reader->at); reader->at++)
		rc = add(reader, &len, *reader->at);
	reader->word[len] = '\0';
	return rc;
}

static int value(struct reader *reader)
{
	bool there;
	int rc = next_word(reader, &there);
	return !rc && !there ? wrong(reader, "the file ends where a value should stand") : rc;
}

/* ---- what the words mean ---------------------------------------------------------------------------------------- */

static int on_machine(struct reader *reader)
{
	iov_netrc_login_release(&reader->login);
	int rc = value(reader);
	reader->ours = !rc && !strcasecmp(reader->word, reader->host);
	return rc;
}

static int on_default(struct reader *reader)
{
	iov_netrc_login_release(&reader->login);
	reader->ours = false;
	return IOV_OK;
}

static int keep(struct reader *reader, char **to)
{
	int rc = value(reader);
	if (rc || !reader->ours)
		return rc;
	iov_secret_free(*to);
	*to = strdup(reader->word);
	return *to ? IOV_OK : iov_oom(reader->ctx);
}

static int on_login(struct reader *reader)
{
	int rc = keep(reader, &reader->login.username);
	if (!rc && reader->login.username && strchr(reader->login.username, ':'))
		return wrong(reader, "a login with ':' in it cannot be sent");
	return rc;
}

static int on_password(struct reader *reader)
{
	return keep(reader, &reader->login.password);
}

/* A macro goes on to the next empty line. */
static int on_macro(struct reader *reader)
{
	int rc = value(reader);
	bool empty = false;
	while (!rc && reader->at < reader->end && !empty) {
		skip_line(reader);
		reader->line += reader->at < reader->end;
		reader->at += reader->at < reader->end;
		empty = reader->at < reader->end && *reader->at == '\n';
	}
	reader->line_begins = true;
	return rc;
}

static int take_word(struct reader *reader)
{
	static const struct {
		const char *word;
		int (*take)(struct reader *reader);
	} words[] = {
		{"machine", on_machine},   {"default", on_default}, {"login", on_login},
		{"password", on_password}, {"account", value},	    {"macdef", on_macro},
	};
	for (size_t i = 0; i < IOV_COUNT(words); i++)
		if (!strcmp(reader->word, words[i].word))
			return words[i].take(reader);
	/* Not quoted: it may be a piece of a secret. */
	return wrong(reader, "neither machine, login, password, account, macdef nor default stands where one should");
}

static bool is_whole(const struct reader *reader)
{
	return reader->ours && reader->login.username && reader->login.password;
}

int iov_netrc_find(struct iov_ctx *ctx, const char *path, const char *text, size_t len, const char *host,
		   struct iov_netrc_login *ret)
{
	iov_auto(reader_release) struct reader reader = {
		.ctx = ctx, .path = path, .host = host, .at = text, .end = text + len, .line = 1, .line_begins = true};
	bool more = true;
	int rc = IOV_OK;
	while (!rc && !is_whole(&reader) && !(rc = next_word(&reader, &more)) && more)
		rc = take_word(&reader);
	if (rc)
		return rc;
	*ret = (struct iov_netrc_login){0};
	if (is_whole(&reader)) {
		*ret = reader.login;
		reader.login = (struct iov_netrc_login){0};
	}
	return IOV_OK;
}
