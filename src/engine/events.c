#include "engine/events.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "engine/pins.h"
#include "util/cleanup.h"
#include "util/libbpf.h"

#define LOOK_MS 500   /* without events, after which we look whether an upgrade replaced the buffer */
#define PERF_PAGES 64 /* pages of each CPU's perf buffer: 256 KiB, as the tools of the field take */

struct follower;

/* One buffer that the manifest names. */
struct source {
	struct follower *follower;
	const struct iov_event_spec *spec;
	uint32_t type_id;
	struct ring_buffer *ring; /* one of the two */
	struct perf_buffer *perf;
	uint32_t map_id;
};

struct follower {
	struct iov_ctx *ctx;
	const struct iov_events_request *request;
	struct btf *btf;
	struct source *sources;
	size_t n_sources;
	uint64_t told; /* events */
	uint64_t lost;
	bool ended; /* by the limit, the callback, or an error */
	int rc;
};

static void release_follower(struct follower *follower)
{
	for (size_t i = 0; i < follower->n_sources; i++) {
		ring_buffer__free(follower->sources[i].ring);
		perf_buffer__free(follower->sources[i].perf);
	}
	free(follower->sources);
	btf__free(follower->btf);
}

static int tell(struct source *source, const void *data, size_t len)
{
	struct follower *follower = source->follower;
	json_t *fields = NULL;
	int rc = iov_decode_value(follower->ctx, follower->btf, source->type_id, data, len, &fields);
	if (rc)
		return iov_error_prefix(follower->ctx, "buffer '%s' of '%s'", source->spec->buffer,
					follower->request->instance);
	iov_auto(iov_json_release) json_t *event = json_pack("{s:s, s:s, s:o}", "instance", follower->request->instance,
							     "buffer", source->spec->buffer, "fields", fields);
	iov_auto(iov_free_ptr) char *text = event ? json_dumps(event, JSON_COMPACT) : NULL;
	if (!text)
		return iov_oom(follower->ctx);
	follower->ended = !follower->request->on_event(text, follower->request->data) ||
			  ++follower->told == follower->request->limit;
	return IOV_OK;
}

/* What libbpf calls for a record. A negative answer ends its round; the records after it stay in the buffer. */
static int on_record(void *data, void *record, size_t len)
{
	struct source *source = data;
	struct follower *follower = source->follower;
	if (!follower->ended)
		follower->rc = tell(source, record, len);
	follower->ended = follower->ended || follower->rc;
	return follower->ended ? -ECANCELED : 0;
}

static void on_sample(void *data, int cpu, void *record, uint32_t len)
{
	(void)cpu;
	on_record(data, record, len);
}

static void on_lost(void *data, int cpu, unsigned long long count)
{
	(void)cpu;
	struct source *source = data;
	source->follower->lost += count;
	iov_warn(source->follower->ctx, "%llu events of buffer '%s' were lost: they came faster than they were read",
		 count, source->spec->buffer);
}

static const struct {
	const char *word;
	int kind;
} keywords[] = {{"struct ", BTF_KIND_STRUCT}, {"union ", BTF_KIND_UNION}, {"enum ", BTF_KIND_ENUM}};

static int find_type(struct follower *follower, struct source *source)
{
	const char *name = source->spec->type;
	int id = -ENOENT, kind = BTF_KIND_TYPEDEF;
	for (size_t i = 0; i < IOV_COUNT(keywords); i++) {
		size_t len = strlen(keywords[i].word);
		if (strncmp(name, keywords[i].word, len) != 0)
			continue;
		kind = keywords[i].kind;
		name += len;
		break;
	}
	id = btf__find_by_name_kind(follower->btf, name, (uint32_t)kind);
	if (id < 0 && kind == BTF_KIND_TYPEDEF)
		id = btf__find_by_name_kind(follower->btf, name, BTF_KIND_INT);
	if (id < 0)
		return iov_error(follower->ctx, IOV_E_INPUT,
				 "the events of buffer '%s' are of type '%s', which the object of '%s' does not "
				 "define; use the type in its source, so "
				 "that the compiler keeps it",
				 source->spec->buffer, source->spec->type, follower->request->instance);
	source->type_id = (uint32_t)id;
	return IOV_OK;
}

static int cannot_read(struct follower *follower, const struct source *source, int err)
{
	return iov_error_errno(follower->ctx, err, "cannot read buffer '%s' of '%s'", source->spec->buffer,
			       follower->request->instance);
}

static int open_buffer(struct follower *follower, struct source *source, int fd)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	if (bpf_map_get_info_by_fd(fd, &info, &len))
		return cannot_read(follower, source, errno);
	source->map_id = info.id;
	if (info.type == BPF_MAP_TYPE_RINGBUF)
		source->ring = ring_buffer__new(fd, on_record, source, NULL);
	else if (info.type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		source->perf = perf_buffer__new(fd, PERF_PAGES, on_sample, on_lost, source, NULL);
	else
		return iov_error(follower->ctx, IOV_E_INPUT,
				 "map '%s' of '%s' is no ring or perf buffer; correct 'events' in the manifest",
				 source->spec->buffer, follower->request->instance);
	return source->ring || source->perf ? IOV_OK : cannot_read(follower, source, errno);
}

