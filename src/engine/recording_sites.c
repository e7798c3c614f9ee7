/* Sites of the recording engine: what is attached where, in the pretended kernel. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "engine/pretend.h"
#include "engine/recording_parts.h"
#include "util/cleanup.h"

int iov_recording_adopt_site(struct iov_engine *engine, const struct iov_site *from, const char *from_dir,
			     const struct iov_site *to, const char *to_dir)
{
	iov_auto(iov_free_ptr) char *source = iov_pretend_path(from_dir, "links", from->program);
	iov_auto(iov_free_ptr) char *pin = iov_pretend_path(to_dir, "links", to->program);
	int rc = iov_recording_enter_site(engine, "adopt_site", to);
	if (rc || !source || !pin)
		return rc ? rc : iov_oom(engine->ctx);
	return iov_pretend_is_filter(to) ? IOV_OK : iov_pretend_share(engine->ctx, source, pin);
}

bool iov_recording_same_place(struct iov_engine *engine, const struct iov_site *a, const struct iov_site *b)
{
	(void)engine;
	return iov_pretend_is_exclusive(a) && iov_pretend_is_exclusive(b) && !strcmp(a->target, b->target);
}

/* The kernel, and what is attached at the site according to the pins of `dir`; NULL: nothing. */
static int look(struct iov_engine *engine, const struct iov_site *site, const char *dir, json_t **ret_kernel,
		json_t **ret_attached)
{
	uint32_t id = 0;
	int rc = iov_pretend_read(engine->ctx, ret_kernel);
	if (!rc)
		rc = iov_recording_pinned_id(engine, dir, "links", site->program, &id);
	if (!rc)
		*ret_attached = id || iov_pretend_is_filter(site) ? iov_pretend_find(*ret_kernel, site, id) : NULL;
	return rc;
}

static int refuse_site(struct iov_engine *engine, const json_t *kernel, const struct iov_site *site)
{
	int rc = iov_recording_refuses(engine, kernel, site->target);
	return rc ? rc : iov_recording_refuses(engine, kernel, site->section);
}

int iov_recording_check(struct iov_engine *engine, const struct iov_site *site)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	int rc = iov_recording_enter(engine);
	if (!rc)
		rc = iov_pretend_read(engine->ctx, &kernel);
	return rc ? rc : refuse_site(engine, kernel, site);
}

int iov_recording_rehearse(struct iov_engine *engine, const struct iov_engine_load *load, const struct iov_site *sites,
			   size_t n_sites, const char **ret_program)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	iov_buf_printf(&iov_recording_of(engine)->calls, "rehearse %s %u\n", load->instance, load->group);
	int rc = iov_recording_enter(engine);
	if (!rc)
		rc = iov_pretend_read(engine->ctx, &kernel);
	if (!rc)
		rc = iov_recording_refuses(engine, kernel, load->instance);
	for (size_t i = 0; !rc && i < n_sites; i++) {
		rc = iov_recording_refuses(engine, kernel, sites[i].section);
		if (rc)
			*ret_program = sites[i].program;
	}
	return rc;
}

static int pin_link(struct iov_engine *engine, const struct iov_site *site, const char *dir, uint32_t id)
{
	iov_auto(iov_free_ptr) char *pin = iov_pretend_path(dir, "links", site->program);
	iov_auto(iov_json_release) json_t *content = json_pack("{s:I}", "id", (json_int_t)id);
	return pin && content ? iov_pretend_pin(engine->ctx, pin, content) : iov_oom(engine->ctx);
}

static int own_program(struct iov_engine *engine, const struct iov_site *site, const char *dir, uint32_t *ret)
{
	int rc = iov_recording_pinned_id(engine, dir, "progs", site->program, ret);
	return rc || *ret ? rc
			  : iov_error(engine->ctx, IOV_E_NOT_FOUND, "program '%s' is not pinned in '%s'; load it first",
				      site->program, dir);
}

int iov_recording_attach(struct iov_engine *engine, const struct iov_site *site, const char *dir)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	uint32_t program = 0;
	int rc = iov_recording_enter_site(engine, "attach", site);
	if (!rc)
		rc = iov_pretend_read(engine->ctx, &kernel);
	if (!rc)
		rc = refuse_site(engine, kernel, site);
	if (!rc)
		rc = own_program(engine, site, dir, &program);
	if (!rc && iov_pretend_is_taken(kernel, site))
		rc = iov_error(engine->ctx, IOV_E_BUSY, "'%s' runs another program at '%s' already; unload that first",
			       site->target, site->section);
	uint32_t id = rc || iov_pretend_is_filter(site) ? 0 : iov_pretend_next(kernel);
	if (!rc)
		rc = iov_pretend_attach(engine->ctx, kernel, site, id, program);
	if (!rc)
		rc = iov_pretend_write(engine->ctx, kernel);
	return rc || !id ? rc : pin_link(engine, site, dir, id);
}

