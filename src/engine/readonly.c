/*
 * Maps imported for reading are only read, and the kernel's own verifier says so: the object is first loaded with a
 * twin in the place of each such map, which the kernel makes with BPF_F_RDONLY_PROG and refuses to let programs write,
 * and is thrown away. A read-only descriptor would not do: it does not stop a program.
 *
 * Some map types have no such flag, and values with locks, timers or kernel pointers forbid it. There the instructions
 * are looked through instead (writes.c), and a note says that it is no proof.
 *
 * A proof holds for one object, with one set of parameters, against maps of one kind, on one kernel. It is remembered
 * as <cache>/proofs/<kernel>/<sha256 of all that>, which holds "iovproof1 <sha256>".
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "check/kernel.h"
#include "engine/btf_cache.h"
#include "engine/loading.h"
#include "engine/pins.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/libbpf.h"

#define FORBIDDEN "write into map forbidden" /* what the verifier says of a write into the twin */
#define MAGIC "iovproof1 "
#define ALL SIZE_MAX
#define NESTING_MAX 16 /* of a value; the kernel looks no deeper for what is special */

/* ---- which maps have a read-only form ---- */

/* As tried on Linux 6.18: the others answer EINVAL. Of the maps of maps it is the inner ones that hold
 * the values. */
static bool type_has_flag(enum bpf_map_type type)
{
	static const enum bpf_map_type types[] = {
		BPF_MAP_TYPE_HASH,
		BPF_MAP_TYPE_ARRAY,
		BPF_MAP_TYPE_PERCPU_HASH,
		BPF_MAP_TYPE_PERCPU_ARRAY,
		BPF_MAP_TYPE_LRU_HASH,
		BPF_MAP_TYPE_LRU_PERCPU_HASH,
		BPF_MAP_TYPE_LPM_TRIE,
		BPF_MAP_TYPE_QUEUE,
		BPF_MAP_TYPE_STACK,
		BPF_MAP_TYPE_BLOOM_FILTER,
		BPF_MAP_TYPE_CGROUP_STORAGE,
		BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
		BPF_MAP_TYPE_REUSEPORT_SOCKARRAY,
	};
	for (size_t i = 0; i < IOV_COUNT(types); i++)
		if (types[i] == type)
			return true;
	return false;
}

/* No program can write these: only user space can. */
static bool type_is_read_only(enum bpf_map_type type)
{
	static const enum bpf_map_type types[] = {
		BPF_MAP_TYPE_PROG_ARRAY,  BPF_MAP_TYPE_CGROUP_ARRAY, BPF_MAP_TYPE_DEVMAP,
		BPF_MAP_TYPE_DEVMAP_HASH, BPF_MAP_TYPE_CPUMAP,	     BPF_MAP_TYPE_XSKMAP,
	};
	for (size_t i = 0; i < IOV_COUNT(types); i++)
		if (types[i] == type)
			return true;
	return false;
}

/* Members that the kernel keeps for itself: their structs, and the tags of pointers. */
static const char *const special_structs[] = {"bpf_spin_lock", "bpf_res_spin_lock", "bpf_timer",     "bpf_wq",
					      "bpf_task_work", "bpf_refcount",	    "bpf_list_head", "bpf_list_node",
					      "bpf_rb_root",   "bpf_rb_node"};
static const char *const special_tags[] = {"kptr", "kptr_untrusted", "percpu_kptr", "uptr"};

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static bool is_kernel_pointer(const struct btf *btf, const struct btf_type *pointer)
{
	const struct btf_type *type = btf__type_by_id(btf, pointer->type);
	return type && btf_is_type_tag(type) &&
	       is_one_of(btf__name_by_offset(btf, type->name_off), special_tags, IOV_COUNT(special_tags));
}

/* Has a value of this type such members? */
static bool has_special(const struct btf *btf, uint32_t id, int depth)
{
	int resolved = id ? btf__resolve_type(btf, id) : -1;
	const struct btf_type *type = resolved > 0 && depth ? btf__type_by_id(btf, (uint32_t)resolved) : NULL;
	if (!type)
		return false;
	if (btf_is_array(type))
		return has_special(btf, btf_array(type)->type, depth - 1);
	if (btf_is_ptr(type))
		return is_kernel_pointer(btf, type);
	if (!btf_is_composite(type))
		return false;
	if (is_one_of(btf__name_by_offset(btf, type->name_off), special_structs, IOV_COUNT(special_structs)))
		return true;
	for (uint16_t i = 0; i < btf_vlen(type); i++)
		if (has_special(btf, btf_members(type)[i].type, depth - 1))
			return true;
	return false;
}

