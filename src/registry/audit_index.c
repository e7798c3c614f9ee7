/* Second pass: each index file, built anew from the events of its module. */
#include <stdio.h>
#include <string.h>

#include "registry/audit.h"
#include "registry/index.h"
#include "registry/submission.h"
#include "util/cleanup.h"

#define AT_ONCE 16 /* index files in one question: each may have 16 MiB */

/* One module: the file as it is, and as far as it was built. */
struct rebuilt {
	struct iov_audit *audit;
	const char *name;
	const char *rest; /* lines of the file that no publish has claimed yet */
	const char *end;
	struct iov_buf text;
};

static void drop_release(struct iov_release **release)
{
	iov_release_free(*release);
}

static int misfit_line(struct rebuilt *file, const char *how)
{
	return iov_error(file->audit->ctx, IOV_E_UNTRUSTED, "the index of '%s' in registry '%s' %s", file->name,
			 file->audit->subject->name, how);
}

static int take_line(struct rebuilt *file, struct iov_release **ret)
{
	const char *newline = memchr(file->rest, '\n', (size_t)(file->end - file->rest));
	if (!newline)
		return misfit_line(file, "ends within a line");
	int rc = iov_release_parse(file->audit->ctx, file->name, file->rest, (size_t)(newline - file->rest), ret);
	file->rest = newline + 1;
	return rc;
}

/* The line as it was when it was published: nothing had been said of it yet. */
static int add_line(struct rebuilt *file, const struct iov_release *release, uint32_t position)
{
	iov_auto(iov_json_release) json_t *line =
		iov_index_line(json_object_get(release->json, "release"), json_object_get(release->json, "signatures"),
			       position, release->published);
	iov_auto(iov_free_ptr) char *text = line ? iov_json_canonical(line) : NULL;
	if (!text)
		return iov_oom(file->audit->ctx);
	iov_buf_puts(&file->text, text);
	iov_buf_puts(&file->text, "\n");
	return IOV_OK;
}

static int replay_publish(struct rebuilt *file, uint32_t position)
{
	struct iov_audit *audit = file->audit;
	const struct iov_audit_event *event = &audit->events[position];
	uint8_t digest[IOV_DIGEST_SIZE];
	char record[IOV_HEX_SIZE];
	iov_auto(drop_release) struct iov_release *release = NULL;
	if (file->rest == file->end)
		return iov_audit_misfit(audit, position, "publishes a release that the index does not have");
	int rc = take_line(file, &release);
	if (!rc)
		rc = iov_event_record(audit->ctx, release, record);
	if (!rc)
		rc = iov_audit_identity(audit->ctx, release->manifest->name, release->manifest->version.text,
					release->sha256, record, release->published, position, digest);
	if (rc)
		return rc;
	if (strcmp(release->manifest->name, file->name) != 0 || release->log != position ||
	    memcmp(digest, event->digest, sizeof(digest)) != 0) {
		char how[300];
		snprintf(how, sizeof(how), "is not the publish of '%.64s' %.127s that the index has in its place",
			 release->manifest->name, release->manifest->version.text);
		return iov_audit_misfit(audit, position, how);
	}
	rc = iov_index_check_signatures(audit->ctx, audit->subject->name, audit->roots[event->root - 1], release, NULL);
	return rc ? rc : add_line(file, release, position);
}

static int replay_statement(struct rebuilt *file, const struct iov_statement *statement, uint32_t position)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	struct iov_restated before = {.count = 0};
	int rc = iov_statement_rewrite(file->audit->ctx, statement, position, file->text.data ? file->text.data : "",
				       file->text.len, &text, &before);
	if (rc)
		return rc;
	if (before.count != json_array_size(statement->versions))
		return iov_audit_misfit(file->audit, position, "speaks of releases that were not there yet");
	if (before.newest != statement->since)
		return iov_audit_misfit(file->audit, position,
					"was signed before something else was said of these releases (an old statement "
					"sent again)");
	struct iov_buf old = file->text;
	file->text = text;
	text = old;
	return IOV_OK;
}

static int replay_event(struct rebuilt *file, uint32_t position)
{
	struct iov_audit_event *event = &file->audit->events[position];
	const struct iov_statement *statement = iov_audit_statement(file->audit, position);
	int rc = statement ? replay_statement(file, statement, position) : replay_publish(file, position);
	if (!rc && iov_buf_failed(&file->text))
		rc = iov_oom(file->audit->ctx);
	if (rc)
		return rc;
	iov_sha256(file->text.data, file->text.len, event->digest);
	event->size = (uint32_t)file->text.len;
	return IOV_OK;
}

static int differs(struct rebuilt *file, const struct iov_buf *text)
{
	char how[120];
	size_t at = 0, line = 1;
	for (; at < text->len && at < file->text.len && text->data[at] == file->text.data[at]; at++)
		line += text->data[at] == '\n';
	snprintf(how, sizeof(how), "differs at its line %zu from what its events in the log make of it", line);
	return misfit_line(file, how);
}

static int rebuild(struct iov_audit *audit, const struct iov_audit_module *module, const struct iov_buf *text)
{
	struct rebuilt file = {.audit = audit, .name = module->name, .rest = text->data, .end = text->data + text->len};
	int rc = IOV_OK;
	for (uint32_t at = module->first; !rc && at != IOV_AUDIT_NONE; at = audit->events[at].next)
		rc = replay_event(&file, at);
	if (!rc && (text->len != file.text.len || (text->len && memcmp(text->data, file.text.data, text->len) != 0)))
		rc = differs(&file, text);
	iov_buf_release(&file.text);
	return rc;
}

static int rebuild_some(struct iov_audit *audit, size_t from, size_t count)
{
	const struct iov_source *source = &audit->subject->source;
	struct iov_index_place places[AT_ONCE];
	const char *paths[AT_ONCE] = {NULL};
	struct iov_buf files[AT_ONCE] = {{0}};
	for (size_t i = 0; i < count; i++) {
		iov_index_place(audit->modules[from + i].name, &places[i]);
		paths[i] = places[i].index_path;
	}
	int rc = source->read(audit->ctx, source, paths, count, IOV_INDEX_MAX, files);
	for (size_t i = 0; !rc && i < count; i++) {
		rc = iov_audit_settle(audit, audit->modules[from + i].name, &files[i]);
		if (rc)
			break;
		if (files[i].data)
			rc = rebuild(audit, &audit->modules[from + i], &files[i]);
		else
			rc = iov_audit_misfit(audit, audit->modules[from + i].first,
					      "is about a module that the index does not have");
	}
	iov_bufs_release(files, count);
	return rc;
}

int iov_audit_index(struct iov_audit *audit)
{
	int rc = IOV_OK;
	for (size_t at = 0; !rc && at < audit->n_modules; at += AT_ONCE) {
		size_t left = audit->n_modules - at;
		rc = rebuild_some(audit, at, left < AT_ONCE ? left : AT_ONCE);
	}
	return rc;
}
