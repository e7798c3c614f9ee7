/*
 * The kernel that the recording engine pretends to have: one JSON document,
 *   {"attached":[{"id","instance","program","program_id","section","slots","target"}],"index","next",
 *    "refused":{WORD:CODE}}
 * that is read for each call and written by those that change it. A link lives as long as a file under some links/
 * folder of the pin trees names its id, so links whose last pin went are gone at the next reading. A section "tc/..."
 * stands for a filter: id 0, no pin, alive until it is detached.
 */
#ifndef IOV_ENGINE_PRETEND_H
#define IOV_ENGINE_PRETEND_H

#include "engine/engine.h"

int iov_pretend_read(struct iov_ctx *ctx, json_t **ret);
int iov_pretend_write(struct iov_ctx *ctx, const json_t *kernel);
/* A fresh id; programs, maps and links share the numbers. */
uint32_t iov_pretend_next(json_t *kernel);

/* Filters move by a replacement of their own, sections "beside/..." by attaching twice, all others by the store. */
enum iov_move iov_pretend_move(const struct iov_site *site);
/* Both programs, 0: none, in the slots that the index chooses from. */
int iov_pretend_arm(struct iov_ctx *ctx, json_t *attached, uint64_t generation, uint32_t old_program,
		    uint32_t new_program);
/* The program that runs, by the index where the attachment is armed. */
uint32_t iov_pretend_program(const json_t *kernel, const json_t *attached);
/* Sections "xdp...": a target takes one. */
bool iov_pretend_is_exclusive(const struct iov_site *site);
bool iov_pretend_is_filter(const struct iov_site *site);
/* A filter takes the place of the one with its mark. */
int iov_pretend_attach(struct iov_ctx *ctx, json_t *kernel, const struct iov_site *site, uint32_t link,
		       uint32_t program);
/* What is attached at a site: the link with this id, or the site's filter. NULL: nothing; borrowed. */
json_t *iov_pretend_find(const json_t *kernel, const struct iov_site *site, uint32_t link);
void iov_pretend_detach(json_t *kernel, const json_t *attached);
/* The target vanishes with what is attached to it; pins of its links stay, and hold nothing. */
void iov_pretend_end_target(json_t *kernel, const char *target);
/* Another site's program at a target that takes only one (xdp). */
bool iov_pretend_is_taken(const json_t *kernel, const struct iov_site *site);
/* The code with which this kernel refuses a word, IOV_OK where it does not. */
int iov_pretend_refusal(const json_t *kernel, const char *word);

/* Pins what `load` asks for, as JSON: maps {"id", ...as describe_map}, programs
 * {"id","maps":{NAME:ID},"release","type"}. */
int iov_pretend_load(struct iov_ctx *ctx, json_t *kernel, const struct iov_engine_load *load);

/* A pin: a file that holds one JSON document. `pin` fails where there is one already; `pinned_id` gives 0 where there
 * is none. */
char *iov_pretend_path(const char *dir, const char *kind,
		       const char *name); /* DIR/KIND/NAME as a pin is named; owned by the caller */
int iov_pretend_share(struct iov_ctx *ctx, const char *from, const char *to);
int iov_pretend_pin(struct iov_ctx *ctx, const char *path, const json_t *content);
int iov_pretend_pinned_id(struct iov_ctx *ctx, const char *path, uint32_t *ret);
/* A program by its folder progs/, a link by links/; the rest are maps. */
int iov_pretend_inspect(struct iov_ctx *ctx, const char *pin, struct iov_pinned *ret);

#endif
