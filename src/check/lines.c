#include "check/lines.h"

#include <bpf/btf.h>
#include <ctype.h>
#include <string.h>

#include "check/btf_ext.h"
#include "util/cleanup.h"

struct iov_lines {
	const struct iov_bytecode *code;
	const struct btf *btf;
	const struct bpf_line_info *starts[]; /* per instruction: the line that begins there, or NULL */
};

static int take_line(void *data, const char *section, const void *record)
{
	struct iov_lines *lines = data;
	const struct bpf_line_info *line = record;
	uint32_t at = iov_bytecode_at(lines->code, section, line->insn_off);
	if (at != IOV_BYTECODE_NONE)
		lines->starts[at] = line;
	return 0;
}

int iov_lines_new(struct iov_ctx *ctx, const struct iov_bytecode *code, const struct btf *btf,
		  const struct btf_ext *ext, struct iov_lines **ret)
{
	struct iov_lines *lines = calloc(1, sizeof(*lines) + code->count * sizeof(lines->starts[0]));
	if (!lines)
		return iov_oom(ctx);
	lines->code = code;
	lines->btf = btf;
	if (btf)
		iov_btf_ext_each(btf, ext, IOV_BTF_EXT_LINES, take_line, lines);
	*ret = lines;
	return IOV_OK;
}

void iov_lines_free(struct iov_lines *lines)
{
	free(lines);
}

/* The last line that begins at the instruction or before it, in its function: others may be of files without -g. */
static const struct bpf_line_info *find_line(const struct iov_lines *lines, uint32_t insn)
{
	uint32_t function = iov_bytecode_function_at(lines->code, insn);
	if (function == IOV_BYTECODE_NONE)
		return NULL;
	for (uint32_t at = insn + 1; at-- > lines->code->functions[function].first;)
		if (lines->starts[at])
			return lines->starts[at];
	return NULL;
}

/* Source as it stands, but not where. */
static const char *skip_indent(const char *text)
{
	while (text && isspace((unsigned char)*text))
		text++;
	return text;
}

json_t *iov_line_of(const struct iov_lines *lines, uint32_t insn)
{
	const struct bpf_line_info *line = find_line(lines, insn);
	uint32_t number = line ? BPF_LINE_INFO_LINE_NUM(line->line_col) : 0; /* 0: of no line, the compiler says */
	const char *file = number ? btf__name_by_offset(lines->btf, line->file_name_off) : NULL,
		   *text = number ? skip_indent(btf__name_by_offset(lines->btf, line->line_off)) : NULL;
	if (!file || !*file)
		return NULL;
	json_t *json = json_pack("{s:s, s:i}", "file", file, "line", (int)number);
	if (json && text && *text)
		json_object_set_new(json, "text", json_string(text));
	return json;
}
