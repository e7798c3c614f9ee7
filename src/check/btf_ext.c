#include "check/btf_ext.h"

#include <bpf/btf.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A table of the header: bytes from its end on. */
struct ext_table {
	uint32_t off, len;
};

struct ext_header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len;
	struct ext_table functions, lines, relocations;
};

struct ext_section {
	uint32_t name_off, count;
};

struct table {
	const struct btf *btf;
	const unsigned char *at, *end;
	uint32_t record_size;
	int (*take)(void *data, const char *section, const void *record);
	void *data;
};

static const struct {
	size_t where, record; /* of the header; the least that a record has */
} tables[] = {
	[IOV_BTF_EXT_LINES] = {offsetof(struct ext_header, lines), sizeof(struct bpf_line_info)},
	[IOV_BTF_EXT_RELOCATIONS] = {offsetof(struct ext_header, relocations), sizeof(struct bpf_core_relo)},
};

/* The records of one section of code; moves past them. */
static int take_section(struct table *table)
{
	const struct ext_section *section = (const void *)table->at;
	size_t left = (size_t)(table->end - table->at);
	if (left < sizeof(*section) || section->count > (left - sizeof(*section)) / table->record_size)
		return IOV_BTF_EXT_DAMAGED;
	const char *name = btf__name_by_offset(table->btf, section->name_off);
	uint32_t count = section->count;
	table->at += sizeof(*section);
	for (uint32_t i = 0; i < count; i++, table->at += table->record_size) {
		int rc = table->take(table->data, name ? name : "", table->at);
		if (rc)
			return rc;
	}
	return 0;
}

/* False: there is no table. */
static bool find_table(const struct btf_ext *ext, enum iov_btf_ext_table which, struct table *table)
{
	uint32_t size = 0;
	struct ext_table place;
	const struct ext_header *header = btf_ext__raw_data(ext, &size);
	if (size < sizeof(*header) || header->hdr_len < tables[which].where + sizeof(place) || header->hdr_len > size)
		return false;
	memcpy(&place, (const unsigned char *)header + tables[which].where, sizeof(place));
	size_t from = (size_t)header->hdr_len + place.off;
	if (place.len < sizeof(uint32_t) || from > size || place.len > size - from)
		return false;
	table->at = (const unsigned char *)header + from;
	table->end = table->at + place.len;
	return true;
}

int iov_btf_ext_each(const struct btf *btf, const struct btf_ext *ext, enum iov_btf_ext_table which,
		     int (*take)(void *data, const char *section, const void *record), void *data)
{
	struct table table = {.btf = btf, .take = take, .data = data};
	if (!ext || !find_table(ext, which, &table))
		return 0;
	memcpy(&table.record_size, table.at, sizeof(table.record_size));
	table.at += sizeof(table.record_size);
	if (table.record_size < tables[which].record || table.record_size % sizeof(uint32_t))
		return IOV_BTF_EXT_DAMAGED;
	int rc = 0;
	while (!rc && table.at < table.end)
		rc = take_section(&table);
	return rc;
}
