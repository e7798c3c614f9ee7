#include "engine/saved_convert.h"

#include <string.h>

/* Numbers of 1, 2, 4 or 8 bytes in this machine's order. */
static uint64_t get(const unsigned char *at, const struct iov_field_place *place)
{
	uint64_t value = 0;
	for (uint32_t i = 0; i < place->size; i++) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		value = value << 8 | at[i];
#else
		value |= (uint64_t)at[i] << 8 * i;
#endif
	}
	unsigned unused = (64 - 8 * place->size) & 63;
	return place->is_signed ? (uint64_t)((int64_t)(value << unused) >> unused) : value;
}

static void put(unsigned char *at, uint32_t size, uint64_t value)
{
	for (uint32_t i = 0; i < size; i++) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		at[size - 1 - i] = (unsigned char)(value >> 8 * i);
#else
		at[i] = (unsigned char)(value >> 8 * i);
#endif
	}
}

static uint64_t nearest(uint64_t value, bool was_signed, const struct iov_field_place *to)
{
	uint64_t most = UINT64_MAX >> ((64 - 8 * to->size) & 63) >> to->is_signed;
	bool negative = was_signed && (int64_t)value < 0;
	if (!negative)
		return value > most ? most : value;
	if (!to->is_signed)
		return 0;
	int64_t least = -(int64_t)most - 1;
	return (int64_t)value < least ? (uint64_t)least : value;
}

static uint64_t scale(uint64_t value, const struct iov_field_move *move)
{
	if (move->multiply == 1 && move->divide == 1)
		return value;
	if (move->from.is_signed)
		return (uint64_t)((int64_t)(value * move->multiply) / (int64_t)move->divide);
	return value * move->multiply / move->divide;
}

static void move_field(const struct iov_field_move *move, const unsigned char *from, unsigned char *to)
{
	for (uint32_t i = 0; i < move->count; i++) {
		const unsigned char *source = from + move->from.offset + i * move->from.size;
		unsigned char *target = to + move->to.offset + i * move->to.size;
		if (move->is_number)
			put(target, move->to.size,
			    nearest(scale(get(source, &move->from), move), move->from.is_signed, &move->to));
		else
			memcpy(target, source, move->from.size < move->to.size ? move->from.size : move->to.size);
	}
}

void iov_saved_convert(const struct iov_field_moves *moves, const unsigned char *from, unsigned char *to)
{
	if (moves->same) {
		memcpy(to, from, moves->to_size);
		return;
	}
	memset(to, 0, moves->to_size);
	for (size_t i = 0; i < moves->n_fills; i++)
		put(to + moves->fills[i].offset, moves->fills[i].size, moves->fills[i].value);
	for (size_t i = 0; i < moves->n_moves; i++)
		move_field(&moves->moves[i], from, to);
}
