#include "ops/wish.h"

#include <string.h>

#include "core/manifest.h"
#include "util/cleanup.h"

static int parse_one(struct iov_ctx *ctx, const char *text, struct iov_wished *ret)
{
	const char *at = strchr(text, '@');
	ret->name = at ? strndup(text, (size_t)(at - text)) : strdup(text);
	if (!ret->name)
		return iov_oom(ctx);
	if (!iov_is_name(ret->name))
		return iov_error(ctx, IOV_E_USAGE,
				 "'%s' is not a module's name; names are lower-case letters, digits and '-', "
				 "a version goes behind '@' (flow-count@^1.0)",
				 text);
	if (!at)
		return IOV_OK;
	ret->text = strdup(at + 1);
	if (!ret->text)
		return iov_oom(ctx);
	return iov_requirement_parse(ctx, ret->text, &ret->requirement);
}

int iov_wished_parse(struct iov_ctx *ctx, const char *const *texts, size_t count, struct iov_wished_list *ret)
{
	*ret = (struct iov_wished_list){.items = calloc(count ? count : 1, sizeof(*ret->items))};
	if (!ret->items)
		return iov_oom(ctx);
	for (; ret->count < count; ret->count++) {
		int rc = parse_one(ctx, texts[ret->count], &ret->items[ret->count]);
		if (rc) {
			ret->count++;
			return rc;
		}
	}
	return IOV_OK;
}

const struct iov_wished *iov_wished_find(const struct iov_wished_list *list, const char *name)
{
	for (size_t i = 0; list && i < list->count; i++)
		if (!strcmp(list->items[i].name, name))
			return &list->items[i];
	return NULL;
}

void iov_wished_release(struct iov_wished_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].name);
		free(list->items[i].text);
		iov_requirement_free(list->items[i].requirement);
	}
	free(list->items);
	*list = (struct iov_wished_list){0};
}
