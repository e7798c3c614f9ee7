/*
 * A web server for tests, as good or bad as its `answer` makes it: a child process, one more for each connection, on a
 * port of 127.0.0.1.
 */
#ifndef TESTS_UNIT_WEB_H
#define TESTS_UNIT_WEB_H

#include <stdbool.h>
#include <sys/types.h>

struct unit_web_request {
	int sock;
	const char *path;
	const char *head; /* all of it, to the empty line */
	unsigned *visits; /* shared by all connections and the test: how many requests there were */
};

struct unit_web {
	pid_t pid;
	unsigned port;
	unsigned *visits;
};

/* `answer` writes to the socket; false: the connection is closed. */
void unit_web_start(struct unit_web *web, bool (*answer)(const struct unit_web_request *request));
void unit_web_stop(struct unit_web *web);

/* For `answer`. False when the other side is gone. */
bool unit_web_write(const struct unit_web_request *request, const void *data, size_t len);
bool unit_web_print(const struct unit_web_request *request, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The value of a header, in a buffer of the function's own; NULL: it is not there. */
const char *unit_web_header(const struct unit_web_request *request, const char *name);

#endif
