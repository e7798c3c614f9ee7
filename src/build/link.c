#include "build/link.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/libbpf.h"

static void free_linker(struct bpf_linker **linker)
{
	bpf_linker__free(*linker);
}

/* 0 or -errno. */
static int join(const char *const *objects, size_t count, const char *output)
{
	iov_auto(free_linker) struct bpf_linker *linker = bpf_linker__new(output, NULL);
	if (!linker)
		return -errno;
	int rc = 0;
	for (size_t i = 0; !rc && i < count; i++)
		rc = bpf_linker__add_file(linker, objects[i], NULL);
	return rc ? rc : bpf_linker__finalize(linker);
}

int iov_link(struct iov_ctx *ctx, const char *const *objects, size_t count, const char *output)
{
	iov_auto(iov_buf_release) struct iov_buf log = {0};
	iov_libbpf_log_to(&log);
	int rc = join(objects, count, output);
	iov_libbpf_log_to(NULL);
	if (!rc)
		return IOV_OK;
	char reason[256];
	iov_libbpf_reason(&log, reason, sizeof(reason));
	return iov_error(ctx, IOV_E_BUILD, "the objects of the module's sources cannot be joined: %s",
			 *reason ? reason : strerror(-rc));
}
