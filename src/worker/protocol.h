/*
 * What the two processes say to each other over one stream socket, in frames:
 *
 *   [u32 length, little-endian][u8 type][payload, `length` bytes, at most IOV_FRAME_MAX]
 *
 * The main process sends REQUEST, then the job's input as FILE and DATA frames, then END. The worker answers with any
 * number of FILE, DATA and PROGRESS frames and exactly one END or ERROR. The job "http" is a conversation instead: each
 * DATA frame to the worker is one request with a number of the main process's choice, and ANSWER, BODY and DONE frames
 * carry that number back, those of several requests mixed. Only the worker ever parses JSON; what comes back is fixed
 * fields and bytes, so that a worker that was taken over has nothing but this page to attack. docs/worker.md has the
 * payloads.
 */
#ifndef IOV_WORKER_PROTOCOL_H
#define IOV_WORKER_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IOV_FRAME_MAX (64 * 1024) /* bytes of payload: a request, a path or a chunk of a file */
#define IOV_WORKER_SOCKET 3	  /* the worker's end of the socket */
#define IOV_WORKER_FILE 4	  /* the archive that it reads or writes, where the job has one */

enum iov_frame_type {
	IOV_FRAME_REQUEST = 1,	/* JSON object; "job" names a row of the worker's table */
	IOV_FRAME_FILE = 2,	/* [u64 size][path]: a file begins; size IOV_NO_FILE: it is absent, or is only named */
	IOV_FRAME_DATA = 3,	/* bytes of the file that began last, or of the job's only answer */
	IOV_FRAME_END = 4,	/* input complete; from the worker: success */
	IOV_FRAME_ERROR = 5,	/* [u8 enum iov_code][text] */
	IOV_FRAME_PROGRESS = 6, /* [u64 done][u64 total] */
	IOV_FRAME_ANSWER = 7, /* the two fields of iov_http_field, [etag]: an answer begins, nothing or BODY follows */
	IOV_FRAME_BODY = 8,   /* [u64 number][bytes] */
	IOV_FRAME_DONE = 9,   /* the eight fields of iov_http_field, [text of the error] */
	IOV_FRAME_CREDENTIAL = 10, /* [u8]: a server was shown the credential and took it (1) or not (0) */
};

/* The fields that begin an ANSWER and a DONE, each 64 bits. */
enum iov_http_field {
	IOV_HTTP_NUMBER,
	IOV_HTTP_STATUS,
	IOV_HTTP_ANSWER_FIELDS,
	IOV_HTTP_CODE = IOV_HTTP_ANSWER_FIELDS, /* enum iov_code; IOV_OK: the answer is whole */
	IOV_HTTP_AGAIN,				/* milliseconds after which it is worth another try; 0: it is not */
	IOV_HTTP_REQUESTS,
	IOV_HTTP_CONNECTIONS,
	IOV_HTTP_BODY,	  /* bytes on the wire */
	IOV_HTTP_HEADERS, /* bytes */
	IOV_HTTP_DONE_FIELDS,
};

#define IOV_NO_FILE UINT64_MAX

struct iov_frame {
	uint8_t type;
	size_t len;
	char *payload; /* owned, with room for IOV_FRAME_MAX bytes and a terminating NUL; reused from frame to frame */
};

int iov_frame_init(struct iov_frame *frame);
void iov_frame_release(struct iov_frame *frame);

/* A deadline is a time of iov_frame_now(), in milliseconds; 0: none. These return 0 or -errno: -ETIME when the deadline
 * passed, -EPIPE when the other side is gone, -EPROTO for a frame that is none. */
int64_t iov_frame_now(void);
int iov_frame_send(int fd, enum iov_frame_type type, const void *payload, size_t len, int64_t deadline);
int iov_frame_receive(int fd, struct iov_frame *ret, int64_t deadline);

/* The frames with fields. Parse returns false for a payload that is too short or whose path holds a NUL. */
int iov_frame_send_file(int fd, const char *path, uint64_t size, int64_t deadline);
bool iov_frame_parse_file(const struct iov_frame *frame, const char **ret_path, uint64_t *ret_size);
int iov_frame_send_progress(int fd, uint64_t done, uint64_t total);
bool iov_frame_parse_progress(const struct iov_frame *frame, uint64_t *ret_done, uint64_t *ret_total);
int iov_frame_send_error(int fd, uint8_t code, const char *text);
bool iov_frame_parse_error(const struct iov_frame *frame, uint8_t *ret_code, const char **ret_text);

int iov_frame_send_credential(int fd, bool accepted);
bool iov_frame_parse_credential(const struct iov_frame *frame, bool *ret_accepted);

/* The frames of HTTP: `n` fields, then bytes. Parse returns false for a payload that is too short. */
int iov_frame_send_fields(int fd, enum iov_frame_type type, const uint64_t *fields, size_t n, const void *rest,
			  size_t len);
bool iov_frame_parse_fields(const struct iov_frame *frame, size_t n, uint64_t *ret, const char **ret_rest,
			    size_t *ret_len);

#endif
