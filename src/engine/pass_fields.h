/* Fields in instructions: an entry converted, and one merged with another (engine/pass.h). */
#ifndef IOV_ENGINE_PASS_FIELDS_H
#define IOV_ENGINE_PASS_FIELDS_H

#include "core/conversion.h"
#include "engine/asm.h"

/* Pointers that every part of a pass keeps to: the entry's key and value, the same entry at the other side, and what
 * the base has of it. r0 to r5 are free between parts. */
#define IOV_PASS_KEY BPF_REG_6
#define IOV_PASS_FROM BPF_REG_7
#define IOV_PASS_TO BPF_REG_8
#define IOV_PASS_BASE BPF_REG_9
/* The stack, from r10: has a field of this entry changed; the CPU; a counter of loops; the number and the address of
 * the key's slot, and whether the base has the key there. */
#define IOV_PASS_CHANGED (-8)
#define IOV_PASS_CPU (-16)
#define IOV_PASS_LOOP (-24)
#define IOV_PASS_INDEX (-28)
#define IOV_PASS_SLOT (-40)
#define IOV_PASS_IN_SLOT (-48)

/* Writes what moves, from one pointer to another; with `back` from the new layout to the old. */
void iov_pass_convert(struct iov_asm *code, const struct iov_field_moves *moves, bool back, uint8_t to, uint8_t from);
void iov_pass_fill(struct iov_asm *code, const struct iov_field_moves *moves, uint8_t to);
/* The bytes of the old layout that matter: copied, compared. */
void iov_pass_copy_old(struct iov_asm *code, const struct iov_field_moves *moves, uint8_t to, uint8_t from);
void iov_pass_if_old_differs(struct iov_asm *code, const struct iov_field_moves *moves, uint8_t a, uint8_t b,
			     int label);
/*
 * TO takes what changed in FROM since BASE, which is of the old layout. With `back`, FROM is of the new layout and TO
 * of the old; BASE then follows, if `follow`.
 */
void iov_pass_merge(struct iov_asm *code, const struct iov_field_moves *moves, bool back, bool follow);
/* Has TO changed since BASE? And what BASE counted is taken off TO. */
void iov_pass_if_touched(struct iov_asm *code, const struct iov_field_moves *moves, bool back, int label);
void iov_pass_subtract(struct iov_asm *code, const struct iov_field_moves *moves, bool back);

#endif
