/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The program wgxdp_tc_egress: sees packets that this host's own WireGuard sends on the blind
 * relay's link. Records the receiver indices that these packets give out. If a site is being asked
 * whether it has moved, a copy of the next data for it goes to the candidate, the address where it
 * may be now. The packet itself leaves unchanged. If two relays share an address, packets from
 * another address are dropped.
 *
 * Runs after this host's own WireGuard, and before other programs at egress and the device.
 * Reads:  the packet; the maps links, endpoints, sessions, hints, blind_sites, blind_state.
 * Writes: s->blind; the map sessions; in blind_sites the member asked, in blind_state .silenced.
 */
#pragma once

#include "blind/blind.h"

#define COPY_MAX 128			/* longest UDP payload that is copied, in bytes */

struct egress {
	__u32 l3, l4;
	__u8 family;
	__be16 port;			/* destination port of the packet */
	struct addr src, dst;
};

/* Returns 0 if the packet is UDP from the blind relay's port. */
INLINE int egress_read(struct __sk_buff *ctx, struct egress *e)
{
	const struct link *link = link_find(ctx->ifindex);
	struct iphdr ip4;
	struct ipv6hdr ip6;
	__be16 ports[2];

	e->l3 = link && !(link->flags & LINK_L3) ? ETH_HLEN : 0;
	if (ctx->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(ctx, e->l3, &ip4, sizeof(ip4)) ||
		    ip4.protocol != IPPROTO_UDP || ip4.frag_off & bpf_htons(0x3fff))
			return -1;
		e->family = FAMILY_IPV4;
		e->src = addr_from4(ip4.saddr);
		e->dst = addr_from4(ip4.daddr);
		e->l4 = e->l3 + ip4.ihl * 4;
	} else {
		if (ctx->protocol != bpf_htons(ETH_P_IPV6) ||
		    bpf_skb_load_bytes(ctx, e->l3, &ip6, sizeof(ip6)) || ip6.nexthdr != IPPROTO_UDP)
			return -1;
		e->family = FAMILY_IPV6;
		e->src = addr_load(&ip6.saddr);
		e->dst = addr_load(&ip6.daddr);
		e->l4 = e->l3 + sizeof(ip6);
	}
	if (bpf_skb_load_bytes(ctx, e->l4, ports, sizeof(ports)) || ports[0] != blind_port)
		return -1;
	e->port = ports[1];
	return 0;
}

/* Changes the destination to `to`, and updates the checksums. Returns 0 or a negative value. */
INLINE int egress_readdress(struct __sk_buff *ctx, const struct egress *e, const struct addr *to,
			    __be16 port)
{
	bool ipv4 = e->family == FAMILY_IPV4;
	__u32 at = e->l3 + (ipv4 ? offsetof(struct iphdr, daddr) : offsetof(struct ipv6hdr, daddr));
	__u32 ip_check = e->l3 + offsetof(struct iphdr, check);
	__u32 check = e->l4 + offsetof(struct udphdr, check);
	__be32 old4 = addr_to4(e->dst), new4 = addr_to4(*to);
	__s64 diff = bpf_csum_diff((__be32 *)&e->dst, sizeof(e->dst), (__be32 *)to, sizeof(*to), 0);

	if (ipv4 && bpf_l3_csum_replace(ctx, ip_check, old4, new4, sizeof(new4)))
		return -1;
	bpf_l4_csum_replace(ctx, check, 0, diff, BPF_F_MARK_MANGLED_0 | BPF_F_PSEUDO_HDR);
	bpf_l4_csum_replace(ctx, check, e->port, port, BPF_F_MARK_MANGLED_0 | sizeof(port));
	if (ipv4 ? bpf_skb_store_bytes(ctx, at, &new4, sizeof(new4), 0) :
		   bpf_skb_store_bytes(ctx, at, to, sizeof(*to), 0))
		return -1;
	return bpf_skb_store_bytes(ctx, e->l4 + sizeof(port), &port, sizeof(port), 0);
}

