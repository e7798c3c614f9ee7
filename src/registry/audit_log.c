/* First pass: the log, leaf by leaf. */
#include <string.h>

#include "registry/audit.h"
#include "registry/log.h"
#include "util/cleanup.h"

/* The tree over the leaves read so far: the roots of its whole subtrees, largest first. */
struct range {
	struct iov_hash nodes[64];
	size_t count;
	uint64_t leaves;
};

static void range_add(struct range *range, struct iov_hash hash)
{
	for (uint64_t size = range->leaves; size & 1; size >>= 1)
		hash = iov_merkle_node(&range->nodes[--range->count], &hash);
	range->nodes[range->count++] = hash;
	range->leaves++;
}

static struct iov_hash range_root(const struct range *range)
{
	if (!range->count)
		return iov_merkle_empty();
	struct iov_hash root = range->nodes[range->count - 1];
	for (size_t i = range->count - 1; i > 0; i--)
		root = iov_merkle_node(&range->nodes[i - 1], &root);
	return root;
}

/* ---- modules ---- */

static int add_module(struct iov_audit *audit, const char *name, uint32_t *ret)
{
	struct iov_audit_module *modules = realloc(audit->modules, (audit->n_modules + 1) * sizeof(*modules));
	if (!modules)
		return iov_oom(audit->ctx);
	audit->modules = modules;
	modules[audit->n_modules] =
		(struct iov_audit_module){.name = strdup(name), .first = IOV_AUDIT_NONE, .last = IOV_AUDIT_NONE};
	if (json_object_set_new(audit->numbers, name, json_integer((json_int_t)audit->n_modules)))
		return iov_oom(audit->ctx);
	*ret = (uint32_t)audit->n_modules++;
	return modules[*ret].name ? IOV_OK : iov_oom(audit->ctx);
}

static int link_module(struct iov_audit *audit, const char *name, uint32_t position)
{
	const json_t *known = json_object_get(audit->numbers, name);
	uint32_t number = (uint32_t)json_integer_value(known);
	int rc = known ? IOV_OK : add_module(audit, name, &number);
	if (rc)
		return rc;
	struct iov_audit_module *module = &audit->modules[number];
	if (module->last == IOV_AUDIT_NONE)
		module->first = position;
	else
		audit->events[module->last].next = position;
	module->last = position;
	audit->events[position].module = number;
	return IOV_OK;
}

/* ---- roots ---- */

static int read_root(struct iov_audit *audit, uint64_t version)
{
	char path[IOV_ROOT_PATH_MAX];
	struct iov_root *root = NULL;
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	struct iov_root **roots = realloc(audit->roots, (audit->n_roots + 1) * sizeof(struct iov_root *));
	if (!roots)
		return iov_oom(audit->ctx);
	audit->roots = roots;
	iov_root_path(version, path);
	int rc = iov_source_read(audit->ctx, &audit->subject->source, path, IOV_NOTE_MAX, &note);
	if (!rc)
		rc = iov_root_parse(audit->ctx, path, note.data, note.len, &root);
	if (!rc && audit->n_roots)
		rc = iov_root_check_next(audit->ctx, path, audit->roots[audit->n_roots - 1], root);
	if (rc) {
		iov_root_free(root);
		return rc;
	}
	audit->roots[audit->n_roots++] = root;
	return IOV_OK;
}

static const struct iov_root *root_now(const struct iov_audit *audit)
{
	return audit->roots[audit->n_roots - 1];
}

static int take_root(struct iov_audit *audit, uint32_t position, const struct iov_leaf *leaf)
{
	const uint64_t before = root_now(audit)->version;
	int rc = IOV_OK;
	if (leaf->root <= before || leaf->root > audit->subject->root->version)
		return iov_audit_misfit(audit, position, "names a root out of its order");
	while (!rc && root_now(audit)->version < leaf->root)
		rc = read_root(audit, root_now(audit)->version + 1);
	/* A root that goes on from an older log takes back the entries of those before it, and nothing else does. */
	if (!rc && leaf->root != before + 1 && (!root_now(audit)->resumes || root_now(audit)->resume_size != position))
		return iov_audit_misfit(audit, position, "names a root out of its order");
	if (!rc && strcmp(root_now(audit)->fingerprint, leaf->sha256) != 0)
		return iov_audit_misfit(audit, position, "names another root than the registry has under that number");
	return rc;
}

/* ---- leaves ---- */

