#include "cli/progress.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"

#define MOMENT_MS 150 /* what ends sooner is not worth a line */
#define REDRAW_MS 100
#define SECONDS_AFTER_MS 2000 /* from then on a step of unknown length tells how long it has taken */
#define BAR_WIDTH 24

void cli_progress_init(struct cli_progress *progress)
{
	pthread_condattr_t attributes;
	*progress = (struct cli_progress){.terminal = cli_can_redraw(STDERR_FILENO)};
	pthread_mutex_init(&progress->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&progress->wake, &attributes);
	pthread_condattr_destroy(&attributes);
}

static unsigned ms_since(const struct timespec *began)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned)((now.tv_sec - began->tv_sec) * 1000 + (now.tv_nsec - began->tv_nsec) / 1000000);
}

static struct timespec ms_from_now(unsigned ms)
{
	struct timespec when;
	clock_gettime(CLOCK_MONOTONIC, &when);
	when.tv_nsec += (long)ms * 1000000;
	when.tv_sec += when.tv_nsec / 1000000000;
	when.tv_nsec %= 1000000000;
	return when;
}

static void add_bar(struct iov_buf *out, const struct cli_look *look, uint64_t done, uint64_t total)
{
	const char *const *marks =
		look->utf8 ? (const char *const[]){" ", "█", "░", ""} : (const char *const[]){" [", "#", ".", "]"};
	double share = done >= total ? 1 : (double)done / (double)total;
	iov_buf_puts(out, marks[0]);
	for (unsigned i = 0; i < BAR_WIDTH; i++)
		iov_buf_puts(out, i < (unsigned)(share * BAR_WIDTH) ? marks[1] : marks[2]);
	iov_buf_printf(out, "%s %3u%%", marks[3], (unsigned)(share * 100));
}

/* "1.2 of 34.5 MB", or in KB where that is all there is. */
static void add_bytes(struct iov_buf *out, uint64_t done, uint64_t total)
{
	bool mega = total >= 1000000;
	double unit = mega ? 1e6 : 1e3;
	iov_buf_printf(out, "  %.1f of %.1f %s", (double)done / unit, (double)total / unit, mega ? "MB" : "KB");
}

void cli_progress_line(const struct cli_step *step, const struct cli_look *look, unsigned elapsed_ms,
		       struct iov_buf *out)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	cli_add_clean(&text, step->verb, false);
	iov_buf_puts(&text, " ");
	cli_add_clean(&text, step->subject, false);
	if (step->total)
		add_bar(&text, look, step->done, step->total);
	if (step->total && step->bytes)
		add_bytes(&text, step->done, step->total);
	if (!step->total && elapsed_ms >= SECONDS_AFTER_MS)
		iov_buf_printf(&text, " (%u s)", elapsed_ms / 1000);
	if (!iov_buf_failed(&text))
		iov_buf_add(out, text.data, look->width ? cli_fitting(text.data, look->width - 1) : text.len);
}

static void erase(struct cli_progress *progress)
{
	if (progress->drawn)
		fputs("\r\033[K", stderr);
	progress->drawn = false;
}

static void draw(struct cli_progress *progress, unsigned elapsed_ms)
{
	iov_auto(iov_buf_release) struct iov_buf line = {0};
	cli_progress_line(&progress->step, &progress->look, elapsed_ms, &line);
	if (iov_buf_failed(&line) || !line.len)
		return;
	fprintf(stderr, "\r%s\033[K", line.data);
	progress->drawn = true;
}

static void *tick(void *data)
{
	struct cli_progress *progress = data;
	pthread_mutex_lock(&progress->mutex);
	while (!progress->ending) {
		if (!progress->step.active) {
			pthread_cond_wait(&progress->wake, &progress->mutex);
			continue;
		}
		unsigned elapsed = ms_since(&progress->step.began);
		if (elapsed >= MOMENT_MS)
			draw(progress, elapsed);
		struct timespec next = ms_from_now(elapsed >= MOMENT_MS ? REDRAW_MS : MOMENT_MS - elapsed);
		pthread_cond_timedwait(&progress->wake, &progress->mutex, &next);
	}
	pthread_mutex_unlock(&progress->mutex);
	return NULL;
}

