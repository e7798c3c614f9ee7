/* What every unit test shares. */
#ifndef IOV_TESTS_UNIT_H
#define IOV_TESTS_UNIT_H

#include <check.h>

#include "core/ctx.h"

/* Every suite, one for each test_<name>.c. */
#define SUITE(name) Suite *suite_##name(void);
#include "suites.h"
#undef SUITE

/* A context on a fresh folder below TMPDIR; freed, and the folder removed, by unit_ctx_free(). */
struct iov_ctx *unit_ctx(void);
void unit_ctx_free(struct iov_ctx *ctx);
/* A file below tests/, as a path; static storage. */
const char *unit_data(const char *relative);

/* The call succeeds; otherwise the test fails with the error's text. */
#define unit_ok(ctx, call) ck_assert_msg((call) == IOV_OK, "%s", iov_error_text(ctx))
/* The call fails with this code and a text that contains `words`. */
#define unit_fails(ctx, call, expected, words)                                                                         \
	do {                                                                                                           \
		ck_assert_int_eq((call), (expected));                                                                  \
		ck_assert_msg(strstr(iov_error_text(ctx), (words)), "'%s' is not in '%s'", (words),                    \
			      iov_error_text(ctx));                                                                    \
	} while (0)

#endif
