/*
 * Files, the careful way. All functions return 0 or -errno; none prints. Paths are complete (see iov_path() in
 * core/ctx.h for the root).
 */
#ifndef IOV_UTIL_FS_H
#define IOV_UTIL_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "util/buf.h"

/* Reads a regular file into an empty buffer; -EFBIG when it holds more than `limit` bytes. */
int iov_fs_read(const char *path, size_t limit, struct iov_buf *ret);
/* Writes all of it, across short writes and EINTR. */
int iov_fs_write_fd(int fd, const void *data, size_t len);
/* The file holds the old bytes or the new ones, whatever happens: temporary name, fsync, rename, fsync of the folder.
 */
int iov_fs_replace(const char *path, const void *data, size_t len, mode_t mode);
/* mkdir -p. */
int iov_fs_mkdirs(const char *path, mode_t mode);
/* Makes the folder that the path stands in. */
int iov_fs_mkdirs_for(const char *path, mode_t mode);
/* rm -rf, without following links; a missing path is success. */
int iov_fs_rmtree(const char *path);
/* fsync of a folder, so that names made in it survive a power cut. */
int iov_fs_sync_dir(const char *path);
bool iov_fs_exists(const char *path);
/* Names in a folder, sorted bytewise, without "." and ".."; free with iov_fs_names_free(). A missing folder gives
 * -ENOENT. */
int iov_fs_names(const char *path, char ***ret_names, size_t *ret_count);
void iov_fs_names_free(char **names, size_t count);

#endif
