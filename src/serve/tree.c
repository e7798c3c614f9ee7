#include "serve/tree.h"

#include <stdio.h>
#include <string.h>

#include "core/digest.h"
#include "core/release.h"
#include "util/cleanup.h"

#define PACKAGES "packages/"
#define NEW_EACH_TIME "no-cache"
#define A_MINUTE "max-age=60"
#define FOR_EVER "max-age=31536000, immutable"

git_repository *serve_open(const char *path)
{
	git_repository *repo = NULL;
	static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG,
				     GIT_CONFIG_LEVEL_GLOBAL};
	git_libgit2_init();
	for (size_t i = 0; i < IOV_COUNT(levels); i++)
		git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	/* Archives come and go; what is read of each is of no use to the next request. */
	git_libgit2_opts(GIT_OPT_ENABLE_CACHING, 0);
	return git_repository_open_bare(&repo, path) ? NULL : repo;
}

static const char *caching_of(const char *path)
{
	static const struct {
		const char *prefix, *caching;
	} rules[] = {
		{PACKAGES, FOR_EVER}, {"by-hash/recent", NEW_EACH_TIME}, {"by-hash/", FOR_EVER},
		{"tile/", FOR_EVER},  {"manifest/", A_MINUTE},		 {"index/", A_MINUTE},
		{"root/", A_MINUTE},
	};
	for (size_t i = 0; i < IOV_COUNT(rules); i++)
		if (!strncmp(path, rules[i].prefix, strlen(rules[i].prefix)))
			return rules[i].caching;
	return NEW_EACH_TIME;
}

static bool find_in(git_repository *repo, const char *ref, const char *path, git_blob **ret)
{
	git_object *commit = NULL, *blob = NULL;
	git_oid id;
	bool found = !git_reference_name_to_id(&id, repo, ref) &&
		     !git_object_lookup(&commit, repo, &id, GIT_OBJECT_COMMIT) &&
		     !git_object_lookup_bypath(&blob, commit, path, GIT_OBJECT_BLOB);
	git_object_free(commit);
	if (found)
		*ret = (git_blob *)blob;
	return found;
}

/* "packages/ab/ab12…" */
static bool is_archive(const char *path, const char **ret_sha256)
{
	const char *rest = path + strlen(PACKAGES);
	if (strncmp(path, PACKAGES, strlen(PACKAGES)) != 0 || strlen(rest) != 3 + IOV_HEX_SIZE - 1 || rest[2] != '/')
		return false;
	*ret_sha256 = rest + 3;
	return iov_is_sha256_hex(rest + 3) && !strncmp(rest, rest + 3, 2);
}

bool serve_find(git_repository *repo, const char *path, struct serve_file *ret)
{
	char ref[96] = "", hex[GIT_OID_MAX_HEXSIZE + 1];
	const char *sha256;
	struct serve_file file = {.blob = NULL};
	if (!iov_is_archive_path(path))
		return false;
	file.archive = is_archive(path, &sha256);
	if (file.archive)
		snprintf(ref, sizeof(ref), "refs/packages/%s", sha256);
	if (!find_in(repo, file.archive ? ref : "refs/heads/main", file.archive ? "archive" : path, &file.blob))
		return false;
	git_oid_tostr(hex, sizeof(hex), git_blob_id(file.blob));
	snprintf(file.etag, sizeof(file.etag), "\"%s\"", hex);
	file.caching = caching_of(path);
	*ret = file;
	return true;
}

void serve_file_release(struct serve_file *file)
{
	git_blob_free(file->blob);
	*file = (struct serve_file){.blob = NULL};
}
