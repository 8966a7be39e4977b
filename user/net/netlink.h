/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads interfaces, addresses, routes, rules and neighbours from the kernel, with rtnetlink,
 * generic netlink and ethtool. Each call opens its own socket, and every function returns 0 or
 * -errno. host.h, plan/ and the daemon include it.
 */
#pragma once
#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include "lib/addr.h"

struct nl_link {
	__u32 ifindex;
	/* IFLA_LINK: device below a VLAN or macvlan, or other end of a veth; 0: none. */
	__u32 lower;
	bool lower_elsewhere;		/* `lower` is an ifindex of another network namespace */
	__u32 master;		/* bridge, bond or VRF of the link; 0: none */
	/* Inactive port of a bond, which does not accept its frames. */
	bool bond_backup;
	bool bridge_blocked;		/* port of a bridge, whose frames STP drops now */
	__u32 mtu, mtu6;		/* mtu6: the longest IPv6 packet; 0: no IPv6 */
	bool up;			/* IFF_UP */
	bool ethernet;			/* ARPHRD_ETHER: it has Ethernet headers */
	bool loopback;
	bool noarp;		/* IFF_NOARP: no ARP or neighbour discovery */
	char name[IFNAMSIZ];
	/* IFLA_INFO_KIND: "veth", "vlan", "bridge", "wireguard", "tun" …; "": a hardware device. */
	char kind[16];
	__u8 mac[6];
	/* For a VLAN, in host order: its id, and its protocol 0x8100 or 0x88a8. */
	__u16 vlan_id, vlan_protocol;
	bool vlan_filtering;	/* the link is a bridge that separates VLANs (vlan_filtering) */
	__u32 xdp_prog_id;		/* id of its XDP program, in any mode; 0: none */
	char qdisc[16];
	__u64 tx_dropped;		/* packets dropped since the device was created */
};

struct nl_address {
	__u32 ifindex;
	/* IFA_LOCAL, or else IFA_ADDRESS: never a point-to-point peer's address. */
	struct address local;
	__u8 prefix_len;
	bool tentative, deprecated;
	__u32 flags;			/* IFA_F_* */
	__u32 preferred; /* preferred lifetime in seconds; 0xffffffff: for ever */
};

struct nl_route {
	struct prefix dst;
	__u32 oif;			/* device of the (first) next hop */
	__u32 table;
	__u8 type;			/* RTN_UNICAST, RTN_LOCAL … */
	__u8 protocol;			/* RTPROT_*: who added the route */
	bool gateway;
	/* Gateway; family 0: none, or one of another family than dst. */
	struct address via;
	__u32 metric;
	/* Not for every packet: the route has a TOS or source prefix, or its tunnel or link
	 * decides. */
	bool conditional;
	bool tos;			/* only for packets with a certain TOS */
	bool from;			/* only for packets with a certain source prefix */
	__u32 locked_mtu;	/* the route's MTU if it counts for forwarding; otherwise 0 */
	bool several;	/* the row is one of several next hops, chosen by the packet's flow */
};

struct nl_rule {
	__u8 family;
	struct prefix src, dst;	/* selectors; family 0: none */
	/* The rule has this selector. A DSCP selector counts as TOS. */
	bool tos, mark, iif, oif, dport, sport;
	/* The rule has a selector unknown to this program, such as the flow label. */
	bool unknown;
	__u32 fwmark;			/* value for the selector `mark` */
	/* The rule has another selector that has the same result for all packets to a backend:
	 * protocol, user, tunnel id, VRF, suppression or inversion. */
	bool other;
	__u8 action;			/* FR_ACT_TO_TBL, FR_ACT_BLACKHOLE … */
	__u32 table, priority;
};

int nl_links(struct nl_link **ret, size_t *ret_n);
int nl_addresses(struct nl_address **ret, size_t *ret_n);
/* Reads the routes of both families from all tables, but no cached ones. Each next hop of a
 * multipath route is a row. */
int nl_routes(struct nl_route **ret, size_t *ret_n);
/* Adds a route (dst, oif, table, protocol, metric); there false: removes it. It is no error if the
 * kernel has the route already, or not any more. */
