/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * All maps and switches of the programs. include/abi.h describes the values of the maps. Every file
 * of bpf/ includes this header. The host plane, for tests, has the same maps as plain C tables
 * (host/host_maps.h).
 */
#ifndef WGXDP_MAPS_H
#define WGXDP_MAPS_H

#include "pkt.h"

#ifdef WGXDP_HOST
#include "host/host_kernel.h"
#include "host/host_maps.h"
#define SWITCH(type, name, value) HOST_SHARED type name = value
#else
#define MAP(name_, type_, key_, value_, n_, flags_) struct { \
	__uint(type, BPF_MAP_TYPE_##type_); \
	__uint(max_entries, n_); \
	__uint(map_flags, flags_); \
	__type(key, key_); \
	__type(value, value_); \
} name_ SEC(".maps")
#define RING(name_, type_, n_) struct { \
	__uint(type, BPF_MAP_TYPE_##type_); \
	__uint(max_entries, n_); \
} name_ SEC(".maps")
#define SWITCH(type, name, value) const volatile type name = value
#endif

/* Puts a constant that is not a switch into a section of its own, because tests read the switches
 * from .rodata. */
#ifdef WGXDP_HOST
#define CONSTANT
#else
#define CONSTANT SEC(".rodata.constants")
#endif

/* Places in frags. When all are in use, a new entry displaces the one that expires first. In a
 * flood of first fragments at 1 Gbit/s (1.5 million per second) an entry lives 20 ms; later
 * fragments follow their first one within microseconds. */
#ifndef FRAGMENTS
#define FRAGMENTS 32768
#endif
#define ICMP_LIMITS 4096		/* places in icmp_limits */

/* A table of struct learned_entry with n places. name##_mask is its number of buckets, minus 1. */
#define LEARNED(name, n) MAP(name, ARRAY, __u32, struct learned_bucket, \
			     ((n) + LEARNED_WAYS - 1) / LEARNED_WAYS, BPF_F_MMAPABLE)
#ifdef WGXDP_HOST
#define learned_mask(name) ((name).max - 1)
#else
#define learned_mask(name) name##_mask
#endif

