/*
 * A command of a health check. Its words come from a module, so from a registry: it runs as nobody, without privileges
 * and without a way to any (util/powers.h), with little to use up, and ends with everything it started when its time is
 * over.
 */
#include <errno.h>
#include <string.h>

#include "transaction/health.h"
#include "util/cleanup.h"

#define MEMORY_MAX (4ull << 30) /* address space; runtimes reserve far more than they use */
#define FILE_MAX (1ull << 20)	/* bytes of a file that it writes */
#define PROCESSES_MAX 256	/* of nobody, on the whole host */
#define OUTPUT_MAX 4096		/* bytes that are kept, of which the first line is shown */

static int expand_words(const struct iov_transaction *t, struct iov_health_check *check)
{
	const struct iov_instance *instance = check->change->after;
	const struct iov_manifest *manifest = check->change->new->release->manifest;
	size_t count = json_array_size(check->spec->command);
	check->words = calloc(count + 1, sizeof(*check->words));
	if (!check->words)
		return iov_oom(t->ctx);
	for (; check->n_words < count; check->n_words++) {
		const char *word = json_string_value(json_array_get(check->spec->command, check->n_words));
		int rc = iov_params_expand(t->ctx, manifest, instance->params, word, &check->words[check->n_words]);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

static int start(const struct iov_transaction *t, struct iov_health_check *check)
{
	int rc = expand_words(t, check);
	if (rc)
		return rc;
	check->process = (struct iov_process){.argv = (const char *const *)check->words,
					      .directory = "/",
					      .timeout_ms = check->spec->ms,
					      .limit_memory = MEMORY_MAX,
					      .limit_cpu_seconds = check->spec->ms / 1000 + 1,
					      .limit_file = FILE_MAX,
					      .limit_processes = PROCESSES_MAX,
					      .powerless = true,
					      .limit_output = OUTPUT_MAX};
	rc = iov_process_start(&check->process, &check->running);
	if (!rc)
		return IOV_OK;
	check->verdict = IOV_UNHEALTHY;
	iov_buf_printf(&check->seen, "it cannot be started: %s", strerror(-rc));
	return IOV_OK;
}

/* Its first line, without what could steer a terminal. */
static void put_line(struct iov_buf *text, const struct iov_buf *said)
{
	size_t len = said->data ? strcspn(said->data, "\n") : 0;
	if (len)
		iov_buf_puts(text, ": ");
	for (size_t i = 0; i < len && i < 200; i++) {
		bool plain = said->data[i] >= ' ' && said->data[i] <= '~';
		iov_buf_printf(text, "%c", plain ? said->data[i] : '?');
	}
}

static void judge(struct iov_health_check *check, const struct iov_process_result *result)
{
	bool good = !result->timed_out && result->status == 0;
	check->verdict = good ? IOV_HEALTHY : IOV_UNHEALTHY;
	iov_buf_release(&check->seen);
	if (result->timed_out)
		iov_buf_puts(&check->seen, "it was still running then");
	else
		iov_buf_printf(&check->seen, "it ended with status %d", result->status);
	put_line(&check->seen, result->err.len ? &result->err : &result->out);
}

int iov_health_look_at_command(const struct iov_transaction *t, struct iov_health_check *check, bool over)
{
	(void)over; /* its process has the same limit */
	int rc = check->words ? IOV_OK : start(t, check);
	if (rc || check->verdict != IOV_UNDECIDED || !iov_process_follow(&check->running, 0))
		return rc;
	struct iov_process_result result = {0};
	rc = iov_process_end(&check->running, &result);
	if (rc)
		return iov_error_errno(t->ctx, rc, "nobody knows how the command '%s' ended", check->spec->name);
	judge(check, &result);
	iov_process_result_release(&result);
	return IOV_OK;
}

void iov_health_end_command(struct iov_health_check *check)
{
	iov_process_end(&check->running, NULL);
	for (size_t i = 0; i < check->n_words; i++)
		free(check->words[i]);
	free(check->words);
}
