/* Maps imported for reading, on the live kernel: each way to write one is refused, and reading is not. */
#include <stdio.h>
#include <string.h>

#include "loads.h"

#include "util/cleanup.h"
#include "util/fs.h"

struct live {
	struct iov_ctx *ctx;
	struct iov_engine *engine;
	struct load provider, importer;
};

static char notes[4096];

static void on_event(const struct iov_event *event, void *data)
{
	(void)data;
	if (event->kind == IOV_EVENT_NOTE)
		snprintf(notes + strlen(notes), sizeof(notes) - strlen(notes), "%s\n", event->text);
}

static bool begin(struct live *live)
{
	*live = (struct live){0};
	*notes = '\0';
	if (!live_begin())
		return false;
	live->ctx = live_ctx();
	live->ctx->config.event = on_event;
	unit_ok(live->ctx, iov_engine_kernel_new(live->ctx, &live->engine));
	unit_ok(live->ctx, live->engine->ops->prepare(live->engine));
	load_init(live->ctx, &live->provider, "maptypes", "1.0.0", "maptypes", "live");
	unit_ok(live->ctx, live->engine->ops->load(live->engine, &live->provider.load));
	return true;
}

static int load(struct live *live)
{
	return live->engine->ops->load(live->engine, &live->importer.load);
}

static void end(struct live *live)
{
	load_release(&live->provider);
	load_release(&live->importer);
	iov_engine_free(live->engine);
	live_ctx_free(live->ctx);
}

/* Imports every map of the object, all for writing but `read`; NULL: all for reading. */
static void import_all(struct live *live, const char *object, const char *read)
{
	load_init(live->ctx, &live->importer, "user", "0.3.0", object, "live");
	const struct iov_object *maps = live->importer.release.object;
	for (size_t i = 0; i < maps->n_maps; i++) {
		const char *name = maps->maps[i].name;
		if (*name != '.' || !strcmp(name, ".data.shared"))
			load_import(&live->importer, &live->provider, name,
				    !read || !strcmp(name, read) ? IOV_READ : IOV_WRITE);
	}
}

static unsigned count_proofs(const struct iov_ctx *ctx)
{
	iov_auto(iov_free_ptr) char *folder = iov_path(ctx, IOV_CACHE "/proofs");
	iov_auto(iov_buf_release) struct iov_buf kernel = {0};
	char **names = NULL;
	size_t count = 0;
	if (iov_fs_names(folder, &names, &count))
		return 0;
	ck_assert_uint_eq(count, 1);
	iov_buf_printf(&kernel, "%s/%s", folder, names[0]);
	iov_fs_names_free(names, count);
	ck_assert_int_eq(iov_fs_names(kernel.data, &names, &count), 0);
	iov_fs_names_free(names, count);
	return (unsigned)count;
}

START_TEST(test_readers)
{
	struct live live;
	if (!begin(&live))
		return;
	import_all(&live, "maptypes_reader", NULL);
	unit_ok(live.ctx, load(&live));
	ck_assert_msg(strstr(notes, "no read-only form of map 't_ringbuf' of maptypes, a ringbuf"), "%s", notes);
	ck_assert_msg(strstr(notes, "'t_locked'") && strstr(notes, "'t_sk_storage'"), "%s", notes);
	ck_assert_msg(!strstr(notes, "'t_hash'") && !strstr(notes, "'t_array_of_maps'"), "%s", notes);
	ck_assert_msg(!strstr(notes, "'t_devmap'") && !strstr(notes, "'t_prog_array'"), "%s", notes);
	ck_assert_uint_eq(count_proofs(live.ctx), 1);
	end(&live);
}
END_TEST

static const struct {
	const char *map, *program;
	const char *how;
	const char *line; /* of the source */
} writes[] = {
	{".data.shared", "write_data", "write into map forbidden", "first = skb->len;"},
	{"t_hash", "write_t_hash", "write into map forbidden", "return bpf_map_update_elem(&t_hash"},
	{"t_array", "write_t_array", "write into map forbidden", "value->port = skb->len;"},
	{"t_percpu_hash", "write_t_percpu_hash", "write into map forbidden", "bpf_map_delete_elem"},
	{"t_percpu_array", "write_t_percpu_array", "write into map forbidden", "bpf_skb_load_bytes"},
	{"t_lru_hash", "write_t_lru_hash", "write into map forbidden", "__sync_fetch_and_add"},
	{"t_lru_percpu_hash", "write_t_lru_percpu_hash", "write into map forbidden", "value->packets = 0;"},
	{"t_lpm_trie", "write_t_lpm_trie", "write into map forbidden", "bpf_map_delete_elem"},
	{"t_queue", "write_t_queue", "write into map forbidden", "bpf_map_pop_elem"},
	{"t_stack", "write_t_stack", "write into map forbidden", "bpf_map_push_elem"},
	{"t_bloom_filter", "write_t_bloom_filter", "write into map forbidden", "bpf_map_push_elem"},
	{"t_array_of_maps", "write_t_array_of_maps", "write into map forbidden", "value->state = 1;"},
	{"t_hash_of_maps", "write_t_hash_of_maps", "write into map forbidden", "bpf_map_update_elem(inner"},
	{"t_locked", "write_t_locked", "stores into one of its values", "locked->count = 1;"},
	{"t_perf_event_array", "write_t_perf_event_array", "calls bpf_perf_event_output()", "bpf_perf_event_output"},
	{"t_ringbuf", "write_t_ringbuf", "calls bpf_ringbuf_reserve()", "bpf_ringbuf_reserve"},
	{"t_user_ringbuf", "write_t_user_ringbuf", "calls bpf_user_ringbuf_drain()", "bpf_user_ringbuf_drain"},
	{"t_sockmap", "write_t_sockmap", "calls bpf_map_delete_elem()", "bpf_map_delete_elem"},
	{"t_sk_storage", "write_t_sk_storage", "calls bpf_sk_storage_get() with leave to create", "bpf_sk_storage_get"},
};

