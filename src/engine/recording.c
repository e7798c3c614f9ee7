#include "engine/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/pretend.h"
#include "state/saved.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define PIN_MAX 65536 /* bytes; a pin says a few numbers */

struct recording {
	struct iov_engine engine;
	struct iov_buf calls;
	unsigned made, fail_first, fail_count;
	json_t *values; /* what tests say that maps hold, and how often programs run */
	bool counts;
};

/* The engine is its first member. */
static struct recording *recording_of(struct iov_engine *engine)
{
	return (struct recording *)engine;
}

static int enter(struct iov_engine *engine)
{
	struct recording *recording = recording_of(engine);
	unsigned nth = ++recording->made;
	if (nth < recording->fail_first || nth - recording->fail_first >= recording->fail_count)
		return IOV_OK;
	return iov_error(engine->ctx, IOV_E_IO, "the recording engine fails call %u, as it was told", nth);
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static int enter_dir(struct iov_engine *engine, const char *verb, const char *dir)
{
	iov_buf_printf(&recording_of(engine)->calls, "%s %s\n", verb, last_part(dir));
	return enter(engine);
}

static int enter_site(struct iov_engine *engine, const char *verb, const struct iov_site *site)
{
	iov_buf_printf(&recording_of(engine)->calls, "%s %s/%s %s\n", verb, site->instance, site->program,
		       site->target);
	return enter(engine);
}

static int pinned_id(struct iov_engine *engine, const char *dir, const char *folder, const char *name, uint32_t *ret)
{
	iov_auto(iov_free_ptr) char *path = iov_pretend_path(dir, folder, name);
	return path ? iov_pretend_pinned_id(engine->ctx, path, ret) : iov_oom(engine->ctx);
}

static int prepare(struct iov_engine *engine)
{
	iov_auto(iov_free_ptr) char *pins = iov_path(engine->ctx, IOV_PINS);
	int rc = enter(engine);
	if (rc || !pins)
		return rc ? rc : iov_oom(engine->ctx);
	rc = iov_fs_mkdirs(pins, 0700);
	return rc ? iov_error_errno(engine->ctx, rc, "cannot make '%s'", pins) : IOV_OK;
}

static int refuse(struct iov_engine *engine, const json_t *kernel, const char *word)
{
	int code = iov_pretend_refusal(kernel, word);
	return code ? iov_error(engine->ctx, (enum iov_code)code,
				"this kernel was told to refuse '%s'; tell it otherwise", word)
		    : IOV_OK;
}

static int load(struct iov_engine *engine, const struct iov_engine_load *load)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	int rc = enter_dir(engine, "load", load->dir);
	if (!rc)
		rc = iov_pretend_read(engine->ctx, &kernel);
	if (!rc)
		rc = refuse(engine, kernel, load->instance);
	if (!rc)
		rc = iov_pretend_load(engine->ctx, kernel, load);
	if (!rc)
		rc = iov_pretend_write(engine->ctx, kernel);
	if (rc)
		iov_fs_rmtree(load->dir);
	return rc;
}

static int link_folder(struct iov_engine *engine, const char *from, const char *to)
{
	char **names = NULL;
	size_t count = 0;
	int rc = iov_fs_names(from, &names, &count);
	if (rc == -ENOTDIR)
		return iov_pretend_share(engine->ctx, from, to);
	if (rc || (rc = iov_fs_mkdirs(to, 0700)))
		return iov_error_errno(engine->ctx, rc, "cannot pin what is in '%s' as '%s'", from, to);
	for (size_t i = 0; !rc && i < count; i++) {
		iov_auto(iov_free_ptr) char *old = NULL;
		iov_auto(iov_free_ptr) char *new = NULL;
		if (asprintf(&old, "%s/%s", from, names[i]) < 0 || asprintf(&new, "%s/%s", to, names[i]) < 0)
			rc = iov_oom(engine->ctx);
		else
			rc = link_folder(engine, old, new);
	}
	iov_fs_names_free(names, count);
	return rc;
}

