/* Entries that move between two layouts on the live kernel, while programs write to them. */
#include <bpf/bpf.h>
#include <errno.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/pins.h"
#include "engine/ring.h"
#include "loads.h"
#include "util/cleanup.h"

#define RULES                                                                                                          \
	"{on_change: migrate, merge: sum, lossy: true, rename: {pkts: packets, last_ns: last_us},"                     \
	" fields: {last_us: {divide: 1000, merge: max}%s}}"

struct old_value {
	uint32_t pkts;
	char dev[4];
	uint64_t bytes, last_ns;
	uint32_t state, hist[20];
	uint8_t bits;
};

struct new_value {
	uint64_t bytes, packets, hist[24];
	char dev[16];
	uint32_t last_us, weight, state;
	uint8_t bits;
};

struct scene {
	struct iov_ctx *ctx;
	struct iov_engine *engine;
	struct load old, new;
	struct iov_migration migration;
};

static void give_rules(struct scene *scene, struct load *load)
{
	static const char *const plain[] = {"flows", "sparse", "recent", "slots", "prefixes"};
	static const char *const others[] = {"cpu_flows", "cpu_recent", "cpu_slots", "locked"};
	char yaml[4096];
	int len = snprintf(yaml, sizeof(yaml),
			   "schema: 1\nname: migrate\nversion: 2.0.0\nsummary: for a test\nlicense: GPL-2.0-only\n"
			   "build:\n  sources: [a.bpf.c]\nmaps:\n  upgrade:\n"
			   "    .bss: {merge: sum, rename: {total_32: total}}\n");
	for (size_t i = 0; i < IOV_COUNT(plain); i++)
		len += snprintf(yaml + len, sizeof(yaml) - (size_t)len, "    %s: " RULES "\n", plain[i],
				", weight: {default: 7}");
	for (size_t i = 0; i < IOV_COUNT(others); i++)
		len += snprintf(yaml + len, sizeof(yaml) - (size_t)len, "    %s: " RULES "\n", others[i], "");
	iov_manifest_free(load->release.manifest);
	unit_ok(scene->ctx,
		iov_manifest_parse_yaml(scene->ctx, "iov.yaml", yaml, (size_t)len, &load->release.manifest));
	load->load.instance = load->release.manifest->name;
}

static bool begin(struct scene *scene)
{
	*scene = (struct scene){0};
	if (!live_begin())
		return false;
	scene->ctx = live_ctx();
	unit_ok(scene->ctx, iov_engine_kernel_new(scene->ctx, &scene->engine));
	unit_ok(scene->ctx, scene->engine->ops->prepare(scene->engine));
	load_init(scene->ctx, &scene->old, "migrate", "1.0.0", "migrate_old", "live");
	load_init(scene->ctx, &scene->new, "migrate", "2.0.0", "migrate_new", "staging");
	give_rules(scene, &scene->new);
	load_replaces(&scene->new, &scene->old);
	scene->migration = (struct iov_migration){.instance = "migrate",
						  .old_dir = scene->old.dir,
						  .new_dir = scene->new.dir,
						  .old = &scene->old.release,
						  .new = &scene->new.release};
	unit_ok(scene->ctx, scene->engine->ops->load(scene->engine, &scene->old.load));
	return true;
}

static void end(struct scene *scene)
{
	load_release(&scene->old);
	load_release(&scene->new);
	iov_engine_free(scene->engine);
	live_ctx_free(scene->ctx);
}

/* Runs a release's program for one key. */
static void count(struct scene *scene, const struct load *load, uint32_t key, unsigned times)
{
	iov_auto(iov_free_ptr) char *pin = iov_pins_path(load->dir, "progs", "count_all");
	iov_auto(iov_close_fd) int fd = bpf_obj_get(pin);
	char frame[64] = {0};
	memcpy(frame, &key, sizeof(key));
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .repeat = (int)times);
	(void)scene;
	ck_assert_int_eq(bpf_prog_test_run_opts(fd, &options), 0);
}

static void copy(struct scene *scene, uint64_t changed)
{
	struct iov_migrated migrated;
	unit_ok(scene->ctx, scene->engine->ops->copy(scene->engine, &scene->migration, &migrated));
	ck_assert_uint_eq(migrated.dropped, 0);
	if (changed != UINT64_MAX)
		ck_assert_uint_eq(migrated.changed, changed);
}

