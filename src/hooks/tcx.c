/* TCX: traffic control through links, from Linux 6.6 on. Programs of several modules run in the order in which they
 * were attached. */
#include <bpf/bpf.h>
#include <errno.h>

#include "hooks/entry.h"
#include "hooks/interface.h"
#include "hooks/link.h"
#include "hooks/rows.h"
#include "hooks/site.h"
#include "hooks/tc.h"

const char *const iov_tc_sections[] = {"tcx/ingress", "tcx/egress", "tc/ingress", "tc/egress",
				       "tc",	      "classifier", NULL};

/* A kernel with TCX looks for the interface first and misses it; one without does not know what it is asked. */
static bool supported(struct iov_ctx *ctx)
{
	(void)ctx;
	LIBBPF_OPTS(bpf_prog_query_opts, query);
	return !bpf_prog_query_opts(0, IOV_TCX_INGRESS, &query) || errno != EINVAL;
}

static int check(struct iov_ctx *ctx, const struct iov_site *site)
{
	unsigned index = 0;
	return iov_interface_index(ctx, site, &index);
}

static int attach(struct iov_ctx *ctx, const struct iov_site *site, int program, int *ret)
{
	unsigned ifindex = 0;
	int rc = iov_interface_index(ctx, site, &ifindex);
	if (rc)
		return rc;
	*ret = bpf_link_create(program, (int)ifindex, iov_interface_egress(site) ? IOV_TCX_EGRESS : IOV_TCX_INGRESS,
			       NULL);
	return *ret < 0 ? iov_site_refused(ctx, site, "attached to", errno) : IOV_OK;
}

static int kind(struct iov_ctx *ctx, const struct iov_site *site, int program, struct iov_entry_kind *ret)
{
	(void)ctx, (void)site, (void)program;
	*ret = (struct iov_entry_kind){
		.type = BPF_PROG_TYPE_SCHED_CLS, .attach_type = IOV_TC_ATTACH_TYPE, .neutral = IOV_TCX_NEXT};
	return IOV_OK;
}

static enum iov_carry carry(const struct iov_site *site)
{
	return iov_interface_egress(site) ? IOV_CARRY_NONE : IOV_CARRY_TAKE;
}

const struct iov_hook iov_hook_tcx = {
	.name = "tcx",
	.sections = iov_tc_sections,
	.program_type = BPF_PROG_TYPE_SCHED_CLS,
	.attach_type = IOV_TC_ATTACH_TYPE,
	.supported = supported,
	.fallback = "clsact",
	.style = &iov_style_link,
	.check = check,
	.link = attach,
	.kind = kind,
	.alive = iov_interface_alive,
	.carry = carry,
};
