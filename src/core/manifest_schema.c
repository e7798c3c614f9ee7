#include "core/manifest_schema.h"

static const char *const accesses[] = {"read", "write", NULL};
static const char *const changes[] = {"migrate", "reset", NULL};
static const char *const merges[] = {"sum", "latest", "max", "min", NULL};
static const char *const param_types[] = {"string", "interface", "bool", "u8", "u16", "u32", "u64", "i32", "i64", NULL};

#define TEXT .kind = IOV_SCHEMA_TEXT
#define BOOLEAN .kind = IOV_SCHEMA_BOOLEAN
#define INTEGER .kind = IOV_SCHEMA_INTEGER
#define LIST .kind = IOV_SCHEMA_LIST
#define MAP .kind = IOV_SCHEMA_MAP

static const struct iov_schema a_requirement = {
	TEXT,
	.format = &iov_format_requirement,
	.summary = "The versions that will do: ^1.3, ~1.3.2, =1.3.0, >=1.2, <2 or *, joined by commas, with cargo's "
		   "meaning",
};
static const struct iov_schema a_source = {TEXT, .format = &iov_format_source,
					   .summary = "A C file, by its path inside the module"};
static const struct iov_schema a_module = {TEXT, .format = &iov_format_name, .summary = "The name of a module"};
static const struct iov_schema a_program = {TEXT, .format = &iov_format_identifier,
					    .summary = "A program, by the name of its C function"};
static const struct iov_schema a_map = {TEXT, .format = &iov_format_map, .summary = "A map, by its name in the source"};
static const struct iov_schema a_field = {TEXT, .format = &iov_format_field, .summary = "The field's new name"};
static const struct iov_schema a_number = {.kind = IOV_SCHEMA_VALUE,
					   .format = &iov_format_value,
					   .summary = "A number, a name, or text for an array of char"};
static const struct iov_schema a_word = {
	.kind = IOV_SCHEMA_VALUE, .format = &iov_format_value, .summary = "A word of the command"};
static const struct iov_schema a_group = {LIST, .item = &a_program, .summary = "Programs that go together"};

static const struct iov_schema build_members[] = {
	{"sources", LIST, .required = true, .item = &a_source,
	 .summary = "The C files to compile and link into the module's object"},
	{0},
};

static const struct iov_schema order_members[] = {
	{"first", BOOLEAN, .summary = "Runs before all others at its hook"},
	{"last", BOOLEAN, .summary = "Runs after all others at its hook"},
	{"before", LIST, .item = &a_module, .summary = "Modules whose programs at the same hook run after this one"},
	{"after", LIST, .item = &a_module, .summary = "Modules whose programs at the same hook run before this one"},
	{0},
};

static const struct iov_schema program_members[] = {
	{"target", TEXT, .format = &iov_format_target,
	 .summary = "What the program attaches to, where SEC() does not say it: an interface, or $NAME for a "
		    "parameter's value"},
	{"optional", BOOLEAN, .summary = "Attached where the kernel can, left out where it cannot"},
	{"order", MAP, .members = order_members, .summary = "The place among other programs at the same hook"},
	{0},
};
static const struct iov_schema program = {MAP, .members = program_members,
					  .summary = "What SEC() does not say of this program already"};

static const struct iov_schema import_members[] = {
	{"from", TEXT, .required = true, .format = &iov_format_name,
	 .summary = "The module that exports the map; one of the dependencies"},
	{"access", TEXT, .required = true, .choices = accesses,
	 .summary = "read, which is proven before loading, or write"},
	{"map", TEXT, .format = &iov_format_map, .summary = "The map's name at its provider, where that is another"},
	{0},
};
static const struct iov_schema import = {MAP, .members = import_members,
					 .summary = "A map of another module that this one uses"};

static const struct iov_schema export_members[] = {
	{"access", TEXT, .required = true, .choices = accesses,
	 .summary = "The most that importers may do: read or write"},
	{0},
};
static const struct iov_schema export = {MAP, .members = export_members, .summary = "A map that other modules may use"};

static const struct iov_schema field_members[] = {
	{"merge", TEXT, .choices = merges, .summary = "How late writes to this field join the copy"},
	{"multiply", INTEGER, .format = &iov_format_positive,
	 .summary = "The old value times this is the new one: a change of unit"},
	{"divide", INTEGER, .format = &iov_format_positive, .summary = "The old value divided by this is the new one"},
	{"default", INTEGER, .summary = "The first value of a field that the old layout lacks; 0 unless it is said"},
	{0},
};
static const struct iov_schema field = {MAP, .members = field_members, .summary = "A field, by its new name"};

static const struct iov_schema upgrade_members[] = {
	{"on_change", TEXT, .choices = changes,
	 .summary = "What happens to the entries when the layout changes: migrate or reset"},
	{"merge", TEXT, .choices = merges,
	 .summary = "How late writes join the copy: sum for the unsigned integers, which count, or latest"},
	{"rename", MAP, .format = &iov_format_field, .item = &a_field,
	 .summary = "Fields that have a new name, old: new"},
	{"fields", MAP, .format = &iov_format_field, .item = &field,
	 .summary = "Fields that are treated otherwise than the rest"},
	{"lossy", BOOLEAN, .summary = "The new layout may hold less than the old one"},
	{0},
};
static const struct iov_schema upgrade = {MAP, .members = upgrade_members,
					  .summary = "What an upgrade does with this map"};

