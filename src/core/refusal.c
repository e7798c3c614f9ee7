#include "core/refusal.h"

#include <string.h>

#include "util/cleanup.h"

/* The names of docs/exit-codes.md. */
static const struct {
	int code;
	const char *word;
} words[] = {
	{IOV_E_INPUT, "input"},	      {IOV_E_CONFLICT, "conflict"},	  {IOV_E_UNTRUSTED, "untrusted"},
	{IOV_E_CONTRACT, "contract"}, {IOV_E_UNSUPPORTED, "unsupported"},
};

const char *iov_refusal_word(int code)
{
	for (size_t i = 0; i < IOV_COUNT(words); i++)
		if (words[i].code == code)
			return words[i].word;
	return NULL;
}

bool iov_is_refusal(int code)
{
	return iov_refusal_word(code) != NULL;
}

int iov_refusal_code(const char *line, const char **ret_text)
{
	*ret_text = line;
	for (size_t i = 0; i < IOV_COUNT(words); i++) {
		size_t len = strlen(words[i].word);
		if (strncmp(line, words[i].word, len) != 0 || strncmp(line + len, ": ", 2) != 0)
			continue;
		*ret_text = line + len + 2;
		return words[i].code;
	}
	return IOV_OK;
}
