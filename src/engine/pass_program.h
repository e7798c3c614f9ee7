/*
 * The program of a pass in the making (engine/pass.h): what its parts share. pass.c puts them together, pass_entries.c
 * and pass_deletions.c are what it does with an entry, and those write with pass_maps.c, pass_slots.c, pass_record.c.
 */
#ifndef IOV_ENGINE_PASS_PROGRAM_H
#define IOV_ENGINE_PASS_PROGRAM_H

#include <stddef.h>

#include "engine/asm.h"
#include "engine/pass.h"
#include "engine/pass_fields.h"

struct iov_pass {
	struct iov_asm code;
	const struct iov_conversion *conversion;
	const struct iov_pass_maps *maps;
	enum iov_pass_kind kind;
	bool back, first;
	int out; /* the callback's end */
};

/* ---- the record and the stack ---- */

/* What entries are built in, behind the counters. */
enum iov_pass_area {
	IOV_AREA_OLD_KEY,
	IOV_AREA_NEW_KEY,
	IOV_AREA_SNAPSHOT,
	IOV_AREA_BUILT,
	IOV_AREA_BLANK_OLD,
	IOV_AREA_BLANK_NEW,
	IOV_AREA_END,
};

#define IOV_PASS_COUNTER(member) offsetof(struct iov_pass_record, member)

/* To whole words of eight bytes. */
uint32_t iov_pass_padded(uint32_t size);
void iov_pass_load_area(struct iov_pass *pass, uint8_t reg, enum iov_pass_area area);
void iov_pass_count(struct iov_pass *pass, size_t counter, int32_t by);
void iov_pass_set_stack(struct iov_pass *pass, int16_t slot, int32_t value);

/* ---- maps ---- */

enum iov_pass_side { IOV_SIDE_OLD, IOV_SIDE_NEW, IOV_SIDE_BASE };

int iov_pass_map_of(const struct iov_pass *pass, enum iov_pass_side side);
enum iov_pass_side iov_pass_source(const struct iov_pass *pass);
enum iov_pass_side iov_pass_target(const struct iov_pass *pass);
/* The key by which a side knows the entry; the base uses the old one. `walked` is the side that IOV_PASS_KEY is of. */
void iov_pass_load_key(struct iov_pass *pass, enum iov_pass_side side, enum iov_pass_side walked);
/* Makes the key that iov_pass_load_key() may ask for. */
void iov_pass_convert_key(struct iov_pass *pass, enum iov_pass_side walked);
/* r0 = the entry's value at a side, or NULL; or in a map of the kernel's, without the slots. */
void iov_pass_look_up(struct iov_pass *pass, enum iov_pass_side side, enum iov_pass_side walked);
void iov_pass_look_up_map(struct iov_pass *pass, enum iov_pass_side side, enum iov_pass_side walked);
/* `reg` = the entry's value in a map; where there is none, on to `label`. */
void iov_pass_find(struct iov_pass *pass, uint8_t reg, enum iov_pass_side side, enum iov_pass_side walked, int label);
/* r0 = the update's result, of the value in an area. */
void iov_pass_update(struct iov_pass *pass, enum iov_pass_side side, enum iov_pass_side walked,
		     enum iov_pass_area value, int32_t flags);
void iov_pass_erase(struct iov_pass *pass, enum iov_pass_side side, enum iov_pass_side walked);
/* Counts an entry for which there was no room, and is done with it. */
void iov_pass_drop(struct iov_pass *pass);
/* The same where the base has the entry and the other side has no room: it goes from the base, or the next pass would
 * take it for one that was deleted there. */
void iov_pass_drop_from_base(struct iov_pass *pass);
/* The entry is there afterwards, blank where it was not, and `reg` points to its value. `counter` counts new ones. */
void iov_pass_ensure(struct iov_pass *pass, uint8_t reg, enum iov_pass_side side, const size_t *counter);

/* ---- slots ---- */

/* A slot begins with its state. A key that found its slot taken is behind it, until then and also when the slot is free
 * again; behind one that was never taken there is none. */
enum { IOV_SLOT_NEVER_TAKEN, IOV_SLOT_TAKEN, IOV_SLOT_FREE_AGAIN };

bool iov_pass_has_slots(const struct iov_pass *pass);
/* r0 = what the base has of the entry, or NULL; the slot's address is on the stack either way. */
void iov_pass_look_up_slot(struct iov_pass *pass, enum iov_pass_side walked);
void iov_pass_erase_from_base(struct iov_pass *pass, enum iov_pass_side walked);
/* r0 = 0: the base, which does not have the entry, has it from now on, with the value in an area. */
void iov_pass_put_into_base(struct iov_pass *pass, enum iov_pass_area value);

/* ---- callbacks: with an entry of the source, of the base, of a slot ---- */

void iov_pass_move_entry(struct iov_pass *pass);
/*
 * An entry of the base: where its side has deleted it, it goes on the other side too. If that one has written to it
 * since, only what was copied is taken off again.
 */
void iov_pass_follow_deletion(struct iov_pass *pass);
void iov_pass_follow_slot(struct iov_pass *pass);

#endif
