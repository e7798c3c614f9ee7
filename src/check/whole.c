#include "check/whole.h"

#include <string.h>

#include "core/groups.h"

static enum iov_verdict worse(enum iov_verdict a, enum iov_verdict b)
{
	return a > b ? a : b;
}

static enum iov_verdict verdict_of(const json_t *reason)
{
	const char *word = json_string_value(json_object_get(reason, "verdict"));
	return !strcmp(word, iov_verdict_word(IOV_FAILS)) ? IOV_FAILS : IOV_MAY_LOAD;
}

static enum iov_verdict worst_of(const struct iov_manifest *manifest, unsigned group, const json_t *reasons)
{
	enum iov_verdict worst = IOV_LOADS;
	size_t i;
	json_t *reason;
	json_array_foreach(reasons, i, reason) {
		const char *program = json_string_value(json_object_get(reason, "program"));
		if (program && iov_group_of(manifest, program) == group)
			worst = worse(worst, verdict_of(reason));
	}
	return worst;
}

/* One group will do. */
static enum iov_verdict best_of(const struct iov_manifest *manifest, const json_t *reasons)
{
	size_t count = manifest ? iov_groups_count(manifest) : 0;
	enum iov_verdict best = count ? IOV_FAILS : IOV_LOADS;
	for (unsigned group = 1; group <= count; group++) {
		enum iov_verdict verdict = worst_of(manifest, group, reasons);
		best = verdict < best ? verdict : best;
	}
	return best;
}

static bool is_loaded(const struct iov_object *object, const struct iov_manifest *manifest, const char *name)
{
	const struct iov_object_program *program = iov_object_find_program(object, name);
	return manifest ? iov_program_is_wanted(manifest, program) : program->autoload;
}

enum iov_verdict iov_whole(const struct iov_object *object, const struct iov_manifest *manifest, const json_t *reasons)
{
	enum iov_verdict choice = best_of(manifest, reasons), whole = choice;
	size_t i;
	json_t *reason;
	json_array_foreach(reasons, i, reason) {
		const char *name = json_string_value(json_object_get(reason, "program"));
		const struct iov_program_spec *spec = manifest && name ? iov_manifest_program(manifest, name) : NULL;
		bool loaded = !name || is_loaded(object, manifest, name);
		bool spare = choice != IOV_FAILS && manifest && name && iov_group_of(manifest, name);
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