static int adopt(struct iov_engine *engine, const char *from_dir, const char *to_dir)
{
	int rc = enter_dir(engine, "adopt", to_dir);
	return rc ? rc : link_folder(engine, from_dir, to_dir);
}

static int adopt_site(struct iov_engine *engine, const struct iov_site *from, const char *from_dir,
		      const struct iov_site *to, const char *to_dir)
{
	iov_auto(iov_free_ptr) char *source = iov_pretend_path(from_dir, "links", from->program);
	iov_auto(iov_free_ptr) char *pin = iov_pretend_path(to_dir, "links", to->program);
	int rc = enter_site(engine, "adopt_site", to);
	if (rc || !source || !pin)
		return rc ? rc : iov_oom(engine->ctx);
	return iov_pretend_is_filter(to) ? IOV_OK : iov_pretend_share(engine->ctx, source, pin);
}

static bool same_place(struct iov_engine *engine, const struct iov_site *a, const struct iov_site *b)
{
	(void)engine;
	return iov_pretend_is_exclusive(a) && iov_pretend_is_exclusive(b) && !strcmp(a->target, b->target);
}

/* The kernel, and what is attached at the site according to the pins of `dir`; NULL: nothing. */
static int look(struct iov_engine *engine, const struct iov_site *site, const char *dir, json_t **ret_kernel,
		json_t **ret_attached)
{
	uint32_t id = 0;
	int rc = iov_pretend_read(engine->ctx, ret_kernel);
	if (!rc)
		rc = pinned_id(engine, dir, "links", site->program, &id);
	if (!rc)
		*ret_attached = id || iov_pretend_is_filter(site) ? iov_pretend_find(*ret_kernel, site, id) : NULL;
	return rc;
}

static int refuse_site(struct iov_engine *engine, const json_t *kernel, const struct iov_site *site)
{
	int rc = refuse(engine, kernel, site->target);
	return rc ? rc : refuse(engine, kernel, site->section);
}

static int check(struct iov_engine *engine, const struct iov_site *site)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	int rc = enter(engine);
	if (!rc)
		rc = iov_pretend_read(engine->ctx, &kernel);
	return rc ? rc : refuse_site(engine, kernel, site);
}

static int pin_link(struct iov_engine *engine, const struct iov_site *site, const char *dir, uint32_t id)
{
	iov_auto(iov_free_ptr) char *pin = iov_pretend_path(dir, "links", site->program);
	iov_auto(iov_json_release) json_t *content = json_pack("{s:I}", "id", (json_int_t)id);
	return pin && content ? iov_pretend_pin(engine->ctx, pin, content) : iov_oom(engine->ctx);
}

static int own_program(struct iov_engine *engine, const struct iov_site *site, const char *dir, uint32_t *ret)
{
	int rc = pinned_id(engine, dir, "progs", site->program, ret);
	return rc || *ret ? rc
			  : iov_error(engine->ctx, IOV_E_NOT_FOUND, "program '%s' is not pinned in '%s'; load it first",
				      site->program, dir);
}

static int attach(struct iov_engine *engine, const struct iov_site *site, const char *dir)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	uint32_t program = 0;
	int rc = enter_site(engine, "attach", site);
	if (!rc)
		rc = iov_pretend_read(engine->ctx, &kernel);
	if (!rc)
		rc = refuse_site(engine, kernel, site);
	if (!rc)
		rc = own_program(engine, site, dir, &program);
	if (!rc && iov_pretend_is_taken(kernel, site))
		rc = iov_error(engine->ctx, IOV_E_BUSY, "'%s' runs another program at '%s' already; unload that first",
			       site->target, site->section);
	uint32_t id = rc || iov_pretend_is_filter(site) ? 0 : iov_pretend_next(kernel);
	if (!rc)
		rc = iov_pretend_attach(engine->ctx, kernel, site, id, program);
	if (!rc)
		rc = iov_pretend_write(engine->ctx, kernel);
	return rc || !id ? rc : pin_link(engine, site, dir, id);
}

