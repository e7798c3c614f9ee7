/* One health check on its way, for the files that carry them out: health.c follows them all, each kind is a row of its
 * table. */
#ifndef IOV_TRANSACTION_HEALTH_H
#define IOV_TRANSACTION_HEALTH_H

#include "transaction/steps.h"
#include "util/process.h"

enum iov_verdict { IOV_UNDECIDED, IOV_HEALTHY, IOV_UNHEALTHY };

struct iov_health_check {
	const struct iov_instance_change *change;
	const struct iov_health_spec *spec;
	int64_t deadline; /* of the monotonic clock, in ms */
	bool has_base;	  /* looked at once */
	uint64_t base;	  /* what was seen then */
	enum iov_verdict verdict;
	struct iov_buf seen; /* for people: "it ran 0 times" */
	/* Of a command. */
	struct iov_process process;
	struct iov_running_process running;
	char **words;
	size_t n_words;
};

/* Each looks once and may decide; `over` when the time is. */
int iov_health_look_at_program(const struct iov_transaction *t, struct iov_health_check *check, bool over);
int iov_health_look_at_value(const struct iov_transaction *t, struct iov_health_check *check, bool over);
int iov_health_look_at_command(const struct iov_transaction *t, struct iov_health_check *check, bool over);
void iov_health_end_command(struct iov_health_check *check);

#endif
