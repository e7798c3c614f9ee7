/* status: the instances of the current generation, and what the kernel says of each. */
#include <string.h>

#include "core/groups.h"
#include "ops/edit.h"
#include "ops/view.h"
#include "transaction/transaction.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"

static json_t *or_null(json_t *value, bool known)
{
	if (known)
		return value;
	json_decref(value);
	return json_null();
}

static int hook_json(struct iov_view *view, struct iov_engine *engine, const struct iov_instance_change *one,
		     const struct iov_site_change *site, const char *dir, json_t **ret)
{
	struct iov_site place = {.instance = one->after->name,
				 .program = site->program,
				 .section = site->section,
				 .target = site->target};
	const struct iov_hook *hook = NULL;
	struct iov_running running = {0};
	int rc = iov_hook_find(view->ctx, site->section, &hook);
	if (!rc)
		rc = engine->ops->running(engine, &place, dir, &running);
	if (rc == IOV_E_UNSUPPORTED)
		rc = IOV_OK; /* left out on this kernel: the program, or the instance when it booted */
	if (rc)
		return rc;
	iov_auto(iov_free_ptr) char *pin_name = iov_pin_name(site->program);
	iov_auto(iov_buf_release) struct iov_buf pin = {0};
	iov_buf_printf(&pin, "%s/progs/%s", dir, pin_name ? pin_name : "");
	iov_auto(iov_json_release) json_t *program = NULL;
	if (pin_name && !iov_buf_failed(&pin) && iov_fs_exists(pin.data))
		rc = engine->ops->describe_program(engine, pin.data, &program);
	if (rc)
		return rc;
	*ret = json_pack("{s:s, s:s, s:s, s:s, s:b, s:I, s:o, s:o, s:O?}", "hook", hook ? hook->name : site->section,
			 "section", site->section, "target", site->target, "program", site->program, "attached",
			 running.prog_id != 0, "prog_id", (json_int_t)running.prog_id, "link_id",
			 or_null(json_integer(running.link_id), running.link_id != 0), "runs",
			 or_null(json_integer((json_int_t)running.runs), running.runs_known), "tag",
			 json_object_get(program, "tag"));
	return *ret ? IOV_OK : iov_oom(view->ctx);
}

static int hooks_json(struct iov_view *view, struct iov_engine *engine, const struct iov_instance_change *one,
		      const char *dir, json_t *list)
{
	for (size_t i = 0; i < one->n_sites; i++) {
		json_t *hook = NULL;
		int rc = hook_json(view, engine, one, &one->sites[i], dir, &hook);
		if (rc)
			return rc;
		if (json_array_append_new(list, hook))
			return iov_oom(view->ctx);
	}
	return IOV_OK;
}

/* Who takes this map, and how. */
static json_t *importers_json(const struct iov_generation *generation, const char *provider, const char *map)
{
	json_t *list = json_array();
	for (size_t i = 0; i < generation->n_instances; i++) {
		const struct iov_instance *one = &generation->instances[i];
		const struct iov_manifest *manifest =
			iov_generation_installed(generation, one->module)->release->manifest;
		for (size_t k = 0; k < manifest->n_imports; k++) {
			const struct iov_import_spec *spec = &manifest->imports[k];
			const char *from = json_string_value(json_object_get(one->imports, spec->map));
			if (from && !strcmp(from, provider) && !strcmp(spec->source, map))
				json_array_append_new(list, json_pack("{s:s, s:s}", "instance", one->name, "access",
								      spec->access == IOV_WRITE ? "write" : "read"));
		}
	}
	return list;
}

static int map_json(struct iov_view *view, struct iov_engine *engine, const struct iov_instance *instance,
		    const struct iov_object_map *map, const char *dir, json_t *list)
{
	iov_auto(iov_free_ptr) char *pin_name = iov_pin_name(map->name);
	iov_auto(iov_buf_release) struct iov_buf pin = {0};
	iov_buf_printf(&pin, "%s/maps/%s", dir, pin_name ? pin_name : "");
	if (!pin_name || iov_buf_failed(&pin))
		return iov_oom(view->ctx);
	if (!iov_fs_exists(pin.data)) /* an imported map is pinned at its provider only */
		return IOV_OK;
	json_t *described = NULL;
	int rc = engine->ops->describe_map(engine, pin.data, &described);
	if (rc)
		return rc;
	json_object_set_new(described, "name", json_string(map->name));
	json_object_set_new(described, "importers", importers_json(view->current, instance->name, map->name));
	return json_array_append_new(list, described) ? iov_oom(view->ctx) : IOV_OK;
}

static json_t *imports_json(const struct iov_instance *instance, const struct iov_manifest *manifest)
{
	json_t *list = json_array();
	for (size_t i = 0; i < manifest->n_imports; i++) {
		const struct iov_import_spec *spec = &manifest->imports[i];
		json_array_append_new(list, json_pack("{s:s, s:O, s:s}", "map", spec->source, "from",
						      json_object_get(instance->imports, spec->map), "access",
						      spec->access == IOV_WRITE ? "write" : "read"));
	}
	return list;
}

static int instance_json(struct iov_view *view, struct iov_engine *engine, const struct iov_instance_change *one,
			 json_t *list)
{
	const struct iov_release *release = one->new->release;
	iov_auto(iov_free_ptr) char *dir = iov_view_dir(view, one->after->name);
	iov_auto(iov_json_release) json_t *hooks = json_array();
	iov_auto(iov_json_release) json_t *maps = json_array();
	if (!dir || !hooks || !maps)
		return iov_oom(view->ctx);
	int rc = hooks_json(view, engine, one, dir, hooks);
	for (size_t i = 0; !rc && i < release->object->n_maps; i++)
		rc = map_json(view, engine, one->after, &release->object->maps[i], dir, maps);
	if (rc)
		return rc;
	json_t *instance = json_pack("{s:s, s:s, s:s, s:b, s:O, s:O, s:O, s:o, s:o}", "name", one->after->name,
				     "module", one->after->module, "version", release->manifest->version.text, "wished",
				     one->after->wished, "params", one->after->params, "hooks", hooks, "maps", maps,
				     "imports", imports_json(one->after, release->manifest), "choice",
				     iov_choice_json(release->manifest, one->after));
	return json_array_append_new(list, instance) ? iov_oom(view->ctx) : IOV_OK;
}

/* Does the kernel count the runs of every program? (Entry hooks count by themselves.) */
static bool kernel_counts_runs(void)
{
	iov_auto(iov_buf_release) struct iov_buf value = {0};
	return iov_fs_read("/proc/sys/kernel/bpf_stats_enabled", 16, &value) == 0 && value.len && value.data[0] == '1';
}

static void free_engine(struct iov_engine **engine)
{
	iov_engine_free(*engine);
}

int iov_status(struct iov_ctx *ctx, char **ret_json)
{
	iov_auto(iov_view_release) struct iov_view view = {0};
	iov_auto(free_engine) struct iov_engine *engine = NULL;
	iov_auto(iov_json_release) json_t *instances = json_array();
	int rc = iov_view_open(ctx, &view);
	if (!rc && view.plan->n_instances)
		rc = iov_engine_kernel_new(ctx, &engine);
	for (size_t i = 0; !rc && i < view.plan->n_instances; i++)
		rc = instance_json(&view, engine, &view.plan->instances[i], instances);
	if (rc)
		return rc;
	return iov_answer(ctx,
			  json_pack("{s:I, s:b, s:b, s:O}", "generation", (json_int_t)view.current->number, "pending",
				    iov_transaction_pending(ctx), "stats", kernel_counts_runs(), "instances",
				    instances),
			  ret_json);
}
