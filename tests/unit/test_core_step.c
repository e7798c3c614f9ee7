/* What a change of exports asks of the version. Each case is a row. */
#include <stdio.h>
#include <string.h>

#include "check/check.h"
#include "core/step.h"
#include "unit.h"
#include "util/cleanup.h"

/* A map is "name type access key field:type,field:type": the fields lie one behind the other. */
static unsigned bits_of(const char *type)
{
	return (unsigned)strtoul(type + 1, NULL, 10);
}

static json_t *struct_of(char *fields)
{
	unsigned at = 0;
	json_t *members = json_array();
	for (char *field; (field = strsep(&fields, ","));) {
		char *type = strchr(field, ':');
		*type++ = '\0';
		json_array_append_new(members,
				      json_pack("{s:s, s:i, s:s}", "name", field, "offset", (int)at, "type", type));
		at += bits_of(type);
	}
	return json_pack("{s:s, s:i, s:o}", "kind", "struct", "size", (int)at / 8, "members", members);
}

static json_t *map_of(struct iov_ctx *ctx, char *words[5])
{
	iov_auto(iov_json_release) json_t *layout =
		json_pack("{s:s, s:o}", "key", words[3], "value", struct_of(words[4]));
	struct iov_object_map map = {
		.type = words[1],
		.key_size = bits_of(words[3]) / 8,
		.value_size = (uint32_t)json_integer_value(json_object_get(json_object_get(layout, "value"), "size")),
		.layout = layout};
	unit_ok(ctx, iov_check_fingerprint(ctx, &map));
	return json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:O, s:s}", "name", words[0], "type", words[1], "key_size",
			 (int)map.key_size, "value_size", (int)map.value_size, "max_entries", 16, "flags", 0, "layout",
			 layout, "fingerprint", map.fingerprint);
}

/* "1.2.0", a space, and maps with ';' between them. */
static void make(struct iov_ctx *ctx, const char *text, struct iov_release *ret)
{
	char copy[512], yaml[1024];
	snprintf(copy, sizeof(copy), "%s", text);
	char *rest = copy, *version = strsep(&rest, " ");
	json_t *maps = json_array();
	int len = snprintf(yaml, sizeof(yaml),
			   "schema: 1\nname: table\nversion: %s\nsummary: a table\nlicense: GPL-2.0-only\n"
			   "build:\n  sources: [a.bpf.c]\nmaps:\n  exports:\n    other: {access: read}\n",
			   version);
	for (char *map; (map = strsep(&rest, ";"));) {
		char *words[5];
		for (size_t i = 0; i < 5; i++)
			words[i] = strsep(&map, " ");
		ck_assert_ptr_nonnull(words[4]);
		len += snprintf(yaml + len, sizeof(yaml) - (size_t)len, "    %s: {access: %s}\n", words[0], words[2]);
		json_array_append_new(maps, map_of(ctx, words));
	}
	char fields[] = "x:u32", *other[] = {"other", "hash", "read", "u32", fields};
	json_array_append_new(maps, map_of(ctx, other));
	iov_auto(iov_json_release) json_t *object =
		json_pack("{s:s, s:o, s:[]}", "license", "GPL", "maps", maps, "programs");
	*ret = (struct iov_release){0};
	unit_ok(ctx, iov_manifest_parse_yaml(ctx, "iov.yaml", yaml, (size_t)len, &ret->manifest));
	unit_ok(ctx, iov_object_from_json(ctx, object, &ret->object));
}

static void drop(struct iov_release *release)
{
	iov_manifest_free(release->manifest);
	iov_object_free(release->object);
}

#define PAIR "packets:u64,bytes:u64"
#define READ "flows hash read u32 "
#define WRITE "flows hash write u32 "
#define OK NULL

