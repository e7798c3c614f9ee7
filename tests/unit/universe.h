/*
 * A universe of releases for the resolver, as text: what there is, what is asked for, and what comes out of it. The
 *first word of a line says what it is; lines under a `release` are indented:
 *
 *	release NAME VERSION         a release; they are shown to the resolver newest first
 *		needs NAME REQUIREMENT
 *		yanked REASON
 *		published TIME       2026-01-01T00:00:00Z, where nothing is said
 *		gone                 installed, but no registry lists it any more
 *		replaced             installed as it is here, but the registry shows other bytes under the same version
 *		lacks HELPER [SINCE] the kernel, 6.1.0, has no such helper; Linux SINCE brought it
 *	wish NAME [REQUIREMENT]
 *	locked NAME VERSION          installed
 *	unlock NAME
 *	until TIME                   what was published later is too young
 *	expect NAME VERSION          the plan, all of it
 *	fails conflict|not-found
 *	asked COUNT                  releases that the kernel was asked about
 *	says TEXT                    part of the error
 */
#ifndef IOV_TESTS_UNIVERSE_H
#define IOV_TESTS_UNIVERSE_H

#include "resolve/resolve.h"
#include "unit.h"

#define UNIVERSE_MAX 40000 /* releases; the largest index of the public vectors has a quarter of that */

struct universe {
	struct iov_ctx *ctx;
	const char *file;
	struct iov_release *releases[UNIVERSE_MAX];
	bool gone[UNIVERSE_MAX];
	struct iov_lack *lacks[UNIVERSE_MAX]; /* NULL: the kernel loads it; owned, with its text */
	size_t n_releases;
	size_t n_asked, expected_asked;		 /* releases that the kernel was asked about; 0 expected: any number */
	struct iov_release *shown[UNIVERSE_MAX]; /* what the provider gave out last, by name */
	struct iov_wish wishes[UNIVERSE_MAX];
	size_t n_wishes;
	const char *unlock[UNIVERSE_MAX];
	size_t n_unlock;
	const char *until;
	struct iov_generation *locked;
	const char *expected[UNIVERSE_MAX]; /* "NAME VERSION" */
	size_t n_expected;
	const char *says[UNIVERSE_MAX];
	size_t n_says;
	int code;
	json_t *derivation; /* of the failure; owned */
};

/* Takes the text apart in place; it must outlive the universe. `file` is for messages. */
struct universe *universe_read(struct iov_ctx *ctx, const char *file, char *text);
void universe_free(struct universe *universe);
/* The plan's array is the caller's. */
int universe_resolve(struct universe *universe, const struct iov_release ***ret, size_t *ret_count);
/* Resolves, and holds what comes out against `expect`, `fails` and `says`. */
void universe_check(struct universe *universe);

#endif
