#include "core/format.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/manifest.h"
#include "core/release.h"

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SUMMARY_MAX 160	   /* bytes: one line of a list */
#define IDENTIFIER_MAX 127 /* bytes: BTF names are shorter in practice */
#define VALUE_MAX 1024	   /* bytes of a parameter or target */

bool iov_is_plain_text(const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++)
		if (*at < 0x20 || *at == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0)) /* C0, DEL, C1 in UTF-8 */
			return false;
	return true;
}

bool iov_is_name(const char *text)
{
	return *text && strchr(LOWER, *text) && strspn(text, LOWER DIGITS "-") == strlen(text) &&
	       strlen(text) <= IOV_NAME_MAX;
}

/* All of the text is one word that starts with a character of `first` and goes on with those of `rest`. */
static bool is_word(const char *text, const char *first, const char *rest)
{
	return *text && strchr(first, *text) && strspn(text, rest) == strlen(text) && strlen(text) <= IDENTIFIER_MAX;
}

static bool is_identifier(const char *text)
{
	return is_word(text, LOWER UPPER "_", LOWER UPPER DIGITS "_");
}

static bool is_map(const char *text)
{
	return is_identifier(text) || is_word(text, ".", LOWER UPPER DIGITS "_.");
}

static int refuse(struct iov_ctx *ctx, const char *text, const char *what)
{
	return iov_error(ctx, IOV_E_INPUT, "'%.*s%s' is not %s", 80, text, strlen(text) > 80 ? "..." : "", what);
}

static int check_schema(struct iov_ctx *ctx, const char *text)
{
	return strcmp(text, "1")
		       ? refuse(ctx, text,
				"a manifest format that this iovpkg knows; it reads 1, a newer one may read more")
		       : IOV_OK;
}

static int check_name(struct iov_ctx *ctx, const char *text)
{
	return iov_is_name(text)
		       ? IOV_OK
		       : refuse(ctx, text, "a module's name; use a-z, 0-9 and '-', starting with a letter, at most 64");
}

static int check_version(struct iov_ctx *ctx, const char *text)
{
	struct iov_version version;
	return iov_version_parse(ctx, text, &version);
}

static int check_requirement(struct iov_ctx *ctx, const char *text)
{
	struct iov_requirement *requirement = NULL;
	int err = iov_requirement_parse(ctx, text, &requirement);
	iov_requirement_free(requirement);
	return err;
}

static bool has_paired_brackets(const char *text)
{
	int open = 0;
	for (; *text && open >= 0; text++)
		open += (*text == '(') - (*text == ')');
	return open == 0;
}

/* The characters of an SPDX expression; whether the object's license agrees is for `check` to see. */
static int check_license(struct iov_ctx *ctx, const char *text)
{
	bool sane = *text && strchr(LOWER UPPER DIGITS "(", *text) && text[strlen(text) - 1] != ' ' &&
		    has_paired_brackets(text) && strspn(text, LOWER UPPER DIGITS ".-+:() ") == strlen(text) &&
		    strlen(text) <= IDENTIFIER_MAX;
	return sane ? IOV_OK
		    : refuse(ctx, text, "an SPDX license expression, as in 'GPL-2.0-only' or 'MIT OR Apache-2.0'");
}

static int check_summary(struct iov_ctx *ctx, const char *text)
{
	if (!text[strspn(text, " ")])
		return refuse(ctx, text, "a summary; say in one line what the module is for");
	return strlen(text) <= SUMMARY_MAX ? IOV_OK
					   : refuse(ctx, text, "a summary that fits a line; shorten it to 160 bytes");
}

static int check_source(struct iov_ctx *ctx, const char *text)
{
	size_t len = strlen(text);
	if (iov_is_archive_path(text) && len > 2 && !strcmp(text + len - 2, ".c"))
		return IOV_OK;
	return refuse(ctx, text, "the path of a C file inside the module, as in 'src/flow_top.bpf.c'");
}

static int check_identifier(struct iov_ctx *ctx, const char *text)
{
	return is_identifier(text) ? IOV_OK : refuse(ctx, text, "a name in C; use the one that the source gives it");
}

static int check_positive(struct iov_ctx *ctx, const char *text)
{
	if (*text >= '1' && *text <= '9' && strspn(text, DIGITS) == strlen(text))
		return IOV_OK;
	return refuse(ctx, text, "a factor; write a whole number from 1");
}

static int check_map(struct iov_ctx *ctx, const char *text)
{
	return is_map(text) ? IOV_OK : refuse(ctx, text, "a map's name; use the one that the source gives it");
}

/* Names joined by dots, each with indexes behind it or not. */
static bool is_field(const char *text)
{
	do {
		size_t name = strspn(text, LOWER UPPER DIGITS "_");
		if (!name || strchr(DIGITS, *text))
			return false;
		for (text += name; *text == '['; text++) {
			size_t digits = strspn(++text, DIGITS);
			if (!digits || digits > 9 || text[digits] != ']')
				return false;
			text += digits;
		}
	} while (*text++ == '.');
	return !text[-1];
}

