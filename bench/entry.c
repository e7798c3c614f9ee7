/*
 * What an upgrade costs the events of a hook: an empty XDP program by itself and behind its entry program, in turn,
 * with BPF_PROG_TEST_RUN; and how long the store takes that moves the hooks.
 *
 *   entry ROUNDS FOLDER     a private bpffs is mounted below FOLDER, and stays
 *
 * Prints medians: ns a packet alone, behind the entry, behind one that writes the generation into the packet's
 * metadata; ns of a store to the generation index, and of the 99th percentile.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/pins.h"
#include "hooks/entry.h"
#include "hooks/index.h"

#define PACKETS 1000000
#define STORES 10000

static int empty_program(void)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_XDP);
	return bpf_prog_load(BPF_PROG_TYPE_XDP, "empty", "GPL", code, 2, &options);
}

/* The program behind an entry of its own, in the slot in use. -1: it cannot be made. */
static int behind_entry(struct iov_ctx *ctx, int program, enum iov_carry carry, struct iov_entry *entry)
{
	const struct iov_site site = {.instance = "bench", .program = "empty", .section = "xdp", .target = ""};
	const struct iov_entry_kind kind = {
		.type = BPF_PROG_TYPE_XDP, .attach_type = BPF_XDP, .neutral = XDP_PASS, .carry = carry};
	uint64_t generation = 0;
	if (iov_entry_load(ctx, &site, &kind, entry) || iov_index_read(ctx, &generation))
		return -1;
	return iov_entry_fill(ctx, &site, entry, iov_index_slot(generation), program);
}

static double ns_a_packet(int program)
{
	unsigned char packet[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof(packet), .repeat = PACKETS);
	return bpf_prog_test_run_opts(program, &options) ? -1 : (double)options.duration;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double sorted_at(double *values, int count, int percent)
{
	qsort(values, (size_t)count, sizeof(*values), ascending);
	return values[count * percent / 100];
}

static void time_packets(const int *programs, int count, int rounds)
{
	double *ns = calloc((size_t)rounds * (size_t)count, sizeof(*ns));
	for (int i = 0; ns && i < rounds * count; i++)
		ns[i % count * rounds + i / count] = ns_a_packet(programs[i % count]);
	for (int i = 0; ns && i < count; i++)
		printf("%.0f ", sorted_at(ns + i * rounds, rounds, 50));
	free(ns);
}

/* With the opening of its pin, as a transaction does it. */
static int time_stores(struct iov_ctx *ctx)
{
	static double ns[STORES];
	for (int i = 0; i < STORES; i++) {
		struct timespec from, to;
		clock_gettime(CLOCK_MONOTONIC, &from);
		if (iov_index_store(ctx, (uint64_t)i))
			return 1;
		clock_gettime(CLOCK_MONOTONIC, &to);
		ns[i] = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
	}
	double median = sorted_at(ns, STORES, 50);
	printf("%.0f %.0f\n", median, sorted_at(ns, STORES, 99));
	return 0;
}

int main(int argc, char **argv)
{
	struct iov_entry plain = IOV_ENTRY_NONE, carrying = IOV_ENTRY_NONE;
	struct iov_ctx *ctx = NULL;
	int rounds = argc == 3 ? atoi(argv[1]) : 0;
	if (rounds < 1) {
		fprintf(stderr, "usage: entry ROUNDS FOLDER\n");
		return 2;
	}
	const struct iov_config config = {.root = argv[2]};
	int program = empty_program();
	int rc = iov_ctx_new(&config, &ctx);
	if (!rc)
		rc = iov_pins_prepare(ctx);
	if (!rc)
		rc = iov_index_store(ctx, 1);
	if (!rc)
		rc = behind_entry(ctx, program, IOV_CARRY_NONE, &plain);
	if (!rc)
		rc = behind_entry(ctx, program, IOV_CARRY_GIVE, &carrying);
	if (!rc) {
		time_packets((int[]){program, plain.program, carrying.program}, 3, rounds);
		rc = time_stores(ctx);
	}
	if (rc)
		fprintf(stderr, "entry: %s\n", iov_error_text(ctx));
	iov_entry_close(&plain);
	iov_entry_close(&carrying);
	iov_ctx_free(ctx);
	return rc != 0;
}
