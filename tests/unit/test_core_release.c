#include <stdlib.h>
#include <string.h>

#include "core/release.h"
#include "core/status.h"
#include "modules.h"
#include "util/cleanup.h"

#define SHA "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"
#define FILE_RECORD(path, size) "{'path':'" path "','sha256':" SHA ",'size':" size "}"
#define MANIFEST                                                                                                       \
	"'manifest':{'schema':1,'name':'flow-top','version':'1.2.0','summary':'A test','license':'GPL-2.0-only',"      \
	"'build':{'sources':['src/a.bpf.c']}}"
#define OBJECT "'object':{'license':'GPL','programs':[],'maps':[]}"
#define ARCHIVE(files) "'archive':{'sha256':" SHA ",'size':100,'unpacked':30,'files':[" files "]}"
#define FILES FILE_RECORD("iov.yaml", "10") "," FILE_RECORD("src/a.bpf.c", "20")
#define RECORD(archive) "'release':{'schema':1," MANIFEST "," OBJECT "," archive "}"
#define STATUS(status) "'log':1,'published':'2026-11-23T10:00:00Z','signatures':[]," status
#define REST "'log':7,'published':'2026-11-23T10:00:00Z','signatures':['x'],'yanked':null"
#define LINE "{" RECORD(ARCHIVE(FILES)) "," REST "}"

static struct iov_ctx *ctx;

static void setup(void)
{
	ctx = unit_ctx();
}

static void teardown(void)
{
	unit_ctx_free(ctx);
}

static int parse(const char *line, struct iov_release **ret)
{
	iov_auto(iov_json_release) json_t *json = unit_json(line);
	iov_auto(iov_free_ptr) char *text = json_dumps(json, 0);
	return iov_release_parse(ctx, "index line of 'flow-top'", text, strlen(text), ret);
}

START_TEST(reads_every_member)
{
	struct iov_release *release = NULL;
	unit_ok(ctx, parse(LINE, &release));
	ck_assert_str_eq(release->manifest->name, "flow-top");
	ck_assert_str_eq(release->manifest->version.text, "1.2.0");
	ck_assert_str_eq(release->object->license, "GPL");
	ck_assert_uint_eq(release->size, 100);
	ck_assert_uint_eq(release->unpacked, 30);
	ck_assert_uint_eq(release->n_files, 2);
	ck_assert_uint_eq(release->log, 7);
	ck_assert_ptr_null(release->yanked);
	ck_assert_ptr_null(release->registry);
	ck_assert_uint_eq(iov_release_file(release, "src/a.bpf.c")->size, 20);
	ck_assert_ptr_null(iov_release_file(release, "src/b.bpf.c"));
	ck_assert_ptr_null(iov_release_object_path(release));
	iov_release_free(release);
}
END_TEST

START_TEST(the_last_owner_frees)
{
	struct iov_release *release = NULL;
	unit_ok(ctx, parse(LINE, &release));
	ck_assert_ptr_eq(iov_release_ref(release), release);
	iov_release_free(release);
	ck_assert_str_eq(release->published, "2026-11-23T10:00:00Z");
	iov_release_free(release);
	iov_release_free(NULL);
}
END_TEST

/* The publisher's signature must not depend on how the line is written, nor on what the registry adds. */
START_TEST(signed_text_is_the_record_alone)
{
	struct iov_release *one = NULL, *other = NULL;
	unit_ok(ctx, parse(LINE, &one));
	unit_ok(ctx, parse("{'yanked':{'log':12,'reason':'broken'},'signatures':[],'published':'2028-02-29T23:59:59Z','"
			   "log':9," RECORD(ARCHIVE(FILES)) "}",
			   &other));
	iov_auto(iov_free_ptr) char *text = iov_release_signed_text(one);
	iov_auto(iov_free_ptr) char *again = iov_release_signed_text(other);
	ck_assert_str_eq(text, again);
	ck_assert_int_eq(strncmp(text, "{\"archive\":{\"files\":[{\"path\":\"iov.yaml\",", 40), 0);
	ck_assert_int_eq(text[strlen(text) - 1], '\n');
	ck_assert_str_eq(other->yanked, "broken");
	iov_release_free(one);
	iov_release_free(other);
}
END_TEST