/* A size of 1 is a placeholder: user space sets the size before it loads the programs. */
MAP(states, PERCPU_ARRAY, __u32, struct pkt_state, 1, 0);
#ifdef WGXDP_HOST
MAP(express_cpus, PERCPU_ARRAY, __u32, struct express_cpu, 1, 0);
MAP(control, ARRAY, __u32, struct control, 1, BPF_F_MMAPABLE);
#else
/* Data sections are maps of one element, which a program addresses without a lookup. */
struct express_cpu express_cpus[EXPRESS_CPUS];	/* the only variable in .bss */
struct control control SEC(".data.control");
#endif
MAP(memo, ARRAY, __u32, struct memo_bucket, 1, BPF_F_MMAPABLE);
MAP(links, ARRAY, __u32, struct link, LINKS, 0);
MAP(table, ARRAY, __u32, struct table_bucket, 1, BPF_F_MMAPABLE);
MAP(sources, ARRAY, __u32, struct sources, 1, 0);
MAP(source_hints, ARRAY, __u32, struct source_hints, 1, 0);
MAP(source_trie, LPM_TRIE, struct source_key, __u8, 65536, BPF_F_NO_PREALLOC);
MAP(lists, LPM_TRIE, struct source_key, __u32, 1, BPF_F_NO_PREALLOC);
MAP(list_hints, ARRAY, __u32, struct list_hints, 1, BPF_F_MMAPABLE);
MAP(service_lists, ARRAY, __u32, struct service_lists, 1, 0);
MAP(followed_lists, ARRAY, __u32, struct followed_list, 1, 0);
MAP(nexthops, PERCPU_ARRAY, __u32, struct nexthop, 1, 0);
LEARNED(choices, 1);
LEARNED(frags, FRAGMENTS);
MAP(fragment_area, PERCPU_ARRAY, __u32, struct fragment_area, 1, 0);
LEARNED(icmp_limits, ICMP_LIMITS);
MAP(totals, PERCPU_ARRAY, __u32, struct total, 1, 0);
MAP(reasons, PERCPU_HASH, struct reason_key, __u64, 16384, BPF_F_NO_PREALLOC);
MAP(transmit_failed, PERCPU_ARRAY, __u32, __u64, LINKS, 0);
MAP(tx_dropped, ARRAY, __u32, __u64, LINKS, 0);
MAP(names, ARRAY, __u32, struct service_name, 1, 0);
MAP(uniform, ARRAY, __u32, struct uniform_row, UNIFORM_BLOCKS * UNIFORM_ROWS, BPF_F_MMAPABLE);
MAP(peers, ARRAY, __u32, struct peer, 1, 0);
MAP(peer_names, ARRAY, __u32, struct peer_name, 1, 0);
MAP(peer_totals, PERCPU_ARRAY, __u32, struct total, 1, 0);
MAP(subnets, ARRAY, __u32, __u32, 1, BPF_F_MMAPABLE);
MAP(routes, LPM_TRIE, struct route_key, __u32, 1, BPF_F_NO_PREALLOC);
MAP(own, ARRAY, __u32, struct own, LINKS, 0);
MAP(policy, ARRAY, __u32, struct policy, 1, BPF_F_MMAPABLE);
MAP(allowed, ARRAY, __u32, struct allowed_bucket, 1, 0);
MAP(flow_table, ARRAY, __u32, struct flow_bucket, 1, BPF_F_MMAPABLE);
MAP(flow_index, ARRAY, __u32, struct learned_line, 1, BPF_F_MMAPABLE);
MAP(flow_shares, ARRAY, __u32, struct flow_share, 1, BPF_F_MMAPABLE);
MAP(secrets, ARRAY, __u32, struct learned_secret, 1, 0);
MAP(pools, ARRAY, __u32, struct pool, 1, 0);
MAP(flow_totals, PERCPU_ARRAY, __u32, struct flow_total, 1, 0);
MAP(flows_deleted, ARRAY, __u32, __u64, 1, 0);
MAP(guards, ARRAY, __u32, struct guard, 1, BPF_F_MMAPABLE);
MAP(guard_keys, ARRAY, __u32, struct guard_key, 1, 0);
MAP(public_keys, ARRAY, __u32, struct public_key, 1, 0);
MAP(guard_state, ARRAY, __u32, struct guard_state, 1, 0);
LEARNED(guard_sources, 1);
LEARNED(answered, 1);
LEARNED(indices, 1);
MAP(replays, ARRAY, __u32, struct replays, 1, 0);
MAP(handshakes, ARRAY, __u32, struct handshake, 1, 0);
LEARNED(challenged, 1);
MAP(cookies, ARRAY, __u32, struct cookies, 1, 0);
MAP(health, ARRAY, __u32, struct health, 1, 0);
MAP(backend_names, ARRAY, __u32, struct backend_name, 1, 0);
MAP(failed, ARRAY, __u32, struct failed, 1, 0);
MAP(blind_sites, ARRAY, __u32, struct blind_site, 1, BPF_F_MMAPABLE);
MAP(blind_names, ARRAY, __u32, struct peer_name, 1, 0);
MAP(endpoints, ARRAY, __u32, struct table_bucket, 1, BPF_F_MMAPABLE);
MAP(sessions, ARRAY, __u32, struct blind_bucket, 1, BPF_F_MMAPABLE);
MAP(hints, ARRAY, __u32, struct blind_bucket, 1, 0);
MAP(blind_lock, ARRAY, __u32, struct blind_lock, 1, 0);
MAP(blind_pairs, HASH, __u64, struct blind_pair, 1, BPF_F_NO_PREALLOC);
MAP(blind_totals, PERCPU_ARRAY, __u32, struct blind_total, 1, 0);
MAP(blind_waiting, ARRAY, __u32, struct blind_waiting, 1, 0);
MAP(blind_state, ARRAY, __u32, struct blind_state, 1, 0);
MAP(rates, ARRAY, __u32, struct rate, 1, BPF_F_MMAPABLE);
MAP(notify_filter, ARRAY, __u32, struct notify_filter, 1, 0);
MAP(event_watch, ARRAY, __u32, __u64, 1, 0);
MAP(budgets, PERCPU_ARRAY, __u32, struct budgets, 1, 0);
#ifndef WGXDP_HOST
MAP(devices, DEVMAP_HASH, __u32, __u32, LINKS, 0);
MAP(xdp_way, PROG_ARRAY, __u32, __u32, 1, 0);	/* user space writes the program wgxdp_xdp to it */
RING(signals, RINGBUF, 4096);
RING(challenges, RINGBUF, CHALLENGES_BYTES);
RING(events, RINGBUF, EVENTS_BYTES);
RING(notifications, RINGBUF, NOTIFICATIONS_BYTES);
#endif

/* Switches: constants that user space sets before loading. The verifier removes the code of those
 * that are off. The comment of each with_ switch says when it is on. */
