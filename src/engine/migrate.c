#include <errno.h>
#include <inttypes.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine/kernel.h"
#include "engine/keys.h"
#include "engine/migrating.h"
#include "engine/ring.h"
#include "util/cleanup.h"

#define VAIN_MAX 3	  /* passes in a row that find no more room */
#define MOMENT_NS 5000000 /* between them */

/* ---- where a pass runs ---- */

static void free_cpus(cpu_set_t **set)
{
	CPU_FREE(*set);
}

/* A value of this CPU is written on it, so that no program there is interrupted in the middle of writing it. A CPU that
 * is offline runs nothing: its values are written from anywhere. */
static int run_on(struct iov_migrating *migrating, int program, unsigned cpu)
{
	size_t size = CPU_ALLOC_SIZE(migrating->maps.cpus);
	iov_auto(free_cpus) cpu_set_t *before = CPU_ALLOC(migrating->maps.cpus);
	iov_auto(free_cpus) cpu_set_t *there = CPU_ALLOC(migrating->maps.cpus);
	if (!before || !there)
		return iov_oom(migrating->ctx);
	CPU_ZERO_S(size, there);
	CPU_SET_S(cpu, size, there);
	if (sched_getaffinity(0, size, before))
		return iov_error_errno(migrating->ctx, errno, "cannot ask where this process may run");
	migrating->record->cpu = cpu;
	bool moved = !sched_setaffinity(0, size, there);
	int rc = iov_pass_run(migrating->ctx, program);
	if (moved)
		sched_setaffinity(0, size, before);
	return rc;
}

static void add_counts(const struct iov_pass_record *record, bool is_first, struct iov_migrated *sum)
{
	sum->entries += is_first ? record->entries : 0;
	sum->changed += record->changed;
	sum->dropped = record->dropped > sum->dropped ? record->dropped : sum->dropped; /* each CPU drops the same */
}

/* An entry that an LRU map has given up for another is no deletion. */
static bool follows_deletions(const struct iov_migrating *migrating, enum iov_pass_kind kind)
{
	return kind != IOV_PASS_MERGE_BACK || strncmp(migrating->to->type, "lru_", 4) != 0;
}

static int run(struct iov_migrating *migrating, enum iov_pass_kind kind, struct iov_migrated *sum)
{
	unsigned cpus = migrating->maps.is_percpu ? migrating->maps.cpus : 1;
	bool first = kind == IOV_PASS_COPY && !migrating->record->passes;
	iov_auto(iov_close_fd) int program = -1;
	int rc = iov_migrating_program(migrating, kind, first, &program);
	for (unsigned cpu = 0; !rc && cpu < cpus; cpu++) {
		migrating->record->deletes = cpu == 0 && follows_deletions(migrating, kind);
		rc = migrating->maps.is_percpu ? run_on(migrating, program, cpu)
					       : iov_pass_run(migrating->ctx, program);
		if (!rc)
			add_counts(migrating->record, cpu == 0, sum);
	}
	return rc;
}

/* ---- maps that programs cannot walk ---- */

static int run_keys(struct iov_migrating *migrating, enum iov_pass_kind kind, const struct iov_keys *keys, bool gone,
		    struct iov_migrated *sum)
{
	if (!keys->count)
		return IOV_OK;
	int rc = iov_keys_map(migrating->ctx, keys, &migrating->maps.keys);
	migrating->maps.keys_are_gone = gone;
	if (!rc)
		rc = run(migrating, kind, sum);
	iov_close_fd(&migrating->maps.keys);
	migrating->maps.keys = -1;
	return rc;
}

static int run_listed(struct iov_migrating *migrating, enum iov_pass_kind kind, struct iov_migrated *sum)
{
	const struct iov_pass_maps *maps = &migrating->maps;
	iov_auto(iov_keys_release) struct iov_keys keys = {0};
	iov_auto(iov_keys_release) struct iov_keys gone = {0};
	struct iov_migrated unused = {0};
	int rc = iov_keys_list(migrating->ctx, kind == IOV_PASS_MERGE_BACK ? maps->new : maps->old, &keys);
	if (!rc)
		rc = iov_keys_list(migrating->ctx, maps->base, &gone);
	if (rc)
		return rc;
	iov_keys_subtract(&gone, &keys);
	rc = run_keys(migrating, kind, &keys, false, sum);
	if (!rc)
		rc = run_keys(migrating, kind, &gone, true, &unused);
	sum->changed += unused.changed;
	return rc;
}

/* ---- what a pass leaves behind ---- */

