/*
 * Asking a git server for one ref in version 2 of its protocol (gitprotocol-v2(5)), and telling the answer in version
 * 0, the only one that libgit2 speaks: there a server begins with all of its refs, 120 bytes for each archive of a
 * registry. Pure functions over what a stranger sent.
 */
#ifndef IOV_CORE_GIT_REFS_H
#define IOV_CORE_GIT_REFS_H

#include <stdbool.h>
#include <stddef.h>

#include "util/buf.h"

#define IOV_GIT_REFS_BEGIN 48		      /* bytes of an answer that tell its version, if it is as long */
#define IOV_GIT_CAPABILITIES_MAX (64u * 1024) /* bytes of the answer in version 2: a dozen short lines */
#define IOV_GIT_REFS_MAX (64u << 20)	      /* bytes of a listing of refs: half a million */

/* Is this, or does it begin, an answer in version 2 to GET info/refs? */
bool iov_git_refs_is_v2(const char *data, size_t len);

/* Reads all of that answer. False: it breaks the protocol, or the server cannot be asked for refs of SHA-1.
 * *ret_shallow: whether it sends parts of a history. An "ERR" line is no break of the protocol here: the request for
 * refs is answered with the same. */
bool iov_git_refs_read_server(const char *data, size_t len, bool *ret_shallow);

/* Adds the request for refs whose names begin with `ref`. */
void iov_git_refs_ask(const char *ref, struct iov_buf *to);

/* Adds what a server of version 0 that has `ref` at most would answer to GET info/refs, from the answer to that
 * request: others that begin with its name are left out, and an "ERR" line is passed on. False: the answer breaks the
 * protocol. */
bool iov_git_refs_tell(const char *data, size_t len, const char *ref, bool shallow, struct iov_buf *to);

#endif
