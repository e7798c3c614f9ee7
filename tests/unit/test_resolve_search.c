/* Small random universes, each also decided by trying every combination: the resolver finds an answer exactly where
 * there is one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "universe.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define MODULES 5
#define VERSIONS 3
#define UNIVERSES 1500

static uint64_t state;

/* xorshift64: the same universes everywhere. */
static unsigned pick(unsigned below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % below;
}

static void add_requirement(struct iov_buf *text)
{
	static const char *const operators[] = {"=", ">=", "<=", ">", "<"};
	iov_buf_printf(text, "%s%u.0.0\n", operators[pick(5)], 1 + pick(VERSIONS));
}

static void make_universe(struct iov_buf *text)
{
	for (unsigned module = 0; module < MODULES; module++)
		for (unsigned version = 1; version <= VERSIONS; version++) {
			iov_buf_printf(text, "release m%u %u.0.0\n", module, version);
			for (unsigned other = 0; other < MODULES; other++)
				if (other != module && !pick(other > module ? 2 : 12)) {
					iov_buf_printf(text, "\tneeds m%u ", other);
					add_requirement(text);
				}
		}
	for (unsigned i = 0; i < 2; i++) {
		iov_buf_printf(text, "wish m%u ", i);
		add_requirement(text);
	}
}

static unsigned number_of(const char *name)
{
	return (unsigned)name[1] - '0';
}

/* Versions by module, 0: not there. */
struct choice {
	unsigned version[MODULES];
};

static const struct iov_manifest *chosen(const struct universe *universe, const struct choice *choice, unsigned module)
{
	return choice->version[module] ? universe->releases[module * VERSIONS + choice->version[module] - 1]->manifest
				       : NULL;
}

static bool meets(const struct universe *universe, const struct choice *choice, const char *name,
		  const struct iov_requirement *requirement)
{
	const struct iov_manifest *manifest = chosen(universe, choice, number_of(name));
	return manifest && iov_requirement_matches(requirement, &manifest->version);
}

/* With `left` modules a path must end, or it goes round. */
static bool goes_round(const struct universe *universe, const struct choice *choice, unsigned module, unsigned left)
{
	const struct iov_manifest *manifest = chosen(universe, choice, module);
	if (!left)
		return true;
	for (size_t i = 0; i < manifest->n_dependencies; i++)
		if (goes_round(universe, choice, number_of(manifest->dependencies[i].name), left - 1))
			return true;
	return false;
}

static bool is_answer(const struct universe *universe, const struct choice *choice)
{
	for (size_t i = 0; i < universe->n_wishes; i++)
		if (!meets(universe, choice, universe->wishes[i].name, universe->wishes[i].requirement))
			return false;
	for (unsigned module = 0; module < MODULES; module++) {
		const struct iov_manifest *manifest = chosen(universe, choice, module);
		for (size_t i = 0; manifest && i < manifest->n_dependencies; i++)
			if (!meets(universe, choice, manifest->dependencies[i].name,
				   manifest->dependencies[i].requirement))
				return false;
	}
	for (unsigned module = 0; module < MODULES; module++)
		if (choice->version[module] && goes_round(universe, choice, module, MODULES))
			return false;
	return true;
}

static bool has_answer(const struct universe *universe)
{
	unsigned all = 1;
	for (unsigned i = 0; i < MODULES; i++)
		all *= VERSIONS + 1;
	for (unsigned code = 0; code < all; code++) {
		struct choice choice;
		for (unsigned i = 0, rest = code; i < MODULES; i++, rest /= VERSIONS + 1)
			choice.version[i] = rest % (VERSIONS + 1);
		if (is_answer(universe, &choice))
			return true;
	}
	return false;
}

static bool check_one(struct iov_ctx *ctx)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	make_universe(&text);
	iov_auto(iov_free_ptr) char *shown = strdup(text.data);
	struct universe *universe = universe_read(ctx, "random", text.data);
	const struct iov_release **plan = NULL;
	size_t count = 0;
	int code = universe_resolve(universe, &plan, &count);
	struct choice choice = {0};
	for (size_t i = 0; i < count; i++)
		choice.version[number_of(plan[i]->manifest->name)] = (unsigned)plan[i]->manifest->version.major;
	if (code == IOV_OK)
		ck_assert_msg(is_answer(universe, &choice), "no answer:\n%s", shown);
	else
		ck_assert_msg(code == IOV_E_CONFLICT && !has_answer(universe), "missed one, '%s':\n%s",
			      iov_error_text(ctx), shown);
	free(plan);
	universe_free(universe);
	return code == IOV_OK;
}

START_TEST(finds_an_answer_where_there_is_one)
{
	struct iov_ctx *ctx = unit_ctx();
	unsigned found = 0;
	state = 0x9e3779b97f4a7c15;
	for (unsigned i = 0; i < UNIVERSES; i++)
		found += check_one(ctx);
	ck_assert_uint_gt(found, UNIVERSES / 10);
	ck_assert_uint_lt(found, UNIVERSES - UNIVERSES / 10);
	unit_ctx_free(ctx);
}
END_TEST

Suite *suite_resolve_search(void);
Suite *suite_resolve_search(void)
{
	Suite *suite = suite_create("resolve_search");
	TCase *tcase = tcase_create("search");
	tcase_add_test(tcase, finds_an_answer_where_there_is_one);
	suite_add_tcase(suite, tcase);
	return suite;
}
