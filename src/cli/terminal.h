/* What the place we print to can show, and text that is safe to print there. */
#ifndef IOV_CLI_TERMINAL_H
#define IOV_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

struct cli_look {
	size_t width; /* columns of the terminal; 0: no terminal, lines may be as long as they like */
	bool colour;
	bool utf8; /* "→" and "–" instead of "->" and "-" */
};

/* Few, by meaning. */
enum cli_style { CLI_PLAIN, CLI_STRONG, CLI_FAINT, CLI_GOOD, CLI_CAUTION, CLI_BAD };

/* Looks at the terminal, the locale, NO_COLOR and TERM. */
struct cli_look cli_look_at(int fd, bool no_color);
/* Whether a line can be drawn again in its place. */
bool cli_can_redraw(int fd);
const char *cli_arrow(const struct cli_look *look);
const char *cli_dash(const struct cli_look *look); /* for "none" */

/* Columns that the text takes. */
size_t cli_width(const char *text);
/* Bytes of the text that fit into `columns`. */
size_t cli_fitting(const char *text, size_t columns);
/* Appends text that came from outside: control characters, which could drive the terminal, become "?"; line ends stay
 * where asked. */
void cli_add_clean(struct iov_buf *out, const char *text, bool keep_lines);
void cli_add_styled(struct iov_buf *out, const struct cli_look *look, enum cli_style style, const char *text);
/* "1,204,331" */
void cli_add_number(struct iov_buf *out, uint64_t number);
/* "1.2 MB" */
void cli_add_size(struct iov_buf *out, uint64_t bytes);
/* Appends text, broken between words before `columns`; following lines begin with `indent` spaces. */
void cli_add_wrapped(struct iov_buf *out, const char *text, size_t columns, size_t indent);

#endif
