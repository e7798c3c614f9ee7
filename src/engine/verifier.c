/*
 * The verifier's log tells every step of its walk through a program, up to megabytes. People want its end: what it
 * objects to, at which line of the source, and what it knew of the registers in question.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "engine/loading.h"
#include "util/cleanup.h"

#define COMPLAINTS_MAX 4 /* lines of the objection itself; one nearly always */
#define REGISTERS_MAX 3	 /* whose state is told */
#define STATE_MAX 200	 /* bytes of one register's state */

struct line {
	const char *text;
	size_t len;
};

/* What stands out in a log; empty lines where it has none. */
struct reading {
	struct line complaints[COMPLAINTS_MAX];
	size_t n_complaints;
	struct line source, instruction;
};

static bool begins(struct line line, const char *prefix)
{
	size_t len = strlen(prefix);
	return line.len >= len && !memcmp(line.text, prefix, len);
}

/* "12: (71) r0 = *(u8 *)(r0 +0)" */
static bool is_instruction(struct line line)
{
	size_t digits = 0;
	while (digits < line.len && isdigit((unsigned char)line.text[digits]))
		digits++;
	struct line rest = {line.text + digits, line.len - digits};
	return digits && begins(rest, ": (");
}

/* "12: R0=...", "from 5 to 7: R0=...", and the counts at the end say nothing of the cause. */
static bool is_noise(struct line line)
{
	static const char *const prefixes[] = {"processed ",
					       "verification time ",
					       "stack depth ",
					       "from ",
					       "last_idx ",
					       "regs=",
					       "mark_precise: ",
					       "parent ",
					       "caller:",
					       "callee:",
					       "BPF program is too large",
					       "-- ",
					       "func#",
					       "Live regs before insn:",
					       "frame"};
	for (size_t i = 0; i < IOV_COUNT(prefixes); i++)
		if (begins(line, prefixes[i]))
			return strcmp(prefixes[i], "BPF program is too large") != 0;
	size_t digits = 0;
	while (digits < line.len && isdigit((unsigned char)line.text[digits]))
		digits++;
	return !line.len || (digits && digits < line.len && line.text[digits] == ':') ||
	       (line.text[0] == 'R' && memchr(line.text, '=', line.len < 8 ? line.len : 8));
}

/* Steps backwards: the line that ends before *end. False at the start of the log. */
static bool previous(const char *log, const char **end, struct line *ret)
{
	const char *stop = *end;
	if (stop > log && stop[-1] == '\n')
		stop--;
	if (stop <= log)
		return false;
	const char *start = stop;
	while (start > log && start[-1] != '\n')
		start--;
	*ret = (struct line){start, (size_t)(stop - start)};
	*end = start;
	return true;
}

/* Complaints follow the last instruction that was looked at; its source line stands before it. */
static void read_log(const char *log, struct reading *ret)
{
	const char *end = log + strlen(log);
	struct line line;
	*ret = (struct reading){0};
	while (!ret->source.len && previous(log, &end, &line)) {
		if (begins(line, "; ")) {
			ret->source = (struct line){line.text + 2, line.len - 2};
		} else if (is_instruction(line)) {
			if (!ret->instruction.len)
				ret->instruction = line;
		} else if (!ret->instruction.len && ret->n_complaints < COMPLAINTS_MAX && !is_noise(line)) {
			ret->complaints[ret->n_complaints++] = line; /* the last first */
		}
	}
}

/* The last "R3=..." or "R3_w=..." of the log. A state has no spaces but within its parentheses. */
static struct line state_of(const char *log, char digit)
{
	struct line found = {0};
	for (const char *at = log; (at = strchr(at, 'R')); at++) {
		bool word = at == log || at[-1] == ' ' || at[-1] == '\n';
		if (!word || at[1] != digit || isdigit((unsigned char)at[2]))
			continue;
		size_t name = 2 + strspn(at + 2, "_wrD"); /* "R3_w", "R3_rw": how it was used */
		if (at[name] != '=')
			continue;
		size_t len = name + 1;
		for (int depth = 0; at[len] && at[len] != '\n' && (depth || at[len] != ' '); len++)
			depth += (at[len] == '(') - (at[len] == ')');
		found = (struct line){at + name + 1, len - name - 1};
	}
	return found;
}

static void put_state(struct iov_buf *text, const char *log, char digit)
{
	struct line state = state_of(log, digit);
	if (state.len)
		iov_buf_printf(text, "\n  R%c is %.*s%s", digit, (int)(state.len < STATE_MAX ? state.len : STATE_MAX),
			       state.text, state.len > STATE_MAX ? "..." : "");
}

