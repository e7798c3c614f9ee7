/*
 * Times two commands in turn, A B A B ..., as whole processes, and prints the median of each, and the medians of ratio
 * and difference pair by pair, which hold when the machine's speed drifts.
 *
 *   pair RUNS A-COMMAND A-AFTER B-COMMAND B-AFTER
 *
 * Commands are split at spaces; no shell is between the clock and them. AFTER is run untimed after each run ("" for
 * none), to undo it. Prints the medians of A, B, A/B, A-B, and of the processor time of A and B, in microseconds. Exit
 * status 1 when a command fails.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WARM_UP 2
#define WORDS_MAX 64

struct took {
	double wall, cpu; /* us */
};

static double us_of(struct timeval time)
{
	return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

static double now_us(void)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec * 1e6 + (double)at.tv_nsec / 1e3;
}

static int run(const char *command, struct took *ret)
{
	char *words[WORDS_MAX + 1];
	char *copy = strdup(command);
	size_t count = 0;
	for (char *word = strtok(copy, " "); word && count < WORDS_MAX; word = strtok(NULL, " "))
		words[count++] = word;
	words[count] = NULL;
	posix_spawn_file_actions_t quiet;
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	pid_t child;
	struct rusage used = {0};
	int status = 0;
	double start = now_us();
	if (count &&
	    (posix_spawnp(&child, words[0], &quiet, NULL, words, environ) || wait4(child, &status, 0, &used) != child))
		status = 1;
	*ret = (struct took){.wall = now_us() - start, .cpu = us_of(used.ru_utime) + us_of(used.ru_stime)};
	posix_spawn_file_actions_destroy(&quiet);
	free(copy);
	if (status)
		fprintf(stderr, "pair: '%s' failed\n", command);
	return status ? -1 : 0;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), ascending);
	return values[count / 2];
}

int main(int argc, char **argv)
{
	int runs = argc == 6 ? atoi(argv[1]) : 0;
	if (runs < 1) {
		fprintf(stderr, "usage: pair RUNS A-COMMAND A-AFTER B-COMMAND B-AFTER\n");
		return 2;
	}
	enum { A, B, RATIO, MORE, CPU_A, CPU_B, COLUMNS };
	double *column[COLUMNS];
	for (int i = 0; i < COLUMNS; i++)
		if (!(column[i] = calloc((size_t)runs, sizeof(**column))))
			return 1;
	for (int i = -WARM_UP; i < runs; i++) {
		struct took a, b, ignored;
		if (run(argv[2], &a) || run(argv[3], &ignored) || run(argv[4], &b) || run(argv[5], &ignored))
			return 1;
		if (i < 0)
			continue;
		column[A][i] = a.wall;
		column[B][i] = b.wall;
		column[RATIO][i] = a.wall / b.wall;
		column[MORE][i] = a.wall - b.wall;
		column[CPU_A][i] = a.cpu;
		column[CPU_B][i] = b.cpu;
	}
	for (int i = 0; i < COLUMNS; i++)
		printf(i == RATIO ? "%.3f " : "%.0f ", median(column[i], runs));
	putchar('\n');
	return 0;
}
