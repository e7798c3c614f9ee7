/*
 * Sends frames of many flows at a steady rate, and tells to the frame what became of them.
 *
 *   send INTERFACE NET FLOWS RATE COUNT FILE
 *
 * Flow i is UDP from 10.NET.<i / 256>.<i % 256>; the flows take turns. RATE is frames a second. Ends after COUNT
 * frames, or, when COUNT is 0, at SIGTERM. The frames are addressed to another host, so that the stack of the receiver
 * drops them after every hook has seen them, and nothing answers. They carry the mark SEND_MARK.
 *
 * FILE gets a line a flow: address, frames taken by the interface, frames tried (some may be refused, when the other
 * side is slow; a refused one is tried again). Prints: sent, refused, milliseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "modules/stack-count/src/mark.h"

#define BURST 32 /* frames a system call */
#define FLOWS_MAX 65536
#define PAYLOAD 18 /* to the shortest frame of Ethernet */
#define BEHIND_MAX_NS 10000000L
#define WAIT_REFUSED_NS 50000L

struct frame {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct udphdr udp;
	unsigned char payload[PAYLOAD];
} __attribute__((packed));

struct flow {
	unsigned long taken, tried;
};

struct sender {
	int fd;
	uint32_t net;
	unsigned long flows, rate, count;
	struct sockaddr_ll to;
	struct frame frames[BURST];
	struct iovec vectors[BURST];
	struct mmsghdr messages[BURST];
	struct flow *tally;
	unsigned long sent, refused;
};

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static long now_ns(void)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1000000000L + at.tv_nsec;
}

static void wait_until(long ns)
{
	struct timespec at = {.tv_sec = ns / 1000000000L, .tv_nsec = ns % 1000000000L};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static uint32_t address(const struct sender *sender, unsigned long flow)
{
	return 10U << 24 | sender->net << 16 | (uint32_t)flow;
}

static void prepare(struct sender *sender)
{
	static const struct frame frame = {
		.ethernet = {.h_dest = {2, 0, 0, 0, 0, 0x99}, .h_source = {2, 0, 0, 0, 0, 0x98}},
		.ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP},
	};
	for (size_t i = 0; i < BURST; i++) {
		struct frame *one = &sender->frames[i];
		*one = frame;
		one->ethernet.h_proto = htons(ETH_P_IP);
		one->ip.tot_len = htons(sizeof(*one) - sizeof(one->ethernet));
		one->ip.daddr = htonl(0x0a4dffff);
		one->udp.source = one->udp.dest = htons(4000);
		one->udp.len = htons(sizeof(one->udp) + sizeof(one->payload));
		sender->vectors[i] = (struct iovec){one, sizeof(*one)};
		sender->messages[i].msg_hdr = (struct msghdr){.msg_name = &sender->to,
							      .msg_namelen = sizeof(sender->to),
							      .msg_iov = &sender->vectors[i],
							      .msg_iovlen = 1};
	}
}

/* False when it failed for good. A burst ends early at a frame that the interface refused. */
static int send_burst(struct sender *sender)
{
	unsigned long left = sender->count ? sender->count - sender->sent : BURST;
	unsigned burst = left < BURST ? (unsigned)left : BURST;
	for (unsigned i = 0; i < burst; i++)
		sender->frames[i].ip.saddr = htonl(address(sender, (sender->sent + i) % sender->flows));
	int taken = sendmmsg(sender->fd, sender->messages, burst, 0);
	if (taken < 0 && errno != ENOBUFS) {
		perror("send: sendmmsg");
		return 0;
	}
	for (int i = 0; i < taken; i++) {
		struct flow *flow = &sender->tally[sender->sent++ % sender->flows];
		flow->taken++;
		flow->tried++;
	}
	if (taken < (int)burst) {
		sender->tally[sender->sent % sender->flows].tried++;
		sender->refused++;
		wait_until(now_ns() + WAIT_REFUSED_NS);
	}
	return 1;
}

static int run(struct sender *sender)
{
	long next = now_ns();
	while (!ended && (!sender->count || sender->sent < sender->count)) {
		if (!send_burst(sender))
			return 0;
		next += BURST * 1000000000L / (long)sender->rate;
		if (now_ns() - next > BEHIND_MAX_NS)
			next = now_ns();
		wait_until(next);
	}
	return 1;
}

static int report(const struct sender *sender, const char *path)
{
	FILE *file = fopen(path, "w");
	if (!file) {
		perror(path);
		return 0;
	}
	for (unsigned long i = 0; i < sender->flows; i++) {
		struct in_addr at = {htonl(address(sender, i))};
		fprintf(file, "%s %lu %lu\n", inet_ntoa(at), sender->tally[i].taken, sender->tally[i].tried);
	}
	return !fclose(file);
}

static int open_socket(struct sender *sender, const char *interface)
{
	int mark = SEND_MARK;
	sender->to = (struct sockaddr_ll){.sll_family = AF_PACKET,
					  .sll_protocol = htons(ETH_P_IP),
					  .sll_ifindex = (int)if_nametoindex(interface)};
	sender->fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (sender->to.sll_ifindex && sender->fd >= 0 &&
	    !setsockopt(sender->fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)))
		return 1;
	perror(interface);
	return 0;
}

int main(int argc, char **argv)
{
	static struct sender sender;
	struct sigaction action = {.sa_handler = end};
	if (argc != 7) {
		fprintf(stderr, "usage: send INTERFACE NET FLOWS RATE COUNT FILE\n");
		return 2;
	}
	sender.net = (uint32_t)strtoul(argv[2], NULL, 10) & 0xff;
	sender.flows = strtoul(argv[3], NULL, 10);
	sender.rate = strtoul(argv[4], NULL, 10);
	sender.count = strtoul(argv[5], NULL, 10);
	if (!sender.flows || sender.flows > FLOWS_MAX || !sender.rate) {
		fprintf(stderr, "send: FLOWS is 1 to %d, RATE above 0\n", FLOWS_MAX);
		return 2;
	}
	sender.tally = calloc(sender.flows, sizeof(*sender.tally));
	if (!sender.tally || !open_socket(&sender, argv[1]))
		return 1;
	prepare(&sender);
	sigaction(SIGTERM, &action, NULL);
	long start = now_ns();
	int good = run(&sender);
	printf("%lu %lu %ld\n", sender.sent, sender.refused, (now_ns() - start) / 1000000);
	good = report(&sender, argv[6]) && good;
	free(sender.tally);
	return good ? 0 : 1;
}
