/* load and rollback: instances of what is installed, and the way back to a kept generation. */
#include <inttypes.h>

#include "ops/instances.h"
#include "state/generations.h"
#include "util/cleanup.h"

int iov_load(struct iov_ctx *ctx, const char *module, const char *alias, struct iov_settings settings, unsigned flags,
	     char **ret_json)
{
	const char *name = alias ? alias : module;
	iov_auto(iov_edit_release) struct iov_edit edit = {.lock = -1};
	int rc = iov_edit_begin(ctx, flags, &edit);
	if (!rc)
		rc = iov_edit_name(&edit, module);
	if (!rc)
		rc = iov_edit_name(&edit, name);
	if (!rc)
		rc = iov_instance_want(&edit, module, name, settings, true);
	if (rc)
		return rc;
	iov_instances_tidy(&edit); /* a provider that an import has just left */
	return iov_edit_finish(&edit, ret_json);
}

/* The kept generation before the current one. */
static int previous_number(struct iov_ctx *ctx, uint64_t current, uint64_t *ret)
{
	iov_auto(iov_free_ptr) uint64_t *numbers = NULL;
	size_t count = 0;
	int rc = iov_generation_numbers(ctx, &numbers, &count);
	if (rc)
		return rc;
	for (size_t i = count; i-- > 0;)
		if (numbers[i] < current) {
			*ret = numbers[i];
			return IOV_OK;
		}
	return iov_error(ctx, IOV_E_NOT_FOUND, "there is no generation before %" PRIu64 " to go back to", current);
}

int iov_rollback(struct iov_ctx *ctx, uint64_t generation, unsigned flags, char **ret_json)
{
	iov_auto(iov_edit_release) struct iov_edit edit = {.lock = -1};
	int rc = iov_edit_begin(ctx, flags, &edit);
	if (!rc && !generation)
		rc = previous_number(ctx, edit.from->number, &generation);
	struct iov_generation *target = NULL;
	if (!rc)
		rc = iov_generation_read(ctx, generation, &target);
	if (rc)
		return rc;
	target->number = edit.to->number;
	iov_generation_free(edit.to);
	edit.to = target;
	edit.back = true;
	edit.touched = true; /* wishes go back too, even where nothing in the kernel differs */
	return iov_edit_finish(&edit, ret_json);
}
