/*
 * credentials.yaml: which place gets its credential from where (docs/credentials.md). The file holds no secret, so that
 * everybody may read it; it names programs to run, so that nobody but its owner or root may write it.
 */
#ifndef IOV_CREDENTIALS_ENTRIES_H
#define IOV_CREDENTIALS_ENTRIES_H

#include "core/schema.h"
#include "credentials/scope.h"

#define IOV_ENTRIES_PATH IOV_ETC "/credentials.yaml"
#define IOV_ENTRIES_MAX (1u << 20) /* bytes of the file */

struct iov_entry {
	struct iov_scope scope;
	const char *url;  /* as it was written; all texts are borrowed from the document */
	const char *kind; /* the one of these that it has, by its key */
	const char *token_file, *password_file, *environment, *ssh_key;
	const char *username;
	const json_t *helper; /* program and arguments */
};

struct iov_entries {
	char *path;
	json_t *json;
	struct iov_entry *items;
	size_t count;
};

extern const struct iov_schema iov_entries_schema;
json_t *iov_entries_json_schema(void); /* for editors; owned by the caller; NULL: no memory */

/* No file is no entries. */
int iov_entries_read(struct iov_ctx *ctx, struct iov_entries *ret);
int iov_entries_parse(struct iov_ctx *ctx, const char *path, const char *text, size_t len, struct iov_entries *ret);
void iov_entries_release(struct iov_entries *entries);

/* The entry of the longest path that covers the scope; NULL: none does. Borrowed. */
const struct iov_entry *iov_entries_find(const struct iov_entries *entries, const struct iov_scope *scope);

#endif
