/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of netlink.h about links, their addresses, and the features of their drivers.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/memory.h"
#include "net/netlink.h"
#include "net/netlink_talk.h"

/* Constants from linux/netdev.h, which exists since kernel 6.3. */
#define NETDEV_FAMILY "netdev"
enum { NETDEV_DEV_GET = 1 };
enum { NETDEV_IFINDEX = 1, NETDEV_XDP_FEATURES = 3 };

#define TX_DROPPED_AT offsetof(struct rtnl_link_stats64, tx_dropped)

/* Returns the id of the XDP program, attached in any mode. If programs are attached in several
 * modes, the kernel omits IFLA_XDP_PROG_ID, so this also reads the ids by mode. */
static __u32 xdp_prog_id(const struct nlattr *xdp)
{
	const struct nlattr *a;
	__u32 id = 0;

	mnl_attr_for_each_nested(a, xdp) {
		switch (mnl_attr_get_type(a)) {
		case IFLA_XDP_PROG_ID:
		case IFLA_XDP_DRV_PROG_ID:
		case IFLA_XDP_SKB_PROG_ID:
		case IFLA_XDP_HW_PROG_ID:
			if (!id)
				id = attr_u32(a);
		}
	}
	return id;
}

static void link_data(const struct nlattr *data, struct nl_link *link)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, data) {
		if (!strcmp(link->kind, "vlan") && mnl_attr_get_type(a) == IFLA_VLAN_ID)
			link->vlan_id = mnl_attr_get_u16(a);
		else if (!strcmp(link->kind, "vlan") && mnl_attr_get_type(a) == IFLA_VLAN_PROTOCOL)
			link->vlan_protocol = ntohs(mnl_attr_get_u16(a));
		else if (!strcmp(link->kind, "bridge") &&
			 mnl_attr_get_type(a) == IFLA_BR_VLAN_FILTERING)
			link->vlan_filtering = mnl_attr_get_u8(a);
	}
}

/* Reads the state of a bond's or bridge's port; does nothing for other links. A bridge's port
 * without a carrier is disabled, and gets no frames. */
static void port_data(const struct nlattr *info, struct nl_link *link)
{
	const struct nlattr *kind = NULL, *data = NULL, *a;
	__u8 state;

	mnl_attr_for_each_nested(a, info) {
		if (mnl_attr_get_type(a) == IFLA_INFO_SLAVE_KIND)
			kind = a;
		else if (mnl_attr_get_type(a) == IFLA_INFO_SLAVE_DATA)
			data = a;
	}
	if (!kind || !data)
		return;
	mnl_attr_for_each_nested(a, data) {
		if (!strcmp(mnl_attr_get_str(kind), "bond") &&
		    mnl_attr_get_type(a) == IFLA_BOND_SLAVE_STATE)
			link->bond_backup = mnl_attr_get_u8(a) != 0;	/* 0: BOND_STATE_ACTIVE */
		if (strcmp(mnl_attr_get_str(kind), "bridge") ||
		    mnl_attr_get_type(a) != IFLA_BRPORT_STATE)
			continue;
		state = mnl_attr_get_u8(a);
		link->bridge_blocked = state == BR_STATE_LISTENING || state == BR_STATE_LEARNING ||
				       state == BR_STATE_BLOCKING;
	}
}

static void ipv6_data(const struct nlattr *data, struct nl_link *link)
{
	const struct nlattr *a;
	__u32 settings[DEVCONF_MTU6 + 1];

	mnl_attr_for_each_nested(a, data)
		if (mnl_attr_get_type(a) == IFLA_INET6_CONF &&
		    mnl_attr_get_payload_len(a) >= sizeof(settings)) {
			memcpy(settings, mnl_attr_get_payload(a), sizeof(settings));
			link->mtu6 = settings[DEVCONF_MTU6];
		}
}

