/* libsolv, asked the same questions: a SAT solver that package managers of distributions use, with no code or idea in
 * common with src/resolve. */
#ifndef IOV_TESTS_ORACLE_H
#define IOV_TESTS_ORACLE_H

#include <solv/solver.h>

#include "world.h"

/* The world as libsolv keeps an index in memory; yanked releases are left out. With `only_told` only those wishes and
 * needs count that are marked so. */
Pool *oracle_new(const struct world *world, bool only_told);
/* Whether all wishes can be met. Makes libsolv's list of who provides what, which is where it looks at all releases,
 * and solves; once for each pool. */
bool oracle_solve(Pool *pool, const struct world *world, bool only_told);

#endif