/* Whether `new` may follow `old`, otherwise what the refusal says. */
static const struct {
	const char *old, *new, *words;
} steps[] = {
	{"1.0.0 " READ PAIR, "1.0.1 " READ PAIR, OK},
	/* renamed, moved, removed, resized, put in between: major */
	{"1.0.0 " READ PAIR, "1.0.1 " READ "pkts:u64,bytes:u64", "field 'packets' is renamed to 'pkts'"},
	{"1.0.0 " READ PAIR, "1.1.0 " READ "pkts:u64,bytes:u64", "asks for a major step, so make it 2.0.0"},
	{"1.0.0 " READ PAIR, "2.0.0 " READ "pkts:u64,bytes:u64", OK},
	{"1.0.0 " READ PAIR, "1.1.0 " READ "bytes:u64,packets:u64",
	 "map 'flows': in the value field 'packets' moved from byte 0 to 8, field 'bytes' moved from byte 8 to 0"},
	{"1.0.0 " READ PAIR, "1.1.0 " READ "packets:u64", "field 'bytes' is gone, the value had 16 bytes and has 8"},
	{"1.0.0 " READ PAIR, "1.1.0 " READ "packets:u64,bytes:u32", "field 'bytes' was u64 and is u32"},
	{"1.0.0 " READ PAIR, "1.1.0 " READ "packets:u64,bytes:s64", "field 'bytes' was u64 and is s64"},
	{"1.0.0 " READ PAIR, "1.1.0 " READ "packets:u64,drops:u32,pad:u32,bytes:u64",
	 "field 'drops' is put in between"},
	/* appended */
	{"1.0.0 " READ PAIR, "1.0.1 " READ PAIR ",last:u64", "field 'last' is appended"},
	{"1.0.0 " READ PAIR, "1.0.1 " READ PAIR ",last:u64", "asks for a minor step, so make it 1.1.0"},
	{"1.0.0 " READ PAIR, "1.1.0 " READ PAIR ",last:u64", OK},
	{"1.0.0 " WRITE PAIR, "1.1.0 " WRITE PAIR ",last:u64", "asks for a major step, so make it 2.0.0"},
	{"1.0.0 " WRITE PAIR, "2.0.0 " WRITE PAIR ",last:u64", OK},
	/* type, key */
	{"1.0.0 " READ PAIR, "1.1.0 flows lru_hash read u32 " PAIR, "map 'flows': it was a hash and is a lru_hash"},
	{"1.0.0 " READ PAIR, "1.1.0 flows hash read u64 " PAIR, "map 'flows': in the key was u32 and is u64"},
	{"1.0.0 " READ PAIR, "1.1.0 flows hash read s32 " PAIR, "map 'flows': in the key was u32 and is s32"},
	/* exports come, go, and change what importers may do */
	{"1.0.0 " READ PAIR, "1.0.1 " READ PAIR ";more hash read u32 x:u32",
	 "map 'more' is exported now; that asks for a minor"},
	{"1.0.0 " READ PAIR, "1.1.0 " READ PAIR ";more hash read u32 x:u32", OK},
	{"1.0.0 " READ PAIR, "1.1.0 more hash read u32 x:u32", "map 'flows' is not exported any more; map 'more'"},
	{"1.0.0 " WRITE PAIR, "1.1.0 " READ PAIR, "was exported for writing and is for reading only"},
	{"1.0.0 " READ PAIR, "1.0.1 " WRITE PAIR, "map 'flows' is exported for writing too; that asks for a minor"},
	{"1.0.0 " READ PAIR, "1.1.0 " WRITE PAIR, OK},
	/* below 1.0, cargo's meaning: the minor is what breaks */
	{"0.1.0 " READ PAIR, "0.1.1 " READ PAIR ",last:u64", OK},
	{"0.1.0 " READ PAIR, "0.1.1 " READ "pkts:u64,bytes:u64", "asks for a major step, so make it 0.2.0"},
	{"0.1.0 " READ PAIR, "0.2.0 " READ "pkts:u64,bytes:u64", OK},
	{"0.0.1 " READ PAIR, "0.0.2 " READ "pkts:u64,bytes:u64", OK},
	{"0.9.0 " READ PAIR, "1.0.0 " READ "pkts:u64,bytes:u64", OK},
	/* pre-releases are on the way to a release, and promise nothing */
	{"1.0.0 " READ PAIR, "1.0.1-rc.1 " READ "pkts:u64,bytes:u64", "is renamed to"},
	{"1.1.0-rc.1 " READ PAIR, "1.1.0 " READ "pkts:u64,bytes:u64", OK},
	{"1.0.0 " READ PAIR, "1.0.0+build " READ PAIR, OK},
};

START_TEST(test_step)
{
	struct iov_ctx *ctx = unit_ctx();
	struct iov_release old, new, *others[] = {&old};
	make(ctx, steps[_i].old, &old);
	make(ctx, steps[_i].new, &new);
	if (steps[_i].words)
		unit_fails(ctx, iov_release_check_step(ctx, &new, others, 1), IOV_E_CONTRACT, steps[_i].words);
	else
		unit_ok(ctx, iov_release_check_step(ctx, &new, others, 1));
	drop(&old);
	drop(&new);
	unit_ctx_free(ctx);
}
END_TEST

