#include "core/git_refs.h"

#include <string.h>

#include "util/cleanup.h"

#define ID_HEX 40
#define HEADER 4
#define PKT_MAX 65520

static const char service[] = "# service=git-upload-pack";
static const char no_id[] = "0000000000000000000000000000000000000000";

/* ---- packets ---------------------------------------------------------------------------------------------------- */

enum kind { FLUSH, LINE, BROKEN };

/* What was sent and not read yet. */
struct rest {
	const char *data;
	size_t len;
};

/* Of a line, without its newline; borrowed. */
struct line {
	const char *text;
	size_t len;
};

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool take_length(const char *text, size_t *ret)
{
	*ret = 0;
	for (int i = 0; i < HEADER; i++) {
		if (hex_value(text[i]) < 0)
			return false;
		*ret = *ret * 16 + (size_t)hex_value(text[i]);
	}
	return true;
}

/* The delimiter and the end of a response belong nowhere here. */
static enum kind take(struct rest *rest, struct line *ret)
{
	size_t len;
	if (rest->len < HEADER || !take_length(rest->data, &len))
		return BROKEN;
	if (!len) {
		*rest = (struct rest){rest->data + HEADER, rest->len - HEADER};
		return FLUSH;
	}
	if (len < HEADER || len > PKT_MAX || len > rest->len)
		return BROKEN;
	*ret = (struct line){rest->data + HEADER, len - HEADER};
	if (ret->len && ret->text[ret->len - 1] == '\n')
		ret->len--;
	*rest = (struct rest){rest->data + len, rest->len - len};
	return LINE;
}

static void add_pkt(struct iov_buf *to, const char *text, size_t len)
{
	iov_buf_printf(to, "%04zx", len + HEADER);
	iov_buf_add(to, text, len);
}

static void add_line(struct iov_buf *to, const char *text)
{
	add_pkt(to, text, strlen(text));
}

static bool is(const struct line *line, const char *text)
{
	return line->len == strlen(text) && !memcmp(line->text, text, line->len);
}

static bool begins(const struct line *line, const char *text)
{
	return line->len >= strlen(text) && !memcmp(line->text, text, strlen(text));
}

/* ---- what the server can do ------------------------------------------------------------------------------------- */

/* Version 2 comes at once, or after the words and the flush that version 0 begins with. */
static bool take_version(struct rest *rest)
{
	struct line line;
	enum kind kind = take(rest, &line);
	if (kind == LINE && is(&line, service)) {
		if (take(rest, &line) != FLUSH)
			return false;
		kind = take(rest, &line);
	}
	return kind == LINE && is(&line, "version 2");
}

bool iov_git_refs_is_v2(const char *data, size_t len)
{
	struct rest rest = {data, len};
	return take_version(&rest);
}

/* Is `word` one of those after `name` and '=', with blanks between? */
static bool offers(const struct line *line, const char *name, const char *word)
{
	size_t at = strlen(name) + 1, len = strlen(word);
	while (at < line->len) {
		const char *text = line->text + at, *end = memchr(text, ' ', line->len - at);
		size_t n = end ? (size_t)(end - text) : line->len - at;
		if (n == len && !memcmp(text, word, len))
			return true;
		at += n + 1;
	}
	return false;
}

bool iov_git_refs_read_server(const char *data, size_t len, bool *ret_shallow)
{
	struct rest rest = {data, len};
	struct line line;
	enum kind kind;
	bool lists = false, shallow = false, sha1 = true;
	if (len > IOV_GIT_CAPABILITIES_MAX || !take_version(&rest))
		return false;
	while ((kind = take(&rest, &line)) == LINE) {
		lists |= is(&line, "ls-refs") || begins(&line, "ls-refs=");
		shallow |= begins(&line, "fetch=") && offers(&line, "fetch", "shallow");
		sha1 &= !begins(&line, "object-format=") || is(&line, "object-format=sha1");
	}
	if (kind == BROKEN || rest.len || !lists || !sha1)
		return false;
	*ret_shallow = shallow;
	return true;
}

/* ---- one ref ---------------------------------------------------------------------------------------------------- */

void iov_git_refs_ask(const char *ref, struct iov_buf *to)
{
	add_line(to, "command=ls-refs\n");
	add_line(to, "agent=git/2.0-iovpkg");
	iov_buf_puts(to, "0001");
	iov_buf_printf(to, "%04zxref-prefix %s\n", HEADER + strlen("ref-prefix \n") + strlen(ref), ref);
	iov_buf_puts(to, "0000");
}

static bool begins_with_id(const struct line *line)
{
	if (line->len < ID_HEX + 2 || line->text[ID_HEX] != ' ')
		return false;
	for (size_t i = 0; i < ID_HEX; i++)
		if (hex_value(line->text[i]) < 0)
			return false;
	return true;
}

/* "ID NAME" and then what was not asked for. A ref that is not born has no id, and is none. */
static bool read_ref(const struct line *line, const char *ref, const char **ret_id)
{
	size_t len = strlen(ref);
	if (begins(line, "unborn "))
		return true;
	if (!begins_with_id(line) || memchr(line->text, '\0', line->len))
		return false;
	const struct line name = {line->text + ID_HEX + 1, line->len - ID_HEX - 1};
	if (begins(&name, ref) && (name.len == len || name.text[len] == ' '))
		*ret_id = line->text;
	return true;
}

static void tell_ref(struct iov_buf *to, const char *id, const char *ref, bool shallow)
{
	iov_auto(iov_buf_release) struct iov_buf line = {0};
	iov_buf_printf(&line, "%.*s %s", ID_HEX, id ? id : no_id, id ? ref : "capabilities^{}");
	iov_buf_add(&line, "", 1);
	iov_buf_printf(&line, "multi_ack thin-pack side-band-64k ofs-delta%s\n", shallow ? " shallow" : "");
	add_pkt(to, line.data, line.len);
}

bool iov_git_refs_tell(const char *data, size_t len, const char *ref, bool shallow, struct iov_buf *to)
{
	struct rest rest = {data, len};
	struct line line;
	enum kind kind;
	const char *id = NULL;
	add_line(to, "# service=git-upload-pack\n");
	iov_buf_puts(to, "0000");
	while ((kind = take(&rest, &line)) == LINE) {
		if (begins(&line, "ERR ")) {
			add_pkt(to, line.text, line.len);
			return true;
		}
		if (!read_ref(&line, ref, &id))
			return false;
	}
	if (kind == BROKEN || rest.len)
		return false;
	tell_ref(to, id, ref, shallow);
	iov_buf_puts(to, "0000");
	return true;
}