static void merge(struct scene *scene, bool back)
{
	struct iov_migrated migrated;
	unit_ok(scene->ctx, scene->engine->ops->grace(scene->engine));
	unit_ok(scene->ctx, scene->engine->ops->merge(scene->engine, &scene->migration, back, &migrated));
	ck_assert_uint_eq(migrated.dropped, 0);
}

/* The value of a key; for maps with one for each CPU, all of them put together. False: there is none. */
static bool look(const struct load *load, const char *map, const void *key, void *value, size_t size, bool percpu)
{
	iov_auto(iov_close_fd) int fd = load_map(load, map);
	size_t stride = (size + 7) & ~(size_t)7, cpus = percpu ? (size_t)libbpf_num_possible_cpus() : 1;
	iov_auto(iov_free_ptr) char *values = calloc(cpus, stride);
	memset(value, 0, size);
	if (bpf_map_lookup_elem(fd, key, values))
		return false;
	if (!percpu) {
		memcpy(value, values, size);
		return true;
	}
	for (size_t cpu = 0; cpu < cpus; cpu++) {
		if (size == sizeof(struct old_value)) {
			((struct old_value *)value)->pkts += ((struct old_value *)(values + cpu * stride))->pkts;
			((struct old_value *)value)->bytes += ((struct old_value *)(values + cpu * stride))->bytes;
		} else {
			((struct new_value *)value)->packets += ((struct new_value *)(values + cpu * stride))->packets;
			((struct new_value *)value)->bytes += ((struct new_value *)(values + cpu * stride))->bytes;
			((struct new_value *)value)->hist[3] += ((struct new_value *)(values + cpu * stride))->hist[3];
		}
	}
	return true;
}

static const struct {
	const char *map;
	bool percpu, is_array;
} hashes[] = {{"flows", false, false},	  {"sparse", false, false},    {"recent", false, false},
	      {"cpu_flows", true, false}, {"cpu_recent", true, false}, {"slots", false, true},
	      {"cpu_slots", true, true},  {"prefixes", false, false}};

static bool look_new(const struct load *load, size_t at, uint32_t id, struct new_value *value)
{
	uint64_t key = id, prefix = (uint64_t)id << 32 | 32;
	uint32_t slot = id % 8;
	const void *by = hashes[at].is_array		       ? (void *)&slot
			 : !strcmp(hashes[at].map, "prefixes") ? (void *)&prefix
							       : (void *)&key;
	return look(load, hashes[at].map, by, value, sizeof(*value), hashes[at].percpu);
}

static bool look_old(const struct load *load, size_t at, uint32_t id, struct old_value *value)
{
	uint64_t prefix = (uint64_t)id << 32 | 32;
	uint32_t key = id, slot = id % 8;
	const void *by = hashes[at].is_array		       ? (void *)&slot
			 : !strcmp(hashes[at].map, "prefixes") ? (void *)&prefix
							       : (void *)&key;
	return look(load, hashes[at].map, by, value, sizeof(*value), hashes[at].percpu);
}

static void expect_new(struct scene *scene, uint32_t id, uint64_t packets)
{
	for (size_t i = 0; i < IOV_COUNT(hashes); i++) {
		struct new_value value;
		ck_assert_msg(look_new(&scene->new, i, id, &value), "%s has no %u", hashes[i].map, id);
		ck_assert_msg(value.packets == packets && value.bytes == 100 * packets && value.hist[3] == packets,
			      "%s: %lu packets, %lu bytes, %lu in the histogram, not %lu", hashes[i].map,
			      (unsigned long)value.packets, (unsigned long)value.bytes, (unsigned long)value.hist[3],
			      (unsigned long)packets);
	}
}

static void expect_old(struct scene *scene, uint32_t id, uint64_t packets)
{
	for (size_t i = 0; i < IOV_COUNT(hashes); i++) {
		struct old_value value;
		ck_assert_msg(look_old(&scene->old, i, id, &value), "%s has no %u", hashes[i].map, id);
		ck_assert_msg(value.pkts == packets && value.bytes == 100 * packets, "%s: %u packets, not %lu",
			      hashes[i].map, value.pkts, (unsigned long)packets);
	}
}

static void delete (const struct load *load, uint32_t id, bool wide)
{
	for (size_t i = 0; i < IOV_COUNT(hashes); i++) {
		iov_auto(iov_close_fd) int fd = load_map(load, hashes[i].map);
		uint64_t key = id, prefix = (uint64_t)id << 32 | 32;
		(void)wide; /* on little-endian machines the narrow key is the beginning of the wide one */
		if (!hashes[i].is_array)
			ck_assert_int_eq(bpf_map_delete_elem(fd, strcmp(hashes[i].map, "prefixes") ? &key : &prefix),
					 0);
	}
}

