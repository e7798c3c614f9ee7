#include "core/manifest_health.h"

#include <stdlib.h>
#include <string.h>

#include "core/format.h"
#include "util/buf.h"
#include "util/cleanup.h"

/* The key that says what a check is about, and the other keys that it may have. */
static const struct kind {
	const char *key;
	const char *others[9];
} kinds[] = {
	[IOV_HEALTH_PROGRAM] = {"program", {"ran_within"}},
	[IOV_HEALTH_MAP] = {"map",
			    {"key", "field", "equals", "at_least", "at_most", "rises_by", "within", "throughout"}},
	[IOV_HEALTH_VARIABLE] = {"variable",
				 {"field", "equals", "at_least", "at_most", "rises_by", "within", "throughout"}},
	[IOV_HEALTH_COMMAND] = {"command", {"within"}},
};

static const struct {
	const char *key, *words;
} comparisons[] = {
	[IOV_EQUALS] = {"equals", "is"},
	[IOV_AT_LEAST] = {"at_least", "is at least"},
	[IOV_AT_MOST] = {"at_most", "is at most"},
	[IOV_RISES_BY] = {"rises_by", "rises by"},
};

static const struct {
	const char *key;
	bool throughout;
} times[] = {{"ran_within", false}, {"within", false}, {"throughout", true}};

/* ---- from JSON ---- */

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* Where the document is wrong, the last that is named; the checks find that afterwards. */
static struct iov_health_spec spec_of(const json_t *one)
{
	struct iov_health_spec spec = {.key = json_object_get(one, "key"),
				       .field = text_of(one, "field"),
				       .command = json_object_get(one, "command")};
	for (size_t i = 0; i < IOV_COUNT(kinds); i++)
		if (json_object_get(one, kinds[i].key)) {
			spec.kind = (enum iov_health_kind)i;
			spec.name = text_of(one, kinds[i].key);
		}
	if (spec.command)
		spec.name = json_string_value(json_array_get(spec.command, 0));
	for (size_t i = 0; i < IOV_COUNT(comparisons); i++)
		if (json_object_get(one, comparisons[i].key)) {
			spec.compare = (enum iov_compare)i;
			spec.than = text_of(one, comparisons[i].key);
		}
	for (size_t i = 0; i < IOV_COUNT(times); i++)
		if (json_object_get(one, times[i].key)) {
			spec.time = text_of(one, times[i].key);
			spec.ms = iov_duration_ms(spec.time);
			spec.throughout = times[i].throughout;
		}
	return spec;
}

int iov_manifest_fill_health(struct iov_ctx *ctx, struct iov_manifest *manifest)
{
	const json_t *list = json_object_get(manifest->json, "health");
	manifest->health = calloc(json_array_size(list) + 1, sizeof(*manifest->health));
	if (!manifest->health)
		return iov_oom(ctx);
	for (size_t i = 0; i < json_array_size(list); i++)
		manifest->health[manifest->n_health++] = spec_of(json_array_get(list, i));
	return IOV_OK;
}

/* ---- for people ---- */

static void put_key(struct iov_buf *text, const json_t *key)
{
	const char *member;
	json_t *value;
	const char *gap = "";
	iov_buf_puts(text, " [");
	if (json_is_string(key))
		iov_buf_puts(text, json_string_value(key));
	json_object_foreach(json_is_object(key) ? (json_t *)key : NULL, member, value) {
		iov_buf_printf(text, "%s%s %s", gap, member, json_string_value(value));
		gap = ", ";
	}
	iov_buf_puts(text, "]");
}

static void put_condition(struct iov_buf *text, const struct iov_health_spec *spec)
{
	iov_buf_printf(text, "%s '%s'", kinds[spec->kind].key, spec->name);
	if (spec->key)
		put_key(text, spec->key);
	else if (spec->kind == IOV_HEALTH_MAP)
		iov_buf_puts(text, ": the number of entries");
	if (spec->field)
		iov_buf_printf(text, ".%s", spec->field);
	iov_buf_printf(text, " %s %s %s %s", comparisons[spec->compare].words, spec->than,
		       spec->throughout ? "throughout" : "within", spec->time);
}

static void put_command(struct iov_buf *text, const struct iov_health_spec *spec)
{
	size_t i;
	json_t *word;
	iov_buf_puts(text, "command '");
	json_array_foreach(spec->command, i, word)
		iov_buf_printf(text, "%s%s", i ? " " : "", json_string_value(word));
	iov_buf_printf(text, "' succeeds within %s", spec->time);
}

char *iov_health_text(const struct iov_health_spec *spec)
{
	struct iov_buf text = {0};
	if (spec->kind == IOV_HEALTH_PROGRAM)
		iov_buf_printf(&text, "program '%s' runs within %s", spec->name, spec->time);
	else if (spec->kind == IOV_HEALTH_COMMAND)
		put_command(&text, spec);
	else
		put_condition(&text, spec);
	return iov_buf_take(&text);
}

/* ---- the checks ---- */

