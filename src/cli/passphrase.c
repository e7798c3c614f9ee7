#include "cli/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"
#include "util/cleanup.h"

#define TRIES 3 /* at writing a new passphrase twice the same way */

struct cli_answered {
	struct cli_answered *next;
	char *key;
	char text[IOV_PASSPHRASE_MAX];
};

/* ---- what was answered before ---- */

static struct cli_answered *find_answered(struct cli *cli, const char *key)
{
	struct cli_answered *one = cli->answered;
	while (one && strcmp(one->key, key) != 0)
		one = one->next;
	return one;
}

static void remember(struct cli *cli, const char *key, const char *text)
{
	struct cli_answered *one = find_answered(cli, key);
	if (!one && (one = calloc(1, sizeof(*one)))) {
		one->key = strdup(key);
		if (!one->key) {
			free(one);
			return;
		}
		one->next = cli->answered;
		cli->answered = one;
	}
	if (one)
		memcpy(one->text, text, strlen(text) + 1);
}

void cli_passphrase_release(struct cli *cli)
{
	while (cli->answered) {
		struct cli_answered *one = cli->answered;
		cli->answered = one->next;
		sodium_memzero(one->text, sizeof(one->text));
		free(one->key);
		free(one);
	}
}

/* ---- reading a line ---- */

/* Byte by byte: what follows the line is for whoever reads next. False: none, too long, or interrupted. */
static bool read_line(int fd, char *ret)
{
	size_t len = 0;
	char byte;
	ssize_t got;
	while ((got = read(fd, &byte, 1)) == 1 && byte != '\n' && len + 1 < IOV_PASSPHRASE_MAX)
		ret[len++] = byte;
	ret[len] = '\0';
	return (got == 1 && byte == '\n') || (got == 0 && len);
}

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

/* A signal must not end the process while the terminal shows nothing of what is typed. */
static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

static void take_signals(struct sigaction *before)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigemptyset(&action.sa_mask);
	caught = 0;
	for (size_t i = 0; i < IOV_COUNT(signals); i++)
		sigaction(signals[i], &action, &before[i]);
}

static void give_signals_back(const struct sigaction *before)
{
	for (size_t i = 0; i < IOV_COUNT(signals); i++)
		sigaction(signals[i], &before[i], NULL);
	if (caught)
		raise(caught);
}

static void say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		errno = 0; /* a terminal that is gone gives no answer either */
}

static bool ask_once(int tty, const char *question, const char *key, char *ret)
{
	struct termios before, silent;
	struct sigaction actions[IOV_COUNT(signals)];
	if (tcgetattr(tty, &before))
		return false;
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	take_signals(actions);
	tcsetattr(tty, TCSAFLUSH, &silent);
	say(tty, question);
	say(tty, key);
	say(tty, "': ");
	bool answered = read_line(tty, ret);
	tcsetattr(tty, TCSAFLUSH, &before);
	say(tty, "\n");
	give_signals_back(actions);
	return answered;
}

static bool ask_twice(int tty, const char *key, char *ret)
{
	bool same = false;
	for (int i = 0; i < TRIES && !same; i++) {
		char again[IOV_PASSPHRASE_MAX] = "";
		if (!ask_once(tty, "new passphrase for key '", key, ret))
			return false;
		if (!ask_once(tty, "once more, the new passphrase for key '", key, again))
			return false;
		same = !strcmp(ret, again);
		sodium_memzero(again, sizeof(again));
		if (!same)
			say(tty, "they differ\n");
	}
	return same;
}

static bool ask_terminal(const char *key, bool fresh, unsigned attempt, char *ret)
{
	iov_auto(iov_close_fd) int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (tty < 0)
		return false;
	if (attempt)
		say(tty, "that was not it\n");
	return fresh ? ask_twice(tty, key, ret) : ask_once(tty, "passphrase for key '", key, ret);
}

/* ---- the callback ---- */

static int descriptor(const struct cli *cli)
{
	const char *text = cli->values.passphrase_fd;
	return text && !strcmp(text, "0") ? 0 : text ? (int)cli_parse_number(text, 65535) : -1;
}

bool cli_passphrase(const char *key, bool fresh, unsigned attempt, char *ret, void *data)
{
	struct cli *cli = data;
	int fd = descriptor(cli);
	const struct cli_answered *known = fresh || attempt ? NULL : find_answered(cli, key);
	cli_progress_hide(&cli->progress);
	if (known) {
		memcpy(ret, known->text, sizeof(known->text));
		return true;
	}
	if (fd >= 0 ? attempt || !read_line(fd, ret) : !ask_terminal(key, fresh, attempt, ret))
		return false;
	remember(cli, key, ret);
	return true;
}

bool cli_passphrase_init(struct cli *cli)
{
	const char *text = cli->values.passphrase_fd;
	if (!text)
		return true;
	int fd = descriptor(cli), flags = fcntl(fd, F_GETFD);
	if ((fd == 0 && strcmp(text, "0") != 0) || flags < 0) {
		cli_fail(cli, IOV_E_USAGE,
			 "'--passphrase-fd' needs the number of an open file descriptor, as in --passphrase-fd 3 "
			 "3<FILE");
		return false;
	}
	fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
	return true;
}
