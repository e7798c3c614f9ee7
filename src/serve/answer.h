/* One HTTP request, answered from the repository. */
#ifndef IOV_SERVE_ANSWER_H
#define IOV_SERVE_ANSWER_H

#include <git2.h>
#include <microhttpd.h>

/* For MHD_start_daemon(); `cookie` is the git_repository. Runs in the daemon's one thread. */
enum MHD_Result serve_answer(void *cookie, struct MHD_Connection *connection, const char *url, const char *method,
			     const char *version, const char *upload, size_t *upload_size, void **request);

#endif
