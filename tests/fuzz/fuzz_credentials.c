/* Any bytes as a netrc, as credentials.yaml, as what a credential helper says, as a key for ssh and as a URL: refused
 * with a text, or taken apart so that a line of a protocol can be made of it. */
#include <stdlib.h>
#include <string.h>

#include "credentials/entries.h"
#include "credentials/helper.h"
#include "credentials/netrc.h"
#include "credentials/secret.h"
#include "credentials/ssh_key.h"
#include "file.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_refused(const struct iov_ctx *ctx)
{
	if (!*iov_error_text(ctx))
		abort();
}

static void check_line(const char *text)
{
	if (text && *text && !iov_secret_is_line(text))
		abort();
}

static void try_netrc(struct iov_ctx *ctx, const char *data, size_t size)
{
	iov_auto(iov_netrc_login_release) struct iov_netrc_login login = {0};
	if (iov_netrc_find(ctx, "netrc", data, size, "h", &login))
		check_refused(ctx);
	if (!login.username != !login.password)
		abort();
	check_line(login.username);
	check_line(login.password);
}

static void try_entries(struct iov_ctx *ctx, const char *data, size_t size)
{
	iov_auto(iov_entries_release) struct iov_entries entries = {.path = NULL};
	if (iov_entries_parse(ctx, "credentials.yaml", data, size, &entries))
		check_refused(ctx);
	for (size_t i = 0; i < entries.count; i++)
		if (!entries.items[i].scope.scheme || !entries.items[i].kind)
			abort();
}

static void try_ssh_key(struct iov_ctx *ctx, const char *data, size_t size)
{
	if (iov_ssh_key_check(ctx, fuzz_file((const uint8_t *)data, size)))
		check_refused(ctx);
}

static void try_scope(struct iov_ctx *ctx, const char *url)
{
	iov_auto(iov_scope_release) struct iov_scope scope = {.scheme = NULL};
	if (iov_scope_parse(ctx, url, &scope))
		check_refused(ctx);
	else if (scope.scheme && (!iov_scope_covers(&scope, &scope) || strstr(scope.path, "/../")))
		abort();
}

static void try_helper(struct iov_ctx *ctx, const char *data, size_t size)
{
	iov_auto(iov_scope_release) struct iov_scope scope = {.scheme = NULL};
	iov_auto(iov_helper_answer_release) struct iov_helper_answer answer = {0};
	if (iov_scope_parse(ctx, "https://h/x", &scope))
		abort();
	if (iov_helper_parse(ctx, "helper", &scope, data, size, &answer))
		check_refused(ctx);
	check_line(answer.username);
	check_line(answer.password);
	check_line(answer.scheme);
	check_line(answer.credential);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iov_ctx *ctx = NULL;
	if (iov_ctx_new(NULL, &ctx))
		abort();
	iov_auto(iov_free_ptr) char *text = strndup((const char *)data, size);
	try_netrc(ctx, (const char *)data, size);
	try_entries(ctx, (const char *)data, size);
	try_helper(ctx, (const char *)data, size);
	try_ssh_key(ctx, (const char *)data, size);
	try_scope(ctx, text);
	iov_ctx_free(ctx);
	return 0;
}
