#include "engine/kernel.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "engine/pins.h"
#include "hooks/index.h"
#include "hooks/site.h"
#include "util/cleanup.h"
#include "util/libbpf.h"

struct kernel {
	struct iov_engine engine;
	int counting; /* while it is open, the kernel counts runs; -1 */
};

/* The engine is its first member. */
static struct kernel *kernel_of(struct iov_engine *engine)
{
	return (struct kernel *)engine;
}

static int prepare(struct iov_engine *engine)
{
	return iov_kernel_prepare(engine->ctx);
}

static int load(struct iov_engine *engine, const struct iov_engine_load *what)
{
	return iov_kernel_load(engine->ctx, what);
}

static int rehearse(struct iov_engine *engine, const struct iov_engine_load *what, const struct iov_site *sites,
		    size_t n_sites, const char **ret_program)
{
	return iov_kernel_rehearse(engine->ctx, what, sites, n_sites, ret_program);
}

static int adopt(struct iov_engine *engine, const char *from_dir, const char *to_dir)
{
	return iov_pins_adopt(engine->ctx, from_dir, to_dir);
}

static int check(struct iov_engine *engine, const struct iov_site *site)
{
	const struct iov_hook *hook = NULL;
	int rc = iov_hook_find(engine->ctx, site->section, &hook);
	return rc ? rc : hook->check(engine->ctx, site);
}

static int attach(struct iov_engine *engine, const struct iov_site *site, const char *dir)
{
	const struct iov_hook *hook = NULL;
	int rc = iov_hook_find(engine->ctx, site->section, &hook);
	return rc ? rc : hook->style->attach(engine->ctx, hook, site, dir);
}

static int adopt_site(struct iov_engine *engine, const struct iov_site *from, const char *from_dir,
		      const struct iov_site *to, const char *to_dir)
{
	const struct iov_hook *hook = NULL;
	int rc = iov_hook_find(engine->ctx, to->section, &hook);
	return rc ? rc : hook->style->adopt(engine->ctx, from, from_dir, to, to_dir);
}

/* A section that nobody serves has no place. */
static bool same_place(struct iov_engine *engine, const struct iov_site *a, const struct iov_site *b)
{
	const struct iov_hook *one = NULL, *other = NULL;
	struct iov_saved_error saved = iov_error_save(engine->ctx);
	bool found = !iov_hook_find(engine->ctx, a->section, &one) && !iov_hook_find(engine->ctx, b->section, &other);
	iov_error_restore(engine->ctx, saved);
	return found && one == other && one->same_place && one->same_place(a, b);
}

static int move_of(struct iov_engine *engine, const struct iov_site *site, enum iov_move *ret,
		   enum iov_carry *ret_carry)
{
	const struct iov_hook *hook = NULL;
	int rc = iov_hook_find(engine->ctx, site->section, &hook);
	if (rc)
		return rc;
	*ret = hook->style->move;
	*ret_carry = hook->carry ? hook->carry(site) : IOV_CARRY_NONE;
	return IOV_OK;
}

static int arm(struct iov_engine *engine, const struct iov_site *site, const struct iov_arm *arm)
{
	const struct iov_hook *hook = NULL;
	int rc = iov_hook_find(engine->ctx, site->section, &hook);
	return rc ? rc : hook->style->arm(engine->ctx, hook, site, arm);
}

static int store(struct iov_engine *engine, uint64_t generation)
{
	return iov_index_store(engine->ctx, generation);
}

static int stored(struct iov_engine *engine, uint64_t *ret)
{
	return iov_index_read(engine->ctx, ret);
}

static int forget(struct iov_engine *engine)
{
	return iov_index_remove(engine->ctx);
}

static int swap(struct iov_engine *engine, const struct iov_site *site, const char *dir)
{
	const struct iov_hook *hook = NULL;
	int rc = iov_hook_find(engine->ctx, site->section, &hook);
	return rc ? rc : hook->style->swap(engine->ctx, hook, site, dir);
}

static int detach(struct iov_engine *engine, const struct iov_site *site, const char *dir)
{
	const struct iov_hook *hook = NULL;
	int rc = iov_hook_find(engine->ctx, site->section, &hook);
	return rc ? rc : hook->style->detach(engine->ctx, hook, site, dir);
}

static int running(struct iov_engine *engine, const struct iov_site *site, const char *dir, struct iov_running *ret)
{
	const struct iov_hook *hook = NULL;
	int rc = iov_hook_find(engine->ctx, site->section, &hook);
	if (!rc)
		rc = hook->style->running(engine->ctx, hook, site, dir, ret);
	if (rc || ret->runs_known || !ret->prog_id || kernel_of(engine)->counting < 0)
		return rc;
	return iov_site_read_runs(engine->ctx, ret->prog_id, ret);
}

