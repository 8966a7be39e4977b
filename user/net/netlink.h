/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the kernel says of interfaces, addresses, routes and rules: rtnetlink and generic netlink by libmnl. One socket a
 * call; every function returns 0 or -errno.
 */
#pragma once
#include <net/if.h>
#include "lib/addr.h"

struct nl_link {
	__u32 ifindex;
	__u32 lower;			/* IFLA_LINK: the device below (VLAN, macvlan) or the veth peer's ifindex; 0: none */
	bool lower_elsewhere;		/* lower is in another network namespace: no ifindex of ours */
	__u32 master;			/* bridge, bond, VRF; 0: none */
	bool bond_backup;		/* port of a bond by which it takes no frames now */
	__u32 mtu;
	bool up;			/* IFF_UP */
	bool ethernet;			/* ARPHRD_ETHER: has Ethernet headers */
	bool loopback;
	bool noarp;			/* IFF_NOARP */
	char name[IFNAMSIZ];
	char kind[16];			/* IFLA_INFO_KIND: "veth", "vlan", "bridge", "wireguard", "tun" …; "" for hardware */
	__u8 mac[6];
	__u16 vlan_id, vlan_protocol;	/* of a VLAN: host order; protocol 0x8100 or 0x88a8 */
	bool vlan_filtering;		/* of a bridge: it tells VLANs apart itself */
	__u32 xdp_prog_id;		/* of whatever XDP program is attached, by any of the modes; 0: none */
	char qdisc[16];
	__u64 tx_dropped;		/* packets, since the device was made */
};

struct nl_address {
	__u32 ifindex;
	struct address local;		/* IFA_LOCAL, else IFA_ADDRESS: never the peer's */
	__u8 prefix_len;
	bool tentative, deprecated;
	__u32 flags;			/* IFA_F_* */
	__u32 preferred;		/* seconds; 0xffffffff: for ever */
};

struct nl_route {
	struct prefix dst;
	__u32 oif;			/* of the first next hop */
	__u32 table;
	__u8 type;			/* RTN_UNICAST, RTN_LOCAL … */
	__u8 protocol;			/* RTPROT_*: who made it */
	bool gateway;
	struct address via;		/* the gateway; family 0 where it is none, or of another family than dst */
	__u32 metric;
	bool conditional;		/* what it says does not hold for every packet: TOS, source prefix, tunnel, dead link */
};

struct nl_rule {
	__u8 family;
	struct prefix src, dst;		/* family 0: none */
	bool tos, mark, iif, oif, dport;	/* has such a selector */
	__u32 fwmark;			/* that of mark, as it is said */
	bool other;			/* another one: source port, protocol, user, tunnel id, VRF, suppressing, inverted */
	__u8 action;			/* FR_ACT_TO_TBL, FR_ACT_BLACKHOLE … */
	__u32 table, priority;
};

int nl_links(struct nl_link **ret, size_t *ret_n);
int nl_addresses(struct nl_address **ret, size_t *ret_n);
/* Both families, all tables, every next hop of a multipath route as a row of its own; no cached routes. */
int nl_routes(struct nl_route **ret, size_t *ret_n);
/* Makes a route (dst, oif, table, protocol, metric), or, !there, takes it away; what is so already is fine */
int nl_route_set(const struct nl_route *r, bool there);
int nl_rules(struct nl_rule **ret, size_t *ret_n);
/* The way to dst as the FIB says for output from this host, in a VRF or (0) none: its device. -ENETUNREACH and the like where
 * there is none. */
int nl_route_get(const struct address *dst, __u32 vrf, __u32 *ret_oif);

struct nl_way {
	__u32 oif;
	struct address via;		/* the gateway; family 0: on the link itself */
};
/* The same for a packet with this mark (0: none), from src (NULL: whatever) */
int nl_way(const struct address *dst, const struct address *src, __u32 vrf, __u32 mark, struct nl_way *ret);

struct nl_neighbour {
	__u32 ifindex;
	struct address address;
	__u16 state;			/* NUD_* */
};
int nl_neighbours(struct nl_neighbour **ret, size_t *ret_n);

enum { NL_XDP_BASIC = 1 << 0, NL_XDP_REDIRECT = 1 << 1, NL_XDP_NDO_XMIT = 1 << 2, NL_XDP_NDO_XMIT_SG = 1 << 6 };
/* The kernel's xdp_features bits (netdev family, kernel >= 6.3). -EOPNOTSUPP where the kernel does not tell. */
int nl_xdp_features(__u32 ifindex, __u64 *ret);

/* Whether the device takes VLAN tags off before XDP sees the frame: of 802.1Q (ethtool rxvlan), of 802.1ad. */
int nl_rx_vlan_offload(const char *ifname, bool *ret, bool *ret_outer);

/* A feature by the kernel's name for it, as "rx-lro"; -ENOENT: the kernel knows none such */
int nl_feature(const char *ifname, const char *name, bool *ret);

/* An ethtool command (linux/ethtool.h), answered in its place; 0 or -errno. */
int nl_ethtool(const char *ifname, void *command);

/* The driver's name (ethtool), as "veth", "virtio_net"; -errno where it has none. */
int nl_driver(const char *ifname, char ret[32]);

/* Filters at the device's ingress and egress, on a clsact or ingress qdisc. */
int nl_filters(__u32 ifindex, size_t *ret);

/* Whether the other end of a veth, in whatever network namespace, has a native XDP program; whether VLANs are on it. */
int nl_peer_has_xdp(__u32 ifindex, bool *ret);
int nl_peer_has_vlans(__u32 ifindex, bool *ret);
