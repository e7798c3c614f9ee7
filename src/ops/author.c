/* build, pack, publish, and publish in two steps: the author's half of a package's path. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "build/build.h"
#include "check/check.h"
#include "ops/edit.h"
#include "ops/publish.h"
#include "ops/sign.h"
#include "pack/pack.h"
#include "sign/note.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"

struct authored {
	struct iov_manifest *manifest;
	struct iov_object *object;
	char *work;    /* a private folder for what is made on the way */
	char *elf;     /* the built object, in `work` */
	char *archive; /* the packed module */
	json_t *release;
};

static void authored_release(struct authored *one)
{
	iov_manifest_free(one->manifest);
	iov_object_free(one->object);
	if (one->work)
		iov_fs_rmtree(one->work);
	free(one->work);
	free(one->elf);
	free(one->archive);
	json_decref(one->release);
}

/* Authors need no root, so this is no place of the state's. */
static int work_folder(struct iov_ctx *ctx, char **ret)
{
	iov_auto(iov_free_ptr) char *folder = strdup("/tmp/iovpkg-XXXXXX");
	if (!folder)
		return iov_oom(ctx);
	if (!mkdtemp(folder))
		return iov_error_errno(ctx, errno, "making a work folder in '/tmp'");
	*ret = iov_take(folder);
	return IOV_OK;
}

/* Manifest, object, and what the object says of itself: everything a release is made from. */
static int build(struct iov_ctx *ctx, const char *dir, struct authored *ret)
{
	int rc = iov_manifest_read(ctx, dir, &ret->manifest);
	if (!rc)
		rc = work_folder(ctx, &ret->work);
	if (rc)
		return rc;
	if (asprintf(&ret->elf, "%s/%s.bpf.o", ret->work, ret->manifest->name) < 0) {
		ret->elf = NULL;
		return iov_oom(ctx);
	}
	rc = iov_build_module(ctx, dir, ret->manifest, ret->elf);
	if (!rc)
		rc = iov_check_object(ctx, ret->elf, &ret->object);
	if (!rc)
		rc = iov_check_agreement(ctx, ret->manifest, ret->object, ret->elf);
	return rc;
}

static int pack(struct iov_ctx *ctx, const char *dir, const char *output, bool with_object, struct authored *one)
{
	iov_step(ctx, "packing", one->manifest->name);
	int rc = iov_pack_module(ctx, dir, one->manifest, with_object ? one->elf : NULL, one->object, output,
				 &one->release);
	if (!rc)
		iov_done(ctx, "packing", one->manifest->name);
	return rc;
}

/* The finished file under its name, whole or not at all. */
static int copy_out(struct iov_ctx *ctx, const char *from, const char *to)
{
	iov_auto(iov_buf_release) struct iov_buf bytes = {0};
	int err = iov_fs_read(from, IOV_BUILD_OUTPUT, &bytes);
	if (!err)
		err = iov_fs_replace(to, bytes.data, bytes.len, 0644);
	return err ? iov_error_errno(ctx, err, "writing '%s'", to) : IOV_OK;
}

static json_t *names_json(const struct iov_object *object, bool maps)
{
	json_t *names = json_array();
	for (size_t i = 0; i < (maps ? object->n_maps : object->n_programs); i++)
		json_array_append_new(names, json_string(maps ? object->maps[i].name : object->programs[i].name));
	return names;
}

int iov_build(struct iov_ctx *ctx, const char *dir, const char *output, char **ret_json)
{
	iov_auto(authored_release) struct authored one = {0};
	int rc = build(ctx, dir, &one);
	if (rc)
		return rc;
	iov_auto(iov_free_ptr) char *target = NULL;
	if (output ? !(target = strdup(output)) : asprintf(&target, "%s/%s.bpf.o", dir, one.manifest->name) < 0)
		return iov_oom(ctx);
	struct stat st;
	rc = copy_out(ctx, one.elf, target);
	if (!rc && stat(target, &st))
		rc = iov_error_errno(ctx, errno, "reading '%s'", target);
	if (rc)
		return rc;
	return iov_answer(ctx,
			  json_pack("{s:s, s:I, s:o, s:o}", "object", target, "size", (json_int_t)st.st_size,
				    "programs", names_json(one.object, false), "maps", names_json(one.object, true)),
			  ret_json);
}

static const json_t *archive_of(const struct authored *one)
{
	return json_object_get(one->release, "archive");
}

