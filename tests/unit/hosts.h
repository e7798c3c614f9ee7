/*
 * A host with the recording engine, for the tests of the transaction: it is brought from state to state, and what is
 * then on disk, in the pin trees and in the pretended kernel is compared with what the current generation says.
 */
#ifndef IOV_TESTS_HOSTS_H
#define IOV_TESTS_HOSTS_H

#include "engine/recording.h"
#include "modules.h"

enum host_state {
	HOST_FRESH,	/* generation 0 */
	HOST_INSTALLED, /* flow-table 1.0.0 and flow-count 1.0.0 at eth0, which imports its map */
	HOST_UPGRADED,	/* flow-count 1.1.0: a program less, one more, two replaced */
	HOST_MOVED,	/* flow-count 1.0.0 at eth1 */
	HOST_PROVIDER,	/* flow-table 1.1.0, the same map */
	HOST_RENEWED,	/* as installed, and its instances brought up anew */
	HOST_IDLE,	/* both installed, nothing loaded */
	HOST_REMOVED,	/* nothing, but a generation that says so */
};

/* One transaction from the current generation to one that holds this state. */
int host_go(struct iov_ctx *ctx, struct iov_engine *engine, enum host_state state);
/* The same, and it must succeed; with an engine of its own. */
void host_reach(struct iov_ctx *ctx, enum host_state state);
int host_recover(struct iov_ctx *ctx);
uint64_t host_number(struct iov_ctx *ctx);
/* The id of the map that the two modules share; 0: not loaded. */
uint32_t host_shared_map(struct iov_ctx *ctx);
/* Runs `act` in a process of its own that meets its fate at a fault point; `kind` is "" for a kill, or "fail:". A
 * failure must name the point. */
enum host_end { HOST_SURVIVED, HOST_FAILED, HOST_KILLED };
enum host_end host_meet(struct iov_ctx *ctx, int (*act)(struct iov_ctx *ctx, int state), int state, const char *kind,
			unsigned point);
/* Asserts that disk and pin trees are the current generation's, and that nothing is left over there; with any engine.
 */
void host_check_state(struct iov_ctx *ctx, const struct iov_generation *generation);
/* The same, and that in the pretended kernel its sites run the pinned programs (but `n_down` of them), and nothing else
 * does. */
void host_check(struct iov_ctx *ctx, size_t n_down);

#endif