int iov_recording_move(struct iov_engine *engine, const struct iov_site *site, enum iov_move *ret,
		       enum iov_carry *ret_carry)
{
	int rc = iov_recording_enter(engine);
	if (rc)
		return rc;
	*ret = iov_pretend_move(site);
	*ret_carry = IOV_CARRY_NONE;
	return IOV_OK;
}

/* Both programs behind one entry: the attachment gets slots. */
int iov_recording_arm(struct iov_engine *engine, const struct iov_site *site, const struct iov_arm *arm)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	json_t *attached = NULL;
	uint32_t old = 0, new = 0, id = 0;
	int rc = iov_recording_enter_site(engine, "arm", site);
	if (!rc && arm->old_dir)
		rc = own_program(engine, arm->old ? arm->old : site, arm->old_dir, &old);
	if (!rc && arm->new_dir)
		rc = own_program(engine, site, arm->new_dir, &new);
	if (!rc)
		rc = look(engine, arm->old ? arm->old : site, arm->old_dir ? arm->old_dir : arm->new_dir, &kernel,
			  &attached);
	if (!rc)
		rc = refuse_site(engine, kernel, site);
	if (!rc && !attached && iov_pretend_is_taken(kernel, site))
		rc = iov_error(engine->ctx, IOV_E_BUSY, "'%s' runs another program at '%s' already; unload that first",
			       site->target, site->section);
	if (!rc && !attached) {
		id = iov_pretend_next(kernel);
		rc = iov_pretend_attach(engine->ctx, kernel, site, id, 0);
		attached = iov_pretend_find(kernel, site, id);
	}
	if (!rc)
		rc = iov_pretend_arm(engine->ctx, attached, arm->generation, old, new);
	if (!rc)
		rc = iov_pretend_write(engine->ctx, kernel);
	return rc || !id ? rc : pin_link(engine, site, arm->new_dir, id);
}

int iov_recording_swap(struct iov_engine *engine, const struct iov_site *site, const char *dir)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	json_t *attached = NULL;
	uint32_t program = 0;
	int rc = iov_recording_enter_site(engine, "swap", site);
	if (!rc)
		rc = look(engine, site, dir, &kernel, &attached);
	if (!rc)
		rc = own_program(engine, site, dir, &program);
	if (!rc && !attached)
		rc = iov_error(engine->ctx, IOV_E_NOT_FOUND,
			       "program '%s' is not attached to '%s'; unload '%s' and load it again", site->program,
			       site->target, site->instance);
	if (!rc && json_object_set_new(attached, "program_id", json_integer(program)))
		rc = iov_oom(engine->ctx);
	if (rc)
		return rc;
	json_object_del(attached, "slots");
	return iov_pretend_write(engine->ctx, kernel);
}

int iov_recording_detach(struct iov_engine *engine, const struct iov_site *site, const char *dir)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	iov_auto(iov_free_ptr) char *pin = iov_pretend_path(dir, "links", site->program);
	json_t *attached = NULL;
	int rc = iov_recording_enter_site(engine, "detach", site);
	if (rc || !pin)
		return rc ? rc : iov_oom(engine->ctx);
	if (!iov_pretend_is_filter(site))
		return unlink(pin) && errno != ENOENT
			       ? iov_error_errno(engine->ctx, errno, "cannot remove the pin '%s'", pin)
			       : IOV_OK;
	rc = look(engine, site, dir, &kernel, &attached);
	if (rc || !attached)
		return rc;
	iov_pretend_detach(kernel, attached);
	return iov_pretend_write(engine->ctx, kernel);
}

int iov_recording_running(struct iov_engine *engine, const struct iov_site *site, const char *dir,
			  struct iov_running *ret)
{
	iov_auto(iov_json_release) json_t *kernel = NULL;
	json_t *attached = NULL;
	int rc = iov_recording_enter(engine);
	if (!rc)
		rc = look(engine, site, dir, &kernel, &attached);
	if (rc)
		return rc;
	*ret = (struct iov_running){0};
	if (attached) {
		ret->prog_id = iov_pretend_program(kernel, attached);
		ret->armed = json_object_get(attached, "slots") != NULL;
		ret->link_id = (uint32_t)json_integer_value(json_object_get(attached, "id"));
		ret->runs_known = iov_recording_of(engine)->counts;
		bool said = false;
		if (ret->runs_known)
			ret->runs = iov_recording_said(engine, site->program, &said);
	}
	return IOV_OK;
}
