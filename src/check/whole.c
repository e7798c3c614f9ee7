#include "check/whole.h"

#include <string.h>

static enum iov_verdict worse(enum iov_verdict a, enum iov_verdict b)
{
	return a > b ? a : b;
}

static enum iov_verdict verdict_of(const json_t *reason)
{
	const char *word = json_string_value(json_object_get(reason, "verdict"));
	return !strcmp(word, iov_verdict_word(IOV_FAILS)) ? IOV_FAILS : IOV_MAY_LOAD;
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

static bool is_in_group(const json_t *groups, const char *program)
{
	size_t i;
	json_t *group;
	json_array_foreach(groups, i, group) {
		if (lists(group, program))
			return true;
	}
	return false;
}

static enum iov_verdict worst_of(const json_t *group, const json_t *reasons)
{
	enum iov_verdict worst = IOV_LOADS;
	size_t i;
	json_t *reason;
	json_array_foreach(reasons, i, reason) {
		const char *program = json_string_value(json_object_get(reason, "program"));
		if (program && lists(group, program))
			worst = worse(worst, verdict_of(reason));
	}
	return worst;
}

/* One group will do. */
static enum iov_verdict best_of(const json_t *groups, const json_t *reasons)
{
	enum iov_verdict best = json_array_size(groups) ? IOV_FAILS : IOV_LOADS;
	size_t i;
	json_t *group;
	json_array_foreach(groups, i, group) {
		enum iov_verdict verdict = worst_of(group, reasons);
		best = verdict < best ? verdict : best;
	}
	return best;
}

enum iov_verdict iov_whole(const struct iov_object *object, const struct iov_manifest *manifest, const json_t *reasons)
{
	const json_t *groups = manifest ? json_object_get(manifest->json, "choose") : NULL;
	enum iov_verdict choice = best_of(groups, reasons), whole = choice;
	size_t i;
	json_t *reason;
	json_array_foreach(reasons, i, reason) {
		const char *name = json_string_value(json_object_get(reason, "program"));
		const struct iov_program_spec *spec = manifest && name ? iov_manifest_program(manifest, name) : NULL;
		bool loaded = !name || iov_object_find_program(object, name)->autoload;
		bool spare = choice != IOV_FAILS && name && is_in_group(groups, name);
		if (loaded && !spare && !(spec && spec->optional)) {
			whole = worse(whole, verdict_of(reason));
			continue;
		}
		json_object_set_new(reason, "counts", json_false());
		if (loaded && !spare) /* it may be left out, or not: that hangs on its hook */
			whole = worse(whole, IOV_MAY_LOAD);
	}
	return whole;
}
