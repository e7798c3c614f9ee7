#include "live.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <mntent.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/pins.h"
#include "util/cleanup.h"
#include "util/libbpf.h"
#include "util/process.h"

#define TEST_ETHERTYPE 0x88b5 /* as in tests/objects/hooks.bpf.c */

static pid_t first_process;

__attribute__((constructor)) static void remember_process(void)
{
	first_process = getpid();
}

static bool skip(const char *why)
{
	fprintf(stderr, "# SKIP live test: %s\n", why);
	return false;
}

bool live_begin(void)
{
	iov_libbpf_quiet();
	if (geteuid())
		return skip("needs root");
	if (getpid() == first_process)
		return skip("needs a process of its own (CK_FORK=yes)");
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return skip("this kernel has no BTF");
	if (access(live_object("hooks"), R_OK))
		return skip("its objects are not built (IOV_TEST_OBJECTS)");
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return skip("cannot make namespaces");
	return true;
}

struct iov_ctx *live_ctx(void)
{
	struct iov_ctx *ctx = unit_ctx();
	unit_ok(ctx, iov_pins_prepare(ctx));
	return ctx;
}

void live_ctx_free(struct iov_ctx *ctx)
{
	iov_auto(iov_free_ptr) char *fs = iov_path(ctx, IOV_BPFFS);
	ck_assert_ptr_nonnull(fs);
	ck_assert_int_eq(umount2(fs, MNT_DETACH), 0);
	unit_ctx_free(ctx);
}

const char *live_dir(const struct iov_ctx *ctx, const char *name)
{
	static char paths[4][512];
	static unsigned next;
	char *path = paths[next++ % IOV_COUNT(paths)];
	snprintf(path, sizeof(paths[0]), "%s" IOV_PINS "/%s", ctx->root, name);
	return path;
}

const char *live_object(const char *name)
{
	static char path[512];
	const char *dir = getenv("IOV_TEST_OBJECTS");
	snprintf(path, sizeof(path), "%s/%s.bpf.o", dir ? dir : "tests/objects", name);
	return path;
}

static void run(const char *const *argv)
{
	struct iov_process_result result = {0};
	const struct iov_process process = {.argv = argv, .timeout_ms = 10000, .limit_output = 4096};
	ck_assert_int_eq(iov_process_run(&process, &result), 0);
	ck_assert_msg(result.status == 0, "%s %s: %s", argv[0], argv[1], result.err.data ? result.err.data : "");
	iov_process_result_release(&result);
}

static void silence(void)
{
	int fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		ck_assert_int_eq(write(fd, "1", 1), 1);
		close(fd);
	}
}

void live_veth(void)
{
	silence();
	run((const char *const[]){"ip", "link", "add", "iova", "type", "veth", "peer", "name", "iovb", NULL});
	/* The sender last: then both are there, and it gets its queue at once, not by the kernel's link watch a little
	 * later; frames without a queue are dropped in silence. */
	run((const char *const[]){"ip", "link", "set", "iovb", "up", NULL});
	run((const char *const[]){"ip", "link", "set", "iova", "up", NULL});
}

void live_send(unsigned count)
{
	unsigned char frame[64] = {[12] = TEST_ETHERTYPE >> 8, [13] = TEST_ETHERTYPE & 0xff};
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("iova"), .sll_halen = 6};
	iov_auto(iov_close_fd) int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(TEST_ETHERTYPE));
	memset(frame, 0xff, 6);
	ck_assert_int_ge(fd, 0);
	for (unsigned i = 0; i < count; i++) {
		ck_assert_int_eq(sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)),
				 (int)sizeof(frame));
		if (i % 32 == 31)
			usleep(20); /* the pair's queue is short, and what it drops no hook sees */
	}
}

static int socket_at(uint16_t port)
{
	const struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

void live_datagrams(unsigned count)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(LIVE_PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	static bool is_up;
	char text[64];
	if (!is_up)
		run((const char *const[]){"ip", "link", "set", "lo", "up", NULL});
	is_up = true;
	iov_auto(iov_close_fd) int receiver = socket_at(LIVE_PORT);
	iov_auto(iov_close_fd) int sender = socket_at(0);
	for (unsigned i = 0; i < count; i++) {
		ck_assert_int_eq(sendto(sender, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)), 1);
		ck_assert_int_eq(recv(receiver, text, sizeof(text), 0), 1);
	}
}

static char cgroup_path[512], cgroup_before[512];

static bool move_to(const char *cgroup)
{
	char path[600];
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool moved = fd >= 0 && write(fd, "0", 1) == 1;
	if (fd >= 0)
		close(fd);
	return moved;
}

static void leave_cgroup(void)
{
	if (move_to(cgroup_before))
		rmdir(cgroup_path);
}

const char *live_cgroup(void)
{
	static char name[32];
	struct mntent *entry;
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	ck_assert_ptr_nonnull(mounts);
	while ((entry = getmntent(mounts)) && strcmp(entry->mnt_type, "cgroup2") != 0)
		;
	if (entry)
		snprintf(cgroup_before, sizeof(cgroup_before), "%s", entry->mnt_dir);
	endmntent(mounts);
	snprintf(name, sizeof(name), "iov-unit-%d", (int)getpid());
	snprintf(cgroup_path, sizeof(cgroup_path), "%.400s/%s", cgroup_before, name);
	if (!entry || mkdir(cgroup_path, 0755) || !move_to(cgroup_path)) {
		rmdir(cgroup_path);
		skip("no cgroup can be made in a cgroup2 hierarchy");
		return NULL;
	}
	atexit(leave_cgroup);
	return name;
}
