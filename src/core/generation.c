#include "core/generation.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

static const char *installed_name(const struct iov_installed *installed)
{
	return installed->release->manifest->name;
}

static void installed_release(struct iov_installed *installed)
{
	iov_release_free(installed->release);
	free(installed->requirement);
	json_decref(installed->proof);
}

static void instance_release(struct iov_instance *instance)
{
	free(instance->name);
	free(instance->module);
	json_decref(instance->params);
	json_decref(instance->imports);
	json_decref(instance->passed_over);
}

void iov_generation_free(struct iov_generation *generation)
{
	if (!generation)
		return;
	for (size_t i = 0; i < generation->n_installed; i++)
		installed_release(&generation->installed[i]);
	for (size_t i = 0; i < generation->n_instances; i++)
		instance_release(&generation->instances[i]);
	free(generation->installed);
	free(generation->instances);
	free(generation);
}

/* Where the name stands, or where it would. */
static size_t installed_at(const struct iov_generation *generation, const char *module)
{
	size_t at = 0;
	while (at < generation->n_installed && strcmp(installed_name(&generation->installed[at]), module) < 0)
		at++;
	return at;
}

static size_t instance_at(const struct iov_generation *generation, const char *name)
{
	size_t at = 0;
	while (at < generation->n_instances && strcmp(generation->instances[at].name, name) < 0)
		at++;
	return at;
}

struct iov_installed *iov_generation_installed(const struct iov_generation *generation, const char *module)
{
	size_t at = installed_at(generation, module);
	bool found = at < generation->n_installed && !strcmp(installed_name(&generation->installed[at]), module);
	return found ? &generation->installed[at] : NULL;
}

struct iov_instance *iov_generation_instance(const struct iov_generation *generation, const char *name)
{
	size_t at = instance_at(generation, name);
	bool found = at < generation->n_instances && !strcmp(generation->instances[at].name, name);
	return found ? &generation->instances[at] : NULL;
}

/* One element more at `at`, whose bytes are the caller's to fill; NULL: no memory, and the array as it was. */
static void *insert(void *array, size_t count, size_t size, size_t at)
{
	char *longer = realloc(array, (count + 1) * size);
	if (longer)
		memmove(longer + (at + 1) * size, longer + at * size, (count - at) * size);
	return longer;
}

static int put_installed(struct iov_ctx *ctx, struct iov_generation *generation, struct iov_installed *one)
{
	struct iov_installed *before = iov_generation_installed(generation, installed_name(one));
	if (before) {
		installed_release(before);
		*before = *one;
		return IOV_OK;
	}
	size_t at = installed_at(generation, installed_name(one));
	struct iov_installed *longer = insert(generation->installed, generation->n_installed, sizeof(*longer), at);
	if (!longer) {
		installed_release(one);
		return iov_oom(ctx);
	}
	generation->installed = longer;
	generation->installed[at] = *one;
	generation->n_installed++;
	return IOV_OK;
}

int iov_generation_put_release(struct iov_ctx *ctx, struct iov_generation *generation, struct iov_release *release,
			       const char *object_key, const char *requirement)
{
	struct iov_installed one = {.release = release, .wished = requirement != NULL};
	if (strlen(object_key) >= sizeof(one.object)) {
		installed_release(&one);
		return iov_error(ctx, IOV_E_INTERNAL, "object key '%s' is too long", object_key);
	}
	memcpy(one.object, object_key, strlen(object_key) + 1);
	if (requirement && !(one.requirement = strdup(requirement))) {
		installed_release(&one);
		return iov_oom(ctx);
	}
	return put_installed(ctx, generation, &one);
}

static bool copy_instance(const struct iov_instance *from, struct iov_instance *ret)
{
	*ret = (struct iov_instance){
		.name = strdup(from->name),
		.module = strdup(from->module),
		.params = json_deep_copy(from->params),
		.imports = json_deep_copy(from->imports),
		.wished = from->wished,
		.group = from->group,
		.passed_over = json_incref(from->passed_over),
		.renewed = from->renewed,
	};
	if (ret->name && ret->module && ret->params && ret->imports)
		return true;
	instance_release(ret);
	return false;
}

int iov_generation_put_instance(struct iov_ctx *ctx, struct iov_generation *generation,
				const struct iov_instance *instance)
{
	struct iov_instance one;
	if (!copy_instance(instance, &one))
		return iov_oom(ctx);
	struct iov_instance *before = iov_generation_instance(generation, one.name);
	if (before) {
		instance_release(before);
		*before = one;
		return IOV_OK;
	}
	size_t at = instance_at(generation, one.name);
	struct iov_instance *longer = insert(generation->instances, generation->n_instances, sizeof(*longer), at);
	if (!longer) {
		instance_release(&one);
		return iov_oom(ctx);
	}
	generation->instances = longer;
	generation->instances[at] = one;
	generation->n_instances++;
	return IOV_OK;
}

void iov_generation_drop_release(struct iov_generation *generation, const char *module)
{
	struct iov_installed *one = iov_generation_installed(generation, module);
	if (!one)
		return;
	installed_release(one);
	generation->n_installed--;
	size_t behind = generation->n_installed - (size_t)(one - generation->installed);
	memmove(one, one + 1, behind * sizeof(*one));
}

void iov_generation_drop_instance(struct iov_generation *generation, const char *name)
{
	struct iov_instance *one = iov_generation_instance(generation, name);
	if (!one)
		return;
	instance_release(one);
	generation->n_instances--;
	size_t behind = generation->n_instances - (size_t)(one - generation->instances);
	memmove(one, one + 1, behind * sizeof(*one));
}

int iov_generation_copy(struct iov_ctx *ctx, const struct iov_generation *from, struct iov_generation **ret)
{
	struct iov_generation *copy = calloc(1, sizeof(*copy));
	if (!copy)
		return iov_oom(ctx);
	copy->number = from->number + 1;
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < from->n_installed; i++) {
		const struct iov_installed *one = &from->installed[i];
		rc = iov_generation_put_release(ctx, copy, iov_release_ref(one->release), one->object,
						one->requirement);
		if (rc)
			break;
		struct iov_installed *put = iov_generation_installed(copy, installed_name(one));
		put->pinned = one->pinned;
		put->proof = json_incref(one->proof);
	}
	for (size_t i = 0; !rc && i < from->n_instances; i++)
		rc = iov_generation_put_instance(ctx, copy, &from->instances[i]);
	if (rc) {
		iov_generation_free(copy);
		return rc;
	}
	*ret = copy;
	return IOV_OK;
}
