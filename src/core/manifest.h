/*
 * The manifest of a module. People write iov.yaml; one schema table (core/manifest_schema.c) checks it, with line and
 * column in every error, and turns it into canonical JSON, the form that travels in releases. Both ways end in the same
 * struct.
 */
#ifndef IOV_CORE_MANIFEST_H
#define IOV_CORE_MANIFEST_H

#include "core/json.h"
#include "core/version.h"

#define IOV_MANIFEST_FILE "iov.yaml"
#define IOV_MANIFEST_MAX (256 * 1024) /* bytes; the longest useful manifest seen is 6 KB */
#define IOV_NAME_MAX 64

struct iov_node;

struct iov_dependency {
	const char *name;
	struct iov_requirement *requirement;
};

struct iov_program_spec {   /* what SEC() does not say already */
	const char *name;   /* of the C function */
	const char *target; /* "$iface", "eth0", "sched/sched_process_exec"; NULL: SEC says it */
	bool optional;	    /* attached where the kernel can */
};

enum iov_access { IOV_READ, IOV_WRITE };

struct iov_import_spec {
	const char *map;    /* its name in this module's object */
	const char *from;   /* the providing module */
	const char *source; /* its name at the provider; the same unless `map:` says otherwise */
	enum iov_access access;
};

struct iov_export_spec {
	const char *map;
	enum iov_access access; /* the most that importers may do */
};

enum iov_param_type {
	IOV_PARAM_STRING,
	IOV_PARAM_INTERFACE,
	IOV_PARAM_BOOL,
	IOV_PARAM_U8,
	IOV_PARAM_U16,
	IOV_PARAM_U32,
	IOV_PARAM_U64,
	IOV_PARAM_I32,
	IOV_PARAM_I64
};
enum iov_param_sets { IOV_SETS_NOTHING, IOV_SETS_VARIABLE, IOV_SETS_MAX_ENTRIES };

struct iov_param_spec {
	const char *name;
	enum iov_param_type type;
	bool required;
	const char *default_value; /* as text; NULL: none */
	const char *summary;
	enum iov_param_sets sets;
	const char *sets_name; /* the variable or map */
};

struct iov_event_spec {
	const char *buffer; /* a ring or perf buffer map */
	const char *type;   /* "struct exec_event": decoded through the object's BTF */
};

enum iov_health_kind { IOV_HEALTH_PROGRAM, IOV_HEALTH_MAP, IOV_HEALTH_VARIABLE, IOV_HEALTH_COMMAND };
enum iov_compare { IOV_EQUALS, IOV_AT_LEAST, IOV_AT_MOST, IOV_RISES_BY };

#define IOV_HEALTH_MAX 32	 /* checks of a module */
#define IOV_HEALTH_MS_MAX 300000 /* all checks go side by side, so an upgrade waits this long at most */

/* What must be true after a switch (docs/health.md). */
struct iov_health_spec {
	enum iov_health_kind kind;
	const char *name;  /* of the program, map or variable; of a command, its first word */
	const json_t *key; /* of a map: a text, or texts by member; NULL: its entries are counted */
	const char *field; /* NULL: the value as a whole */
	enum iov_compare compare;
	const char *than;      /* the other side of the comparison */
	const json_t *command; /* words */
	const char *time;      /* as the manifest says it */
	unsigned ms;
	bool throughout; /* must be true all that time, not once */
};

struct iov_manifest {
	json_t *json; /* the canonical document; strings below are borrowed from it */
	const char *name, *summary, *license;
	struct iov_version version;
	struct iov_dependency *dependencies;
	size_t n_dependencies;
	const char **sources; /* paths inside the module, to compile */
	size_t n_sources;
	struct iov_program_spec *programs;
	size_t n_programs;
	struct iov_import_spec *imports;
	size_t n_imports;
	struct iov_export_spec *exports;
	size_t n_exports;
	struct iov_param_spec *params;
	size_t n_params;
	struct iov_event_spec *events;
	size_t n_events;
	struct iov_health_spec *health; /* in the manifest's order */
	size_t n_health;
	const char **persist; /* maps whose entries survive a reboot */
	size_t n_persist;
	/* Where it was written, for error texts; NULL when it came as JSON. */
	char *path;
	struct iov_node *tree;
};

/* `path` is for error texts: "flow-top/iov.yaml:12:5: unknown key 'dependancies'; did you mean 'dependencies'?" */
int iov_manifest_parse_yaml(struct iov_ctx *ctx, const char *path, const char *text, size_t len,
			    struct iov_manifest **ret);
int iov_manifest_read(struct iov_ctx *ctx, const char *dir, struct iov_manifest **ret); /* DIR/iov.yaml */
/* Takes its own reference of `json`. Checks as strictly as the YAML way does. */
int iov_manifest_from_json(struct iov_ctx *ctx, json_t *json, struct iov_manifest **ret);
/* One of name, version and dependencies alone (core/brief.h). Takes its own reference of `json`. */
int iov_manifest_brief(struct iov_ctx *ctx, json_t *json, struct iov_manifest **ret);
void iov_manifest_free(struct iov_manifest *manifest);

const struct iov_program_spec *iov_manifest_program(const struct iov_manifest *manifest,
						    const char *name); /* NULL: none */
const struct iov_import_spec *iov_manifest_import(const struct iov_manifest *manifest, const char *map);
const struct iov_param_spec *iov_manifest_param(const struct iov_manifest *manifest, const char *name);
const struct iov_dependency *iov_manifest_dependency(const struct iov_manifest *manifest, const char *module);

/* What this manifest asks for and this iovpkg cannot do yet, as a key: "health", "programs.*.order"; static text.
 * NULL: nothing. Such manifests are read and kept whole, so that whoever acts on them can refuse instead of ignoring
 * the wish. */
const char *iov_manifest_unsupported(const struct iov_manifest *manifest);

/* "program 'count_in' runs within 2s", "map 'totals' [0].packets rises by 1 within 2s". Owned by the caller; NULL: no
 * memory. */
char *iov_health_text(const struct iov_health_spec *spec);

/* [a-z][a-z0-9-]{0,63} */
bool iov_is_name(const char *text);

/* Checks a value's type and range and gives its one spelling ("0x10" is "16"), owned by the caller. The error quotes
 * the value only. */
int iov_param_normalize(struct iov_ctx *ctx, const struct iov_param_spec *param, const char *text, char **ret);

/* The value of each parameter for an instance: `given` ("key=value") over `before` (object of strings, or NULL) over
 * the defaults. Checks names, types, ranges and that the required ones are there. Gives an object of strings; the
 * caller owns it. */
int iov_params_resolve(struct iov_ctx *ctx, const struct iov_manifest *manifest, struct iov_settings given,
		       const json_t *before, json_t **ret);

/* "$iface" with the parameter's value, other text as it is; owned by the caller. */
int iov_params_expand(struct iov_ctx *ctx, const struct iov_manifest *manifest, const json_t *params, const char *text,
		      char **ret);

/* The manifest's schema as JSON Schema (draft 2020-12), for editors. */
json_t *iov_manifest_json_schema(void);

#endif
