/* pin and unpin: installed modules that keep their version, whatever an upgrade would bring. */
#include <string.h>

#include "ops/instances.h"
#include "ops/obtain.h"
#include "util/cleanup.h"

static int not_installed(struct iov_ctx *ctx, const char *name)
{
	return iov_error(ctx, IOV_E_NOT_FOUND, "module '%s' is not installed; 'iovpkg list' shows what is", name);
}

/* A pin is one version: no range, and no more than one. */
static int check_version(struct iov_ctx *ctx, const struct iov_wished *pin)
{
	struct iov_version version;
	if (!iov_version_parse(ctx, pin->text, &version))
		return IOV_OK;
	return iov_error(
		ctx, IOV_E_USAGE,
		"'%s' is no version to pin '%s' to; name one, as in 'iovpkg pin %s@1.2.0', or none for the one that "
		"is installed",
		pin->text, pin->name, pin->name);
}

/* "=1.2.0" instead of the ^1.2.0 that a bare version means as a wish. */
static int make_exact(struct iov_ctx *ctx, struct iov_wished *pin)
{
	iov_auto(iov_free_ptr) char *text = iov_requirement_of("=", pin->text);
	if (!text)
		return iov_oom(ctx);
	iov_requirement_free(iov_take(pin->requirement));
	return iov_requirement_parse(ctx, text, &pin->requirement);
}

/* Fills in the version that is installed where none was named. */
static int prepare(struct iov_edit *edit, struct iov_wished *pin, bool *ret_moves)
{
	const struct iov_installed *installed = iov_generation_installed(edit->from, pin->name);
	if (!installed)
		return not_installed(edit->ctx, pin->name);
	const char *version = installed->release->manifest->version.text;
	if (!pin->text && !(pin->text = strdup(version)))
		return iov_oom(edit->ctx);
	int rc = check_version(edit->ctx, pin);
	if (!rc)
		rc = make_exact(edit->ctx, pin);
	*ret_moves |= strcmp(version, pin->text) != 0;
	return rc ? rc : iov_edit_name(edit, pin->name);
}

/* Moves the modules that are not yet where they are to stay. */
static int move(struct iov_edit *edit, struct iov_wished_list *pins)
{
	static const struct iov_wished_list none = {0};
	bool moves = false;
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < pins->count; i++)
		rc = prepare(edit, &pins->items[i], &moves);
	if (!rc && moves)
		rc = iov_obtain(edit, (struct iov_choose){.wishes = &none, .also = pins});
	return rc || !moves ? rc : iov_instances_refresh(edit);
}

static int mark(struct iov_edit *edit, const char *name, bool pinned)
{
	struct iov_installed *one = iov_generation_installed(edit->to, name);
	if (!one)
		return not_installed(edit->ctx, name);
	edit->touched |= one->pinned != pinned;
	one->pinned = pinned;
	return IOV_OK;
}

int iov_pin(struct iov_ctx *ctx, const char *const *words, size_t count, unsigned flags, char **ret_json)
{
	iov_auto(iov_wished_release) struct iov_wished_list pins = {0};
	iov_auto(iov_edit_release) struct iov_edit edit = {.lock = -1};
	int rc = iov_wished_parse(ctx, words, count, &pins);
	if (!rc)
		rc = iov_edit_begin(ctx, flags, &edit);
	if (!rc)
		rc = move(&edit, &pins);
	for (size_t i = 0; !rc && i < count; i++)
		rc = mark(&edit, pins.items[i].name, true);
	if (rc)
		return rc;
	iov_instances_tidy(&edit);
	return iov_edit_finish(&edit, ret_json);
}

int iov_unpin(struct iov_ctx *ctx, const char *const *names, size_t count, unsigned flags, char **ret_json)
{
	iov_auto(iov_edit_release) struct iov_edit edit = {.lock = -1};
	int rc = iov_edit_begin(ctx, flags, &edit);
	for (size_t i = 0; !rc && i < count; i++) {
		rc = iov_edit_name(&edit, names[i]);
		if (!rc)
			rc = mark(&edit, names[i], false);
	}
	return rc ? rc : iov_edit_finish(&edit, ret_json);
}