static int move_of(struct iov_engine *engine, const struct iov_site *site, enum iov_move *ret,
		   enum iov_carry *ret_carry)
{
	int rc = enter(engine);
	if (rc)
		return rc;
	*ret = iov_pretend_move(site);
	*ret_carry = IOV_CARRY_NONE;
	return IOV_OK;
}

static int store(struct iov_engine *engine, uint64_t generation)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	iov_buf_printf(&recording_of(engine)->calls, "store %u\n", (unsigned)generation);
	int rc = enter(engine);
	if (!rc)
		rc = iov_pretend_read(engine->ctx, &kernel);
	if (!rc && json_object_set_new(kernel, "index", json_integer((json_int_t)generation)))
		rc = iov_oom(engine->ctx);
	return rc ? rc : iov_pretend_write(engine->ctx, kernel);
}

static int stored(struct iov_engine *engine, uint64_t *ret)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	int rc = enter(engine);
	if (!rc)
		rc = iov_pretend_read(engine->ctx, &kernel);
	if (!rc)
		*ret = (uint64_t)json_integer_value(json_object_get(kernel, "index"));
	return rc;
}

static int forget(struct iov_engine *engine)
{
	return store(engine, 0);
}

/* Both programs behind one entry: the attachment gets slots. */
static int arm(struct iov_engine *engine, const struct iov_site *site, const struct iov_arm *arm)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	json_t *attached = NULL;
	uint32_t old = 0, new = 0, id = 0;
	int rc = enter_site(engine, "arm", site);
	if (!rc && arm->old_dir)
		rc = own_program(engine, arm->old ? arm->old : site, arm->old_dir, &old);
	if (!rc && arm->new_dir)
		rc = own_program(engine, site, arm->new_dir, &new);
	if (!rc)
		rc = look(engine, arm->old ? arm->old : site, arm->old_dir ? arm->old_dir : arm->new_dir, &kernel,
			  &attached);
	if (!rc)
		rc = refuse_site(engine, kernel, site);
	if (!rc && !attached && iov_pretend_is_taken(kernel, site))
		rc = iov_error(engine->ctx, IOV_E_BUSY, "'%s' runs another program at '%s' already; unload that first",
			       site->target, site->section);
	if (!rc && !attached) {
		id = iov_pretend_next(kernel);
		rc = iov_pretend_attach(engine->ctx, kernel, site, id, 0);
		attached = iov_pretend_find(kernel, site, id);
	}
	if (!rc)
		rc = iov_pretend_arm(engine->ctx, attached, arm->generation, old, new);
	if (!rc)
		rc = iov_pretend_write(engine->ctx, kernel);
	return rc || !id ? rc : pin_link(engine, site, arm->new_dir, id);
}

static int swap(struct iov_engine *engine, const struct iov_site *site, const char *dir)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	json_t *attached = NULL;
	uint32_t program = 0;
	int rc = enter_site(engine, "swap", site);
	if (!rc)
		rc = look(engine, site, dir, &kernel, &attached);
	if (!rc)
		rc = own_program(engine, site, dir, &program);
	if (!rc && !attached)
		rc = iov_error(engine->ctx, IOV_E_NOT_FOUND,
			       "program '%s' is not attached to '%s'; unload '%s' and load it again", site->program,
			       site->target, site->instance);
	if (!rc && json_object_set_new(attached, "program_id", json_integer(program)))
		rc = iov_oom(engine->ctx);
	if (rc)
		return rc;
	json_object_del(attached, "slots");
	return iov_pretend_write(engine->ctx, kernel);
}

static int detach(struct iov_engine *engine, const struct iov_site *site, const char *dir)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	iov_auto(iov_free_ptr) char *pin = iov_pretend_path(dir, "links", site->program);
	json_t *attached = NULL;
	int rc = enter_site(engine, "detach", site);
	if (rc || !pin)
		return rc ? rc : iov_oom(engine->ctx);
	if (!iov_pretend_is_filter(site))
		return unlink(pin) && errno != ENOENT
			       ? iov_error_errno(engine->ctx, errno, "cannot remove the pin '%s'", pin)
			       : IOV_OK;
	rc = look(engine, site, dir, &kernel, &attached);
	if (rc || !attached)
		return rc;
	iov_pretend_detach(kernel, attached);
	return iov_pretend_write(engine->ctx, kernel);
}

