#include "check/kinds.h"

#include <stdio.h>
#include <string.h>

#include "check/flavor.h"

#define NAME_MAX_LEN 192 /* bytes of a kind's name */

struct iov_kind iov_kind_of(const struct iov_object_program *program, const json_t *group, const json_t *target)
{
	return (struct iov_kind){
		.type = program->type,
		.attach = json_string_value(json_object_get(group, "attach")),
		.target = json_string_value(target),
		.sleepable = json_is_true(json_object_get(group, "sleepable")),
	};
}

bool iov_kind_is_named(const struct iov_kind *kind, const char *name)
{
	char own[NAME_MAX_LEN];
	const char *end = kind->sleepable && strcmp(kind->type, "syscall") != 0 ? ".s" : "";
	snprintf(own, sizeof(own), "%s%s", kind->type, end);
	if (!strcmp(own, name))
		return true;
	if (!kind->attach)
		return false;
	snprintf(own, sizeof(own), "%s/%s%s", kind->type, kind->attach, end);
	return !strcmp(own, name);
}

static bool has_kind(const struct iov_object *object, const json_t *group, const char *name)
{
	const char *program;
	json_t *target;
	json_object_foreach(json_object_get(group, "names"), program, target) {
		const struct iov_object_program *found = iov_object_find_program(object, program);
		const struct iov_kind kind = found ? iov_kind_of(found, group, target) : (struct iov_kind){0};
		if (found && iov_kind_is_named(&kind, name))
			return true;
	}
	return false;
}

bool iov_asks_kind(const struct iov_object *object, const char *name)
{
	size_t i;
	json_t *group;
	json_array_foreach(json_object_get(object->facts, "programs"), i, group) {
		if (has_kind(object, group, name))
			return true;
	}
	return false;
}

bool iov_asks_map(const struct iov_object *object, const char *type)
{
	for (size_t i = 0; i < object->n_maps; i++) {
		const json_t *inner = json_object_get(object->maps[i].layout, "inner");
		const char *inner_type = json_string_value(json_object_get(inner, "type"));
		if (!strcmp(object->maps[i].type, type) || (inner_type && !strcmp(inner_type, type)))
			return true;
	}
	return false;
}

bool iov_asks_helper(const struct iov_object *object, const char *helper)
{
	size_t i;
	json_t *need;
	json_array_foreach(json_object_get(object->facts, "needs"), i, need) {
		const char *name = json_string_value(json_object_get(need, "helper"));
		if (name && !strcmp(name, helper))
			return true;
	}
	return false;
}

bool iov_asks_kfunc(const struct iov_object *object, const char *kfunc)
{
	size_t i;
	json_t *need;
	json_array_foreach(json_object_get(object->facts, "needs"), i, need) {
		const char *name = json_string_value(json_object_get(need, "kfunc"));
		if (name && iov_essential_len(name) == strlen(kfunc) && !strncmp(name, kfunc, strlen(kfunc)))
			return true;
	}
	return false;
}

bool iov_asks_any(const struct iov_object *object, const char *what)
{
	size_t i;
	json_t *need;
	json_array_foreach(json_object_get(object->facts, "needs"), i, need) {
		if (json_object_get(need, what))
			return true;
	}
	return false;
}