static void link_attr(const struct nlattr *a, struct nl_link *link)
{
	const struct nlattr *info;

	switch (mnl_attr_get_type(a)) {
	case IFLA_IFNAME:
		attr_string(a, link->name, sizeof(link->name));
		break;
	case IFLA_ADDRESS:
		attr_copy(a, link->mac, sizeof(link->mac));
		break;
	case IFLA_LINK:
		link->lower = attr_u32(a);
		break;
	case IFLA_LINK_NETNSID:
		link->lower_elsewhere = true;
		break;
	case IFLA_MASTER:
		link->master = attr_u32(a);
		break;
	case IFLA_MTU:
		link->mtu = attr_u32(a);
		break;
	case IFLA_AF_SPEC:
		mnl_attr_for_each_nested(info, a)
			if (mnl_attr_get_type(info) == AF_INET6)
				ipv6_data(info, link);
		break;
	case IFLA_QDISC:
		attr_string(a, link->qdisc, sizeof(link->qdisc));
		break;
	case IFLA_STATS64:
		if (mnl_attr_get_payload_len(a) >= TX_DROPPED_AT + sizeof(link->tx_dropped))
			memcpy(&link->tx_dropped, (char *)mnl_attr_get_payload(a) + TX_DROPPED_AT,
			       sizeof(link->tx_dropped));
		break;
	case IFLA_XDP:
		link->xdp_prog_id = xdp_prog_id(a);
		break;
	case IFLA_LINKINFO:
		mnl_attr_for_each_nested(info, a)
			if (mnl_attr_get_type(info) == IFLA_INFO_KIND)
				attr_string(info, link->kind, sizeof(link->kind));
			/* the kernel sends IFLA_INFO_KIND before IFLA_INFO_DATA */
			else if (mnl_attr_get_type(info) == IFLA_INFO_DATA)
				link_data(info, link);
		port_data(a, link);
		break;
	}
}

static int link_row(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *a;
	struct nl_link *link;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	link = list_add(data);
	link->ifindex = info->ifi_index;
	link->up = info->ifi_flags & IFF_UP;
	link->loopback = info->ifi_flags & IFF_LOOPBACK;
	link->noarp = info->ifi_flags & IFF_NOARP;
	link->ethernet = info->ifi_type == ARPHRD_ETHER;
	mnl_attr_for_each(a, nlh, sizeof(*info))
		link_attr(a, link);
	return MNL_CB_OK;
}

int nl_links(struct nl_link **ret, size_t *ret_n)
{
	return nl_dump(RTM_GETLINK, NULL, sizeof(struct ifinfomsg), link_row, sizeof(**ret), ret,
		       ret_n);
}

/* ---- addresses ---- */

static int address_row(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *a, *local = NULL, *address = NULL;
	__u32 flags = ifa->ifa_flags;
	struct ifa_cacheinfo lifetimes = { .ifa_prefered = 0xffffffff };
	struct nl_address *row;

	if (nlh->nlmsg_type != RTM_NEWADDR ||
	    (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6))
		return MNL_CB_OK;
	mnl_attr_for_each(a, nlh, sizeof(*ifa)) {
		switch (mnl_attr_get_type(a)) {
		case IFA_LOCAL:
			local = a;
			break;
		case IFA_ADDRESS:
			address = a;
			break;
		case IFA_FLAGS:
			flags = attr_u32(a);
			break;
		case IFA_CACHEINFO:
			attr_copy(a, &lifetimes, sizeof(lifetimes));
			break;
		}
	}
	row = list_add(data);
	row->ifindex = ifa->ifa_index;
	row->prefix_len = ifa->ifa_prefixlen;
	row->local = attr_address(local ?: address, ifa->ifa_family);
	row->tentative = flags & IFA_F_TENTATIVE;
	row->deprecated = flags & IFA_F_DEPRECATED;
	row->flags = flags;
	row->preferred = lifetimes.ifa_prefered;
	return MNL_CB_OK;
}

int nl_addresses(struct nl_address **ret, size_t *ret_n)
{
	return nl_dump(RTM_GETADDR, NULL, sizeof(struct ifaddrmsg), address_row, sizeof(**ret), ret,
		       ret_n);
}

