/*
 * Our resolver and libsolv on the same random worlds, in turn and in one process.
 *
 *   resolve [WORLDS]      WORLDS: of each shape, in place of what its row says
 *
 * Each answers RUNS times for a world; a world's ratio is that of the medians. Prints, by shape, how many worlds have
 * an answer (both must agree), the medians in milliseconds, the median and the 95th percentile of the ratios, and the
 * largest peaks of memory. Processor time of this thread, so that other work has no part in it. Both have the index in
 * memory before, parsed and in their own form; what is measured is what comes then, an explanation included where there
 * is no answer.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "oracle/oracle.h"
#include "util/cleanup.h"

#define RUNS 3

static const struct {
	unsigned worlds;
	struct world_shape shape;
} rows[] = {
	{40, {"a host: 60 modules, 20 wishes", .modules = 60, .ages = 10, .wishes = 20, .needs = 3, .stale = 10}},
	{20, {"1,000 x 10, 30 wishes", .modules = 1000, .ages = 10, .wishes = 30, .needs = 3, .stale = 5}},
	{10, {"10,000 x 10, 100 wishes", .modules = 10000, .ages = 10, .wishes = 100, .needs = 3, .stale = 5}},
	{10, {"a chain of 300 x 20, going back", .modules = 300, .ages = 20, .wishes = 5, .chain = true}},
	{20,
	 {"1,000 x 10, 50 wishes, contradictions", .modules = 1000, .ages = 10, .wishes = 50, .needs = 4, .spread = 8,
	  .met = true}},
	{5,
	 {"10,000 x 20, 500 wishes", .modules = 10000, .ages = 20, .wishes = 500, .needs = 4, .stale = 2, .met = true}},
	{5,
	 {"10,000 x 20, 500 wishes, contradictions", .modules = 10000, .ages = 20, .wishes = 500, .needs = 4,
	  .spread = 4, .stale = 30, .met = true}},
};

/* What malloc() gave out and did not get back, while it counts. */
static struct {
	size_t now, peak;
	bool on;
} memory;

/* The C library's own, which those below take the place of for libsolv and for ours. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

static void *gave(void *block)
{
	if (!memory.on || !block)
		return block;
	memory.now += malloc_usable_size(block);
	if (memory.now > memory.peak)
		memory.peak = memory.now;
	return block;
}

static void takes(void *block)
{
	size_t size = memory.on && block ? malloc_usable_size(block) : 0;
	memory.now -= size < memory.now ? size : memory.now;
}

void *malloc(size_t size)
{
	return gave(__libc_malloc(size));
}

void *calloc(size_t nmemb, size_t size)
{
	return gave(__libc_calloc(nmemb, size));
}

void *realloc(void *ptr, size_t size)
{
	takes(ptr);
	return gave(__libc_realloc(ptr, size));
}

void free(void *ptr)
{
	takes(ptr);
	__libc_free(ptr);
}

static double now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

struct measured {
	double ms;
	size_t peak;
	bool met;
	bool gave_up;
};

static void start(struct measured *measured, bool weigh)
{
	memory.now = memory.peak = 0;
	memory.on = weigh;
	measured->ms = -now_ms();
}

static void stop(struct measured *measured)
{
	measured->ms += now_ms();
	measured->peak = memory.peak;
	memory.on = false;
}

static struct measured ask_us(const struct world *world, bool weigh)
{
	struct iov_ctx *ctx = NULL;
	struct measured measured;
	const struct iov_release **plan = NULL;
	size_t n_plan = 0;
	if (iov_ctx_new(NULL, &ctx))
		abort();
	start(&measured, weigh);
	int err = world_resolve(ctx, world, NULL, &plan, &n_plan);
	stop(&measured);
	measured.met = err == IOV_OK;
	measured.gave_up = err && strstr(iov_error_text(ctx), "no answer after") != NULL;
	free(plan);
	iov_ctx_free(ctx);
	return measured;
}

static struct measured ask_libsolv(const struct world *world, bool weigh)
{
	struct measured measured = {0};
	Pool *pool = oracle_new(world, false);
	start(&measured, weigh);
	measured.met = oracle_solve(pool, world, false);
	stop(&measured);
	pool_free(pool);
	return measured;
}

static int by_size(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	return (left > right) - (left < right);
}

static double percentile(double *values, size_t n, unsigned percent)
{
	qsort(values, n, sizeof(*values), by_size);
	return values[(n - 1) * percent / 100];
}

struct row {
	double *ours, *theirs, *ratios; /* by world */
	size_t n, met, gave_up, our_peak, their_peak;
};

