#include "cli/signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "util/cleanup.h"

/* A signal finds no context of the library; a process has one host to change. */
static volatile sig_atomic_t changing, asked;

static void end_now(int number)
{
	signal(number, SIG_DFL);
	raise(number);
}

static void on_signal(int number)
{
	static const char text[] = "\niovpkg: stopping; what was begun is taken back (once more ends at once)\n";
	int saved = errno;
	if (!changing || asked)
		end_now(number);
	asked = 1;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		errno = 0; /* nobody reads it */
	errno = saved;
}

/* Who started us with a signal ignored (nohup) meant it. */
static void take(int number)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, before;
	sigemptyset(&action.sa_mask);
	if (!sigaction(number, NULL, &before) && before.sa_handler != SIG_IGN)
		sigaction(number, &action, NULL);
}

void cli_signals_init(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	for (size_t i = 0; i < IOV_COUNT(numbers); i++)
		take(numbers[i]);
}

bool cli_signals_stop(void *data)
{
	(void)data;
	return asked;
}

void cli_signals_changing(bool now, void *data)
{
	static void (*before)(int) = SIG_DFL;
	(void)data;
	changing = now;
	if (now)
		before = signal(SIGPIPE, SIG_IGN);
	else
		signal(SIGPIPE, before);
}

int cli_signals_fd(void)
{
	sigset_t stops;
	sigemptyset(&stops);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGHUP);
	int fd = signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd >= 0)
		sigprocmask(SIG_BLOCK, &stops, NULL);
	return fd;
}