/* The map whose values programs could write: the one itself, or the template of those inside; NULL: none to be had. */
static struct bpf_map *values_of(const struct bpf_map *map)
{
	enum bpf_map_type type = bpf_map__type(map);
	if (type != BPF_MAP_TYPE_ARRAY_OF_MAPS && type != BPF_MAP_TYPE_HASH_OF_MAPS)
		return (struct bpf_map *)map;
	return bpf_map__inner_map((struct bpf_map *)map);
}

bool iov_readonly_has_twin(const struct iov_loading *loading, const struct iov_loading_map *map)
{
	const struct bpf_map *values = values_of(map->map);
	const struct btf *btf = bpf_object__btf(loading->object);
	return values && type_has_flag(bpf_map__type(values)) &&
	       !(btf && has_special(btf, bpf_map__btf_value_type_id(values), NESTING_MAX));
}

/* ---- what is remembered ---- */

static char *join_facts(struct iov_loading *loading)
{
	const struct iov_engine_load *load = loading->load;
	char object[IOV_HEX_SIZE];
	iov_auto(iov_free_ptr) char *params = iov_json_canonical(load->params);
	struct iov_buf facts = {0};
	if (!params || iov_sha256_file(loading->ctx, load->object, object))
		return NULL;
	iov_buf_printf(&facts, IOV_VERSION " %s %s %u", object, params, load->group);
	for (size_t i = 0; i < load->n_imports; i++) {
		const struct iov_loading_map *map = iov_loading_find_map(loading, load->imports[i].map);
		iov_buf_printf(&facts, "\n%d %s %s %u", load->imports[i].access == IOV_READ, load->imports[i].map,
			       load->imports[i].contract ? load->imports[i].contract->fingerprint : "",
			       bpf_map__max_entries(map->map));
	}
	return iov_buf_take(&facts);
}

/* Where the proof for this load is remembered; NULL: nowhere. */
static char *proof_path(struct iov_loading *loading, char ret_digest[IOV_HEX_SIZE])
{
	char kernel[IOV_HEX_SIZE];
	iov_auto(iov_free_ptr) char *facts = iov_kernel_build(kernel) ? join_facts(loading) : NULL;
	if (!facts)
		return NULL;
	iov_sha256_hex(facts, strlen(facts), ret_digest);
	return iov_path(loading->ctx, IOV_CACHE "/proofs/%.*s/%s", IOV_KERNEL_BUILD_DIGITS, kernel, ret_digest);
}

static bool is_remembered(const char *path, const char *digest)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	size_t len = strlen(MAGIC);
	return !iov_fs_read(path, 256, &text) && text.len == len + IOV_HEX_SIZE && !memcmp(text.data, MAGIC, len) &&
	       !memcmp(text.data + len, digest, IOV_HEX_SIZE - 1) && text.data[text.len - 1] == '\n';
}

/* Never fails: it only makes loads faster. */
static void remember(const char *path, const char *digest)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_buf_printf(&text, MAGIC "%s\n", digest);
	if (!iov_buf_failed(&text) && !iov_fs_mkdirs_for(path, 0755))
		iov_fs_replace(path, text.data, text.len, 0644);
}

/* ---- the rehearsal ---- */

static bool is_read(const struct iov_loading *loading, size_t import)
{
	return loading->load->imports[import].access == IOV_READ;
}

/* The verifier looks at the size of arrays, and of no other map, so the others need not be big. */
static void make_small(struct bpf_map *map)
{
	enum bpf_map_type type = bpf_map__type(map);
	if (type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_HASH ||
	    type == BPF_MAP_TYPE_LRU_PERCPU_HASH)
		bpf_map__set_max_entries(map, 1);
}

void iov_loading_make_small(struct iov_loading *loading)
{
	for (size_t i = 0; i < loading->n_maps; i++)
		make_small(loading->maps[i].map);
}

/* libbpf lets nobody change the template that it makes of the definition, so another one takes its place. It needs no
 * types: nothing in its values is special. */
