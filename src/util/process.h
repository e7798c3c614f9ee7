/* Running another program: argument vector (never a shell), limits, a bounded capture of what it says. */
#ifndef IOV_UTIL_PROCESS_H
#define IOV_UTIL_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/buf.h"

struct iov_process {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *envp; /* NULL-terminated; NULL: a minimal environment (PATH, LC_ALL=C) */
	const char *directory;	 /* NULL: stay */
	const void *input;	 /* its standard input, at most 64 KiB; NULL: /dev/null */
	size_t input_len;
	unsigned timeout_ms;	    /* wall clock, then the whole process group is killed; 0: none */
	uint64_t limit_memory;	    /* RLIMIT_AS in bytes; 0: inherit */
	uint64_t limit_cpu_seconds; /* RLIMIT_CPU; 0: inherit */
	uint64_t limit_file;	    /* RLIMIT_FSIZE in bytes; 0: inherit */
	uint64_t limit_processes;   /* RLIMIT_NPROC; 0: inherit */
	bool powerless;		    /* as nobody, without privileges or a way to any; what it starts ends with it */
	size_t limit_output;	    /* bytes of stdout and stderr kept, each; the rest is read and dropped */
};

struct iov_process_result {
	int status; /* exit status, or 128 + signal */
	bool timed_out;
	struct iov_buf out; /* standard output */
	struct iov_buf err; /* standard error */
};

/* One that runs. `process` must outlive it. */
struct iov_running_process {
	const struct iov_process *process;
	pid_t child; /* 0: none */
	int pidfd, out, err;
	int64_t deadline; /* of the monotonic clock, in ms */
	bool ended;
	struct iov_process_result result;
};

/* In parts, for who has several at once: start, follow until it says true, end. `end` also ends what still runs; then
 * `ret` may be NULL. */
int iov_process_start(const struct iov_process *process, struct iov_running_process *ret);
bool iov_process_follow(struct iov_running_process *run, int wait_ms);
int iov_process_end(struct iov_running_process *run, struct iov_process_result *ret);

/* Runs it to its end. 0 when it was started and reaped, whatever its status; -errno when it could not be started
 * (-ENOENT: no such program). */
int iov_process_run(const struct iov_process *process, struct iov_process_result *ret);
void iov_process_result_release(struct iov_process_result *result);

#endif
