/*
 * Times moving the entries of a hash map to a longer value, against a bare loop of batch system calls that does the
 * same without remembering or merging anything.
 *
 *   migrate RUNS [ENTRIES]
 *
 * Each run makes the maps anew and times, one after the other: the loop; the copy; the copy while another CPU writes to
 * the old map, with the passes that catch up and the merge. Prints the medians of the three in milliseconds, and of the
 * ratios of the second and third to the first.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "engine/asm.h"
#include "engine/migrating.h"
#include "util/cleanup.h"
#include "util/libbpf.h"

#define BATCH 4096
#define OLD_SIZE 16u
#define NEW_SIZE 24u

/* Of this thread alone: all of it is work, and other work on the machine has no part in it. */
static double now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void die(const char *what)
{
	fprintf(stderr, "migrate: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int make_map(unsigned value_size, unsigned entries)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "bench", 8, value_size, entries, NULL);
	if (fd < 0)
		die("map");
	return fd;
}

static void fill(int map, unsigned entries)
{
	uint64_t *keys = calloc(entries, sizeof(*keys)), *values = calloc(entries, OLD_SIZE);
	for (unsigned i = 0; i < entries; i++)
		keys[i] = values[2ul * i] = i;
	if (bpf_map_update_batch(map, keys, values, &entries, NULL))
		die("fill");
	free(keys);
	free(values);
}

static double loop(int old, int new)
{
	static uint64_t keys[BATCH], from[BATCH][OLD_SIZE / 8], to[BATCH][NEW_SIZE / 8];
	uint64_t token = 0;
	double start = now_ms();
	for (int first = 1, last = 0; !last; first = 0) {
		unsigned count = BATCH;
		last = bpf_map_lookup_batch(old, first ? NULL : &token, &token, keys, from, &count, NULL);
		if (last && errno != ENOENT)
			die("lookup");
		for (unsigned i = 0; i < count; i++)
			memcpy(to[i], from[i], OLD_SIZE);
		if (count && bpf_map_update_batch(new, keys, to, &count, NULL))
			die("update");
	}
	return now_ms() - start;
}

/* ---- what iovpkg does ---- */

struct scene {
	struct iov_ctx *ctx;
	struct iov_conversion *conversion;
	struct iov_pass_maps maps;
	struct iov_pass_record *record;
	size_t record_size;
};

static json_t *layout(const char *more)
{
	char text[512];
	snprintf(text, sizeof(text),
		 "{\"key\":\"u64\",\"value\":{\"kind\":\"struct\",\"size\":%u,\"members\":["
		 "{\"name\":\"packets\",\"offset\":0,\"type\":\"u64\"},"
		 "{\"name\":\"bytes\",\"offset\":64,\"type\":\"u64\"}%s]}}",
		 *more ? NEW_SIZE : OLD_SIZE, more);
	return json_loads(text, 0, NULL);
}

static void open_scene(struct scene *scene, unsigned entries)
{
	iov_auto(iov_json_release) json_t *sum = json_pack("{s:s}", "merge", "sum");
	iov_auto(iov_json_release) json_t *from = layout("");
	iov_auto(iov_json_release) json_t *to = layout(",{\"name\":\"errors\",\"offset\":128,\"type\":\"u64\"}");
	const struct iov_object_map before = {.name = "m",
					      .type = "hash",
					      .key_size = 8,
					      .value_size = OLD_SIZE,
					      .max_entries = entries,
					      .layout = from},
				    after = {.name = "m",
					     .type = "hash",
					     .key_size = 8,
					     .value_size = NEW_SIZE,
					     .max_entries = entries,
					     .layout = to};
	const struct iov_conversion_rules rules = {.upgrade = sum};
	scene->maps = (struct iov_pass_maps){.old = make_map(OLD_SIZE, entries),
					     .new = make_map(NEW_SIZE, entries),
					     .slots = -1,
					     .keys = -1,
					     .cpus = 1};
	if (iov_conversion_make(scene->ctx, &before, &after, &rules, &scene->conversion) ||
	    iov_migrating_make(scene->ctx, &before, scene->conversion, &scene->maps))
		die(iov_error_text(scene->ctx));
	scene->record_size = iov_pass_record_size(scene->conversion);
	scene->record = mmap(NULL, scene->record_size, PROT_READ | PROT_WRITE, MAP_SHARED, scene->maps.record, 0);
	if (scene->record == MAP_FAILED)
		die("record");
	scene->record->deletes = 1;
	fill(scene->maps.old, entries);
}

static void close_scene(struct scene *scene)
{
	munmap(scene->record, scene->record_size);
	iov_pass_maps_close(&scene->maps);
	iov_conversion_free(scene->conversion);
}

static uint64_t pass(struct scene *scene, enum iov_pass_kind kind)
{
	int program = -1;
	bool first = kind == IOV_PASS_COPY && !scene->record->passes;
	if (iov_pass_load(scene->ctx, scene->conversion, &scene->maps, kind, first, &program) ||
	    iov_pass_run(scene->ctx, program))
		die(iov_error_text(scene->ctx));
	close(program);
	scene->record->passes++;
	if (scene->record->dropped)
		die("entries were dropped");
	return scene->record->changed;
}

/* ---- a writer on another CPU ---- */

struct writer {
	pthread_t thread;
	int program;
	atomic_bool stop;
	uint64_t written;
};

/* Adds 1 to an entry by chance. */
static int write_program(int map, unsigned entries)
{
	struct iov_asm code = {0};
	int out = iov_asm_label(&code);
	iov_asm_call(&code, BPF_FUNC_get_prandom_u32);
	iov_asm_alu(&code, BPF_MOD, BPF_REG_0, (int32_t)entries);
	iov_asm_add(&code, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_0, -8, 0);
	iov_asm_copy(&code, BPF_REG_2, BPF_REG_10);
	iov_asm_alu(&code, BPF_ADD, BPF_REG_2, -8);
	iov_asm_map(&code, BPF_REG_1, map);
	iov_asm_call(&code, BPF_FUNC_map_lookup_elem);
	iov_asm_if(&code, BPF_JEQ, BPF_REG_0, 0, out);
	iov_asm_set(&code, BPF_REG_1, 1);
	iov_asm_atomic_add(&code, 8, BPF_REG_0, 0, BPF_REG_1);
	iov_asm_place(&code, out);
	iov_asm_set(&code, BPF_REG_0, 2);
	iov_asm_exit(&code);
	if (!iov_asm_end(&code))
		die("writer");
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "writer", "GPL", code.insns, code.count, NULL);
	if (fd < 0)
		die("writer");
	iov_asm_release(&code);
	return fd;
}