/* What was said of "MAP" or "MAP.FIELD": the first of a list, and as long as there are more, the next one each time. */
static uint64_t next_said(struct iov_engine *engine, const char *name, bool *ret_present)
{
	json_t *said = json_object_get(recording_of(engine)->values, name);
	uint64_t value = (uint64_t)json_integer_value(json_array_get(said, 0));
	*ret_present = json_array_size(said) > 0;
	if (json_array_size(said) > 1)
		json_array_remove(said, 0);
	return value;
}

static int running(struct iov_engine *engine, const struct iov_site *site, const char *dir, struct iov_running *ret)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	json_t *attached = NULL;
	int rc = enter(engine);
	if (!rc)
		rc = look(engine, site, dir, &kernel, &attached);
	if (rc)
		return rc;
	*ret = (struct iov_running){0};
	if (attached) {
		ret->prog_id = iov_pretend_program(kernel, attached);
		ret->armed = json_object_get(attached, "slots") != NULL;
		ret->link_id = (uint32_t)json_integer_value(json_object_get(attached, "id"));
		ret->runs_known = recording_of(engine)->counts;
		bool said = false;
		if (ret->runs_known)
			ret->runs = next_said(engine, site->program, &said);
	}
	return IOV_OK;
}

static int count_runs(struct iov_engine *engine, bool on)
{
	recording_of(engine)->counts = on;
	return enter_dir(engine, "count_runs", on ? "on" : "off");
}

static int read_value(struct iov_engine *engine, const struct iov_engine_value *what, bool *ret_present, uint64_t *ret)
{
	iov_auto(iov_buf_release) struct iov_buf name = {0};
	iov_buf_printf(&name, "%s%s%s", what->map->name, what->field ? "." : "", what->field ? what->field : "");
	int rc = enter(engine);
	if (!rc)
		*ret = next_said(engine, name.data ? name.data : "", ret_present);
	return rc;
}

static int program_id(struct iov_engine *engine, const char *dir, const char *program, uint32_t *ret)
{
	int rc = enter(engine);
	return rc ? rc : pinned_id(engine, dir, "progs", program, ret);
}

static int copy(struct iov_engine *engine, const struct iov_migration *migration, struct iov_migrated *ret)
{
	*ret = (struct iov_migrated){0};
	return enter_dir(engine, "copy", migration->new_dir);
}

static int merge(struct iov_engine *engine, const struct iov_migration *migration, bool back, struct iov_migrated *ret)
{
	*ret = (struct iov_migrated){0};
	return enter_dir(engine, back ? "merge back" : "merge", migration->new_dir);
}

static int grace(struct iov_engine *engine)
{
	return enter(engine);
}

/* A file without entries; what matters here is that it is written and read. */
static int save_map(struct iov_engine *engine, const char *pin, const struct iov_object_map *map, const char *path,
		    uint64_t *ret_entries)
{
	iov_auto(iov_saved_writer_release) struct iov_saved_writer writer = {.fd = -1};
	int rc = enter_dir(engine, "save_map", pin);
	if (!rc)
		rc = iov_saved_create(engine->ctx, path, map, 1, &writer);
	if (!rc)
		rc = iov_saved_finish(&writer);
	*ret_entries = 0;
	return rc;
}

static int fill_map(struct iov_engine *engine, const char *pin, const struct iov_object_map *map, const char *path,
		    const json_t *upgrade, struct iov_filled *ret)
{
	iov_auto(iov_saved_reader_release) struct iov_saved_reader reader = {.fd = -1};
	(void)map, (void)upgrade;
	int rc = enter_dir(engine, "fill_map", pin);
	if (!rc)
		rc = iov_saved_open(engine->ctx, path, &reader);
	*ret = (struct iov_filled){.entries = reader.entries};
	return rc;
}

