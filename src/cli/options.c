#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/nearest.h"

#define TO(member) offsetof(struct cli_values, member)

const struct cli_option cli_global_options[] = {
	{"root", 0, CLI_TEXT, CLI_NAMES_FOLDERS, "DIR", "work on the host below DIR instead of the live one",
	 .to = TO(root)},
	{"offline", .help = "reach for no registry: the last verified index and cached archives answer",
	 .to = TO(offline)},
	{"passphrase-fd", .kind = CLI_TEXT, .value = "N",
	 .help = "read passphrases of keys from this file descriptor, a line each, and ask for none",
	 .to = TO(passphrase_fd)},
	{"json", .help = "print one JSON document, also for an error", .to = TO(json)},
	{"quiet", 'q', .help = "print warnings and errors only", .to = TO(quiet)},
	{"yes", 'y', .help = "do not ask: agree to the plan, and to a new registry's root", .to = TO(yes)},
	{"no-color", .help = "no colours, also on a terminal", .to = TO(no_color)},
	{"help", 'h', .help = "print this help", .to = TO(help)},
	{"version", .help = "print the version", .to = TO(version)},
	{"generate", .to = TO(generate)},
	{0},
};

struct parse {
	const struct cli_option *const *tables;
	const char *const *words;
	int count, at;
	struct cli_values *values;
	struct iov_buf *error;
};

bool cli_list_add(struct cli_list *list, const char *item)
{
	const char **items = realloc(list->items, (list->count + 1) * sizeof(*items));
	if (!items)
		return false;
	items[list->count++] = item;
	list->items = items;
	return true;
}

void cli_values_release(struct cli_values *values)
{
	free(values->against.items);
	free(values->facts.items);
	free(values->publishers.items);
	free(values->settings.items);
	free(values->imports.items);
	free(values->add_root_keys.items);
	free(values->gone_publishers.items);
	free(values->registry_keys.items);
	free(values->remove_root_keys.items);
	free(values->thresholds.items);
	free(values->witness_keys.items);
	free(values->words.items);
	*values = (struct cli_values){0};
}

uint64_t cli_parse_number(const char *text, uint64_t max)
{
	char *end;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	return !isdigit((unsigned char)*text) || *end || errno || number > max ? 0 : number;
}

uint64_t cli_parse_age(const char *text)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	char *end;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || errno || !*end || end[1])
		return 0;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (*end == units[i].unit && number <= INT64_MAX / units[i].seconds)
			return number * units[i].seconds;
	return 0;
}

static void *place(const struct cli_option *option, const struct cli_values *values)
{
	return (char *)values + option->to;
}

bool cli_option_given(const struct cli_option *option, const struct cli_values *values)
{
	const void *at = place(option, values);
	switch (option->kind) {
	case CLI_FLAG:
		return *(const bool *)at;
	case CLI_TEXT:
		return *(const char *const *)at != NULL;
	case CLI_NUMBER:
	case CLI_AGE:
		return *(const uint64_t *)at != 0;
	case CLI_LIST:
		return ((const struct cli_list *)at)->count != 0;
	}
	return false;
}

static const struct cli_option *find_long(const struct parse *parse, const char *name, size_t len)
{
	for (const struct cli_option *const *table = parse->tables; *table; table++)
		for (const struct cli_option *option = *table; option->name; option++)
			if (!strncmp(option->name, name, len) && !option->name[len])
				return option;
	return NULL;
}

static const struct cli_option *find_letter(const struct parse *parse, char letter)
{
	for (const struct cli_option *const *table = parse->tables; *table; table++)
		for (const struct cli_option *option = *table; option->name; option++)
			if (option->letter == letter)
				return option;
	return NULL;
}

static bool unknown_option(struct parse *parse, const char *name, size_t len)
{
	struct iov_nearest nearest;
	iov_nearest_init(&nearest, name, len);
	for (const struct cli_option *const *table = parse->tables; *table; table++)
		for (const struct cli_option *option = *table; option->name; option++)
			if (option->help)
				iov_nearest_offer(&nearest, option->name);
	iov_buf_printf(parse->error, "unknown option '--%.*s'", (int)len, name);
	if (nearest.name)
		iov_buf_printf(parse->error, "; did you mean '--%s'?", nearest.name);
	return false;
}

