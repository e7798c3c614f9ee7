/* Every hook on the live kernel: attach, adopt into a second tree, swap under traffic, tell the truth, detach. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hooks/entry.h"
#include "hooks/index.h"
#include "hooks/link.h"
#include "hooks/rows.h"
#include "hooks/standing.h"
#include "live.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define SWAPS (getenv("IOV_GUEST") ? 8 : 40) /* an emulated machine is slow */
#define SWAPS_MAX 4000			     /* until the traffic, on a busy machine, has met both programs */

#define SELF "(this program)"
#define CGROUP "(a cgroup of this process)"

struct bench {
	const struct iov_hook *hook;
	const char *first, *second, *too_far; /* programs of tests/objects/hooks.bpf.c */
	struct iov_site site;
	void (*make)(unsigned count); /* the events that they count */
};

static void make_frames(unsigned count)
{
	live_send(count);
}

static void make_calls(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		syscall(SYS_getppid);
}

static void make_datagrams(unsigned count)
{
	live_datagrams(count);
}

static void make_opens(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		close(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

__attribute__((noinline)) void hooks_swap_probed(void);
void hooks_swap_probed(void)
{
	__asm__ volatile("");
}

static void make_steps(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		hooks_swap_probed();
}

#define SITE(section, target)                                                                                          \
	{                                                                                                              \
		"one", "count", section, target                                                                        \
	}

static const struct bench benches[] = {
	{&iov_hook_xdp, "xdp_first", "xdp_second", NULL, SITE("xdp", "iovb"), make_frames},
	{&iov_hook_tcx, "tc_first", "tc_second", NULL, SITE("tcx/ingress", "iovb"), make_frames},
	{&iov_hook_clsact, "tc_first", "tc_second", NULL, SITE("tcx/ingress", "iovb"), make_frames},
	{&iov_hook_tracepoint, "tp_first", "tp_second", "tp_too_far", SITE("tp/raw_syscalls/sys_enter", ""),
	 make_calls},
	{&iov_hook_raw_tp, "raw_first", "raw_second", "raw_too_far", SITE("raw_tp/sys_enter", ""), make_calls},
	{&iov_hook_tp_btf, "typed_first", "typed_second", NULL, SITE("tp_btf/sys_enter", ""), make_calls},
	{&iov_hook_cgroup, "egress_first", "egress_second", NULL, SITE("cgroup_skb/egress", CGROUP), make_datagrams},
	{&iov_hook_cgroup, "ingress_first", "ingress_second", NULL, SITE("cgroup_skb/ingress", CGROUP), make_datagrams},
	{&iov_hook_cgroup, "sendmsg_first", "sendmsg_second", NULL, SITE("cgroup/sendmsg4", CGROUP), make_datagrams},
	{&iov_hook_lsm_cgroup, "lsm_cgroup_first", "lsm_cgroup_second", NULL, SITE("lsm_cgroup/socket_sendmsg", CGROUP),
	 make_datagrams},
	{&iov_hook_sk_lookup, "lookup_first", "lookup_second", NULL, SITE("sk_lookup", ""), make_datagrams},
	{&iov_hook_netfilter, "filter_first", "filter_second", NULL, SITE("netfilter", "ipv4/output/7"),
	 make_datagrams},
	{&iov_hook_uprobe, "uprobe_first", "uprobe_second", NULL, SITE("uprobe", SELF ":hooks_swap_probed"),
	 make_steps},
	{&iov_hook_uprobe, "uretprobe_first", "uretprobe_second", NULL, SITE("uretprobe", SELF ":hooks_swap_probed"),
	 make_steps},
	{&iov_hook_kprobe, "kprobe_first", "kprobe_second", NULL, SITE("ksyscall/getppid", ""), make_calls},
	{&iov_hook_kprobe, "kretprobe_first", "kretprobe_second", NULL, SITE("kretsyscall/getppid", ""), make_calls},
	{&iov_hook_fentry, "fentry_first", "fentry_second", NULL, SITE("fentry/vfs_open", ""), make_opens},
	{&iov_hook_fentry, "fexit_first", "fexit_second", NULL, SITE("fexit/vfs_open", ""), make_opens},
	{&iov_hook_lsm, "lsm_first", "lsm_second", NULL, SITE("lsm/file_open", ""), make_opens},
};

/* Of hooks whose old and new programs stand side by side for a moment. */
static const struct bench twice[] = {
	{&iov_hook_uprobe_s, "sleepy_first", "sleepy_second", NULL, SITE("uprobe.s", SELF ":hooks_swap_probed"),
	 make_steps},
	{&iov_hook_lsm_s, "lsm_sleepy_first", "lsm_sleepy_second", NULL, SITE("lsm.s/file_open", ""), make_opens},
};

/* The thread whose calls of getppid() count, 0: none. Whatever else it calls, for a sanitizer say, does not. */
static int watch_thread(const struct bpf_object *object, uint32_t thread)
{
	const struct {
		uint32_t thread, call;
	} wanted = {thread, SYS_getppid};
	uint32_t key = 0;
	return bpf_map_update_elem(bpf_object__find_map_fd_by_name(object, ".bss"), &key, &wanted, BPF_ANY);
}

static struct bpf_object *load_object(const struct bench *bench)
{
	struct bpf_object *object = bpf_object__open_file(live_object("hooks"), NULL);
	struct bpf_program *program;
	ck_assert_ptr_nonnull(object);
	bpf_object__for_each_program(program, object) {
		const char *name = bpf_program__name(program);
		bpf_program__set_autoload(program, !strcmp(name, bench->first) || !strcmp(name, bench->second) ||
							   (bench->too_far && !strcmp(name, bench->too_far)));
		if (bench->hook->attach_type >= 0 && !strncmp(name, "tc_", 3))
			bpf_program__set_expected_attach_type(program, (enum bpf_attach_type)bench->hook->attach_type);
	}
	ck_assert_int_eq(bpf_object__load(object), 0);
	ck_assert_int_eq(watch_thread(object, (uint32_t)gettid()), 0);
	return object;
}

static uint32_t pin_program(struct bpf_object *object, const char *program, const char *dir)
{
	char path[600];
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	snprintf(path, sizeof(path), "%s/progs", dir);
	ck_assert_int_eq(iov_fs_mkdirs(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/progs/count", dir);
	unlink(path);
	int fd = bpf_program__fd(bpf_object__find_program_by_name(object, program));
	ck_assert_int_eq(bpf_obj_pin(fd, path), 0);
	ck_assert_int_eq(bpf_prog_get_info_by_fd(fd, &info, &len), 0);
	return info.id;
}

static uint64_t seen(struct bpf_object *object, uint32_t which)
{
	uint64_t value = 0;
	int fd = bpf_object__find_map_fd_by_name(object, "seen");
	ck_assert_int_eq(bpf_map_lookup_elem(fd, &which, &value), 0);
	return value;
}

/* Frames may still be on their way, for long on a busy machine. */
static uint64_t seen_at_last(struct bpf_object *object, uint64_t expected)
{
	for (int i = 0; i < 250 && seen(object, 0) + seen(object, 1) < expected; i++)
		usleep(20000);
	usleep(20000);
	return seen(object, 0) + seen(object, 1);
}

struct traffic {
	const struct bench *bench;
	const struct bpf_object *object;
	bool stop;
	unsigned made;
};

static void *drive(void *data)
{
	struct traffic *traffic = data;
	watch_thread(traffic->object, (uint32_t)gettid());
	while (!__atomic_load_n(&traffic->stop, __ATOMIC_ACQUIRE)) {
		traffic->bench->make(64);
		traffic->made += 64;
	}
	watch_thread(traffic->object, 0);
	return NULL;
}

static void assert_running(struct iov_ctx *ctx, const struct bench *bench, const char *dir, uint32_t prog_id)
{
	struct iov_running running = {.prog_id = ~0u};
	unit_ok(ctx, bench->hook->style->running(ctx, bench->hook, &bench->site, dir, &running));
	ck_assert_uint_eq(running.prog_id, prog_id);
}

static bool has_pin(const char *dir, const char *kind)
{
	char path[600];
	snprintf(path, sizeof(path), "%s/%s/count", dir, kind);
	return iov_fs_exists(path);
}

static struct iov_ctx *begin(void)
{
	struct iov_ctx *ctx = live_ctx();
	unit_ok(ctx, iov_index_store(ctx, 1));
	return ctx;
}

static bool can_run(struct iov_ctx *ctx, const struct bench *bench)
{
	if (!bench->hook->supported || bench->hook->supported(ctx))
		return true;
	fprintf(stderr, "# SKIP hook %s: not in this kernel\n", bench->hook->name);
	return false;
}

/* The row with its target filled in; false where it cannot run here. */
static bool fill_in(const struct bench *row, struct bench *ret)
{
	static char self[512], target[600];
	*ret = *row;
	if (!strcmp(row->site.target, CGROUP))
		ret->site.target = live_cgroup();
	if (!ret->site.target || strncmp(row->site.target, SELF, strlen(SELF)) != 0)
		return ret->site.target != NULL;
	ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
	snprintf(target, sizeof(target), "%s%s", self, row->site.target + strlen(SELF));
	ret->site.target = target;
	return true;
}

/* A context with what the row needs; NULL, having said why, where it cannot run. */
static struct iov_ctx *begin_with(const struct bench *row, struct bench *ret)
{
	if (!live_begin() || !fill_in(row, ret))
		return NULL;
	struct iov_ctx *ctx = begin();
	if (can_run(ctx, ret)) {
		live_veth();
		return ctx;
	}
	live_ctx_free(ctx);
	return NULL;
}

START_TEST(test_life)
{
	struct bench filled;
	const struct bench *bench = &filled;
	struct iov_ctx *ctx = begin_with(&benches[_i], &filled);
	if (!ctx)
		return;
	const struct iov_hook *hook = bench->hook;
	const struct iov_site *site = &bench->site;
	struct bpf_object *object = load_object(bench);
	const char *live = live_dir(ctx, "live"), *staging = live_dir(ctx, "staging");
	uint32_t first = pin_program(object, bench->first, live);
	uint32_t second = pin_program(object, bench->second, staging);

	unit_ok(ctx, hook->check(ctx, site));
	assert_running(ctx, bench, live, 0);
	unit_ok(ctx, hook->style->detach(ctx, hook, site, live)); /* not attached is success */
	unit_ok(ctx, hook->style->attach(ctx, hook, site, live));
	assert_running(ctx, bench, live, first);
	bench->make(100);
	ck_assert_uint_ge(seen(object, 0), 100);

	unit_ok(ctx, hook->style->adopt(ctx, site, live, site, staging));
	assert_running(ctx, bench, staging, first); /* nothing moved */
	unit_ok(ctx, hook->style->swap(ctx, hook, site, staging));
	assert_running(ctx, bench, live, second); /* both trees hold the same attachment */
	assert_running(ctx, bench, staging, second);
	uint64_t before = seen(object, 0);
	bench->make(100);
	ck_assert_uint_eq(seen(object, 0), before);
	ck_assert_uint_ge(seen(object, 1), 100);

	unit_ok(ctx, hook->style->swap(ctx, hook, site, live)); /* the undo */
	assert_running(ctx, bench, staging, first);
	ck_assert_int_eq(iov_fs_rmtree(live), 0); /* the old tree goes; staging keeps it attached */
	assert_running(ctx, bench, staging, first);

	unit_ok(ctx, hook->style->detach(ctx, hook, site, staging));
	assert_running(ctx, bench, staging, 0);
	ck_assert(!has_pin(staging, "links") && !has_pin(staging, "slots") && !has_pin(staging, "runs"));
	bpf_object__close(object);
	live_ctx_free(ctx);
}
END_TEST

/* Every event is seen once, by one of the two programs. */
START_TEST(test_swap_under_traffic)
{
	struct bench filled;
	const struct bench *bench = &filled;
	struct iov_ctx *ctx = begin_with(&benches[_i], &filled);
	if (!ctx)
		return;
	struct bpf_object *object = load_object(bench);
	const char *dirs[] = {live_dir(ctx, "live"), live_dir(ctx, "staging")};
	pin_program(object, bench->first, dirs[0]);
	pin_program(object, bench->second, dirs[1]);
	unit_ok(ctx, bench->hook->style->attach(ctx, bench->hook, &bench->site, dirs[0]));
	unit_ok(ctx, bench->hook->style->adopt(ctx, &bench->site, dirs[0], &bench->site, dirs[1]));

	struct traffic traffic = {.bench = bench, .object = object};
	struct iov_running running;
	pthread_t thread;
	ck_assert_int_eq(watch_thread(object, 0), 0);
	uint64_t before = seen(object, 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, drive, &traffic), 0);
	for (int i = 1; i <= SWAPS || (i < SWAPS_MAX && !(seen(object, 0) > before && seen(object, 1))); i++) {
		unit_ok(ctx, bench->hook->style->swap(ctx, bench->hook, &bench->site, dirs[i % 2]));
		usleep(1000);
	}
	__atomic_store_n(&traffic.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);

	ck_assert_uint_eq(seen_at_last(object, before + traffic.made), before + traffic.made);
	unit_ok(ctx, bench->hook->style->running(ctx, bench->hook, &bench->site, dirs[0], &running));
	if (running.runs_known)
		ck_assert_uint_ge(running.runs, traffic.made);
	ck_assert_uint_gt(seen(object, 0), before);
	ck_assert_uint_gt(seen(object, 1), 0);
	unit_ok(ctx, bench->hook->style->detach(ctx, bench->hook, &bench->site, dirs[0]));
	bpf_object__close(object);
	live_ctx_free(ctx);
}
END_TEST

/* A store between two generations, with both programs behind an entry; and back to the program alone. */
START_TEST(test_store_under_traffic)
{
	struct bench filled;
	const struct bench *bench = &filled;
	const struct iov_style *style = benches[_i].hook->style;
	struct iov_ctx *ctx = style->arm ? begin_with(&benches[_i], &filled) : NULL;
	if (!ctx)
		return;
	struct bpf_object *object = load_object(bench);
	const char *live = live_dir(ctx, "live"), *staging = live_dir(ctx, "staging");
	uint32_t ids[] = {pin_program(object, bench->first, live), pin_program(object, bench->second, staging)};
	unit_ok(ctx, style->attach(ctx, bench->hook, &bench->site, live));
	unit_ok(ctx, style->adopt(ctx, &bench->site, live, &bench->site, staging));

	struct traffic traffic = {.bench = bench, .object = object};
	pthread_t thread;
	ck_assert_int_eq(watch_thread(object, 0), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, drive, &traffic), 0);
	for (uint64_t to = 2; to < (uint64_t)SWAPS || (to < SWAPS_MAX && !(seen(object, 0) && seen(object, 1))); to++) {
		const char *const dirs[] = {live, staging};
		const struct iov_arm arm = {
			.old_dir = dirs[to & 1], .new_dir = dirs[!(to & 1)], .generation = to, .carry = true};
		unit_ok(ctx, style->arm(ctx, bench->hook, &bench->site, &arm));
		assert_running(ctx, bench, arm.old_dir, ids[to & 1]);
		unit_ok(ctx, iov_index_store(ctx, to));
		assert_running(ctx, bench, arm.new_dir, ids[!(to & 1)]);
		unit_ok(ctx, style->swap(ctx, bench->hook, &bench->site, arm.new_dir));
		assert_running(ctx, bench, arm.new_dir, ids[!(to & 1)]);
		/* A transaction removes the old tree, when no event is left that met the entry. */
		ck_assert_int_eq(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0), 0);
		if (style == &iov_style_link)
			unit_ok(ctx, iov_entry_unpin(ctx, &bench->site, arm.old_dir));
	}
	__atomic_store_n(&traffic.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(seen_at_last(object, traffic.made), traffic.made);
	ck_assert(seen(object, 0) && seen(object, 1));
	unit_ok(ctx, style->detach(ctx, bench->hook, &bench->site, live));
	bpf_object__close(object);
	live_ctx_free(ctx);
}
END_TEST

static uint32_t map_id(const char *pin)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	iov_auto(iov_close_fd) int fd = bpf_obj_get(pin);
	ck_assert_int_eq(bpf_map_get_info_by_fd(fd, &info, &len), 0);
	return info.id;
}

/* Whoever removes the pin of the index does not part the entries from it. */
START_TEST(test_index_is_found_again)
{
	if (!live_begin())
		return;
	struct iov_ctx *ctx = begin();
	const struct bench *bench = benches;
	while (bench->hook != &iov_hook_raw_tp) /* which runs on every kernel */
		bench++;
	struct bpf_object *object = load_object(bench);
	iov_auto(iov_free_ptr) char *pin = iov_path(ctx, IOV_PINS "/index");
	iov_auto(iov_free_ptr) char *dir = iov_path(ctx, IOV_PINS "/live/one");
	uint32_t first = pin_program(object, bench->first, dir);
	ck_assert_ptr_eq(bench->hook->style, &iov_style_standing);
	unit_ok(ctx, bench->hook->style->attach(ctx, bench->hook, &bench->site, dir));
	uint32_t index = map_id(pin);
	ck_assert_int_eq(unlink(pin), 0);
	unit_ok(ctx, iov_index_store(ctx, 2));
	ck_assert_uint_eq(map_id(pin), index);
	assert_running(ctx, bench, dir, first);
	bpf_object__close(object);
	live_ctx_free(ctx);
}
END_TEST

/* The kernel checks what it attaches, not what it finds in a slot: attach and swap must refuse what reads past the
 * context. */
START_TEST(test_too_far)
{
	const struct bench *bench = &benches[_i];
	if (!bench->too_far || !live_begin())
		return;
	struct iov_ctx *ctx = begin();
	struct bpf_object *object = load_object(bench);
	const char *live = live_dir(ctx, "live"), *staging = live_dir(ctx, "staging");
	uint32_t first = pin_program(object, bench->first, live);
	pin_program(object, bench->too_far, staging);
	unit_fails(ctx, bench->hook->style->attach(ctx, bench->hook, &bench->site, staging), IOV_E_REJECTED,
		   "program 'count' of instance 'one' reads");
	assert_running(ctx, bench, staging, 0);
	unit_ok(ctx, bench->hook->style->attach(ctx, bench->hook, &bench->site, live));
	unit_ok(ctx, bench->hook->style->adopt(ctx, &bench->site, live, &bench->site, staging));
	unit_fails(ctx, bench->hook->style->swap(ctx, bench->hook, &bench->site, staging), IOV_E_REJECTED,
		   "sys_enter'");
	assert_running(ctx, bench, live, first);
	bpf_object__close(object);
	live_ctx_free(ctx);
}
END_TEST

/* Each tree has its own attachment, and while both stand both programs see each event: none is missed. */
START_TEST(test_beside_under_traffic)
{
	struct bench filled;
	const struct bench *bench = &filled;
	struct iov_ctx *ctx = begin_with(&twice[_i], &filled);
	if (!ctx)
		return;
	const struct iov_style *style = bench->hook->style;
	struct bpf_object *object = load_object(bench);
	const char *dirs[] = {live_dir(ctx, "live"), live_dir(ctx, "staging")};
	const uint32_t ids[] = {pin_program(object, bench->first, dirs[0]),
				pin_program(object, bench->second, dirs[1])};
	ck_assert_int_eq(style->move, IOV_MOVE_TWICE);
	unit_ok(ctx, bench->hook->check(ctx, &bench->site));
	unit_ok(ctx, style->attach(ctx, bench->hook, &bench->site, dirs[0]));

	struct traffic traffic = {.bench = bench, .object = object};
	pthread_t thread;
	ck_assert_int_eq(watch_thread(object, 0), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, drive, &traffic), 0);
	for (int i = 1; i <= 6 || (i < SWAPS_MAX && !(seen(object, 0) && seen(object, 1))); i++) {
		unit_ok(ctx, style->attach(ctx, bench->hook, &bench->site, dirs[i % 2]));
		assert_running(ctx, bench, dirs[i % 2], ids[i % 2]);
		assert_running(ctx, bench, dirs[!(i % 2)], ids[!(i % 2)]);
		unit_ok(ctx, style->detach(ctx, bench->hook, &bench->site, dirs[!(i % 2)]));
		assert_running(ctx, bench, dirs[!(i % 2)], 0);
		usleep(1000);
	}
	__atomic_store_n(&traffic.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	ck_assert_uint_ge(seen(object, 0) + seen(object, 1), traffic.made);
	ck_assert(seen(object, 0) && seen(object, 1));
	for (size_t i = 0; i < IOV_COUNT(dirs); i++)
		unit_ok(ctx, style->detach(ctx, bench->hook, &bench->site, dirs[i]));
	bpf_object__close(object);
	live_ctx_free(ctx);
}
END_TEST

Suite *suite_hooks_swap(void)
{
	Suite *suite = suite_create("hooks/swap");
	TCase *tcase = tcase_create("live");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test_life, 0, IOV_COUNT(benches));
	tcase_add_loop_test(tcase, test_swap_under_traffic, 0, IOV_COUNT(benches));
	tcase_add_loop_test(tcase, test_store_under_traffic, 0, IOV_COUNT(benches));
	tcase_add_test(tcase, test_index_is_found_again);
	tcase_add_loop_test(tcase, test_too_far, 0, IOV_COUNT(benches));
	tcase_add_loop_test(tcase, test_beside_under_traffic, 0, IOV_COUNT(twice));
	suite_add_tcase(suite, tcase);
	return suite;
}
