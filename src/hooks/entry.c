#include "hooks/entry.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "hooks/site.h"
#include "util/cleanup.h"

static const char *const pins[] = {"links", "slots", "runs"};

void iov_entry_close(struct iov_entry *entry)
{
	iov_close_fd(&entry->program);
	iov_close_fd(&entry->slots);
	iov_close_fd(&entry->runs);
	iov_close_fd(&entry->link);
	*entry = IOV_ENTRY_NONE;
}

#define INSN(op, dst, src, offset, immediate)                                                                          \
	((struct bpf_insn){.code = (op), .dst_reg = (dst), .src_reg = (src), .off = (offset), .imm = (immediate)})
#define LOAD_MAP(dst, fd) INSN(BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_FD, 0, fd), INSN(0, 0, 0, 0, 0)
#define MOVE(dst, src) INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define SET(dst, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value)
#define CALL(function) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, function)

/*
 * The kernel lets no program run inside itself on one CPU (bpf_prog_active for perf events, prog->active for raw
 * tracepoints), so the plain addition loses nothing.
 */
static int load_program(const struct iov_entry_kind *kind, const struct iov_entry *maps)
{
	int reach = kind->reach ? (int)kind->reach - 1 : 0;
	const struct bpf_insn read = INSN(BPF_LDX | BPF_B | BPF_MEM, BPF_REG_0, BPF_REG_1, (short)reach, 0);
	const struct bpf_insn nothing = SET(BPF_REG_0, 0);
	const struct bpf_insn code[] = {
		kind->reach ? read : nothing,
		MOVE(BPF_REG_6, BPF_REG_1),
		INSN(BPF_ST | BPF_W | BPF_MEM, BPF_REG_10, 0, -4, 0), /* key 0 */
		MOVE(BPF_REG_2, BPF_REG_10),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4),
		LOAD_MAP(BPF_REG_1, maps->runs),
		CALL(BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 3, 0), /* never; the verifier wants to see it */
		INSN(BPF_LDX | BPF_DW | BPF_MEM, BPF_REG_1, BPF_REG_0, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, 1),
		INSN(BPF_STX | BPF_DW | BPF_MEM, BPF_REG_0, BPF_REG_1, 0, 0),
		MOVE(BPF_REG_1, BPF_REG_6),
		LOAD_MAP(BPF_REG_2, maps->slots),
		SET(BPF_REG_3, 0), /* slot */
		CALL(BPF_FUNC_tail_call),
		SET(BPF_REG_0, kind->neutral),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = kind->attach_type);
	return bpf_prog_load(kind->type, "iov_entry", "Dual MIT/GPL", code, IOV_COUNT(code), &options);
}

int iov_entry_load(struct iov_ctx *ctx, const struct iov_site *site, const struct iov_entry_kind *kind,
		   struct iov_entry *ret)
{
	iov_auto(iov_entry_close) struct iov_entry entry = IOV_ENTRY_NONE;
	entry.slots = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "iov_slots", sizeof(uint32_t), sizeof(uint32_t), 1, NULL);
	if (entry.slots < 0)
		return iov_site_refused(ctx, site, "attached to", errno);
	entry.runs = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "iov_runs", sizeof(uint32_t), sizeof(uint64_t), 1, NULL);
	if (entry.runs < 0)
		return iov_site_refused(ctx, site, "attached to", errno);
	entry.program = load_program(kind, &entry);
	if (entry.program < 0)
		return iov_site_refused(ctx, site, "attached to", errno);
	*ret = entry;
	entry = IOV_ENTRY_NONE;
	return IOV_OK;
}

int iov_entry_fill(struct iov_ctx *ctx, const struct iov_site *site, const struct iov_entry *entry, int program)
{
	uint32_t slot = 0, fd = (uint32_t)program;
	return bpf_map_update_elem(entry->slots, &slot, &fd, BPF_ANY)
		       ? iov_site_refused(ctx, site, "put behind the entry at", errno)
		       : IOV_OK;
}

int iov_entry_finish(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, const struct iov_entry *entry,
		     int program)
{
	int rc = iov_site_pin(ctx, site, dir, "slots", entry->slots);
	if (!rc)
		rc = iov_site_pin(ctx, site, dir, "runs", entry->runs);
	if (!rc)
		rc = iov_entry_fill(ctx, site, entry, program);
	return rc ? rc : iov_site_pin(ctx, site, dir, "links", entry->link);
}

