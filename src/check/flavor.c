#include "check/flavor.h"

#include <string.h>

size_t iov_essential_len(const char *name)
{
	size_t len = strlen(name);
	for (size_t i = len >= 5 ? len - 4 : 0; i-- > 0;)
		if (name[i] != '_' && !memcmp(name + i + 1, "___", 3) && name[i + 4] != '_')
			return i + 1;
	return len;
}
