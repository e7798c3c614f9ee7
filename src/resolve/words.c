/* Facts and conclusions as clauses of a sentence. */
#include "resolve/proof.h"

#include <stdlib.h>
#include <string.h>

#include "util/nearest.h"

#define VERSIONS_MAX 6 /* of a module, told in full; more of them read no better */

static const struct iov_version *version_at(const struct module *module, size_t candidate)
{
	return &module->candidates[candidate].release->manifest->version;
}

static size_t count_candidates(const struct module *module, const uint64_t *states)
{
	return iov_states_count(states, module->n_words);
}

/* Build metadata makes no order; the better candidate counts as newer then. */
static bool is_newer(const struct module *module, size_t candidate, size_t other)
{
	int order = iov_version_compare(version_at(module, candidate), version_at(module, other));
	return order > 0 || (order == 0 && candidate < other);
}

/* The next older candidate, or, from SIZE_MAX, the newest. Pre-releases that are not in the set are passed over, as a
 * range would. SIZE_MAX: none. */
static size_t next_older(const struct module *module, const uint64_t *states, size_t from)
{
	size_t best = SIZE_MAX;
	for (size_t i = 0; i < module->n_candidates; i++) {
		if (version_at(module, i)->prerelease_len && !iov_states_has(states, i + 1))
			continue;
		if ((from == SIZE_MAX || is_newer(module, from, i)) &&
		    (best == SIZE_MAX || is_newer(module, i, best)) && i != from)
			best = i;
	}
	return best;
}

/* From `newest` down to `oldest`; `above` is the next newer one and `below` the next older one, where there are. */
static void tell_run(const struct module *module, size_t above, size_t newest, size_t oldest, size_t below,
		     struct iov_buf *text)
{
	const char *low = version_at(module, oldest)->text;
	if (newest == oldest) {
		iov_buf_puts(text, low);
		return;
	}
	if (below != SIZE_MAX || above == SIZE_MAX)
		iov_buf_printf(text, ">=%s%s", low, above == SIZE_MAX ? "" : " ");
	if (above != SIZE_MAX)
		iov_buf_printf(text, "<%s", version_at(module, above)->text);
}

/* Runs of neighbours, from newest to oldest: ">=2.0.0 or >=1.1.0 <1.4.0 or 1.0.0". */
static void tell_runs(const struct module *module, const uint64_t *states, struct iov_buf *text)
{
	size_t above = SIZE_MAX, at = next_older(module, states, SIZE_MAX);
	const char *between = "";
	while (at != SIZE_MAX) {
		size_t newest = at, oldest = at;
		while (at != SIZE_MAX && iov_states_has(states, at + 1)) {
			oldest = at;
			at = next_older(module, states, at);
		}
		if (at == newest) {
			above = at;
			at = next_older(module, states, at);
			continue;
		}
		iov_buf_puts(text, between);
		tell_run(module, above, newest, oldest, at, text);
		between = " or ";
	}
}

static const struct range *find_range(const struct module *module, const uint64_t *states)
{
	const struct range *found = NULL;
	for (const struct range *range = module->ranges; range; range = range->next)
		if (iov_states_is_same(range->matching, states, module->n_words))
			found = range; /* the first that came up stands last */
	return found;
}

static bool is_any(const struct module *module, const uint64_t *states)
{
	for (size_t i = 0; i < module->n_candidates; i++)
		if (!iov_states_has(states, i + 1) && !version_at(module, i)->prerelease_len)
			return false;
	return true;
}

/* "'top' 1.0.0", "'top' ^1", "'top' >=1.2.0 <2.0.0"; where it is any version, `any` says so: "every version of 'top'".
 */
static void tell_states(const struct module *module, const uint64_t *states, const char *any, struct iov_buf *text)
{
	if (count_candidates(module, states) > 1 && is_any(module, states)) {
		iov_buf_printf(text, "%s'%s'", any, module->name);
		return;
	}
	iov_buf_printf(text, "'%s' ", module->name);
	const struct range *range = count_candidates(module, states) > 1 ? find_range(module, states) : NULL;
	if (range && range->requirement)
		iov_buf_puts(text, iov_requirement_text(range->requirement));
	else
		tell_runs(module, states, text);
}

bool iov_words_is_unknown(const struct need *need)
{
	return !need->module->n_releases && !need->module->n_candidates;
}

static void tell_versions(const struct module *module, struct iov_buf *text)
{
	size_t shown = module->n_candidates > VERSIONS_MAX ? VERSIONS_MAX - 1 : module->n_candidates;
	for (size_t i = 0; i < shown; i++) {
		const char *between = i == 0 ? "" : i + 1 == module->n_candidates ? " and " : ", ";
		iov_buf_printf(text, "%s%s", between, version_at(module, i)->text);
	}
	if (shown < module->n_candidates)
		iov_buf_printf(text, " and %zu more", module->n_candidates - shown);
}

struct guess {
	struct iov_nearest nearest;
	char *name; /* the nearest, the provider's own may be gone by the time it is told; owned */
};

static void offer(const char *name, void *to)
{
	struct guess *guess = to;
	iov_nearest_offer(&guess->nearest, name);
	if (guess->nearest.name != name)
		return;
	free(guess->name);
	guess->name = strdup(name);
	guess->nearest.name = guess->name;
}

