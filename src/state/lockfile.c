#include "state/lockfile.h"

#include <stdlib.h>
#include <string.h>

#include "state/record.h"
#include "state/record_proof.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define SCHEMA 1

static int read_row(struct iov_ctx *ctx, const char *what, const json_t *json, struct iov_locked *ret)
{
	const char *version = NULL;
	int rc = iov_json_get_string(ctx, what, json, "name", &ret->name);
	if (!rc)
		rc = iov_json_get_string(ctx, what, json, "version", &version);
	if (!rc)
		rc = iov_json_opt_string(ctx, what, json, "registry", &ret->registry);
	if (!rc)
		rc = iov_json_get_string(ctx, what, json, "sha256", &ret->sha256);
	if (!rc)
		rc = iov_json_opt_string(ctx, what, json, "requirement", &ret->requirement);
	if (rc)
		return rc;
	if (!iov_is_name(ret->name) || !iov_is_sha256_hex(ret->sha256))
		return iov_error(ctx, IOV_E_INPUT, "'%s': a release has no sound name or SHA-256; write it anew", what);
	rc = iov_version_parse(ctx, version, &ret->version);
	return rc ? iov_error_prefix(ctx, "'%s'", what) : IOV_OK;
}

static int read_proof(struct iov_ctx *ctx, const char *what, const json_t *json, const json_t *notes,
		      struct iov_locked *row)
{
	json_t *folded = NULL;
	int rc = iov_json_opt_object(ctx, what, json, "proof", &folded);
	if (rc || !folded)
		return rc;
	row->proof = iov_record_unfold_proof(folded, notes);
	return row->proof ? IOV_OK
			  : iov_error(ctx, IOV_E_INPUT,
				      "'%s': the proof of '%s' names a note that is not there; write it anew", what,
				      row->name);
}

static int add_row(struct iov_ctx *ctx, const char *what, const json_t *json, const json_t *notes,
		   struct iov_lockfile *lockfile)
{
	struct iov_locked *row = &lockfile->rows[lockfile->count];
	int rc = read_row(ctx, what, json, row);
	if (rc)
		return rc;
	if (lockfile->count && strcmp(row[-1].name, row->name) >= 0)
		return iov_error(ctx, IOV_E_INPUT, "'%s': module '%s' stands there twice, or out of order", what,
				 row->name);
	rc = read_proof(ctx, what, json, notes, row);
	lockfile->count += !rc;
	return rc;
}

static int fill(struct iov_ctx *ctx, const char *path, struct iov_lockfile *lockfile)
{
	uint64_t schema = 0;
	json_t *releases = NULL, *notes = NULL;
	int rc = iov_json_get_uint(ctx, path, lockfile->json, "schema", &schema);
	if (!rc && schema != SCHEMA)
		return iov_error(ctx, IOV_E_UNSUPPORTED,
				 "'%s' has schema %llu, this iovpkg reads %d; use a newer iovpkg", path,
				 (unsigned long long)schema, SCHEMA);
	if (!rc)
		rc = iov_json_get_array(ctx, path, lockfile->json, "releases", &releases);
	if (!rc)
		rc = iov_json_opt_object(ctx, path, lockfile->json, "notes", &notes);
	if (rc)
		return rc;
	lockfile->rows = calloc(json_array_size(releases) + 1, sizeof(*lockfile->rows));
	if (!lockfile->rows)
		return iov_oom(ctx);
	for (size_t i = 0; !rc && i < json_array_size(releases); i++)
		rc = add_row(ctx, path, json_array_get(releases, i), notes, lockfile);
	return rc;
}

int iov_lockfile_read(struct iov_ctx *ctx, const char *path, struct iov_lockfile *ret, bool *ret_found)
{
	struct iov_lockfile lockfile = {0};
	bool found = iov_fs_exists(path);
	if (ret_found)
		*ret_found = found;
	if (!found && ret_found)
		*ret = lockfile;
	if (!found)
		return ret_found ? IOV_OK
				 : iov_error(ctx, IOV_E_NOT_FOUND,
					     "there is no lock '%s'; 'iovpkg lock' with the host manifest writes it",
					     path);
	int rc = iov_json_read(ctx, path, IOV_RECORD_MAX, &lockfile.json);
	if (rc)
		rc = iov_error_prefix(ctx, "the lock, which 'iovpkg lock' makes anew when it is gone");
	if (!rc)
		rc = fill(ctx, path, &lockfile);
	if (rc)
		iov_lockfile_release(&lockfile);
	else
		*ret = lockfile;
	return rc;
}

void iov_lockfile_release(struct iov_lockfile *lockfile)
{
	for (size_t i = 0; i < lockfile->count; i++)
		json_decref(lockfile->rows[i].proof);
	free(lockfile->rows);
	json_decref(lockfile->json);
	*lockfile = (struct iov_lockfile){0};
}

const struct iov_locked *iov_lockfile_find(const struct iov_lockfile *lockfile, const char *name)
{
	for (size_t i = 0; i < lockfile->count; i++)
		if (!strcmp(lockfile->rows[i].name, name))
			return &lockfile->rows[i];
	return NULL;
}

static json_t *row_json(const struct iov_hostfile *host, const struct iov_release *one, const json_t *proof,
			json_t *notes)
{
	const char *name = one->manifest->name;
	json_t *row = json_pack("{s:s, s:s, s:s?, s:s, s:s?}", "name", name, "version", one->manifest->version.text,
				"registry", one->registry, "sha256", one->sha256, "requirement",
				json_string_value(json_object_get(host->modules, name)));
	if (row && (!proof || !json_object_set_new(row, "proof", iov_record_fold_proof(proof, notes))))
		return row;
	json_decref(row);
	return NULL;
}

json_t *iov_lockfile_json(const struct iov_hostfile *host, const struct iov_release *const *chosen,
			  json_t *const *proofs, size_t count)
{
	iov_auto(iov_json_release) json_t *releases = json_array();
	iov_auto(iov_json_release) json_t *notes = json_object();
	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(releases, row_json(host, chosen[i], proofs[i], notes)))
			return NULL;
	return json_pack("{s:i, s:O*, s:O}", "schema", SCHEMA, "notes", json_object_size(notes) ? notes : NULL,
			 "releases", releases);
}

int iov_lockfile_write(struct iov_ctx *ctx, const char *path, const json_t *json)
{
	iov_auto(iov_free_ptr) char *text = iov_json_text(json);
	if (!text)
		return iov_oom(ctx);
	int err = iov_fs_replace(path, text, strlen(text), 0644);
	return err ? iov_error_errno(ctx, err, "cannot write '%s'", path) : IOV_OK;
}
