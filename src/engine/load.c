#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "core/groups.h"
#include "engine/btf_cache.h"
#include "engine/kernel.h"
#include "engine/loading.h"
#include "engine/pins.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/libbpf.h"

#define LOG_SIZE                                                                                                       \
	(8u << 20) /* bytes for the verifier's log of one program; older kernels keep its beginning only, and the      \
		      cause stands at its end */

/* One log for each program, in memory that costs nothing until the verifier writes to it. */
static int map_logs(struct iov_loading *loading)
{
	struct bpf_program *program;
	size_t count = 0;
	bpf_object__for_each_program(program, loading->object)
		count++;
	size_t size = (count ? count : 1) * LOG_SIZE;
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return iov_oom(loading->ctx);
	loading->logs = memory;
	loading->logs_size = size;
	return IOV_OK;
}

void iov_loading_release(struct iov_loading *loading)
{
	for (size_t i = 0; i < loading->n_maps; i++) {
		free(loading->maps[i].name);
		iov_close_fd(&loading->maps[i].template);
		iov_close_fd(&loading->maps[i].replaces);
	}
	free(loading->maps);
	bpf_object__close(loading->object);
	iov_btf_targets_release(&loading->targets);
	iov_close_fd(&loading->btf);
	if (loading->logs)
		munmap(loading->logs, loading->logs_size);
}

/* libbpf puts the object's name before ".rodata" and its like. */
static char *name_of(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);
	const char *dot = bpf_map__is_internal(map) ? strchr(name, '.') : NULL;
	return strdup(dot ? dot : name);
}

static int list_maps(struct iov_loading *loading)
{
	struct bpf_map *map;
	size_t count = 0;
	bpf_object__for_each_map(map, loading->object)
		count++;
	loading->maps = calloc(count + 1, sizeof(*loading->maps));
	if (!loading->maps)
		return iov_oom(loading->ctx);
	bpf_object__for_each_map(map, loading->object) {
		struct iov_loading_map *one = &loading->maps[loading->n_maps++];
		*one = (struct iov_loading_map){.map = map, .name = name_of(map), .template = -1, .replaces = -1};
		if (!one->name)
			return iov_oom(loading->ctx);
		bpf_map__set_pin_path(map, NULL); /* where maps are pinned is our business, not the object's */
	}
	return IOV_OK;
}

/* The programs of a nested load are those of the load around it, which serves both. */
static int look_into_cache(struct iov_loading *loading)
{
	const struct iov_engine_load *load = loading->load;
	int rc = iov_btf_targets_of(loading->ctx, load->release, load->params, &loading->targets);
	if (rc)
		return rc;
	loading->btf = iov_btf_cache_open(loading->ctx, load->object, &loading->targets);
	return loading->nested ? IOV_OK : iov_btf_targets_serve(loading->ctx, &loading->targets, load->group);
}

static int open_object(struct iov_loading *loading)
{
	char btf_path[32];
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = loading->load->instance);
	iov_auto(iov_buf_release) struct iov_buf log = {0};
	char reason[256];
	int rc = look_into_cache(loading);
	if (rc)
		return rc;
	snprintf(btf_path, sizeof(btf_path), "/proc/self/fd/%d", loading->btf);
	if (loading->btf >= 0 && iov_fs_exists(btf_path))
		options.btf_custom_path = btf_path; /* read when the object is loaded */
	iov_libbpf_log_to(&log);
	loading->object = bpf_object__open_file(loading->load->object, &options);
	int err = errno;
	iov_libbpf_log_to(NULL);
	if (loading->object)
		return list_maps(loading);
	iov_libbpf_reason(&log, reason, sizeof(reason));
	return iov_error(loading->ctx, IOV_E_INPUT,
			 "%s: '%s' is not an eBPF object that libbpf can read (%s); build it again", loading->title,
			 loading->load->object, *reason ? reason : strerror(err));
}

static void set_types(struct bpf_program *program, const struct iov_hook *hook)
{
	if (hook->program_type >= 0)
		bpf_program__set_type(program, (enum bpf_prog_type)hook->program_type);
	if (hook->attach_type >= 0)
		bpf_program__set_expected_attach_type(program, (enum bpf_attach_type)hook->attach_type);
}