/* The registers that the complaint names, else those of the instruction. */
static void put_registers(struct iov_buf *text, const char *log, struct line from, char letter,
			  char seen[REGISTERS_MAX + 1])
{
	for (size_t i = 0; i + 1 < from.len && strlen(seen) < REGISTERS_MAX; i++) {
		char digit = from.text[i + 1];
		bool word = i && isalnum((unsigned char)from.text[i - 1]);
		bool longer = i + 2 < from.len && isdigit((unsigned char)from.text[i + 2]); /* r10, the frame */
		if (from.text[i] != letter || word || longer || !isdigit((unsigned char)digit) || strchr(seen, digit))
			continue;
		seen[strlen(seen) + 1] = '\0';
		seen[strlen(seen)] = digit;
		put_state(text, log, digit);
	}
}

/* "return *p; @ guard.bpf.c:20" where the kernel tells the place. */
static void put_source(struct iov_buf *text, struct line source)
{
	size_t place = source.len;
	while (place > 3 && memcmp(source.text + place - 3, " @ ", 3) != 0)
		place--;
	if (place > 3)
		iov_buf_printf(text, "\n  %.*s: %.*s", (int)(source.len - place), source.text + place, (int)(place - 3),
			       source.text);
	else if (source.len)
		iov_buf_printf(text, "\n  at: %.*s", (int)source.len, source.text);
}

/* The comment behind the instruction repeats states. */
static void put_instruction(struct iov_buf *text, struct line instruction)
{
	const char *comment = instruction.len ? memmem(instruction.text, instruction.len, " ; ", 3) : NULL;
	size_t len = comment ? (size_t)(comment - instruction.text) : instruction.len;
	while (len && instruction.text[len - 1] == ' ')
		len--;
	if (len)
		iov_buf_printf(text, "\n  instruction %.*s", (int)len, instruction.text);
}

/* What people do about the complaints that come up most. */
static const char *advice(const char *complaint)
{
	static const struct {
		const char *words, *advice;
	} known[] = {
		{"or_null'", "compare the pointer with NULL before it is used"},
		{"invalid access to packet", "compare the end of what is read with data_end first"},
		{"Unreleased reference", "give back what was taken (submit, discard, release) on every path"},
		{"GPL-restricted function", "declare a GPL-compatible license in the object, or leave that helper out"},
		{"unknown func", "this kernel lacks a helper that the program calls; use a newer kernel"},
		{"too large", "bound its loops, or split the program"},
		{"unbounded memory access", "bound the index before it is used"},
		{"invalid access to map value", "check the offset against the size of the value first"},
		{"failed to resolve CO-RE relocation",
		 "this kernel's types lack what it reads; guard it with bpf_core_field_exists()"},
		{"infinite loop", "give the loop a bound that the verifier can see"},
	};
	for (size_t i = 0; i < IOV_COUNT(known); i++)
		if (strstr(complaint, known[i].words))
			return known[i].advice;
	return "change the program there, and build it again";
}

int iov_verifier_quote(struct iov_ctx *ctx, const char *log, struct iov_buf *complaint, struct iov_buf *details)
{
	struct reading reading;
	char seen[REGISTERS_MAX + 1] = "";
	read_log(log, &reading);
	for (size_t i = reading.n_complaints; i-- > 0;)
		iov_buf_printf(complaint, "%.*s%s", (int)reading.complaints[i].len, reading.complaints[i].text,
			       i ? "; " : "");
	if (!complaint->len)
		iov_buf_puts(complaint, "it gives no reason");
	put_source(details, reading.source);
	put_instruction(details, reading.instruction);
	for (size_t i = reading.n_complaints; i-- > 0;)
		put_registers(details, log, reading.complaints[i], 'R', seen);
	if (!*seen)
		put_registers(details, log, reading.instruction, 'r', seen);
	return iov_buf_failed(complaint) || iov_buf_failed(details) ? iov_oom(ctx) : IOV_OK;
}

/* The source line is told once, before the first of its instructions. */
void iov_verifier_source(const char *log, size_t instruction, struct iov_buf *details)
{
	struct line source = {0};
	char start[32];
	int len = snprintf(start, sizeof(start), "%zu: (", instruction);
	for (const char *at = log; *at;) {
		struct line line = {at, strcspn(at, "\n")};
		if (begins(line, "; "))
			source = (struct line){line.text + 2, line.len - 2};
		if (line.len > (size_t)len && !memcmp(line.text, start, (size_t)len)) {
			put_source(details, source);
			put_instruction(details, line);
			return;
		}
		at += line.len + (at[line.len] == '\n');
	}
}

int iov_verifier_refusal(struct iov_ctx *ctx, const char *title, const char *program, const char *log)
{
	iov_auto(iov_buf_release) struct iov_buf complaint = {0};
	iov_auto(iov_buf_release) struct iov_buf details = {0};
	int rc = iov_verifier_quote(ctx, log, &complaint, &details);
	if (rc)
		return rc;
	return iov_error(ctx, IOV_E_REJECTED, "the kernel's verifier refused program '%s' of %s: %s; %s%s", program,
			 title, complaint.data, advice(complaint.data), details.data ? details.data : "");
}