struct check {
	struct iov_ctx *ctx;
	const char *path;
	const struct iov_manifest *manifest;
	const struct iov_node *node; /* of one check */
};

static bool is_among(const char *const *words, const char *word)
{
	for (; *words; words++)
		if (!strcmp(*words, word))
			return true;
	return false;
}

/* One subject, and beside it nothing that belongs to another one. */
static int check_keys(const struct check *check, const struct kind **ret)
{
	const struct kind *kind = NULL;
	for (size_t i = 0; i < IOV_COUNT(kinds); i++) {
		const struct iov_node *subject = iov_node_get(check->node, kinds[i].key);
		if (subject && kind)
			return iov_node_key_error(check->ctx, check->path, subject,
						  "a check is of a '%s' or of a '%s'; make two checks of this one",
						  kind->key, kinds[i].key);
		if (subject)
			kind = &kinds[i];
	}
	if (!kind)
		return iov_node_error(check->ctx, check->path, check->node,
				      "this check is of nothing; add a 'program', 'map', 'variable' or 'command'");
	for (const struct iov_node *key = check->node->first; key; key = key->next)
		if (strcmp(key->key, kind->key) != 0 && !is_among(kind->others, key->key))
			return iov_node_key_error(check->ctx, check->path, key,
						  "'%s' says nothing of a '%s'; remove it", key->key, kind->key);
	*ret = kind;
	return IOV_OK;
}

/* Exactly one of some keys of which the kind may have any. */
static int check_one_of(const struct check *check, const struct kind *kind, const char *const *keys, const char *words)
{
	const struct iov_node *found = NULL;
	for (; *keys; keys++) {
		const struct iov_node *node = is_among(kind->others, *keys) ? iov_node_get(check->node, *keys) : NULL;
		if (found && node)
			return iov_node_key_error(check->ctx, check->path, node,
						  "'%s' and '%s' are both there; keep one, and make another check of "
						  "the other",
						  found->key, node->key);
		found = node ? node : found;
	}
	if (found)
		return IOV_OK;
	return iov_node_error(check->ctx, check->path, check->node, "the check of a '%s' needs %s; add it", kind->key,
			      words);
}

static int check_time(const struct check *check, const struct iov_health_spec *spec)
{
	for (size_t i = 0; i < IOV_COUNT(times); i++) {
		const struct iov_node *node = iov_node_get(check->node, times[i].key);
		if (node && iov_duration_ms(node->text) > IOV_HEALTH_MS_MAX)
			return iov_node_error(check->ctx, check->path, node,
					      "'%s' is too long to wait in an upgrade; 5m is the most", node->text);
	}
	if (!spec->throughout || spec->compare != IOV_RISES_BY)
		return IOV_OK;
	return iov_node_key_error(check->ctx, check->path, iov_node_get(check->node, "throughout"),
				  "what rises does so 'within' a time, not 'throughout'; write 'within'");
}

static int check_words(const struct check *check)
{
	const struct iov_node *list = iov_node_get(check->node, "command");
	for (const struct iov_node *word = list ? list->first : NULL; word; word = word->next) {
		if (*word->text == '$' && !iov_manifest_param(check->manifest, word->text + 1))
			return iov_node_error(check->ctx, check->path, word,
					      "'%s' is not a parameter; add '%s' under 'params'", word->text,
					      word->text + 1);
		if (word == list->first && !*word->text)
			return iov_node_error(check->ctx, check->path, word, "the command has no name; write one");
	}
	return IOV_OK;
}

static int check_one(const struct check *check, const struct iov_health_spec *spec)
{
	static const char *const compared[] = {"equals", "at_least", "at_most", "rises_by", NULL};
	static const char *const timed[] = {"ran_within", "within", "throughout", NULL};
	const struct kind *kind = NULL;
	int rc = check_keys(check, &kind);
	if (rc || !kind)
		return rc;
	if (is_among(kind->others, "equals"))
		rc = check_one_of(check, kind, compared, "'equals', 'at_least', 'at_most' or 'rises_by'");
	if (!rc)
		rc = check_one_of(check, kind, timed,
				  kind == &kinds[IOV_HEALTH_PROGRAM]   ? "'ran_within'"
				  : kind == &kinds[IOV_HEALTH_COMMAND] ? "'within'"
								       : "'within' or 'throughout'");
	if (!rc)
		rc = check_time(check, spec);
	return rc ? rc : check_words(check);
}

int iov_manifest_check_health(struct iov_ctx *ctx, const char *path, const struct iov_node *list,
			      const struct iov_manifest *manifest)
{
	struct check check = {.ctx = ctx, .path = path, .manifest = manifest};
	int rc = IOV_OK;
	size_t i = 0;
	if (list && list->n_items > IOV_HEALTH_MAX)
		return iov_node_error(ctx, path, list, "%zu checks are too many; %d are the most", list->n_items,
				      IOV_HEALTH_MAX);
	for (check.node = list ? list->first : NULL; !rc && check.node; check.node = check.node->next)
		rc = check_one(&check, &manifest->health[i++]);
	return rc;
}