int iov_pack(struct iov_ctx *ctx, const char *dir, const char *output, bool with_object, char **ret_json)
{
	iov_auto(authored_release) struct authored one = {0};
	int rc = build(ctx, dir, &one);
	if (rc)
		return rc;
	if (output ? !(one.archive = strdup(output))
		   : asprintf(&one.archive, "%s-%s.iov", one.manifest->name, one.manifest->version.text) < 0)
		return iov_oom(ctx);
	rc = pack(ctx, dir, one.archive, with_object, &one);
	if (rc)
		return rc;
	const json_t *archive = archive_of(&one);
	return iov_answer(ctx,
			  json_pack("{s:s, s:s, s:s, s:O, s:O, s:I}", "name", one.manifest->name, "version",
				    one.manifest->version.text, "path", one.archive, "sha256",
				    json_object_get(archive, "sha256"), "size", json_object_get(archive, "size"),
				    "files", (json_int_t)json_array_size(json_object_get(archive, "files"))),
			  ret_json);
}

/* Built, checked and packed: all of a publish but the signature and the submission. */
static int make_release(struct iov_ctx *ctx, const char *dir, bool with_object, struct authored *one)
{
	int rc = build(ctx, dir, one);
	if (rc)
		return rc;
	const char *unsupported = iov_manifest_unsupported(one->manifest);
	if (unsupported)
		return iov_error(ctx, IOV_E_UNSUPPORTED,
				 "'%s' in the manifest of '%s' is not supported by this iovpkg, so no host could "
				 "honour it; take it out",
				 unsupported, one->manifest->name);
	if (asprintf(&one->archive, "%s/archive", one->work) < 0) {
		one->archive = NULL;
		return iov_oom(ctx);
	}
	return pack(ctx, dir, one->archive, with_object, one);
}

int iov_publish(struct iov_ctx *ctx, const char *dir, const char *registry, const char *key, bool with_object,
		uint64_t wait, unsigned flags, char **ret_json)
{
	iov_auto(authored_release) struct authored one = {0};
	json_t *answer = NULL;
	int rc = make_release(ctx, dir, with_object, &one);
	if (!rc)
		rc = iov_publish_release(ctx, registry, key, one.release, one.archive, wait, flags, &answer);
	return rc ? rc : iov_answer(ctx, answer, ret_json);
}

/* ---- releases that several publishers sign ---- */

static char *archive_beside(const char *note)
{
	char *path = NULL;
	return asprintf(&path, "%s.iov", note) < 0 ? NULL : path;
}

int iov_publish_prepare(struct iov_ctx *ctx, const char *dir, bool with_object, const char *output, char **ret_json)
{
	iov_auto(authored_release) struct authored one = {0};
	iov_auto(iov_free_ptr) char *archive = archive_beside(output);
	int rc = archive ? make_release(ctx, dir, with_object, &one) : iov_oom(ctx);
	iov_auto(iov_free_ptr) char *text = rc ? NULL : iov_json_canonical(one.release);
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	if (rc)
		return rc;
	iov_buf_printf(&note, "%s\n\n", text ? text : "");
	if (!text || iov_buf_failed(&note))
		return iov_oom(ctx);
	rc = copy_out(ctx, one.archive, archive);
	int err = rc ? 0 : iov_fs_replace(output, note.data, note.len, 0644);
	if (err)
		return iov_error_errno(ctx, err, "writing '%s'", output);
	return rc ? rc
		  : iov_answer(ctx,
			       json_pack("{s:s, s:s, s:s, s:O, s:s}", "archive", archive, "file", output, "name",
					 one.manifest->name, "sha256", json_object_get(archive_of(&one), "sha256"),
					 "version", one.manifest->version.text),
			       ret_json);
}

static int check_archive(struct iov_ctx *ctx, const char *archive, const json_t *release)
{
	char sha256[IOV_HEX_SIZE];
	const char *expected = json_string_value(json_object_get(json_object_get(release, "archive"), "sha256"));
	int rc = iov_sha256_file(ctx, archive, sha256);
	if (rc || (expected && !strcmp(expected, sha256)))
		return rc;
	return iov_error(ctx, IOV_E_INPUT, "'%s' is not the archive that was signed for; prepare the release again",
			 archive);
}

int iov_publish_prepared(struct iov_ctx *ctx, const char *file, const char *registry, uint64_t wait, unsigned flags,
			 char **ret_json)
{
	json_t *answer = NULL;
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	iov_auto(iov_json_release) json_t *release = NULL;
	iov_auto(iov_free_ptr) char *archive = archive_beside(file);
	iov_auto(iov_note_text_release) struct iov_note_text signatures = {0};
	int rc = archive ? iov_prepared_read(ctx, file, &note, &release) : iov_oom(ctx);
	if (!rc)
		rc = iov_note_parse_prepared(ctx, file, note.data, note.len, &signatures);
	if (!rc && !signatures.n_signatures)
		rc = iov_error(ctx, IOV_E_INPUT, "nobody has signed '%s'; sign it with 'iovpkg key sign %s'", file,
			       file);
	if (!rc)
		rc = check_archive(ctx, archive, release);
	if (!rc)
		rc = iov_publish_note(ctx, registry, release, &note, archive, wait, flags, &answer);
	return rc ? rc : iov_answer(ctx, answer, ret_json);
}
