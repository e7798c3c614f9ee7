#include "engine/ring.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "util/cleanup.h"

#define STEP_NS 5000000 /* between two looks at the reader */
#define STILL_STEPS 20	/* without headway: there is no reader, or it stands */
#define STEPS_MAX 400	/* 2 s in all: a buffer of megabytes takes a reader less */

/* As the kernel lays it out (kernel/bpf/ringbuf.c): a page with the reader's position, one with the writers', then the
 * data twice, so that no record is cut. */
struct ring {
	volatile unsigned long *consumer;
	volatile unsigned long *producer;
	const char *data;
	size_t page, size;
};

static void close_ring(struct ring *ring)
{
	if (ring->consumer)
		munmap((void *)ring->consumer, ring->page);
	if (ring->producer)
		munmap((void *)ring->producer, ring->page + 2 * ring->size);
}

static int open_ring(struct iov_ctx *ctx, int map, struct ring *ret)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	if (bpf_map_get_info_by_fd(map, &info, &len))
		return iov_error_errno(ctx, errno, "cannot ask the kernel about a ring buffer");
	*ret = (struct ring){.page = (size_t)sysconf(_SC_PAGESIZE), .size = info.max_entries};
	void *consumer = mmap(NULL, ret->page, PROT_READ, MAP_SHARED, map, 0);
	if (consumer == MAP_FAILED)
		return iov_error_errno(ctx, errno, "cannot map the ring buffer '%s'", info.name);
	ret->consumer = consumer;
	void *producer = mmap(NULL, ret->page + 2 * ret->size, PROT_READ, MAP_SHARED, map, (off_t)ret->page);
	if (producer == MAP_FAILED)
		return iov_error_errno(ctx, errno, "cannot map the ring buffer '%s'", info.name);
	ret->producer = producer;
	ret->data = (const char *)producer + ret->page;
	return IOV_OK;
}

static uint64_t count_left(const struct ring *ring)
{
	uint64_t count = 0;
	for (unsigned long at = *ring->consumer, end = *ring->producer; at < end;) {
		uint32_t header = *(const volatile uint32_t *)(ring->data + (at & (ring->size - 1)));
		count += !(header & BPF_RINGBUF_DISCARD_BIT);
		at += ((header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT)) + BPF_RINGBUF_HDR_SZ + 7) & ~7ul;
	}
	return count;
}

int iov_ring_drain(struct iov_ctx *ctx, int map, uint64_t *ret_left)
{
	iov_auto(close_ring) struct ring ring = {0};
	int rc = open_ring(ctx, map, &ring);
	unsigned still = 0;
	if (rc || !ring.consumer || !ring.producer)
		return rc;
	for (unsigned i = 0; i < STEPS_MAX && still < STILL_STEPS; i++) {
		unsigned long before = *ring.consumer;
		if (before >= *ring.producer)
			break;
		nanosleep(&(struct timespec){.tv_nsec = STEP_NS}, NULL);
		still = *ring.consumer == before ? still + 1 : 0;
	}
	*ret_left = count_left(&ring);
	return IOV_OK;
}
