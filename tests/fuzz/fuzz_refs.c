/* Any bytes as what a git server says in version 2 of its protocol: what is told of them in version 0 is one ref, or
 * none, or the server's error. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/git_refs.h"
#include "util/cleanup.h"

#define ID_HEX 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char service[] = "001e# service=git-upload-pack\n0000";
static const char ref[] = "refs/heads/main";

static void check_line(const char *line, size_t len)
{
	static const char words[] = "multi_ack thin-pack side-band-64k ofs-delta";
	if (!memcmp(line, "ERR ", 4))
		return;
	const char *name = line + ID_HEX + 1;
	bool none = !strcmp(name, "capabilities^{}");
	if (strspn(line, "0123456789abcdef") != ID_HEX || line[ID_HEX] != ' ' || (!none && strcmp(name, ref) != 0))
		abort();
	const char *said = name + strlen(name) + 1;
	if (said + strlen(words) > line + len || memcmp(said, words, strlen(words)) != 0)
		abort();
}

static void check(const struct iov_buf *told)
{
	size_t begin = strlen(service);
	if (told->len < begin + 8 || memcmp(told->data, service, begin) != 0)
		abort();
	char digits[5] = {0}, *end;
	memcpy(digits, told->data + begin, 4);
	size_t len = strtoul(digits, &end, 16);
	if (*end || len < 8 || begin + len > told->len)
		abort();
	check_line(told->data + begin + 4, len - 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	iov_auto(iov_buf_release) struct iov_buf told = {0};
	const char *text = (const char *)data;
	bool shallow = false;
	if (iov_git_refs_read_server(text, size, &shallow) && !iov_git_refs_is_v2(text, size))
		abort();
	if (iov_git_refs_tell(text, size, ref, shallow, &told))
		check(&told);
	return 0;
}
