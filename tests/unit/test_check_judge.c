#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/judge.h"
#include "check/kernel.h"
#include "check/lack.h"
#include "modules.h"
#include "unit.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define SHA "1111111111111111111111111111111111111111111111111111111111111111"
#define GONE "'needs':[{'helper':'#250'}],'programs':[{'names':{'p':''},'always':[0]}]"
#define GOOD "'needs':[],'programs':[{'names':{'p':''}}]"
#define LIVE_KERNEL "/sys/kernel/btf/vmlinux"

static struct iov_ctx *ctx;
static struct iov_release release;

/* As much of a release as the kernel is asked about. */
static void make_release(const char *manifest, const char *license, const char *section, const char *facts)
{
	iov_auto(iov_buf_release) struct iov_buf yaml = {0}, text = {0};
	iov_buf_printf(&yaml,
		       "schema: 1\nname: top\nversion: 1.2.0\nsummary: Top\nlicense: MIT\n"
		       "build: {sources: [top.bpf.c]}\n%s",
		       manifest);
	unit_ok(ctx, iov_manifest_parse_yaml(ctx, "iov.yaml", yaml.data, yaml.len, &release.manifest));
	iov_buf_printf(&text,
		       "{'license':'%s','maps':[],'programs':[{'name':'p','section':'%s','type':'%s','autoload':%s},"
		       "{'name':'q','section':'xdp','type':'xdp','autoload':true}]%s%s%s}",
		       license, section, strstr(section, "fentry") ? "tracing" : "xdp",
		       *section == '?' ? "false" : "true", facts ? ",'facts':{" : "", facts ? facts : "",
		       facts ? "}" : "");
	iov_auto(iov_json_release) json_t *json = unit_json(text.data);
	unit_ok(ctx, iov_object_from_json(ctx, json, &release.object));
	release.sha256 = SHA;
	release.registry = (char *)"here";
}

static void free_release(void)
{
	iov_manifest_free(release.manifest);
	iov_object_free(release.object);
	release = (struct iov_release){0};
}

static void setup(void)
{
	ctx = unit_ctx();
}

static void teardown(void)
{
	free_release();
	unit_ctx_free(ctx);
}

static bool can_try(void)
{
	return !geteuid() && !access(LIVE_KERNEL, R_OK);
}

/* ---- what a release lacks ---- */

#define NEEDS(list) "'needs':[" list "],'programs':[{'names':{'p':''},'always':[0,1]}]"
#define ONE_GONE "'needs':[{'helper':'#250'}],'programs':[{'names':{'p':''},'always':[0]},{'names':{'q':''}}]"
#define FENTRY(more) "'needs':[],'programs':[{'names':{'p':'iov_no_such_function'},'attach':'trace_fentry'" more "}]"

static const struct {
	const char *manifest, *license, *section, *facts;
	const char *text; /* NULL: it loads */
} cases[] = {
	{"", "GPL", "xdp", GOOD, NULL},
	{"", "GPL", "xdp", GONE, "helper '#250', which kernel vmlinux does not have"},
	{"", "GPL", "?xdp", GONE, NULL},
	{"programs: {p: {optional: true}}\n", "GPL", "xdp", GONE, NULL},
	{"", "GPL", "xdp", NEEDS("{'helper':'#250'},{'helper':'iov_loop'}"), "helper '#250', which"},
	{"", "MIT", "xdp", NEEDS("{'helper':'trace_printk','gpl':true},{'helper':'map_lookup_elem'}"),
	 "a GPL-compatible SEC(\"license\") for 'trace_printk'"},
	{"", "GPL", "xdp", "'needs':[],'programs':[{'names':{'p':''},'attach':'iov_none'}]",
	 "attach type 'iov_none', which kernel vmlinux does not have"},
	/* one group will do */
	{"choose: [[p], [q]]\n", "GPL", "xdp", ONE_GONE, NULL},
	{"choose: [[q], [p]]\n", "GPL", "xdp", ONE_GONE, NULL},
	{"choose: [[p, q]]\n", "GPL", "xdp", ONE_GONE, "helper '#250', which"},
	{"choose: [[q]]\n", "GPL", "xdp", ONE_GONE, "helper '#250', which"},
};

