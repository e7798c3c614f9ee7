#include "worker/protocol.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#define HEADER 5 /* bytes before the payload */
#define PARTS 3	 /* of a frame in memory: header, fields, the rest */

int iov_frame_init(struct iov_frame *frame)
{
	*frame = (struct iov_frame){.payload = malloc(IOV_FRAME_MAX + 1)};
	return frame->payload ? 0 : -ENOMEM;
}

void iov_frame_release(struct iov_frame *frame)
{
	free(frame->payload);
	*frame = (struct iov_frame){0};
}

int64_t iov_frame_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until the socket can be read or written; a plain return means "try again". */
static int wait_for(int fd, short events, int64_t deadline)
{
	int64_t left = deadline ? deadline - iov_frame_now() : -1;
	if (deadline && left <= 0)
		return -ETIME;
	struct pollfd ready = {.fd = fd, .events = events};
	if (poll(&ready, 1, left > INT32_MAX ? INT32_MAX : (int)left) < 0 && errno != EINTR)
		return -errno;
	return 0;
}

/* What a failed call means: 0 is "try again". */
static int after_failure(int fd, short events, int64_t deadline)
{
	switch (errno) {
	case EINTR:
		return 0;
	case EAGAIN:
		return wait_for(fd, events, deadline);
	case ECONNRESET:
		return -EPIPE;
	default:
		return -errno;
	}
}

/* Drops what has been sent from the front of the vector. */
static void advance(struct iovec *parts, size_t count, size_t sent)
{
	for (size_t i = 0; i < count; i++) {
		size_t step = sent < parts[i].iov_len ? sent : parts[i].iov_len;
		parts[i].iov_base = (char *)parts[i].iov_base + step;
		parts[i].iov_len -= step;
		sent -= step;
	}
}

/* A frame whose payload is `first` and then `rest`. */
static int send_parts(int fd, enum iov_frame_type type, struct iovec first, struct iovec rest, int64_t deadline)
{
	size_t left = HEADER + first.iov_len + rest.iov_len;
	if (left > HEADER + IOV_FRAME_MAX)
		return -EMSGSIZE;
	char header[HEADER];
	uint32_t length = htole32((uint32_t)(left - HEADER));
	memcpy(header, &length, sizeof(length));
	header[4] = (char)type;
	struct iovec parts[PARTS] = {{header, HEADER}, first, rest};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = PARTS};
	while (left) {
		ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | (deadline ? MSG_DONTWAIT : 0));
		int rc = sent < 0 ? after_failure(fd, POLLOUT, deadline) : 0;
		if (rc)
			return rc;
		if (sent > 0) {
			advance(parts, PARTS, (size_t)sent);
			left -= (size_t)sent;
		}
	}
	return 0;
}

int iov_frame_send(int fd, enum iov_frame_type type, const void *payload, size_t len, int64_t deadline)
{
	return send_parts(fd, type, (struct iovec){(void *)payload, len}, (struct iovec){0}, deadline);
}

static int receive_all(int fd, void *data, size_t len, int64_t deadline)
{
	char *at = data;
	while (len) {
		ssize_t got = recv(fd, at, len, deadline ? MSG_DONTWAIT : 0);
		if (got == 0)
			return -EPIPE;
		int rc = got < 0 ? after_failure(fd, POLLIN, deadline) : 0;
		if (rc)
			return rc;
		if (got > 0) {
			at += got;
			len -= (size_t)got;
		}
	}
	return 0;
}

int iov_frame_receive(int fd, struct iov_frame *ret, int64_t deadline)
{
	char header[HEADER];
	int rc = receive_all(fd, header, HEADER, deadline);
	if (rc)
		return rc;
	uint32_t length;
	memcpy(&length, header, sizeof(length));
	length = le32toh(length);
	uint8_t type = (uint8_t)header[4];
	if (length > IOV_FRAME_MAX || type < IOV_FRAME_REQUEST || type > IOV_FRAME_CREDENTIAL)
		return -EPROTO;
	rc = receive_all(fd, ret->payload, length, deadline);
	if (rc)
		return rc;
	ret->type = type;
	ret->len = length;
	ret->payload[length] = '\0';
	return 0;
}

