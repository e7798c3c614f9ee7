/* The cache; what comes over git is tested with whole commands (tests/command). */
#include <string.h>

#include "fetch/fetch.h"
#include "modules.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define MANIFEST                                                                                                       \
	"{'schema':1,'name':'flow-top','version':'1.2.0','summary':'A test','license':'MIT',"                          \
	"'build':{'sources':['a.bpf.c']}}"

static struct iov_ctx *ctx;
static struct iov_release *release;
static char *cached;

static void setup(void)
{
	char sha256[IOV_HEX_SIZE];
	ctx = unit_ctx();
	ctx->config.offline = true;
	release = unit_release(ctx, MANIFEST, "{'license':'GPL','programs':[],'maps':[]}");
	iov_sha256_hex("twenty bytes of data", 20, sha256);
	memcpy((char *)release->sha256, sha256, sizeof(sha256));
	cached = iov_path(ctx, IOV_CACHE "/archives/%s.iov", sha256);
	ck_assert_int_eq(iov_fs_mkdirs_for(cached, 0755), 0);
}

static void teardown(void)
{
	free(cached);
	iov_release_free(release);
	unit_ctx_free(ctx);
}

START_TEST(offline_the_cache_answers)
{
	iov_auto(iov_free_ptr) char *path = NULL;
	ck_assert_int_eq(iov_fs_replace(cached, "twenty bytes of data", 20, 0644), 0);
	unit_ok(ctx, iov_fetch_archive(ctx, NULL, release, &path));
	ck_assert_str_eq(path, cached);
}
END_TEST

START_TEST(offline_without_a_cached_archive)
{
	char *path = NULL;
	unit_fails(ctx, iov_fetch_archive(ctx, NULL, release, &path), IOV_E_NETWORK,
		   "the archive of 'flow-top' 1.2.0 is not in the cache; run this once without --offline");
	ck_assert_ptr_null(path);
}
END_TEST

START_TEST(a_damaged_archive_leaves_the_cache)
{
	char *path = NULL;
	ck_assert_int_eq(iov_fs_replace(cached, "twenty bytes of dirt", 20, 0644), 0);
	unit_fails(ctx, iov_fetch_archive(ctx, NULL, release, &path), IOV_E_NETWORK, "is not in the cache");
	ck_assert(!iov_fs_exists(cached));
}
END_TEST

Suite *suite_fetch_fetch(void)
{
	Suite *suite = suite_create("fetch_fetch");
	TCase *tests = tcase_create("cache");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, offline_the_cache_answers);
	tcase_add_test(tests, offline_without_a_cached_archive);
	tcase_add_test(tests, a_damaged_archive_leaves_the_cache);
	suite_add_tcase(suite, tests);
	return suite;
}