static const struct iov_schema maps_members[] = {
	{"imports", MAP, .format = &iov_format_map, .item = &import,
	 .summary = "Maps of other modules that this one uses, by their name in this source"},
	{"exports", MAP, .format = &iov_format_map, .item = &export, .summary = "Maps that other modules may use"},
	{"upgrade", MAP, .format = &iov_format_map, .item = &upgrade,
	 .summary = "What an upgrade does with the entries of a map"},
	{"persist", LIST, .item = &a_map, .summary = "Maps whose entries are saved at shutdown and restored at boot"},
	{0},
};

static const struct iov_schema key_members = {MAP, .format = &iov_format_field, .item = &a_number,
					      .summary = "The members of a struct, by name"};

static const struct iov_schema health_members[] = {
	{"program", TEXT, .format = &iov_format_identifier,
	 .summary = "A program that must run, by the name of its C function"},
	{"ran_within", TEXT, .format = &iov_format_duration,
	 .summary = "The time within which the program must have run once: a number and ms, s or m"},
	{"map", TEXT, .format = &iov_format_map, .summary = "A map one of whose values is looked at"},
	{"key", .kind = IOV_SCHEMA_VALUE, .format = &iov_format_value, .otherwise = &key_members,
	 .summary = "The key of the entry: a number, a name, 'hex:' and its bytes, or the members of a struct; without "
		    "it, the number of entries counts"},
	{"variable", TEXT, .format = &iov_format_identifier, .summary = "A global variable that is looked at"},
	{"field", TEXT, .format = &iov_format_field,
	 .summary = "The member of a struct that is looked at, as in 'packets' or 'rx.bytes[3]'"},
	{"equals", .kind = IOV_SCHEMA_VALUE, .format = &iov_format_value, .summary = "The value must be this"},
	{"at_least", .kind = IOV_SCHEMA_VALUE, .format = &iov_format_value,
	 .summary = "The value must be this or more"},
	{"at_most", .kind = IOV_SCHEMA_VALUE, .format = &iov_format_value, .summary = "The value must be this or less"},
	{"rises_by", .kind = IOV_SCHEMA_VALUE, .format = &iov_format_value,
	 .summary = "The value must rise by this or more after the switch"},
	{"command", LIST, .item = &a_word, .repeats = true,
	 .summary =
		 "A program of the host and its arguments, which must end with status 0; $NAME is a parameter's value"},
	{"within", TEXT, .format = &iov_format_duration,
	 .summary = "The time within which the condition must come true, or the command end: a number and ms, s or m"},
	{"throughout", TEXT, .format = &iov_format_duration,
	 .summary = "The time through which the condition must be true: a number and ms, s or m"},
	{0},
};
static const struct iov_schema health = {MAP, .members = health_members, .summary = "One check"};

static const struct iov_schema event_members[] = {
	{"type", TEXT, .required = true, .format = &iov_format_struct,
	 .summary = "The C type of an event: struct NAME"},
	{0},
};
static const struct iov_schema event = {MAP, .members = event_members, .summary = "A ring or perf buffer"};

static const struct iov_schema param_members[] = {
	{"type", TEXT, .required = true, .choices = param_types, .summary = "What the value must be"},
	{"required", BOOLEAN, .summary = "Each instance must be given a value"},
	{"default", .kind = IOV_SCHEMA_VALUE, .format = &iov_format_value, .summary = "The value where none is given"},
	{"sets", TEXT, .format = &iov_format_sets,
	 .summary =
		 "What gets the value before loading: 'variable NAME' (a const volatile global) or 'max_entries MAP'"},
	{"summary", TEXT, .format = &iov_format_summary, .summary = "What the parameter is for, in one line"},
	{0},
};
static const struct iov_schema param = {MAP, .members = param_members, .summary = "A parameter of each instance"};

static const struct iov_schema manifest_members[] = {
	{"schema", .kind = IOV_SCHEMA_INTEGER, .required = true, .format = &iov_format_schema,
	 .summary = "The manifest format: 1"},
	{"name", TEXT, .required = true, .format = &iov_format_name,
	 .summary = "The module's name: a-z, 0-9 and '-', starting with a letter, at most 64"},
	{"version", TEXT, .required = true, .format = &iov_format_version,
	 .summary = "The version of this release: MAJOR.MINOR.PATCH"},
	{"summary", TEXT, .required = true, .format = &iov_format_summary,
	 .summary = "What the module is for, in one line"},
	{"license", TEXT, .required = true, .format = &iov_format_license,
	 .summary = "The SPDX expression of its license, as in GPL-2.0-only"},
	{"dependencies", MAP, .format = &iov_format_name, .item = &a_requirement,
	 .summary = "Modules that this one needs, and which versions"},
	{"build", MAP, .required = true, .members = build_members,
	 .summary = "How the object is made from the sources"},
	{"programs", MAP, .format = &iov_format_identifier, .item = &program,
	 .summary = "Programs of which SEC() does not say all, by the name of their C function"},
	{"choose", LIST, .item = &a_group,
	 .summary = "Groups of programs that do the same; the first group that the kernel can load is used"},
	{"maps", MAP, .members = maps_members, .summary = "Maps that are shared, migrated or saved"},
	{"health", LIST, .item = &health,
	 .summary = "What must be true after an upgrade; otherwise the old generation comes back"},
	{"events", MAP, .format = &iov_format_map, .item = &event,
	 .summary = "Buffers that 'iovpkg events' prints, by the name of the map"},
	{"params", MAP, .format = &iov_format_param, .item = &param,
	 .summary = "What an instance can be told, by name"},
	{0},
};

const struct iov_schema iov_manifest_schema = {MAP, .members = manifest_members,
					       .summary = "The manifest of an IO module"};
