/* Saved maps: what is written is read, and nothing of what is damaged. */
#include "state/saved.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "modules.h"
#include "state/saved_format.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define FINGERPRINT "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define MACHINE "'schema':1,'byte_order':'" IOV_SAVED_BYTE_ORDER "'"
#define DESCRIBED(key, value, cpus)                                                                                    \
	"{" MACHINE ",'cpus':" cpus ",'map':{'name':'flows','type':'hash','key_size':" key ",'value_size':" value      \
	",'max_entries':8,'flags':0,'layout':{},'fingerprint':'" FINGERPRINT "'}}"
#define COUNT 50000 /* more than the reader takes at once */

static struct iov_ctx *ctx;
static json_t *layout;
static char *path;
static struct iov_object_map map;

static void setup(void)
{
	ctx = unit_ctx();
	layout = unit_json("{'key':'u32','value':'u64'}");
	path = iov_saved_path(ctx, "flows", ".bss");
	map = (struct iov_object_map){.name = "flows",
				      .type = "percpu_hash",
				      .key_size = 4,
				      .value_size = 8,
				      .max_entries = COUNT,
				      .layout = layout,
				      .fingerprint = FINGERPRINT};
}

static void teardown(void)
{
	free(path);
	json_decref(layout);
	unit_ctx_free(ctx);
}

static void save(uint32_t count)
{
	iov_auto(iov_saved_writer_release) struct iov_saved_writer writer = {.fd = -1};
	unit_ok(ctx, iov_saved_create(ctx, path, &map, 2, &writer));
	for (uint32_t key = 0; key < count; key++) {
		const uint64_t values[2] = {key, ~(uint64_t)key};
		unit_ok(ctx, iov_saved_add(&writer, &key, sizeof(key)));
		unit_ok(ctx, iov_saved_add(&writer, values, sizeof(values)));
		writer.entries++;
	}
	unit_ok(ctx, iov_saved_finish(&writer));
}

START_TEST(what_is_written_is_read)
{
	iov_auto(iov_saved_reader_release) struct iov_saved_reader reader = {.fd = -1};
	const unsigned char *entry = NULL;
	struct stat st;
	save(COUNT);
	ck_assert_str_eq(strrchr(path, '/'), "/bss.map");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	unit_ok(ctx, iov_saved_open(ctx, path, &reader));
	ck_assert_uint_eq(reader.entries, COUNT);
	ck_assert_uint_eq(reader.cpus, 2);
	ck_assert_str_eq(reader.map->type, "percpu_hash");
	ck_assert(json_equal(reader.map->layout, layout));
	for (uint32_t key = 0; key < COUNT; key++) {
		const uint64_t values[2] = {key, ~(uint64_t)key};
		unit_ok(ctx, iov_saved_next(&reader, &entry));
		ck_assert_mem_eq(entry, &key, sizeof(key));
		ck_assert_mem_eq(entry + sizeof(key), values, sizeof(values));
	}
	unit_ok(ctx, iov_saved_next(&reader, &entry));
	ck_assert_ptr_null(entry);
}
END_TEST

/* Without finish, what was saved before stays, and nothing is left over. */
START_TEST(half_a_file_is_none)
{
	save(3);
	iov_auto(iov_free_ptr) char *before = NULL;
	iov_auto(iov_buf_release) struct iov_buf old = {0}, now = {0};
	ck_assert_int_eq(iov_fs_read(path, 1 << 20, &old), 0);
	struct iov_saved_writer writer;
	unit_ok(ctx, iov_saved_create(ctx, path, &map, 2, &writer));
	unit_ok(ctx, iov_saved_add(&writer, "1234", 4));
	iov_saved_writer_release(&writer);
	ck_assert_int_eq(iov_fs_read(path, 1 << 20, &now), 0);
	ck_assert_uint_eq(old.len, now.len);
	ck_assert_mem_eq(old.data, now.data, now.len);
	ck_assert(asprintf(&before, "%s.new", path) > 0 && !iov_fs_exists(before));
}
END_TEST

/* Every byte counts: with one of them changed, or the rest from there on missing, the file is refused. */
START_TEST(damage_is_found)
{
	save(2);
	iov_auto(iov_buf_release) struct iov_buf whole = {0};
	ck_assert_int_eq(iov_fs_read(path, 1 << 20, &whole), 0);
	for (size_t i = 0; i < 2 * whole.len; i += 5) {
		struct iov_saved_reader reader;
		size_t at = i / 2, len = i % 2 ? whole.len : at;
		whole.data[at] ^= 1;
		int fd = open(path, O_WRONLY | O_TRUNC);
		ck_assert_int_eq(iov_fs_write_fd(fd, whole.data, len), 0);
		close(fd);
		whole.data[at] ^= 1;
		unit_fails(ctx, iov_saved_open(ctx, path, &reader), IOV_E_INPUT, "bss.map' is damaged: ");
		iov_saved_reader_release(&reader);
	}
}
END_TEST

