#include "core/conversion.h"

#include <stdlib.h>
#include <string.h>

#include "core/fields.h"
#include "util/buf.h"
#include "util/cleanup.h"

/* One side of the map, key or value, on its way to a list of moves. */
struct making {
	struct iov_ctx *ctx;
	const struct iov_conversion_rules *rules;
	struct iov_fields from, to;
	const char *side; /* "key " or "": for people */
	bool is_section;
	struct iov_field_moves *moves;
	struct iov_conversion *conversion;
};

static int say(struct making *making, json_t *list, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int say(struct making *making, json_t *list, const char *format, ...)
{
	struct iov_buf text = {0};
	va_list args;
	va_start(args, format);
	iov_buf_vprintf(&text, format, args);
	va_end(args);
	iov_auto(iov_free_ptr) char *words = iov_buf_take(&text);
	return !words || json_array_append_new(list, json_string(words)) ? iov_oom(making->ctx) : IOV_OK;
}

/* ---- names ---- */

static const json_t *rule_of(const struct making *making, const char *path)
{
	return json_object_get(json_object_get(making->rules->upgrade, "fields"), path);
}

/* `path` with `before` at its front replaced by `after`; NULL where it does not stand there. */
static char *replace_front(const char *path, const char *before, const char *after)
{
	size_t len = strlen(before);
	struct iov_buf text = {0};
	if (strncmp(path, before, len) != 0 || (path[len] && path[len] != '.' && path[len] != '['))
		return NULL;
	iov_buf_printf(&text, "%s%s", after, path + len);
	return iov_buf_take(&text);
}

/* What a field of `from` is called in `to`. */
static char *new_name(const struct making *making, const char *path)
{
	const char *old, *new;
	json_t *value;
	json_object_foreach(json_object_get(making->rules->upgrade, "rename"), old, value) {
		new = json_string_value(value);
		if (!new)
			continue;
		char *name = making->rules->inverted ? replace_front(path, new, old) : replace_front(path, old, new);
		if (name)
			return name;
	}
	return strdup(path);
}

static bool is_taken(const struct making *making, uint32_t offset)
{
	for (size_t i = 0; i < making->moves->n_moves; i++)
		if (making->moves->moves[i].to.offset == offset)
			return true;
	return false;
}

/* The field of `to` that continues this one: by its new name, or by its own where that name does not exist (a rename
 * that an older release had already). */
static const struct iov_field *find(const struct making *making, const char *path)
{
	for (size_t i = 0; i < making->to.count; i++)
		if (!strcmp(making->to.items[i].path, path))
			return &making->to.items[i];
	return NULL;
}

static int partner(const struct making *making, const struct iov_field *from, const struct iov_field **ret)
{
	iov_auto(iov_free_ptr) char *name = new_name(making, from->path);
	if (!name)
		return iov_oom(making->ctx);
	const struct iov_field *to = find(making, name);
	if (!to)
		to = find(making, from->path);
	*ret = to && !is_taken(making, to->offset) ? to : NULL;
	return IOV_OK;
}

/* ---- what a pair of fields loses ---- */

static bool is_bool(const struct iov_field *field)
{
	return json_is_string(field->type) && !strcmp(json_string_value(field->type), "bool");
}

static int say_changes(struct making *making, const char *how, const struct iov_field *from, const struct iov_field *to)
{
	iov_auto(iov_free_ptr) char *old = iov_field_type(from);
	iov_auto(iov_free_ptr) char *new = iov_field_type(to);
	if (!old || !new)
		return iov_oom(making->ctx);
	return say(making, making->conversion->losses, "%sfield '%s' %s from %s to %s", making->side,
		   *to->path ? to->path : "(all of it)", how, old, new);
}

static int check_enumerators(struct making *making, const struct iov_field *from, const struct iov_field *to)
{
	const json_t *before = json_object_get(from->type, "values"), *after = json_object_get(to->type, "values");
	const char *name;
	json_t *value;
	int rc = IOV_OK;
	json_object_foreach((json_t *)(before && after ? before : NULL), name, value) {
		const json_t *now = json_object_get(after, name);
		if (!rc && !now)
			rc = say(making, making->conversion->losses, "%sfield '%s' has no enumerator '%s' any more",
				 making->side, to->path, name);
		else if (!rc && !json_equal(value, now))
			rc = say(making, making->conversion->losses,
				 "%sfield '%s' has enumerator '%s' changed from %lld to %lld", making->side, to->path,
				 name, (long long)json_integer_value(value), (long long)json_integer_value(now));
	}
	return rc;
}

static int check_numbers(struct making *making, const struct iov_field *from, const struct iov_field *to)
{
	bool sign_goes = from->is_signed && !to->is_signed, sign_comes = !from->is_signed && to->is_signed;
	bool enums = json_is_object(from->type) && json_is_object(to->type);
	if (is_bool(to) && !is_bool(from))
		return say_changes(making, "changes", from, to);
	if (from->size > to->size)
		return say_changes(making, "narrows", from, to);
	if (!enums && json_is_string(from->type) && json_is_string(to->type) &&
	    (sign_goes || (sign_comes && from->size == to->size)))
		return say_changes(making, "changes", from, to);
	return check_enumerators(making, from, to);
}

/* Bytes are what they were, or not at all; only arrays may be longer or shorter. */
static bool same_bytes(const struct iov_field *from, const struct iov_field *to)
{
	return from->size == to->size && !strcmp(from->shape, to->shape);
}

static int check_count(struct making *making, const struct iov_field *from, const struct iov_field *to)
{
	if (from->count <= to->count)
		return IOV_OK;
	return say(making, making->conversion->losses, "%sfield '%s' is cut from %u to %u elements", making->side,
		   to->path, from->count, to->count);
}

/* ---- moves ---- */

static uint64_t factor(const json_t *rule, const char *key)
{
	const json_t *value = json_object_get(rule, key);
	return value ? (uint64_t)json_integer_value(value) : 1;
}

static enum iov_merge merge_of(const struct making *making, const json_t *rule, const struct iov_field *to)
{
	static const struct {
		const char *word;
		enum iov_merge merge;
	} words[] = {
		{"latest", IOV_MERGE_LATEST}, {"sum", IOV_MERGE_SUM}, {"max", IOV_MERGE_MAX}, {"min", IOV_MERGE_MIN}};
	const char *own = json_string_value(json_object_get(rule, "merge"));
	const char *word = own ? own : json_string_value(json_object_get(making->rules->upgrade, "merge"));
	if (!own && (to->is_signed || json_is_object(to->type) || is_bool(to)))
		return IOV_MERGE_LATEST; /* no counter, unless it is called one */
	for (size_t i = 0; word && i < IOV_COUNT(words); i++)
		if (!strcmp(word, words[i].word))
			return words[i].merge;
	return IOV_MERGE_LATEST;
}

static struct iov_field_place place_of(const struct iov_field *field)
{
	return (struct iov_field_place){field->offset, field->size, field->is_signed};
}

/* The factors are immediate values of signed 32-bit instructions, and there is no signed division before 6.6. */
static int check_scale(struct making *making, const struct iov_field_move *move, const char *path)
{
	bool scales = move->multiply != 1 || move->divide != 1;
	bool fits = move->multiply - 1 < INT32_MAX && move->divide - 1 < INT32_MAX;
	if (!scales || (fits && !move->from.is_signed && !move->to.is_signed))
		return IOV_OK;
	return iov_error(making->ctx, IOV_E_CONTRACT,
			 "field '%s' cannot be multiplied or divided: its type must be unsigned, and the factor 1 to "
			 "%d; correct maps.upgrade in the manifest",
			 path, INT32_MAX);
}

static void add_bytes(struct making *making, const struct iov_field *from, const struct iov_field *to)
{
	const uint32_t count = from->count < to->count ? from->count : to->count;
	const uint32_t size = from->size * count;
	making->moves->moves[making->moves->n_moves++] = (struct iov_field_move){.from = {from->offset, size, false},
										 .to = {to->offset, size, false},
										 .count = 1,
										 .multiply = 1,
										 .divide = 1};
}

static int add_number(struct making *making, const struct iov_field *from, const struct iov_field *to)
{
	bool inverted = making->rules->inverted;
	const json_t *rule = rule_of(making, inverted ? from->path : to->path);
	const struct iov_field_move move = {
		.from = place_of(from),
		.to = place_of(to),
		.count = from->count < to->count ? from->count : to->count,
		.is_number = true,
		.merge = merge_of(making, rule, to),
		.multiply = factor(rule, inverted ? "divide" : "multiply"),
		.divide = factor(rule, inverted ? "multiply" : "divide"),
	};
	bool is_address = move.count > 1 && from->size == 1 && to->size == 1 && move.merge == IOV_MERGE_LATEST;
	int rc = check_scale(making, &move, to->path);
	if (rc)
		return rc;
	if (is_address && !rule) /* bytes that belong together, as in u8 mac[6] */
		add_bytes(making, from, to);
	else
		making->moves->moves[making->moves->n_moves++] = move;
	return IOV_OK;
}

static int pair(struct making *making, const struct iov_field *from, const struct iov_field *to)
{
	int rc = IOV_OK;
	if (from->kind == IOV_FIELD_KERNEL && to->kind == IOV_FIELD_KERNEL)
		return IOV_OK; /* the new map's own */
	if (from->kind == IOV_FIELD_NUMBER && to->kind == IOV_FIELD_NUMBER) {
		rc = check_numbers(making, from, to);
		if (!rc)
			rc = add_number(making, from, to);
	} else if (from->kind == IOV_FIELD_BYTES && to->kind == IOV_FIELD_BYTES && same_bytes(from, to)) {
		add_bytes(making, from, to);
	} else {
		return say_changes(making, "changes", from, to);
	}
	return rc ? rc : check_count(making, from, to);
}

static int drop(struct making *making, const struct iov_field *from)
{
	if (from->kind == IOV_FIELD_KERNEL)
		return IOV_OK;
	if (making->is_section)
		return say(making, making->conversion->told, "variable '%s' is dropped", from->path);
	return say(making, making->conversion->losses, "%sfield '%s' is dropped", making->side, from->path);
}

static bool is_set(const struct making *making, const char *path)
{
	size_t len = strcspn(path, ".[");
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)making->rules->set, name, value) {
		if (strlen(name) == len && !strncmp(path, name, len))
			return true;
	}
	return false;
}

