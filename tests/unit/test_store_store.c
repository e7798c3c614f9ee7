/* Archives come from the real worker (IOVPKG_WORKER), and may be of other files than their record says. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "modules.h"
#include "store/store.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "worker/worker.h"

#define KEY "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define MAKE_BIG 200000

struct content {
	const char *path, *text; /* text NULL: MAKE_BIG bytes */
};

static const struct content module[] = {
	{"iov.yaml", "name: flow-top\n"},
	{"objects/none/x.bpf.o", ""},
	{"src/a.bpf.c", "int a;\n"},
	{NULL, NULL},
};

static struct iov_ctx *ctx;

static void setup(void)
{
	ctx = unit_ctx();
}

static void teardown(void)
{
	unit_ctx_free(ctx);
}

static char *bytes_of(const struct content *content, size_t *ret_len)
{
	*ret_len = content->text ? strlen(content->text) : MAKE_BIG;
	char *bytes = content->text ? strdup(content->text) : malloc(MAKE_BIG);
	ck_assert_ptr_nonnull(bytes);
	for (size_t i = 0; !content->text && i < MAKE_BIG; i++)
		bytes[i] = (char)random();
	return bytes;
}

/* The files lie below <root>/module afterwards, and the archive of them at <root>/archive. */
static char *make_archive(const struct content *contents)
{
	struct iov_pack_entry entries[8] = {0};
	size_t count = 0, len;
	for (; contents[count].path; count++) {
		iov_auto(iov_free_ptr) char *bytes = bytes_of(&contents[count], &len);
		char *path = iov_path(ctx, "/module/%s", contents[count].path);
		ck_assert_int_eq(iov_fs_mkdirs_for(path, 0755), 0);
		ck_assert_int_eq(iov_fs_replace(path, bytes, len, 0644), 0);
		entries[count] = (struct iov_pack_entry){contents[count].path, path};
	}
	char *archive = iov_path(ctx, "/archive");
	iov_auto(iov_close_fd) int fd = open(archive, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	unit_ok(ctx, iov_archive_pack(ctx, entries, count, fd));
	for (size_t i = 0; i < count; i++)
		free((char *)entries[i].source);
	return archive;
}

/* A record of these files as they lie below <root>/module, or would. */
static struct iov_release *make_release(const struct content *contents)
{
	iov_auto(iov_json_release) json_t *line =
		unit_json("{'log':1,'published':'2026-11-23T10:00:00Z','signatures':[],'release':{'schema':1,'manifest'"
			  ":{'schema':1,"
			  "'name':'flow-top','version':'1.2.0','summary':'A "
			  "test','license':'MIT','build':{'sources':['src/a.bpf.c']}},"
			  "'object':{'license':'GPL','programs':[],'maps':[]},'archive':{'size':1,'files':[]}}}");
	json_t *archive = json_object_get(json_object_get(line, "release"), "archive");
	json_int_t unpacked = 0;
	char sha256[IOV_HEX_SIZE];
	for (; contents->path; contents++) {
		iov_auto(iov_free_ptr) char *path = iov_path(ctx, "/module/%s", contents->path);
		size_t len = contents->text ? strlen(contents->text) : MAKE_BIG;
		if (contents->text)
			iov_sha256_hex(contents->text, len, sha256);
		else
			unit_ok(ctx, iov_sha256_file(ctx, path, sha256));
		json_array_append_new(json_object_get(archive, "files"),
				      json_pack("{s:s, s:s, s:I}", "path", contents->path, "sha256", sha256, "size",
						(json_int_t)len));
		unpacked += (json_int_t)len;
	}
	json_object_set_new(archive, "unpacked", json_integer(unpacked));
	json_object_set_new(archive, "sha256", json_string(KEY));
	struct iov_release *release = NULL;
	unit_ok(ctx, iov_release_from_json(ctx, line, &release));
	return release;
}

static void assert_nothing_in_the_store(void)
{
	iov_auto(iov_free_ptr) char *store = iov_path(ctx, IOV_STATE "/store");
	char **names = NULL;
	size_t count = 0;
	ck_assert_int_eq(iov_fs_names(store, &names, &count), 0);
	ck_assert_msg(count == 0, "the store has '%s'", count ? names[0] : "");
	iov_fs_names_free(names, count);
}

static int add(const struct content *recorded, const struct content *packed)
{
	iov_auto(iov_free_ptr) char *archive = make_archive(packed);
	struct iov_release *release = make_release(recorded);
	int rc = iov_store_add(ctx, release, archive);
	iov_release_free(release);
	return rc;
}

START_TEST(an_entry_is_whole_and_read_only)
{
	static const char *const paths[] = {"iov.yaml", "objects/none/x.bpf.o", "src/a.bpf.c", "release.json"};
	iov_auto(iov_free_ptr) char *dir = iov_store_dir(ctx, KEY);
	struct iov_release *release = NULL;
	struct stat st;
	char path[600];

	ck_assert(!iov_store_has(ctx, KEY));
	unit_ok(ctx, add(module, module));
	ck_assert(iov_store_has(ctx, KEY));
	for (size_t i = 0; i < IOV_COUNT(paths); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, paths[i]);
		ck_assert_msg(stat(path, &st) == 0, "%s", path);
		ck_assert_uint_eq(st.st_mode & 07777, 0444);
	}
	unit_ok(ctx, iov_store_release(ctx, KEY, &release));
	ck_assert_str_eq(release->manifest->name, "flow-top");
	unit_ok(ctx, iov_store_check(ctx, release));
	unit_ok(ctx, iov_store_add(ctx, release, "/nowhere")); /* what is there is not unpacked again */
	iov_release_free(release);
}
END_TEST