static int make_template(struct iov_loading *rehearsal, struct iov_loading_map *map)
{
	const struct bpf_map *values = values_of(map->map);
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = bpf_map__map_flags(values) | BPF_F_RDONLY_PROG);
	map->template = bpf_map_create(bpf_map__type(values), NULL, bpf_map__key_size(values),
				       bpf_map__value_size(values), bpf_map__max_entries(values), &options);
	if (map->template <0 || bpf_map__set_inner_map_fd(map->map, map->template))
		return iov_error_errno(rehearsal->ctx, errno, "cannot make a read-only twin of the map '%s'",
				       map->name);
	return IOV_OK;
}

/* `real` has the size of the live map, which it has taken over. */
static int make_twin(struct iov_loading *rehearsal, struct iov_loading_map *map, const struct bpf_map *real)
{
	if (values_of(map->map) != map->map)
		return make_template(rehearsal, map);
	if (bpf_map__set_max_entries(map->map, bpf_map__max_entries(real)) ||
	    bpf_map__set_map_flags(map->map, bpf_map__map_flags(map->map) | BPF_F_RDONLY_PROG))
		return iov_oom(rehearsal->ctx);
	make_small(map->map);
	return IOV_OK;
}

/* Twins for the import `only`, or for all of them; everything else is what the programs will have. */
static int place_twins(struct iov_loading *rehearsal, struct iov_loading *real, size_t only)
{
	int rc = IOV_OK;
	iov_loading_make_small(rehearsal);
	for (size_t i = 0; !rc && i < real->load->n_imports; i++) {
		struct iov_loading_map *map = iov_loading_find_map(rehearsal, real->load->imports[i].map);
		const struct iov_loading_map *live = iov_loading_find_map(real, map->name);
		if (live->has_twin && (only == ALL || only == i))
			rc = make_twin(rehearsal, map, live->map);
		else if (bpf_map__reuse_fd(map->map, bpf_map__fd(live->map)))
			rc = iov_error_errno(real->ctx, errno, "%s: cannot use the live map '%s'", real->title,
					     map->name);
	}
	return rc;
}

enum verdict { READS, WRITES, UNKNOWN };

static int rehearse(struct iov_loading *rehearsal, struct iov_loading *real, size_t only, enum verdict *ret)
{
	struct bpf_program *program;
	iov_auto(iov_buf_release) struct iov_buf log = {0};
	*rehearsal = (struct iov_loading){
		.ctx = real->ctx, .load = real->load, .btf = -1, .rehearsal = true, .nested = true};
	int rc = iov_loading_open(rehearsal);
	if (!rc)
		rc = place_twins(rehearsal, real, only);
	if (rc)
		return rc;
	iov_libbpf_log_to(&log);
	int failed = bpf_object__load(rehearsal->object);
	iov_libbpf_log_to(NULL);
	const char *words = failed ? iov_loading_log(rehearsal, &program) : NULL;
	*ret = !failed ? READS : words && strstr(words, FORBIDDEN) ? WRITES : UNKNOWN;
	return IOV_OK;
}

static int refuse(struct iov_loading *real, size_t import, const char *program, const char *what, const char *details)
{
	const struct iov_engine_import *one = &real->load->imports[import];
	return iov_error(real->ctx, IOV_E_CONTRACT,
			 "program '%s' of %s writes the map '%s' of %s, which it imports for reading: %s; say 'access: "
			 "write' under maps.imports.%s in its manifest, or do not write%s",
			 program, real->title, one->map, one->provider, what, one->map, details ? details : "");
}

static int refuse_by_log(struct iov_loading *real, const struct iov_loading *rehearsal, size_t import)
{
	struct bpf_program *program = NULL;
	iov_auto(iov_buf_release) struct iov_buf complaint = {0};
	iov_auto(iov_buf_release) struct iov_buf details = {0};
	const char *log = iov_loading_log(rehearsal, &program);
	int rc = iov_verifier_quote(real->ctx, log, &complaint, &details);
	return rc ? rc : refuse(real, import, bpf_program__name(program), complaint.data, details.data);
}

