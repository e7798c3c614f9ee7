#include "check/reach.h"

#include <string.h>

#include "util/cleanup.h"

#define QUESTIONS_MAX 64 /* in one function; what hangs on more is as good as unknown */

/* An instruction that asks for something or goes to another function. */
struct place {
	uint32_t at; /* in the whole code */
	struct iov_reach reach;
};

struct function {
	bool read;
	struct place *places;
	uint32_t count;
};

struct iov_reaching {
	struct iov_ctx *ctx;
	const struct iov_bytecode *code;
	const struct iov_needs *needs;
	struct function *functions;
};

int iov_reaching_new(struct iov_ctx *ctx, const struct iov_bytecode *code, const struct iov_needs *needs,
		     struct iov_reaching **ret)
{
	struct iov_reaching *reaching = calloc(1, sizeof(*reaching));
	if (!reaching)
		return iov_oom(ctx);
	*reaching = (struct iov_reaching){.ctx = ctx, .code = code, .needs = needs};
	reaching->functions = calloc(code->n_functions + 1, sizeof(*reaching->functions));
	if (!reaching->functions) {
		free(reaching);
		return iov_oom(ctx);
	}
	*ret = reaching;
	return IOV_OK;
}

void iov_reaching_free(struct iov_reaching *reaching)
{
	if (!reaching)
		return;
	for (uint32_t i = 0; i < reaching->code->n_functions; i++)
		free(reaching->functions[i].places);
	free(reaching->functions);
	free(reaching);
}

/* ---- conditions ---- */

static bool has(const struct iov_reach *reach, struct iov_condition condition)
{
	for (unsigned i = 0; i < reach->count; i++)
		if (reach->conditions[i].need == condition.need && reach->conditions[i].present == condition.present)
			return true;
	return false;
}

static void add(struct iov_reach *reach, struct iov_condition condition)
{
	if (reach->count < IOV_REACH_CONDITIONS && !has(reach, condition))
		reach->conditions[reach->count++] = condition;
}

/* What is reached through two doors, one after the other. */
static struct iov_reach through(const struct iov_reach *outer, const struct iov_reach *inner)
{
	struct iov_reach both = *outer;
	both.certain = outer->certain && inner->certain;
	for (unsigned i = 0; i < inner->count; i++)
		add(&both, inner->conditions[i]);
	return both;
}

static bool is_surer(const struct iov_reach *reach, const struct iov_reach *than)
{
	return reach->certain != than->certain ? reach->certain : reach->count < than->count;
}

/* What is reached on either of two ways. True: that changed `reach`. */
static bool either(struct iov_reach *reach, const struct iov_reach *other)
{
	struct iov_reach before = *reach;
	if (!before.seen) {
		*reach = *other;
		reach->seen = true;
		return true;
	}
	if (is_surer(other, reach))
		reach->at = other->at;
	reach->certain |= other->certain;
	reach->count = 0;
	for (unsigned i = 0; i < before.count && !reach->certain; i++)
		if (has(other, before.conditions[i]))
			reach->conditions[reach->count++] = before.conditions[i];
	return reach->certain != before.certain || reach->count != before.count;
}

/* ---- one function ---- */

static bool is_place(const struct iov_reaching *reaching, uint32_t at)
{
	return reaching->needs->of[at] != IOV_BYTECODE_NONE || reaching->code->functions_of[at] != IOV_BYTECODE_NONE;
}

static int add_places(const struct iov_reaching *reaching, const struct iov_bytecode_function *where,
		      struct function *function)
{
	for (uint32_t at = where->first; at < where->first + where->count; at++) {
		function->count += is_place(reaching, at);
		at += iov_insn_is_wide(&reaching->code->insns[at]);
	}
	function->places = calloc(function->count + 1, sizeof(*function->places));
	if (!function->places)
		return iov_oom(reaching->ctx);
	uint32_t count = 0;
	for (uint32_t at = where->first; at < where->first + where->count; at++) {
		if (is_place(reaching, at))
			function->places[count++] = (struct place){.at = at, .reach.seen = true};
		at += iov_insn_is_wide(&reaching->code->insns[at]);
	}
	return IOV_OK;
}

/* What is not reached when the kernel lacks a need, or has it. */
static int ask(const struct iov_reaching *reaching, const struct iov_bytecode_function *where,
	       struct function *function, struct iov_condition condition, bool *marks)
{
	const struct iov_need *need = &reaching->needs->items[condition.need];
	struct iov_flow_guess guess = {.needs = reaching->needs->of,
				       .need = condition.need,
				       .known = condition.present ? need->present : need->absent};
	int rc = iov_flow_reached(reaching->ctx, reaching->code, where, &guess, marks);
	for (uint32_t i = 0; !rc && i < function->count; i++)
		if (!marks[function->places[i].at - where->first])
			add(&function->places[i].reach, condition);
	return rc;
}

