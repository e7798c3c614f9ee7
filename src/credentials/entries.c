#include "credentials/entries.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "credentials/secret.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define TEXT .kind = IOV_SCHEMA_TEXT
#define MAP .kind = IOV_SCHEMA_MAP
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"

/* ---- the schema ------------------------------------------------------------------------------------------------- */

static int check_url(struct iov_ctx *ctx, const char *text)
{
	iov_auto(iov_scope_release) struct iov_scope scope = {.scheme = NULL};
	if (iov_scope_parse(ctx, text, &scope))
		return iov_error(ctx, IOV_E_INPUT, "%s", iov_error_text(ctx));
	if (scope.scheme)
		return IOV_OK;
	return iov_error(ctx, IOV_E_INPUT,
			 "'%.200s' is no place that a credential is sent to; that needs https:// or ssh://", text);
}

static int check_absolute(struct iov_ctx *ctx, const char *text)
{
	if (text[0] == '/' && iov_is_plain_text(text))
		return IOV_OK;
	return iov_error(ctx, IOV_E_INPUT, "'%.200s' is no absolute path", text);
}

static int check_variable(struct iov_ctx *ctx, const char *text)
{
	static const char first[] = LETTERS, rest[] = LETTERS "0123456789";
	if (*text && strchr(first, *text) && strspn(text, rest) == strlen(text))
		return IOV_OK;
	return iov_error(ctx, IOV_E_INPUT, "'%.80s' is no name of an environment variable, such as REGISTRY_TOKEN",
			 text);
}

static int check_username(struct iov_ctx *ctx, const char *text)
{
	if (iov_secret_is_line(text) && !strchr(text, ':'))
		return IOV_OK;
	return iov_error(ctx, IOV_E_INPUT, "'%.80s' is no user name; it has one line and no ':'", text);
}

static const struct iov_format url = {"^(https://|sparse\\+https://|ssh://|[^/:]+:)", check_url};
static const struct iov_format absolute = {"^/", check_absolute};
static const struct iov_format variable = {"^[A-Za-z_][A-Za-z0-9_]*$", check_variable};
static const struct iov_format user = {"^[^:]+$", check_username};

static const struct iov_schema a_word = {TEXT, .summary = "The program, by its absolute path, and its arguments"};
static const struct iov_schema entry_members[] = {
	{"url", TEXT, .required = true, .format = &url,
	 .summary = "A registry, or a place that all registries below it share; the longest one that fits decides"},
	{"token_file", TEXT, .format = &absolute, .summary = "A file with a bearer token"},
	{"password_file", TEXT, .format = &absolute, .summary = "A file with the password of username"},
	{"environment", TEXT, .format = &variable,
	 .summary = "The environment variable with a bearer token, or with the password of username"},
	{"helper", .kind = IOV_SCHEMA_LIST, .repeats = true, .item = &a_word,
	 .summary = "A program that speaks git's credential protocol, and its arguments"},
	{"ssh_key", TEXT, .format = &absolute, .summary = "A private key without a passphrase, for ssh"},
	{"username", TEXT, .format = &user, .summary = "Who the password is of"},
	{0},
};
static const struct iov_schema an_entry = {MAP, .members = entry_members,
					   .summary = "Where the credential for one place comes from"};
static const struct iov_schema members[] = {
	{"schema", .kind = IOV_SCHEMA_INTEGER, .required = true, .format = &iov_format_schema,
	 .summary = "The format of this file: 1"},
	{"credentials", .kind = IOV_SCHEMA_LIST, .required = true, .item = &an_entry,
	 .summary = "Places, and where their credentials come from"},
	{0},
};
const struct iov_schema iov_entries_schema = {MAP, .members = members, .summary = "Credentials for registries"};

/* ---- what an entry must have besides ---------------------------------------------------------------------------- */

static const struct kind {
	const char *key;
	bool needs_username, takes_username, ssh;
} kinds[] = {
	{"token_file", .needs_username = false},
	{"password_file", .needs_username = true, .takes_username = true},
	{"environment", .takes_username = true},
	{"helper", .needs_username = false},
	{"ssh_key", .ssh = true},
};