/* Against which of several releases one is held. */
static const struct {
	const char *others[4], *new, *words;
	int yanked; /* which of them is; -1: none */
} lines[] = {
	{{"1.2.3 " READ PAIR, "2.0.0 " READ "x:u64"}, "1.2.4 " READ PAIR, OK, -1},
	{{"1.2.3 " READ PAIR, "2.0.0 " READ "x:u64"}, "1.2.4 " READ "x:u64", "1.2.3 exports", -1},
	{{"1.2.3 " READ PAIR, "1.0.0 " READ "x:u64"}, "1.2.4 " READ PAIR, OK, -1},
	{{"1.0.0 " READ PAIR, "1.1.0 " READ PAIR ",last:u64"},
	 "1.1.1 " READ PAIR,
	 "'table' 1.1.1 changes maps that 1.1.0 exports",
	 -1},
	/* a mistake that was taken back binds nobody */
	{{"1.0.0 " READ PAIR, "1.1.0 " READ PAIR ",last:u64"}, "1.1.1 " READ PAIR, OK, 1},
	/* one that comes late must not make a break of the next one */
	{{"1.0.0 " READ PAIR, "1.2.0 " READ PAIR ",last:u64"},
	 "1.1.0 " READ PAIR ",first:u64",
	 "'table' 1.1.0 lies before 1.2.0, which is published",
	 -1},
	{{"1.0.0 " READ PAIR, "1.2.0 " READ PAIR ",last:u64"}, "1.1.0 " READ PAIR ",last:u64", OK, -1},
	{{"1.0.0 " READ PAIR, "1.0.2 " READ PAIR}, "1.0.1 " READ PAIR, OK, -1},
	{{NULL}, "1.0.0 " READ PAIR, OK, -1},
};

START_TEST(test_line)
{
	struct iov_ctx *ctx = unit_ctx();
	struct iov_release made[4], new, *others[4];
	size_t count = 0;
	for (; lines[_i].others[count]; count++) {
		make(ctx, lines[_i].others[count], &made[count]);
		made[count].yanked = (int)count == lines[_i].yanked ? "a mistake" : NULL;
		others[count] = &made[count];
	}
	make(ctx, lines[_i].new, &new);
	if (lines[_i].words)
		unit_fails(ctx, iov_release_check_step(ctx, &new, others, count), IOV_E_CONTRACT, lines[_i].words);
	else
		unit_ok(ctx, iov_release_check_step(ctx, &new, others, count));
	while (count)
		drop(&made[--count]);
	drop(&new);
	unit_ctx_free(ctx);
}
END_TEST

START_TEST(test_text)
{
	static const char expected[] = "'table' 1.0.1 changes maps that 1.0.0 exports: map 'flows': in the value field "
				       "'packets' is renamed to 'pkts', "
				       "field 'last' is appended, the value had 16 bytes and has 24; that asks for a "
				       "major step, so make it 2.0.0, or "
				       "keep the maps as they are\n"
				       "  flows 1.0.0                     | flows 1.0.1\n"
				       "  key                             | key\n"
				       "       0      4  u32              |      0      4  u32\n"
				       "  value                           | value\n"
				       "!      0     16  struct           |      0     24  struct\n"
				       "!      0      8  u64      packets |      0      8  u64      pkts\n"
				       "       8      8  u64      bytes   |      8      8  u64      bytes\n"
				       "!                                 |     16      8  u64      last";
	struct iov_ctx *ctx = unit_ctx();
	struct iov_release old, new, *others[] = {&old};
	make(ctx, "1.0.0 " READ PAIR, &old);
	make(ctx, "1.0.1 " READ "pkts:u64,bytes:u64,last:u64", &new);
	ck_assert_int_eq(iov_release_check_step(ctx, &new, others, 1), IOV_E_CONTRACT);
	ck_assert_str_eq(iov_error_text(ctx), expected);
	drop(&old);
	drop(&new);
	unit_ctx_free(ctx);
}
END_TEST

Suite *suite_core_step(void)
{
	Suite *suite = suite_create("core_step");
	TCase *core = tcase_create("core");
	tcase_add_loop_test(core, test_step, 0, IOV_COUNT(steps));
	tcase_add_loop_test(core, test_line, 0, IOV_COUNT(lines));
	tcase_add_test(core, test_text);
	suite_add_tcase(suite, core);
	return suite;
}
