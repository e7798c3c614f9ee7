#include "cli/show.h"

#include "util/cleanup.h"

void cli_show_line(struct iov_buf *out, const char *format, ...)
{
	iov_auto(iov_buf_release) struct iov_buf raw = {0};
	va_list args;
	va_start(args, format);
	iov_buf_vprintf(&raw, format, args);
	va_end(args);
	cli_add_clean(out, iov_buf_failed(&raw) ? "out of memory" : raw.data, false);
	iov_buf_puts(out, "\n");
}
