#include "cli/render.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

#define GAP 2
#define SHRUNK_MIN 8 /* columns that stay of a column that shrinks */

void cli_table_add(struct cli_table *table, enum cli_style style, const char *format, ...)
{
	iov_auto(iov_buf_release) struct iov_buf raw = {0};
	struct iov_buf clean = {0};
	va_list args;
	va_start(args, format);
	iov_buf_vprintf(&raw, format, args);
	va_end(args);
	struct cli_cell *cells = realloc(table->cells, (table->n_cells + 1) * sizeof(*cells));
	if (cells)
		table->cells = cells;
	if (!iov_buf_failed(&raw))
		cli_add_clean(&clean, raw.data, false);
	char *text = iov_buf_take(&clean);
	if (!cells || !text || iov_buf_failed(&raw)) {
		free(text);
		table->failed = true;
		return;
	}
	cells[table->n_cells++] = (struct cli_cell){text, style};
}

void cli_table_release(struct cli_table *table)
{
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i].text);
	free(table->cells);
	table->cells = NULL;
	table->n_cells = 0;
}

static size_t measure(const struct cli_table *table, size_t widths[CLI_COLUMNS_MAX])
{
	size_t total = 0;
	for (size_t i = 0; i < table->n_columns; i++) {
		widths[i] = table->columns[i].title ? cli_width(table->columns[i].title) : 0;
		for (size_t at = i; at < table->n_cells; at += table->n_columns) {
			size_t width = cli_width(table->cells[at].text);
			widths[i] = width > widths[i] ? width : widths[i];
		}
		total += widths[i] + (i ? GAP : 0);
	}
	return total;
}

/* Takes what is too much from the columns that may shrink, the last one first. */
static void shrink(const struct cli_table *table, size_t widths[CLI_COLUMNS_MAX], size_t total, size_t columns)
{
	for (size_t i = table->n_columns; i-- && total > columns;) {
		if (!table->columns[i].shrinks || widths[i] <= SHRUNK_MIN)
			continue;
		size_t spare = widths[i] - SHRUNK_MIN;
		size_t take = total - columns < spare ? total - columns : spare;
		widths[i] -= take;
		total -= take;
	}
}

static void add_cut(struct iov_buf *out, const struct cli_look *look, const char *text, size_t width)
{
	const char *mark = look->utf8 ? "…" : "~";
	iov_buf_add(out, text, cli_fitting(text, width - 1));
	iov_buf_puts(out, mark);
}

static void add_cell(struct iov_buf *out, const struct cli_look *look, const struct cli_column *column,
		     const struct cli_cell *cell, size_t width, bool last)
{
	iov_auto(iov_buf_release) struct iov_buf cut = {0};
	const char *text = cell->text;
	size_t used = cli_width(text);
	if (used > width) {
		add_cut(&cut, look, text, width);
		text = iov_buf_failed(&cut) ? "" : cut.data;
		used = cli_width(text);
	}
	int padding = (int)(width - used);
	if (column->right)
		iov_buf_printf(out, "%*s", padding, "");
	cli_add_styled(out, look, cell->style, text);
	if (!column->right && !last)
		iov_buf_printf(out, "%*s", padding, "");
}

/* Cells at the end of a row that hold nothing leave no blanks behind. */
static size_t used_cells(const struct cli_cell *row, size_t count)
{
	while (count && !*row[count - 1].text)
		count--;
	return count;
}

static void add_row(struct iov_buf *out, const struct cli_look *look, const struct cli_table *table,
		    const struct cli_cell *row, const size_t widths[CLI_COLUMNS_MAX])
{
	size_t count = used_cells(row, table->n_columns);
	for (size_t i = 0; i < count; i++) {
		if (i)
			iov_buf_printf(out, "%*s", GAP, "");
		add_cell(out, look, &table->columns[i], &row[i], widths[i], i + 1 == count);
	}
	iov_buf_puts(out, "\n");
}

void cli_table_print(const struct cli_table *table, const struct cli_look *look, struct iov_buf *out)
{
	size_t widths[CLI_COLUMNS_MAX];
	struct cli_cell head[CLI_COLUMNS_MAX] = {0};
	size_t total = measure(table, widths);
	if (look->width && total > look->width)
		shrink(table, widths, total, look->width);
	for (size_t i = 0; i < table->n_columns; i++) {
		const char *title = table->columns[i].title;
		head[i] = (struct cli_cell){(char *)(title ? title : ""), CLI_STRONG};
	}
	if (used_cells(head, table->n_columns))
		add_row(out, look, table, head, widths);
	for (size_t at = 0; at + table->n_columns <= table->n_cells; at += table->n_columns)
		add_row(out, look, table, &table->cells[at], widths);
	if (table->failed)
		iov_buf_puts(out, "out of memory\n");
}
