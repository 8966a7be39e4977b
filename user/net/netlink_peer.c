/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of netlink.h about one device: how many tc filters it has, and whether the
 * other end of a veth, in any network namespace, has an XDP program or VLANs.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include "net/netlink.h"
#include "net/netlink_talk.h"

struct veth_end {
	__u32 ifindex, netns;
	bool has_netns, has_xdp, has_vlans;
};

static int filter_row(const struct nlmsghdr *nlh, void *data)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *a, *option;
	struct nl_filter *f;
	char kind[8] = "";

	if (nlh->nlmsg_type != RTM_NEWTFILTER || mnl_nlmsg_get_payload_len(nlh) < sizeof(*tc))
		return MNL_CB_OK;
	f = list_add(data);
	f->priority = TC_H_MAJ(tc->tcm_info) >> 16;
	f->handle = tc->tcm_handle;
	mnl_attr_for_each(a, nlh, sizeof(*tc))
		/* the kernel sends TCA_KIND before TCA_OPTIONS */
		if (mnl_attr_get_type(a) == TCA_KIND)
			attr_string(a, kind, sizeof(kind));
		else if (mnl_attr_get_type(a) == TCA_OPTIONS && !strcmp(kind, "bpf"))
			mnl_attr_for_each_nested(option, a)
				if (mnl_attr_get_type(option) == TCA_BPF_ID)
					f->program = attr_u32(option);
	return MNL_CB_OK;
}

int nl_filters(__u32 ifindex, bool egress, struct nl_filter **ret, size_t *ret_n)
{
	struct tcmsg tc = {
		.tcm_ifindex = ifindex,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS),
	};

	return nl_dump(RTM_GETTFILTER, &tc, sizeof(tc), filter_row, sizeof(**ret), ret, ret_n);
}

static int peer_row(const struct nlmsghdr *nlh, void *data)
{
	struct veth_end *peer = data;
	const struct nlattr *a, *xdp;

	mnl_attr_for_each(a, nlh, sizeof(struct ifinfomsg)) {
		if (mnl_attr_get_type(a) == IFLA_LINK) {
			peer->ifindex = attr_u32(a);
		} else if (mnl_attr_get_type(a) == IFLA_LINK_NETNSID) {
			peer->netns = attr_u32(a);
			peer->has_netns = true;
		} else if (mnl_attr_get_type(a) == IFLA_XDP) {
			mnl_attr_for_each_nested(xdp, a)
				if (mnl_attr_get_type(xdp) == IFLA_XDP_ATTACHED)
					peer->has_xdp = *(__u8 *)mnl_attr_get_payload(xdp) ==
							XDP_ATTACHED_DRV;
		}
	}
	return MNL_CB_OK;
}

/* Callback for each link of the other namespace: sets has_vlans if it is a VLAN on the peer. */
static int vlan_row(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *a, *info;
	struct veth_end *peer = data;
	bool vlan = false, here = true;
	__u32 lower = 0;

	mnl_attr_for_each(a, nlh, sizeof(struct ifinfomsg)) {
		if (mnl_attr_get_type(a) == IFLA_LINK)
			lower = attr_u32(a);
		else if (mnl_attr_get_type(a) == IFLA_LINK_NETNSID)
			here = false;
		else if (mnl_attr_get_type(a) == IFLA_LINKINFO)
			mnl_attr_for_each_nested(info, a)
				vlan |= mnl_attr_get_type(info) == IFLA_INFO_KIND &&
					!strcmp(mnl_attr_get_str(info), "vlan");
	}
	peer->has_vlans |= vlan && here && lower == peer->ifindex;
	return MNL_CB_OK;
}

/* Asks for one link; ifindex 0: for all. netns: id of another namespace, as in IFLA_LINK_NETNSID;
 * NULL: this one. */
static int get_links(__u32 ifindex, const __u32 *netns, mnl_cb_t row, struct veth_end *ret)
{
	char buffer[128] = {};
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link;
	int tries = 0, rc;

	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_REQUEST | (ifindex ? NLM_F_ACK : NLM_F_DUMP);
	link = mnl_nlmsg_put_extra_header(request, sizeof(*link));
	link->ifi_index = ifindex;
	mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (netns)
		mnl_attr_put_u32(request, IFLA_TARGET_NETNSID, *netns);
	do
		rc = nl_ask(request, row, ret);
	while (rc == -EINTR && ++tries < DUMP_TRIES);
	return rc;
}

int nl_peer_has_xdp(__u32 ifindex, bool *ret)
{
	struct veth_end own = {}, peer = {};
	int rc = get_links(ifindex, NULL, peer_row, &own);

	if (!rc && own.ifindex)
		rc = get_links(own.ifindex, own.has_netns ? &own.netns : NULL, peer_row, &peer);
	if (!rc)
		*ret = peer.has_xdp;
	return rc;
}

int nl_peer_has_vlans(__u32 ifindex, bool *ret)
{
	struct veth_end peer = {};
	int rc = get_links(ifindex, NULL, peer_row, &peer);

	if (!rc && peer.ifindex)
		rc = get_links(0, peer.has_netns ? &peer.netns : NULL, vlan_row, &peer);
	if (!rc)
		*ret = peer.has_vlans;
	return rc;
}