START_TEST(reads_what_was_said_after_the_publish)
{
	struct iov_release *release = NULL;
	unit_ok(ctx, parse("{" RECORD(ARCHIVE(FILES)) "," STATUS(
				   "'yanked':{'log':5},'deprecated':{'log':9,'text':'use b','successor':'b'}") "}",
			   &release));
	ck_assert_ptr_null(release->yanked);
	ck_assert_uint_eq(release->yank_log, 5);
	ck_assert_str_eq(release->deprecated, "use b");
	ck_assert_str_eq(release->successor, "b");
	ck_assert_uint_eq(iov_release_newest_event(release), 9);
	iov_release_free(release);
	unit_ok(ctx, parse(LINE, &release));
	ck_assert_ptr_null(release->deprecated);
	ck_assert_uint_eq(iov_release_newest_event(release), 7);
	iov_release_free(release);
}
END_TEST

START_TEST(finds_the_object_for_this_machine)
{
	iov_auto(iov_free_ptr) char *path = iov_object_path_for("flow-top");
	iov_auto(iov_json_release) json_t *line = unit_json(
		"{" RECORD(ARCHIVE(FILE_RECORD("iov.yaml", "10") "," FILE_RECORD("objects/x", "20"))) "," REST "}");
	json_t *archive = json_object_get(json_object_get(line, "release"), "archive");
	json_t *file = json_array_get(json_object_get(archive, "files"), 1);
	json_object_set_new(file, "path", json_string(path));
	struct iov_release *release = NULL;
	unit_ok(ctx, iov_release_from_json(ctx, line, &release));
	ck_assert_str_eq(iov_release_object_path(release), path);
	ck_assert_ptr_nonnull(strstr(path, "/flow-top.bpf.o"));
	iov_release_free(release);
}
END_TEST

static const struct {
	const char *line, *words;
} refused[] = {
	{"{" REST "}", "index line of 'flow-top': index line has no 'release'"},
	{"{'release':{'schema':2}," REST "}", "release has schema 2, this iovpkg reads 1; use a newer iovpkg"},
	{"{" RECORD("'archive':{}") "," REST "}", "archive has no 'sha256'"},
	{"{" RECORD("'archive':{'sha256':'AB'}") "," REST "}", "'sha256' is not 64 lower-case hex digits"},
	{"{" RECORD("'archive':{'sha256':" SHA ",'size':33554433}") "," REST "}",
	 "'size' is 33554433 bytes, more than the 33554432 allowed"},
	{"{" RECORD(ARCHIVE(FILE_RECORD("src/a.bpf.c", "20") "," FILE_RECORD("iov.yaml", "10"))) "," REST "}",
	 "not sorted, or 'iov.yaml' is there twice"},
	{"{" RECORD(ARCHIVE(FILE_RECORD("iov.yaml", "10") "," FILE_RECORD("iov.yaml", "20"))) "," REST "}",
	 "'iov.yaml' is there twice"},
	{"{" RECORD(ARCHIVE(FILE_RECORD("../x", "30"))) "," REST "}", "'../x' is no path that an archive may hold"},
	{"{" RECORD(ARCHIVE(FILE_RECORD("a", "30"))) "," REST "}", "archive has no 'iov.yaml'"},
	{"{" RECORD(ARCHIVE(FILE_RECORD("iov.yaml", "31"))) "," REST "}",
	 "'unpacked' is 30 bytes, but its files have 31"},
	{"{" RECORD(ARCHIVE(FILE_RECORD("iov.yaml", "10") "," FILE_RECORD("release.json", "20"))) "," REST "}",
	 "archive holds 'release.json', a name that the store needs"},
	{"{'release':{'schema':1," MANIFEST "," ARCHIVE(FILES) "}," REST "}", "release has no 'object'"},
	{"{" RECORD(ARCHIVE(FILES)) "}", "index line has no 'log'"},
	{"{" RECORD(ARCHIVE(FILES)) ",'log':1,'published':'2026-11-31T10:00:00Z','signatures':[]}",
	 "'published' is not a time"},
	{"{" RECORD(ARCHIVE(FILES)) ",'log':1,'published':'2026-02-29T10:00:00Z','signatures':[]}",
	 "'published' is not a time"},
	{"{" RECORD(ARCHIVE(FILES)) ",'log':1,'published':'2026-11-23T24:00:00Z','signatures':[]}",
	 "'published' is not a time"},
	{"{" RECORD(ARCHIVE(FILES)) ",'log':1,'published':'2026-11-23T10:00:00Zz','signatures':[]}",
	 "'published' is not a time"},
	{"{" RECORD(ARCHIVE(FILES)) ",'log':1,'published':'2026-1-3T10:00:00Z','signatures':[]}",
	 "'published' is not a time"},
	{"{" RECORD(ARCHIVE(FILES)) ",'log':1,'published':'2026-11-23T10:00:00Z'}", "index line has no 'signatures'"},
	{"{" RECORD(ARCHIVE(FILES)) ",'log':1,'published':'2026-11-23T10:00:00Z','signatures':[1]}",
	 "'signatures' holds something that is not a string"},
	{"{" RECORD(ARCHIVE(FILES)) ",'log':1,'published':'2026-11-23T10:00:00Z','signatures':[],'yanked':true}",
	 "'yanked' is not an object"},
	{"{" RECORD(ARCHIVE(FILES)) ",'log':1,'published':'2026-11-23T10:00:00Z','signatures':[],'yanked':{'log':2,'"
				    "reason':'a\\nb'}}",
	 "'reason' of 'yanked' is not one line of at most 400 bytes"},
	{"{" RECORD(ARCHIVE(FILES)) "," STATUS("'yanked':{'reason':'x'}") "}", "yanked has no 'log'"},
	{"{" RECORD(ARCHIVE(FILES)) "," STATUS("'yanked':{'log':1,'reason':'x'}") "}", "before the publish at 1"},
	{"{" RECORD(ARCHIVE(FILES)) "," STATUS("'yanked':{'log':2,'reason':''}") "}", "is not one line"},
	{"{" RECORD(ARCHIVE(FILES)) "," STATUS("'deprecated':{'log':2,'text':7}") "}", "'text' is not a string"},
	{"{" RECORD(ARCHIVE(FILES)) "," STATUS("'deprecated':{'log':2,'successor':'b'}") "}", "no module's name"},
	{"{" RECORD(ARCHIVE(FILES)) "," STATUS("'deprecated':{'log':2,'text':'x','successor':'B!'}") "}",
	 "no module's name"},
};