static void tell_unknown(const struct solver *solver, const char *name, struct iov_buf *text)
{
	struct guess guess = {0};
	iov_nearest_init(&guess.nearest, name, strlen(name));
	if (solver->provider->names)
		solver->provider->names(solver->ctx, offer, &guess, solver->provider->data);
	iov_buf_printf(text, ", but no registry has a module named '%s'", name);
	if (guess.name)
		iov_buf_printf(text, " (did you mean '%s'?)", guess.name);
	free(guess.name);
}

static void tell_need(const struct need *need, struct iov_buf *text)
{
	const char *range = need->requirement ? iov_requirement_text(need->requirement) : "*";
	iov_buf_printf(text, "'%s'", need->module->name);
	if (strcmp(range, "*") != 0)
		iov_buf_printf(text, " %s", range);
}

/* Why that cannot be, where nothing meets it. */
static void tell_unmet(const struct solver *solver, const struct need *need, struct iov_buf *text)
{
	const struct module *module = need->module;
	if (count_candidates(module, need->matching))
		return;
	if (iov_words_is_unknown(need)) {
		tell_unknown(solver, module->name, text);
	} else if (!module->n_candidates) {
		iov_buf_printf(text, ", but every release of '%s' is %s", module->name,
			       solver->request->until ? "yanked or too young" : "yanked");
	} else {
		iov_buf_puts(text, ", but there is only ");
		tell_versions(module, text);
	}
}

static void tell_circle(struct terms circle, struct iov_buf *text)
{
	for (size_t i = 0; i < circle.count; i++) {
		const struct term *term = &circle.items[i];
		iov_buf_puts(text, i == 0 ? "" : i + 1 == circle.count ? " and " : ", ");
		tell_states(term->module, term->states, "every version of ", text);
		iov_buf_printf(text, " needs '%s'", circle.items[(i + 1) % circle.count].module->name);
	}
	iov_buf_puts(text, ", but modules cannot need each other in a circle");
}

static void tell_wish(const struct incompatibility *wish, struct iov_buf *text)
{
	tell_need(&wish->need, text);
	iov_buf_puts(text, " is wanted");
	if (wish->why)
		iov_buf_printf(text, " (%s)", wish->why);
}

static void tell_dependency(const struct incompatibility *dependency, struct iov_buf *text)
{
	tell_states(dependency->by, dependency->states, "every version of ", text);
	iov_buf_puts(text, " needs ");
	tell_need(&dependency->need, text);
}

static void tell_lack(const struct incompatibility *lack, struct iov_buf *text)
{
	tell_states(lack->by, lack->states, "every version of ", text);
	iov_buf_printf(text, " needs %s", lack->lack->text);
}

void iov_words_fact(const struct solver *solver, const struct incompatibility *fact, struct iov_buf *text)
{
	if (fact->origin == CIRCLE)
		tell_circle(fact->terms, text);
	else if (fact->origin == KERNEL)
		tell_lack(fact, text);
	else if (fact->origin == WISH)
		tell_wish(fact, text);
	else
		tell_dependency(fact, text);
	if (fact->need.module)
		tell_unmet(solver, &fact->need, text);
}

static bool is_positive(const struct term *term)
{
	return !iov_states_has(term->states, IOV_ABSENT);
}

static size_t count_positive(struct terms terms)
{
	size_t count = 0;
	for (size_t i = 0; i < terms.count; i++)
		count += is_positive(&terms.items[i]);
	return count;
}

/* A term that has to be false is told as what has to be instead. */
static void tell_opposite(const struct term *term, struct iov_buf *text)
{
	const struct module *module = term->module;
	uint64_t few[4] = {0}, *states = module->n_words <= 4 ? few : calloc(module->n_words, sizeof(*states));
	for (size_t i = 0; states && i < module->n_words; i++)
		states[i] = module->all[i] & ~term->states[i];
	if (states)
		tell_states(module, states, "", text);
	else
		text->failed = true;
	if (states != few)
		free(states);
}

/* Those of one kind: "'top' and 'count'". */
static void tell_terms(struct terms terms, bool positive, const char *any, const char *join, struct iov_buf *text)
{
	const char *between = "";
	for (size_t i = 0; i < terms.count; i++) {
		const struct term *term = &terms.items[i];
		if (is_positive(term) != positive)
			continue;
		iov_buf_puts(text, between);
		if (positive)
			tell_states(term->module, term->states, any, text);
		else
			tell_opposite(term, text);
		between = join;
	}
}

void iov_words_conclusion(struct terms terms, struct iov_buf *text)
{
	size_t n_positive = count_positive(terms);
	bool some_negative = n_positive < terms.count;
	if (!terms.count)
		iov_buf_puts(text, "nothing fits");
	if (n_positive)
		tell_terms(terms, true, n_positive == 1 && some_negative ? "every version of " : "",
			   some_negative ? " with " : " and ", text);
	if (n_positive && some_negative)
		iov_buf_puts(text, " needs ");
	if (some_negative)
		tell_terms(terms, false, "", " or ", text);
	if (!n_positive && some_negative)
		iov_buf_puts(text, " is needed");
	else if (!some_negative && terms.count)
		iov_buf_puts(text, n_positive == 1   ? " cannot be installed"
				   : n_positive == 2 ? " cannot be together"
						     : " cannot all be together");
}