SWITCH(__u32, express_bits, 0);	/* 2^express_bits buckets of memo belong to each CPU */
SWITCH(__u32, table_mask, 0);		/* number of buckets in table, minus 1 */
SWITCH(__u32, uniform_slots, 0);	/* first of the NEXTHOP_UNIFORM slots in nexthops */
SWITCH(__u32, gateway_slots, 0);	/* first of the NEXTHOP_GATEWAYS slots in nexthops */
SWITCH(__u32, tick_rate, 250);		/* number of jiffies per second */
/* Shift from jiffies to units of abi_learned.h: jiffies >> tick_shift. */
SWITCH(__u32, tick_shift, 2);
/* Limit of ICMP errors per second and CPU: the default of the sysctl icmp_msgs_per_sec. */
SWITCH(__u32, icmp_errors_cpu, 1000);
/* Secret odd factors for hashes of values that an attacker can choose. */
SWITCH(__u64, hash_key0, 0xff51afd7ed558ccdULL);
SWITCH(__u64, hash_key1, 0xc4ceb9fe1a85ec53ULL);
/* Secret of the tables in abi_learned.h, the same as in the map secrets. */
SWITCH(struct learned_secret, learned_secret, LEARNED_NO_SECRET);
/* Number of buckets in each table of struct learned_entry, minus 1. */
SWITCH(__u32, frags_mask, 0);
SWITCH(__u32, choices_mask, 0);
SWITCH(__u32, icmp_limits_mask, 0);
SWITCH(__u32, guard_sources_mask, 0);
SWITCH(__u32, answered_mask, 0);
SWITCH(__u32, indices_mask, 0);
SWITCH(__u32, challenged_mask, 0);
SWITCH(__u32, flow_mask, 0);		/* number of buckets in flow_table, minus 1 */
SWITCH(__u32, flow_index_mask, 0);	/* number of lines in flow_index, minus 1 */
SWITCH(__u32, flow_share_mask, 0);	/* number of cells in flow_shares, minus 1 */
/* Offset of .ifindex in the kernel's struct net_device; 0: unknown. */
SWITCH(__u32, device_ifindex, 0);
SWITCH(__u32, device_net, 0);		/* offset of .nd_net in struct net_device */
/* Offset of the namespace's inode in the kernel's struct net; 0: unknown. */
SWITCH(__u32, net_inum, 0);
SWITCH(bool, with_express, false);	/* on if the express path is used */
/* The copy of the express path that runs. */
SWITCH(__u32, express_uses, USES_ALL);
/* On if a packet of a client may have the entry of its listener: no service has flows, lists or a
 * strict guard, no client has a rate, and the blind relay is off. */
SWITCH(bool, express_listeners, false);
/* On if a service masquerades or has a guard, or the blind relay is on. */
SWITCH(bool, with_flows, false);
SWITCH(bool, with_guards, false);
SWITCH(bool, with_blind, false);
SWITCH(bool, with_relay, false);
SWITCH(bool, with_choices, false);	/* on if a service has SERVICE_CHOICE */
SWITCH(bool, with_vlans, false);	/* on if tagged frames are parsed, and may be sent */
SWITCH(bool, with_bridges, false);	/* on if a port belongs to a bridge or bond */
SWITCH(bool, with_routers, false);	/* on if a link has the MAC address of a virtual router */
SWITCH(bool, with_source_trie, false);	/* on if a link has LINK_SOURCES_TRIE */
/* On if the daemon wants reports of some packets to this host (notify.h). */
SWITCH(bool, with_notify, false);
SWITCH(bool, with_lists, false);	/* on if a service has SERVICE_LISTS */
SWITCH(bool, with_rates, false);	/* on if anything has a rate */
SWITCH(bool, with_client_rates, false);	/* on if the clients in some prefixes have a rate */
SWITCH(bool, with_pair_rates, false);	/* on if the table has entries of KEY_PAIR */
SWITCH(__u32, peer_rates, 0);		/* index in rates of the first peer */
SWITCH(__u32, numbered_rates, 0);	/* index in rates of the first numbered rate */
SWITCH(bool, with_followed_lists, false);	/* on if a service has lists of other programs */
SWITCH(__u32, list_hints_mask, 0);	/* number of elements in list_hints, minus 1 */
/* Switches of the relay. */
SWITCH(__u64, overlay_hi, 0);		/* prefix and mask of the overlay, as in struct addr */
SWITCH(__u64, overlay_lo, 0);
SWITCH(__u64, overlay_mask_hi, 0);
SWITCH(__u64, overlay_mask_lo, 0);
SWITCH(__u32, allowed_mask, 0);		/* number of buckets in allowed, minus 1 */
SWITCH(bool, with_subnets, false);	/* on if the overlay is exactly a /48: subnets is used */
SWITCH(bool, with_routes64, false);	/* on if the table has entries of KEY_ROUTE */
SWITCH(bool, with_routes, false);	/* on if the map routes has entries */
/* Switches of the blind relay. */
SWITCH(__be16, blind_port, 0);
SWITCH(__u32, blind_mask, 0);		/* number of buckets in sessions, and in hints, minus 1 */
SWITCH(__u32, blind_totals_mask, 0);	/* number of elements of blind_totals, minus 1 */
SWITCH(__u32, endpoints_mask, 0);	/* number of buckets in endpoints, minus 1 */
SWITCH(__u32, blind_slots, 0);	/* first of the sites' slots in nexthops; each site has two */

INLINE struct control *control_find(void)
{
#ifdef WGXDP_HOST
	return host_section(&control);
#else
	struct control *c = &control;

	barrier_var(c);		/* otherwise clang loads the address again at each use */
	return c;
#endif
}

/* Returns the family with which the packet leaves. */
INLINE __u8 family_out(const struct pkt *p)
{
	return with_flows ? p->s->leaves : p->s->family;
}

/* Returns whether the packet is translated between IPv4 and IPv6. */
INLINE bool is_nat64(const struct pkt *p)
{
	return with_flows && p->s->has_way && p->s->leaves != p->s->family;
}

#endif
