/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads interfaces, addresses, routes, rules and neighbours from the kernel, with rtnetlink,
 * generic netlink and ethtool. Each call opens its own socket, and every function returns 0 or
 * -errno. host.h, plan/ and the daemon include it.
 */
#pragma once
#include <net/if.h>
#include "lib/addr.h"

struct nl_link {
	__u32 ifindex;
	/* Ifindex of the device below a VLAN or macvlan, or of the other end of a veth (IFLA_LINK);
	 * 0: none. */
	__u32 lower;
	bool lower_elsewhere;		/* `lower` is an ifindex of another network namespace */
	__u32 master;		/* ifindex of the bridge, bond or VRF that it belongs to; 0: none */
	/* The link is a port of a bond that does not accept frames from it now. */
	bool bond_backup;
	__u32 mtu;
	bool up;			/* the link is up (IFF_UP) */
	bool ethernet;			/* the link has Ethernet headers (ARPHRD_ETHER) */
	bool loopback;
	bool noarp;		/* the link does not use ARP or neighbour discovery (IFF_NOARP) */
	char name[IFNAMSIZ];
	/* Kind of the device (IFLA_INFO_KIND): "veth", "vlan", "bridge", "wireguard", "tun" …; "":
	 * a hardware device. */
	char kind[16];
	__u8 mac[6];
	/* For a VLAN, in host order: its id, and its protocol 0x8100 or 0x88a8. */
	__u16 vlan_id, vlan_protocol;
	bool vlan_filtering;	/* the link is a bridge that separates VLANs (vlan_filtering) */
	__u32 xdp_prog_id;		/* id of the attached XDP program, in any mode; 0: none */
	char qdisc[16];
	__u64 tx_dropped;		/* number of packets dropped since the device was created */
};

struct nl_address {
	__u32 ifindex;
	/* Address of the interface (IFA_LOCAL, or else IFA_ADDRESS), never that of a point-to-point
	 * peer. */
	struct address local;
	__u8 prefix_len;
	bool tentative, deprecated;
	__u32 flags;			/* flags of the address (IFA_F_*) */
	__u32 preferred; /* preferred lifetime of the address, in seconds; 0xffffffff: for ever */
};

struct nl_route {
	struct prefix dst;
	__u32 oif;			/* ifindex of the device of the first next hop */
	__u32 table;
	__u8 type;			/* type of the route: RTN_UNICAST, RTN_LOCAL … */
	__u8 protocol;			/* origin of the route (RTPROT_*) */
	bool gateway;
	/* Gateway of the route; family 0: none, or it has another family than dst. */
	struct address via;
	__u32 metric;
	/* The route does not apply to every packet, because of a TOS, a source prefix, a tunnel or
	 * a dead link. */
	bool conditional;
	bool tos;			/* the route is only for packets with a certain TOS */
	bool several;	/* the row is one of several next hops, chosen by the packet's flow */
};

struct nl_rule {
	__u8 family;
	struct prefix src, dst;	/* prefixes that the rule selects; family 0: no such selector */
	/* The rule has this selector. A DSCP selector counts as TOS. */
	bool tos, mark, iif, oif, dport, sport;
	/* The rule has a selector that this program does not know, such as the flow label. */
	bool unknown;
	__u32 fwmark;			/* value of the mark selector */
	/* The rule has another selector that has the same result for all packets to a backend:
	 * protocol, user, tunnel id, VRF, suppression or inversion. */
	bool other;
	__u8 action;			/* action of the rule: FR_ACT_TO_TBL, FR_ACT_BLACKHOLE … */
	__u32 table, priority;
};

int nl_links(struct nl_link **ret, size_t *ret_n);
int nl_addresses(struct nl_address **ret, size_t *ret_n);
/* Reads the routes of both families and all tables, without cached ones. Each next hop of a
 * multipath route becomes a row of its own. */
int nl_routes(struct nl_route **ret, size_t *ret_n);
/* Adds a route (dst, oif, table, protocol, metric), or removes it if `there` is false. Returns 0 as
 * well if the route exists already, or is absent already. */
int nl_route_set(const struct nl_route *r, bool there);
int nl_rules(struct nl_rule **ret, size_t *ret_n);
/* Asks the FIB by which device this host's own packets to dst leave, in this VRF or in none (0).
 * Returns an error such as -ENETUNREACH if there is no route. */
int nl_route_get(const struct address *dst, __u32 vrf, __u32 *ret_oif);

struct nl_way {
	__u32 oif;
	struct address via;		/* gateway of the route; family 0: dst is on the link */
};
/* Asks the FIB for the device and the gateway, for a packet with this mark (0: none) from src
 * (NULL: any source). */
int nl_way(const struct address *dst, const struct address *src, __u32 vrf, __u32 mark,
	   struct nl_way *ret);

struct nl_neighbour {
	__u32 ifindex;
	struct address address;
	__u16 state;			/* state of the neighbour entry (NUD_*) */
};
int nl_neighbours(struct nl_neighbour **ret, size_t *ret_n);

enum {
	NL_XDP_BASIC = 1 << 0,
	NL_XDP_REDIRECT = 1 << 1,
	NL_XDP_NDO_XMIT = 1 << 2,
	NL_XDP_NDO_XMIT_SG = 1 << 6
};
/* Reads the device's xdp_features (netdev family, kernel 6.3 and later). Returns -EOPNOTSUPP if the
 * kernel does not report them. */
int nl_xdp_features(__u32 ifindex, __u64 *ret);

/* Reads whether the device removes VLAN tags before XDP sees the frame. *ret: 802.1Q tags (ethtool
 * rxvlan), *ret_outer: 802.1ad tags. */
int nl_rx_vlan_offload(const char *ifname, bool *ret, bool *ret_outer);

/* Reads whether a feature is on, by its name in the kernel, such as "rx-lro". Returns -ENOENT if
 * the kernel does not know the name. */
int nl_feature(const char *ifname, const char *name, bool *ret);

/* Runs an ethtool command (linux/ethtool.h). The kernel writes its answer into `command`. */
int nl_ethtool(const char *ifname, void *command);

/* Reads the name of the driver, such as "veth" or "virtio_net". Returns -errno if the device has
 * none. */
int nl_driver(const char *ifname, char ret[32]);

/* Counts the tc filters at the device's ingress and egress, on a clsact or ingress qdisc. */
int nl_filters(__u32 ifindex, size_t *ret);

/* Read whether the other end of a veth, in any network namespace, has a native XDP program, or has
 * VLANs on it. */
int nl_peer_has_xdp(__u32 ifindex, bool *ret);
int nl_peer_has_vlans(__u32 ifindex, bool *ret);