static int open_source(struct follower *follower, struct source *source)
{
	iov_auto(iov_free_ptr) char *pin = iov_pins_path(follower->request->dir, "maps", source->spec->buffer);
	iov_auto(iov_close_fd) int fd = -1;
	int rc = pin ? find_type(follower, source) : iov_oom(follower->ctx);
	if (!rc)
		rc = iov_pins_open(follower->ctx, pin, &fd);
	if (!rc && fd < 0)
		rc = iov_error(follower->ctx, IOV_E_NOT_FOUND,
			       "buffer '%s' of '%s' is not in the kernel; load '%s' first", source->spec->buffer,
			       follower->request->instance, follower->request->instance);
	return rc ? rc : open_buffer(follower, source, fd);
}

static int open_sources(struct follower *follower)
{
	const struct iov_manifest *manifest = follower->request->release->manifest;
	if (!manifest->n_events)
		return iov_error(follower->ctx, IOV_E_NOT_FOUND, "module '%s' names no events in its manifest",
				 manifest->name);
	follower->btf = btf__parse(follower->request->object, NULL);
	if (!follower->btf)
		return iov_error_errno(follower->ctx, errno, "cannot read the types of the object '%s'",
				       follower->request->object);
	follower->sources = calloc(manifest->n_events, sizeof(*follower->sources));
	if (!follower->sources)
		return iov_oom(follower->ctx);
	for (size_t i = 0; i < manifest->n_events; i++) {
		struct source *source = &follower->sources[follower->n_sources++];
		*source = (struct source){.follower = follower, .spec = &manifest->events[i]};
		int rc = open_source(follower, source);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

static int consume(struct follower *follower)
{
	for (size_t i = 0; i < follower->n_sources && !follower->ended; i++) {
		struct source *source = &follower->sources[i];
		int got = source->ring ? ring_buffer__consume(source->ring) : perf_buffer__consume(source->perf);
		if (got < 0 && !follower->ended && got != -EINTR)
			return cannot_read(follower, source, got);
	}
	return follower->rc;
}

/* An upgrade may have put another buffer in the place of the one we read: when that is empty, we go on with the new. */
static int follow_upgrade(struct follower *follower, struct source *source)
{
	iov_auto(iov_free_ptr) char *pin = iov_pins_path(follower->request->dir, "maps", source->spec->buffer);
	iov_auto(iov_close_fd) int fd = -1;
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	int rc = pin ? iov_pins_open(follower->ctx, pin, &fd) : iov_oom(follower->ctx);
	if (rc || fd < 0 || bpf_map_get_info_by_fd(fd, &info, &len) || info.id == source->map_id)
		return rc; /* nothing there: the instance is being unloaded, and we read on until we are stopped */
	ring_buffer__free(source->ring);
	perf_buffer__free(source->perf);
	source->ring = NULL;
	source->perf = NULL;
	iov_note(follower->ctx, "buffer '%s' of '%s' was replaced by an upgrade; going on with the new one",
		 source->spec->buffer, follower->request->instance);
	return open_buffer(follower, source, fd);
}

static int follow_upgrades(struct follower *follower)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < follower->n_sources; i++)
		rc = follow_upgrade(follower, &follower->sources[i]);
	return rc;
}

static int wait_for_more(struct follower *follower, struct pollfd *polls, bool *ret_stop)
{
	for (size_t i = 0; i < follower->n_sources; i++) {
		const struct source *source = &follower->sources[i];
		polls[i].fd = source->ring ? ring_buffer__epoll_fd(source->ring) : perf_buffer__epoll_fd(source->perf);
		polls[i].events = POLLIN;
	}
	polls[follower->n_sources] =
		(struct pollfd){.fd = follower->request->stop_fd, .events = POLLIN}; /* poll() passes over -1 */
	int ready = poll(polls, follower->n_sources + 1, LOOK_MS);
	if (ready < 0 && errno != EINTR)
		return iov_error_errno(follower->ctx, errno, "cannot wait for the events of '%s'",
				       follower->request->instance);
	*ret_stop = ready > 0 && polls[follower->n_sources].revents;
	return ready ? IOV_OK : follow_upgrades(follower);
}

static int follow(struct follower *follower)
{
	bool stop = false;
	iov_auto(iov_free_ptr) struct pollfd *polls = calloc(follower->n_sources + 1, sizeof(*polls));
	if (!polls)
		return iov_oom(follower->ctx);
	int rc = consume(follower);
	while (!rc && !follower->ended && !stop) {
		rc = wait_for_more(follower, polls, &stop);
		if (!rc && !stop)
			rc = consume(follower);
	}
	return rc;
}

int iov_engine_events(struct iov_ctx *ctx, const struct iov_events_request *request)
{
	iov_auto(release_follower) struct follower follower = {.ctx = ctx, .request = request};
	iov_libbpf_quiet();
	int rc = open_sources(&follower);
	return rc ? rc : follow(&follower);
}
