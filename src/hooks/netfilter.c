/* Netfilter: packets at the points where iptables and nftables look at them, from Linux 6.4 on. An entry program stands
 * in front (hooks/entry.h). */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "hooks/entry.h"
#include "hooks/probe.h"
#include "hooks/rows.h"
#include "hooks/site.h"
#include "hooks/standing.h"
#include "util/cleanup.h"

/* linux/bpf.h of Linux 6.4 and later; the numbers are the kernel's ABI. */
#define PROGRAM_TYPE 32
#define ATTACH_TYPE 45
#define DEFRAGMENT 1 /* BPF_F_NETFILTER_IP_DEFRAG */

#define FORM "'FAMILY/POINT/PRIORITY' such as 'ipv4/input/-100'"

struct word {
	const char *text;
	uint32_t value;
};

static const struct word families[] = {{"ipv4", NFPROTO_IPV4}, {"ipv6", NFPROTO_IPV6}, {NULL, 0}};
static const struct word points[] = {
	{"prerouting", NF_INET_PRE_ROUTING}, {"input", NF_INET_LOCAL_IN},	    {"forward", NF_INET_FORWARD},
	{"output", NF_INET_LOCAL_OUT},	     {"postrouting", NF_INET_POST_ROUTING}, {NULL, 0},
};

struct place {
	uint32_t family, point, flags;
	int32_t priority;
};

/* The word up to the next slash; *text is moved past it. */
static const struct word *take_word(const char **text, const struct word *words)
{
	size_t len = strcspn(*text, "/");
	for (; words->text; words++)
		if (strlen(words->text) == len && !strncmp(words->text, *text, len)) {
			*text += len + ((*text)[len] == '/');
			return words;
		}
	return NULL;
}

/* The kernel keeps the lowest and the highest number for itself. */
static bool take_priority(const char **text, int32_t *ret)
{
	char *end = NULL;
	errno = 0;
	long number = strtol(*text, &end, 10);
	if (end == *text || errno || number <= INT32_MIN || number >= INT32_MAX || (*end && *end != '/'))
		return false;
	*text = end + (*end == '/');
	*ret = (int32_t)number;
	return true;
}

static bool parse(const char *text, struct place *ret)
{
	const struct word *family = take_word(&text, families);
	const struct word *point = family ? take_word(&text, points) : NULL;
	if (!point || !take_priority(&text, &ret->priority) || (*text && strcmp(text, "defrag") != 0))
		return false;
	ret->family = family->value;
	ret->point = point->value;
	ret->flags = *text ? DEFRAGMENT : 0;
	return true;
}

static int place_of(struct iov_ctx *ctx, const struct iov_site *site, struct place *ret)
{
	if (!*site->target)
		return iov_error(ctx, IOV_E_INPUT,
				 "program '%s' of instance '%s' names no place in netfilter; give it a target " FORM
				 " in the manifest",
				 site->program, site->instance);
	if (!parse(site->target, ret))
		return iov_error(ctx, IOV_E_INPUT,
				 "'%s' is no place in netfilter; write " FORM ": ipv4 or ipv6; prerouting, input, "
				 "forward, output or postrouting; programs with a lower number come first; '/defrag' "
				 "at the end puts fragments together before",
				 site->target);
	return IOV_OK;
}

static int check(struct iov_ctx *ctx, const struct iov_site *site)
{
	struct place place;
	return place_of(ctx, site, &place);
}

static int attach(struct iov_ctx *ctx, const struct iov_site *site, int program, int *ret)
{
	struct place place = {0};
	int rc = place_of(ctx, site, &place);
	if (rc)
		return rc;
	LIBBPF_OPTS(bpf_link_create_opts, options, .netfilter.pf = place.family, .netfilter.hooknum = place.point,
		    .netfilter.priority = place.priority, .netfilter.flags = place.flags);
	*ret = bpf_link_create(program, 0, (enum bpf_attach_type)ATTACH_TYPE, &options);
	if (*ret < 0 && errno == EBUSY)
		return iov_error(ctx, IOV_E_BUSY,
				 "another program has the place '%s' in netfilter, and each number is given once; take "
				 "the next, or unload that ('bpftool link show' lists it)",
				 site->target);
	if (*ret < 0 && errno == EOPNOTSUPP && place.flags)
		return iov_error(ctx, IOV_E_UNSUPPORTED,
				 "this kernel cannot put fragments together for '%s'; load the module nf_defrag_ipv4 "
				 "or nf_defrag_ipv6, or leave '/defrag' out",
				 site->target);
	return *ret < 0 ? iov_site_refused(ctx, site, "attached to", errno) : IOV_OK;
}

/* Events of local senders run in their own context, and packets that come in interrupt them. */
static int kind(struct iov_ctx *ctx, const struct iov_site *site, int program, struct iov_entry_kind *ret)
{
	(void)ctx, (void)site, (void)program;
	*ret = (struct iov_entry_kind){.type = (enum bpf_prog_type)PROGRAM_TYPE,
				       .attach_type = (enum bpf_attach_type)ATTACH_TYPE,
				       .neutral = NF_ACCEPT,
				       .nests = true};
	return IOV_OK;
}

static bool same_place(const struct iov_site *a, const struct iov_site *b)
{
	struct place one, other;
	return parse(a->target, &one) && parse(b->target, &other) && one.family == other.family &&
	       one.point == other.point && one.priority == other.priority && one.flags == other.flags;
}

static bool supported(struct iov_ctx *ctx)
{
	(void)ctx;
	return iov_probe_program((enum bpf_prog_type)PROGRAM_TYPE, (enum bpf_attach_type)ATTACH_TYPE);
}

static const char *const sections[] = {"netfilter", NULL};

/* Two programs cannot have the same number at one point, so there is no place for a second entry; the program's type is
 * all that the kernel looks at. */
const struct iov_hook iov_hook_netfilter = {
	.name = "netfilter",
	.sections = sections,
	.program_type = -1,
	.attach_type = -1,
	.supported = supported,
	.style = &iov_style_standing,
	.check = check,
	.link = attach,
	.kind = kind,
	.same_place = same_place,
	.slots_checked = true,
};
