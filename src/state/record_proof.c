#include "state/record_proof.h"

#include <string.h>

#include "core/digest.h"
#include "util/cleanup.h"

static json_t *fold(const json_t *note, json_t *notes)
{
	char sha256[IOV_HEX_SIZE];
	const char *text = json_string_value(note);
	if (!text)
		return NULL;
	iov_sha256_hex(text, strlen(text), sha256);
	return json_object_set(notes, sha256, (json_t *)note) ? NULL : json_string(sha256);
}

static json_t *unfold(const json_t *sha256, const json_t *notes)
{
	return json_is_string(sha256) ? json_incref(json_object_get(notes, json_string_value(sha256))) : NULL;
}

static json_t *one(const json_t *note, json_t *notes, bool back)
{
	return back ? unfold(note, notes) : fold(note, notes);
}

/* One way or the other, for all the notes of a proof. */
static json_t *convert(const json_t *proof, json_t *notes, bool back)
{
	iov_auto(iov_json_release) json_t *copy = json_copy((json_t *)proof);
	iov_auto(iov_json_release) json_t *roots = json_array();
	size_t i;
	json_t *root;
	json_array_foreach(json_object_get(proof, "roots"), i, root) {
		if (json_array_append_new(roots, one(root, notes, back)))
			return NULL;
	}
	if (!copy || json_object_set(copy, "roots", roots) ||
	    json_object_set_new(copy, "head", one(json_object_get(proof, "head"), notes, back)))
		return NULL;
	return iov_take(copy);
}

json_t *iov_record_fold_proof(const json_t *proof, json_t *notes)
{
	return convert(proof, notes, false);
}

json_t *iov_record_unfold_proof(const json_t *folded, const json_t *notes)
{
	return folded ? convert(folded, (json_t *)notes, true) : NULL;
}
