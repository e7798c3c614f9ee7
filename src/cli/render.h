/* Tables: columns aligned by display width, and cut to the terminal where one is. */
#ifndef IOV_CLI_RENDER_H
#define IOV_CLI_RENDER_H

#include "cli/terminal.h"

#define CLI_COLUMNS_MAX 8

struct cli_column {
	const char *title; /* NULL in every column: a table without a head */
	bool right;	   /* numbers */
	bool shrinks;	   /* is cut with an ellipsis where the terminal is too narrow */
};

struct cli_cell {
	char *text;
	enum cli_style style;
};

struct cli_table {
	const struct cli_column *columns;
	size_t n_columns;	/* at most CLI_COLUMNS_MAX */
	struct cli_cell *cells; /* row by row */
	size_t n_cells;
	bool failed; /* no memory; printing says so in the buffer */
};

/* The next cell, left to right; the text is cleaned of control characters. */
void cli_table_add(struct cli_table *table, enum cli_style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void cli_table_print(const struct cli_table *table, const struct cli_look *look, struct iov_buf *out);
void cli_table_release(struct cli_table *table);

#endif
