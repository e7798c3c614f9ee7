/* The older release of two (migrate.h). */
#include <linux/types.h>

#define ROOM 128
#define RING 4096
#define PACKETS pkts
#define TOTAL total_32

enum state { FRESH, SEEN };

struct key {
	__u32 id;
};

struct value {
	__u32 pkts;
	char dev[4];
	__u64 bytes;
	__u64 last_ns;
	enum state state;
	__u32 hist[20];
	__u8 low : 3, high : 5;
};

#include <linux/bpf.h>

struct locked_value {
	struct bpf_spin_lock lock;
	__u32 pkts;
};

#define COUNT(value, now)                                                                                              \
	do {                                                                                                           \
		__sync_fetch_and_add(&(value)->pkts, 1);                                                               \
		__sync_fetch_and_add(&(value)->bytes, 100);                                                            \
		__sync_fetch_and_add(&(value)->hist[3], 1);                                                            \
		(value)->last_ns = (now);                                                                              \
		(value)->state = SEEN;                                                                                 \
		(value)->dev[0] = 'e';                                                                                 \
		(value)->high = 9;                                                                                     \
	} while (0)

__u32 total_32;
__u32 limit = 5;
__u64 unused_now = 1;

#include "migrate.h"
