/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step site_admit(): may a packet pass between sites? UDP and TCP are admitted by their
 * destination port, or as an answer. For all packets but plain UDP, policy_state() distinguishes
 * what conntrack does: new, belonging to something that was admitted, or invalid. An invalid packet
 * is dropped, not passed up, because the host may have no firewall rules.
 *
 * Runs after site_find() (route.h), and before site_resolve() (relay.h).
 * Reads:  s->src, dst, next, outside; the packet; the maps policy, allowed, frags.
 * Writes: s->l4, ports, fragment, checksum, tag, silent, segment_len.
 */
#pragma once

#include "parse.h"
#include "relay/allowed.h"
#include "relay/route.h"

/* Cases that policy_state() tells apart. policy_state() may also return -DROP_refused or
 * -DROP_invalid. */
enum policy_state {
	POLICY_PASS,
	POLICY_UDP,			/* UDP behind extension headers: the ports decide */
	POLICY_TCP,			/* the ports and earlier packets decide */
	POLICY_LATER,		/* later fragment: the decision for the first fragment holds */
};

#define ICMP6_NI_QUERY 139		/* ICMPv6 type of a node information query (RFC 4620) */
#define TCP_HEADER 20
/* Combinations of FIN (1), SYN (2), RST (4) and ACK (16) that occur: SYN, RST and ACK alone, and
 * ACK with FIN, SYN or RST. */
#define TCP_FLAGS (1 << 2 | 1 << 4 | 1 << 16 | 1 << 17 | 1 << 18 | 1 << 20)
#define TCP_CHECK 16			/* offset of the checksum in the TCP header, in bytes */

/* Types that conntrack does not track, so only the policy's list decides: MLD, neighbour discovery
 * except redirects, and two types of multicast router discovery (RFC 4286). */
#define ICMP6_UNTRACKED(type) \
	(((type) >= 130 && (type) <= 136) || (type) == 143 || (type) == 151 || (type) == 152)

/* Returns whether the type is a query. The type of its answer is one higher. */
INLINE bool icmp6_is_query(__u8 type)
{
	return type == ICMPV6_ECHO_REQUEST || type == ICMP6_NI_QUERY;
}

INLINE const struct policy *policy_find(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&policy, &zero);
}

/* ---- policy_state(): packets that are not plain UDP ---- */

/* Reads n bytes at `off` into s->policy.bytes. Returns 0, or another value if the packet is
 * shorter. */
INLINE int policy_read(struct pkt *p, __u32 off, __u32 n)
{
	return off + n > p->s->policy.end || plane_read(p, off, p->s->policy.bytes, n);
}

/* Decides about a TCP packet. One with only SYN may begin a connection; one with only ACK may
 * belong to a connection that is older than our memory. All others need a connection that was
 * admitted. */
INLINE int policy_tcp(struct pkt *p)
{
	const __u8 *bytes = p->s->policy.bytes;
	__u32 flags, header, len = p->s->policy.end - p->s->l4;
	struct ipv6hdr ip;

	if (policy_read(p, p->s->l4, TCP_HEADER))
		return -DROP_invalid;
	header = (bytes[12] >> 4) * 4;
	flags = bytes[13] & 0x17;	/* FIN, SYN, RST and ACK; the other flags are ignored */
	p->s->policy.begins = flags == 0x02 || flags == 0x10;
	if (header < TCP_HEADER || header > len || !(TCP_FLAGS >> flags & 1))
		return -DROP_invalid;
	p->s->tcp_more = header - sizeof(struct udphdr);
	p->s->sport = load_word(__be16, bytes);
	p->s->dport = load_word(__be16, bytes + 2);
	addr_store(&ip.saddr, p->s->src);
	addr_store(&ip.daddr, p->s->dst);
	p->s->checksum = load_word(__u16, bytes + TCP_CHECK);
	p->s->check_at = TCP_CHECK;
	p->s->partial = csum_compare(p->s->checksum, csum_pseudo6(&ip) + bpf_htons(len) +
						     bpf_htons(IPPROTO_TCP));
	return POLICY_TCP;
}

