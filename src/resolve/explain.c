/*
 * A proof as sentences, one for each step that is worth a sentence: "because A and B, C; and because D, E; and F". A
 * sentence may lean on the one before it; what stands further up is told again, with the number that it got there.
 */
#include "resolve/proof.h"

#include <string.h>

#include "util/cleanup.h"

#define SENTENCES_MAX 40 /* more of them help nobody */

struct sentence {
	const struct step *step;
	const struct step *given[2]; /* the causes that it tells; one that it leans on was told just before */
	size_t n_given;
	bool leans;    /* on the sentence before */
	bool silent;   /* what it tells is told by the next one */
	size_t number; /* 0: nobody refers to it */
};

struct story {
	struct sentence *sentences;
	size_t count;
	size_t *at; /* by a step's number: its sentence, from 1; 0: none yet */
};

static int story_init(struct solver *solver, const struct proof *proof, struct story *story)
{
	story->sentences = iov_arena_take(&solver->arena, proof->count * sizeof(*story->sentences));
	story->at = iov_arena_take(&solver->arena, (proof->count + 1) * sizeof(*story->at));
	return story->sentences && story->at ? IOV_OK : iov_oom(solver->ctx);
}

static bool push_untold(const struct story *story, const struct step *cause, const struct step **stack, size_t *depth)
{
	if (!cause || cause->fact || story->at[cause->number])
		return false;
	stack[(*depth)++] = cause;
	return true;
}

/* Depth first, the causes before what follows from them, and the first cause right before it where that can be. */
static int order(struct solver *solver, const struct proof *proof, struct story *story)
{
	const struct step **stack = iov_arena_take(&solver->arena, (proof->count * 2 + 1) * sizeof(*stack));
	size_t depth = 0;
	if (!stack)
		return iov_oom(solver->ctx);
	stack[depth++] = proof->steps[proof->count - 1];
	while (depth) {
		const struct step *step = stack[depth - 1];
		if (!story->at[step->number]) {
			bool first = push_untold(story, step->causes[0], stack, &depth);
			bool second = push_untold(story, step->causes[1], stack, &depth);
			if (first || second)
				continue;
			story->sentences[story->count++].step = step;
			story->at[step->number] = story->count;
		}
		depth--;
	}
	return IOV_OK;
}

static bool belongs_after(const struct step *step, const struct step *other)
{
	if (!step->fact || !other->fact || (step->fact->origin != DEPENDENCY && step->fact->origin != KERNEL))
		return false;
	return other->fact->origin == CIRCLE || other->fact->need.module == step->fact->by;
}

/* What each sentence tells by itself. Who needs something comes before what that needs in turn. */
static void give_causes(struct story *story)
{
	for (size_t i = 0; i < story->count; i++) {
		struct sentence *sentence = &story->sentences[i];
		for (size_t j = 0; j < 2; j++) {
			const struct step *cause = sentence->step->causes[j];
			if (!cause)
				sentence->given[sentence->n_given++] = sentence->step;
			else if (i && cause == story->sentences[i - 1].step)
				sentence->leans = true;
			else
				sentence->given[sentence->n_given++] = cause;
			if (!cause)
				break;
		}
		if (sentence->n_given == 2 && belongs_after(sentence->given[0], sentence->given[1])) {
			const struct step *later = sentence->given[0];
			sentence->given[0] = sentence->given[1];
			sentence->given[1] = later;
		}
	}
}

static void number_sentences(struct story *story)
{
	size_t last = 0;
	for (size_t i = 0; i < story->count; i++)
		for (size_t j = 0; j < story->sentences[i].n_given; j++) {
			const struct step *given = story->sentences[i].given[j];
			if (!given->fact)
				story->sentences[story->at[given->number] - 1].number = SIZE_MAX;
		}
	for (size_t i = 0; i < story->count; i++)
		if (story->sentences[i].number)
			story->sentences[i].number = ++last;
}

static bool tells_one_fact(const struct sentence *sentence)
{
	return sentence->leans && sentence->n_given == 1 && sentence->given[0]->fact;
}

