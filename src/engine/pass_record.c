/* Where a pass keeps things: the record and the stack. */
#include "engine/pass_program.h"

#include <string.h>

uint32_t iov_pass_padded(uint32_t size)
{
	return (size + 7) & ~7u;
}

static uint32_t area_at(const struct iov_conversion *conversion, enum iov_pass_area area)
{
	const struct iov_field_moves *key = &conversion->key, *value = &conversion->value;
	const uint32_t sizes[] = {key->from_size, key->to_size,	    value->from_size,
				  value->to_size, value->from_size, value->to_size};
	uint32_t at = iov_pass_padded(sizeof(struct iov_pass_record));
	for (int i = 0; i < (int)area; i++)
		at += iov_pass_padded(sizes[i]);
	return at;
}

uint32_t iov_pass_record_size(const struct iov_conversion *conversion)
{
	return area_at(conversion, IOV_AREA_END);
}

static void fill(const struct iov_field_moves *moves, char *at)
{
	for (size_t i = 0; i < moves->n_fills; i++) {
		const struct iov_fill *one = &moves->fills[i];
		const char *bytes = (const char *)&one->value;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		bytes += sizeof(one->value) - one->size;
#endif
		memcpy(at + one->offset, bytes, one->size);
	}
}

/* What is not moved is the same in every entry, so it stands there before the first. */
void iov_pass_record_init(const struct iov_conversion *conversion, void *record)
{
	memset(record, 0, iov_pass_record_size(conversion));
	fill(&conversion->key, (char *)record + area_at(conversion, IOV_AREA_NEW_KEY));
	fill(&conversion->value, (char *)record + area_at(conversion, IOV_AREA_BUILT));
	fill(&conversion->value, (char *)record + area_at(conversion, IOV_AREA_BLANK_NEW));
}

void iov_pass_load_area(struct iov_pass *pass, uint8_t reg, enum iov_pass_area area)
{
	iov_asm_value(&pass->code, reg, pass->maps->record, area_at(pass->conversion, area));
}

void iov_pass_count(struct iov_pass *pass, size_t counter, int32_t by)
{
	iov_asm_value(&pass->code, BPF_REG_1, pass->maps->record, (uint32_t)counter);
	iov_asm_load(&pass->code, 8, BPF_REG_2, BPF_REG_1, 0);
	iov_asm_alu(&pass->code, BPF_ADD, BPF_REG_2, by);
	iov_asm_store(&pass->code, 8, BPF_REG_1, 0, BPF_REG_2);
}

void iov_pass_set_stack(struct iov_pass *pass, int16_t slot, int32_t value)
{
	iov_asm_add(&pass->code, BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, slot, value);
}
