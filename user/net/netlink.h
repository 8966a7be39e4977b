/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the kernel knows of interfaces, addresses, routes and rules, by rtnetlink and generic
 * netlink with libmnl. Each call opens its own socket, and every function returns 0 or -errno.
 * host.h, the plan and the daemon include it.
 */
#pragma once
#include <net/if.h>
#include "lib/addr.h"

struct nl_link {
	__u32 ifindex;
	/* IFLA_LINK: the device below (VLAN, macvlan), or the veth peer's ifindex; 0: none. */
	__u32 lower;
	bool lower_elsewhere;		/* lower is in another network namespace: not our ifindex */
	__u32 master;			/* bridge, bond, VRF; 0: none */
	bool bond_backup;		/* port of a bond that takes no frames from it now */
	__u32 mtu;
	bool up;			/* IFF_UP */
	bool ethernet;			/* ARPHRD_ETHER: has Ethernet headers */
	bool loopback;
	bool noarp;			/* IFF_NOARP */
	char name[IFNAMSIZ];
	/* IFLA_INFO_KIND: "veth", "vlan", "bridge", "wireguard", "tun" …; "": hardware. */
	char kind[16];
	__u8 mac[6];
	__u16 vlan_id, vlan_protocol;	/* a VLAN's: host order; protocol 0x8100 or 0x88a8 */
	bool vlan_filtering;		/* a bridge that tells VLANs apart itself */
	__u32 xdp_prog_id;		/* the attached XDP program's, in whatever mode; 0: none */
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
	__u32 oif;			/* the first next hop's */
	__u32 table;
	__u8 type;			/* RTN_UNICAST, RTN_LOCAL … */
	__u8 protocol;			/* RTPROT_*: the route's author */
	bool gateway;
	/* The gateway; family 0: none, or of another family than dst. */
	struct address via;
	__u32 metric;
	/* It does not hold for every packet: TOS, source prefix, tunnel, dead link. */
	bool conditional;
	bool tos;			/* it is for packets with this TOS alone */
	bool several;			/* the packet's flow chooses among several next hops */
};

struct nl_rule {
	__u8 family;
	struct prefix src, dst;		/* family 0: none */
	/* Has this selector. DSCP counts as TOS. */
	bool tos, mark, iif, oif, dport, sport;
	bool unknown;			/* a selector that we do not know, such as the flow label */
	__u32 fwmark;			/* mark's value, as the rule has it */
	/* Has another selector, which is the same for all packets to a backend: protocol, user,
	 * tunnel id, VRF, suppression, inversion. */
	bool other;
	__u8 action;			/* FR_ACT_TO_TBL, FR_ACT_BLACKHOLE … */
	__u32 table, priority;
};

int nl_links(struct nl_link **ret, size_t *ret_n);
int nl_addresses(struct nl_address **ret, size_t *ret_n);
/* Both families, all tables, without cached routes. Each next hop of a multipath route is a row of
 * its own. */
int nl_routes(struct nl_route **ret, size_t *ret_n);
/* Adds a route (dst, oif, table, protocol, metric), or removes it if !there. It is no error if that
 * is so already. */
int nl_route_set(const struct nl_route *r, bool there);
int nl_rules(struct nl_rule **ret, size_t *ret_n);
/* The device by which this host's own packets to dst leave, by the FIB, in a VRF or (0) none.
 * -ENETUNREACH and the like: there is no route. */
int nl_route_get(const struct address *dst, __u32 vrf, __u32 *ret_oif);

struct nl_way {
	__u32 oif;
	struct address via;		/* the gateway; family 0: on the link itself */
};
/* The same with the gateway, for a packet with this mark (0: none), from src (NULL: any). */
int nl_way(const struct address *dst, const struct address *src, __u32 vrf, __u32 mark,
	   struct nl_way *ret);

struct nl_neighbour {
	__u32 ifindex;
	struct address address;
	__u16 state;			/* NUD_* */
};
int nl_neighbours(struct nl_neighbour **ret, size_t *ret_n);

enum {
	NL_XDP_BASIC = 1 << 0,
	NL_XDP_REDIRECT = 1 << 1,
	NL_XDP_NDO_XMIT = 1 << 2,
	NL_XDP_NDO_XMIT_SG = 1 << 6
};
/* The kernel's xdp_features bits (netdev family, kernel >= 6.3). -EOPNOTSUPP: the kernel does not
 * say. */
int nl_xdp_features(__u32 ifindex, __u64 *ret);

/* Whether the device removes VLAN tags before XDP sees the frame: 802.1Q's (ethtool rxvlan),
 * 802.1ad's. */
int nl_rx_vlan_offload(const char *ifname, bool *ret, bool *ret_outer);

/* A feature by the kernel's name for it, as "rx-lro"; -ENOENT: the kernel does not know it. */
int nl_feature(const char *ifname, const char *name, bool *ret);

/* Runs an ethtool command (linux/ethtool.h), which gets its answer in place. */
int nl_ethtool(const char *ifname, void *command);

/* The driver's name (ethtool), as "veth" or "virtio_net"; -errno: it has none. */
int nl_driver(const char *ifname, char ret[32]);

/* How many filters the device has at ingress and egress, on a clsact or ingress qdisc. */
int nl_filters(__u32 ifindex, size_t *ret);

/* Whether the other end of a veth, in whatever network namespace, has a native XDP program; whether
 * it has VLANs. */
int nl_peer_has_xdp(__u32 ifindex, bool *ret);
int nl_peer_has_vlans(__u32 ifindex, bool *ret);
