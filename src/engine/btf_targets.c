#include "engine/btf_targets.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/groups.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define EVENT "btf_trace_"

static pthread_mutex_t serving = PTHREAD_MUTEX_INITIALIZER; /* libbpf's list of handlers has no lock */

/* As in libbpf's own table of sections. (LSM programs are not here: libbpf reads the kernel's BTF for them anyway.) */
static const struct {
	const char *section; /* "fentry" or "fentry/function" */
	const char *prefix;  /* of the type's name */
	enum bpf_attach_type attach_type;
	bool sleepable;
} sections[] = {
	{"tp_btf", EVENT, BPF_TRACE_RAW_TP, false},    {"fentry", "", BPF_TRACE_FENTRY, false},
	{"fentry.s", "", BPF_TRACE_FENTRY, true},      {"fexit", "", BPF_TRACE_FEXIT, false},
	{"fexit.s", "", BPF_TRACE_FEXIT, true},	       {"fmod_ret", "", BPF_MODIFY_RETURN, false},
	{"fmod_ret.s", "", BPF_MODIFY_RETURN, true},   {"iter", "bpf_iter_", BPF_TRACE_ITER, false},
	{"iter.s", "bpf_iter_", BPF_TRACE_ITER, true},
};

uint32_t iov_btf_target_kind(const char *name)
{
	return strncmp(name, EVENT, strlen(EVENT)) ? BTF_KIND_FUNC : BTF_KIND_TYPEDEF;
}

static int row_of(const char *section)
{
	size_t len = strcspn(section, "/");
	for (size_t i = 0; i < IOV_COUNT(sections); i++)
		if (strlen(sections[i].section) == len && !memcmp(sections[i].section, section, len))
			return (int)i;
	return -1;
}

/* What the manifest says, else what stands behind the section's slash. *ret is NULL where that is not known. */
static int place_of(struct iov_ctx *ctx, const struct iov_release *release, const json_t *params,
		    const struct iov_object_program *program, char **ret)
{
	const char *slash = strchr(program->section, '/');
	const struct iov_program_spec *spec = iov_manifest_program(release->manifest, program->name);
	const char *target = spec && spec->target ? spec->target : slash ? slash + 1 : NULL;
	if (!target || (!params && strchr(target, '$')))
		return IOV_OK;
	return iov_params_expand(ctx, release->manifest, params, target, ret);
}

static int add(struct iov_ctx *ctx, struct iov_btf_targets *targets, const char *program, const char *prefix,
	       const char *place)
{
	struct iov_btf_target *items = realloc(targets->items, (targets->count + 1) * sizeof(*items));
	if (!items)
		return iov_oom(ctx);
	targets->items = items;
	struct iov_buf name = {0};
	iov_buf_printf(&name, "%s%s", prefix, place);
	struct iov_btf_target *one = &items[targets->count++];
	*one = (struct iov_btf_target){.program = strdup(program), .name = iov_buf_take(&name)};
	return one->program && one->name ? IOV_OK : iov_oom(ctx);
}

int iov_btf_targets_of(struct iov_ctx *ctx, const struct iov_release *release, const json_t *params,
		       struct iov_btf_targets *ret)
{
	for (size_t i = 0; i < release->object->n_programs; i++) {
		const struct iov_object_program *program = &release->object->programs[i];
		iov_auto(iov_free_ptr) char *place = NULL;
		int row = row_of(program->section);
		if (row < 0 || !iov_program_is_wanted(release->manifest, program))
			continue;
		int rc = place_of(ctx, release, params, program, &place);
		if (!rc && place)
			rc = add(ctx, ret, program->name, sections[row].prefix, place);
		if (!rc && place)
			ret->items[ret->count - 1].group = iov_group_of(release->manifest, program->name);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

void iov_btf_targets_release(struct iov_btf_targets *targets)
{
	for (size_t i = 0; i < targets->n_handlers; i++)
		libbpf_unregister_prog_handler(targets->handlers[i]);
	if (targets->handlers)
		pthread_mutex_unlock(&serving);
	for (size_t i = 0; i < targets->count; i++) {
		free(targets->items[i].program);
		free(targets->items[i].name);
	}
	free(targets->handlers);
	free(targets->items);
	*targets = (struct iov_btf_targets){0};
}

static uint32_t id_of(const struct iov_btf_targets *targets, const struct bpf_program *program)
{
	for (size_t i = 0; i < targets->count; i++)
		if (!strcmp(targets->items[i].program, bpf_program__name(program)))
			return targets->items[i].id;
	return 0;
}

bool iov_btf_targets_serves(const struct iov_btf_targets *targets, const struct bpf_program *program)
{
	return targets->n_handlers && id_of(targets, program);
}

/* libbpf reads the kernel's BTF unless a tracing program attaches to another program. So that is what it is told, and
 * `fill` then says the truth. */
static int set_up(struct bpf_program *program, long cookie)
{
	const struct iov_btf_targets *targets = (const struct iov_btf_targets *)cookie;
	int row = row_of(bpf_program__section_name(program));
	if (row >= 0 && sections[row].sleepable)
		bpf_program__set_flags(program, bpf_program__flags(program) | BPF_F_SLEEPABLE);
	return id_of(targets, program) ? bpf_program__set_attach_target(program, INT32_MAX, NULL) : 0;
}

static int fill(struct bpf_program *program, struct bpf_prog_load_opts *opts, long cookie)
{
	const struct iov_btf_targets *targets = (const struct iov_btf_targets *)cookie;
	opts->attach_prog_fd = 0;
	opts->attach_btf_id = id_of(targets, program);
	return opts->attach_btf_id ? 0 : -ENOENT;
}

static bool all_known(const struct iov_btf_targets *targets, unsigned group)
{
	for (size_t i = 0; i < targets->count; i++)
		if (!targets->items[i].id && (!targets->items[i].group || targets->items[i].group == group))
			return false;
	return true;
}

int iov_btf_targets_serve(struct iov_ctx *ctx, struct iov_btf_targets *targets, unsigned group)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, options, .cookie = (long)targets, .prog_setup_fn = set_up,
		    .prog_prepare_load_fn = fill);
	if (!targets->count || !all_known(targets, group))
		return IOV_OK;
	targets->handlers = calloc(IOV_COUNT(sections), sizeof(*targets->handlers));
	if (!targets->handlers)
		return iov_oom(ctx);
	pthread_mutex_lock(&serving);
	for (size_t i = 0; i < IOV_COUNT(sections); i++) {
		char section[16];
		snprintf(section, sizeof(section), "%s+", sections[i].section);
		int handler =
			libbpf_register_prog_handler(section, BPF_PROG_TYPE_TRACING, sections[i].attach_type, &options);
		if (handler < 0)
			return iov_error_errno(ctx, handler, "libbpf takes no handler for '%s'", section);
		targets->handlers[targets->n_handlers++] = handler;
	}
	return IOV_OK;
}
