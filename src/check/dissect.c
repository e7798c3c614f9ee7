#include "check/dissect.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

#include "util/cleanup.h"

void iov_dissected_release(struct iov_dissected *dissected)
{
	iov_reaching_free(dissected->reaching);
	iov_needs_release(&dissected->needs);
	btf__free(dissected->btf);
	btf_ext__free(dissected->ext);
	iov_bytecode_release(&dissected->code);
	*dissected = (struct iov_dissected){0};
}

static int dissect(struct iov_ctx *ctx, const char *path, struct iov_dissected *dissected)
{
	int rc = iov_bytecode_read(ctx, path, &dissected->code);
	if (rc)
		return rc;
	dissected->btf = btf__parse_elf(path, &dissected->ext);
	if (!dissected->btf && errno != ENODATA)
		return iov_error_errno(ctx, errno, "cannot read the type information (BTF) of '%s'", path);
	rc = iov_needs_read(ctx, &dissected->code, dissected->btf, dissected->ext, &dissected->needs);
	return rc ? rc : iov_reaching_new(ctx, &dissected->code, &dissected->needs, &dissected->reaching);
}

int iov_dissect(struct iov_ctx *ctx, const char *path, struct iov_dissected *ret)
{
	*ret = (struct iov_dissected){0};
	int rc = dissect(ctx, path, ret);
	if (!rc)
		return IOV_OK;
	iov_dissected_release(ret);
	return iov_error_prefix(ctx, "object '%s'", path);
}

int iov_dissected_reach(struct iov_ctx *ctx, const struct iov_dissected *dissected, const char *program,
			struct iov_reach *ret)
{
	uint32_t function = iov_bytecode_function(&dissected->code, program);
	memset(ret, 0, dissected->needs.count * sizeof(*ret));
	return function == IOV_BYTECODE_NONE ? IOV_OK : iov_reach(ctx, dissected->reaching, function, ret);
}
