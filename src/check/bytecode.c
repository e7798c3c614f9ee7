#include "check/bytecode.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>

#include "util/cleanup.h"

struct reader {
	struct iov_ctx *ctx;
	struct iov_bytecode *code;
	Elf *elf;
	Elf_Data *symbols;
	size_t n_symbols;
	uint32_t names;	     /* the section with the symbols' names */
	uint32_t *extern_of; /* per symbol: its place among the externs, or NONE */
};

static void end_elf(Elf **elf)
{
	elf_end(*elf);
}

void iov_bytecode_release(struct iov_bytecode *code)
{
	for (uint32_t i = 0; i < code->n_functions; i++)
		free(code->functions[i].name);
	for (uint32_t i = 0; i < code->n_externs; i++)
		free(code->externs[i].name);
	for (uint32_t i = 0; i < code->n_sections; i++)
		free(code->sections[i].name);
	free(code->insns);
	free(code->functions_of);
	free(code->externs_of);
	free(code->sections);
	free(code->functions);
	free(code->externs);
	*code = (struct iov_bytecode){0};
}

uint32_t iov_bytecode_at(const struct iov_bytecode *code, const char *section, uint32_t offset)
{
	for (uint32_t i = 0; i < code->n_sections; i++)
		if (!strcmp(code->sections[i].name, section))
			return offset / sizeof(struct bpf_insn) < code->sections[i].count
				       ? code->sections[i].first + offset / (uint32_t)sizeof(struct bpf_insn)
				       : IOV_BYTECODE_NONE;
	return IOV_BYTECODE_NONE;
}

uint32_t iov_bytecode_function(const struct iov_bytecode *code, const char *name)
{
	for (uint32_t i = 0; i < code->n_functions; i++)
		if (!strcmp(code->functions[i].name, name))
			return i;
	return IOV_BYTECODE_NONE;
}

uint32_t iov_bytecode_function_at(const struct iov_bytecode *code, int64_t insn)
{
	for (uint32_t i = 0; i < code->n_functions; i++)
		if (insn >= code->functions[i].first &&
		    insn < (int64_t)code->functions[i].first + code->functions[i].count)
			return i;
	return IOV_BYTECODE_NONE;
}

/* ---- sections ---- */

/* One more element, zeroed, at the end of an array; NULL: no memory. */
static void *grow(void *array, uint32_t count, size_t size)
{
	char *items = *(void **)array;
	if (!(count & (count - 1))) {
		items = reallocarray(*(void **)array, count ? 2 * (size_t)count : 1, size);
		if (!items)
			return NULL;
		*(void **)array = items;
	}
	return memset(items + count * size, 0, size);
}

static int add_section(struct reader *reader, const char *name, Elf_Scn *elf)
{
	struct iov_bytecode *code = reader->code;
	Elf_Data *data = elf_getdata(elf, NULL);
	uint32_t count = data ? (uint32_t)(data->d_size / sizeof(struct bpf_insn)) : 0;
	if (!count || !data->d_buf || count > IOV_BYTECODE_MAX - code->count)
		return IOV_OK;
	struct bpf_insn *insns = reallocarray(code->insns, code->count + count, sizeof(*insns));
	if (!insns)
		return iov_oom(reader->ctx);
	code->insns = insns;
	memcpy(insns + code->count, data->d_buf, count * sizeof(*insns));
	struct iov_bytecode_section *section = grow(&code->sections, code->n_sections, sizeof(*section));
	if (!section || !(section->name = strdup(name)))
		return iov_oom(reader->ctx);
	section->elf = (uint32_t)elf_ndxscn(elf);
	section->first = code->count;
	section->count = count;
	code->n_sections++;
	code->count += count;
	return IOV_OK;
}