static void *write_on(void *data)
{
	struct writer *writer = data;
	char frame[64] = {0};
	while (!atomic_load(&writer->stop)) {
		LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .repeat = 100);
		if (bpf_prog_test_run_opts(writer->program, &options))
			die("write");
		writer->written += 100;
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL); /* some hundred thousand writes a second */
	}
	return NULL;
}

static uint64_t total(int map, unsigned entries)
{
	uint64_t sum = 0, value[NEW_SIZE / 8];
	for (uint64_t key = 0; key < entries; key++)
		if (!bpf_map_lookup_elem(map, &key, value))
			sum += value[0] - key;
	return sum;
}

static double copy(struct scene *scene)
{
	double start = now_ms();
	pass(scene, IOV_PASS_COPY);
	return now_ms() - start;
}

/* From the first copy to the last merge; the writer's stop stands for the switch. */
static double reconcile(struct scene *scene, unsigned entries)
{
	struct writer writer = {.program = write_program(scene->maps.old, entries)};
	pthread_create(&writer.thread, NULL, write_on, &writer);
	double start = now_ms();
	pass(scene, IOV_PASS_COPY);
	pass(scene, IOV_PASS_COPY);
	double copied = now_ms();
	atomic_store(&writer.stop, true);
	pthread_join(writer.thread, NULL);
	double stopped = now_ms();
	pass(scene, IOV_PASS_MERGE);
	double took = now_ms() - start - (stopped - copied);
	if (total(scene->maps.new, entries) != writer.written) {
		fprintf(stderr, "migrate: writes were lost\n");
		exit(1);
	}
	close(writer.program);
	return took;
}

static int by_value(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;
	return one < other ? -1 : one > other;
}

static double median(double *values, unsigned count)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[count / 2];
}

#define RUNS_MAX 100

int main(int argc, char **argv)
{
	unsigned runs = argc > 1 ? (unsigned)atoi(argv[1]) : 0, entries = argc > 2 ? (unsigned)atoi(argv[2]) : 1000000;
	double loops[RUNS_MAX], copies[RUNS_MAX], merges[RUNS_MAX], copy_ratio[RUNS_MAX], merge_ratio[RUNS_MAX];
	struct scene scene = {0};
	if (!runs || runs > RUNS_MAX || !entries || iov_ctx_new(&(struct iov_config){0}, &scene.ctx)) {
		fprintf(stderr, "usage: migrate RUNS [ENTRIES]\n");
		return 2;
	}
	iov_libbpf_quiet();
	for (unsigned i = 0; i < runs; i++) {
		open_scene(&scene, entries);
		loops[i] = loop(scene.maps.old, scene.maps.new);
		close_scene(&scene);
		open_scene(&scene, entries);
		copies[i] = copy(&scene);
		close_scene(&scene);
		open_scene(&scene, entries);
		merges[i] = reconcile(&scene, entries);
		close_scene(&scene);
		copy_ratio[i] = copies[i] / loops[i];
		merge_ratio[i] = merges[i] / loops[i];
	}
	printf("%.0f %.0f %.0f %.2f %.2f\n", median(loops, runs), median(copies, runs), median(merges, runs),
	       median(copy_ratio, runs), median(merge_ratio, runs));
	iov_ctx_free(scene.ctx);
	return 0;
}
