#include "forge.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "registry/clock.h"
#include "util/cleanup.h"

#define TEXT_MAX (4u << 20)

/* The document before a note's first empty line. */
int forge_read_document(struct iov_ctx *ctx, const char *tree, const char *file, json_t **ret)
{
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	int rc = forge_read(ctx, tree, file, &note);
	if (rc)
		return rc;
	const char *end = strstr(note.data, "\n\n");
	return iov_json_parse(ctx, file, note.data, end ? (size_t)(end - note.data) : note.len, TEXT_MAX, ret);
}

int forge_write_note(struct forge *forge, const char *tree, const char *file, const char *text)
{
	const struct iov_signer *signers[FORGE_KEYS_MAX];
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	for (size_t i = 0; i < forge->n_keys; i++)
		signers[i] = &forge->keys[i];
	int rc = iov_note_make(forge->ctx, text, signers, forge->n_keys, &note);
	return rc ? rc : forge_write(forge->ctx, tree, file, note.data, note.len);
}

int forge_write_document(struct forge *forge, const char *tree, const char *file, const json_t *json)
{
	iov_auto(iov_free_ptr) char *canonical = iov_json_canonical(json);
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_buf_printf(&text, "%s\n", canonical ? canonical : "");
	return !canonical || iov_buf_failed(&text) ? iov_oom(forge->ctx)
						   : forge_write_note(forge, tree, file, text.data);
}

static json_t *changed(const json_t *old, const char *value)
{
	char when[IOV_TIME_SIZE];
	bool relative = *value == '+' || *value == '-';
	long long number = strtoll(value, NULL, 10);
	if (!json_is_string(old))
		return json_integer(number + (relative ? json_integer_value(old) : 0));
	iov_time_text(time(NULL) + number, when);
	return json_string(relative ? when : value);
}

int forge_set_members(struct forge *forge, json_t *json)
{
	for (const char *word; forge->n_words && !forge_word(forge, "member", &word);) {
		const char *equals = strchr(word, '=');
		if (!equals)
			return iov_error(forge->ctx, IOV_E_USAGE, "'%s' is not MEMBER=VALUE", word);
		iov_auto(iov_free_ptr) char *key = strndup(word, (size_t)(equals - word));
		if (!equals[1])
			json_object_del(json, key);
		else if (json_object_set_new(json, key, changed(json_object_get(json, key), equals + 1)))
			return iov_oom(forge->ctx);
	}
	return IOV_OK;
}

int forge_sign(struct forge *forge)
{
	const char *file = "";
	iov_auto(iov_json_release) json_t *json = NULL;
	int rc = forge_word(forge, "note", &file);
	if (!rc)
		rc = forge_read_document(forge->ctx, ".", file, &json);
	if (!rc)
		rc = forge_set_members(forge, json);
	return rc ? rc : forge_write_document(forge, ".", file, json);
}

int forge_lines(struct forge *forge)
{
	char text[1 << 16];
	size_t len = fread(text, 1, sizeof(text), stdin);
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < forge->n_keys; i++) {
		iov_auto(iov_free_ptr) char *line = NULL;
		rc = iov_note_sign_line(forge->ctx, &forge->keys[i], text, len, &line);
		if (!rc)
			puts(line);
	}
	return rc;
}

int forge_keys(struct forge *forge)
{
	for (size_t i = 0; i < forge->n_keys; i++) {
		iov_auto(iov_free_ptr) char *text = iov_verifier_text(&forge->keys[i].verifier);
		if (!text)
			return iov_oom(forge->ctx);
		puts(text);
	}
	return IOV_OK;
}
