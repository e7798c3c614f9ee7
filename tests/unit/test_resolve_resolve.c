/* Every file of tests/resolve is one universe (universe.h says how to write one); adding a case is adding a file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "universe.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"

static void check_text(struct iov_ctx *ctx, const char *file, char *text)
{
	struct universe *universe = universe_read(ctx, file, text);
	universe_check(universe);
	universe_free(universe);
}

static void run_file(struct iov_ctx *ctx, const char *file)
{
	char path[512];
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	snprintf(path, sizeof(path), "%s/%s", unit_data("resolve"), file);
	ck_assert_int_eq(iov_fs_read(path, 1 << 20, &text), 0);
	check_text(ctx, file, text.data);
}

START_TEST(resolves_every_universe)
{
	struct iov_ctx *ctx = unit_ctx();
	char **names = NULL;
	size_t count = 0;
	ck_assert_int_eq(iov_fs_names(unit_data("resolve"), &names, &count), 0);
	ck_assert_uint_ge(count, 120);
	for (size_t i = 0; i < count; i++)
		run_file(ctx, names[i]);
	iov_fs_names_free(names, count);
	unit_ctx_free(ctx);
}
END_TEST

static int give_error(struct iov_ctx *ctx, const char *name, struct iov_release *const **ret, size_t *ret_count,
		      void *data)
{
	(void)ret, (void)ret_count, (void)data;
	return iov_error(ctx, IOV_E_NETWORK, "cannot reach the registry of '%s'", name);
}

START_TEST(passes_errors_of_the_provider_on)
{
	struct iov_ctx *ctx = unit_ctx();
	const struct iov_wish wish = {.name = "a"};
	const struct iov_resolve_request request = {.wishes = &wish, .n_wishes = 1};
	const struct iov_provider provider = {.releases = give_error};
	const struct iov_release **plan = NULL;
	size_t count = 0;
	unit_fails(ctx, iov_resolve(ctx, &request, &provider, &plan, &count), IOV_E_NETWORK,
		   "cannot reach the registry of 'a'");
	ck_assert_ptr_null(plan);
	unit_ctx_free(ctx);
}
END_TEST

/* Thirteen pigeons and twelve holes: every release of a pigeon wants its own release of a hole. No search ends before
 * its limit. */
START_TEST(gives_up_in_time)
{
	struct iov_ctx *ctx = unit_ctx();
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	for (unsigned pigeon = 1; pigeon <= 13; pigeon++) {
		for (unsigned hole = 1; hole <= 12; hole++) {
			iov_buf_printf(&text, "release hole-%u %u.0.0\n", hole, pigeon);
			iov_buf_printf(&text, "release pigeon-%u %u.0.0\n", pigeon, hole);
			iov_buf_printf(&text, "\tneeds hole-%u =%u.0.0\n", hole, pigeon);
		}
		iov_buf_printf(&text, "wish pigeon-%u\n", pigeon);
	}
	iov_buf_puts(&text,
		     "fails conflict\nsays no answer after 30000000 steps, and most conflicts are about 'hole-\n");
	check_text(ctx, "pigeons", text.data);
	unit_ctx_free(ctx);
}
END_TEST

Suite *suite_resolve_resolve(void);
Suite *suite_resolve_resolve(void)
{
	Suite *suite = suite_create("resolve_resolve");
	TCase *tcase = tcase_create("resolve");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, resolves_every_universe);
	tcase_add_test(tcase, passes_errors_of_the_provider_on);
	tcase_add_test(tcase, gives_up_in_time);
	suite_add_tcase(suite, tcase);
	return suite;
}