static int move_all(struct making *making)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < making->from.count; i++) {
		const struct iov_field *from = &making->from.items[i], *to = NULL;
		rc = partner(making, from, &to);
		if (!rc && to && is_set(making, to->path))
			continue;
		if (!rc)
			rc = to ? pair(making, from, to) : drop(making, from);
	}
	return rc;
}

static int by_place(const void *a, const void *b)
{
	const struct iov_field_move *one = a, *other = b;
	return one->to.offset < other->to.offset ? -1 : one->to.offset > other->to.offset;
}

/* ---- first values of new fields ---- */

static int add_fill(struct making *making, const struct iov_field *to)
{
	const json_t *value = json_object_get(rule_of(making, to->path), "default");
	struct iov_field_moves *moves = making->moves;
	if (making->rules->inverted || !value || is_taken(making, to->offset))
		return IOV_OK;
	uint64_t number = (uint64_t)json_integer_value(value);
	if (to->kind != IOV_FIELD_NUMBER || to->count != 1 || (to->size < 8 && number >> (8 * to->size)))
		return iov_error(making->ctx, IOV_E_CONTRACT,
				 "the default of field '%s' does not fit it; correct maps.upgrade in the manifest",
				 to->path);
	moves->fills[moves->n_fills++] = (struct iov_fill){to->offset, to->size, number};
	return IOV_OK;
}

