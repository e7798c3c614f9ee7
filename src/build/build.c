#include "build/build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "build/compile.h"
#include "build/link.h"
#include "build/snapshot.h"
#include "build/toolchain.h"
#include "build/vmlinux.h"
#include "core/release.h"
#include "util/cleanup.h"
#include "util/fs.h"

/* One build at work. Everything is in `scratch`, beside the output, so that whoever clears that folder clears this as
 * well. */
struct build {
	struct iov_ctx *ctx;
	const struct iov_manifest *manifest;
	const char *dir;    /* the author's folder */
	char *scratch;	    /* .iovpkg-build.XXXXXX; removed at the end */
	char *module, *out; /* folders in it: the snapshot, and what clang writes */
	char *vmlinux;	    /* NULL: no source includes it */
	char **objects;	    /* one path a source */
};

static void end_build(struct build *build)
{
	for (size_t i = 0; build->objects && i < build->manifest->n_sources; i++)
		free(build->objects[i]);
	if (build->scratch)
		iov_fs_rmtree(build->scratch);
	free(build->objects);
	free(build->vmlinux);
	free(build->out);
	free(build->module);
	free(build->scratch);
}

/* NULL: no memory, the error is set. */
static char *path_in(struct build *build, const char *folder, const char *name)
{
	char *path = NULL;
	if (asprintf(&path, "%s/%s", folder, name) >= 0)
		return path;
	iov_oom(build->ctx);
	return NULL;
}

static int make_scratch(struct build *build, const char *output)
{
	const char *slash = strrchr(output, '/');
	char *scratch = NULL;
	int rc = iov_fs_mkdirs_for(output, 0755);
	if (rc)
		return iov_error_errno(build->ctx, rc, "cannot make the folder of '%s'", output);
	if (asprintf(&scratch, "%.*s.iovpkg-build.XXXXXX", slash ? (int)(slash - output) + 1 : 0, output) < 0)
		return iov_oom(build->ctx);
	if (!mkdtemp(scratch)) {
		rc = iov_error_errno(build->ctx, errno, "cannot make a folder for building beside '%s'", output);
		free(scratch);
		return rc;
	}
	build->scratch = scratch;
	return IOV_OK;
}

static int make_folders(struct build *build)
{
	build->module = path_in(build, build->scratch, "module");
	build->out = build->module ? path_in(build, build->scratch, "out") : NULL;
	if (!build->out)
		return build->ctx->code;
	if (mkdir(build->out, 0700))
		return iov_error_errno(build->ctx, errno, "cannot make the folder '%s'", build->out);
	return iov_sandbox_own(build->ctx, build->out);
}

static int take_sources(struct build *build)
{
	struct iov_snapshot seen = {0};
	int rc = iov_snapshot_take(build->ctx, build->dir, build->module, &seen);
	if (!rc && seen.wants_vmlinux && !seen.has_vmlinux)
		rc = iov_vmlinux_header(build->ctx, build->scratch, &build->vmlinux);
	return rc;
}

static int check_source(struct build *build, const char *source)
{
	struct stat st;
	if (!iov_is_archive_path(source))
		return iov_error(build->ctx, IOV_E_INPUT, "module '%s': source '%s' is not a path inside of the module",
				 build->manifest->name, source);
	iov_auto(iov_free_ptr) char *path = path_in(build, build->module, source);
	if (!path)
		return build->ctx->code;
	if (lstat(path, &st) || !S_ISREG(st.st_mode))
		return iov_error(build->ctx, IOV_E_INPUT,
				 "module '%s': source '%s' is not a file in '%s'; correct build.sources in %s",
				 build->manifest->name, source, build->dir, IOV_MANIFEST_FILE);
	return IOV_OK;
}

static int compile_source(struct build *build, size_t i)
{
	char name[32];
	snprintf(name, sizeof(name), "%zu.o", i);
	int rc = check_source(build, build->manifest->sources[i]);
	if (rc)
		return rc;
	build->objects[i] = path_in(build, build->out, name);
	if (!build->objects[i])
		return build->ctx->code;
	return iov_compile(build->ctx, &(struct iov_compile){
					       .module = build->module,
					       .source = build->manifest->sources[i],
					       .output = build->out,
					       .object = name,
					       .vmlinux = build->vmlinux,
					       .limits = {IOV_BUILD_SECONDS, IOV_BUILD_MEMORY, IOV_BUILD_OUTPUT},
				       });
}

static int compile_all(struct build *build)
{
	size_t count = build->manifest->n_sources;
	int rc = IOV_OK;
	build->objects = calloc(count + 1, sizeof(*build->objects));
	if (!build->objects)
		return iov_oom(build->ctx);
	for (size_t i = 0; !rc && i < count; i++) {
		rc = compile_source(build, i);
		iov_progress(build->ctx, "building", build->manifest->name, i + 1, count);
	}
	return rc;
}

/* The linker writes to scratch; the output is replaced at once. */
static int deliver(struct build *build, const char *output)
{
	iov_auto(iov_buf_release) struct iov_buf object = {0};
	iov_auto(iov_free_ptr) char *linked = path_in(build, build->scratch, "linked.o");
	if (!linked)
		return build->ctx->code;
	int rc = iov_link(build->ctx, (const char *const *)build->objects, build->manifest->n_sources, linked);
	if (rc)
		return iov_error_prefix(build->ctx, "module '%s'", build->manifest->name);
	rc = iov_fs_read(linked, IOV_ARCHIVE_MAX, &object);
	if (rc == -EFBIG)
		return iov_error(build->ctx, IOV_E_BUILD, "the object of module '%s' is larger than the %u MB allowed",
				 build->manifest->name, IOV_ARCHIVE_MAX >> 20);
	if (!rc)
		rc = iov_fs_replace(output, object.data, object.len, 0644);
	return rc ? iov_error_errno(build->ctx, rc, "cannot write the object '%s'", output) : IOV_OK;
}

/* The compiler says it in its own words; libbpf's linker does not say why it cannot write, but then the disk is still
 * full. */
static bool is_disk_full(const struct build *build)
{
	struct statvfs disk;
	return strstr(iov_error_text(build->ctx), strerror(ENOSPC)) ||
	       (!statvfs(build->scratch, &disk) && !disk.f_bavail);
}

static int tell_full_disk(struct build *build, int rc)
{
	if (rc != IOV_E_BUILD || !build->scratch || !is_disk_full(build))
		return rc;
	return iov_error_errno(build->ctx, ENOSPC, "cannot build module '%s' in '%s'", build->manifest->name,
			       build->scratch);
}

static int run(struct build *build, const char *output)
{
	int rc = make_scratch(build, output);
	if (!rc)
		rc = make_folders(build);
	if (!rc)
		rc = take_sources(build);
	if (!rc)
		rc = compile_all(build);
	if (!rc)
		rc = deliver(build, output);
	return tell_full_disk(build, rc);
}

int iov_build_module(struct iov_ctx *ctx, const char *dir, const struct iov_manifest *manifest, const char *output)
{
	struct build build = {.ctx = ctx, .manifest = manifest, .dir = dir};
	if (!manifest->n_sources)
		return iov_error(ctx, IOV_E_INPUT,
				 "module '%s' has no sources to build; name them in build.sources of %s",
				 manifest->name, IOV_MANIFEST_FILE);
	int rc = iov_toolchain_present(ctx);
	if (rc)
		return rc;
	iov_step(ctx, "building", manifest->name);
	rc = run(&build, output);
	end_build(&build);
	if (!rc)
		iov_done(ctx, "building", manifest->name);
	return rc;
}