int iov_entry_open(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, struct iov_entry *ret)
{
	iov_auto(iov_entry_close) struct iov_entry entry = IOV_ENTRY_NONE;
	int rc = iov_site_open(ctx, site, dir, "links", &entry.link);
	if (!rc)
		rc = iov_site_open(ctx, site, dir, "slots", &entry.slots);
	if (!rc)
		rc = iov_site_open(ctx, site, dir, "runs", &entry.runs);
	if (rc)
		return rc;
	if (entry.link < 0 || entry.slots < 0)
		iov_entry_close(&entry);
	*ret = entry;
	entry = IOV_ENTRY_NONE;
	return IOV_OK;
}

int iov_entry_attach(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, iov_entry_attacher attacher)
{
	iov_auto(iov_entry_close) struct iov_entry entry = IOV_ENTRY_NONE;
	iov_auto(iov_close_fd) int program = -1;
	int rc = iov_site_program(ctx, site, dir, &program);
	if (!rc)
		rc = attacher(ctx, site, program, &entry);
	return rc ? rc : iov_entry_finish(ctx, site, dir, &entry, program);
}

int iov_entry_swap(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, iov_entry_attacher attacher)
{
	iov_auto(iov_entry_close) struct iov_entry entry = IOV_ENTRY_NONE;
	iov_auto(iov_entry_close) struct iov_entry trial = IOV_ENTRY_NONE;
	iov_auto(iov_close_fd) int program = -1;
	int rc = iov_site_program(ctx, site, dir, &program);
	if (!rc)
		rc = iov_entry_open(ctx, site, dir, &entry);
	if (!rc && entry.link < 0)
		return iov_entry_attach(ctx, site, dir, attacher);
	if (!rc)
		rc = attacher(ctx, site, program, &trial);
	return rc ? rc : iov_entry_fill(ctx, site, &entry, program);
}

int iov_entry_adopt(struct iov_ctx *ctx, const struct iov_site *site, const char *from_dir, const char *to_dir)
{
	for (size_t i = 0; i < IOV_COUNT(pins); i++) {
		int rc = iov_site_share(ctx, site, from_dir, to_dir, pins[i]);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

int iov_entry_detach(struct iov_ctx *ctx, const struct iov_site *site, const char *dir)
{
	for (size_t i = 0; i < IOV_COUNT(pins); i++) {
		int rc = iov_site_unpin(ctx, site, dir, pins[i]);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

/* User space reads a slot of a program array as the program's id. */
static int slot_program(struct iov_ctx *ctx, const struct iov_site *site, const struct iov_entry *entry, uint32_t *ret)
{
	uint32_t slot = 0;
	if (!bpf_map_lookup_elem(entry->slots, &slot, ret))
		return IOV_OK;
	*ret = 0;
	return errno == ENOENT ? IOV_OK : iov_site_refused(ctx, site, "asked for at", errno);
}

static int count_runs(struct iov_ctx *ctx, const struct iov_entry *entry, struct iov_running *ret)
{
	int cpus = libbpf_num_possible_cpus();
	iov_auto(iov_free_ptr) uint64_t *values = cpus > 0 ? calloc((size_t)cpus, sizeof(*values)) : NULL;
	if (!values)
		return iov_oom(ctx);
	uint32_t key = 0;
	if (entry->runs < 0 || bpf_map_lookup_elem(entry->runs, &key, values))
		return IOV_OK; /* not known */
	for (int i = 0; i < cpus; i++)
		ret->runs += values[i];
	ret->runs_known = true;
	return IOV_OK;
}

int iov_entry_running(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, struct iov_running *ret)
{
	iov_auto(iov_entry_close) struct iov_entry entry = IOV_ENTRY_NONE;
	struct iov_running running = {0};
	struct bpf_link_info info = {0};
	uint32_t len = sizeof(info);
	int rc = iov_entry_open(ctx, site, dir, &entry);
	if (!rc && entry.link >= 0) {
		if (bpf_link_get_info_by_fd(entry.link, &info, &len))
			return iov_site_refused(ctx, site, "asked for at", errno);
		running.link_id = info.id;
		rc = slot_program(ctx, site, &entry, &running.prog_id);
		if (!rc)
			rc = count_runs(ctx, &entry, &running);
	}
	if (!rc)
		*ret = running;
	return rc;
}
