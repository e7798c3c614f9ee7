/* What a registry's repository holds, as paths of a web site: the files of branch main, and archives at
 * "packages/<ab>/<sha256>". */
#ifndef IOV_SERVE_TREE_H
#define IOV_SERVE_TREE_H

#include <git2.h>
#include <stdbool.h>

#define SERVE_ETAG_SIZE (GIT_OID_MAX_HEXSIZE + 3) /* the blob's id in quotes, with the terminator */

struct serve_file {
	git_blob *blob;
	char etag[SERVE_ETAG_SIZE];
	const char *caching; /* value of Cache-Control */
	bool archive;
};

/* Opens the repository, which knows no configuration but its own. NULL: libgit2's last error tells why. */
git_repository *serve_open(const char *path);
/* The file at a path without the leading slash, as it is now; false: there is none. */
bool serve_find(git_repository *repo, const char *path, struct serve_file *ret);
void serve_file_release(struct serve_file *file);

#endif
