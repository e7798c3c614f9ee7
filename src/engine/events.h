/* Reading the event buffers of a loaded instance, decoded through the BTF of its object. */
#ifndef IOV_ENGINE_EVENTS_H
#define IOV_ENGINE_EVENTS_H

#include "core/generation.h"

struct iov_events_request {
	const char *instance;
	const struct iov_release *release;
	const char *object; /* path of the ELF file */
	const char *dir;    /* live/<instance> */
	uint64_t limit;	    /* events, 0: none */
	int stop_fd;	    /* -1: none */
	bool (*on_event)(const char *json, void *data);
	void *data;
};

int iov_engine_events(struct iov_ctx *ctx, const struct iov_events_request *request);
/* One value of a BTF type as JSON: integers, enums by name, char arrays as strings, nested structs and arrays. A new
 * reference. */
struct btf;
int iov_decode_value(struct iov_ctx *ctx, const struct btf *btf, uint32_t type_id, const void *data, size_t len,
		     json_t **ret);

#endif