static int check_field(struct iov_ctx *ctx, const char *text)
{
	return is_field(text) && strlen(text) <= VALUE_MAX
		       ? IOV_OK
		       : refuse(ctx, text, "a field; write its name in the source, as in 'packets' or 'rx.bytes[3]'");
}

static int check_param(struct iov_ctx *ctx, const char *text)
{
	if (is_word(text, LOWER, LOWER DIGITS "_") && strlen(text) <= IOV_NAME_MAX)
		return IOV_OK;
	return refuse(ctx, text, "a parameter's name; use a-z, 0-9 and '_', starting with a letter, at most 64");
}

static int check_target(struct iov_ctx *ctx, const char *text)
{
	if (!*text || strlen(text) > VALUE_MAX)
		return refuse(ctx, text, "a target; write what the hook attaches to, or leave the key out");
	return *text != '$' || is_word(text + 1, LOWER, LOWER DIGITS "_")
		       ? IOV_OK
		       : refuse(ctx, text,
				"a target; one that starts with '$' is the name of a parameter and nothing else, as in "
				"'$iface'");
}

static int check_value(struct iov_ctx *ctx, const char *text)
{
	return strlen(text) <= VALUE_MAX ? IOV_OK
					 : refuse(ctx, text, "short enough for a parameter; 1024 bytes are the most");
}

static int check_sets(struct iov_ctx *ctx, const char *text)
{
	bool variable = !strncmp(text, "variable ", strlen("variable ")) && is_identifier(text + strlen("variable "));
	bool entries = !strncmp(text, "max_entries ", strlen("max_entries ")) && is_map(text + strlen("max_entries "));
	return variable || entries
		       ? IOV_OK
		       : refuse(ctx, text, "what a parameter can set; write 'variable NAME' or 'max_entries MAP'");
}

static int check_struct(struct iov_ctx *ctx, const char *text)
{
	if (!strncmp(text, "struct ", strlen("struct ")) && is_identifier(text + strlen("struct ")))
		return IOV_OK;
	return refuse(ctx, text, "the type of an event; write 'struct NAME', as in the source");
}

static int check_duration(struct iov_ctx *ctx, const char *text)
{
	size_t digits = strspn(text, DIGITS);
	const char *unit = text + digits;
	if (digits && digits <= 6 && *text != '0' && (!strcmp(unit, "ms") || !strcmp(unit, "s") || !strcmp(unit, "m")))
		return IOV_OK;
	return refuse(ctx, text, "a duration; write a number and ms, s or m, as in '2s'");
}

unsigned iov_duration_ms(const char *text)
{
	char *unit = NULL;
	unsigned long long count = strtoull(text, &unit, 10);
	unsigned long long ms = count * (!strcmp(unit, "ms") ? 1 : !strcmp(unit, "s") ? 1000 : 60000);
	return ms > UINT_MAX ? UINT_MAX : (unsigned)ms;
}

#define IDENTIFIER_PATTERN "[A-Za-z_][A-Za-z0-9_]{0,126}"
#define MAP_PATTERN "[A-Za-z_.][A-Za-z0-9_.]{0,126}"

const struct iov_format iov_format_schema = {NULL, check_schema};
const struct iov_format iov_format_name = {"^[a-z][a-z0-9-]{0,63}$", check_name};
const struct iov_format iov_format_version = {
	"^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?$", check_version};
const struct iov_format iov_format_requirement = {"^[0-9A-Za-z.*^~=<>, +-]+$", check_requirement};
const struct iov_format iov_format_license = {"^[A-Za-z0-9(][A-Za-z0-9.:+() -]*$", check_license};
const struct iov_format iov_format_summary = {"^.*[^ ].*$", check_summary};
const struct iov_format iov_format_source = {"^[^/\\\\]+(/[^/\\\\]+)*\\.c$", check_source};
const struct iov_format iov_format_identifier = {"^" IDENTIFIER_PATTERN "$", check_identifier};
const struct iov_format iov_format_positive = {NULL, check_positive};
const struct iov_format iov_format_map = {"^" MAP_PATTERN "$", check_map};
const struct iov_format iov_format_field = {
	"^[A-Za-z_][A-Za-z0-9_]*(\\[[0-9]{1,9}\\])*(\\.[A-Za-z_][A-Za-z0-9_]*(\\[[0-9]{1,9}\\])*)*$", check_field};
const struct iov_format iov_format_param = {"^[a-z][a-z0-9_]{0,63}$", check_param};
const struct iov_format iov_format_target = {"^([^$]|\\$[a-z][a-z0-9_]*$)", check_target};
const struct iov_format iov_format_value = {NULL, check_value};
const struct iov_format iov_format_sets = {"^(variable " IDENTIFIER_PATTERN "|max_entries " MAP_PATTERN ")$",
					   check_sets};
const struct iov_format iov_format_struct = {"^struct " IDENTIFIER_PATTERN "$", check_struct};
const struct iov_format iov_format_duration = {"^[1-9][0-9]{0,5}(ms|s|m)$", check_duration};
