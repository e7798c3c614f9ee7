/*
 * Makes one event of each kind a turn: a datagram, a call of step(), getppid(), an opened file. Stops itself at first;
 * from the SIGCONT on it turns until SIGTERM, and then says how many turns it made. make_events RATE      turns a
 * second
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

__attribute__((noinline)) void step(void);
void step(void)
{
	__asm__ volatile("");
}

static int socket_at(struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	*at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || bind(fd, (struct sockaddr *)at, len) || getsockname(fd, (struct sockaddr *)at, &len)) {
		perror("make_events: socket");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = end};
	struct sockaddr_in from, to;
	char text[8];
	unsigned long turns = 0, rate = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	int sender = socket_at(&from), receiver = socket_at(&to);
	if (!rate || sigaction(SIGTERM, &action, NULL))
		return 2;
	const struct timespec pause = {.tv_nsec = 1000000000L / (long)rate};
	raise(SIGSTOP);
	for (; !ended; turns++) {
		if (sendto(sender, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) != 1 ||
		    recv(receiver, text, sizeof(text), 0) != 1) {
			perror("make_events: datagram");
			return 1;
		}
		step();
		syscall(SYS_getppid);
		close(open("/dev/null", O_RDONLY));
		nanosleep(&pause, NULL);
	}
	printf("%lu\n", turns);
	return 0;
}