int nl_route_set(const struct nl_route *r, bool there);
int nl_rules(struct nl_rule **ret, size_t *ret_n);
/* Asks the FIB for the device by which this host's own packets to dst leave. vrf: 0 for none.
 * Returns 0, or -errno such as -ENETUNREACH without a route. */
int nl_route_get(const struct address *dst, __u32 vrf, __u32 *ret_oif);

struct nl_way {
	__u32 oif;
	struct address via;		/* gateway of the route; family 0: dst is on the link */
	struct address src;		/* source of this host's own packets; family 0: unknown */
};
/* Asks the FIB for device and gateway of a packet. src: NULL for any; mark: 0 for none. */
int nl_way(const struct address *dst, const struct address *src, __u32 vrf, __u32 mark,
	   struct nl_way *ret);

struct nl_neighbour {
	__u32 ifindex;
	struct address address;
	__u16 state;			/* NUD_* */
};
int nl_neighbours(struct nl_neighbour **ret, size_t *ret_n);
/* Returns the NUD_* state of the next hop to dst, from a list of nl_neighbours(); 0: the kernel has
 * no entry for it. */
__u16 nl_neighbour_state(const struct nl_neighbour *list, size_t n, const struct nl_way *way,
			 const struct address *dst);

enum {
	NL_XDP_BASIC = 1 << 0,
	NL_XDP_REDIRECT = 1 << 1,
	NL_XDP_NDO_XMIT = 1 << 2,
	NL_XDP_NDO_XMIT_SG = 1 << 6
};
/* Reads the device's xdp_features (netdev family, kernel 6.3 and later). Returns -EOPNOTSUPP if the
 * kernel does not report them. */
int nl_xdp_features(__u32 ifindex, __u64 *ret);

/* Returns whether the device removes VLAN tags before XDP sees a frame: *ret for 802.1Q (ethtool
 * rxvlan), *ret_outer for 802.1ad. */
int nl_rx_vlan_offload(const char *ifname, bool *ret, bool *ret_outer);

/* Reads whether a feature is on, by its name in the kernel, such as "rx-lro". Returns -ENOENT if
 * the kernel does not know the name. */
int nl_feature(const char *ifname, const char *name, bool *ret);

/* Runs an ethtool command (linux/ethtool.h). The kernel writes its answer into `command`. */
int nl_ethtool(const char *ifname, void *command);

/* Reads the name of the driver, such as "veth" or "virtio_net". Returns -errno if the device has
 * none. */
int nl_driver(const char *ifname, char ret[32]);

struct nl_filter {
	__u32 priority, handle;
	__u32 program;			/* id of the BPF program; 0: another kind of filter */
};
/* Reads the tc filters at the device's ingress or egress, on a clsact or ingress qdisc. The caller
 * frees *ret. */
int nl_filters(__u32 ifindex, bool egress, struct nl_filter **ret, size_t *ret_n);

/* Read whether the other end of a veth, in any network namespace, runs native XDP, or has VLANs on
 * it. */
int nl_peer_has_xdp(__u32 ifindex, bool *ret);
int nl_peer_has_vlans(__u32 ifindex, bool *ret);

/* Returns true if a query failed with this -errno for lack of memory or file descriptors. The
 * caller must not take that for the answer "no". */
static inline bool is_resource_error(int r)
{
	return r == -ENOMEM || r == -ENOBUFS || r == -EMFILE || r == -ENFILE;
}

/* ---- changes of the kernel's tables ----
 * They say which tables changed, but not which entries. The daemon then reads the whole table. */

enum nl_change {
	NL_LINKS = 1 << 0,
	NL_ADDRESSES = 1 << 1,
	NL_ROUTES = 1 << 2,		/* routes, rules, next hops, or the sysctl forwarding */
	NL_NEIGHBOURS = 1 << 3,
	NL_QDISCS = 1 << 4, /* an ingress or clsact qdisc or one of its filters was removed */
	NL_ALL = (1 << 5) - 1,
};

/* Opens a socket that is readable after changes of these tables. Returns its fd or -errno. */
int nl_watch(void);
/* Reads the pending messages and returns which tables changed, as bits of enum nl_change. Returns
 * NL_ALL if the kernel had to drop messages. */
unsigned int nl_watch_read(int fd);
