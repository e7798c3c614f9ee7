/* What the writer and the reader of saved maps agree on (docs/saved-maps.md). */
#ifndef IOV_STATE_SAVED_FORMAT_H
#define IOV_STATE_SAVED_FORMAT_H

#include <stdint.h>

#define IOV_SAVED_MAGIC "iovpkg map 1\n"
#define IOV_SAVED_MAGIC_SIZE (sizeof(IOV_SAVED_MAGIC) - 1)
#define IOV_SAVED_NUMBERS 8 /* bytes of a length or count: little endian */
#define IOV_SAVED_SCHEMA 1

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define IOV_SAVED_BYTE_ORDER "big"
#else
#define IOV_SAVED_BYTE_ORDER "little"
#endif

static inline void iov_saved_put_number(uint64_t number, unsigned char ret[IOV_SAVED_NUMBERS])
{
	for (int i = 0; i < IOV_SAVED_NUMBERS; i++)
		ret[i] = (unsigned char)(number >> 8 * i);
}

static inline uint64_t iov_saved_get_number(const unsigned char bytes[IOV_SAVED_NUMBERS])
{
	uint64_t number = 0;
	for (int i = IOV_SAVED_NUMBERS; i-- > 0;)
		number = number << 8 | bytes[i];
	return number;
}

#endif
