/* What the files of the recording engine share. */
#ifndef IOV_ENGINE_RECORDING_PARTS_H
#define IOV_ENGINE_RECORDING_PARTS_H

#include "engine/recording.h"
#include "util/buf.h"

struct recording {
	struct iov_engine engine;
	struct iov_buf calls;
	unsigned made, fail_first, fail_count;
	json_t *values; /* what tests say that maps hold, and how often programs run */
	bool counts;
};

/* The engine is its first member. */
static inline struct recording *iov_recording_of(struct iov_engine *engine)
{
	return (struct recording *)engine;
}

/* Each call enters here, is counted, and fails when it was told to; calls that change something are noted with a word.
 */
int iov_recording_enter(struct iov_engine *engine);
int iov_recording_enter_site(struct iov_engine *engine, const char *verb, const struct iov_site *site);
/* Does the pretended kernel refuse this word? */
int iov_recording_refuses(struct iov_engine *engine, const json_t *kernel, const char *word);
int iov_recording_pinned_id(struct iov_engine *engine, const char *dir, const char *folder, const char *name,
			    uint32_t *ret);
/* What was said of "MAP" or "MAP.FIELD": the first of a list, and as long as there are more, the next one each time. */
uint64_t iov_recording_said(struct iov_engine *engine, const char *name, bool *ret_present);

/* recording_sites.c */
int iov_recording_adopt_site(struct iov_engine *engine, const struct iov_site *from, const char *from_dir,
			     const struct iov_site *to, const char *to_dir);
bool iov_recording_same_place(struct iov_engine *engine, const struct iov_site *a, const struct iov_site *b);
int iov_recording_check(struct iov_engine *engine, const struct iov_site *site);
int iov_recording_rehearse(struct iov_engine *engine, const struct iov_engine_load *load, const struct iov_site *sites,
			   size_t n_sites, const char **ret_program);
int iov_recording_attach(struct iov_engine *engine, const struct iov_site *site, const char *dir);
int iov_recording_move(struct iov_engine *engine, const struct iov_site *site, enum iov_move *ret,
		       enum iov_carry *ret_carry);
int iov_recording_arm(struct iov_engine *engine, const struct iov_site *site, const struct iov_arm *arm);
int iov_recording_swap(struct iov_engine *engine, const struct iov_site *site, const char *dir);
int iov_recording_detach(struct iov_engine *engine, const struct iov_site *site, const char *dir);
int iov_recording_running(struct iov_engine *engine, const struct iov_site *site, const char *dir,
			  struct iov_running *ret);

#endif
