#include "registry/describe.h"

#include <stdio.h>
#include <string.h>

#include "core/node.h"
#include "registry/head.h"
#include "util/cleanup.h"

static int log_key(struct iov_ctx *ctx, const struct iov_root *root, char **ret)
{
	struct iov_verifier log;
	int rc = iov_log_verifier(ctx, root, &root->registry.keys[0], &log);
	if (rc)
		return rc;
	*ret = iov_verifier_text(&log);
	return *ret ? IOV_OK : iov_oom(ctx);
}

int iov_description_renew(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_buf *text,
			  struct iov_buf *ret)
{
	static const char member[] = "log_key:";
	iov_auto(iov_free_ptr) char *key = NULL;
	int rc = log_key(ctx, root, &key);
	for (const char *at = text->data, *end = text->data + text->len; !rc && at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline ? newline + 1 : end) - at);
		if (len > strlen(member) && !memcmp(at, member, strlen(member)))
			iov_buf_printf(ret, "%s '%s'\n", member, key);
		else
			iov_buf_add(ret, at, len);
		at += len;
	}
	return rc || !iov_buf_failed(ret) ? rc : iov_oom(ctx);
}

int iov_description_make(struct iov_ctx *ctx, const struct iov_root *root, struct iov_buf *ret)
{
	const char *slash = strrchr(root->origin, '/');
	iov_auto(iov_free_ptr) char *key = NULL;
	int rc = log_key(ctx, root, &key);
	if (rc)
		return rc;
	iov_buf_printf(ret,
		       "# A registry of iovpkg. Add it with: iovpkg registry add NAME URL\n"
		       "schema: 1\n"
		       "name: '%s'\n"
		       "origin: '%s'\n"
		       "# Archives are refs of this repository: refs/packages/<sha256>.\n"
		       "packages: git\n"
		       "# The verifier key of `checkpoint`, for monitors and witnesses of the log.\n"
		       "log_key: '%s'\n",
		       slash && slash[1] ? slash + 1 : root->origin, root->origin, key);
	return iov_buf_failed(ret) ? iov_oom(ctx) : IOV_OK;
}

static int get(struct iov_ctx *ctx, const char *what, const struct iov_node *tree, const char *key,
	       const struct iov_node **ret)
{
	*ret = iov_node_get(tree, key);
	if (*ret && (*ret)->kind == IOV_NODE_SCALAR)
		return IOV_OK;
	return iov_node_error(ctx, what, tree, "'%s' is missing", key);
}

static int unsupported(struct iov_ctx *ctx, const char *what, const struct iov_node *node, const char *key,
		       const char *readable)
{
	iov_node_error(ctx, what, node, "'%s' is '%.200s', and this iovpkg reads registries with '%s'", key,
		       node->text ? node->text : "a list", readable);
	return iov_error(ctx, IOV_E_UNSUPPORTED, "%s; use a newer iovpkg, or ask the registry's host",
			 iov_error_text(ctx));
}

static int check(struct iov_ctx *ctx, const char *what, const struct iov_node *tree, const struct iov_root *root)
{
	const struct {
		const char *key, *value;
	} expected[] = {{"schema", "1"}, {"origin", root->origin}};
	for (size_t i = 0; i < IOV_COUNT(expected); i++) {
		const struct iov_node *node = NULL;
		int rc = get(ctx, what, tree, expected[i].key, &node);
		if (!rc && strcmp(node->text, expected[i].value) != 0)
			rc = unsupported(ctx, what, node, expected[i].key, expected[i].value);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

/* One "{sha256}", and otherwise what may stand in a URL. */
static bool is_template(const char *text)
{
	const char *hash = strstr(text, IOV_PACKAGES_HASH);
	if (strncmp(text, "https://", strlen("https://")) != 0 || !hash || strlen(text) > IOV_PACKAGES_MAX)
		return false;
	for (const char *at = text; *at; at++)
		if (*at <= ' ' || *at >= 127 || strchr("\"<>\\^`|", *at))
			return false;
	return strcspn(text, "{") == (size_t)(hash - text) && !strpbrk(hash + strlen(IOV_PACKAGES_HASH), "{}");
}

/* One template of the list, or the only one. */
static int add_template(struct iov_ctx *ctx, const char *what, const struct iov_node *node, struct iov_buf *ret)
{
	if (node->kind != IOV_NODE_SCALAR || !is_template(node->text))
		return unsupported(ctx, what, node, "packages", "git' or 'https://…/{sha256}");
	iov_buf_printf(ret, "%s%s", ret->len ? " " : "", node->text);
	return IOV_OK;
}

static int get_packages(struct iov_ctx *ctx, const char *what, const struct iov_node *tree, char **ret)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	const struct iov_node *node = iov_node_get(tree, "packages");
	int rc = IOV_OK;
	if (!node || node->kind == IOV_NODE_MAP || (node->kind == IOV_NODE_LIST && !node->first))
		return iov_node_error(ctx, what, tree, "'packages' is missing");
	if (node->kind == IOV_NODE_SCALAR && !strcmp(node->text, IOV_PACKAGES_GIT))
		iov_buf_puts(&text, IOV_PACKAGES_GIT);
	else if (node->kind == IOV_NODE_SCALAR)
		rc = add_template(ctx, what, node, &text);
	else
		for (const struct iov_node *one = node->first; one && !rc; one = one->next)
			rc = add_template(ctx, what, one, &text);
	if (rc)
		return rc;
	*ret = iov_buf_take(&text);
	return *ret ? IOV_OK : iov_oom(ctx);
}

int iov_description_check(struct iov_ctx *ctx, const char *name, const struct iov_buf *text,
			  const struct iov_root *root, char **ret_packages)
{
	char what[160];
	iov_auto(iov_node_release) struct iov_node *tree = NULL;
	snprintf(what, sizeof(what), IOV_DESCRIPTION_PATH " of registry '%s'", name);
	int rc = iov_node_parse_yaml(ctx, what, text->data, text->len, IOV_DESCRIPTION_MAX, &tree);
	if (!rc)
		rc = check(ctx, what, tree, root);
	return rc ? rc : get_packages(ctx, what, tree, ret_packages);
}
