/* The newer release of two (migrate.h): fields have moved, grown, been renamed, scaled and added. */
#include <linux/types.h>

#define ROOM 256
#define RING 8192
#define PACKETS packets
#define TOTAL total

enum state { FRESH, SEEN, GONE };

struct key {
	__u64 id;
};

struct value {
	__u64 bytes;
	__u64 packets;
	__u64 hist[24];
	char dev[16];
	__u32 last_us;
	__u32 weight;
	enum state state;
	__u8 low : 3, high : 5;
};

#include <linux/bpf.h>

struct locked_value {
	__u64 packets;
	struct bpf_spin_lock lock;
};

#define COUNT(value, now)                                                                                              \
	do {                                                                                                           \
		__sync_fetch_and_add(&(value)->packets, 1);                                                            \
		__sync_fetch_and_add(&(value)->bytes, 100);                                                            \
		__sync_fetch_and_add(&(value)->hist[3], 1);                                                            \
		(value)->last_us = (now) / 1000 + 2;                                                                   \
		(value)->state = SEEN;                                                                                 \
	} while (0)

__u64 total;
__u64 limit = 9;
__u32 fresh = 11;

#include "migrate.h"