static int check_kind(struct iov_ctx *ctx, const char *path, const struct iov_node *node, const struct kind *kind,
		      const struct iov_entry *entry)
{
	bool ssh = !strcmp(entry->scope.scheme, "ssh");
	if (kind->ssh != ssh)
		return iov_node_error(ctx, path, node,
				      "'%s' is for %s; for ssh:// name an 'ssh_key', for https:// one of 'token_file', "
				      "'password_file', 'environment' or 'helper'",
				      kind->key, kind->ssh ? "ssh://" : "https://");
	if (kind->needs_username && !entry->username)
		return iov_node_error(ctx, path, node, "'%s' needs a 'username'; for a token alone take 'token_file'",
				      kind->key);
	if (!kind->takes_username && entry->username)
		return iov_node_error(ctx, path, node,
				      "'username' does not go with '%s'; take 'password_file', or "
				      "leave it out",
				      kind->key);
	if (entry->helper && json_string_value(json_array_get(entry->helper, 0))[0] != '/')
		return iov_node_error(ctx, path, node,
				      "the helper '%s' is no absolute path; no shell and no PATH "
				      "looks for it",
				      json_string_value(json_array_get(entry->helper, 0)));
	return IOV_OK;
}

static int check_entry(struct iov_ctx *ctx, const char *path, const struct iov_node *node, const json_t *json,
		       struct iov_entry *entry)
{
	const struct kind *found = NULL;
	for (size_t i = 0; i < IOV_COUNT(kinds); i++) {
		if (!json_object_get(json, kinds[i].key))
			continue;
		if (found)
			return iov_node_error(ctx, path, node, "'%s' and '%s' are both there; an entry has one source",
					      found->key, kinds[i].key);
		found = &kinds[i];
	}
	if (!found)
		return iov_node_error(ctx, path, node,
				      "the entry says not where its credential is; add one of 'token_file', "
				      "'password_file', 'environment', 'helper' or 'ssh_key'");
	entry->kind = found->key;
	return check_kind(ctx, path, node, found, entry);
}

static int fill_entry(struct iov_ctx *ctx, const char *path, const struct iov_node *node, const json_t *json,
		      struct iov_entry *entry)
{
	const struct {
		const char *key, **to;
	} texts[] = {
		{"url", &entry->url},
		{"token_file", &entry->token_file},
		{"password_file", &entry->password_file},
		{"environment", &entry->environment},
		{"ssh_key", &entry->ssh_key},
		{"username", &entry->username},
	};
	for (size_t i = 0; i < IOV_COUNT(texts); i++)
		*texts[i].to = json_string_value(json_object_get(json, texts[i].key));
	entry->helper = json_object_get(json, "helper");
	int rc = iov_scope_parse(ctx, entry->url, &entry->scope);
	return rc ? rc : check_entry(ctx, path, node, json, entry);
}

static bool same_scope(const struct iov_scope *a, const struct iov_scope *b)
{
	return iov_scope_covers(a, b) && iov_scope_covers(b, a);
}

static int check_twice(struct iov_ctx *ctx, const struct iov_entries *entries, const struct iov_node *node)
{
	const struct iov_entry *last = &entries->items[entries->count - 1];
	for (const struct iov_entry *at = entries->items; at < last; at++)
		if (same_scope(&at->scope, &last->scope))
			return iov_node_error(ctx, entries->path, node, "'%s' is there twice; a place has one entry",
					      last->url);
	return IOV_OK;
}

static int fill(struct iov_ctx *ctx, const struct iov_node *tree, struct iov_entries *entries)
{
	const json_t *list = json_object_get(entries->json, "credentials"), *one;
	const struct iov_node *node = iov_node_get(tree, "credentials")->first;
	entries->items = calloc(json_array_size(list) + 1, sizeof(*entries->items));
	if (!entries->items)
		return iov_oom(ctx);
	int rc = IOV_OK;
	for (size_t i = 0; !rc && (one = json_array_get(list, i)); i++, node = node->next) {
		rc = fill_entry(ctx, entries->path, node, one, &entries->items[entries->count++]);
		rc = rc ? rc : check_twice(ctx, entries, node);
	}
	return rc;
}