START_TEST(test_writers)
{
	struct live live;
	char words[128];
	if (!begin(&live))
		return;
	for (size_t i = 0; i < IOV_COUNT(writes); i++) {
		import_all(&live, "maptypes_writer", writes[i].map);
		snprintf(words, sizeof(words), "program '%s' of user 0.3.0 writes the map '%s' of maptypes",
			 writes[i].program, writes[i].map);
		ck_assert_msg(load(&live), "%s is not refused; %s", words, notes);
		unit_fails(live.ctx, load(&live), IOV_E_CONTRACT, words);
		const char *text = iov_error_text(live.ctx);
		snprintf(words, sizeof(words), "which it imports for reading: %s", writes[i].how);
		ck_assert_msg(strstr(text, words), "%s", text);
		snprintf(words, sizeof(words), "say 'access: write' under maps.imports.%s", writes[i].map);
		ck_assert_msg(strstr(text, words), "%s", text);
		ck_assert_msg(strstr(text, writes[i].line), "%s", text);
		ck_assert(!iov_fs_exists(live.importer.dir));
		load_release(&live.importer);
	}
	ck_assert_uint_eq(count_proofs(live.ctx), 0);
	import_all(&live, "maptypes_writer", "none of them");
	unit_ok(live.ctx, load(&live));
	ck_assert_str_eq(notes, "");
	end(&live);
}
END_TEST

/* Among several maps that are all imported for reading, the one that is written is named. */
START_TEST(test_writer_of_many)
{
	struct live live;
	if (!begin(&live))
		return;
	import_all(&live, "maptypes_writer", NULL);
	unit_fails(live.ctx, load(&live), IOV_E_CONTRACT, "which it imports for reading: write into map forbidden");
	end(&live);
}
END_TEST

/* The one proof that is remembered, as a path. */
static char *proof(const struct iov_ctx *ctx)
{
	iov_auto(iov_free_ptr) char *folder = iov_path(ctx, IOV_CACHE "/proofs");
	char **names = NULL, **files = NULL;
	size_t count = 0;
	struct iov_buf path = {0};
	ck_assert_int_eq(iov_fs_names(folder, &names, &count), 0);
	iov_buf_printf(&path, "%s/%s", folder, names[0]);
	iov_fs_names_free(names, count);
	ck_assert_int_eq(iov_fs_names(path.data, &files, &count), 0);
	iov_buf_printf(&path, "/%s", files[0]);
	iov_fs_names_free(files, count);
	return iov_buf_take(&path);
}

/* What is remembered is believed only when it is whole, and only for what it was found for. */
START_TEST(test_remembered)
{
	struct live live;
	iov_auto(iov_buf_release) struct iov_buf before = {0}, after = {0};
	if (!begin(&live))
		return;
	import_all(&live, "maptypes_reader", NULL);
	unit_ok(live.ctx, load(&live));
	iov_auto(iov_free_ptr) char *path = proof(live.ctx);
	ck_assert_int_eq(iov_fs_read(path, 1000, &before), 0);
	ck_assert_int_eq(iov_fs_replace(path, "iovproof1 damaged\n", 18, 0644), 0);
	unit_ok(live.ctx, live.engine->ops->remove_tree(live.engine, live.importer.dir));
	unit_ok(live.ctx, load(&live));
	ck_assert_int_eq(iov_fs_read(path, 1000, &after), 0);
	ck_assert_str_eq(before.data, after.data);

	load_release(&live.importer); /* one more map is proven: that is another proof */
	import_all(&live, "maptypes_reader", "t_hash");
	unit_ok(live.ctx, live.engine->ops->remove_tree(live.engine, live.importer.dir));
	unit_ok(live.ctx, load(&live));
	ck_assert_uint_eq(count_proofs(live.ctx), 2);
	load_release(&live.importer); /* and another object does not profit */
	import_all(&live, "maptypes_writer", "t_hash");
	unit_fails(live.ctx, load(&live), IOV_E_CONTRACT, "writes the map 't_hash'");
	end(&live);
}
END_TEST

Suite *suite_engine_readonly(void)
{
	Suite *suite = suite_create("engine_readonly");
	TCase *live = tcase_create("live");
	tcase_set_timeout(live, 60);
	tcase_add_test(live, test_readers);
	tcase_add_test(live, test_writers);
	tcase_add_test(live, test_writer_of_many);
	tcase_add_test(live, test_remembered);
	suite_add_tcase(suite, live);
	return suite;
}