static int read_sections(struct reader *reader)
{
	size_t names = 0;
	GElf_Shdr header;
	int rc = elf_getshdrstrndx(reader->elf, &names) ? IOV_E_INPUT : IOV_OK;
	for (Elf_Scn *section = NULL; !rc && (section = elf_nextscn(reader->elf, section));) {
		const char *name =
			gelf_getshdr(section, &header) ? elf_strptr(reader->elf, names, header.sh_name) : NULL;
		if (!name)
			continue;
		if (header.sh_type == SHT_SYMTAB) {
			reader->symbols = elf_getdata(section, NULL);
			/* What is there, and not what the header says. */
			reader->n_symbols = reader->symbols ? reader->symbols->d_size / sizeof(Elf64_Sym) : 0;
			reader->names = header.sh_link;
		} else if (header.sh_type == SHT_PROGBITS && header.sh_flags & SHF_EXECINSTR) {
			rc = add_section(reader, name, section);
		}
	}
	return rc;
}

/* ---- symbols ---- */

static const struct iov_bytecode_section *section_of(const struct iov_bytecode *code, uint32_t elf)
{
	for (uint32_t i = 0; i < code->n_sections; i++)
		if (code->sections[i].elf == elf)
			return &code->sections[i];
	return NULL;
}

/* As libbpf sees it: what is hidden in the file is static to the kernel. */
static bool is_global(const GElf_Sym *symbol)
{
	unsigned char visibility = GELF_ST_VISIBILITY(symbol->st_other);
	return GELF_ST_BIND(symbol->st_info) != STB_LOCAL && visibility != STV_HIDDEN && visibility != STV_INTERNAL;
}

static int add_function(struct reader *reader, const GElf_Sym *symbol, const char *name)
{
	struct iov_bytecode *code = reader->code;
	const struct iov_bytecode_section *section = section_of(code, symbol->st_shndx);
	uint64_t first = symbol->st_value / sizeof(struct bpf_insn), count = symbol->st_size / sizeof(struct bpf_insn);
	if (!section || first >= section->count || !count || count > section->count - first)
		return IOV_OK;
	struct iov_bytecode_function *function = grow(&code->functions, code->n_functions, sizeof(*function));
	if (!function || !(function->name = strdup(name)))
		return iov_oom(reader->ctx);
	function->first = section->first + (uint32_t)first;
	function->count = (uint32_t)count;
	function->global = is_global(symbol);
	code->n_functions++;
	return IOV_OK;
}

static int add_extern(struct reader *reader, const GElf_Sym *symbol, const char *name, size_t index)
{
	struct iov_bytecode *code = reader->code;
	struct iov_bytecode_extern *one = grow(&code->externs, code->n_externs, sizeof(*one));
	if (!one || !(one->name = strdup(name)))
		return iov_oom(reader->ctx);
	one->weak = GELF_ST_BIND(symbol->st_info) == STB_WEAK;
	reader->extern_of[index] = code->n_externs++;
	return IOV_OK;
}

static int read_symbols(struct reader *reader)
{
	reader->extern_of = malloc((reader->n_symbols + 1) * sizeof(*reader->extern_of));
	if (!reader->extern_of)
		return iov_oom(reader->ctx);
	memset(reader->extern_of, 0xff, (reader->n_symbols + 1) * sizeof(*reader->extern_of));
	int rc = IOV_OK;
	for (size_t i = 1; !rc && reader->symbols && i < reader->n_symbols; i++) {
		GElf_Sym symbol;
		const char *name = gelf_getsym(reader->symbols, (int)i, &symbol)
					   ? elf_strptr(reader->elf, reader->names, symbol.st_name)
					   : NULL;
		if (!name || !*name)
			continue;
		if (symbol.st_shndx == SHN_UNDEF)
			rc = add_extern(reader, &symbol, name, i);
		else if (GELF_ST_TYPE(symbol.st_info) == STT_FUNC)
			rc = add_function(reader, &symbol, name);
	}
	return rc;
}

/* ---- what is referred to ---- */