/* Some programs are loaded for what they attach to; the manifest may name another than the section. */
static int set_target(struct iov_loading *loading, struct bpf_program *program, const struct iov_program_spec *spec)
{
	iov_auto(iov_free_ptr) char *target = NULL;
	if (iov_btf_targets_serves(&loading->targets, program))
		return IOV_OK;
	int rc = iov_params_expand(loading->ctx, loading->load->release->manifest, loading->load->params, spec->target,
				   &target);
	if (!rc && *target && bpf_program__set_attach_target(program, 0, target))
		rc = iov_error(loading->ctx, IOV_E_NOT_FOUND,
			       "%s: this kernel's BTF has no '%s' for program '%s'; name another as its target",
			       loading->title, target, bpf_program__name(program));
	return rc;
}

static bool is_run(const struct iov_engine_load *load, const struct bpf_program *program)
{
	const struct iov_object_program *known =
		iov_object_find_program(load->release->object, bpf_program__name(program));
	return known ? iov_program_runs(load->release->manifest, known, load->group) : bpf_program__autoload(program);
}

/* What no hook here serves is an error, unless the manifest calls the program optional: then it is left out. */
static int choose_program(struct iov_loading *loading, struct bpf_program *program)
{
	const struct iov_hook *hook = NULL;
	const char *name = bpf_program__name(program);
	const struct iov_program_spec *spec = iov_manifest_program(loading->load->release->manifest, name);
	bpf_program__set_autoload(program, is_run(loading->load, program));
	if (!bpf_program__autoload(program))
		return IOV_OK;
	int rc = iov_hook_find(loading->ctx, bpf_program__section_name(program), &hook);
	if (!rc) {
		set_types(program, hook);
		return hook->loaded_for_target && spec && spec->target ? set_target(loading, program, spec) : IOV_OK;
	}
	if (rc != IOV_E_UNSUPPORTED || !spec || !spec->optional)
		return iov_error_prefix(loading->ctx, "program '%s' of %s", name, loading->title);
	if (!loading->rehearsal)
		iov_note(loading->ctx, "program '%s' of %s is left out: %s", name, loading->title,
			 iov_error_text(loading->ctx));
	bpf_program__set_autoload(program, false);
	return IOV_OK;
}

static int choose_programs(struct iov_loading *loading)
{
	struct bpf_program *program;
	size_t index = 0;
	bpf_object__for_each_program(program, loading->object) {
		int rc = choose_program(loading, program);
		if (rc)
			loading->refused = bpf_program__name(program);
		if (rc)
			return rc;
		if (bpf_program__set_log_buf(program, loading->logs + index++ * LOG_SIZE, LOG_SIZE))
			return iov_oom(loading->ctx);
	}
	return IOV_OK;
}

const char *iov_loading_log(const struct iov_loading *loading, struct bpf_program **ret_program)
{
	struct bpf_program *program;
	size_t index = 0;
	bpf_object__for_each_program(program, loading->object) {
		const char *text = loading->logs + index++ * LOG_SIZE;
		if (!*text)
			continue;
		*ret_program = program;
		return text;
	}
	return NULL;
}

/* The first warning that is one: libbpf also warns before it tries another way. */
static const char *reason_of(const struct iov_buf *log, size_t *ret_len)
{
	static const char prefix[] = "libbpf: ";
	for (const char *line = log->data; line && *line;) {
		size_t len = strcspn(line, "\n");
		const char *text = strncmp(line, prefix, strlen(prefix)) ? line : line + strlen(prefix);
		*ret_len = len - (size_t)(text - line);
		if (!memmem(text, *ret_len, "Retrying without", 16))
			return text;
		line += len + (line[len] == '\n');
	}
	*ret_len = 0;
	return "";
}

