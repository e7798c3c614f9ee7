/* Saved entries whose layout is not the map's any more. */
#ifndef IOV_ENGINE_SAVED_CONVERT_H
#define IOV_ENGINE_SAVED_CONVERT_H

#include "core/conversion.h"

/* One key or value, field by field; what has no source is zero or the fill's value. A number that the new field cannot
 * hold becomes the nearest that it can. */
void iov_saved_convert(const struct iov_field_moves *moves, const unsigned char *from, unsigned char *to);

#endif