static int no_room(struct iov_migrating *migrating, uint64_t dropped)
{
	const struct iov_migration *migration = migrating->migration;
	bool allowed = migration->back || migration->lossy ||
		       iov_upgrade_may_lose(migration->old, migration->new, migrating->to->name);
	if (allowed) {
		iov_note(migrating->ctx, "map '%s' of '%s' has no room for %" PRIu64 " entries, which are dropped",
			 migrating->to->name, migration->instance, dropped);
		return IOV_OK;
	}
	return iov_error(migrating->ctx, IOV_E_CONTRACT,
			 "map '%s' of '%s' has no room for %" PRIu64
			 " of its entries in %s %s; give it more with a parameter, or allow the loss with --lossy",
			 migrating->to->name, migration->instance, dropped, migration->new->manifest->name,
			 migration->new->manifest->version.text);
}

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The kernel may have no memory for an entry at once (values for each CPU, on 6.1) that it has after a moment; what
 * found no room is met again. */
static int pass_until_all(struct iov_migrating *migrating, enum iov_pass_kind kind, struct iov_migrated *ret)
{
	ret->dropped = UINT64_MAX;
	for (unsigned vain = 0; ret->dropped && vain < VAIN_MAX;) {
		struct iov_migrated one = {0};
		if (vain)
			nanosleep(&(struct timespec){.tv_nsec = MOMENT_NS}, NULL);
		int rc = (migrating->is_listed ? run_listed : run)(migrating, kind, &one);
		if (rc)
			return rc;
		migrating->record->passes++;
		vain = one.dropped < ret->dropped ? 1 : vain + 1;
		ret->entries = one.entries;
		ret->changed += one.changed;
		ret->dropped = one.dropped;
	}
	return IOV_OK;
}

static int pass(struct iov_migrating *migrating, enum iov_pass_kind kind, struct iov_migrated *sum)
{
	struct iov_migrated one = {0};
	if (kind == IOV_PASS_COPY)
		migrating->record->copied_at = now_ns();
	int rc = pass_until_all(migrating, kind, &one);
	if (rc)
		return iov_error_prefix(migrating->ctx, "map '%s' of '%s'", migrating->to->name,
					migrating->migration->instance);
	sum->entries += one.entries;
	sum->changed += one.changed;
	sum->dropped += one.dropped;
	one.window_ns = kind == IOV_PASS_COPY ? 0 : now_ns() - migrating->record->copied_at;
	sum->window_ns = one.window_ns > sum->window_ns ? one.window_ns : sum->window_ns;
	return one.dropped && kind == IOV_PASS_COPY ? no_room(migrating, one.dropped) : IOV_OK;
}

static int copy_map(struct iov_migrating *migrating, struct iov_migrated *sum)
{
	if (!migrating->record)
		return IOV_OK;
	int rc = iov_migrating_prepare_programs(migrating);
	return rc ? rc : pass(migrating, IOV_PASS_COPY, sum);
}

/* Records cannot be put into another ring: who reads this one has its time to. */
static int drain(struct iov_migrating *migrating, int ring)
{
	uint64_t left = 0;
	int rc = iov_ring_drain(migrating->ctx, ring, &left);
	if (!rc && left)
		iov_warn(
			migrating->ctx,
			"ring buffer '%s' of '%s' is replaced by one of another size; nobody had read its last %" PRIu64
			" events, which go with it",
			migrating->to->name, migrating->migration->instance, left);
	return rc;
}

static int merge_map(struct iov_migrating *migrating, struct iov_migrated *sum)
{
	return migrating->record ? pass(migrating, IOV_PASS_MERGE, sum) : drain(migrating, migrating->maps.old);
}

static int merge_map_back(struct iov_migrating *migrating, struct iov_migrated *sum)
{
	if (!migrating->record)
		return drain(migrating, migrating->maps.new);
	return migrating->record->passes ? pass(migrating, IOV_PASS_MERGE_BACK, sum) : IOV_OK; /* not even copied? */
}

int iov_kernel_copy(struct iov_ctx *ctx, const struct iov_migration *migration, struct iov_migrated *ret)
{
	*ret = (struct iov_migrated){0};
	return iov_migrating_each(ctx, migration, copy_map, ret);
}

int iov_kernel_merge(struct iov_ctx *ctx, const struct iov_migration *migration, bool back, struct iov_migrated *ret)
{
	*ret = (struct iov_migrated){0};
	return iov_migrating_each(ctx, migration, back ? merge_map_back : merge_map, ret);
}

/* The global barrier of membarrier(2) is synchronize_rcu(), which waits for programs too. */
int iov_kernel_grace(struct iov_ctx *ctx)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		return iov_error_errno(ctx, errno, "cannot wait for the programs that are running (membarrier)");
	return IOV_OK;
}