static int exchange(struct iov_engine *engine, const char *a, const char *b)
{
	int rc = enter_dir(engine, "exchange", a);
	if (!rc && renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE))
		rc = iov_error_errno(engine->ctx, errno, "cannot exchange the pin trees '%s' and '%s'", a, b);
	return rc;
}

static int remove_tree(struct iov_engine *engine, const char *dir)
{
	int rc = enter_dir(engine, "remove_tree", dir);
	if (rc)
		return rc;
	rc = iov_fs_rmtree(dir);
	return rc ? iov_error_errno(engine->ctx, rc, "cannot remove the pin tree '%s'", dir) : IOV_OK;
}

static int describe(struct iov_engine *engine, const char *pin, json_t **ret)
{
	int rc = enter(engine);
	if (!rc && !iov_fs_exists(pin))
		rc = iov_error(engine->ctx, IOV_E_NOT_FOUND, "nothing is pinned at '%s'; load it first", pin);
	return rc ? rc : iov_json_read(engine->ctx, pin, PIN_MAX, ret);
}

static int inspect(struct iov_engine *engine, const char *pin, struct iov_pinned *ret)
{
	int rc = enter(engine);
	return rc ? rc : iov_pretend_inspect(engine->ctx, pin, ret);
}

static int pin_id(struct iov_engine *engine, enum iov_pinned_kind kind, uint32_t id, const char *pin)
{
	iov_auto(iov_json_release) json_t *content = json_pack("{s:I}", "id", (json_int_t)id);
	int rc = enter_dir(engine, kind == IOV_PINNED_MAP ? "pin_map" : "pin_program", pin);
	if (!rc && unlink(pin) && errno != ENOENT)
		rc = iov_error_errno(engine->ctx, errno, "cannot remove the pin '%s'", pin);
	if (rc)
		return rc;
	return content ? iov_pretend_pin(engine->ctx, pin, content) : iov_oom(engine->ctx);
}

static void release(struct iov_engine *engine)
{
	iov_buf_release(&recording_of(engine)->calls);
	json_decref(recording_of(engine)->values);
	free(engine);
}

static const struct iov_engine_ops ops = {
	.prepare = prepare,
	.load = load,
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
	.describe_map = describe,
	.describe_program = describe,
	.inspect = inspect,
	.pin_id = pin_id,
	.free = release,
};

int iov_engine_recording_new(struct iov_ctx *ctx, struct iov_engine **ret)
{
	struct recording *recording = calloc(1, sizeof(*recording));
	if (!recording)
		return iov_oom(ctx);
	recording->engine = (struct iov_engine){.ops = &ops, .ctx = ctx};
	recording->values = json_object();
	if (!recording->values) {
		free(recording);
		return iov_oom(ctx);
	}
	*ret = &recording->engine;
	return IOV_OK;
}

void iov_recording_fail(struct iov_engine *engine, unsigned first, unsigned count)
{
	struct recording *recording = recording_of(engine);
	recording->made = 0;
	recording->fail_first = first;
	recording->fail_count = count;
}

const char *iov_recording_calls(const struct iov_engine *engine)
{
	const struct recording *recording = (const struct recording *)engine;
	return recording->calls.data ? recording->calls.data : "";
}

int iov_recording_say(struct iov_engine *engine, const char *name, uint64_t value)
{
	json_t *values = recording_of(engine)->values, *said = json_object_get(values, name);
	if (!said && (!(said = json_array()) || json_object_set_new(values, name, said)))
		return iov_oom(engine->ctx);
	return json_array_append_new(said, json_integer((json_int_t)value)) ? iov_oom(engine->ctx) : IOV_OK;
}

int iov_recording_refuse(struct iov_engine *engine, const char *word, enum iov_code code)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	int rc = iov_pretend_read(engine->ctx, &kernel);
	if (rc)
		return rc;
	json_t *refused = json_object_get(kernel, "refused");
	if (code ? json_object_set_new(refused, word, json_integer(code)) : json_object_del(refused, word) && false)
		return iov_oom(engine->ctx);
	if (code == IOV_E_NOT_FOUND)
		iov_pretend_end_target(kernel, word);
	return iov_pretend_write(engine->ctx, kernel);
}