/* Signals are the main thread's. Without a thread there is no line, which harms nothing. */
static void start_ticking(struct cli_progress *progress)
{
	sigset_t all, before;
	if (progress->ticking)
		return;
	progress->look = cli_look_at(STDERR_FILENO, progress->no_color);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	progress->ticking = pthread_create(&progress->ticker, NULL, tick, progress) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void copy_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "");
}

static void begin_step(struct cli_progress *progress, const struct iov_event *event)
{
	struct cli_step *step = &progress->step;
	erase(progress);
	*step = (struct cli_step){.active = true};
	copy_text(step->verb, sizeof(step->verb), event->text);
	copy_text(step->subject, sizeof(step->subject), event->subject);
	clock_gettime(CLOCK_MONOTONIC, &step->began);
	pthread_cond_signal(&progress->wake);
}

static void on_terminal(struct cli_progress *progress, const struct iov_event *event)
{
	if (event->kind == IOV_EVENT_STEP)
		start_ticking(progress);
	pthread_mutex_lock(&progress->mutex);
	if (event->kind == IOV_EVENT_STEP || (event->kind == IOV_EVENT_PROGRESS && !progress->step.active))
		begin_step(progress, event);
	if (event->kind == IOV_EVENT_DONE) {
		erase(progress);
		progress->step.active = false;
	}
	progress->step.done = event->done;
	progress->step.total = event->total;
	progress->step.bytes = event->bytes;
	pthread_mutex_unlock(&progress->mutex);
}

/* `before` is a word of ours, "warning:" for example; the text is the library's. */
static void say(const struct cli_progress *progress, enum cli_style style, const char *before, const char *text)
{
	iov_auto(iov_buf_release) struct iov_buf line = {0};
	const struct cli_look look = cli_look_at(STDERR_FILENO, progress->no_color);
	if (style != CLI_PLAIN)
		iov_buf_puts(&line, "iovpkg: ");
	cli_add_styled(&line, &look, style, before);
	if (*before)
		iov_buf_puts(&line, " ");
	cli_add_clean(&line, text ? text : "", true);
	if (!iov_buf_failed(&line))
		fprintf(stderr, "%s\n", line.data);
}

static void say_sentence(struct cli_progress *progress, const struct iov_event *event)
{
	pthread_mutex_lock(&progress->mutex);
	erase(progress);
	if (event->kind == IOV_EVENT_WARNING)
		say(progress, CLI_CAUTION, "warning:", event->text);
	else if (!progress->quiet)
		say(progress, CLI_PLAIN, "", event->text);
	pthread_mutex_unlock(&progress->mutex);
}

void cli_progress_event(struct cli_progress *progress, const struct iov_event *event)
{
	if (event->kind == IOV_EVENT_WARNING || event->kind == IOV_EVENT_NOTE)
		say_sentence(progress, event);
	else if (progress->quiet)
		return;
	else if (progress->terminal)
		on_terminal(progress, event);
	else if (event->kind == IOV_EVENT_STEP)
		say(progress, CLI_PLAIN, event->text, event->subject);
}

void cli_progress_hide(struct cli_progress *progress)
{
	pthread_mutex_lock(&progress->mutex);
	erase(progress);
	progress->step.active = false;
	pthread_mutex_unlock(&progress->mutex);
}

void cli_progress_release(struct cli_progress *progress)
{
	cli_progress_hide(progress);
	if (progress->ticking) {
		pthread_mutex_lock(&progress->mutex);
		progress->ending = true;
		pthread_cond_signal(&progress->wake);
		pthread_mutex_unlock(&progress->mutex);
		pthread_join(progress->ticker, NULL);
	}
	pthread_cond_destroy(&progress->wake);
	pthread_mutex_destroy(&progress->mutex);
}