START_TEST(refuses)
{
	struct iov_release *release = NULL;
	ck_assert_int_ne(parse(refused[_i].line, &release), IOV_OK);
	ck_assert_msg(strstr(iov_error_text(ctx), refused[_i].words), "'%s' is not in '%s'", refused[_i].words,
		      iov_error_text(ctx));
	ck_assert_ptr_null(release);
}
END_TEST

static const struct {
	const char *path;
	bool good;
} paths[] = {
	{"a", true},	 {"a/b.c", true}, {"..a/.b", true},    {"a b", true},	 {"", false},	  {"/a", false},
	{"a/", false},	 {"a//b", false}, {".", false},	       {"a/./b", false}, {"..", false},	  {"a/..", false},
	{"a\\b", false}, {"a\nb", false}, {"\xc3\xa9", false}, {"a\x7f", false}, {"../a", false},
};

START_TEST(archive_paths)
{
	ck_assert_msg(iov_is_archive_path(paths[_i].path) == paths[_i].good, "%s", paths[_i].path);
}
END_TEST

START_TEST(long_archive_paths)
{
	char path[IOV_PATH_MAX + 2];
	memset(path, 'a', sizeof(path));
	path[IOV_PATH_MAX + 1] = '\0';
	ck_assert(!iov_is_archive_path(path));
	path[IOV_PATH_MAX] = '\0';
	ck_assert(iov_is_archive_path(path));
}
END_TEST

Suite *suite_core_release(void)
{
	Suite *suite = suite_create("core_release");
	TCase *tests = tcase_create("release");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, reads_every_member);
	tcase_add_test(tests, the_last_owner_frees);
	tcase_add_test(tests, signed_text_is_the_record_alone);
	tcase_add_test(tests, reads_what_was_said_after_the_publish);
	tcase_add_test(tests, finds_the_object_for_this_machine);
	tcase_add_loop_test(tests, refuses, 0, IOV_COUNT(refused));
	tcase_add_loop_test(tests, archive_paths, 0, IOV_COUNT(paths));
	tcase_add_test(tests, long_archive_paths);
	suite_add_tcase(suite, tests);
	return suite;
}