static const struct {
	struct content recorded[4], packed[4];
	const char *words;
} lies[] = {
	{{{"iov.yaml", "good"}, {"x", "1"}},
	 {{"iov.yaml", "evil"}, {"x", "1"}},
	 "file 'iov.yaml' is not what the signed release says; nothing was kept"},
	{{{"iov.yaml", "good"}, {"x", "1"}},
	 {{"iov.yaml", "goo"}, {"x", "1"}},
	 "file 'iov.yaml' is not what the signed release says"},
	{{{"iov.yaml", "good"}, {"x", "12"}},
	 {{"iov.yaml", "good"}, {"x", "1"}},
	 "file 'x' is not what the signed release says"},
	{{{"iov.yaml", "good"}, {"x", "1"}}, {{"iov.yaml", "good"}}, "file 'x' is missing"},
	{{{"iov.yaml", "good"}, {"x", "1"}},
	 {{"iov.yaml", "good"}, {"y", "1"}},
	 "file 'y' is not in the signed release"},
	{{{"iov.yaml", "good"}, {"x", "12"}},
	 {{"iov.yaml", "good."}, {"x", "1"}},
	 "file 'iov.yaml' is longer than the signed release says"},
};

START_TEST(an_archive_that_is_not_its_record)
{
	unit_fails(ctx, add(lies[_i].recorded, lies[_i].packed), IOV_E_UNTRUSTED, lies[_i].words);
	ck_assert(!iov_store_has(ctx, KEY));
	assert_nothing_in_the_store();
}
END_TEST

START_TEST(more_than_the_record_says)
{
	static const struct content good[] = {{"iov.yaml", "good"}, {NULL, NULL}};
	static const struct content more[] = {{"iov.yaml", "good"}, {"x", "1"}, {NULL, NULL}};
	ck_assert_int_eq(add(good, more), IOV_E_UNTRUSTED);
	assert_nothing_in_the_store();
}
END_TEST

START_TEST(bytes_that_are_no_archive)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, "/archive");
	struct iov_release *release = make_release(module);
	ck_assert_int_eq(iov_fs_replace(path, "no archive", 10, 0644), 0);
	ck_assert_int_eq(iov_store_add(ctx, release, path), IOV_E_UNTRUSTED);
	assert_nothing_in_the_store();
	iov_release_free(release);
}
END_TEST

START_TEST(what_a_killed_command_left_is_swept_away)
{
	iov_auto(iov_free_ptr) char *left = iov_path(ctx, IOV_STATE "/store/new-" KEY "/iov.yaml");
	ck_assert_int_eq(iov_fs_mkdirs_for(left, 0755), 0);
	ck_assert_int_eq(iov_fs_replace(left, "half", 4, 0444), 0);
	unit_ok(ctx, add(module, module));
	ck_assert(!iov_fs_exists(left));
}
END_TEST

/* Without the privilege to mount there is nothing to show. */
START_TEST(a_full_disk_leaves_nothing)
{
	static const struct content big[] = {{"iov.yaml", "small"}, {"x", NULL}, {NULL, NULL}};
	iov_auto(iov_free_ptr) char *store = iov_path(ctx, IOV_STATE "/store");
	iov_auto(iov_free_ptr) char *archive = make_archive(big);
	ck_assert_int_eq(iov_fs_mkdirs(store, 0755), 0);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", store, "tmpfs", 0, "size=64k"))
		return;
	struct iov_release *release = make_release(big);
	unit_fails(ctx, iov_store_add(ctx, release, archive), IOV_E_SPACE,
		   "/store/new-" KEY "/x': No space left on device");
	assert_nothing_in_the_store();
	iov_release_free(release);
	ck_assert_int_eq(umount(store), 0);
}
END_TEST

static void damage(const char *relative, const char *text)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_STATE "/store/" KEY "/%s", relative);
	ck_assert_int_eq(iov_fs_mkdirs_for(path, 0755), 0);
	if (text)
		ck_assert_int_eq(iov_fs_replace(path, text, strlen(text), 0444), 0);
	else
		ck_assert_int_eq(unlink(path), 0);
}