/* Writes the MAC address of the next hop to `to`. Returns 0 if the lookup succeeds. */
INLINE int egress_set_macs(struct __sk_buff *ctx, const struct egress *e, const struct addr *to)
{
	struct bpf_fib_lookup fib = {
		.family = e->family, .l4_protocol = IPPROTO_UDP, .ifindex = ctx->ifindex,
	};
	int rc;

	if (!e->l3)
		return 0;
	if (e->family == FAMILY_IPV4)
		fib.ipv4_dst = addr_to4(*to);
	else
		addr_store(fib.ipv6_dst, *to);
	rc = bpf_fib_lookup(ctx, &fib, sizeof(fib), BPF_FIB_LOOKUP_OUTPUT);
	return rc || bpf_skb_store_bytes(ctx, 0, fib.dmac, ETH_ALEN, 0);
}

/* If the site is being asked whether it has moved, also sends a copy of this data to the candidate
 * address. Payloads above COPY_MAX are not copied, so that an attacker gains little by copies. */
INLINE void egress_copy(struct __sk_buff *ctx, struct egress *e, struct blind_site *site, __u64 now)
{
	struct egress there = *e;
	__u8 mac[ETH_ALEN];

	if (!site->asked || now - site->challenged > 3 * tick_rate ||
	    ctx->len > e->l4 + sizeof(struct udphdr) + COPY_MAX ||
	    __sync_val_compare_and_swap(&site->asked, 1, 0) != 1)
		return;
	there.dst = site->candidate;
	there.port = site->candidate_port;
	if (bpf_skb_load_bytes(ctx, 0, mac, sizeof(mac)))
		return;
	if (!egress_readdress(ctx, e, &there.dst, there.port) &&
	    !egress_set_macs(ctx, e, &there.dst))
		bpf_clone_redirect(ctx, ctx->ifindex, 0);
	egress_readdress(ctx, &there, &e->dst, e->port);
	if (e->l3)
		bpf_skb_store_bytes(ctx, 0, mac, sizeof(mac), 0);
}

/* Returns whether the packet must not leave, because it is not from the address that this relay
 * shares with another one. Forwarded packets may have any address. */
INLINE bool egress_must_be_silent(const struct __sk_buff *ctx, const struct egress *e)
{
	struct blind_state *state = blind_state_find();
	const struct addr *only;

	if (!state || ctx->ingress_ifindex)
		return false;
	only = &state->only[e->family == FAMILY_IPV6];
	if (!(only->q[0] | only->q[1]) || addr_same(only, &e->src))
		return false;
	__sync_fetch_and_add(&state->silenced, 1);
	return true;
}

/* Handles a packet at tc egress. Returns whether it must be dropped. It may use no member of the
 * state but s->blind: the packet may be a clone that a program at ingress sends right now, and that
 * program still needs the others. */
INLINE bool blind_egress(struct __sk_buff *ctx)
{
	struct pkt_state *state = state_find();
	struct egress e = { 0 };
	struct blind_site *site;
	struct blind_work *s;
	__le32 head[2];
	__u32 kind;

	if (!state || egress_read(ctx, &e))
		return false;
	if (egress_must_be_silent(ctx, &e))
		return true;
	if (bpf_skb_load_bytes(ctx, e.l4 + sizeof(struct udphdr), head, sizeof(head)))
		return false;
	barrier_var(state);
	s = &state->blind;
	s->now = bpf_jiffies64();
	s->to = blind_site_at(e.dst, e.family, e.port);
	s->index = head[1];
	kind = from_le32(head[0]);
	if (kind == MESSAGE_INITIATION || kind == MESSAGE_RESPONSE) {
		/* Anybody may have made a packet that is forwarded. The daemon sends the message of
		 * a site that has waited. */
		if (ctx->ingress_ifindex || (s->to && session_value(s->to, s->index, s->now)))
			return false;
		s->key = BLIND_KEY(0, s->index);
		s->value = BLIND_VALUE(s->now + BLIND_LONGEST_SECONDS * tick_rate, 0,
				       BLIND_CONFIRMED);
		session_store(state);
	} else if (kind == MESSAGE_DATA && s->to && !hint_value(s->index, s->now)) {
		/* Not in the map hints, so this index is no session between sites: our own
		 * WireGuard sent the data. */
		site = bpf_map_lookup_elem(&blind_sites, &s->to);
		if (site)
			egress_copy(ctx, &e, site, s->now);
	}
	return false;
}
