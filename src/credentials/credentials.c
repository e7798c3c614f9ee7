#include "credentials/credentials.h"

#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "credentials/entries.h"
#include "credentials/helper.h"
#include "credentials/netrc.h"
#include "credentials/secret.h"
#include "credentials/ssh_key.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define NETRC_PATH IOV_ETC "/netrc"
#define TELLING_MIN 4 /* bytes of a secret; a shorter one may be part of any word */

/* What was found for one URL. It counts for all below that URL which the same entry covers, a registry's archives for
 * example, so that a helper is asked once and what a server refused is shown for none of them. */
struct kept {
	struct kept *next;
	char *url;
	struct iov_scope scope;
	const struct iov_entry *entry;	  /* NULL: a netrc's, or there is no credential */
	struct iov_credential credential; /* owns its texts */
	struct iov_helper_answer answer;
	bool found, told, refused;
};

/* What a context keeps: the file once read, and what was found for each URL. */
struct keeping {
	struct iov_entries entries;
	struct kept *first;
};

static void kept_free(struct kept *kept)
{
	if (!kept)
		return;
	free(kept->url);
	iov_scope_release(&kept->scope);
	free((char *)kept->credential.source);
	free((char *)kept->credential.ssh_key);
	iov_secret_free((char *)kept->credential.authorization);
	iov_helper_answer_release(&kept->answer);
	free(kept);
}

static void kept_release(struct kept **kept)
{
	kept_free(*kept);
}

static void keeping_free(void *data)
{
	struct keeping *keeping = data;
	while (keeping->first) {
		struct kept *kept = keeping->first;
		keeping->first = kept->next;
		kept_free(kept);
	}
	iov_entries_release(&keeping->entries);
	free(keeping);
}

/* NULL: the error is set. */
static struct keeping *open_keeping(struct iov_ctx *ctx)
{
	if (ctx->credentials)
		return ctx->credentials;
	struct keeping *keeping = calloc(1, sizeof(*keeping));
	if (!keeping || iov_entries_read(ctx, &keeping->entries)) {
		if (!keeping)
			iov_oom(ctx);
		free(keeping);
		return NULL;
	}
	ctx->credentials = keeping;
	ctx->free_credentials = keeping_free;
	return keeping;
}

/* ---- from an entry of credentials.yaml -------------------------------------------------------------------------- */

struct search {
	struct iov_ctx *ctx;
	const struct iov_entries *entries;
	struct kept *kept;
};

static int set_header(const struct search *search, const char *username, const char *secret)
{
	char *header = username ? iov_secret_basic(username, secret) : iov_secret_bearer(secret);
	search->kept->credential.authorization = header;
	return header ? IOV_OK : iov_oom(search->ctx);
}

static int from_line_of(const struct search *search, const char *what, const char *path, const char *username)
{
	iov_auto(iov_secret_release) char *secret = NULL;
	int rc = iov_secret_read_line(search->ctx, what, path, &secret);
	if (rc == IOV_E_NOT_FOUND)
		rc = iov_error(search->ctx, IOV_E_INPUT, "%s; write it, or change the entry '%s' of '%s'",
			       iov_error_text(search->ctx), search->kept->entry->url, search->entries->path);
	return rc ? rc : set_header(search, username, secret);
}

static int from_token_file(const struct search *search)
{
	return from_line_of(search, "token file", search->kept->entry->token_file, NULL);
}

static int from_password_file(const struct search *search)
{
	return from_line_of(search, "password file", search->kept->entry->password_file, search->kept->entry->username);
}

static int from_environment(const struct search *search)
{
	struct iov_ctx *ctx = search->ctx;
	const char *name = search->kept->entry->environment;
	const char *value = ctx->config.environment ? ctx->config.environment(name, ctx->config.data) : NULL;
	if (!value || !*value)
		return iov_error(ctx, IOV_E_INPUT,
				 "the environment variable '%s' is not set, and the entry '%s' of '%s' takes its "
				 "credential from there; set it",
				 name, search->kept->entry->url, search->entries->path);
	if (!iov_secret_is_line(value))
		return iov_error(ctx, IOV_E_INPUT,
				 "the environment variable '%s' holds no credential: it is too long or has a control "
				 "character in it",
				 name);
	return set_header(search, search->kept->entry->username, value);
}

