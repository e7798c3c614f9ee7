/* The modules that are wanted and not decided, as a heap with the one to decide next on top. A search that jumps far
 * back decides thousands of modules anew, so finding the next one must not mean looking at all. */
#include "resolve/solver.h"

#include <string.h>

#define TROUBLE_MIN 5 /* conflicts; an ordinary host has fewer, and its order is that of the names */

/* One that can stay as it is locked is no choice: it comes before the choices that might push it out. */
static size_t count_choices(const struct module *module)
{
	bool stays = module->candidates[0].locked && iov_states_has(module->latest->states, 1);
	return stays ? 1 : module->latest->n_left;
}

/* Where there is no choice any more comes first. What conflicts again and again is better decided before all that would
 * have to give way to it. */
static size_t urgency(const struct module *module)
{
	if (module->choices == 1)
		return SIZE_MAX;
	return module->trouble >= TROUBLE_MIN ? module->trouble : 0;
}

static bool comes_before(const struct module *a, const struct module *b)
{
	size_t left = urgency(a), right = urgency(b);
	if (left != right)
		return left > right;
	return a->choices < b->choices || (a->choices == b->choices && strcmp(a->name, b->name) < 0);
}

static void put(struct module_list *open, size_t at, struct module *module)
{
	open->items[at] = module;
	module->place = at + 1;
}

static void rise(struct module_list *open, size_t at)
{
	struct module *module = open->items[at];
	for (; at && comes_before(module, open->items[(at - 1) / 2]); at = (at - 1) / 2)
		put(open, at, open->items[(at - 1) / 2]);
	put(open, at, module);
}

static void sink(struct module_list *open, size_t at)
{
	struct module *module = open->items[at];
	for (;;) {
		size_t child = at * 2 + 1;
		if (child + 1 < open->count && comes_before(open->items[child + 1], open->items[child]))
			child++;
		if (child >= open->count || !comes_before(open->items[child], module))
			break;
		put(open, at, open->items[child]);
		at = child;
	}
	put(open, at, module);
}

static void settle(struct module_list *open, struct module *module)
{
	rise(open, module->place - 1);
	sink(open, module->place - 1);
}

static void take_out(struct module_list *open, struct module *module)
{
	size_t at = module->place - 1;
	struct module *last = open->items[--open->count];
	module->place = 0;
	if (last == module)
		return;
	put(open, at, last);
	settle(open, last);
}

int iov_solver_reopen(struct solver *solver, struct module *module)
{
	bool is_open =
		module->latest && !iov_solver_is_decided(module) && !iov_states_has(module->latest->states, IOV_ABSENT);
	if (!is_open) {
		if (module->place)
			take_out(&solver->open, module);
		return IOV_OK;
	}
	module->choices = count_choices(module);
	if (!module->place) {
		int err = iov_solver_push(solver, &solver->open, module);
		if (err)
			return err;
		module->place = solver->open.count;
	}
	settle(&solver->open, module);
	return IOV_OK;
}

int iov_solver_blame(struct solver *solver, struct module *module)
{
	module->trouble++;
	return module->place ? iov_solver_reopen(solver, module) : IOV_OK;
}
