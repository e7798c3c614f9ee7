#include "hooks/interface.h"

#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <string.h>

#include "util/nearest.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define LISTED_MAX 8 /* names in an error text; hosts with hundreds of interfaces exist */

static const char egress[] = "/egress";
static const char ingress[] = "/ingress";

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), tail = strlen(end);
	return len >= tail && !strcmp(text + len - tail, end);
}

bool iov_interface_egress(const struct iov_site *site)
{
	if (ends_in(site->target, egress) || ends_in(site->target, ingress))
		return ends_in(site->target, egress);
	return ends_in(site->section, egress);
}

/* Names of interfaces hold no slash. False: longer than any name may be. */
static bool name_of(const struct iov_site *site, char ret[IF_NAMESIZE])
{
	size_t len = strcspn(site->target, "/");
	if (len >= IF_NAMESIZE)
		return false;
	memcpy(ret, site->target, len);
	ret[len] = '\0';
	return true;
}

unsigned iov_interface_find(const struct iov_site *site)
{
	char name[IF_NAMESIZE];
	return name_of(site, name) ? if_nametoindex(name) : 0;
}

static void free_names(struct if_nameindex **names)
{
	if (*names)
		if_freenameindex(*names);
}

static int not_found(struct iov_ctx *ctx, const struct iov_site *site)
{
	iov_auto(iov_buf_release) struct iov_buf list = {0};
	iov_auto(free_names) struct if_nameindex *names = if_nameindex();
	struct iov_nearest nearest;
	iov_nearest_init(&nearest, site->target, strlen(site->target));
	size_t count = 0;
	for (const struct if_nameindex *at = names; at && at->if_index; at++, count++) {
		iov_nearest_offer(&nearest, at->if_name);
		if (count < LISTED_MAX)
			iov_buf_printf(&list, "%s%s", count ? ", " : "", at->if_name);
	}
	if (count > LISTED_MAX)
		iov_buf_printf(&list, " and %zu more", count - LISTED_MAX);
	if (nearest.name)
		return iov_error(ctx, IOV_E_NOT_FOUND,
				 "interface '%s' not found; did you mean '%s'? this network namespace has %s",
				 site->target, nearest.name, list.data);
	return iov_error(ctx, IOV_E_NOT_FOUND, "interface '%s' not found; this network namespace has %s", site->target,
			 list.data ? list.data : "none");
}

int iov_interface_index(struct iov_ctx *ctx, const struct iov_site *site, unsigned *ret)
{
	if (!*site->target)
		return iov_error(ctx, IOV_E_INPUT,
				 "program '%s' of instance '%s' has no interface; name one as its target in the "
				 "manifest, 'target: $iface'",
				 site->program, site->instance);
	unsigned index = iov_interface_find(site);
	if (!index)
		return not_found(ctx, site);
	*ret = index;
	return IOV_OK;
}

/* The ifindex is the first member for every type of link to an interface. */
bool iov_interface_alive(const struct bpf_link_info *info)
{
	return info->xdp.ifindex != 0;
}