static struct iov_helper helper_of(const struct kept *kept)
{
	return (struct iov_helper){kept->entry->helper, &kept->scope, IOV_HELPER_MS};
}

static int from_helper(const struct search *search)
{
	struct kept *kept = search->kept;
	struct iov_helper_answer *answer = &kept->answer;
	const struct iov_helper helper = helper_of(kept);
	int rc = iov_helper_get(search->ctx, &helper, answer);
	if (rc)
		return rc;
	if (!answer->scheme || !answer->credential)
		return set_header(search, answer->username, answer->password);
	char *header = NULL;
	if (asprintf(&header, "%s %s", answer->scheme, answer->credential) < 0)
		return iov_oom(search->ctx);
	kept->credential.authorization = header;
	return IOV_OK;
}

static int from_ssh_key(const struct search *search)
{
	const char *path = search->kept->entry->ssh_key;
	int rc = iov_ssh_key_check(search->ctx, path);
	if (rc)
		return rc;
	search->kept->credential.ssh_key = strdup(path);
	return search->kept->credential.ssh_key ? IOV_OK : iov_oom(search->ctx);
}

static const struct source {
	const char *kind;
	int (*take)(const struct search *search);
} sources[] = {
	{"token_file", from_token_file},   {"password_file", from_password_file},
	{"environment", from_environment}, {"helper", from_helper},
	{"ssh_key", from_ssh_key},
};

/* "the token file '/x'": what an entry names. */
static char *name_source(const struct search *search)
{
	const struct iov_entry *entry = search->kept->entry;
	const struct {
		const char *text, *words;
	} names[] = {
		{entry->token_file, "the token file"},
		{entry->password_file, "the password file"},
		{entry->environment, "the environment variable"},
		{entry->ssh_key, "the ssh key"},
		{json_string_value(json_array_get(entry->helper, 0)), "the credential helper"},
	};
	char *source = NULL;
	for (size_t i = 0; i < IOV_COUNT(names); i++)
		if (names[i].text && asprintf(&source, "%s '%s' (entry '%s' of '%s')", names[i].words, names[i].text,
					      entry->url, search->entries->path) < 0)
			return NULL;
	return source;
}

static int from_entry(const struct search *search)
{
	search->kept->credential.source = name_source(search);
	if (!search->kept->credential.source)
		return iov_oom(search->ctx);
	for (size_t i = 0; i < IOV_COUNT(sources); i++)
		if (!strcmp(sources[i].kind, search->kept->entry->kind)) {
			int rc = sources[i].take(search);
			search->kept->found = !rc;
			return rc;
		}
	return iov_error(search->ctx, IOV_E_INTERNAL, "no way to '%s'", search->kept->entry->kind);
}

/* ---- from a netrc ----------------------------------------------------------------------------------------------- */

/* That of this root, then the one of the user's home folder as the password database has it. */
static char *netrc_path(const struct iov_ctx *ctx, unsigned which)
{
	if (which == 0)
		return iov_path(ctx, NETRC_PATH);
	const struct passwd *user = getpwuid(getuid());
	char *path = NULL;
	return asprintf(&path, "%s/.netrc", user && user->pw_dir ? user->pw_dir : "") < 0 ? NULL : path;
}

static int look_in_netrc(struct iov_ctx *ctx, const char *path, const char *host, struct iov_netrc_login *ret)
{
	iov_auto(iov_secret_wipe) struct iov_buf text = {0};
	*ret = (struct iov_netrc_login){0};
	int rc = iov_secret_read_file(ctx, "netrc", path, IOV_NETRC_MAX, &text);
	return rc ? rc : iov_netrc_find(ctx, path, text.data, text.len, host, ret);
}

