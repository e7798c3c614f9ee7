#include "cli/show_event.h"

#include <string.h>

#include "cli/json.h"

#define TEXT_WIDTH 16 /* columns that a text gets from the start, so that lines do not jump */
#define NUMBER_WIDTH 7

struct field {
	const char *name;
	const json_t *value;
	bool number;
};

/* The time first, wherever it stands; then the fields as they come. */
static size_t list_fields(const json_t *event, struct field fields[CLI_EVENT_FIELDS])
{
	size_t count = 0;
	const char *name;
	json_t *value, *members = json_object_get(event, "fields");
	json_t *time = json_object_get(event, "time");
	if (!time)
		time = json_object_get(members, "time");
	if (time)
		fields[count++] = (struct field){"time", time, false};
	json_object_foreach(members, name, value) {
		if (value != time && count < CLI_EVENT_FIELDS)
			fields[count++] = (struct field){name, value, json_is_number(value)};
	}
	return count;
}

static void add_value(struct iov_buf *out, const json_t *value)
{
	if (json_is_string(value)) {
		cli_add_clean(out, json_string_value(value), false);
		return;
	}
	iov_auto(iov_free_ptr) char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	iov_buf_puts(out, text ? text : "?");
}

static void add_padded(struct iov_buf *out, const char *text, size_t width, bool right, bool last)
{
	size_t used = cli_width(text);
	int padding = used < width ? (int)(width - used) : 0;
	iov_buf_printf(out, "%*s%s%*s%s", right ? padding : 0, "", text, right || last ? 0 : padding, "",
		       last ? "\n" : "  ");
}

static void add_head(struct cli_event_view *view, const struct field *fields, size_t count, struct iov_buf *out)
{
	iov_auto(iov_buf_release) struct iov_buf names = {0};
	for (size_t i = 0; i < count; i++)
		iov_buf_printf(&names, "%s%s", i ? " " : "", fields[i].name);
	if (iov_buf_failed(&names) || (view->head.data && names.data && !strcmp(view->head.data, names.data)))
		return;
	for (size_t i = 0; i < count; i++) {
		iov_auto(iov_buf_release) struct iov_buf title = {0};
		cli_add_clean(&title, fields[i].name, false);
		for (size_t j = 0; j < title.len; j++)
			if (title.data[j] >= 'a' && title.data[j] <= 'z')
				title.data[j] -= 'a' - 'A';
		size_t width = cli_width(title.len ? title.data : ""),
		       least = fields[i].number ? NUMBER_WIDTH : TEXT_WIDTH;
		view->widths[i] = width > least ? width : least;
		add_padded(out, title.len ? title.data : "", view->widths[i], fields[i].number, i + 1 == count);
	}
	iov_buf_release(&view->head);
	view->head = names;
	names = (struct iov_buf){0};
}

void cli_event_add(struct cli_event_view *view, const json_t *event, struct iov_buf *out)
{
	struct field fields[CLI_EVENT_FIELDS];
	size_t count = list_fields(event, fields);
	add_head(view, fields, count, out);
	for (size_t i = 0; i < count; i++) {
		iov_auto(iov_buf_release) struct iov_buf text = {0};
		add_value(&text, fields[i].value);
		const char *shown = text.data ? text.data : "";
		size_t width = cli_width(shown);
		if (width > view->widths[i])
			view->widths[i] = width;
		add_padded(out, shown, view->widths[i], fields[i].number, i + 1 == count);
	}
}
