/* A proof as JSON; resolve.h has its form. */
#include "resolve/proof.h"

#include "core/json.h"
#include "util/cleanup.h"

static json_t *versions(const struct module *module, const uint64_t *states)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < module->n_candidates; i++)
		if (iov_states_has(states, i + 1))
			json_array_append_new(list, json_string(module->candidates[i].release->manifest->version.text));
	return list;
}

static json_t *requirement_text(const struct need *need)
{
	return need->requirement ? json_string(iov_requirement_text(need->requirement)) : json_null();
}

static json_t *wish_members(const struct incompatibility *fact)
{
	return json_pack("{s:s, s:s, s:o, s:s?}", "fact", "wish", "module", fact->need.module->name, "requirement",
			 requirement_text(&fact->need), "why", fact->why);
}

static json_t *dependency_members(const struct incompatibility *fact)
{
	return json_pack("{s:s, s:s, s:o, s:s, s:o}", "fact", "dependency", "module", fact->by->name, "versions",
			 versions(fact->by, fact->states), "needs", fact->need.module->name, "requirement",
			 requirement_text(&fact->need));
}

static json_t *kernel_members(const struct incompatibility *fact)
{
	const struct iov_lack *lack = fact->lack;
	return json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:s?}", "fact", "kernel", "module", fact->by->name, "versions",
			 versions(fact->by, fact->states), "kernel", lack->kernel, "missing", lack->missing, "what",
			 lack->what, "since", lack->since);
}

static json_t *circle_members(const struct incompatibility *fact)
{
	json_t *modules = json_array();
	for (size_t i = 0; modules && i < fact->terms.count; i++) {
		const struct term *term = &fact->terms.items[i];
		json_array_append_new(modules, json_pack("{s:s, s:o}", "module", term->module->name, "versions",
							 versions(term->module, term->states)));
	}
	return json_pack("{s:s, s:o}", "fact", "circle", "modules", modules);
}

static json_t *(*const members_by_origin[])(const struct incompatibility *fact) = {
	[WISH] = wish_members,
	[DEPENDENCY] = dependency_members,
	[KERNEL] = kernel_members,
	[CIRCLE] = circle_members,
};

static json_t *step_to_json(const struct solver *solver, const struct step *step)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	json_t *json;
	if (step->fact) {
		iov_words_fact(solver, step->fact, &text);
		json = members_by_origin[step->fact->origin](step->fact);
	} else {
		iov_words_conclusion(step->terms, &text);
		json = json_pack("{s:[I, I]}", "because", (json_int_t)step->causes[0]->number,
				 (json_int_t)step->causes[1]->number);
	}
	if (!json || iov_buf_failed(&text) ||
	    json_object_set_new(json, "number", json_integer((json_int_t)step->number)) ||
	    json_object_set_new(json, "text", json_string(text.data))) {
		json_decref(json);
		return NULL;
	}
	return json;
}

int iov_proof_to_json(struct solver *solver, const struct proof *proof, json_t **ret)
{
	iov_auto(iov_json_release) json_t *list = json_array();
	for (size_t i = 0; i < proof->count; i++)
		if (json_array_append_new(list, step_to_json(solver, proof->steps[i])))
			return iov_oom(solver->ctx);
	*ret = iov_take(list);
	return *ret ? IOV_OK : iov_oom(solver->ctx);
}
