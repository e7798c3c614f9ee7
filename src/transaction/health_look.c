/* What health checks see of programs and of values in maps. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/health.h"
#include "transaction/health.h"
#include "util/cleanup.h"

static void say(struct iov_health_check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct iov_health_check *check, const char *format, ...)
{
	char text[160];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	iov_buf_release(&check->seen);
	iov_buf_puts(&check->seen, text);
}

/* ---- programs ---- */

/* The runs of a program at all its sites, and at how many of them it is attached. */
static int count_runs(const struct iov_transaction *t, const struct iov_health_check *check, uint64_t *ret_runs,
		      size_t *ret_attached)
{
	iov_auto(iov_free_ptr) char *dir = iov_tree_instance(t->ctx, IOV_TREE_STAGING, check->change->after->name);
	if (!dir)
		return iov_oom(t->ctx);
	for (size_t i = 0; i < check->change->n_sites; i++) {
		const struct iov_site site = iov_change_site(check->change, &check->change->sites[i]);
		struct iov_running running = {0};
		if (check->change->sites[i].change == IOV_UNLOAD || strcmp(site.program, check->spec->name) != 0)
			continue;
		int rc = t->engine->ops->running(t->engine, &site, dir, &running);
		if (rc && rc != IOV_E_UNSUPPORTED) /* an optional site that this kernel has no hook for */
			return rc;
		if (rc || !running.prog_id)
			continue;
		if (!running.runs_known)
			return iov_error(t->ctx, IOV_E_UNSUPPORTED,
					 "nobody counts how often program '%s' runs; go on without checks with "
					 "--no-health",
					 site.program);
		*ret_runs += running.runs;
		++*ret_attached;
	}
	return IOV_OK;
}

int iov_health_look_at_program(const struct iov_transaction *t, struct iov_health_check *check, bool over)
{
	uint64_t runs = 0;
	size_t attached = 0;
	int rc = count_runs(t, check, &runs, &attached);
	if (rc)
		return rc;
	if (!check->has_base)
		check->base = runs;
	check->has_base = true;
	if (runs != check->base)
		check->verdict = IOV_HEALTHY;
	else if (over || !attached)
		check->verdict = IOV_UNHEALTHY;
	say(check, attached ? "it did not run at all" : "it is not attached anywhere");
	return IOV_OK;
}

/* ---- values ---- */

/* The pin of a map of the instance. An imported one is its provider's. */
static int find_pin(const struct iov_transaction *t, const struct iov_health_check *check,
		    const struct iov_object_map *map, char **ret)
{
	const struct iov_instance *instance = check->change->after;
	const struct iov_import_spec *import = iov_manifest_import(check->change->new->release->manifest, map->name);
	const char *from = import ? json_string_value(json_object_get(instance->imports, map->name)) : instance->name;
	iov_auto(iov_free_ptr) char *dir = from ? iov_tree_instance(t->ctx, IOV_TREE_STAGING, from) : NULL;
	iov_auto(iov_free_ptr) char *name = iov_pin_name(import ? import->source : map->name);
	if (!dir || !name || asprintf(ret, "%s/maps/%s", dir, name) < 0)
		return iov_oom(t->ctx);
	return IOV_OK;
}

static int read_number(const struct iov_transaction *t, const struct iov_health_check *check,
		       const struct iov_health_value *value, bool *ret_present, uint64_t *ret)
{
	iov_auto(iov_free_ptr) char *pin = NULL;
	int rc = find_pin(t, check, value->map, &pin);
	const struct iov_engine_value what = {
		.pin = pin, .map = value->map, .key = check->spec->key, .field = value->field};
	return rc ? rc : t->engine->ops->read_value(t->engine, &what, ret_present, ret);
}

/* What must rise or come true is given its time; what must stay true has none. */
static enum iov_verdict judge(const struct iov_health_spec *spec, bool holds, bool over)
{
	if (spec->throughout)
		return !holds ? IOV_UNHEALTHY : over ? IOV_HEALTHY : IOV_UNDECIDED;
	return holds ? IOV_HEALTHY : over ? IOV_UNHEALTHY : IOV_UNDECIDED;
}

static void tell_number(struct iov_health_check *check, const struct iov_health_value *value, bool present,
			uint64_t number)
{
	char seen[32], base[32];
	iov_health_print(value, number, seen, sizeof(seen));
	iov_health_print(value, check->base, base, sizeof(base));
	if (!present)
		say(check, "there is no such entry");
	else if (check->spec->compare == IOV_RISES_BY)
		say(check, "it went from %s to %s", base, seen);
	else
		say(check, "it is %s", seen);
}

/* An entry that is not there counts as 0. */
int iov_health_look_at_value(const struct iov_transaction *t, struct iov_health_check *check, bool over)
{
	iov_auto(iov_health_value_release) struct iov_health_value value = {0};
	bool present = false;
	uint64_t number = 0;
	const char *key;
	int rc = iov_health_resolve(t->ctx, check->change->new->release->object, check->spec, &value, &key);
	if (!rc)
		rc = read_number(t, check, &value, &present, &number);
	if (rc)
		return rc;
	if (!check->has_base)
		check->base = number;
	check->has_base = true;
	check->verdict = judge(check->spec, iov_health_holds(&value, check->spec->compare, check->base, number), over);
	tell_number(check, &value, present, number);
	return IOV_OK;
}
