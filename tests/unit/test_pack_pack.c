/* A module folder to an archive and its record. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pack/pack.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "worker/worker.h"

static const char yaml[] = "schema: 1\nname: flow-top\nversion: 1.2.0\nsummary: Top talkers\nlicense: GPL-2.0-only\n"
			   "build:\n  sources: [src/flow_top.bpf.c, src/more/extra.bpf.c]\n";

static struct iov_ctx *ctx;
static struct iov_manifest *manifest;
static struct iov_object *object;

static void put(const char *relative, const char *text)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, "/%s", relative);
	ck_assert_int_eq(iov_fs_mkdirs_for(path, 0755), 0);
	ck_assert_int_eq(iov_fs_replace(path, text, strlen(text), 0644), 0);
}

/* The same module in a folder of any name, beside things that do not belong to it. */
static void put_module(const char *dir)
{
	static const char *const files[][2] = {
		{"iov.yaml", yaml},
		{"src/flow_top.bpf.c", "int x;\n"},
		{"src/more/extra.bpf.c", "int y;\n"},
		{"src/flow_top.h", "struct flow;\n"},
		{"src/more/deep/inner.h", "struct deep;\n"},
		{"README.md", "# flow-top\n"},
		{"LICENSE", "GPL\n"},
		{"CHANGELOG.md", "1.2.0\n"},
		{"src/notes.txt", "not a header\n"},
		{"src/.hidden.h", "left out\n"},
		{"tests/test.h", "left out\n"},
		{"docs/guide.md", "left out\n"},
		{"include/other.h", "no source beside it\n"},
		{"LICENSES/GPL.txt", "left out\n"},
	};
	for (size_t i = 0; i < IOV_COUNT(files); i++) {
		char relative[128];
		snprintf(relative, sizeof(relative), "%s/%s", dir, files[i][0]);
		put(relative, files[i][1]);
	}
}

static void set_up(void)
{
	ctx = unit_ctx();
	put_module("module");
	put("object.o", "not really ELF\n");
	unit_ok(ctx, iov_manifest_parse_yaml(ctx, "iov.yaml", yaml, strlen(yaml), &manifest));
	iov_auto(iov_json_release) json_t *json = json_pack("{s:s, s:[], s:[]}", "license", "GPL", "maps", "programs");
	unit_ok(ctx, iov_object_from_json(ctx, json, &object));
}

static void tear_down(void)
{
	iov_object_free(object);
	iov_manifest_free(manifest);
	unit_ctx_free(ctx);
}

static int pack(const char *dir, bool with_object, const char *output, json_t **ret)
{
	iov_auto(iov_free_ptr) char *from = iov_path(ctx, "/%s", dir);
	iov_auto(iov_free_ptr) char *to = iov_path(ctx, "/%s", output);
	iov_auto(iov_free_ptr) char *built = iov_path(ctx, "/object.o");
	return iov_pack_module(ctx, from, manifest, with_object ? built : NULL, object, to, ret);
}

static void assert_paths(const json_t *release, const char *want)
{
	iov_auto(iov_buf_release) struct iov_buf paths = {0};
	size_t i;
	json_t *file;
	json_array_foreach(json_object_get(json_object_get(release, "archive"), "files"), i, file) {
		iov_buf_printf(&paths, "%s\n", json_string_value(json_object_get(file, "path")));
	}
	ck_assert_str_eq(paths.data, want);
}

#define SOURCES "src/flow_top.bpf.c\nsrc/flow_top.h\nsrc/more/deep/inner.h\nsrc/more/extra.bpf.c\n"

START_TEST(takes_the_files_of_the_rule)
{
	iov_auto(iov_json_release) json_t *release = NULL;
	unit_ok(ctx, pack("module", false, "out.iov", &release));
	assert_paths(release, "CHANGELOG.md\nLICENSE\nREADME.md\niov.yaml\n" SOURCES);
}
END_TEST

START_TEST(takes_the_object_of_this_machine)
{
	iov_auto(iov_json_release) json_t *release = NULL;
	iov_auto(iov_free_ptr) char *path = iov_object_path_for("flow-top");
	iov_auto(iov_buf_release) struct iov_buf want = {0};
	unit_ok(ctx, pack("module", true, "out.iov", &release));
	iov_buf_printf(&want, "CHANGELOG.md\nLICENSE\nREADME.md\niov.yaml\n%s\n" SOURCES, path);
	assert_paths(release, want.data);
}
END_TEST

static uint64_t number_of(const json_t *archive, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(archive, key));
}

START_TEST(record_says_what_the_archive_holds)
{
	iov_auto(iov_json_release) json_t *release = NULL;
	iov_auto(iov_free_ptr) char *out = iov_path(ctx, "/out.iov");
	char sha256[IOV_HEX_SIZE], of_yaml[IOV_HEX_SIZE];
	struct stat st;
	unit_ok(ctx, pack("module", false, "out.iov", &release));
	const json_t *archive = json_object_get(release, "archive");
	unit_ok(ctx, iov_sha256_file(ctx, out, sha256));
	ck_assert_str_eq(json_string_value(json_object_get(archive, "sha256")), sha256);
	ck_assert_int_eq(stat(out, &st), 0);
	ck_assert_uint_eq(number_of(archive, "size"), (uint64_t)st.st_size);
	uint64_t sum = 0;
	size_t i;
	json_t *file;
	json_array_foreach(json_object_get(archive, "files"), i, file) {
		sum += number_of(file, "size");
	}
	ck_assert_uint_eq(number_of(archive, "unpacked"), sum);
	iov_sha256_hex(yaml, strlen(yaml), of_yaml);
	ck_assert_str_eq(
		json_string_value(json_object_get(json_array_get(json_object_get(archive, "files"), 3), "sha256")),
		of_yaml);
	ck_assert_int_eq(json_integer_value(json_object_get(release, "schema")), 1);
	ck_assert(json_object_get(release, "manifest") == manifest->json);
	ck_assert(json_object_get(release, "object") == object->json);
}
END_TEST