static int fill_all(struct making *making)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < making->to.count; i++)
		rc = add_fill(making, &making->to.items[i]);
	return rc;
}

static bool has_kernel(const struct iov_fields *fields)
{
	for (size_t i = 0; i < fields->count; i++)
		if (fields->items[i].kind == IOV_FIELD_KERNEL)
			return true;
	return false;
}

static int32_t lock_of(const struct iov_fields *fields)
{
	for (size_t i = 0; i < fields->count; i++) {
		const char *tag = json_string_value(json_object_get(fields->items[i].type, "name"));
		if (fields->items[i].kind == IOV_FIELD_KERNEL && tag && !strcmp(tag, "bpf_spin_lock"))
			return (int32_t)fields->items[i].offset;
	}
	return -1;
}

static bool scales(const struct iov_field_moves *moves)
{
	for (size_t i = 0; i < moves->n_moves; i++)
		if (moves->moves[i].multiply != 1 || moves->moves[i].divide != 1)
			return true;
	return false;
}

static void release_making(struct making *making)
{
	iov_fields_release(&making->from);
	iov_fields_release(&making->to);
}

static int make(struct making *making, const json_t *from, const json_t *to)
{
	struct iov_field_moves *moves = making->moves;
	int rc = iov_fields_list(making->ctx, from, moves->from_size, &making->from);
	if (!rc)
		rc = iov_fields_list(making->ctx, to, moves->to_size, &making->to);
	if (rc)
		return rc;
	moves->moves = calloc(making->from.count + 1, sizeof(*moves->moves));
	moves->fills = calloc(making->to.count + 1, sizeof(*moves->fills));
	if (!moves->moves || !moves->fills)
		return iov_oom(making->ctx);
	rc = move_all(making);
	if (rc)
		return rc;
	qsort(moves->moves, moves->n_moves, sizeof(*moves->moves), by_place);
	moves->from_lock = lock_of(&making->from);
	moves->to_lock = lock_of(&making->to);
	moves->has_kernel = has_kernel(&making->from) || has_kernel(&making->to);
	moves->same = moves->from_size == moves->to_size && !scales(moves) && !moves->has_kernel &&
		      !json_object_size(making->rules->set) && (from == to || (from && to && json_equal(from, to)));
	return fill_all(making);
}

