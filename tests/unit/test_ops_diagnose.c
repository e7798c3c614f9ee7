/* What doctor finds, with the recording engine: an instance as it should be, and each way in which it is not. */
#include <stdio.h>
#include <string.h>

#include "hosts.h"
#include "ops/diagnose.h"
#include "util/cleanup.h"
#include "util/fs.h"

static struct iov_ctx *ctx;
static struct iov_engine *engine;
static struct iov_diagnosis diagnosis;

static void setup(void)
{
	ctx = unit_ctx();
	host_reach(ctx, HOST_INSTALLED);
	unit_ok(ctx, iov_engine_recording_new(ctx, &engine));
}

static void teardown(void)
{
	iov_diagnosis_release(&diagnosis);
	iov_engine_free(engine);
	unit_ctx_free(ctx);
}

static void look(int (*part)(struct iov_diagnosis *diagnosis))
{
	iov_diagnosis_release(&diagnosis);
	diagnosis = (struct iov_diagnosis){.ctx = ctx, .engine = engine};
	unit_ok(ctx, iov_view_open(ctx, &diagnosis.view));
	unit_ok(ctx, part(&diagnosis));
}

static bool finds(enum iov_finding_kind kind, const char *words)
{
	for (size_t i = 0; i < diagnosis.findings.count; i++)
		if (diagnosis.findings.items[i].kind == kind && strstr(diagnosis.findings.items[i].text, words))
			return true;
	return false;
}

static void drop(const char *relative)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_PINS "/%s", relative);
	ck_assert_int_eq(iov_fs_rmtree(path), 0);
}

static void plant(const char *relative)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_PINS "/%s", relative);
	ck_assert_int_eq(iov_fs_mkdirs_for(path, 0700), 0);
	ck_assert_int_eq(iov_fs_replace(path, "{\"id\":9999}", 11, 0600), 0);
}

START_TEST(a_good_host_has_no_findings)
{
	look(iov_diagnose_instances);
	ck_assert_uint_eq(diagnosis.findings.count, 0);
	look(iov_diagnose_strays);
	ck_assert(iov_findings_are_clean(&diagnosis.findings));
}
END_TEST

START_TEST(each_difference_is_named)
{
	static const struct {
		const char *drop, *plant;
		enum iov_finding_kind kind;
		const char *words;
	} cases[] = {
		{"live/flow-count", NULL, IOV_FOUND_NOT_LOADED, "'flow-count' is not loaded"},
		{"live/flow-count/links/count_in", NULL, IOV_FOUND_NOT_ATTACHED, "pin of its link is gone"},
		{"live/flow-count/progs/count_in", NULL, IOV_FOUND_NO_PROGRAM, "'count_in'"},
		{"live/flow-table/maps/flows", NULL, IOV_FOUND_NO_MAP, "'flows'"},
		{"live/flow-table/maps/flows", "live/flow-table/maps/flows", IOV_FOUND_OTHER_MAP, "'count_in'"},
	};
	const size_t i = (size_t)_i;
	drop(cases[i].drop);
	if (cases[i].plant)
		plant(cases[i].plant);
	look(iov_diagnose_instances);
	ck_assert_msg(finds(cases[i].kind, cases[i].words), "case %zu", i);
	ck_assert(!iov_findings_are_clean(&diagnosis.findings));
}
END_TEST

START_TEST(strays_are_told_from_what_is_not_ours)
{
	plant("live/gone/maps/flows");
	plant("live/other/pin");
	plant("staging/gone/maps/flows");
	look(iov_diagnose_strays);
	ck_assert(finds(IOV_FOUND_STRAY_INSTANCE, "instance 'gone'"));
	ck_assert(finds(IOV_FOUND_STRAY_TREE, "staging"));
	ck_assert(finds(IOV_FOUND_NOT_OURS, "other"));
	ck_assert(!finds(IOV_FOUND_NOT_OURS, "gone"));
}
END_TEST

START_TEST(the_kernels_names_of_maps)
{
	ck_assert(iov_diagnose_is_map("flows", "flows"));
	ck_assert(!iov_diagnose_is_map("flows", "flow"));
	ck_assert(iov_diagnose_is_map("a_map_whose_nam", "a_map_whose_name_is_long"));
	ck_assert(iov_diagnose_is_map("exec_tra.rodata", ".rodata"));
	ck_assert(!iov_diagnose_is_map("exec_tra.rodata", ".data"));
	ck_assert(!iov_diagnose_is_map("", "flows"));
}
END_TEST

Suite *suite_ops_diagnose(void)
{
	Suite *suite = suite_create("ops/diagnose");
	TCase *tcase = tcase_create("diagnose");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_good_host_has_no_findings);
	tcase_add_loop_test(tcase, each_difference_is_named, 0, 5);
	tcase_add_test(tcase, strays_are_told_from_what_is_not_ours);
	tcase_add_test(tcase, the_kernels_names_of_maps);
	suite_add_tcase(suite, tcase);
	return suite;
}
