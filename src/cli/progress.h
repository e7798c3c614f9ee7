/*
 * What the library tells while it works. On a terminal: one line on standard error, drawn once a step has taken longer
 * than a moment, redrawn ten times a second and gone when the step is over. Elsewhere: one plain line a step.
 */
#ifndef IOV_CLI_PROGRESS_H
#define IOV_CLI_PROGRESS_H

#include <pthread.h>
#include <time.h>

#include "cli/terminal.h"
#include "iovpkg.h"

/* What the line shows. */
struct cli_step {
	bool active;
	char verb[32];
	char subject[96];
	uint64_t done, total; /* total 0: unknown */
	bool bytes;	      /* that is what they count */
	struct timespec began;
};

struct cli_progress {
	bool terminal;
	bool quiet, no_color; /* the options; the caller sets them once they are read */
	struct cli_look look; /* of the terminal, once `ticking` */
	pthread_t ticker;     /* draws; started by the first step on a terminal */
	bool ticking;
	pthread_mutex_t mutex; /* for all below */
	pthread_cond_t wake;
	bool ending, drawn;
	struct cli_step step;
};

void cli_progress_init(struct cli_progress *progress);
void cli_progress_release(struct cli_progress *progress);
void cli_progress_event(struct cli_progress *progress, const struct iov_event *event);
/* The line goes, until a next step begins: before anything else is printed. */
void cli_progress_hide(struct cli_progress *progress);
/* The line itself, without line end. */
void cli_progress_line(const struct cli_step *step, const struct cli_look *look, unsigned elapsed_ms,
		       struct iov_buf *out);

#endif