START_TEST(what_is_lacking_is_told)
{
	iov_auto(iov_kernel_release) struct iov_kernel kernel = {0};
	iov_auto(iov_json_release) json_t *json = NULL;
	struct iov_lack lack;
	if (access(LIVE_KERNEL, R_OK))
		return;
	make_release(cases[_i].manifest, cases[_i].license, cases[_i].section, cases[_i].facts);
	unit_ok(ctx, iov_kernel_open(ctx, LIVE_KERNEL, &kernel));
	unit_ok(ctx, iov_lack_find(ctx, &release, &kernel, &json));
	ck_assert(iov_lack_from_json(json, &lack) == (cases[_i].text != NULL));
	ck_assert_msg(!cases[_i].text || strstr(lack.text, cases[_i].text), "'%s' is not in '%s'", cases[_i].text,
		      lack.text);
}
END_TEST

/* Of the helpers that a kernel lacks, the one that came last tells which Linux is needed. */
START_TEST(the_latest_linux_is_told)
{
	iov_auto(iov_kernel_release) struct iov_kernel kernel = {0};
	iov_auto(iov_json_release) json_t *json = NULL;
	struct iov_lack lack;
	if (access(LIVE_KERNEL, R_OK))
		return;
	make_release("", "GPL", "xdp", NEEDS("{'helper':'loop'},{'helper':'user_ringbuf_drain'}"));
	unit_ok(ctx, iov_kernel_open(ctx, LIVE_KERNEL, &kernel));
	kernel.facts = unit_json("{'modules':[],'helpers':[],'maps':[],'no_maps':[],'no_programs':[],"
				 "'programs':[{'kinds':['xdp'],'helpers':[]}]}");
	unit_ok(ctx, iov_lack_find(ctx, &release, &kernel, &json));
	ck_assert(iov_lack_from_json(json, &lack));
	ck_assert_str_eq(lack.since, "6.1");
	ck_assert_str_eq(lack.text,
			 "helper 'user_ringbuf_drain', which kernel vmlinux does not have for programs of type xdp "
			 "(Linux 6.1 brought it)");
}
END_TEST

/* The manifest may attach a program elsewhere than its section says. */
START_TEST(a_target_of_the_manifest_counts)
{
	struct iov_lack lack;
	static const char *const manifests[] = {"", "programs: {p: {target: vfs_open}}\n"};
	if (access(LIVE_KERNEL, R_OK))
		return;
	for (int i = 0; i < 2; i++) {
		iov_auto(iov_kernel_release) struct iov_kernel kernel = {0};
		iov_auto(iov_json_release) json_t *json = NULL;
		make_release(manifests[i], "GPL", "fentry/iov_no_such_function", FENTRY());
		unit_ok(ctx, iov_kernel_open(ctx, LIVE_KERNEL, &kernel));
		kernel.facts = unit_json("{'modules':[]}");
		unit_ok(ctx, iov_lack_find(ctx, &release, &kernel, &json));
		ck_assert(iov_lack_from_json(json, &lack) == (i == 0));
		free_release();
	}
}
END_TEST

/* ---- what is kept ---- */

static void close_judge(struct iov_judge **judge)
{
	iov_judge_close(judge);
}

/* The text of what the running kernel lacks, as a judge of its own says it; NULL: nothing. Static storage. */
static const char *ask(void)
{
	static char text[512];
	iov_auto(close_judge) struct iov_judge *judge = NULL;
	const struct iov_lack *lack = NULL;
	unit_ok(ctx, iov_judge_new(ctx, NULL, &judge));
	unit_ok(ctx, iov_judge_release(ctx, judge, &release, &lack));
	const struct iov_lack *again = NULL;
	ck_assert_ptr_eq(iov_judge_refused(judge, "top", &again), lack ? &release : NULL);
	snprintf(text, sizeof(text), "%s", lack ? lack->text : "");
	return lack ? text : NULL;
}

static char *kept_path(void)
{
	char build[IOV_HEX_SIZE];
	ck_assert(iov_kernel_build(build));
	return iov_path(ctx, IOV_CACHE "/verdicts/%.*s", IOV_KERNEL_BUILD_DIGITS, build);
}