static int not_loaded(struct iov_loading *loading, const struct iov_buf *log, int err)
{
	struct bpf_program *program;
	size_t len = 0;
	const char *text = iov_loading_log(loading, &program);
	if (text) {
		loading->refused = bpf_program__name(program);
		return iov_verifier_refusal(loading->ctx, loading->title, loading->refused, text);
	}
	const char *reason = reason_of(log, &len);
	if (err == EPERM)
		return iov_error(
			loading->ctx, IOV_E_PERMISSION,
			"%s may not be loaded (%.*s); run it as root or give CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON",
			loading->title, (int)len, reason);
	if (err == ENOMEM || err == ENOSPC || err == E2BIG)
		return iov_error(
			loading->ctx, IOV_E_SPACE,
			"%s needs more memory than this kernel gives it (%.*s); make its maps smaller, 'iovpkg "
			"info %s' shows the parameters",
			loading->title, (int)len, reason, loading->load->release->manifest->name);
	return iov_error(loading->ctx, IOV_E_UNSUPPORTED,
			 "this kernel cannot load %s: %.*s; install a release for this kernel, or a newer kernel",
			 loading->title, len ? (int)len : (int)strlen(strerror(err)), len ? reason : strerror(err));
}

int iov_loading_load(struct iov_loading *loading)
{
	iov_auto(iov_buf_release) struct iov_buf log = {0};
	iov_libbpf_log_to(&log);
	int err = bpf_object__load(loading->object) ? errno : 0;
	iov_libbpf_log_to(NULL);
	return err ? not_loaded(loading, &log, err) : IOV_OK;
}

static int pin(struct iov_loading *loading, const char *kind, const char *name, int fd)
{
	iov_auto(iov_free_ptr) char *path = iov_pins_path(loading->load->dir, kind, name);
	if (!path)
		return iov_oom(loading->ctx);
	return bpf_obj_pin(fd, path) ? iov_error_errno(loading->ctx, errno, "cannot pin '%s'", path) : IOV_OK;
}

static int make_folder(struct iov_loading *loading, const char *kind)
{
	iov_auto(iov_buf_release) struct iov_buf path = {0};
	iov_buf_printf(&path, "%s/%s", loading->load->dir, kind);
	if (iov_buf_failed(&path))
		return iov_oom(loading->ctx);
	int rc = iov_fs_mkdirs(path.data, 0700);
	return rc ? iov_error_errno(loading->ctx, rc, "cannot make the folder of pins '%s'", path.data) : IOV_OK;
}

static int pin_all(struct iov_loading *loading)
{
	struct bpf_program *program;
	int rc = make_folder(loading, "progs");
	if (!rc)
		rc = make_folder(loading, "maps");
	if (!rc && iov_loading_uses_metadata(loading))
		rc = make_folder(loading, "metadata");
	for (size_t i = 0; !rc && i < loading->n_maps; i++)
		if (!loading->maps[i].imported && bpf_map__autocreate(loading->maps[i].map))
			rc = pin(loading, "maps", loading->maps[i].name, bpf_map__fd(loading->maps[i].map));
	bpf_object__for_each_program(program, loading->object) {
		if (!rc && bpf_program__autoload(program))
			rc = pin(loading, "progs", bpf_program__name(program), bpf_program__fd(program));
	}
	return rc;
}

static int pin_or_nothing(struct iov_loading *loading)
{
	int rc = pin_all(loading);
	if (!rc)
		rc = iov_loading_prepare_migration(loading);
	if (!rc)
		return IOV_OK;
	struct iov_saved_error saved = iov_error_save(loading->ctx);
	iov_pins_remove(loading->ctx, loading->load->dir);
	return iov_error_restore(loading->ctx, saved);
}

int iov_loading_open(struct iov_loading *loading)
{
	const struct iov_manifest *manifest = loading->load->release->manifest;
	snprintf(loading->title, sizeof(loading->title), "%s %s", manifest->name, manifest->version.text);
	int rc = open_object(loading);
	if (!rc)
		rc = map_logs(loading);
	if (!rc)
		rc = choose_programs(loading);
	return rc ? rc : iov_loading_set_params(loading);
}

int iov_kernel_load(struct iov_ctx *ctx, const struct iov_engine_load *load)
{
	iov_auto(iov_loading_release) struct iov_loading loading = {.ctx = ctx, .load = load, .btf = -1};
	int rc = iov_loading_open(&loading);
	if (!rc)
		rc = iov_loading_place_maps(&loading);
	if (!rc)
		rc = iov_readonly_prove(&loading);
	if (!rc)
		rc = iov_loading_load(&loading);
	if (!rc)
		rc = iov_readonly_look(&loading);
	return rc ? rc : pin_or_nothing(&loading);
}
