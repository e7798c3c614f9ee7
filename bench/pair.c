/*
 * Times two commands in turn, A B A B ..., as whole processes, and prints the median of each and of the ratio pair by
 * pair, which holds when the machine's speed drifts.
 *
 *   pair RUNS A-COMMAND A-AFTER B-COMMAND B-AFTER
 *
 * Commands are split at spaces; no shell is between the clock and them. AFTER is run untimed after each run ("" for
 * none), to undo it. Prints: median A in us, median B in us, median A/B. Exit status 1 when a command fails.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WARM_UP 2
#define WORDS_MAX 64

static double now_us(void)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec * 1e6 + (double)at.tv_nsec / 1e3;
}

static int run(const char *command, double *ret_us)
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
	int status = 0;
	double start = now_us();
	if (count &&
	    (posix_spawnp(&child, words[0], &quiet, NULL, words, environ) || waitpid(child, &status, 0) != child))
		status = 1;
	*ret_us = now_us() - start;
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
	double *a = calloc((size_t)runs, sizeof(*a)), *b = calloc((size_t)runs, sizeof(*b)),
	       *ratio = calloc((size_t)runs, sizeof(*ratio));
	for (int i = -WARM_UP; i < runs; i++) {
		double took_a, took_b, ignored;
		if (run(argv[2], &took_a) || run(argv[3], &ignored) || run(argv[4], &took_b) || run(argv[5], &ignored))
			return 1;
		if (i < 0)
			continue;
		a[i] = took_a;
		b[i] = took_b;
		ratio[i] = took_a / took_b;
	}
	printf("%.0f %.0f %.3f\n", median(a, runs), median(b, runs), median(ratio, runs));
	return 0;
}