static bool store_number(struct parse *parse, const struct cli_option *option, const char *value)
{
	uint64_t number = cli_parse_number(value, option->max);
	if (!number) {
		iov_buf_printf(parse->error, "option '--%s' needs a whole number from 1 to %llu, not '%s'",
			       option->name, (unsigned long long)option->max, value);
		return false;
	}
	*(uint64_t *)place(option, parse->values) = number;
	return true;
}

static bool store_age(struct parse *parse, const struct cli_option *option, const char *value)
{
	uint64_t seconds = cli_parse_age(value);
	if (!seconds) {
		iov_buf_printf(parse->error, "option '--%s' needs a time such as 90s, 30m, 12h, 7d or 2w, not '%s'",
			       option->name, value);
		return false;
	}
	*(uint64_t *)place(option, parse->values) = seconds;
	return true;
}

/* An empty value is what an unset shell variable leaves behind: "--root ''" must not mean the live host. */
static bool store_value(struct parse *parse, const struct cli_option *option, const char *value)
{
	if (!value || !*value) {
		iov_buf_printf(parse->error, "option '--%s' needs a value, %s", option->name, option->value);
		return false;
	}
	if (option->kind == CLI_NUMBER)
		return store_number(parse, option, value);
	if (option->kind == CLI_AGE)
		return store_age(parse, option, value);
	if (option->kind == CLI_LIST)
		return cli_list_add(place(option, parse->values), value);
	*(const char **)place(option, parse->values) = value;
	return true;
}

static const char *next_word(struct parse *parse)
{
	return parse->at < parse->count ? parse->words[parse->at++] : NULL;
}

static bool parse_long(struct parse *parse, const char *name)
{
	size_t len = strcspn(name, "=");
	const struct cli_option *option = find_long(parse, name, len);
	if (!option)
		return unknown_option(parse, name, len);
	if (option->kind != CLI_FLAG)
		return store_value(parse, option, name[len] ? name + len + 1 : next_word(parse));
	if (name[len]) {
		iov_buf_printf(parse->error, "option '--%s' takes no value", option->name);
		return false;
	}
	*(bool *)place(option, parse->values) = true;
	return true;
}

static bool parse_letters(struct parse *parse, const char *letters)
{
	for (; *letters; letters++) {
		const struct cli_option *option = find_letter(parse, *letters);
		if (!option) {
			iov_buf_printf(parse->error, "unknown option '-%c'", *letters);
			return false;
		}
		if (option->kind != CLI_FLAG)
			return store_value(parse, option, letters[1] ? letters + 1 : next_word(parse));
		*(bool *)place(option, parse->values) = true;
	}
	return true;
}

static bool parse_word(struct parse *parse, const char *word)
{
	if (word[0] != '-' || !word[1])
		return cli_list_add(&parse->values->words, word);
	return word[1] == '-' ? parse_long(parse, word + 2) : parse_letters(parse, word + 1);
}

static bool check_excludes(struct parse *parse)
{
	for (const struct cli_option *const *table = parse->tables; *table; table++) {
		for (const struct cli_option *option = *table; option->name; option++) {
			if (!option->excludes || !cli_option_given(option, parse->values))
				continue;
			const struct cli_option *other = find_long(parse, option->excludes, strlen(option->excludes));
			if (!other || !cli_option_given(other, parse->values))
				continue;
			iov_buf_printf(parse->error, "options '--%s' and '--%s' exclude each other", option->name,
				       other->name);
			return false;
		}
	}
	return true;
}

static bool parse_words(struct parse *parse, bool leading)
{
	while (parse->at < parse->count) {
		const char *word = parse->words[parse->at];
		if (leading && (word[0] != '-' || !word[1]))
			return true;
		parse->at++;
		if (!strcmp(word, "--"))
			break;
		if (!parse_word(parse, word))
			return false;
	}
	while (!leading && parse->at < parse->count)
		if (!cli_list_add(&parse->values->words, parse->words[parse->at++]))
			return false;
	return check_excludes(parse);
}

int cli_options_parse(const struct cli_option *const *tables, const char *const *words, int count, bool leading,
		      struct cli_values *values, struct iov_buf *error)
{
	struct parse parse = {.tables = tables, .words = words, .count = count, .values = values, .error = error};
	if (parse_words(&parse, leading))
		return parse.at;
	if (!error->len)
		iov_buf_puts(error, "out of memory");
	return -1;
}