/* Admits an ICMPv6 error about a packet that was admitted, as new or as an answer. The error must
 * go to the packet's sender, and come from the site to which the packet went. */
INLINE int policy_error(struct pkt *p, const struct policy *rules)
{
	const __u8 *bytes = p->s->policy.bytes;
	__u32 at = p->s->l4 + sizeof(struct icmp6hdr);
	struct walk *walk = &p->s->walk;
	struct addr src, dst;
	__be16 sport, dport;
	__u8 type;

	if (policy_read(p, at, sizeof(struct ipv6hdr)) || bytes[0] >> 4 != 6)
		return -DROP_invalid;
	walk->type = bytes[offsetof(struct ipv6hdr, nexthdr)];
	walk->from = at;
	src = addr_load(bytes + offsetof(struct ipv6hdr, saddr));
	dst = addr_load(bytes + offsetof(struct ipv6hdr, daddr));
	if (!addr_same(&src, &p->s->dst) || ipv6_walk(p) ||
	    (route_word(dst) & ROUTE_PEER_MASK) != (__u32)p->s->peers)
		return -DROP_invalid;
	at += walk->off;
	if (walk->type == IPPROTO_UDP || walk->type == IPPROTO_TCP) {
		if (policy_read(p, at, 4))
			return -DROP_invalid;
		sport = load_word(__be16, bytes);
		dport = load_word(__be16, bytes + 2);
		/* Read again: the verifier then walks this once for both protocols. */
		type = read_once(walk->type);
		if (allowed_known(allowed_tag(rules, src, dst, sport, dport, type)))
			return POLICY_PASS;
		return allowed_known(allowed_tag(rules, dst, src, dport, sport, type)) ?
		       POLICY_PASS : -DROP_invalid;
	}
	if (walk->type != IPPROTO_ICMPV6 || policy_read(p, at, sizeof(struct icmp6hdr)))
		return -DROP_invalid;
	type = bytes[0];
	sport = load_word(__be16, bytes + 4);
	dport = load_word(__be16, bytes);
	if (icmp6_is_query(type))
		return allowed_known(allowed_tag(rules, src, dst, sport, dport, IPPROTO_ICMPV6)) ?
		       POLICY_PASS : -DROP_invalid;
	dport -= bpf_htons(0x0100);
	return icmp6_is_query(type - 1) &&
	       allowed_known(allowed_tag(rules, dst, src, sport, dport, IPPROTO_ICMPV6)) ?
	       POLICY_PASS : -DROP_invalid;
}

/* Decides about an ICMPv6 packet. allowed_tag() hashes two ports, which ICMPv6 lacks. In their
 * places come the identifier, which a query and its answer share, and the query's type and code. */
INLINE int policy_icmp(struct pkt *p, const struct policy *rules)
{
	const __u8 *bytes = p->s->policy.bytes;
	bool listed;
	__u8 type;

	if (policy_read(p, p->s->l4, sizeof(struct icmp6hdr)))
		return -DROP_invalid;
	type = bytes[0];
	listed = rules->icmpv6[type >> 6] >> (type & 63) & 1 && is_overlay(p->s->dst);
	/* RFC 4443 section 2.4 (e): no error about an error or a redirect. */
	p->s->silent = type < 128 || type == 137;
	p->s->sport = load_word(__be16, bytes + 4);
	p->s->dport = load_word(__be16, bytes);		/* type and code, which replace the port */
	if (type < 128)
		return policy_error(p, rules);
	if (ICMP6_UNTRACKED(type))
		return listed ? POLICY_PASS : -DROP_refused;
	if (icmp6_is_query(type)) {
		p->s->tag = allowed_tag(rules, p->s->src, p->s->dst, p->s->sport, p->s->dport,
					IPPROTO_ICMPV6);
		return listed ? POLICY_PASS : -DROP_refused;
	}
	if (!icmp6_is_query(type - 1))
		return -DROP_invalid;
	p->s->tag = allowed_tag(rules, p->s->dst, p->s->src, p->s->sport,
				p->s->dport - bpf_htons(0x0100), IPPROTO_ICMPV6);
	return allowed_known(p->s->tag) ? POLICY_PASS : -DROP_invalid;
}

