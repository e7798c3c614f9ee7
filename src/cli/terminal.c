#include "cli/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

static const char *const style_codes[] = {
	[CLI_STRONG] = "\033[1m",   [CLI_FAINT] = "\033[2m", [CLI_GOOD] = "\033[32m",
	[CLI_CAUTION] = "\033[33m", [CLI_BAD] = "\033[31m",
};

/* Widths are measured in UTF-8 in any case; only a UTF-8 locale gets characters that the data did not bring. */
static bool locale_is_utf8(void)
{
	const char *locale = setlocale(LC_CTYPE, "");
	if (locale && !strcmp(nl_langinfo(CODESET), "UTF-8"))
		return true;
	setlocale(LC_CTYPE, "C.UTF-8");
	return false;
}

static bool is_dumb(void)
{
	const char *term = getenv("TERM");
	return !term || !*term || !strcmp(term, "dumb");
}

bool cli_can_redraw(int fd)
{
	return isatty(fd) && !is_dumb();
}

static bool wants_colour(bool no_color)
{
	const char *never = getenv("NO_COLOR");
	return !no_color && !(never && *never) && !is_dumb();
}

struct cli_look cli_look_at(int fd, bool no_color)
{
	struct cli_look look = {.utf8 = locale_is_utf8()};
	if (!isatty(fd))
		return look;
	struct winsize size = {0};
	look.width = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
	look.colour = wants_colour(no_color);
	return look;
}

const char *cli_arrow(const struct cli_look *look)
{
	return look->utf8 ? "→" : "->";
}

const char *cli_dash(const struct cli_look *look)
{
	return look->utf8 ? "–" : "-";
}

/* One character: its bytes, and its columns in *ret_columns. A byte that is no character counts as itself. */
static size_t step(const char *text, size_t *ret_columns)
{
	wchar_t wide;
	mbstate_t state = {0};
	size_t len = mbrtowc(&wide, text, strnlen(text, 8), &state);
	if (len == 0 || len > 8) {
		*ret_columns = 1;
		return 1;
	}
	int columns = wcwidth(wide);
	*ret_columns = columns < 0 ? 0 : (size_t)columns;
	return len;
}

size_t cli_fitting(const char *text, size_t columns)
{
	size_t at = 0, used = 0;
	while (text[at]) {
		size_t wide;
		size_t len = step(text + at, &wide);
		if (used + wide > columns)
			break;
		used += wide;
		at += len;
	}
	return at;
}

size_t cli_width(const char *text)
{
	size_t total = 0;
	while (*text) {
		size_t columns;
		text += step(text, &columns);
		total += columns;
	}
	return total;
}

/* C0, DEL, and C1 in its UTF-8 form (C2 80 to C2 9F). Gives the bytes to replace. */
static size_t control_at(const unsigned char *text, bool keep_lines)
{
	if (keep_lines && (*text == '\n' || *text == '\t'))
		return 0;
	if (*text < 0x20 || *text == 0x7f)
		return 1;
	return text[0] == 0xc2 && text[1] >= 0x80 && text[1] <= 0x9f ? 2 : 0;
}

void cli_add_clean(struct iov_buf *out, const char *text, bool keep_lines)
{
	const char *start = text;
	while (*text) {
		size_t bad = control_at((const unsigned char *)text, keep_lines);
		if (!bad) {
			text++;
			continue;
		}
		iov_buf_add(out, start, (size_t)(text - start));
		iov_buf_puts(out, "?");
		start = text += bad;
	}
	iov_buf_add(out, start, (size_t)(text - start));
}

void cli_add_styled(struct iov_buf *out, const struct cli_look *look, enum cli_style style, const char *text)
{
	bool styled = look->colour && style != CLI_PLAIN;
	if (styled)
		iov_buf_puts(out, style_codes[style]);
	iov_buf_puts(out, text);
	if (styled)
		iov_buf_puts(out, "\033[0m");
}

void cli_add_number(struct iov_buf *out, uint64_t number)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			iov_buf_puts(out, ",");
		iov_buf_add(out, digits + i, 1);
	}
}

void cli_add_size(struct iov_buf *out, uint64_t bytes)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB"};
	if (bytes < 1000) {
		iov_buf_printf(out, "%u B", (unsigned)bytes);
		return;
	}
	double size = (double)bytes / 1000;
	size_t unit = 0;
	for (; size >= 999.95 && unit < 3; unit++)
		size /= 1000;
	iov_buf_printf(out, "%.1f %s", size, units[unit]);
}

void cli_add_wrapped(struct iov_buf *out, const char *text, size_t columns, size_t indent)
{
	size_t column = indent;
	while (*text) {
		size_t len = strcspn(text, " \n");
		if (column > indent && column + 1 + len > columns) {
			iov_buf_printf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			iov_buf_puts(out, " ");
			column++;
		}
		iov_buf_add(out, text, len);
		column += len;
		text += len;
		if (*text == '\n') {
			iov_buf_printf(out, "\n%*s", (int)indent, "");
			column = indent;
		}
		text += *text != '\0';
	}
}
