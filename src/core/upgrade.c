#include "core/upgrade.h"

#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "util/buf.h"
#include "util/cleanup.h"

#define VALUE_MAX (128u << 10) /* bytes: the verifier walks every step of the loops over a value */

/* Maps that can follow each other have the same family; the others say why their entries cannot move. */
static const struct {
	const char *type, *family, *reason;
} types[] = {
	{"hash", "hash", NULL},
	{"lru_hash", "hash", NULL},
	{"percpu_hash", "percpu_hash", NULL},
	{"lru_percpu_hash", "percpu_hash", NULL},
	{"array", "array", NULL},
	{"percpu_array", "percpu_array", NULL},
	{"lpm_trie", "lpm_trie", NULL},
	{"ringbuf", "ringbuf", NULL},
	{"queue", NULL, "reading a queue takes its elements out"},
	{"stack", NULL, "reading a stack takes its elements out"},
	{"bloom_filter", NULL, "a bloom filter does not tell what was put into it"},
	{"sockmap", NULL, "its sockets belong to the processes that put them in"},
	{"sockhash", NULL, "its sockets belong to the processes that put them in"},
	{"array_of_maps", NULL, "its entries are maps, with contracts of their own"},
	{"hash_of_maps", NULL, "its entries are maps, with contracts of their own"},
	{"sk_storage", NULL, "its entries hang on sockets and cannot be listed"},
	{"inode_storage", NULL, "its entries hang on inodes and cannot be listed"},
	{"task_storage", NULL, "its entries hang on tasks and cannot be listed"},
	{"cgrp_storage", NULL, "its entries hang on cgroups and cannot be listed"},
	{"cgroup_storage", NULL, "its entries hang on attachments"},
	{"percpu_cgroup_storage", NULL, "its entries hang on attachments"},
	{"stack_trace", NULL, "its entries are found by ids that others have noted"},
	{"perf_event_array", NULL, "its entries are the buffers of its readers"},
	{"arena", NULL, "its pages hold addresses of their own"},
	{"user_ringbuf", NULL, "a process outside writes into it"},
	{"devmap", NULL, "its entries are interfaces, put in by a process outside"},
	{"devmap_hash", NULL, "its entries are interfaces, put in by a process outside"},
	{"cpumap", NULL, "its entries are CPUs, put in by a process outside"},
	{"xskmap", NULL, "its entries are sockets, put in by a process outside"},
	{"reuseport_sockarray", NULL, "its sockets belong to the processes that put them in"},
	{"cgroup_array", NULL, "its entries are cgroups, put in by a process outside"},
	{"struct_ops", NULL, "it is a table of programs"},
};

static const char *family_of(const char *type)
{
	for (size_t i = 0; i < IOV_COUNT(types); i++)
		if (!strcmp(types[i].type, type))
			return types[i].family;
	return NULL;
}

const char *iov_upgrade_refusal(const char *type)
{
	for (size_t i = 0; i < IOV_COUNT(types); i++)
		if (!strcmp(types[i].type, type))
			return types[i].reason;
	return "nothing is known of such maps here";
}

bool iov_upgrade_moves_entries(const char *type)
{
	const char *family = family_of(type);
	return family && strcmp(family, "ringbuf") != 0;
}

static bool is_globals(const struct iov_object_map *map)
{
	return map->name[0] == '.';
}

bool iov_upgrade_hands_on(const struct iov_object_map *map)
{
	return strncmp(map->name, ".rodata", 7) != 0 && strncmp(map->name, ".kconfig", 8) != 0 &&
	       strcmp(map->type, "prog_array") != 0;
}

/* ---- the rules of the newer release ---- */

static bool is_newer(const struct iov_release *a, const struct iov_release *b)
{
	return iov_version_compare(&a->manifest->version, &b->manifest->version) > 0;
}

static const json_t *upgrade_rule(const struct iov_release *old, const struct iov_release *new, const char *map)
{
	const struct iov_release *newer = is_newer(old, new) ? old : new;
	const json_t *maps = json_object_get(newer->manifest->json, "maps");
	return json_object_get(json_object_get(maps, "upgrade"), map);
}

bool iov_upgrade_may_lose(const struct iov_release *old, const struct iov_release *new, const char *map)
{
	return json_is_true(json_object_get(upgrade_rule(old, new, map), "lossy"));
}

/* Variables that parameters set keep what the load gives them. */
static json_t *set_variables(const struct iov_manifest *manifest)
{
	json_t *set = json_object();
	for (size_t i = 0; set && i < manifest->n_params; i++)
		if (manifest->params[i].sets == IOV_SETS_VARIABLE)
			json_object_set_new(set, manifest->params[i].sets_name, json_true());
	return set;
}

int iov_upgrade_conversion(struct iov_ctx *ctx, const struct iov_release *old, const struct iov_release *new,
			   const struct iov_object_map *from, const struct iov_object_map *to,
			   struct iov_conversion **ret)
{
	iov_auto(iov_json_release) json_t *set = is_globals(to) ? set_variables(new->manifest) : json_object();
	if (!set)
		return iov_oom(ctx);
	const struct iov_conversion_rules rules = {
		.upgrade = upgrade_rule(old, new, to->name), .inverted = is_newer(old, new), .set = set};
	return iov_conversion_make(ctx, from, to, &rules, ret);
}

