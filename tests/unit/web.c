#include "web.h"

#include <arpa/inet.h>
#include <check.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEAD_MAX 8192

bool unit_web_write(const struct unit_web_request *request, const void *data, size_t len)
{
	for (const char *at = data; len;) {
		ssize_t sent = send(request->sock, at, len, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		at += sent;
		len -= (size_t)sent;
	}
	return true;
}

bool unit_web_print(const struct unit_web_request *request, const char *format, ...)
{
	char text[HEAD_MAX];
	va_list args;
	va_start(args, format);
	int len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return unit_web_write(request, text, (size_t)len);
}

const char *unit_web_header(const struct unit_web_request *request, const char *name)
{
	static char value[HEAD_MAX];
	const char *at = strcasestr(request->head, name);
	if (!at || at[strlen(name)] != ':')
		return NULL;
	at += strlen(name) + 2;
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
	return value;
}

/* Byte by byte: what comes after the head is the next request's. */
static bool read_head(int sock, char *head)
{
	size_t len = 0;
	while (len < HEAD_MAX - 1 && recv(sock, head + len, 1, 0) == 1) {
		head[++len] = '\0';
		if (len >= 4 && !strcmp(head + len - 4, "\r\n\r\n"))
			return true;
	}
	return false;
}

static void serve(int sock, unsigned *visits, bool (*answer)(const struct unit_web_request *request))
{
	char head[HEAD_MAX], path[256];
	while (read_head(sock, head) && sscanf(head, "GET %255s", path) == 1) {
		__atomic_add_fetch(visits, 1, __ATOMIC_SEQ_CST);
		if (!answer(&(struct unit_web_request){sock, path, head, visits}))
			return;
	}
}

static void serve_all(int listener, unsigned *visits, bool (*answer)(const struct unit_web_request *request))
{
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int sock = accept(listener, NULL, NULL);
		if (sock >= 0 && fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
			serve(sock, visits, answer);
			_exit(0);
		}
		close(sock);
	}
}

void unit_web_start(struct unit_web *web, bool (*answer)(const struct unit_web_request *request))
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(listener, 64), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	web->port = ntohs(address.sin_port);
	web->visits = mmap(NULL, sizeof(*web->visits), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(web->visits, MAP_FAILED);
	web->pid = fork();
	ck_assert_int_ge(web->pid, 0);
	if (!web->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		serve_all(listener, web->visits, answer);
	}
	close(listener);
}

void unit_web_stop(struct unit_web *web)
{
	kill(web->pid, SIGKILL);
	waitpid(web->pid, NULL, 0);
	munmap(web->visits, sizeof(*web->visits));
}
