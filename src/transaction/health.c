/* All checks of a transaction run side by side: one loop looks at each until it is decided or its time is over, so that
 * together they take as long as the longest. */
#include "transaction/health.h"

#include <string.h>
#include <time.h>

#include "core/groups.h"
#include "util/cleanup.h"

#define TICK_MS 10

typedef int look_fn(const struct iov_transaction *t, struct iov_health_check *check, bool over);

static look_fn *const looks[] = {
	[IOV_HEALTH_PROGRAM] = iov_health_look_at_program,
	[IOV_HEALTH_MAP] = iov_health_look_at_value,
	[IOV_HEALTH_VARIABLE] = iov_health_look_at_value,
	[IOV_HEALTH_COMMAND] = iov_health_look_at_command,
};

struct checks {
	struct iov_health_check *items;
	size_t count;
};

static void release(struct checks *checks)
{
	for (size_t i = 0; i < checks->count; i++) {
		iov_health_end_command(&checks->items[i]);
		iov_buf_release(&checks->items[i].seen);
	}
	free(checks->items);
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_for(int ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

static const struct iov_manifest *checked_manifest(const struct iov_instance_change *change)
{
	bool comes = change->change == IOV_LOAD || change->change == IOV_REPLACE;
	return comes ? change->new->release->manifest : NULL;
}

/* The next check that is asked of the instance, from *at on; NULL: no more. */
static const struct iov_health_spec *next_check(const struct iov_instance_change *change, size_t *at)
{
	const struct iov_manifest *manifest = checked_manifest(change);
	while (manifest && *at < manifest->n_health) {
		const struct iov_health_spec *spec = &manifest->health[(*at)++];
		if (iov_health_is_asked(manifest, spec, change->after->group))
			return spec;
	}
	return NULL;
}

static size_t count_checks(const struct iov_transaction *t)
{
	size_t count = 0;
	for (size_t i = 0, at = 0; i < t->plan->n_instances; i++, at = 0)
		while (next_check(&t->plan->instances[i], &at))
			count++;
	return count;
}

/* At boot there is no traffic yet that a check could see, and nothing to go back to. */
bool iov_transaction_has_health(const struct iov_transaction *t)
{
	return !t->restoring && !t->plan->no_health && count_checks(t) > 0;
}

static int gather(const struct iov_transaction *t, struct checks *ret)
{
	int64_t now = now_ms();
	ret->items = calloc(count_checks(t) + 1, sizeof(*ret->items));
	if (!ret->items)
		return iov_oom(t->ctx);
	for (size_t i = 0; i < t->plan->n_instances; i++) {
		const struct iov_instance_change *change = &t->plan->instances[i];
		const struct iov_health_spec *spec;
		size_t at = 0;
		while ((spec = next_check(change, &at)))
			ret->items[ret->count++] =
				(struct iov_health_check){.change = change, .spec = spec, .deadline = now + spec->ms};
	}
	return IOV_OK;
}

static int unhealthy(const struct iov_transaction *t, const struct iov_health_check *check)
{
	iov_auto(iov_free_ptr) char *what = iov_health_text(check->spec);
	if (!what)
		return iov_oom(t->ctx);
	return iov_error(t->ctx, IOV_E_UNHEALTHY,
			 "instance '%s' is not healthy: its manifest asks that %s, but %s; correct the cause, or go on "
			 "without checks with --no-health",
			 check->change->after->name, what, check->seen.data ? check->seen.data : "nothing was seen");
}

static int look_once(const struct iov_transaction *t, struct checks *checks, bool *ret_decided)
{
	int64_t now = now_ms();
	*ret_decided = true;
	for (size_t i = 0; i < checks->count; i++) {
		struct iov_health_check *check = &checks->items[i];
		if (check->verdict == IOV_HEALTHY)
			continue;
		int rc = looks[check->spec->kind](t, check, now >= check->deadline);
		if (rc)
			return iov_error_prefix(t->ctx, "health of instance '%s'", check->change->after->name);
		if (check->verdict == IOV_UNHEALTHY)
			return unhealthy(t, check);
		*ret_decided &= check->verdict == IOV_HEALTHY;
	}
	return IOV_OK;
}

static int follow(const struct iov_transaction *t, struct checks *checks)
{
	bool decided = false;
	int rc = look_once(t, checks, &decided);
	while (!rc && !decided) {
		pause_for(TICK_MS);
		rc = iov_stop_asked(t->ctx);
		if (!rc)
			rc = look_once(t, checks, &decided);
	}
	return rc;
}

static bool asks_for_runs(const struct checks *checks)
{
	for (size_t i = 0; i < checks->count; i++)
		if (checks->items[i].spec->kind == IOV_HEALTH_PROGRAM)
			return true;
	return false;
}

int iov_transaction_health(const struct iov_transaction *t)
{
	iov_auto(release) struct checks checks = {0};
	if (!iov_transaction_has_health(t))
		return IOV_OK;
	iov_step(t->ctx, "checking", "health");
	int rc = gather(t, &checks);
	bool counts = !rc && asks_for_runs(&checks);
	if (counts)
		rc = t->engine->ops->count_runs(t->engine, true);
	if (!rc)
		rc = follow(t, &checks);
	if (counts)
		t->engine->ops->count_runs(t->engine, false); /* turning it off cannot fail */
	if (!rc)
		iov_done(t->ctx, "checking", "health");
	return rc;
}