/* ---- what a device can do ---- */

struct features {
	__u64 bits;
	bool reported;
};

static int features_row(const struct nlmsghdr *nlh, void *data)
{
	struct features *features = data;
	const struct nlattr *a;

	mnl_attr_for_each(a, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(a) == NETDEV_XDP_FEATURES) {
			attr_copy(a, &features->bits, sizeof(features->bits));
			features->reported = true;
		}
	}
	return MNL_CB_OK;
}

/* All calls use one socket, because a pass calls this for each interface. A child opens a socket of
 * its own. */
int nl_xdp_features(__u32 ifindex, __u64 *ret)
{
	static struct mnl_socket *sock;
	static __u16 family;
	static pid_t owner;
	char buffer[128] = {};
	struct features features = {};
	struct nlmsghdr *request;
	int r = sock && owner == getpid() ? 0 : nl_genl_open(NETDEV_FAMILY, &sock, &family);

	if (r)
		return r;
	owner = getpid();
	request = nl_genl_request(buffer, family, NETDEV_DEV_GET, 1);
	mnl_attr_put_u32(request, NETDEV_IFINDEX, ifindex);
	r = nl_talk(sock, request, features_row, &features);
	if (r) {
		mnl_socket_close(sock);
		sock = NULL;
	}
	if (!r && !features.reported)
		r = -EOPNOTSUPP;
	if (!r)
		*ret = features.bits;
	return r;
}

int nl_ethtool(const char *ifname, void *command)
{
	struct ifreq request = { .ifr_data = command };
	int fd, r;

	if (strlen(ifname) >= sizeof(request.ifr_name))
		return -ENODEV;
	strcpy(request.ifr_name, ifname);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* Finds a feature's bit by its name, in the list of names that the kernel returns. */
static int feature_bit(const char *ifname, const char *name, __u32 *ret_bit, __u32 *ret_n)
{
	struct {
		struct ethtool_sset_info info;
		__u32 n;
	} count = { .info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_FEATURES } };
	struct ethtool_gstrings *names;
	int r = nl_ethtool(ifname, &count);

	if (r)
		return r;
	names = xcalloc(1, sizeof(*names) + (size_t)count.n * ETH_GSTRING_LEN);
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = count.n;
	r = nl_ethtool(ifname, names);
	for (*ret_bit = 0; !r && *ret_bit < count.n; ++*ret_bit)
		if (!strncmp((char *)names->data + *ret_bit * ETH_GSTRING_LEN, name,
			     ETH_GSTRING_LEN))
			break;
	if (!r && *ret_bit == count.n)
		r = -ENOENT;
	*ret_n = count.n;
	free(names);
	return r;
}

int nl_feature(const char *ifname, const char *name, bool *ret)
{
	struct ethtool_gfeatures *features;
	__u32 bit, n, blocks;
	int r = feature_bit(ifname, name, &bit, &n);

	if (r)
		return r;
	blocks = (n + 31) / 32;
	features = xcalloc(1, sizeof(*features) + blocks * sizeof(*features->features));
	features->cmd = ETHTOOL_GFEATURES;
	features->size = blocks;
	r = nl_ethtool(ifname, features);
	if (!r)
		*ret = features->features[bit / 32].active >> bit % 32 & 1;
	free(features);
	return r;
}

int nl_rx_vlan_offload(const char *ifname, bool *ret, bool *ret_outer)
{
	return nl_feature(ifname, "rx-vlan-hw-parse", ret) ?:
	       nl_feature(ifname, "rx-vlan-stag-hw-parse", ret_outer);
}

int nl_driver(const char *ifname, char ret[32])
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	int r = nl_ethtool(ifname, &info);

	if (r)
		return r;
	info.driver[sizeof(info.driver) - 1] = '\0';
	memcpy(ret, info.driver, sizeof(info.driver));
	return 0;
}

/* ---- filters, and the other end of a veth ---- */

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