static struct row row_new(size_t worlds)
{
	struct row row = {.ours = calloc(worlds, sizeof(double)),
			  .theirs = calloc(worlds, sizeof(double)),
			  .ratios = calloc(worlds, sizeof(double))};
	if (!row.ours || !row.theirs || !row.ratios)
		abort();
	return row;
}

static void row_free(struct row *row)
{
	free(row->ours);
	free(row->theirs);
	free(row->ratios);
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static void add(struct row *row, double ours, double theirs, struct measured us, struct measured libsolv)
{
	row->ours[row->n] = ours;
	row->theirs[row->n] = theirs;
	row->ratios[row->n++] = ours / theirs;
	row->met += libsolv.met;
	row->gave_up += us.gave_up;
	row->our_peak = larger(us.peak, row->our_peak);
	row->their_peak = larger(libsolv.peak, row->their_peak);
}

static void measure(const struct world *world, struct row *row, struct row *all)
{
	double ours[RUNS], theirs[RUNS];
	for (unsigned i = 0; i < RUNS; i++) {
		ours[i] = ask_us(world, false).ms;
		theirs[i] = ask_libsolv(world, false).ms;
	}
	struct measured us = ask_us(world, true), libsolv = ask_libsolv(world, true);
	if (us.met != libsolv.met && !us.gave_up) {
		fprintf(stderr, "resolve: libsolv says that there is %s answer\n", libsolv.met ? "an" : "no");
		exit(1);
	}
	double our_ms = percentile(ours, RUNS, 50), their_ms = percentile(theirs, RUNS, 50);
	add(row, our_ms, their_ms, us, libsolv);
	add(all, our_ms, their_ms, us, libsolv);
}

static void print(const char *name, const struct row *row)
{
	printf("| %-39s | %3zu of %3zu | %8.2f | %8.2f | %6.3f | %6.3f | %6.2f | %6.2f |", name, row->met, row->n,
	       percentile(row->ours, row->n, 50), percentile(row->theirs, row->n, 50),
	       percentile(row->ratios, row->n, 50), percentile(row->ratios, row->n, 95), (double)row->our_peak / 1e6,
	       (double)row->their_peak / 1e6);
	printf(row->gave_up ? " no answer within the limit: %zu\n" : "\n", row->gave_up);
	fflush(stdout);
}

static void run(struct iov_ctx *ctx, const struct world_shape *shape, size_t worlds, struct row *all)
{
	struct row row = row_new(worlds);
	for (unsigned seed = 1; seed <= worlds; seed++) {
		struct world *world = world_new(ctx, shape, seed);
		measure(world, &row, all);
		world_free(world);
	}
	print(shape->name, &row);
	row_free(&row);
}

int main(int argc, char **argv)
{
	struct iov_ctx *ctx = NULL;
	size_t given = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, total = 0;
	for (size_t i = 0; i < IOV_COUNT(rows); i++)
		total += given ? given : rows[i].worlds;
	if (iov_ctx_new(NULL, &ctx))
		return 1;
	struct row all = row_new(total);
	puts("| releases, wishes | answers | ours, ms | libsolv, ms | ratio | 95th percentile | ours, MB | libsolv, MB "
	     "|\n"
	     "|---|---:|---:|---:|---:|---:|---:|---:|");
	for (size_t i = 0; i < IOV_COUNT(rows); i++)
		run(ctx, &rows[i].shape, given ? given : rows[i].worlds, &all);
	print("all", &all);
	row_free(&all);
	iov_ctx_free(ctx);
	return 0;
}
