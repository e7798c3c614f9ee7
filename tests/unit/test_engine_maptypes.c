/*
 * Every map type on the live kernel: it is filled by hand, shared with an importer, and its provider is replaced by an
 * equal release. docs/map-types.md has this table too, word for word.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "core/upgrade.h"
#include "loads.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define VALUE_MAX 4096 /* bytes of a value on all CPUs */

/* An entry put in from user space. */
struct entry {
	unsigned char key[32], value[VALUE_MAX];
	int held; /* a descriptor that lives as long as the entry; -1: none */
};

struct row;

struct row {
	const char *type, *map, *object;
	/* Makes an entry; false: this machine cannot. NULL: user space puts nothing in. */
	bool (*fill)(struct entry *entry);
	bool listed; /* what was put in can be looked up again */
	const char *shared, *kept, *migrated, *reason;
};

/* ---- entries ---- */

static bool plain(struct entry *entry)
{
	memset(entry->value, 7, sizeof(entry->value));
	return true;
}

static bool prefix(struct entry *entry)
{
	entry->key[0] = 32;
	entry->key[4] = 10;
	return plain(entry);
}

static bool holds(struct entry *entry, int fd)
{
	entry->held = fd;
	memcpy(entry->value, &fd, sizeof(fd));
	return fd >= 0;
}

/* The value is a descriptor, and reading gives an id, or nothing. */
static bool inner(struct entry *entry)
{
	return holds(entry, bpf_map_create(BPF_MAP_TYPE_HASH, "inner", 4, 16, 4, NULL));
}

static bool program(struct entry *entry)
{
	const struct bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K}, {.code = BPF_JMP | BPF_EXIT}};
	return holds(entry, bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "nothing", "GPL", code, 2, NULL));
}

static bool cgroup(struct entry *entry)
{
	static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	for (size_t i = 0; i < IOV_COUNT(places); i++) {
		iov_auto(iov_buf_release) struct iov_buf procs = {0};
		iov_buf_printf(&procs, "%s/cgroup.controllers", places[i]);
		if (iov_fs_exists(procs.data))
			return holds(entry, open(places[i], O_RDONLY | O_CLOEXEC));
	}
	return false;
}

static bool device(struct entry *entry)
{
	uint32_t index = if_nametoindex("lo");
	memcpy(entry->value, &index, sizeof(index));
	return index != 0;
}

static bool queue_size(struct entry *entry)
{
	entry->value[0] = 16;
	return true;
}

/* For all maps of sockets. */
static bool bound_socket(struct entry *entry)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
	};
	int one = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return holds(entry, fd) && !setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) &&
	       !bind(fd, (struct sockaddr *)&at, sizeof(at));
}

/* The keys of storages are descriptors of those that it is kept with. */
static bool kept_with(struct entry *entry, int fd)
{
	plain(entry);
	entry->held = fd;
	memcpy(entry->key, &fd, sizeof(fd));
	return fd >= 0;
}

