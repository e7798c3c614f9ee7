#include "engine/engine.h"

#include <string.h>

void iov_engine_free(struct iov_engine *engine)
{
	if (engine)
		engine->ops->free(engine);
}

char *iov_pin_name(const char *name)
{
	char *pin = strdup(*name == '.' ? name + 1 : name);
	for (char *at = pin; at && *at; at++)
		if (*at == '.')
			*at = '_';
	return pin;
}