static bool is_section(const json_t *layout)
{
	const char *kind = json_string_value(json_object_get(layout, "kind"));
	return kind && !strcmp(kind, "section");
}

static int make_side(struct iov_ctx *ctx, const struct iov_conversion_rules *rules, const char *part,
		     const struct iov_object_map *from, const struct iov_object_map *to,
		     struct iov_conversion *conversion)
{
	const json_t *old = json_object_get(from->layout, part), *new = json_object_get(to->layout, part);
	bool is_key = !strcmp(part, "key");
	struct iov_field_moves *moves = is_key ? &conversion->key : &conversion->value;
	iov_auto(release_making) struct making making = {.ctx = ctx,
							 .rules = rules,
							 .side = is_key ? "key " : "",
							 .is_section = is_section(old) && is_section(new),
							 .moves = moves,
							 .conversion = conversion};
	moves->from_size = is_key ? from->key_size : from->value_size;
	moves->to_size = is_key ? to->key_size : to->value_size;
	return make(&making, old, new);
}

int iov_conversion_make(struct iov_ctx *ctx, const struct iov_object_map *from, const struct iov_object_map *to,
			const struct iov_conversion_rules *rules, struct iov_conversion **ret)
{
	iov_auto(iov_conversion_release) struct iov_conversion *conversion = calloc(1, sizeof(*conversion));
	if (!conversion)
		return iov_oom(ctx);
	conversion->losses = json_array();
	conversion->told = json_array();
	int rc = conversion->losses && conversion->told ? make_side(ctx, rules, "key", from, to, conversion)
							: iov_oom(ctx);
	if (!rc)
		rc = make_side(ctx, rules, "value", from, to, conversion);
	if (!rc)
		*ret = iov_take(conversion);
	return rc;
}

static void release_moves(struct iov_field_moves *moves)
{
	free(moves->moves);
	free(moves->fills);
}

void iov_conversion_free(struct iov_conversion *conversion)
{
	if (!conversion)
		return;
	release_moves(&conversion->key);
	release_moves(&conversion->value);
	json_decref(conversion->losses);
	json_decref(conversion->told);
	free(conversion);
}
