/* Any bytes as what git says to the hook proc-receive: refused with a text, or pushes whose parts are as long as they
 * may be; and any reason as an answer that git can read again. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "registry/pktline.h"
#include "registry/receive.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_pushes(const struct iov_pushes *pushes)
{
	if (pushes->count > IOV_PUSH_REFS_MAX)
		abort();
	for (size_t i = 0; i < pushes->count; i++) {
		const struct iov_push *push = &pushes->items[i];
		size_t from = strlen(push->from), to = strlen(push->to);
		if ((from != 40 && from != 64) || (to != 40 && to != 64) || strlen(push->ref) > IOV_PKT_MAX)
			abort();
	}
}

static void check_answer(struct iov_ctx *ctx, const uint8_t *data, size_t size)
{
	static struct iov_pkt pkt;
	iov_auto(iov_free_ptr) char *reason = strndup((const char *)data, size);
	const char *path = fuzz_file((const uint8_t *)"", 0);
	iov_auto(iov_close_fd) int fd = open(path, O_RDWR | O_CLOEXEC);
	if (!reason || fd < 0 || iov_receive_refuse(ctx, fd, "refs/heads/a", reason) || lseek(fd, 0, SEEK_SET))
		abort();
	if (iov_pkt_read(ctx, fd, &pkt) || strncmp(pkt.data, "ng refs/heads/a ", 16) != 0 || strchr(pkt.data, '\n'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iov_ctx *ctx = NULL;
	iov_auto(iov_pushes_release) struct iov_pushes pushes = {0};
	iov_auto(iov_close_fd) int in = open(fuzz_file(data, size), O_RDONLY | O_CLOEXEC);
	iov_auto(iov_close_fd) int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (iov_ctx_new(NULL, &ctx) || in < 0 || out < 0)
		abort();
	if (!iov_receive_begin(ctx, in, out, &pushes))
		check_pushes(&pushes);
	else if (!*iov_error_text(ctx))
		abort();
	check_answer(ctx, data, size);
	iov_ctx_free(ctx);
	return 0;
}
