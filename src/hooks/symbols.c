#include "hooks/symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>

#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/nearest.h"

/* ---- binaries ---- */

static const char *const program_dirs[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin",
					   "/sbin",	      "/bin",		NULL};
static const char *const library_dirs[] = {
#if defined(__x86_64__)
	"/usr/lib/x86_64-linux-gnu",
	"/lib/x86_64-linux-gnu",
#elif defined(__aarch64__)
	"/usr/lib/aarch64-linux-gnu",
	"/lib/aarch64-linux-gnu",
#elif defined(__riscv)
	"/usr/lib/riscv64-linux-gnu",
	"/lib/riscv64-linux-gnu",
#elif defined(__powerpc64__)
	"/usr/lib/powerpc64le-linux-gnu",
	"/lib/powerpc64le-linux-gnu",
#elif defined(__s390x__)
	"/usr/lib/s390x-linux-gnu", "/lib/s390x-linux-gnu",
#endif
	"/usr/local/lib",
	"/usr/lib64",
	"/usr/lib",
	"/lib64",
	"/lib",
	NULL,
};

static char *find_in(const char *const *dirs, const char *name)
{
	for (; *dirs; dirs++) {
		struct iov_buf path = {0};
		iov_buf_printf(&path, "%s/%s", *dirs, name);
		if (!iov_buf_failed(&path) && iov_fs_exists(path.data))
			return iov_buf_take(&path);
		iov_buf_release(&path);
	}
	return NULL;
}

int iov_symbols_binary(struct iov_ctx *ctx, const char *name, char **ret)
{
	bool library = strstr(name, ".so") != NULL;
	if (*name == '/' && !iov_fs_exists(name))
		return iov_error(ctx, IOV_E_NOT_FOUND, "no program or library '%s'; give its path on this host", name);
	*ret = *name == '/' ? strdup(name) : find_in(library ? library_dirs : program_dirs, name);
	if (*ret)
		return IOV_OK;
	return *name == '/' ? iov_oom(ctx)
			    : iov_error(ctx, IOV_E_NOT_FOUND,
					"no %s '%s' in the usual folders (%s and others); give its whole path",
					library ? "library" : "program", name, library ? "/usr/lib" : "/usr/bin");
}

/* ---- functions ---- */

struct search {
	Elf *elf;
	const char *function;
	GElf_Sym found;
	bool is_found;
	struct iov_nearest nearest;
};

/* A symbol of a shared library may carry its version: "read@@GLIBC_2.2.5". */
static bool is_called(const char *name, const char *function)
{
	size_t len = strlen(function);
	return !strncmp(name, function, len) && (!name[len] || name[len] == '@');
}

/* A global function goes before a local one of the same name. */
static void offer(struct search *search, const GElf_Sym *symbol, const char *name)
{
	if (GELF_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_shndx == SHN_UNDEF || !name)
		return;
	iov_nearest_offer(&search->nearest, name);
	if (!is_called(name, search->function) || (search->is_found && GELF_ST_BIND(symbol->st_info) != STB_GLOBAL))
		return;
	search->found = *symbol;
	search->is_found = true;
}

static void search_table(struct search *search, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = data && header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
	for (size_t i = 0; i < count && i < INT32_MAX; i++) {
		GElf_Sym symbol;
		if (gelf_getsym(data, (int)i, &symbol))
			offer(search, &symbol, elf_strptr(search->elf, header->sh_link, symbol.st_name));
	}
}

/* Stripped files keep .dynsym only. */
static void search_tables(struct search *search)
{
	static const GElf_Word types[] = {SHT_SYMTAB, SHT_DYNSYM};
	GElf_Shdr header;
	for (size_t i = 0; i < IOV_COUNT(types) && !search->is_found; i++)
		for (Elf_Scn *section = NULL; (section = elf_nextscn(search->elf, section));)
			if (gelf_getshdr(section, &header) && header.sh_type == types[i])
				search_table(search, section, &header);
}

/* The kernel wants the offset in the file, not the address. */
static bool offset_of(Elf *elf, const GElf_Sym *symbol, uint64_t *ret)
{
	GElf_Shdr header;
	Elf_Scn *section = elf_getscn(elf, symbol->st_shndx);
	if (!section || !gelf_getshdr(section, &header))
		return false;
	*ret = symbol->st_value - header.sh_addr + header.sh_offset;
	return true;
}

static int not_found(struct iov_ctx *ctx, const char *path, const struct search *search)
{
	if (search->nearest.name)
		return iov_error(ctx, IOV_E_NOT_FOUND, "'%s' has no function '%s'; did you mean '%s'?", path,
				 search->function, search->nearest.name);
	return iov_error(ctx, IOV_E_NOT_FOUND,
			 "'%s' has no function '%s'; 'nm -D' lists what it has, and a place without a name is written "
			 "as its offset in the file, '%s:0x1234'",
			 path, search->function, path);
}

static void end_elf(Elf **elf)
{
	if (*elf)
		elf_end(*elf);
}

int iov_symbols_offset(struct iov_ctx *ctx, const char *path, const char *function, uint64_t *ret)
{
	struct search search = {.function = function};
	iov_auto(iov_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return iov_error_errno(ctx, errno, "cannot open '%s'", path);
	elf_version(EV_CURRENT);
	iov_auto(end_elf) Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF)
		return iov_error(ctx, IOV_E_INPUT, "'%s' is no ELF file; a probe goes into a program or a library",
				 path);
	search.elf = elf;
	iov_nearest_init(&search.nearest, function, strlen(function));
	search_tables(&search);
	return search.is_found && offset_of(elf, &search.found, ret) ? IOV_OK : not_found(ctx, path, &search);
}