/* A call or an address of code: the offset that stands in the instruction counts from the symbol. */
static void take_code(struct iov_bytecode *code, uint32_t at, const struct iov_bytecode_section *section,
		      uint64_t value)
{
	const struct bpf_insn *insn = &code->insns[at];
	int64_t base = section->first + (int64_t)(value / sizeof(*insn));
	int64_t target = iov_insn_is_call(insn) ? base + insn->imm + 1 : base + insn->imm / (int)sizeof(*insn);
	code->functions_of[at] = iov_bytecode_function_at(code, target);
}

static void take_relocation(struct reader *reader, const struct iov_bytecode_section *section,
			    const GElf_Rel *relocation)
{
	struct iov_bytecode *code = reader->code;
	GElf_Sym symbol;
	size_t index = GELF_R_SYM(relocation->r_info);
	uint64_t offset = relocation->r_offset / sizeof(struct bpf_insn);
	if (offset >= section->count || index >= reader->n_symbols ||
	    !gelf_getsym(reader->symbols, (int)index, &symbol))
		return;
	uint32_t at = section->first + (uint32_t)offset;
	const struct iov_bytecode_section *target = section_of(code, symbol.st_shndx);
	code->externs_of[at] = reader->extern_of[index];
	if (target)
		take_code(code, at, target, symbol.st_value);
}

static void read_relocations(struct reader *reader)
{
	GElf_Shdr header;
	for (Elf_Scn *section = NULL; reader->symbols && (section = elf_nextscn(reader->elf, section));) {
		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_REL || !header.sh_entsize)
			continue;
		const struct iov_bytecode_section *code = section_of(reader->code, header.sh_info);
		Elf_Data *data = code ? elf_getdata(section, NULL) : NULL;
		GElf_Rel relocation;
		for (size_t i = 0; data && i < header.sh_size / header.sh_entsize; i++)
			if (gelf_getrel(data, (int)i, &relocation))
				take_relocation(reader, code, &relocation);
	}
}

/* Calls within a section, which need no relocation. */
static void read_calls(struct iov_bytecode *code)
{
	for (uint32_t i = 0; i < code->count; i++)
		if (iov_insn_is_call(&code->insns[i]) && code->insns[i].src_reg == BPF_PSEUDO_CALL &&
		    code->functions_of[i] == IOV_BYTECODE_NONE && code->externs_of[i] == IOV_BYTECODE_NONE)
			code->functions_of[i] = iov_bytecode_function_at(code, (int64_t)i + code->insns[i].imm + 1);
}

static int read_code(struct reader *reader)
{
	struct iov_bytecode *code = reader->code;
	int rc = read_sections(reader);
	if (!rc)
		rc = read_symbols(reader);
	if (rc)
		return rc;
	size_t size = (code->count + 1) * sizeof(uint32_t);
	code->functions_of = malloc(size);
	code->externs_of = malloc(size);
	if (!code->functions_of || !code->externs_of)
		return iov_oom(reader->ctx);
	memset(code->functions_of, 0xff, size);
	memset(code->externs_of, 0xff, size);
	read_relocations(reader);
	read_calls(code);
	return IOV_OK;
}

int iov_bytecode_read(struct iov_ctx *ctx, const char *path, struct iov_bytecode *ret)
{
	iov_auto(iov_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return iov_error_errno(ctx, errno, "cannot read the object '%s'", path);
	elf_version(EV_CURRENT);
	iov_auto(end_elf) Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	struct iov_bytecode code = {0};
	struct reader reader = {.ctx = ctx, .code = &code, .elf = elf};
	int rc = elf ? read_code(&reader) : IOV_E_INPUT;
	free(reader.extern_of);
	if (rc)
		iov_bytecode_release(&code);
	else
		*ret = code;
	if (rc == IOV_E_INPUT)
		return iov_error(ctx, IOV_E_INPUT, "'%s' is not an ELF object: %s", path, elf_errmsg(-1));
	return rc;
}
