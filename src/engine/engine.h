/*
 * What moves programs and maps into and out of a kernel. Two implementations: the live kernel through libbpf
 * (engine/kernel.c), and one that records what it is asked, for tests without root (engine/recording.c). Both keep the
 * same pins under the same folders (hooks/hook.h), except that the recording one uses plain files.
 */
#ifndef IOV_ENGINE_ENGINE_H
#define IOV_ENGINE_ENGINE_H

#include "core/plan.h"
#include "hooks/hook.h"

struct iov_engine;

/* A map that an instance takes from another. */
struct iov_engine_import {
	const char *map;		       /* its name in the importing object */
	const char *pin;		       /* the provider's pin, in the tree that is being built */
	const char *provider;		       /* "flow-table 1.0.0", for error texts */
	const struct iov_object_map *contract; /* the provider's record of the map */
	enum iov_access access;
};

struct iov_engine_load {
	const char *instance;
	const struct iov_release *release;
	const char *object;   /* path of the ELF file */
	const json_t *params; /* object of strings */
	unsigned group;	      /* of the module's `choose` (core/groups.h): programs of others are left out; 0: of all */
	const char *dir;      /* where to pin: staging/<instance>; made by the engine */
	const char *keep_dir; /* live/<instance> of the release being replaced, NULL for a new instance: maps that are
				 unchanged are kept */
	const struct iov_release *keep; /* that release */
	bool back; /* going back to an older generation: what its maps cannot hold is dropped and told, never refused */
	bool lossy; /* the operator lets an upgrade drop what the new maps cannot hold */
	const struct iov_engine_import *imports;
	size_t n_imports;
};

/*
 * The maps of one replaced instance whose layout or size changes (`load` made the new ones, and next to them a base,
 * pinned at new_dir/base/<map>, that remembers what was copied). A map without a base is not in migration.
 */
struct iov_migration {
	const char *instance;
	const char *old_dir, *new_dir;	     /* the folders with the old and the new maps */
	const struct iov_release *old, *new; /* whose layouts they have */
	bool back;			     /* what does not fit is dropped and told, never refused */
	bool lossy;			     /* the operator allows the same */
};

struct iov_migrated {
	uint64_t entries;   /* looked at */
	uint64_t changed;   /* of them written at the other side */
	uint64_t dropped;   /* entries that the other side has no room for */
	uint64_t window_ns; /* of a merge: since the last copy began, the time in which a late write was not seen */
};

struct iov_filled {
	uint64_t entries; /* that came back */
	uint64_t dropped; /* for which the map has no room */
};

/* One number in a map: of an entry, or how many entries there are (docs/health.md). */
struct iov_engine_value {
	const char *pin;
	const struct iov_object_map *map;
	const json_t *key; /* a text, or texts by member; NULL: of global variables the only entry, else count them */
	const char *field; /* NULL: the value as a whole */
};

/* What a pin stands for, as far as comparing needs it. */
enum iov_pinned_kind { IOV_PINNED_NOTHING, IOV_PINNED_PROGRAM, IOV_PINNED_MAP, IOV_PINNED_LINK, IOV_PINNED_OTHER };

struct iov_used_map {
	uint32_t id;
	char name[16]; /* as the kernel keeps it: cut off; "" when the map went meanwhile */
};

struct iov_pinned {
	enum iov_pinned_kind kind;
	uint32_t id;
	struct iov_used_map *maps; /* those that a program uses; owned */
	size_t n_maps;
};
void iov_pinned_release(struct iov_pinned *pinned);