/* The verifier names no map, so each gets a twin alone, until one is refused. */
static int find_written(struct iov_loading *real)
{
	for (size_t i = 0; i < real->load->n_imports; i++) {
		iov_auto(iov_loading_release) struct iov_loading rehearsal = {.btf = -1};
		enum verdict verdict = UNKNOWN;
		bool has_twin = iov_loading_find_map(real, real->load->imports[i].map)->has_twin;
		int rc = has_twin ? rehearse(&rehearsal, real, i, &verdict) : IOV_OK;
		if (rc)
			return rc;
		if (verdict == WRITES)
			return refuse_by_log(real, &rehearsal, i);
	}
	return iov_error(
		real->ctx, IOV_E_CONTRACT,
		"%s writes a map that it imports for reading; say 'access: write' in its manifest, or do not write",
		real->title);
}

/* ---- before the load ---- */

/* Marks the maps that a twin speaks for; false: there are none. */
static bool mark(struct iov_loading *loading, bool proven)
{
	bool any = false;
	for (size_t i = 0; i < loading->n_maps; i++) {
		loading->maps[i].proven = proven && loading->maps[i].has_twin;
		any |= loading->maps[i].has_twin;
	}
	return any;
}

/* Where the rehearsal fails for another reason, the load itself fails too and says why, or the instructions are looked
 * through. */
int iov_readonly_prove(struct iov_loading *loading)
{
	char digest[IOV_HEX_SIZE];
	enum verdict verdict = UNKNOWN;
	if (!mark(loading, false))
		return IOV_OK;
	struct iov_saved_error saved = iov_error_save(loading->ctx);
	iov_auto(iov_free_ptr) char *path = proof_path(loading, digest);
	iov_error_restore(loading->ctx, saved);
	if (path && is_remembered(path, digest)) {
		mark(loading, true);
		return IOV_OK;
	}
	iov_auto(iov_loading_release) struct iov_loading rehearsal = {.btf = -1};
	int rc = rehearse(&rehearsal, loading, ALL, &verdict);
	if (rc)
		return rc;
	if (verdict == WRITES)
		return find_written(loading);
	mark(loading, verdict == READS);
	if (verdict == READS && path)
		remember(path, digest);
	return IOV_OK;
}

/* ---- after the load ---- */

/* The line of the source, from the verifier's long log of one more load. */
static int refuse_by_write(struct iov_loading *real, size_t import, const char *name, const struct iov_write *write)
{
	iov_auto(iov_loading_release) struct iov_loading again = {
		.ctx = real->ctx, .load = real->load, .btf = -1, .rehearsal = true, .nested = true};
	iov_auto(iov_buf_release) struct iov_buf details = {0};
	struct bpf_program *program, *found = NULL;
	int rc = iov_loading_open(&again);
	if (!rc)
		rc = place_twins(&again, real, real->load->n_imports);
	if (rc)
		return rc;
	program = bpf_object__find_program_by_name(again.object, name);
	bpf_program__set_log_level(program, 2);
	iov_buf_printf(&details, "\n  instruction %zu", write->instruction);
	iov_libbpf_quiet();
	const char *log = bpf_object__load(again.object) ? NULL : iov_loading_log(&again, &found);
	if (log && found == program) {
		iov_buf_release(&details);
		details = (struct iov_buf){0};
		iov_verifier_source(log, write->instruction, &details);
	}
	return refuse(real, import, name, write->what, details.data);
}

static int look_at(struct iov_loading *loading, size_t import, int map)
{
	struct bpf_program *program;
	bpf_object__for_each_program(program, loading->object) {
		bool found = false;
		struct iov_write write;
		int rc = bpf_program__autoload(program) ? iov_writes_find(loading->ctx, program, map, &found, &write)
							: IOV_OK;
		if (!rc && found)
			rc = refuse_by_write(loading, import, bpf_program__name(program), &write);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

int iov_readonly_look(struct iov_loading *loading)
{
	for (size_t i = 0; i < loading->load->n_imports; i++) {
		const struct iov_engine_import *import = &loading->load->imports[i];
		const struct iov_loading_map *map = iov_loading_find_map(loading, import->map);
		if (!is_read(loading, i) || map->proven || type_is_read_only(bpf_map__type(map->map)))
			continue;
		int rc = look_at(loading, i, bpf_map__fd(map->map));
		if (rc)
			return rc;
		iov_note(
			loading->ctx,
			"the kernel has no read-only form of map '%s' of %s, a %s, so that %s only reads it was looked "
			"up in its instructions, not proven",
			import->map, import->provider, libbpf_bpf_map_type_str(bpf_map__type(map->map)),
			loading->title);
	}
	return IOV_OK;
}
