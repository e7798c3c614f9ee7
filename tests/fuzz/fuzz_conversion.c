/* Two layouts and rules, as releases bring them, to a conversion: refused with a text, or every byte of it in bounds.
 */
#include <stdlib.h>
#include <string.h>

#include "core/conversion.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct iov_field_moves *moves)
{
	for (size_t i = 0; i < moves->n_moves; i++) {
		const struct iov_field_move *move = &moves->moves[i];
		uint64_t from = (uint64_t)move->from.size * move->count, to = (uint64_t)move->to.size * move->count;
		if (!move->count || move->from.offset + from > moves->from_size ||
		    move->to.offset + to > moves->to_size)
			abort();
		if (!move->multiply || !move->divide)
			abort();
	}
	for (size_t i = 0; i < moves->n_fills; i++)
		if (moves->fills[i].offset + moves->fills[i].size > moves->to_size)
			abort();
}

/* {"from": {"key_size", "value_size", "layout"}, "to": the same, "upgrade", "inverted"} */
static struct iov_object_map map_of(const json_t *side)
{
	return (struct iov_object_map){.name = "m",
				       .type = "hash",
				       .key_size = (uint32_t)json_integer_value(json_object_get(side, "key_size")),
				       .value_size = (uint32_t)json_integer_value(json_object_get(side, "value_size")),
				       .layout = json_object_get(side, "layout")};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iov_ctx *ctx = NULL;
	json_t *json = NULL;
	struct iov_conversion *conversion = NULL;
	if (iov_ctx_new(NULL, &ctx))
		abort();
	if (!iov_json_parse(ctx, "input", (const char *)data, size, 1 << 20, &json)) {
		const struct iov_object_map from = map_of(json_object_get(json, "from")),
					    to = map_of(json_object_get(json, "to"));
		const struct iov_conversion_rules rules = {.upgrade = json_object_get(json, "upgrade"),
							   .inverted = json_is_true(json_object_get(json, "inverted"))};
		if (!iov_conversion_make(ctx, &from, &to, &rules, &conversion)) {
			check(&conversion->key);
			check(&conversion->value);
			iov_conversion_free(conversion);
		} else if (!*iov_error_text(ctx)) {
			abort();
		}
	}
	json_decref(json);
	iov_ctx_free(ctx);
	return 0;
}