/* In another folder, years apart, with other modes and owners: the same bytes. */
START_TEST(same_module_is_same_archive)
{
	static const char *const touched[] = {"iov.yaml", "README.md", "src/flow_top.h", "src"};
	iov_auto(iov_json_release) json_t *one = NULL, *two = NULL;
	put_module("elsewhere/copy of it");
	for (size_t i = 0; i < IOV_COUNT(touched); i++) {
		iov_auto(iov_free_ptr) char *path = iov_path(ctx, "/elsewhere/copy of it/%s", touched[i]);
		const struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
		ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
		ck_assert_int_eq(chmod(path, 0700), 0);
		if (geteuid() == 0)
			ck_assert_int_eq(chown(path, 12, 34), 0);
	}
	unit_ok(ctx, pack("module", true, "one.iov", &one));
	umask(077);
	unit_ok(ctx, pack("elsewhere/copy of it", true, "two.iov", &two));
	ck_assert(json_equal(one, two));
}
END_TEST

START_TEST(missing_source_is_named)
{
	iov_auto(iov_free_ptr) char *source = iov_path(ctx, "/module/src/more/extra.bpf.c");
	iov_auto(iov_free_ptr) char *out = iov_path(ctx, "/out.iov");
	json_t *release = NULL;
	ck_assert_int_eq(unlink(source), 0);
	unit_fails(ctx, pack("module", false, "out.iov", &release), IOV_E_INPUT,
		   "packing 'flow-top': 'src/more/extra.bpf.c' of module 'flow-top' is not in '");
	unit_fails(ctx, pack("module", false, "out.iov", &release), IOV_E_INPUT, "correct 'build.sources' in iov.yaml");
	ck_assert(!iov_fs_exists(out));
	ck_assert_ptr_null(release);
}
END_TEST

/* A link in the place of a source, of a header, of a document, and of a folder on the way. */
START_TEST(links_are_refused)
{
	static const char *const places[] = {"src/flow_top.bpf.c", "src/linked.h", "README.md", "src/more",
					     "src/flags"};
	iov_auto(iov_free_ptr) char *target = iov_path(ctx, "/elsewhere");
	ck_assert_int_eq(iov_fs_mkdirs(target, 0755), 0);
	iov_auto(iov_free_ptr) char *place = iov_path(ctx, "/module/%s", places[_i]);
	iov_auto(iov_buf_release) struct iov_buf words = {0};
	json_t *release = NULL;
	ck_assert_int_eq(iov_fs_rmtree(place), 0);
	ck_assert_int_eq(symlink(target, place), 0);
	iov_buf_printf(&words, "'%s' is a symbolic link", place);
	unit_fails(ctx, pack("module", false, "out.iov", &release), IOV_E_INPUT, words.data);
}
END_TEST

START_TEST(names_that_cannot_travel_are_refused)
{
	json_t *release = NULL;
	put("module/src/gr\xc3\xb6\xc3\x9f"
	    "e.h",
	    "");
	unit_fails(ctx, pack("module", false, "out.iov", &release), IOV_E_INPUT,
		   "cannot be packed; use plain ASCII names");
}
END_TEST

START_TEST(names_that_differ_in_case_are_refused)
{
	json_t *release = NULL;
	iov_auto(iov_free_ptr) char *out = iov_path(ctx, "/out.iov");
	put("module/src/Flow_Top.h", "");
	unit_fails(ctx, pack("module", false, "out.iov", &release), IOV_E_INPUT,
		   "no host would take it: the archive holds 'src/Flow_Top.h' and 'src/flow_top.h', which differ in "
		   "case only");
	ck_assert(!iov_fs_exists(out));
}
END_TEST

START_TEST(too_much_is_refused_before_packing)
{
	json_t *release = NULL;
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, "/module/src/flow_top.h");
	ck_assert_int_eq(truncate(path, (off_t)IOV_UNPACKED_MAX + 1), 0);
	unit_fails(ctx, pack("module", false, "out.iov", &release), IOV_E_INPUT,
		   "more than the 128 MiB that an archive may hold");
}
END_TEST

Suite *suite_pack_pack(void);
Suite *suite_pack_pack(void)
{
	Suite *suite = suite_create("pack_pack");
	TCase *tests = tcase_create("all");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, takes_the_files_of_the_rule);
	tcase_add_test(tests, takes_the_object_of_this_machine);
	tcase_add_test(tests, record_says_what_the_archive_holds);
	tcase_add_test(tests, same_module_is_same_archive);
	tcase_add_test(tests, missing_source_is_named);
	tcase_add_loop_test(tests, links_are_refused, 0, 5);
	tcase_add_test(tests, names_that_cannot_travel_are_refused);
	tcase_add_test(tests, names_that_differ_in_case_are_refused);
	tcase_add_test(tests, too_much_is_refused_before_packing);
	suite_add_tcase(suite, tests);
	return suite;
}