/* *ret_path is the file that has a login for the host, NULL: none has. */
static int find_netrc(struct iov_ctx *ctx, const char *host, char **ret_path, struct iov_netrc_login *ret)
{
	*ret_path = NULL;
	for (unsigned which = 0; which < 2; which++) {
		iov_auto(iov_free_ptr) char *path = netrc_path(ctx, which);
		if (!path)
			return iov_oom(ctx);
		if (!iov_fs_exists(path))
			continue;
		int rc = look_in_netrc(ctx, path, host, ret);
		if (rc && rc != IOV_E_NOT_FOUND)
			return rc;
		if (!rc && ret->password) {
			*ret_path = iov_take(path);
			return IOV_OK;
		}
	}
	return IOV_OK;
}

static int from_netrc(const struct search *search)
{
	struct kept *kept = search->kept;
	iov_auto(iov_netrc_login_release) struct iov_netrc_login login = {0};
	iov_auto(iov_free_ptr) char *path = NULL;
	char *source = NULL;
	int rc = find_netrc(search->ctx, kept->scope.host, &path, &login);
	if (rc || !path)
		return rc;
	if (!*login.password)
		return iov_error(search->ctx, IOV_E_INPUT, "the password for '%s' in '%s' is empty", kept->scope.host,
				 path);
	if (asprintf(&source, "the entry for '%s' in '%s'", kept->scope.host, path) < 0)
		return iov_oom(search->ctx);
	kept->credential.source = source;
	kept->found = true;
	return set_header(search, login.username, login.password);
}

/* ---- finding ---------------------------------------------------------------------------------------------------- */

static struct kept *recall(const struct keeping *keeping, const struct iov_entry *entry, const struct iov_scope *scope)
{
	for (struct kept *kept = keeping->first; kept; kept = kept->next)
		if (kept->entry == entry && iov_scope_covers(&kept->scope, scope))
			return kept;
	return NULL;
}

static int look(struct iov_ctx *ctx, struct keeping *keeping, struct kept *kept)
{
	const struct search search = {.ctx = ctx, .entries = &keeping->entries, .kept = kept};
	if (kept->entry)
		return from_entry(&search);
	return strcmp(kept->scope.scheme, "https") ? IOV_OK : from_netrc(&search);
}

/* Takes the scope over. */
static int find_new(struct iov_ctx *ctx, struct keeping *keeping, const char *url, const struct iov_entry *entry,
		    struct iov_scope *scope, struct kept **ret)
{
	iov_auto(kept_release) struct kept *kept = calloc(1, sizeof(*kept));
	if (!kept || !(kept->url = strdup(url)))
		return iov_oom(ctx);
	kept->scope = *scope;
	*scope = (struct iov_scope){.scheme = NULL};
	kept->entry = entry;
	int rc = look(ctx, keeping, kept);
	if (rc)
		return rc;
	kept->next = keeping->first;
	keeping->first = *ret = iov_take(kept);
	return IOV_OK;
}

/* *ret is NULL where no secret goes at all. `look` false: only what was found before counts. */
static int find(struct iov_ctx *ctx, const char *url, bool look, struct kept **ret)
{
	iov_auto(iov_scope_release) struct iov_scope scope = {.scheme = NULL};
	int rc = iov_scope_parse(ctx, url, &scope);
	*ret = NULL;
	if (rc || !scope.scheme)
		return rc;
	struct keeping *keeping = open_keeping(ctx);
	if (!keeping)
		return iov_error_code(ctx);
	const struct iov_entry *entry = iov_entries_find(&keeping->entries, &scope);
	*ret = recall(keeping, entry, &scope);
	return *ret || !look ? IOV_OK : find_new(ctx, keeping, url, entry, &scope, ret);
}

static int refuse(struct iov_ctx *ctx, const struct kept *kept)
{
	return iov_error(ctx, IOV_E_NETWORK,
			 "'%s' does not accept the credential that %s has; put a valid one there, with the right to "
			 "this place",
			 kept->url, kept->credential.source);
}

int iov_credential_find(struct iov_ctx *ctx, const char *url, const struct iov_credential **ret)
{
	struct kept *kept = NULL;
	int rc = find(ctx, url, true, &kept);
	*ret = NULL;
	if (rc || !kept || !kept->found)
		return rc;
	if (kept->refused)
		return refuse(ctx, kept);
	*ret = &kept->credential;
	return IOV_OK;
}