static bool exists(const struct load *load, size_t at, uint32_t id)
{
	uint64_t key = id, prefix = (uint64_t)id << 32 | 32;
	char value[4096];
	iov_auto(iov_close_fd) int fd = load_map(load, hashes[at].map);
	return !bpf_map_lookup_elem(fd, strcmp(hashes[at].map, "prefixes") ? &key : &prefix, value);
}

static uint64_t variable(const struct load *load, const char *map, size_t offset, size_t size)
{
	uint32_t key = 0;
	uint64_t value = 0;
	char values[64] = {0};
	iov_auto(iov_close_fd) int fd = load_map(load, map);
	ck_assert_int_eq(bpf_map_lookup_elem(fd, &key, values), 0);
	memcpy(&value, values + offset, size);
	return value;
}

START_TEST(test_every_field_arrives)
{
	struct scene scene;
	if (!begin(&scene))
		return;
	count(&scene, &scene.old, 1, 10);
	count(&scene, &scene.old, 2, 20);
	unit_ok(scene.ctx, scene.engine->ops->load(scene.engine, &scene.new.load));
	copy(&scene, UINT64_MAX);
	expect_new(&scene, 1, 10);
	expect_new(&scene, 2, 20);
	struct new_value value;
	for (size_t i = 0; i < IOV_COUNT(hashes); i++) {
		if (hashes[i].percpu)
			continue;
		ck_assert(look_new(&scene.new, i, 1, &value));
		ck_assert_str_eq(value.dev, "e");
		ck_assert_uint_eq(value.last_us, 5);
		ck_assert_uint_eq(value.state, 1);
		ck_assert_uint_eq(value.weight, 7);
		ck_assert_uint_eq(value.bits, 9 << 3);
	}
	copy(&scene, 0); /* nothing changed */
	end(&scene);
}
END_TEST

START_TEST(test_late_writes_are_merged)
{
	struct scene scene;
	if (!begin(&scene))
		return;
	count(&scene, &scene.old, 1, 10);
	count(&scene, &scene.old, 2, 20);
	count(&scene, &scene.old, 3, 30);
	unit_ok(scene.ctx, scene.engine->ops->load(scene.engine, &scene.new.load));
	copy(&scene, UINT64_MAX);
	count(&scene, &scene.old, 1, 5);
	copy(&scene, UINT64_MAX);
	expect_new(&scene, 1, 15);
	count(&scene, &scene.old, 1, 7);  /* late: known, */
	count(&scene, &scene.old, 12, 3); /* new, */
	count(&scene, &scene.old, 13, 3); /* new on both sides, */
	delete (&scene.old, 2, false);	  /* gone, untouched, */
	delete (&scene.old, 3, false);	  /* gone, and counted again behind the switch */
	count(&scene, &scene.new, 1, 100);
	count(&scene, &scene.new, 3, 1);
	count(&scene, &scene.new, 13, 1);
	merge(&scene, false);
	merge(&scene, false); /* once more changes nothing */
	struct new_value value;
	for (size_t i = 0; i < IOV_COUNT(hashes); i++) {
		if (hashes[i].is_array)
			continue;
		ck_assert(look_new(&scene.new, i, 1, &value));
		ck_assert_msg(value.packets == 122, "%s: %lu", hashes[i].map, (unsigned long)value.packets);
		ck_assert_msg(look_new(&scene.new, i, 12, &value), "%s", hashes[i].map);
		ck_assert_uint_eq(value.packets, 3);
		ck_assert(look_new(&scene.new, i, 13, &value));
		ck_assert_msg(value.packets == 4, "%s: %lu", hashes[i].map, (unsigned long)value.packets);
		ck_assert_msg(!exists(&scene.new, i, 2), "%s", hashes[i].map);
		ck_assert(look_new(&scene.new, i, 3, &value));
		ck_assert_msg(value.packets == 1, "%s: %lu", hashes[i].map, (unsigned long)value.packets);
	}
	for (size_t i = 0; i < IOV_COUNT(hashes); i++) { /* 1: 122; 3: 30 + 1; 12: 3 in slot 4; 13: 4 in slot 5 */
		if (!hashes[i].is_array)
			continue;
		ck_assert(look_new(&scene.new, i, 1, &value));
		ck_assert_msg(value.packets == 122, "%s: %lu", hashes[i].map, (unsigned long)value.packets);
		ck_assert(look_new(&scene.new, i, 3, &value));
		ck_assert_uint_eq(value.packets, 31);
	}
	end(&scene);
}
END_TEST

