/* Targets that are network interfaces of this network namespace: "eth0", or for traffic control "eth0/egress". */
#ifndef IOV_HOOKS_INTERFACE_H
#define IOV_HOOKS_INTERFACE_H

#include "hooks/hook.h"

/* IOV_E_INPUT without a target; IOV_E_NOT_FOUND names what this host has. */
int iov_interface_index(struct iov_ctx *ctx, const struct iov_site *site, unsigned *ret);
/* The same, without an error when the interface is not there: 0. */
unsigned iov_interface_find(const struct iov_site *site);
/* Traffic control has two directions: the target's suffix says which, else the section, else it is ingress. */
bool iov_interface_egress(const struct iov_site *site);

/* A link outlives its interface, and then sits on interface 0. */
bool iov_interface_alive(const struct bpf_link_info *info);

#endif