int iov_frame_send_file(int fd, const char *path, uint64_t size, int64_t deadline)
{
	char payload[4096];
	size_t len = strlen(path);
	if (len > sizeof(payload) - sizeof(size))
		return -ENAMETOOLONG;
	size = htole64(size);
	memcpy(payload, &size, sizeof(size));
	memcpy(payload + sizeof(size), path, len);
	return iov_frame_send(fd, IOV_FRAME_FILE, payload, sizeof(size) + len, deadline);
}

/* The `i`th 64-bit field of a payload. */
static uint64_t field(const struct iov_frame *frame, size_t i)
{
	uint64_t value;
	memcpy(&value, frame->payload + i * sizeof(value), sizeof(value));
	return le64toh(value);
}

/* The text that fills the payload from `offset` on, or NULL when there is a NUL in it. */
static const char *text_from(const struct iov_frame *frame, size_t offset)
{
	const char *text = frame->payload + offset;
	return strlen(text) == frame->len - offset ? text : NULL;
}

bool iov_frame_parse_file(const struct iov_frame *frame, const char **ret_path, uint64_t *ret_size)
{
	if (frame->len < sizeof(uint64_t) || !text_from(frame, sizeof(uint64_t)))
		return false;
	*ret_size = field(frame, 0);
	*ret_path = text_from(frame, sizeof(uint64_t));
	return true;
}

int iov_frame_send_progress(int fd, uint64_t done, uint64_t total)
{
	uint64_t fields[2] = {htole64(done), htole64(total)};
	return iov_frame_send(fd, IOV_FRAME_PROGRESS, fields, sizeof(fields), 0);
}

bool iov_frame_parse_progress(const struct iov_frame *frame, uint64_t *ret_done, uint64_t *ret_total)
{
	if (frame->len != 2 * sizeof(uint64_t))
		return false;
	*ret_done = field(frame, 0);
	*ret_total = field(frame, 1);
	return true;
}

int iov_frame_send_error(int fd, uint8_t code, const char *text)
{
	char payload[4096];
	size_t len = strnlen(text, sizeof(payload) - 1);
	payload[0] = (char)code;
	memcpy(payload + 1, text, len);
	return iov_frame_send(fd, IOV_FRAME_ERROR, payload, len + 1, 0);
}

bool iov_frame_parse_error(const struct iov_frame *frame, uint8_t *ret_code, const char **ret_text)
{
	if (frame->len < 2 || !text_from(frame, 1))
		return false;
	*ret_code = (uint8_t)frame->payload[0];
	*ret_text = frame->payload + 1;
	return true;
}

int iov_frame_send_credential(int fd, bool accepted)
{
	uint8_t said = accepted;
	return iov_frame_send(fd, IOV_FRAME_CREDENTIAL, &said, sizeof(said), 0);
}

bool iov_frame_parse_credential(const struct iov_frame *frame, bool *ret_accepted)
{
	if (frame->len != 1 || (uint8_t)frame->payload[0] > 1)
		return false;
	*ret_accepted = frame->payload[0];
	return true;
}

int iov_frame_send_fields(int fd, enum iov_frame_type type, const uint64_t *fields, size_t n, const void *rest,
			  size_t len)
{
	uint64_t first[IOV_HTTP_DONE_FIELDS];
	for (size_t i = 0; i < n; i++)
		first[i] = htole64(fields[i]);
	return send_parts(fd, type, (struct iovec){first, n * sizeof(*first)}, (struct iovec){(void *)rest, len}, 0);
}

bool iov_frame_parse_fields(const struct iov_frame *frame, size_t n, uint64_t *ret, const char **ret_rest,
			    size_t *ret_len)
{
	if (frame->len < n * sizeof(*ret))
		return false;
	for (size_t i = 0; i < n; i++)
		ret[i] = field(frame, i);
	*ret_rest = frame->payload + n * sizeof(*ret);
	*ret_len = frame->len - n * sizeof(*ret);
	return true;
}