/* ---- whole ------------------------------------------------------------------------------------------------------ */

int iov_entries_parse(struct iov_ctx *ctx, const char *path, const char *text, size_t len, struct iov_entries *ret)
{
	iov_auto(iov_node_release) struct iov_node *tree = NULL;
	struct iov_entries entries = {.path = strdup(path)};
	int rc = entries.path ? iov_node_parse_yaml(ctx, path, text, len, IOV_ENTRIES_MAX, &tree) : iov_oom(ctx);
	rc = rc ? rc : iov_schema_convert(ctx, path, &iov_entries_schema, tree, &entries.json);
	rc = rc ? rc : fill(ctx, tree, &entries);
	if (rc)
		iov_entries_release(&entries);
	else
		*ret = entries;
	return rc;
}

/* Asked of the open file. */
static int check_owner(struct iov_ctx *ctx, int fd, const char *path)
{
	struct stat st;
	if (fstat(fd, &st))
		return iov_error_errno(ctx, errno, "cannot look at '%s'", path);
	if (!S_ISREG(st.st_mode))
		return iov_error(ctx, IOV_E_INPUT, "'%s' is no regular file", path);
	if (st.st_mode & 022)
		return iov_error(ctx, IOV_E_INPUT,
				 "'%s' can be written by others (mode %03o), and says which programs run; run 'chmod "
				 "go-w %s'",
				 path, st.st_mode & 0777, path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return iov_error(ctx, IOV_E_INPUT, "'%s' belongs to another user (%u); run 'chown %u %s'", path,
				 st.st_uid, geteuid(), path);
	return IOV_OK;
}

static int read_fd(struct iov_ctx *ctx, int fd, const char *path, struct iov_buf *ret)
{
	char chunk[4096];
	ssize_t got;
	iov_buf_add(ret, "", 0);
	while ((got = read(fd, chunk, sizeof(chunk))) > 0 && ret->len <= IOV_ENTRIES_MAX)
		iov_buf_add(ret, chunk, (size_t)got);
	if (got < 0)
		return iov_error_errno(ctx, errno, "cannot read '%s'", path);
	return iov_buf_failed(ret) ? iov_oom(ctx) : IOV_OK;
}

int iov_entries_read(struct iov_ctx *ctx, struct iov_entries *ret)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_ENTRIES_PATH);
	if (!path)
		return iov_oom(ctx);
	*ret = (struct iov_entries){.path = NULL};
	iov_auto(iov_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return IOV_OK;
	if (fd < 0)
		return iov_error_errno(ctx, errno, "cannot open '%s'", path);
	int rc = check_owner(ctx, fd, path);
	rc = rc ? rc : read_fd(ctx, fd, path, &text);
	return rc ? rc : iov_entries_parse(ctx, path, text.data, text.len, ret);
}

void iov_entries_release(struct iov_entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		iov_scope_release(&entries->items[i].scope);
	free(entries->items);
	free(entries->path);
	json_decref(entries->json);
	*entries = (struct iov_entries){.path = NULL};
}

const struct iov_entry *iov_entries_find(const struct iov_entries *entries, const struct iov_scope *scope)
{
	const struct iov_entry *best = NULL;
	for (size_t i = 0; i < entries->count; i++) {
		const struct iov_entry *entry = &entries->items[i];
		bool longer = !best || strlen(entry->scope.path) > strlen(best->scope.path) ||
			      (entry->scope.user && !best->scope.user &&
			       strlen(entry->scope.path) == strlen(best->scope.path));
		if (longer && iov_scope_covers(&entry->scope, scope))
			best = entry;
	}
	return best;
}

json_t *iov_entries_json_schema(void)
{
	return iov_schema_describe(&iov_entries_schema, "credentials.yaml");
}
