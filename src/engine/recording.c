#include "engine/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/pretend.h"
#include "engine/recording_parts.h"
#include "state/saved.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define PIN_MAX 65536 /* bytes; a pin says a few numbers */

int iov_recording_enter(struct iov_engine *engine)
{
	struct recording *recording = iov_recording_of(engine);
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
	iov_buf_printf(&iov_recording_of(engine)->calls, "%s %s\n", verb, last_part(dir));
	return iov_recording_enter(engine);
}

int iov_recording_enter_site(struct iov_engine *engine, const char *verb, const struct iov_site *site)
{
	iov_buf_printf(&iov_recording_of(engine)->calls, "%s %s/%s %s\n", verb, site->instance, site->program,
		       site->target);
	return iov_recording_enter(engine);
}

int iov_recording_pinned_id(struct iov_engine *engine, const char *dir, const char *folder, const char *name,
			    uint32_t *ret)
{
	iov_auto(iov_free_ptr) char *path = iov_pretend_path(dir, folder, name);
	return path ? iov_pretend_pinned_id(engine->ctx, path, ret) : iov_oom(engine->ctx);
}

static int prepare(struct iov_engine *engine)
{
	iov_auto(iov_free_ptr) char *pins = iov_path(engine->ctx, IOV_PINS);
	int rc = iov_recording_enter(engine);
	if (rc || !pins)
		return rc ? rc : iov_oom(engine->ctx);
	rc = iov_fs_mkdirs(pins, 0700);
	return rc ? iov_error_errno(engine->ctx, rc, "cannot make '%s'", pins) : IOV_OK;
}

int iov_recording_refuses(struct iov_engine *engine, const json_t *kernel, const char *word)
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
		rc = iov_recording_refuses(engine, kernel, load->instance);
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

static int store(struct iov_engine *engine, uint64_t generation)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	iov_buf_printf(&iov_recording_of(engine)->calls, "store %u\n", (unsigned)generation);
	int rc = iov_recording_enter(engine);
	if (!rc)
		rc = iov_pretend_read(engine->ctx, &kernel);
	if (!rc && json_object_set_new(kernel, "index", json_integer((json_int_t)generation)))
		rc = iov_oom(engine->ctx);
	return rc ? rc : iov_pretend_write(engine->ctx, kernel);
}

static int stored(struct iov_engine *engine, uint64_t *ret)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	int rc = iov_recording_enter(engine);
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

/* What was said of "MAP" or "MAP.FIELD": the first of a list, and as long as there are more, the next one each time. */
uint64_t iov_recording_said(struct iov_engine *engine, const char *name, bool *ret_present)
{
	json_t *said = json_object_get(iov_recording_of(engine)->values, name);
	uint64_t value = (uint64_t)json_integer_value(json_array_get(said, 0));
	*ret_present = json_array_size(said) > 0;
	if (json_array_size(said) > 1)
		json_array_remove(said, 0);
	return value;
}

static int count_runs(struct iov_engine *engine, bool on)
{
	iov_recording_of(engine)->counts = on;
	return enter_dir(engine, "count_runs", on ? "on" : "off");
}

static int read_value(struct iov_engine *engine, const struct iov_engine_value *what, bool *ret_present, uint64_t *ret)
{
	iov_auto(iov_buf_release) struct iov_buf name = {0};
	iov_buf_printf(&name, "%s%s%s", what->map->name, what->field ? "." : "", what->field ? what->field : "");
	int rc = iov_recording_enter(engine);
	if (!rc)
		*ret = iov_recording_said(engine, name.data ? name.data : "", ret_present);
	return rc;
}

static int program_id(struct iov_engine *engine, const char *dir, const char *program, uint32_t *ret)
{
	int rc = iov_recording_enter(engine);
	return rc ? rc : iov_recording_pinned_id(engine, dir, "progs", program, ret);
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
	return iov_recording_enter(engine);
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
	int rc = iov_recording_enter(engine);
	if (!rc && !iov_fs_exists(pin))
		rc = iov_error(engine->ctx, IOV_E_NOT_FOUND, "nothing is pinned at '%s'; load it first", pin);
	return rc ? rc : iov_json_read(engine->ctx, pin, PIN_MAX, ret);
}

static int inspect(struct iov_engine *engine, const char *pin, struct iov_pinned *ret)
{
	int rc = iov_recording_enter(engine);
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
	iov_buf_release(&iov_recording_of(engine)->calls);
	json_decref(iov_recording_of(engine)->values);
	free(engine);
}

static const struct iov_engine_ops ops = {
	.prepare = prepare,
	.load = load,
	.rehearse = iov_recording_rehearse,
	.adopt = adopt,
	.check = iov_recording_check,
	.attach = iov_recording_attach,
	.adopt_site = iov_recording_adopt_site,
	.same_place = iov_recording_same_place,
	.move = iov_recording_move,
	.arm = iov_recording_arm,
	.store = store,
	.stored = stored,
	.forget = forget,
	.swap = iov_recording_swap,
	.detach = iov_recording_detach,
	.running = iov_recording_running,
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
	struct recording *recording = iov_recording_of(engine);
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
	json_t *values = iov_recording_of(engine)->values, *said = json_object_get(values, name);
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
