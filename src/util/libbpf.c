#include "util/libbpf.h"

#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static _Thread_local struct iov_buf *thread_log;

static int collect(enum libbpf_print_level level, const char *format, va_list args)
{
	if (thread_log && level != LIBBPF_DEBUG && thread_log->len < IOV_LIBBPF_LOG_MAX)
		iov_buf_vprintf(thread_log, format, args);
	return 0;
}

static void install(void)
{
	libbpf_set_print(collect);
}

void iov_libbpf_quiet(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, install);
}

void iov_libbpf_log_to(struct iov_buf *log)
{
	iov_libbpf_quiet();
	thread_log = log;
}

void iov_libbpf_reason(const struct iov_buf *log, char *ret, size_t size)
{
	static const char prefix[] = "libbpf: ";
	const char *text = log->data ? log->data : "";
	if (!strncmp(text, prefix, strlen(prefix)))
		text += strlen(prefix);
	snprintf(ret, size, "%.*s", (int)strcspn(text, "\n"), text);
}