static int count_runs(struct iov_engine *engine, bool on)
{
	struct kernel *kernel = kernel_of(engine);
	if (on && kernel->counting < 0 && (kernel->counting = bpf_enable_stats(BPF_STATS_RUN_TIME)) < 0)
		return iov_error_errno(engine->ctx, kernel->counting,
				       "the kernel cannot be told to count how often programs run (BPF_ENABLE_STATS)");
	if (!on) {
		iov_close_fd(&kernel->counting);
		kernel->counting = -1;
	}
	return IOV_OK;
}

static int read_value(struct iov_engine *engine, const struct iov_engine_value *what, bool *ret_present, uint64_t *ret)
{
	return iov_kernel_read_value(engine->ctx, what, ret_present, ret);
}

static int program_id(struct iov_engine *engine, const char *dir, const char *program, uint32_t *ret)
{
	iov_auto(iov_free_ptr) char *path = iov_pins_path(dir, "progs", program);
	iov_auto(iov_close_fd) int fd = -1;
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	if (!path)
		return iov_oom(engine->ctx);
	int rc = iov_pins_open(engine->ctx, path, &fd);
	if (rc)
		return rc;
	if (fd >= 0 && bpf_prog_get_info_by_fd(fd, &info, &len))
		return iov_error_errno(engine->ctx, errno, "cannot ask the kernel about the program pinned at '%s'",
				       path);
	*ret = info.id;
	return IOV_OK;
}

static int copy(struct iov_engine *engine, const struct iov_migration *migration, struct iov_migrated *ret)
{
	return iov_kernel_copy(engine->ctx, migration, ret);
}

static int merge(struct iov_engine *engine, const struct iov_migration *migration, bool back, struct iov_migrated *ret)
{
	return iov_kernel_merge(engine->ctx, migration, back, ret);
}

static int grace(struct iov_engine *engine)
{
	return iov_kernel_grace(engine->ctx);
}

static int save_map(struct iov_engine *engine, const char *pin, const struct iov_object_map *map, const char *path,
		    uint64_t *ret_entries)
{
	return iov_kernel_save_map(engine->ctx, pin, map, path, ret_entries);
}

static int fill_map(struct iov_engine *engine, const char *pin, const struct iov_object_map *map, const char *path,
		    const json_t *upgrade, struct iov_filled *ret)
{
	return iov_kernel_fill_map(engine->ctx, pin, map, path, upgrade, ret);
}

static int exchange(struct iov_engine *engine, const char *a, const char *b)
{
	return iov_pins_exchange(engine->ctx, a, b);
}

static int remove_tree(struct iov_engine *engine, const char *dir)
{
	return iov_pins_remove(engine->ctx, dir);
}

static int describe_map(struct iov_engine *engine, const char *pin, json_t **ret)
{
	return iov_kernel_describe_map(engine->ctx, pin, ret);
}

static int describe_program(struct iov_engine *engine, const char *pin, json_t **ret)
{
	return iov_kernel_describe_program(engine->ctx, pin, ret);
}

static int inspect(struct iov_engine *engine, const char *pin, struct iov_pinned *ret)
{
	return iov_kernel_inspect(engine->ctx, pin, ret);
}

static int pin_id(struct iov_engine *engine, enum iov_pinned_kind kind, uint32_t id, const char *pin)
{
	return iov_kernel_pin_id(engine->ctx, kind, id, pin);
}

static void free_engine(struct iov_engine *engine)
{
	iov_close_fd(&kernel_of(engine)->counting);
	free(engine);
}

static const struct iov_engine_ops ops = {
	.prepare = prepare,
	.load = load,
	.rehearse = rehearse,
	.adopt = adopt,
	.check = check,
	.attach = attach,
	.adopt_site = adopt_site,
	.same_place = same_place,
	.move = move_of,
	.arm = arm,
	.store = store,
	.stored = stored,
	.forget = forget,
	.swap = swap,
	.detach = detach,
	.running = running,
	.count_runs = count_runs,
	.read_value = read_value,
	.program_id = program_id,
	.copy = copy,
	.merge = merge,
	.grace = grace,
	.save_map = save_map,
	.fill_map = fill_map,
	.exchange = exchange,
	.remove_tree = remove_tree,
	.describe_map = describe_map,
	.describe_program = describe_program,
	.inspect = inspect,
	.pin_id = pin_id,
	.free = free_engine,
};

int iov_engine_kernel_new(struct iov_ctx *ctx, struct iov_engine **ret)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));
	if (!kernel)
		return iov_oom(ctx);
	iov_libbpf_quiet();
	*kernel = (struct kernel){.engine = {.ops = &ops, .ctx = ctx}, .counting = -1};
	*ret = &kernel->engine;
	return IOV_OK;
}
