#include "check/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>

#include "util/cleanup.h"

#define LICENSE_MAX 127 /* bytes; the kernel reads no more than this */

static void end_elf(Elf **elf)
{
	elf_end(*elf);
}

static Elf_Scn *find_section(Elf *elf, const char *wanted)
{
	size_t names = 0;
	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		GElf_Shdr header;
		const char *name = gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
		if (name && !strcmp(name, wanted))
			return section;
	}
	return NULL;
}

static bool is_printable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return true;
}

int iov_elf_license(struct iov_ctx *ctx, const char *path, char **ret)
{
	iov_auto(iov_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return iov_error_errno(ctx, errno, "cannot read the object '%s'", path);
	elf_version(EV_CURRENT);
	iov_auto(end_elf) Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf)
		return iov_error(ctx, IOV_E_INPUT, "'%s' is not an ELF object: %s", path, elf_errmsg(-1));
	Elf_Scn *section = find_section(elf, "license");
	Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
	const char *text = data && data->d_buf && data->d_size ? data->d_buf : "";
	size_t len = *text ? strnlen(text, data->d_size < LICENSE_MAX ? data->d_size : LICENSE_MAX) : 0;
	if (!is_printable(text, len))
		return iov_error(ctx, IOV_E_INPUT, "the license in the object '%s' is not plain text", path);
	char *license = strndup(text, len);
	if (!license)
		return iov_oom(ctx);
	*ret = license;
	return IOV_OK;
}
