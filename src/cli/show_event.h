/* Events as lines: columns that grow with what they hold, and a head when the fields change. */
#ifndef IOV_CLI_SHOW_EVENT_H
#define IOV_CLI_SHOW_EVENT_H

#include <jansson.h>

#include "cli/terminal.h"

#define CLI_EVENT_FIELDS 32 /* columns; further fields are left to --json */

struct cli_event_view {
	struct cli_look look;
	struct iov_buf head; /* the fields' names, to see when they change; released by the caller */
	size_t widths[CLI_EVENT_FIELDS];
};

/* One event (docs/json.md) as a line, after a line of names where it needs one. */
void cli_event_add(struct cli_event_view *view, const json_t *event, struct iov_buf *out);

#endif