/* Returns an enum policy_state or a reason. Sets l4 and fragment, and the members that a UDP header
 * would set. */
INLINE int policy_state_step(struct pkt *p)
{
	const struct policy *rules = policy_find();
	struct walk *walk = &p->s->walk;

	p->s->sport = p->s->dport = 0;
	p->s->checksum = 0;
	p->s->partial = 0;
	p->s->policy.end = p->s->l3 + p->s->len;
	walk->from = p->s->l3;
	walk->type = p->s->next;
	if (!rules || ipv6_walk(p) || walk->off > EXTENSIONS_LEN + sizeof(struct ipv6hdr) ||
	    walk->off > p->s->len)
		return -DROP_invalid;
	p->s->l4 = p->s->l3 + walk->off;
	p->s->fragment = walk->fragment;
	switch (walk->type) {
	case IPPROTO_UDP:
		return POLICY_UDP;
	case IPPROTO_FRAGMENT:
		return POLICY_LATER;
	case IPPROTO_ICMPV6:
		return policy_icmp(p, rules);
	case IPPROTO_TCP:
		return policy_tcp(p);
	case IPPROTO_NONE:
		return -DROP_invalid;
	}
	return -DROP_refused;
}
CALLED_STEP(with_relay, policy_state)

/* ---- policy ---- */

/* Admits a packet by its destination port or as an answer. Sets s->tag. Returns 0 or
 * DROP_refused. */
INLINE int policy_ports(struct pkt_state *s, const struct policy *rules, const __u64 *ports,
			__u8 protocol)
{
	__u32 port = bpf_ntohs(s->dport);
	bool listed;

	/* Without this, clang drops the mask that bounds the byte-swapped word for Linux 6.1. */
	barrier_var(port);
	listed = ports[port >> 6 & 1023] >> (port & 63) & 1;
	if (listed && !s->outside) {
		s->tag = allowed_tag(rules, s->src, s->dst, s->sport, s->dport, protocol);
		return 0;
	}
	s->tag = allowed_tag(rules, s->dst, s->src, s->dport, s->sport, protocol);
	return allowed_known(s->tag) ? 0 : -DROP_refused;
}

/* The same for TCP. A packet that begins no connection must belong to an admitted one. */
INLINE int policy_connection_step(struct pkt_state *s)
{
	const struct policy *rules = policy_find();
	int rc = rules ? policy_ports(s, rules, rules->tcp_ports, IPPROTO_TCP) : -DROP_refused;

	return s->policy.begins || (!rc && allowed_known(s->tag)) ? rc : -DROP_invalid;
}
STATE_STEP(with_relay, policy_connection)

/* Admits a later fragment if its first fragment was admitted. XDP leaves it to tc if it has not
 * seen the first one, which tc may be sending right now. */
INLINE int policy_later(struct pkt *p)
{
	if (!fragment_find(p))
		return 0;
	return p->plane == PLANE_XDP && p->s->link_flags & LINK_TC ? -PASS_fragment : -DROP_invalid;
}

/* Applies the policy to a packet between sites. Returns 0 or a reason. */
INLINE int policy_admits(struct pkt *p)
{
	const struct policy *rules = policy_find();
	int rc = POLICY_UDP;

	p->s->segment_len = p->s->len;
	p->s->check_at = offsetof(struct udphdr, check);
	if (p->s->next != IPPROTO_UDP) {
		rc = policy_state(p);
		if (rc >= 0 && (plane(p, reach) || pull_fragment(p)))
			rc = -DROP_invalid;
	}
	if (rc == POLICY_UDP)
		rc = pull_udp(p) ? -DROP_invalid : rules ?
		     policy_ports(p->s, rules, rules->ports, IPPROTO_UDP) : -DROP_refused;
	else if (rc == POLICY_TCP)
		rc = policy_connection(p->s);
	else if (rc == POLICY_LATER)
		rc = policy_later(p);
	if (!plane(p, whole)) {
		p->s->silent = true;	/* like the kernel, send no error */
		return -DROP_invalid;
	}
	return p->s->pending_reason ? -DROP_invalid : rc;
}