/* Writes what the next judge finds, with the digest that belongs to it. */
static void put(const char *version, bool modules, const char *text)
{
	char digest[IOV_HEX_SIZE];
	iov_auto(iov_buf_release) struct iov_buf body = {0}, whole = {0};
	iov_auto(iov_free_ptr) char *path = kept_path();
	iov_buf_printf(&body,
		       "{\"iovpkg\":\"%s\",\"modules\":%s,\"verdicts\":{\"here/" SHA
		       "\":{\"kernel\":\"k\",\"missing\":\"m\",\"what\":\"w\",\"text\":\"%s\"}}}",
		       version, modules ? "true" : "false", text);
	iov_sha256_hex(body.data, body.len, digest);
	iov_buf_printf(&whole, "iovverdicts1 %s\n%s", digest, body.data);
	ck_assert_int_eq(iov_fs_mkdirs_for(path, 0755), 0);
	ck_assert_int_eq(iov_fs_replace(path, whole.data, whole.len, 0644), 0);
}

static void damage(void)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_free_ptr) char *path = kept_path();
	ck_assert_int_eq(iov_fs_read(path, 1 << 20, &text), 0);
	text.data[text.len - 10] ^= 1;
	ck_assert_int_eq(iov_fs_replace(path, text.data, text.len, 0644), 0);
}

START_TEST(verdicts_are_kept)
{
	if (!can_try())
		return;
	make_release("", "GPL", "xdp", GONE);
	ck_assert_ptr_nonnull(strstr(ask(), "helper '#250'"));
	iov_auto(iov_free_ptr) char *path = kept_path();
	ck_assert(iov_fs_exists(path));
	put(IOV_VERSION, iov_kernel_has_modules(), "kept");
	ck_assert_str_eq(ask(), "kept");
	release.registry = (char *)"elsewhere";
	ck_assert_ptr_nonnull(strstr(ask(), "helper '#250'"));
	release.registry = (char *)"here";
	ck_assert_str_eq(ask(), "kept");
}
END_TEST

START_TEST(what_is_damaged_or_foreign_is_found_out_anew)
{
	bool modules = iov_kernel_has_modules();
	if (!can_try())
		return;
	make_release("", "GPL", "xdp", GOOD);
	put(IOV_VERSION, modules, "kept");
	damage();
	ck_assert_ptr_null(ask());
	put(IOV_VERSION "x", modules, "kept");
	ck_assert_ptr_null(ask());
	put(IOV_VERSION, !modules, "kept");
	ck_assert_ptr_null(ask());
	iov_auto(iov_free_ptr) char *path = kept_path();
	ck_assert_int_eq(iov_fs_replace(path, "", 0, 0644), 0);
	ck_assert_ptr_null(ask());
	put(IOV_VERSION, modules, "kept");
	ck_assert_str_eq(ask(), "kept");
}
END_TEST

/* Nor is the kernel read for it. */
START_TEST(without_facts_nobody_can_tell)
{
	make_release("", "GPL", "xdp", NULL);
	ck_assert_ptr_null(ask());
	iov_auto(iov_free_ptr) char *path = kept_path();
	ck_assert(!iov_fs_exists(path));
}
END_TEST

START_TEST(a_kernel_out_of_a_file_is_asked)
{
	iov_auto(close_judge) struct iov_judge *judge = NULL;
	iov_auto(close_judge) struct iov_judge *none = NULL;
	const struct iov_lack *lack = NULL;
	if (access(LIVE_KERNEL, R_OK))
		return;
	make_release("", "GPL", "xdp", GONE);
	unit_ok(ctx, iov_judge_new(ctx, LIVE_KERNEL, &judge));
	unit_ok(ctx, iov_judge_release(ctx, judge, &release, &lack));
	ck_assert_str_eq(lack->kernel, "vmlinux");
	unit_ok(ctx, iov_judge_new(ctx, "/nowhere.btf", &none));
	unit_fails(ctx, iov_judge_release(ctx, none, &release, &lack), IOV_E_IO, "/nowhere.btf");
}
END_TEST

Suite *suite_check_judge(void);
Suite *suite_check_judge(void)
{
	Suite *suite = suite_create("check_judge");
	TCase *tcase = tcase_create("judge");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, what_is_lacking_is_told, 0, (int)IOV_COUNT(cases));
	tcase_add_test(tcase, the_latest_linux_is_told);
	tcase_add_test(tcase, a_target_of_the_manifest_counts);
	tcase_add_test(tcase, verdicts_are_kept);
	tcase_add_test(tcase, what_is_damaged_or_foreign_is_found_out_anew);
	tcase_add_test(tcase, without_facts_nobody_can_tell);
	tcase_add_test(tcase, a_kernel_out_of_a_file_is_asked);
	suite_add_tcase(suite, tcase);
	return suite;
}