struct iov_engine_ops {
	/* Makes bpffs ready below the root: mounts it where it is not. */
	int (*prepare)(struct iov_engine *engine);
	/* Loads every program and map and pins them: dir/progs/<program>, dir/maps/<map>; an empty folder
	 * dir/metadata says that its programs look at XDP metadata themselves. Attaches nothing. On failure the folder
	 * is gone. */
	int (*load)(struct iov_engine *engine, const struct iov_engine_load *load);
	/*
	 * Would `load` succeed, and these sites be attached? Tells without keeping or changing anything: imports are
	 * taken to be as declared, and of a site's target only what is of the kernel is looked at. Of `load` there need
	 * not be `dir`, `keep` and imports. *ret_program: the one that is not taken; NULL: none alone; borrowed.
	 */
	int (*rehearse)(struct iov_engine *engine, const struct iov_engine_load *load, const struct iov_site *sites,
			size_t n_sites, const char **ret_program);
	/* Pins everything of an unchanged instance in a second tree. */
	int (*adopt)(struct iov_engine *engine, const char *from_dir, const char *to_dir);
	int (*check)(struct iov_engine *engine, const struct iov_site *site);
	int (*attach)(struct iov_engine *engine, const struct iov_site *site, const char *dir);
	/* `to` is the same site in another tree, or one that takes its place. */
	int (*adopt_site)(struct iov_engine *engine, const struct iov_site *from, const char *from_dir,
			  const struct iov_site *to, const char *to_dir);
	bool (*same_place)(struct iov_engine *engine, const struct iov_site *a, const struct iov_site *b);
	/* How this kernel moves the site, and what it can do with XDP metadata. */
	int (*move)(struct iov_engine *engine, const struct iov_site *site, enum iov_move *ret,
		    enum iov_carry *ret_carry);
	/* Sites that move by the store only. */
	int (*arm)(struct iov_engine *engine, const struct iov_site *site, const struct iov_arm *arm);
	/* The generation index: one store moves every armed site. `stored` gives 0 where there is none; `forget` ends
	 * it. */
	int (*store)(struct iov_engine *engine, uint64_t generation);
	int (*stored)(struct iov_engine *engine, uint64_t *ret);
	int (*forget)(struct iov_engine *engine);
	/* The site runs the program of `dir` and nothing else; ends what `arm` began. */
	int (*swap)(struct iov_engine *engine, const struct iov_site *site, const char *dir);
	int (*detach)(struct iov_engine *engine, const struct iov_site *site, const char *dir);
	int (*running)(struct iov_engine *engine, const struct iov_site *site, const char *dir,
		       struct iov_running *ret);
	/* Has the kernel count the runs of every program, so that `running` knows them, until told otherwise. */
	int (*count_runs)(struct iov_engine *engine, bool on);
	/* Per-CPU values are added up. *ret_present: there is such an entry; otherwise *ret is 0. */
	int (*read_value)(struct iov_engine *engine, const struct iov_engine_value *what, bool *ret_present,
			  uint64_t *ret);
	/* The program pinned at dir/progs/<program>: its id, 0 when there is none. */
	int (*program_id)(struct iov_engine *engine, const char *dir, const char *program, uint32_t *ret);
	/*
	 * Moving entries. `copy` brings the new maps up to date with the old ones, and can be repeated: it writes what
	 * differs from the base. `merge` is for after the switch and a grace period, when the side that it reads is no
	 * longer written: late writes go to the new maps; or with `back`, what was written since the switch goes to the
	 * old ones. Each map's part is one indivisible step: killed in between, it can be repeated.
	 */
	int (*copy)(struct iov_engine *engine, const struct iov_migration *migration, struct iov_migrated *ret);
	int (*merge)(struct iov_engine *engine, const struct iov_migration *migration, bool back,
		     struct iov_migrated *ret);
	/* Returns when every program that began before the call has ended. */
	int (*grace)(struct iov_engine *engine);
	/* The contents of a map: to a file, and from one into the empty map pinned at `pin` (state/saved.h). `upgrade`
	 * is what the manifest says of this map under `maps.upgrade`, for a file of another layout; or NULL. */
	int (*save_map)(struct iov_engine *engine, const char *pin, const struct iov_object_map *map, const char *path,
			uint64_t *ret_entries);
	int (*fill_map)(struct iov_engine *engine, const char *pin, const struct iov_object_map *map, const char *path,
			const json_t *upgrade, struct iov_filled *ret);
	/* Two directories of the pin tree change places in one step. */
	int (*exchange)(struct iov_engine *engine, const char *a, const char *b);
	int (*remove_tree)(struct iov_engine *engine, const char *dir);
	/* {"id","type","entries" (counted where cheap),"max_entries","key_size","value_size","bytes"}; NULL members
	 * where unknown. A new reference. */
	int (*describe_map)(struct iov_engine *engine, const char *pin, json_t **ret);
	/* {"id","type","tag","runs","run_ns","loaded","instructions","bytes"} of the program pinned at a path. */
	int (*describe_program)(struct iov_engine *engine, const char *pin, json_t **ret);
	/* What is pinned at a path; nothing there is no error. */
	int (*inspect)(struct iov_engine *engine, const char *pin, struct iov_pinned *ret);
	/* Pins the map or program with this id, in place of what is pinned there. */
	int (*pin_id)(struct iov_engine *engine, enum iov_pinned_kind kind, uint32_t id, const char *pin);
	void (*free)(struct iov_engine *engine);
};

struct iov_engine {
	const struct iov_engine_ops *ops;
	struct iov_ctx *ctx;
};

/* The live kernel. IOV_E_PERMISSION without CAP_BPF, IOV_E_UNSUPPORTED without BTF or bpffs, with the remedy. Cheap:
 * checks happen in prepare. */
int iov_engine_kernel_new(struct iov_ctx *ctx, struct iov_engine **ret);
int iov_engine_recording_new(struct iov_ctx *ctx, struct iov_engine **ret);
void iov_engine_free(struct iov_engine *engine);

/* The name under which a map or program is pinned: bpffs knows no '.'; ".rodata" -> "rodata", "a.b" -> "a_b". Owned by
 * the caller. */
char *iov_pin_name(const char *name);

#endif
