/*
 * Refusals: failures that what was handed in is to blame for. Where one travels as a line of text, through git's
 * report of a push or a signed verdict, its code travels as a word before the text, "contract: module 'flow-top' …", so
 * that it arrives as the same code.
 */
#ifndef IOV_CORE_REFUSAL_H
#define IOV_CORE_REFUSAL_H

#include "core/ctx.h"

bool iov_is_refusal(int code);
/* The word of a refusal's code; NULL: the code is none. */
const char *iov_refusal_word(int code);
/* The code whose word stands before a line, and the text after it; IOV_OK and the whole line where none does. */
int iov_refusal_code(const char *line, const char **ret_text);

#endif