/* Files that are whole, and say what cannot be. */
static const struct {
	const char *header;
	size_t entries; /* bytes */
	uint64_t count;
	const char *words;
} lies[] = {
	{"{}", 0, 0, "has no 'schema'"},
	{"{'schema':2}", 0, 0, "written by a newer iovpkg"},
	{"{'schema':1,'byte_order':'middle'}", 0, 0, "another byte order"},
	{"{" MACHINE ",'map':{},'cpus':0}", 0, 0, "'cpus' is out of range"},
	{"{" MACHINE ",'map':{},'cpus':9000}", 0, 0, "'cpus' is out of range"},
	{"{" MACHINE ",'map':{},'cpus':1}", 0, 0, "has no 'name'"},
	{DESCRIBED("4", "8", "1"), 24, 3, "does not hold as many entries"},
	{DESCRIBED("4", "8", "1"), 23, 2, "does not hold as many entries"},
	{DESCRIBED("0", "8", "1"), 0, 0, "no possible size"},
	{DESCRIBED("4", "0", "1"), 0, 0, "no possible size"},
	{DESCRIBED("4", "4294967295", "8192"), 0, 0, "no possible size"},
	{"[", 0, 0, ""},
};

static void add_number(struct iov_buf *file, uint64_t number)
{
	unsigned char bytes[IOV_SAVED_NUMBERS];
	iov_saved_put_number(number, bytes);
	iov_buf_add(file, bytes, sizeof(bytes));
}

START_TEST(lies_are_found)
{
	uint8_t digest[IOV_DIGEST_SIZE];
	struct iov_saved_reader reader;
	iov_auto(iov_buf_release) struct iov_buf file = {0};
	iov_auto(iov_free_ptr) char *header = strdup(lies[_i].header);
	for (char *at = header; *at; at++)
		if (*at == '\'')
			*at = '"';
	iov_buf_puts(&file, IOV_SAVED_MAGIC);
	add_number(&file, strlen(header));
	iov_buf_puts(&file, header);
	for (size_t i = 0; i < lies[_i].entries; i++)
		iov_buf_add(&file, "", 1);
	add_number(&file, lies[_i].count);
	iov_sha256(file.data, file.len, digest);
	iov_buf_add(&file, digest, sizeof(digest));
	ck_assert_int_eq(iov_fs_mkdirs_for(path, 0700), 0);
	ck_assert_int_eq(iov_fs_replace(path, file.data, file.len, 0600), 0);
	ck_assert_int_ne(iov_saved_open(ctx, path, &reader), IOV_OK);
	ck_assert_msg(strstr(iov_error_text(ctx), lies[_i].words) != NULL, "%s", iov_error_text(ctx));
	iov_saved_reader_release(&reader);
}
END_TEST

START_TEST(only_wanted_files_stay)
{
	iov_auto(iov_generation_release) struct iov_generation *generation = calloc(1, sizeof(*generation));
	static const char *const maps[] = {"flows", ".bss", "old"};
	struct iov_saved_reader reader;
	for (size_t i = 0; i < IOV_COUNT(maps); i++) {
		iov_auto(iov_free_ptr) char *kept = iov_saved_path(ctx, "here", maps[i]);
		iov_auto(iov_free_ptr) char *gone = iov_saved_path(ctx, "gone", maps[i]);
		ck_assert_int_eq(iov_fs_mkdirs_for(kept, 0700), 0);
		ck_assert_int_eq(iov_fs_mkdirs_for(gone, 0700), 0);
		ck_assert_int_eq(iov_fs_replace(kept, "x", 1, 0600), 0);
		ck_assert_int_eq(iov_fs_replace(gone, "x", 1, 0600), 0);
	}
	unit_put_release(ctx, generation,
			 unit_release(ctx,
				      "{'schema':1,'name':'counter','version':'1.0.0','summary':'A test',"
				      "'license':'GPL-2.0-only','build':{'sources':['a.bpf.c']},"
				      "'maps':{'persist':['flows','.bss']}}",
				      "{'license':'GPL','programs':[],'maps':[]}"));
	unit_put_instance(ctx, generation, "here", "counter", "{}", "{}");
	unit_ok(ctx, iov_saved_collect(ctx, generation));
	for (size_t i = 0; i < IOV_COUNT(maps); i++) {
		iov_auto(iov_free_ptr) char *kept = iov_saved_path(ctx, "here", maps[i]);
		iov_auto(iov_free_ptr) char *gone = iov_saved_path(ctx, "gone", maps[i]);
		ck_assert_int_eq(iov_fs_exists(kept), i < 2);
		ck_assert(!iov_fs_exists(gone));
	}
	iov_auto(iov_free_ptr) char *missing = iov_saved_path(ctx, "gone", "flows");
	unit_fails(ctx, iov_saved_open(ctx, missing, &reader), IOV_E_NOT_FOUND, "nothing is saved");
	iov_saved_reader_release(&reader);
	iov_auto(iov_free_ptr) char *odd = iov_saved_path(ctx, "x", "..");
	ck_assert_str_eq(strrchr(odd, '/'), "/_.map");
}
END_TEST

Suite *suite_state_saved(void)
{
	Suite *suite = suite_create("state_saved");
	TCase *tests = tcase_create("saved");
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_is_written_is_read);
	tcase_add_test(tests, half_a_file_is_none);
	tcase_add_test(tests, damage_is_found);
	tcase_add_loop_test(tests, lies_are_found, 0, IOV_COUNT(lies));
	tcase_add_test(tests, only_wanted_files_stay);
	suite_add_tcase(suite, tests);
	return suite;
}