/* The different questions that a function asks of the kernel. */
static unsigned find_questions(const struct iov_reaching *reaching, const struct function *function, uint32_t *ret)
{
	unsigned count = 0;
	for (uint32_t i = 0; i < function->count && count < QUESTIONS_MAX; i++) {
		uint32_t need = reaching->needs->of[function->places[i].at];
		bool known = need == IOV_BYTECODE_NONE || !reaching->needs->items[need].tells;
		for (unsigned j = 0; !known && j < count; j++)
			known = ret[j] == need;
		if (!known)
			ret[count++] = need;
	}
	return count;
}

static int mark_certain(const struct iov_reaching *reaching, const struct iov_bytecode_function *where,
			struct function *function, bool *marks)
{
	int rc = iov_flow_certain(reaching->ctx, reaching->code, where, marks);
	for (uint32_t i = 0; !rc && i < function->count; i++)
		function->places[i].reach.certain =
			marks[function->places[i].at - where->first] && !reaching->needs->throws;
	return rc;
}

static int read_function(const struct iov_reaching *reaching, uint32_t index)
{
	const struct iov_bytecode_function *where = &reaching->code->functions[index];
	struct function *function = &reaching->functions[index];
	uint32_t questions[QUESTIONS_MAX];
	if (function->read)
		return IOV_OK;
	iov_auto(iov_free_ptr) bool *marks = calloc(where->count + 1, sizeof(*marks));
	if (!marks)
		return iov_oom(reaching->ctx);
	int rc = add_places(reaching, where, function);
	if (!rc)
		rc = mark_certain(reaching, where, function, marks);
	unsigned count = rc ? 0 : find_questions(reaching, function, questions);
	for (unsigned i = 0; !rc && i < 2 * count; i++)
		rc = ask(reaching, where, function, (struct iov_condition){questions[i / 2], i % 2}, marks);
	function->read = !rc;
	return rc;
}

/* ---- a program with all that it calls ---- */

struct walk {
	const struct iov_reaching *reaching;
	struct iov_reach *functions; /* how each is reached */
	uint32_t *queue;
	bool *queued;
	uint32_t count;
};

static void go_to(struct walk *walk, uint32_t function, const struct iov_reach *reach)
{
	if (!either(&walk->functions[function], reach) || walk->queued[function])
		return;
	walk->queued[function] = true;
	walk->queue[walk->count++] = function;
}

static void leave(struct walk *walk, uint32_t index, struct iov_reach *ret)
{
	const struct iov_reaching *reaching = walk->reaching;
	const struct function *function = &reaching->functions[index];
	for (uint32_t i = 0; i < function->count; i++) {
		const struct place *place = &function->places[i];
		struct iov_reach reach = through(&walk->functions[index], &place->reach);
		reach.at = place->at;
		if (reaching->needs->of[place->at] != IOV_BYTECODE_NONE)
			either(&ret[reaching->needs->of[place->at]], &reach);
		uint32_t to = reaching->code->functions_of[place->at];
		if (to == IOV_BYTECODE_NONE)
			continue;
		/* whose address is handed on may be called or not */
		reach.certain &= iov_insn_is_call(&reaching->code->insns[place->at]);
		/* before Linux 6.8 the verifier looks at each global function of a program, called or not */
		if (reaching->code->functions[to].global)
			reach.count = 0;
		go_to(walk, to, &reach);
	}
}

/* Needs are met with again when a function turns out to be reached on a further way; what was concluded from the first
 * way alone is then weakened by the second. */
static int follow(struct walk *walk, struct iov_reach *ret)
{
	int rc = IOV_OK;
	while (!rc && walk->count) {
		uint32_t index = walk->queue[--walk->count];
		walk->queued[index] = false;
		rc = read_function(walk->reaching, index);
		if (!rc)
			leave(walk, index, ret);
	}
	return rc;
}

static void walk_release(struct walk *walk)
{
	free(walk->functions);
	free(walk->queue);
	free(walk->queued);
}

int iov_reach(struct iov_ctx *ctx, struct iov_reaching *reaching, uint32_t function, struct iov_reach *ret)
{
	static const struct iov_reach start = {.seen = true, .certain = true};
	size_t count = reaching->code->n_functions;
	iov_auto(walk_release) struct walk walk = {.reaching = reaching,
						   .functions = calloc(count + 1, sizeof(*walk.functions)),
						   .queue = calloc(count + 1, sizeof(*walk.queue)),
						   .queued = calloc(count + 1, sizeof(*walk.queued))};
	if (!walk.functions || !walk.queue || !walk.queued)
		return iov_oom(ctx);
	memset(ret, 0, reaching->needs->count * sizeof(*ret));
	go_to(&walk, function, &start);
	return follow(&walk, ret);
}