static const struct {
	const char *path, *text, *words;
} damages[] = {
	{"src/a.bpf.c", "int b;\n",
	 "'flow-top' 1.2.0 in the store: file 'src/a.bpf.c' is not what the signed release says; remove '"},
	{"src/a.bpf.c", NULL, "file 'src/a.bpf.c' is missing"},
	{"src/evil.h", "x", "file 'src/evil.h' is not in the signed release"},
};

START_TEST(check_finds_damage)
{
	struct iov_release *release = make_release(module);
	unit_ok(ctx, add(module, module));
	damage(damages[_i].path, damages[_i].text);
	unit_fails(ctx, iov_store_check(ctx, release), IOV_E_UNTRUSTED, damages[_i].words);
	iov_release_free(release);
}
END_TEST

START_TEST(an_entry_under_anothers_digest_is_refused)
{
	struct iov_release *release = make_release(module), *found = NULL;
	iov_auto(iov_free_ptr) char *text = iov_json_canonical(release->json);
	unit_ok(ctx, add(module, module));
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_STATE "/store/d%s/release.json", &KEY[1]);
	ck_assert_int_eq(iov_fs_mkdirs_for(path, 0755), 0);
	ck_assert_int_eq(iov_fs_replace(path, text, strlen(text), 0444), 0);
	char other[IOV_HEX_SIZE] = KEY;
	other[0] = 'd';
	unit_fails(ctx, iov_store_release(ctx, other, &found), IOV_E_UNTRUSTED,
		   "is the record of another archive than its folder says");
	other[0] = 'e';
	unit_fails(ctx, iov_store_release(ctx, other, &found), IOV_E_NOT_FOUND, "'iovpkg install' fetches it again");
	iov_release_free(release);
}
END_TEST

START_TEST(collect_keeps_what_is_named)
{
	static const char *const keep[] = {KEY};
	iov_auto(iov_free_ptr) char *dir = iov_path(ctx, IOV_STATE "/store/d%s/src/x", &KEY[1]);
	unit_ok(ctx, iov_store_collect(ctx, keep, 1)); /* no store, nothing to do */
	unit_ok(ctx, add(module, module));
	ck_assert_int_eq(iov_fs_mkdirs(dir, 0755), 0);
	unit_ok(ctx, iov_store_collect(ctx, keep, 1));
	ck_assert(iov_store_has(ctx, KEY) && !iov_fs_exists(dir));
	unit_ok(ctx, iov_store_collect(ctx, NULL, 0));
	assert_nothing_in_the_store();
}
END_TEST

START_TEST(the_archives_own_object_is_used)
{
	iov_auto(iov_free_ptr) char *inside = iov_object_path_for("flow-top");
	const struct content with_object[] = {{"iov.yaml", "x"}, {inside, "ELF"}, {NULL, NULL}};
	struct iov_installed installed = {.release = make_release(with_object)};
	char key[IOV_HEX_SIZE] = "x";
	unit_ok(ctx, iov_store_object(ctx, installed.release, key));
	ck_assert_str_eq(key, "");
	iov_auto(iov_free_ptr) char *path = iov_store_object_path(ctx, &installed);
	iov_auto(iov_free_ptr) char *expected = iov_path(ctx, IOV_STATE "/store/" KEY "/%s", inside);
	ck_assert_str_eq(path, expected);
	memset(installed.object, 'd', 64);
	iov_auto(iov_free_ptr) char *built = iov_store_object_path(ctx, &installed);
	ck_assert_ptr_nonnull(strstr(built, "/store/dddddddd"));
	ck_assert_ptr_nonnull(strstr(built, "dddd/object.bpf.o"));
	iov_release_free(installed.release);
}
END_TEST

Suite *suite_store_store(void)
{
	Suite *suite = suite_create("store_store");
	TCase *tests = tcase_create("store");
	tcase_set_timeout(tests, 30);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, an_entry_is_whole_and_read_only);
	tcase_add_loop_test(tests, an_archive_that_is_not_its_record, 0, IOV_COUNT(lies));
	tcase_add_test(tests, more_than_the_record_says);
	tcase_add_test(tests, bytes_that_are_no_archive);
	tcase_add_test(tests, what_a_killed_command_left_is_swept_away);
	tcase_add_test(tests, a_full_disk_leaves_nothing);
	tcase_add_loop_test(tests, check_finds_damage, 0, IOV_COUNT(damages));
	tcase_add_test(tests, an_entry_under_anothers_digest_is_refused);
	tcase_add_test(tests, collect_keeps_what_is_named);
	tcase_add_test(tests, the_archives_own_object_is_used);
	suite_add_tcase(suite, tests);
	return suite;
}