START_TEST(test_going_back_loses_nothing)
{
	struct scene scene;
	if (!begin(&scene))
		return;
	count(&scene, &scene.old, 1, 10);
	count(&scene, &scene.old, 2, 20);
	unit_ok(scene.ctx, scene.engine->ops->load(scene.engine, &scene.new.load));
	copy(&scene, 0 + UINT64_MAX);
	count(&scene, &scene.old, 1, 7);
	count(&scene, &scene.new, 1, 100);
	count(&scene, &scene.new, 5, 9);
	merge(&scene, false);
	expect_new(&scene, 1, 117);
	count(&scene, &scene.new, 1, 1000);
	count(&scene, &scene.old, 1, 1); /* the old program again */
	merge(&scene, true);
	merge(&scene, true);
	expect_old(&scene, 1, 1118);
	expect_old(&scene, 5, 9);
	expect_old(&scene, 2, 20);
	end(&scene);
}
END_TEST

START_TEST(test_variables_move_by_name)
{
	struct scene scene;
	if (!begin(&scene))
		return;
	count(&scene, &scene.old, 1, 10);
	unit_ok(scene.ctx, scene.engine->ops->load(scene.engine, &scene.new.load));
	copy(&scene, UINT64_MAX);
	ck_assert_uint_eq(variable(&scene.new, ".bss", 0, 8), 10);
	count(&scene, &scene.old, 1, 2);
	count(&scene, &scene.new, 1, 5);
	merge(&scene, false);
	ck_assert_uint_eq(variable(&scene.new, ".bss", 0, 8), 17);
	ck_assert_uint_eq(variable(&scene.new, ".data", 0, 8), 5);  /* limit, not its new first value */
	ck_assert_uint_eq(variable(&scene.new, ".data", 8, 4), 11); /* fresh */
	end(&scene);
}
END_TEST

START_TEST(test_locked_values)
{
	struct scene scene;
	uint64_t key = 1, value[2];
	if (!begin(&scene))
		return;
	count(&scene, &scene.old, 1, 10);
	unit_ok(scene.ctx, scene.engine->ops->load(scene.engine, &scene.new.load));
	copy(&scene, UINT64_MAX);
	count(&scene, &scene.old, 1, 3);
	count(&scene, &scene.new, 1, 5);
	merge(&scene, false);
	iov_auto(iov_close_fd) int fd = load_map(&scene.new, "locked");
	ck_assert_int_eq(bpf_map_lookup_elem(fd, &key, value), 0);
	ck_assert_uint_eq(value[0], 18);
	end(&scene);
}
END_TEST

static int ignore(void *data, void *record, size_t len)
{
	(void)record, (void)len;
	++*(unsigned *)data;
	return 0;
}

START_TEST(test_rings_are_drained)
{
	struct scene scene;
	unsigned got = 0;
	uint64_t left = 9;
	if (!begin(&scene))
		return;
	count(&scene, &scene.old, 1, 5);
	unit_ok(scene.ctx, scene.engine->ops->load(scene.engine, &scene.new.load));
	ck_assert_uint_ne(load_map_id(&scene.old, "events"), load_map_id(&scene.new, "events"));
	iov_auto(iov_close_fd) int fd = load_map(&scene.old, "events");
	unit_ok(scene.ctx, iov_ring_drain(scene.ctx, fd, &left));
	ck_assert_uint_eq(left, 5);
	struct ring_buffer *ring = ring_buffer__new(fd, ignore, &got, NULL);
	ck_assert_int_eq(ring_buffer__consume(ring), 5);
	ring_buffer__free(ring);
	unit_ok(scene.ctx, iov_ring_drain(scene.ctx, fd, &left));
	ck_assert_uint_eq(left, 0);
	end(&scene);
}
END_TEST

Suite *suite_engine_migrate(void)
{
	Suite *suite = suite_create("engine_migrate");
	TCase *tcase = tcase_create("migrate");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, test_every_field_arrives);
	tcase_add_test(tcase, test_late_writes_are_merged);
	tcase_add_test(tcase, test_going_back_loses_nothing);
	tcase_add_test(tcase, test_variables_move_by_name);
	tcase_add_test(tcase, test_locked_values);
	tcase_add_test(tcase, test_rings_are_drained);
	suite_add_tcase(suite, tcase);
	return suite;
}
