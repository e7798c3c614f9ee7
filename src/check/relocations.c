#include "check/relocations.h"

#include <bpf/btf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The start of .BTF.ext. */
struct ext_header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, func_info_off, func_info_len, line_info_off, line_info_len, core_relo_off, core_relo_len;
};

struct ext_section {
	uint32_t name_off, count;
};

struct table {
	const struct btf *btf;
	const unsigned char *at, *end;
	uint32_t record_size;
	int (*take)(void *data, const char *section, const struct bpf_core_relo *relocation);
	void *data;
};

size_t iov_essential_len(const char *name)
{
	size_t len = strlen(name);
	for (size_t i = len >= 5 ? len - 4 : 0; i-- > 0;)
		if (name[i] != '_' && !memcmp(name + i + 1, "___", 3) && name[i + 4] != '_')
			return i + 1;
	return len;
}

/* The records of one section of code; moves past them. */
static int take_section(struct table *table)
{
	const struct ext_section *section = (const void *)table->at;
	size_t left = (size_t)(table->end - table->at);
	if (left < sizeof(*section) || section->count > (left - sizeof(*section)) / table->record_size)
		return IOV_RELOCATIONS_DAMAGED;
	const char *name = btf__name_by_offset(table->btf, section->name_off);
	uint32_t count = section->count;
	table->at += sizeof(*section);
	for (uint32_t i = 0; i < count; i++, table->at += table->record_size) {
		int rc = table->take(table->data, name ? name : "", (const void *)table->at);
		if (rc)
			return rc;
	}
	return 0;
}

/* False: there is no table. */
static bool find_table(const struct btf_ext *ext, struct table *table)
{
	uint32_t size = 0;
	const struct ext_header *header = btf_ext__raw_data(ext, &size);
	if (size < sizeof(*header) || header->hdr_len < sizeof(*header) || header->hdr_len > size ||
	    header->core_relo_len < sizeof(uint32_t))
		return false;
	size_t from = (size_t)header->hdr_len + header->core_relo_off;
	if (from > size || header->core_relo_len > size - from)
		return false;
	table->at = (const unsigned char *)header + from;
	table->end = table->at + header->core_relo_len;
	return true;
}

int iov_relocations_each(const struct btf *btf, const struct btf_ext *ext,
			 int (*take)(void *data, const char *section, const struct bpf_core_relo *relocation),
			 void *data)
{
	struct table table = {.btf = btf, .take = take, .data = data};
	if (!ext || !find_table(ext, &table))
		return 0;
	memcpy(&table.record_size, table.at, sizeof(table.record_size));
	table.at += sizeof(table.record_size);
	if (table.record_size < sizeof(struct bpf_core_relo) || table.record_size % sizeof(uint32_t))
		return IOV_RELOCATIONS_DAMAGED;
	int rc = 0;
	while (!rc && table.at < table.end)
		rc = take_section(&table);
	return rc;
}