/* ---- what the server said --------------------------------------------------------------------------------------- */

static void tell(struct iov_ctx *ctx, struct kept *kept, const char *action)
{
	if (kept->entry && kept->entry->helper && !kept->told) {
		const struct iov_helper helper = helper_of(kept);
		iov_helper_tell(ctx, &helper, action, &kept->answer);
	}
	kept->told = true;
}

void iov_credential_accepted(struct iov_ctx *ctx, const char *url)
{
	struct kept *kept = NULL;
	if (!find(ctx, url, false, &kept) && kept && kept->found)
		tell(ctx, kept, "store");
}

int iov_credential_refused(struct iov_ctx *ctx, const char *url)
{
	struct kept *kept = NULL;
	int rc = find(ctx, url, false, &kept);
	if (rc || !kept || !kept->found)
		return rc ? rc : iov_error(ctx, IOV_E_INTERNAL, "'%s' refused a credential that nobody has", url);
	kept->refused = true;
	kept->told = false;
	tell(ctx, kept, "erase");
	return refuse(ctx, kept);
}

static bool tells(const char *text, const char *secret, size_t len)
{
	return len >= TELLING_MIN && memmem(text, strlen(text), secret, len);
}

/* The header's own word without its padding, which URLs write otherwise, or the password in it. */
static bool tells_header(const char *text, const char *header)
{
	char pair[3 * IOV_SECRET_MAX] = "";
	size_t len = 0, kind = strcspn(header, " ");
	const char *word = header + kind + (header[kind] == ' ');
	bool told = tells(text, word, strcspn(word, "="));
	if (!told && !strncmp(header, "Basic ", 6) &&
	    !sodium_base642bin((unsigned char *)pair, sizeof(pair) - 1, word, strlen(word), NULL, &len, NULL,
			       sodium_base64_VARIANT_ORIGINAL)) {
		const char *colon = memchr(pair, ':', len);
		told = colon && tells(text, colon + 1, strlen(colon + 1));
	}
	sodium_memzero(pair, sizeof(pair));
	return told;
}

int iov_credential_veil(struct iov_ctx *ctx, const char *url, const struct iov_credential *credential)
{
	const char *header = credential ? credential->authorization : NULL;
	if (!header || !tells_header(iov_error_text(ctx), header))
		return iov_error_code(ctx);
	return iov_error(ctx, iov_error_code(ctx),
			 "'%s' repeats the credential that it was shown, so what it says is left out; ask who runs it, "
			 "and change what %s has",
			 url, credential->source);
}

/* ---- for people ------------------------------------------------------------------------------------------------- */

static int describe_netrc(struct iov_ctx *ctx, const struct iov_scope *scope, json_t **ret)
{
	iov_auto(iov_netrc_login_release) struct iov_netrc_login login = {0};
	iov_auto(iov_free_ptr) char *path = NULL;
	int rc = find_netrc(ctx, scope->host, &path, &login);
	if (rc)
		return rc;
	*ret = path ? json_pack("{s:s, s:s, s:s}", "from", path, "kind", "netrc", "url", scope->host) : json_null();
	return *ret ? IOV_OK : iov_oom(ctx);
}

int iov_credential_describe(struct iov_ctx *ctx, const char *url, json_t **ret)
{
	iov_auto(iov_scope_release) struct iov_scope scope = {.scheme = NULL};
	int rc = iov_scope_parse(ctx, url, &scope);
	const struct keeping *keeping = rc ? NULL : open_keeping(ctx);
	if (!keeping)
		return iov_error_code(ctx);
	const struct iov_entry *entry = iov_entries_find(&keeping->entries, &scope);
	if (!entry && scope.scheme && !strcmp(scope.scheme, "https"))
		return describe_netrc(ctx, &scope, ret);
	*ret = entry ? json_pack("{s:s, s:s, s:s}", "from", keeping->entries.path, "kind", entry->kind, "url",
				 entry->url)
		     : json_null();
	return *ret ? IOV_OK : iov_oom(ctx);
}
