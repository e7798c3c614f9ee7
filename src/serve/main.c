/*
 * iovpkg-serve REPOSITORY ADDRESS PORT: a small read-only web server for a registry, for a first try. `iovpkg registry
 * serve` starts it and hears on descriptor 3 how it went: "PORT\n" once it listens, or "error TEXT\n". It ends when the
 * other end of that descriptor is closed, so it never outlives who started it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "serve/answer.h"
#include "serve/tree.h"

#define PARENT 3
#define NOBODY 65534
#define CONNECTIONS 32 /* at a time */
#define CONNECTIONS_PER_IP 16
#define SILENCE 20		/* seconds */
#define REQUEST_MAX (16u << 10) /* bytes of memory for a connection, so also of a request's headers */

static int fail(const char *what, const char *why)
{
	dprintf(PARENT, "error %s: %s\n", what, why);
	return 1;
}

/* Root would be too much for what strangers speak to: the repository's owner, or nobody. */
static int become_less(const char *path)
{
	struct stat st;
	if (stat(path, &st))
		return fail(path, strerror(errno));
	if (getuid() == 0) {
		uid_t uid = st.st_uid ? st.st_uid : NOBODY;
		gid_t gid = st.st_uid ? st.st_gid : NOBODY;
		if (setgroups(0, NULL) || setgid(gid) || setuid(uid))
			return fail("cannot give up root", strerror(errno));
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return fail("cannot give up privileges", strerror(errno));
	return 0;
}

static int address_of(const char *address, const char *port, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	uint16_t number = htons((uint16_t)strtoul(port, NULL, 10));
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = number;
		*ret_len = sizeof(*v4);
		return 0;
	}
	if (inet_pton(AF_INET6, address, &v6->sin6_addr) != 1)
		return fail(address, "is no address; write 127.0.0.1 or ::1, for example");
	v6->sin6_family = AF_INET6;
	v6->sin6_port = number;
	*ret_len = sizeof(*v6);
	return 0;
}

static int listen_at(const char *address, const char *port, int *ret)
{
	struct sockaddr_storage at = {0};
	socklen_t len = 0;
	int yes = 1;
	if (address_of(address, port, &at, &len))
		return 1;
	int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ||
	    bind(fd, (struct sockaddr *)&at, len) || listen(fd, CONNECTIONS))
		return fail("cannot listen there", strerror(errno));
	*ret = fd;
	return 0;
}

/* The one that was given, or with 0 the one that the kernel chose. */
static int port_of(int fd)
{
	struct sockaddr_storage at = {0};
	socklen_t len = sizeof(at);
	if (getsockname(fd, (struct sockaddr *)&at, &len))
		return 0;
	return ntohs(at.ss_family == AF_INET ? ((struct sockaddr_in *)&at)->sin_port
					     : ((struct sockaddr_in6 *)&at)->sin6_port);
}

static void wait_for_parent(void)
{
	struct pollfd parent = {.fd = PARENT};
	while (poll(&parent, 1, -1) < 0 && errno == EINTR)
		;
}

static int serve(git_repository *repo, int fd)
{
	struct MHD_Daemon *daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, 0, NULL, NULL, serve_answer, repo,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)CONNECTIONS_PER_IP, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)SILENCE, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_MAX, MHD_OPTION_END);
	if (!daemon)
		return fail("the server", "cannot be started");
	dprintf(PARENT, "%d\n", port_of(fd));
	wait_for_parent();
	MHD_stop_daemon(daemon);
	return 0;
}

int main(int argc, char **argv)
{
	int fd = -1;
	if (argc != 4 || fcntl(PARENT, F_GETFD) < 0) {
		fputs("iovpkg-serve is started by 'iovpkg registry serve'\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (listen_at(argv[2], argv[3], &fd) || become_less(argv[1]))
		return 1;
	git_repository *repo = serve_open(argv[1]);
	if (!repo)
		return fail(argv[1], git_error_last() ? git_error_last()->message : "cannot be opened");
	int rc = serve(repo, fd);
	git_repository_free(repo);
	return rc;
}
