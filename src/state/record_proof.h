/* Proofs in a lock.json: the notes that they share (roots, heads) stand once, in "notes" by their SHA-256. */
#ifndef IOV_STATE_RECORD_PROOF_H
#define IOV_STATE_RECORD_PROOF_H

#include "core/json.h"

/* The proof with digests in the place of notes, which go to `notes`. A new reference; NULL: no memory. */
json_t *iov_record_fold_proof(const json_t *proof, json_t *notes);
/* The way back. A new reference; NULL: there is no proof, or a note is missing. What it proves is for others to check.
 */
json_t *iov_record_unfold_proof(const json_t *folded, const json_t *notes);

#endif
