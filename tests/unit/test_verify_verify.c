#include <string.h>

#include "modules.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "verify/verify.h"

#define MANIFEST                                                                                                       \
	"{'schema':1,'name':'flow-top','version':'1.2.0','summary':'A test','license':'MIT',"                          \
	"'build':{'sources':['a.bpf.c']}}"

static struct iov_ctx *ctx;
static struct iov_release *release;
static char *path;

static void setup(void)
{
	ctx = unit_ctx();
	release = unit_release(ctx, MANIFEST, "{'license':'GPL','programs':[],'maps':[]}");
	path = iov_path(ctx, "/archive");
	/* unit_release() says 20 bytes with the digest of the manifest; here the digest of 20 real ones */
	char sha256[IOV_HEX_SIZE];
	iov_sha256_hex("twenty bytes of data", 20, sha256);
	memcpy((char *)release->sha256, sha256, sizeof(sha256));
}

static void teardown(void)
{
	free(path);
	iov_release_free(release);
	unit_ctx_free(ctx);
}

static int verify(const char *bytes)
{
	ck_assert_int_eq(iov_fs_replace(path, bytes, strlen(bytes), 0644), 0);
	return iov_verify_archive(ctx, release, path);
}

START_TEST(the_signed_bytes)
{
	unit_ok(ctx, verify("twenty bytes of data"));
}
END_TEST

START_TEST(other_bytes)
{
	unit_fails(ctx, verify("twenty bytes of dirt"), IOV_E_UNTRUSTED, "archive of 'flow-top' 1.2.0 has SHA-256 ");
	ck_assert_ptr_nonnull(strstr(iov_error_text(ctx), release->sha256));
	ck_assert_ptr_nonnull(strstr(iov_error_text(ctx), "; nothing was unpacked: try again"));
}
END_TEST

START_TEST(another_size)
{
	unit_fails(ctx, verify("twenty bytes of data."), IOV_E_UNTRUSTED,
		   "archive of 'flow-top' 1.2.0 has 21 bytes, but its signed release says 20 bytes");
	unit_fails(ctx, verify(""), IOV_E_UNTRUSTED, "has 0 bytes");
}
END_TEST

START_TEST(no_file)
{
	unit_fails(ctx, iov_verify_archive(ctx, release, "/nowhere"), IOV_E_IO, "cannot read the archive '/nowhere'");
}
END_TEST

Suite *suite_verify_verify(void)
{
	Suite *suite = suite_create("verify_verify");
	TCase *tests = tcase_create("archive");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, the_signed_bytes);
	tcase_add_test(tests, other_bytes);
	tcase_add_test(tests, another_size);
	tcase_add_test(tests, no_file);
	suite_add_tcase(suite, tests);
	return suite;
}
