#include "core/groups.h"

#include <string.h>

#include "util/buf.h"

static json_t *groups_of(const struct iov_manifest *manifest)
{
	return json_object_get(manifest->json, "choose");
}

static json_t *group_at(const struct iov_manifest *manifest, unsigned group)
{
	return group ? json_array_get(groups_of(manifest), group - 1) : NULL;
}

size_t iov_groups_count(const struct iov_manifest *manifest)
{
	return json_array_size(groups_of(manifest));
}

static bool lists(const json_t *group, const char *program)
{
	size_t i;
	json_t *name;
	json_array_foreach(group, i, name) {
		if (!strcmp(json_string_value(name), program))
			return true;
	}
	return false;
}

unsigned iov_group_of(const struct iov_manifest *manifest, const char *program)
{
	size_t i;
	json_t *group;
	json_array_foreach(groups_of(manifest), i, group) {
		if (lists(group, program))
			return (unsigned)i + 1;
	}
	return 0;
}

char *iov_group_text(const struct iov_manifest *manifest, unsigned group)
{
	struct iov_buf text = {0};
	size_t i;
	json_t *name;
	json_array_foreach(group_at(manifest, group), i, name) {
		iov_buf_printf(&text, "%s'%s'", i ? ", " : "", json_string_value(name));
	}
	return iov_buf_take(&text);
}

bool iov_program_is_wanted(const struct iov_manifest *manifest, const struct iov_object_program *program)
{
	return program->autoload || iov_manifest_program(manifest, program->name) ||
	       iov_group_of(manifest, program->name);
}

bool iov_program_runs(const struct iov_manifest *manifest, const struct iov_object_program *program, unsigned group)
{
	unsigned own = iov_group_of(manifest, program->name);
	return own ? own == group : iov_program_is_wanted(manifest, program);
}

bool iov_health_is_asked(const struct iov_manifest *manifest, const struct iov_health_spec *spec, unsigned group)
{
	unsigned own = spec->kind == IOV_HEALTH_PROGRAM ? iov_group_of(manifest, spec->name) : 0;
	return !own || own == group;
}

void iov_group_take(struct iov_instance *instance, unsigned group, json_t *passed_over)
{
	json_decref(instance->passed_over);
	instance->passed_over = json_incref(passed_over);
	instance->group = group;
}

const struct iov_instance *iov_group_before(const struct iov_generation *from, const struct iov_generation *to,
					    const struct iov_instance *instance)
{
	const struct iov_instance *before = iov_generation_instance(from, instance->name);
	const struct iov_installed *old = before ? iov_generation_installed(from, before->module) : NULL;
	const struct iov_installed *new = iov_generation_installed(to, instance->module);
	bool same = old && new && before->group && !strcmp(old->release->sha256, new->release->sha256) &&
		    !strcmp(old->object, new->object) && json_equal(before->params, instance->params) &&
		    json_equal(before->imports, instance->imports);
	return same ? before : NULL;
}

json_t *iov_choice_json(const struct iov_manifest *manifest, const struct iov_instance *instance)
{
	json_t *programs = group_at(manifest, instance->group), *passed_over = json_array(), *reason;
	size_t i;
	if (!programs) {
		json_decref(passed_over);
		return json_null();
	}
	json_array_foreach(instance->passed_over, i, reason) {
		json_array_append_new(passed_over, json_pack("{s:O, s:O}", "programs",
							     group_at(manifest, (unsigned)i + 1), "reason", reason));
	}
	return json_pack("{s:i, s:O, s:o}", "group", (int)instance->group, "programs", programs, "passed_over",
			 passed_over);
}