static bool tells_wish(const struct sentence *sentence)
{
	return sentence->given[0]->fact->origin == WISH;
}

/* Every other conclusion of a plain chain goes without saying, and so does every one on the way through wishes. */
static void silence(struct story *story)
{
	for (size_t i = 1; i < story->count; i++) {
		struct sentence *before = &story->sentences[i - 1], *sentence = &story->sentences[i];
		if (before->number || !tells_one_fact(before) || !tells_one_fact(sentence))
			continue;
		before->silent = (tells_wish(before) && tells_wish(sentence)) || !story->sentences[i - 2].silent;
	}
}

static void tell_given(const struct solver *solver, const struct story *story, const struct step *given,
		       struct iov_buf *text)
{
	if (given->fact) {
		iov_words_fact(solver, given->fact, text);
		return;
	}
	iov_words_conclusion(given->terms, text);
	iov_buf_printf(text, " (%zu)", story->sentences[story->at[given->number] - 1].number);
}

static bool has_aside(const struct iov_buf *clause)
{
	return clause->data && (strstr(clause->data, ", but ") || strstr(clause->data, ", which "));
}

/* What the silent ones before it and the sentence itself tell. A clause with a comma inside wants one after it. */
static void tell_causes(const struct solver *solver, const struct story *story, size_t at, struct iov_buf *text)
{
	size_t first = at;
	const char *between = "";
	while (first && story->sentences[first - 1].silent)
		first--;
	for (size_t i = first; i <= at; i++)
		for (size_t j = 0; j < story->sentences[i].n_given; j++) {
			iov_auto(iov_buf_release) struct iov_buf clause = {0};
			tell_given(solver, story, story->sentences[i].given[j], &clause);
			iov_buf_puts(text, between);
			iov_buf_puts(text, iov_buf_failed(&clause) ? "" : clause.data);
			text->failed |= iov_buf_failed(&clause);
			between = has_aside(&clause) ? ", and " : " and ";
		}
}

static void tell_sentence(const struct solver *solver, const struct story *story, size_t at, struct iov_buf *text)
{
	const struct sentence *sentence = &story->sentences[at];
	bool is_last = at + 1 == story->count;
	if (text->len)
		iov_buf_puts(text, "; ");
	if (sentence->leans)
		iov_buf_puts(text, "and ");
	else if (is_last && story->count > 1)
		iov_buf_puts(text, "but ");
	if (!is_last)
		iov_buf_puts(text, "because ");
	tell_causes(solver, story, at, text);
	if (is_last)
		return;
	iov_buf_puts(text, ", ");
	iov_words_conclusion(sentence->step->terms, text);
	if (sentence->number)
		iov_buf_printf(text, " (%zu)", sentence->number);
}

/* Who could follow it would rather read the derivation. */
static void tell_in_short(const struct solver *solver, const struct proof *proof, struct iov_buf *text)
{
	for (size_t i = 0; i < proof->count; i++) {
		if (!proof->steps[i]->fact || proof->steps[i]->fact->origin != WISH)
			continue;
		iov_buf_puts(text, text->len ? " and " : "");
		iov_words_fact(solver, proof->steps[i]->fact, text);
	}
	iov_buf_printf(text, ", and none of their releases agree; the proof has %zu steps, too many to tell here",
		       proof->count);
}

int iov_proof_explain(struct solver *solver, const struct proof *proof, struct iov_buf *text)
{
	struct story story = {0};
	int err = story_init(solver, proof, &story);
	if (!err)
		err = order(solver, proof, &story);
	if (err)
		return err;
	give_causes(&story);
	number_sentences(&story);
	silence(&story);
	if (story.count > SENTENCES_MAX)
		tell_in_short(solver, proof, text);
	for (size_t i = 0; story.count <= SENTENCES_MAX && i < story.count; i++)
		if (!story.sentences[i].silent)
			tell_sentence(solver, &story, i, text);
	return iov_buf_failed(text) ? iov_oom(solver->ctx) : IOV_OK;
}