/* ---- the decision ---- */

struct deciding {
	struct iov_ctx *ctx;
	const struct iov_upgrade *upgrade;
	const struct iov_object_map *old, *new;
	const json_t *rule;
	struct iov_map_fate fate;
};

static int add_loss(struct deciding *deciding, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int add_loss(struct deciding *deciding, const char *format, ...)
{
	struct iov_buf text = {0};
	va_list args;
	va_start(args, format);
	iov_buf_vprintf(&text, format, args);
	va_end(args);
	iov_auto(iov_free_ptr) char *words = iov_buf_take(&text);
	return !words || json_array_append_new(deciding->fate.losses, json_string(words)) ? iov_oom(deciding->ctx)
											  : IOV_OK;
}

static bool says(const struct deciding *deciding, const char *word)
{
	const char *on_change = json_string_value(json_object_get(deciding->rule, "on_change"));
	return on_change && !strcmp(on_change, word);
}

static char *title_of(const struct iov_release *release, const struct iov_object_map *map)
{
	struct iov_buf text = {0};
	iov_buf_printf(&text, "%s: %s, key %u, value %u, entries %u, flags 0x%x", release->manifest->version.text,
		       map->type, map->key_size, map->value_size, map->max_entries, map->flags);
	return iov_buf_take(&text);
}

/* "map 'flows' of 'table': <what>", the losses and both layouts. */
static int refuse(const struct deciding *deciding, const char *what, const char *remedy)
{
	const struct iov_upgrade *upgrade = deciding->upgrade;
	iov_auto(iov_free_ptr) char *left = title_of(upgrade->old, deciding->old);
	iov_auto(iov_free_ptr) char *right = title_of(upgrade->new, deciding->new);
	iov_auto(iov_free_ptr) char *both =
		left && right ? iov_layout_compare_text(left, deciding->old->layout, right, deciding->new->layout)
			      : NULL;
	iov_auto(iov_buf_release) struct iov_buf losses = {0};
	size_t i;
	json_t *loss;
	json_array_foreach(deciding->fate.losses, i, loss) {
		iov_buf_printf(&losses, "\n  %s", json_string_value(loss));
	}
	if (!both || iov_buf_failed(&losses))
		return iov_oom(deciding->ctx);
	return iov_error(deciding->ctx, IOV_E_CONTRACT, "map '%s' of '%s' %s %s %s; %s%s\n%.*s", deciding->new->name,
			 upgrade->instance, what, upgrade->new->manifest->name, upgrade->new->manifest->version.text,
			 remedy, losses.data ? losses.data : "", (int)strlen(both) - 1, both);
}

static int refuse_change(const struct deciding *deciding)
{
	char remedy[512];
	snprintf(remedy, sizeof(remedy),
		 "let its manifest say 'on_change: migrate' (or 'reset', to start empty) under maps.upgrade.%s, or "
		 "unload '%s' and load it again",
		 deciding->new->name, deciding->upgrade->instance);
	return refuse(deciding, "is laid out otherwise in", remedy);
}

static int refuse_losses(const struct deciding *deciding)
{
	char remedy[512];
	snprintf(remedy, sizeof(remedy),
		 "allow it with --lossy, or with 'lossy: true' under maps.upgrade.%s in its manifest; or start empty "
		 "with 'on_change: reset'",
		 deciding->new->name);
	return refuse(deciding, "does not fit whole into that of", remedy);
}

/* Why no conversion can do it; NULL: one can. */
static const char *obstacle(const struct deciding *deciding)
{
	static const uint32_t closed = BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;
	const char *from = family_of(deciding->old->type), *to = family_of(deciding->new->type);
	bool same_key = json_equal(json_object_get(deciding->old->layout, "key"),
				   json_object_get(deciding->new->layout, "key"));
	if (!from)
		return iov_upgrade_refusal(deciding->old->type);
	if (!to)
		return iov_upgrade_refusal(deciding->new->type);
	if (strcmp(from, to) != 0)
		return "it becomes a map of another type";
	if ((deciding->old->flags | deciding->new->flags) & closed)
		return "programs may not read and write it";
	if (deciding->old->value_size > VALUE_MAX || deciding->new->value_size > VALUE_MAX)
		return "its value is larger than 128 KiB";
	if (!strcmp(from, "lpm_trie") && (deciding->old->key_size != deciding->new->key_size || !same_key))
		return "the prefixes of an LPM trie cannot change";
	return NULL;
}

static int give_up(struct deciding *deciding, const char *reason)
{
	iov_auto(iov_buf_release) struct iov_buf remedy = {0};
	if (deciding->upgrade->back) {
		deciding->fate.fate = IOV_MAP_RESET;
		return add_loss(deciding, "its entries cannot move: %s", reason);
	}
	iov_buf_printf(&remedy,
		       "its entries cannot move: %s; let the manifest say 'on_change: reset' under maps.upgrade.%s to "
		       "start empty, or unload '%s' and load it again",
		       reason, deciding->new->name, deciding->upgrade->instance);
	return iov_buf_failed(&remedy) ? iov_oom(deciding->ctx) : refuse(deciding, "changes in", remedy.data);
}

static bool is_percpu_hash(const struct iov_object_map *map)
{
	const char *family = family_of(map->type);
	return family && !strcmp(family, "percpu_hash");
}

/* What the conversion and the number of entries lose. */
static int gather_losses(struct deciding *deciding, json_t **ret_told)
{
	iov_auto(iov_conversion_release) struct iov_conversion *conversion = NULL;
	const struct iov_object_map *old = deciding->old, *new = deciding->new;
	const struct iov_upgrade *upgrade = deciding->upgrade;
	if (!iov_upgrade_moves_entries(new->type))
		return IOV_OK; /* a ring buffer is drained, not converted */
	int rc = iov_upgrade_conversion(deciding->ctx, upgrade->old, upgrade->new, old, new, &conversion);
	if (rc || !conversion)
		return rc;
	if (conversion->value.n_fills && is_percpu_hash(new))
		return iov_error(deciding->ctx, IOV_E_CONTRACT,
				 "map '%s' of '%s' is kept for each CPU, where new fields start at zero; remove their "
				 "default from the manifest",
				 new->name, upgrade->instance);
	if (json_array_extend(deciding->fate.losses, conversion->losses))
		return iov_oom(deciding->ctx);
	if (strstr(new->type, "array") && old->max_entries > new->max_entries)
		rc = add_loss(deciding, "elements %u to %u are dropped", new->max_entries, old->max_entries - 1);
	*ret_told = json_incref(conversion->told);
	return rc;
}

static int migrate(struct deciding *deciding)
{
	iov_auto(iov_json_release) json_t *told = NULL;
	const struct iov_upgrade *upgrade = deciding->upgrade;
	const char *reason = obstacle(deciding);
	if (reason)
		return give_up(deciding, reason);
	int rc = gather_losses(deciding, &told);
	if (rc == IOV_E_INPUT && upgrade->back)
		return give_up(deciding, "its layout has too many fields");
	if (rc)
		return rc;
	bool allowed = upgrade->back || upgrade->lossy ||
		       iov_upgrade_may_lose(upgrade->old, upgrade->new, deciding->new->name);
	if (json_array_size(deciding->fate.losses) && !allowed)
		return refuse_losses(deciding);
	deciding->fate.fate = IOV_MAP_MIGRATED;
	return told && json_array_extend(deciding->fate.losses, told) ? iov_oom(deciding->ctx) : IOV_OK;
}

static bool is_set(const struct deciding *deciding)
{
	const json_t *members = json_object_get(json_object_get(deciding->new->layout, "value"), "members");
	const struct iov_manifest *manifest = deciding->upgrade->new->manifest;
	for (size_t i = 0; is_globals(deciding->new) && i < json_array_size(members); i++) {
		const char *name = json_string_value(json_object_get(json_array_get(members, i), "name"));
		for (size_t k = 0; name && k < manifest->n_params; k++)
			if (manifest->params[k].sets == IOV_SETS_VARIABLE &&
			    !strcmp(manifest->params[k].sets_name, name))
				return true;
	}
	return false;
}

static int decide(struct deciding *deciding)
{
	bool same_layout = !strcmp(deciding->old->fingerprint, deciding->new->fingerprint);
	bool same_size = deciding->old->max_entries == deciding->new->max_entries;
	if (same_layout && same_size && !is_set(deciding)) {
		deciding->fate.fate = IOV_MAP_KEPT;
		return IOV_OK;
	}
	if (says(deciding, "reset")) {
		deciding->fate.fate = IOV_MAP_RESET;
		return IOV_OK;
	}
	if (!same_layout && !is_globals(deciding->new) && !says(deciding, "migrate") && !deciding->upgrade->back)
		return refuse_change(deciding);
	return migrate(deciding);
}

int iov_upgrade_decide(struct iov_ctx *ctx, const struct iov_upgrade *upgrade, const struct iov_object_map *old,
		       const struct iov_object_map *new, struct iov_map_fate *ret)
{
	struct deciding deciding = {.ctx = ctx,
				    .upgrade = upgrade,
				    .old = old,
				    .new = new,
				    .rule = upgrade_rule(upgrade->old, upgrade->new, new->name),
				    .fate = {.losses = json_array()}};
	if (!deciding.fate.losses)
		return iov_oom(ctx);
	int rc = decide(&deciding);
	if (rc)
		iov_map_fate_release(&deciding.fate);
	else
		*ret = deciding.fate;
	return rc;
}

void iov_map_fate_release(struct iov_map_fate *fate)
{
	json_decref(fate->losses);
	*fate = (struct iov_map_fate){0};
}
