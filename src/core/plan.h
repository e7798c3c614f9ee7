/*
 * The plan: the difference between two generations as plain data, in the order in which it is carried out. `plan` makes
 * it, `transaction` carries it out, --dry-run and --json print it.
 */
#ifndef IOV_CORE_PLAN_H
#define IOV_CORE_PLAN_H

#include "core/generation.h"
#include "core/upgrade.h"

enum iov_change {
	IOV_KEEP,    /* runs before and after, untouched */
	IOV_LOAD,    /* a new instance */
	IOV_REPLACE, /* the same instance with another release, parameters or imports */
	IOV_UNLOAD,
};

/* What happens to one hook of an instance. A site is one program at one target. */
struct iov_site_change {
	enum iov_change change;
	const char *program; /* borrowed from the releases */
	const char *section;
	char *target; /* expanded: "eth0"; "" where SEC says it all; owned */
	bool optional;
};

/* What happens to one map of a replaced instance. */
struct iov_map_change {
	const char *map; /* borrowed from the new release */
	struct iov_map_fate fate;
};

struct iov_instance_change {
	enum iov_change change;
	const struct iov_instance *before, *after; /* borrowed from the generations; NULL where there is none */
	const struct iov_installed *old, *new;	   /* the releases they run */
	struct iov_site_change *sites;
	size_t n_sites;
	struct iov_map_change *maps;
	size_t n_maps;
};

struct iov_release_change {
	const struct iov_installed *old, *new; /* NULL: comes or goes */
};

struct iov_plan {
	const struct iov_generation *from, *to; /* borrowed; outlive the plan */
	struct iov_release_change *releases;	/* those that differ, by name */
	size_t n_releases;
	struct iov_instance_change *instances; /* all of both generations, providers before importers */
	size_t n_instances;
	bool back;	/* a rollback: maps lose what the older layout cannot hold, which is told and never refused */
	bool no_health; /* the operator does without health checks */
	bool lossy;	/* the operator lets maps lose what the newer layout cannot hold */
};

void iov_instance_change_release(struct iov_instance_change *change); /* what it owns */
void iov_plan_free(struct iov_plan *plan);
/* For iov_auto(). */
static inline void iov_plan_release(struct iov_plan **plan)
{
	iov_plan_free(*plan);
}
bool iov_plan_is_empty(const struct iov_plan *plan);
json_t *iov_plan_json(const struct iov_plan *plan); /* docs/json.md; NULL: no memory */

#endif
