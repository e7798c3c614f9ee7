/*
 * iovpkg-serve REPOSITORY ADDRESS PORT: a small read-only web server for a registry, for a first try. `iovpkg registry
 * serve` starts it and hears on descriptor 3 how it went: "PORT\n" once it listens, or "error TEXT\n". It ends when the
 * other end of that descriptor is closed, so it never outlives who started it.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
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

static int listen_at(const char *address, const char *port, int *ret)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	struct addrinfo *at = NULL;
	int yes = 1;
	if (getaddrinfo(address, port, &hints, &at))
		return fail(address, "is no address; write 127.0.0.1 or ::1, for example");
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool listens = fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) &&
		       !bind(fd, at->ai_addr, at->ai_addrlen) && !listen(fd, CONNECTIONS);
	int err = errno;
	freeaddrinfo(at);
	if (!listens)
		return fail("cannot listen there", strerror(err));
	*ret = fd;
	return 0;
}

/* The port that was given, or with 0 the one that the kernel chose. */
static int tell_port(int fd)
{
	char port[NI_MAXSERV];
	struct sockaddr_storage at = {0};
	socklen_t len = sizeof(at);
	if (getsockname(fd, (struct sockaddr *)&at, &len) ||
	    getnameinfo((struct sockaddr *)&at, len, NULL, 0, port, sizeof(port), NI_NUMERICSERV))
		return fail("the port", "cannot be told");
	dprintf(PARENT, "%s\n", port);
	return 0;
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
	int rc = tell_port(fd);
	if (!rc)
		wait_for_parent();
	MHD_stop_daemon(daemon);
	return rc;
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