static bool sk_storage(struct entry *entry)
{
	return kept_with(entry, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static bool inode_storage(struct entry *entry)
{
	return kept_with(entry, open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
}

static bool task_storage(struct entry *entry)
{
	return kept_with(entry, (int)syscall(SYS_pidfd_open, getpid(), 0));
}

static bool cgrp_storage(struct entry *entry)
{
	return cgroup(entry) && kept_with(entry, entry->held);
}

/* ---- the table ---- */

#define KEPT "yes", "kept"
#define BY_FIELD "by field", ""
#define NOT(reason) "no", reason

static const struct row rows[] = {
	{"hash", "t_hash", "maptypes", plain, true, KEPT, BY_FIELD},
	{"array", "t_array", "maptypes", plain, true, KEPT, BY_FIELD},
	{"percpu_hash", "t_percpu_hash", "maptypes", plain, true, KEPT, BY_FIELD},
	{"percpu_array", "t_percpu_array", "maptypes", plain, true, KEPT, BY_FIELD},
	{"lru_hash", "t_lru_hash", "maptypes", plain, true, KEPT, BY_FIELD},
	{"lru_percpu_hash", "t_lru_percpu_hash", "maptypes", plain, true, KEPT, BY_FIELD},
	{"lpm_trie", "t_lpm_trie", "maptypes", prefix, true, KEPT, BY_FIELD},
	{".data, .bss", ".data.shared", "maptypes", plain, true, KEPT, "by name", ""},
	{".rodata", NULL, NULL, NULL, false, "refused", "new",
	 NOT("constants belong to the object that was compiled with them")},
	{"prog_array", "t_prog_array", "maptypes", program, false, "yes", "new",
	 NOT("the old programs still call through the old one; importers are replaced along; what user space put in is "
	     "gone")},
	{"perf_event_array", "t_perf_event_array", "maptypes", NULL, false, KEPT,
	 NOT("its entries are the buffers of its readers")},
	{"cgroup_array", "t_cgroup_array", "maptypes", cgroup, false, KEPT,
	 NOT("its entries are cgroups, put in by a process outside")},
	{"array_of_maps", "t_array_of_maps", "maptypes", inner, true, KEPT,
	 NOT("its entries are maps, with contracts of their own")},
	{"hash_of_maps", "t_hash_of_maps", "maptypes", inner, true, KEPT,
	 NOT("its entries are maps, with contracts of their own")},
	{"devmap", "t_devmap", "maptypes", device, true, KEPT,
	 NOT("its entries are interfaces, put in by a process outside")},
	{"devmap_hash", "t_devmap_hash", "maptypes", device, true, KEPT,
	 NOT("its entries are interfaces, put in by a process outside")},
	{"cpumap", "t_cpumap", "maptypes", queue_size, true, KEPT,
	 NOT("its entries are CPUs, put in by a process outside")},
	{"xskmap", "t_xskmap", "maptypes", NULL, false, KEPT,
	 NOT("its entries are sockets, put in by a process outside")},
	{"sockmap", "t_sockmap", "maptypes", bound_socket, true, KEPT,
	 NOT("its sockets belong to the processes that put them in")},
	{"sockhash", "t_sockhash", "maptypes", bound_socket, true, KEPT,
	 NOT("its sockets belong to the processes that put them in")},
	{"reuseport_sockarray", "t_reuseport_sockarray", "maptypes", bound_socket, true, KEPT,
	 NOT("its sockets belong to the processes that put them in")},
	{"queue", "t_queue", "maptypes", plain, true, KEPT, NOT("reading a queue takes its elements out")},
	{"stack", "t_stack", "maptypes", plain, true, KEPT, NOT("reading a stack takes its elements out")},
	{"bloom_filter", "t_bloom_filter", "maptypes", plain, true, KEPT,
	 NOT("a bloom filter does not tell what was put into it")},
	{"ringbuf", "t_ringbuf", "maptypes", NULL, false, KEPT, "drained", ""},
	{"user_ringbuf", "t_user_ringbuf", "maptypes", NULL, false, KEPT, NOT("a process outside writes into it")},
	{"stack_trace", "t_stack_trace", "maptypes_trace", NULL, false, KEPT,
	 NOT("its entries are found by ids that others have noted")},
	{"sk_storage", "t_sk_storage", "maptypes", sk_storage, true, KEPT,
	 NOT("its entries hang on sockets and cannot be listed")},
	{"inode_storage", "t_inode_storage", "maptypes", inode_storage, true, KEPT,
	 NOT("its entries hang on inodes and cannot be listed")},
	{"task_storage", "t_task_storage", "maptypes", task_storage, true, KEPT,
	 NOT("its entries hang on tasks and cannot be listed")},
	{"cgrp_storage", "t_cgrp_storage", "maptypes_new", cgrp_storage, true, KEPT,
	 NOT("its entries hang on cgroups and cannot be listed")},
	{"arena", "t_arena", "maptypes_new", NULL, false, KEPT, NOT("its pages hold addresses of their own")},
	{"cgroup_storage", "t_cgroup_storage", "maptypes", NULL, false, KEPT, NOT("its entries hang on attachments")},
	{"percpu_cgroup_storage", "t_percpu_cgroup_storage", "maptypes", NULL, false, KEPT,
	 NOT("its entries hang on attachments")},
	{"struct_ops", NULL, NULL, NULL, false, "refused", "new", NOT("it holds programs of its own object")},
};

/* ---- one row ---- */

struct live {
	struct iov_ctx *ctx;
	struct iov_engine *engine;
	struct load old, new, importer;
	struct entry entry, found;
	bool filled; /* with what can be looked up */
};

static bool begin(struct live *live, const struct row *row)
{
	*live = (struct live){.entry.held = -1};
	if (!live_begin())
		return false;
	live->ctx = live_ctx();
	unit_ok(live->ctx, iov_engine_kernel_new(live->ctx, &live->engine));
	unit_ok(live->ctx, live->engine->ops->prepare(live->engine));
	load_init(live->ctx, &live->old, "maptypes", "1.0.0", row->object, "live");
	load_init(live->ctx, &live->new, "maptypes", "1.1.0", row->object, "staging");
	load_init(live->ctx, &live->importer, "user", "1.0.0", row->object, "live");
	return true;
}

static void end(struct live *live)
{
	iov_close_fd(&live->entry.held);
	load_release(&live->old);
	load_release(&live->new);
	load_release(&live->importer);
	iov_engine_free(live->engine);
	live_ctx_free(live->ctx);
}

static int load(struct live *live, const struct load *load)
{
	return live->engine->ops->load(live->engine, &load->load);
}

static bool has_type(const struct row *row)
{
	char text[32];
	for (int type = 1; libbpf_bpf_map_type_str((enum bpf_map_type)type); type++) {
		snprintf(text, sizeof(text), "%s", libbpf_bpf_map_type_str((enum bpf_map_type)type));
		if (!strcmp(text, row->type))
			return libbpf_probe_bpf_map_type((enum bpf_map_type)type, NULL) == 1;
	}
	return true;
}

static bool is_keyless(const struct row *row)
{
	return !strcmp(row->type, "queue") || !strcmp(row->type, "stack") || !strcmp(row->type, "bloom_filter");
}

/* A bloom filter is asked for a value; all others tell it. */
static void look_up(const struct row *row, const struct load *load, struct entry *entry)
{
	iov_auto(iov_close_fd) int fd = load_map(load, row->map);
	if (strcmp(row->type, "bloom_filter") != 0)
		memset(entry->value, 0, sizeof(entry->value));
	ck_assert_msg(!bpf_map_lookup_elem(fd, is_keyless(row) ? NULL : entry->key, entry->value), "%s: %s", row->type,
		      strerror(errno));
}

static void fill(struct live *live, const struct row *row)
{
	iov_auto(iov_close_fd) int fd = load_map(&live->old, row->map);
	ck_assert_int_ge(fd, 0);
	ck_assert_msg(!bpf_map_update_elem(fd, is_keyless(row) ? NULL : live->entry.key, live->entry.value, BPF_ANY),
		      "%s: %s", row->type, strerror(errno));
	live->filled = row->listed;
	if (live->filled)
		look_up(row, &live->old, &live->entry); /* ids and padding as the kernel gives them */
}

/* The importer's program has the very map, or, where the object has none that uses it, its load has found the pin. */
static void share(struct live *live, const struct row *row)
{
	load_import(&live->importer, &live->old, row->map, IOV_WRITE);
	unit_ok(live->ctx, load(live, &live->importer));
	ck_assert_uint_eq(load_map_id(&live->importer, row->map), 0);
}

static void replace(struct live *live, const struct row *row)
{
	bool kept = !strcmp(row->kept, "kept");
	uint32_t id = load_map_id(&live->old, row->map);
	load_replaces(&live->new, &live->old);
	unit_ok(live->ctx, load(live, &live->new));
	ck_assert_uint_ne(id, 0);
	ck_assert_msg((load_map_id(&live->new, row->map) == id) == kept, "%s", row->type);
	unit_ok(live->ctx, live->engine->ops->remove_tree(live->engine, live->old.dir));
	if (!kept || !live->filled)
		return;
	live->found = live->entry;
	look_up(row, &live->new, &live->found);
	ck_assert_msg(!memcmp(live->found.value, live->entry.value, sizeof(live->entry.value)), "%s", row->type);
}

START_TEST(test_type)
{
	struct live live;
	const struct row *row = &rows[_i];
	if (!row->map || !begin(&live, row))
		return;
	if (!has_type(row)) {
		fprintf(stderr, "# SKIP map type %s: this kernel has none\n", row->type);
		end(&live);
		return;
	}
	unit_ok(live.ctx, load(&live, &live.old));
	if (row->fill && row->fill(&live.entry))
		fill(&live, row);
	else if (row->fill)
		fprintf(stderr, "# SKIP contents of a %s: cannot be made here\n", row->type);
	share(&live, row);
	replace(&live, row);
	end(&live);
}
END_TEST

/* Variables in another order are another layout; the kernel and libbpf see no difference. */
START_TEST(test_variables_in_another_order)
{
	struct live live;
	const struct row row = {.map = ".data.shared", .object = "maptypes"};
	if (!begin(&live, &row))
		return;
	unit_ok(live.ctx, load(&live, &live.old));
	load_release(&live.importer);
	load_init(live.ctx, &live.importer, "user", "1.0.0", "maptypes_swapped", "live");
	load_import(&live.importer, &live.old, row.map, IOV_READ);
	unit_fails(live.ctx, load(&live, &live.importer), IOV_E_CONTRACT,
		   "map '.data.shared' of maptypes is not what user 1.0.0 was built for");
	ck_assert_ptr_nonnull(strstr(iov_error_text(live.ctx), "first"));
	end(&live);
}
END_TEST

static const char *or_nothing(const char *text)
{
	return text ? text : "";
}

/* Types that are read from the release's record, since the kernel keeps none, are compared as well. */
START_TEST(test_documented)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	ck_assert_int_eq(iov_fs_read(unit_data("../docs/map-types.md"), 1 << 20, &text), 0);
	for (size_t i = 0; i < IOV_COUNT(rows); i++) {
		const struct row *row = &rows[i];
		char line[512];
		snprintf(line, sizeof(line), "\n| %s | %s | %s | %s | %s%s|\n", row->type, row->shared, row->kept,
			 row->migrated, row->reason, *row->reason ? " " : "");
		ck_assert_msg(strstr(text.data, line), "docs/map-types.md lacks: %s", line);
		if (!strcmp(row->kept, "kept") && row->map && *row->map != '.')
			ck_assert_str_eq(or_nothing(iov_upgrade_refusal(row->type)), row->reason);
	}
}
END_TEST

Suite *suite_engine_maptypes(void)
{
	Suite *suite = suite_create("engine_maptypes");
	TCase *live = tcase_create("live");
	tcase_set_timeout(live, 60);
	tcase_add_loop_test(live, test_type, 0, IOV_COUNT(rows));
	tcase_add_test(live, test_variables_in_another_order);
	tcase_add_test(live, test_documented);
	suite_add_tcase(suite, live);
	return suite;
}