static int take_publish(struct iov_audit *audit, uint32_t position, const struct iov_leaf *leaf)
{
	audit->releases++;
	int rc = iov_audit_identity(audit->ctx, leaf->name, leaf->version, leaf->archive, leaf->record, leaf->time,
				    position, audit->events[position].digest);
	return rc ? rc : link_module(audit, leaf->name, position);
}

/* Takes the leaf over. */
static int take_statement(struct iov_audit *audit, uint32_t position, struct iov_leaf *leaf)
{
	size_t room = audit->n_statements + 1;
	if (!json_object_get(audit->numbers, leaf->statement.name))
		return iov_audit_misfit(audit, position, "speaks of a module that was never published before");
	int rc = iov_statement_check_signers(audit->ctx, audit->roots + audit->n_roots - 1, 1, &leaf->statement,
					     position);
	if (rc)
		return iov_error_prefix(audit->ctx, "entry %u of the log", position);
	struct iov_leaf *statements = realloc(audit->statements, room * sizeof(*statements));
	if (statements)
		audit->statements = statements;
	uint32_t *positions = realloc(audit->positions, room * sizeof(*positions));
	if (positions)
		audit->positions = positions;
	if (!statements || !positions)
		return iov_oom(audit->ctx);
	statements[audit->n_statements] = *leaf;
	positions[audit->n_statements++] = position;
	*leaf = (struct iov_leaf){.json = NULL};
	return link_module(audit, statements[audit->n_statements - 1].statement.name, position);
}

static int take_leaf(struct iov_audit *audit, uint32_t position, const struct iov_buf *entry)
{
	char what[64];
	iov_auto(iov_leaf_release) struct iov_leaf leaf = {.json = NULL};
	struct iov_audit_event *event = &audit->events[position];
	snprintf(what, sizeof(what), "entry %u of the log", position);
	int rc = iov_leaf_parse(audit->ctx, what, entry->data, entry->len, &leaf);
	if (rc)
		return rc;
	*event = (struct iov_audit_event){
		.module = IOV_AUDIT_NONE, .next = IOV_AUDIT_NONE, .root = (uint32_t)audit->n_roots};
	iov_unhex(leaf.manifest, event->manifest, sizeof(event->manifest));
	if (leaf.class == IOV_LEAF_PUBLISH)
		return take_publish(audit, position, &leaf);
	if (leaf.class == IOV_LEAF_STATUS)
		return take_statement(audit, position, &leaf);
	return take_root(audit, position, &leaf);
}

/* One bundle of entries at a time. */
static int take_bundle(struct iov_audit *audit, uint64_t first, struct range *range)
{
	iov_auto(iov_log_release) struct iov_log log;
	uint64_t size = audit->subject->head->log_size;
	int rc = IOV_OK;
	iov_log_init(&log, &audit->subject->source, size);
	for (uint64_t at = first; !rc && at < size && at < first + IOV_TILE_WIDTH; at++) {
		iov_auto(iov_buf_release) struct iov_buf entry = {0};
		rc = iov_log_entry(audit->ctx, &log, at, &entry);
		if (rc)
			break;
		range_add(range, iov_merkle_leaf(entry.data, (uint16_t)entry.len));
		audit->n_events = (size_t)at + 1;
		rc = take_leaf(audit, (uint32_t)at, &entry);
	}
	return rc;
}

int iov_audit_log(struct iov_audit *audit)
{
	const struct iov_head *head = audit->subject->head;
	struct range range = {.count = 0};
	audit->events = calloc(head->log_size + 1, sizeof(*audit->events));
	if (!audit->events)
		return iov_oom(audit->ctx);
	int rc = read_root(audit, 1);
	for (uint64_t at = 0; !rc && at < head->log_size; at += IOV_TILE_WIDTH) {
		iov_progress(audit->ctx, "auditing", audit->subject->name, at, head->log_size);
		rc = take_bundle(audit, at, &range);
	}
	if (rc)
		return rc;
	struct iov_hash root = range_root(&range);
	if (!iov_hash_equal(&root, &head->log_root))
		return iov_error(
			audit->ctx, IOV_E_UNTRUSTED,
			"the %llu entries of the log of registry '%s' do not give the root that head %llu names",
			(unsigned long long)head->log_size, audit->subject->name, (unsigned long long)head->version);
	if (root_now(audit)->version != audit->subject->root->version)
		return iov_error(audit->ctx, IOV_E_UNTRUSTED,
				 "root %llu of registry '%s' is in force, and its log ends with root %llu",
				 (unsigned long long)audit->subject->root->version, audit->subject->name,
				 (unsigned long long)root_now(audit)->version);
	return IOV_OK;
}
