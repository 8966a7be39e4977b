/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The blind relay: WireGuard between sites, forwarded by receiver index, as a flow is (flow_send.h), without a key. Where a site is says
 * our own WireGuard alone, and only what comes from there is forwarded. Data costs three lookups in arrays.
 */
#ifndef WGXDP_BLIND_H
#define WGXDP_BLIND_H

#include "across.h"
#include "blind_look.h"
#include "blind_make.h"

#define BLIND_HEAD (sizeof(struct udphdr) + 8)

/* The site at a remote address, or 0 */
INLINE __u32 blind_site_at(struct addr addr, __u8 family, __be16 port)
{
	struct table_key key = { addr, table_word(KEY_ENDPOINT, family, port, 0) };
	const struct table_entry *entry = table_find_in(&endpoints, endpoints_mask, &key);

	return entry ? entry->site & (BLIND_SITES_MAX - 1) : 0;
}

/* What p leaves as for site `to`; 0 or a reason */
INLINE int blind_leave(struct pkt *p, struct flow_scratch *s, __u32 from, __u32 to)
{
	const struct blind_site *site = bpf_map_lookup_elem(&blind_sites, &to);
	const struct blind_place *place;
	__u32 now;

	if (!site)
		return -DROP_blind_refused;
	now = read_once(site->now) & 1;
	place = &site->place[now];
	if (!place->family)
		return -DROP_blind_waiting;
	s->key.sport = p->sport;
	s->key.dport = p->dport;
	s->way.src = place->local;
	s->way.dst = place->service.to;
	s->way.sport = p->dport;
	s->way.dport = place->service.port;
	s->way.delta = csum_fold(place->sum + (__u16)~csum_fold64(p->pseudo));
	s->way.family = place->family;
	s->way.is_new = FLOW_KNOWN;
	s->service = place->service;
	s->service.slot = blind_slots + 2 * to + now;
	s->id = from;
	s->backend = to;
	p->flow = NULL;
	p->way = s;
	p->service = &s->service;
	p->to = s->way.dst;
	p->to_port = s->way.dport;
	p->leaves = s->way.family;
	across_begin(p, s);
	return 0;
}

/* For whom it is, where that is not said by a session of its sender: see message_where() */
INLINE int blind_ask(struct pkt *p, const struct udphdr *udp, struct blind_scratch *b)
{
	struct guard_scratch *g = guard_scratch_find();
	int rc;

	if (!g)
		return -DROP_guard_busy;
	g->client.addr = p->src;
	g->client.port = p->sport;
	message_where(p, g, udp);
	rc = plane(p, blind_look);
	if (rc == MESSAGE_DATA || rc == MESSAGE_COOKIE)
		return blind_other(p->family, rc == MESSAGE_DATA, p->plane == PLANE_TC && p->link->flags & (LINK_NATIVE | LINK_GENERIC),
				   !is_martian(p, p->src) && !link_source(p));
	if (rc != MESSAGE_INITIATION && rc != MESSAGE_RESPONSE)
		return NOT_OURS;
	b->make = rc;
	g->answer = blind_handshake();
	return g->answer > 0 && b->waits ? blind_make() : g->answer;
}

/* A session of its sender, by the index of data: the site that gave it out, or 0. The first data that is sent confirms what a response
 * gave out. */
INLINE __u32 blind_session_of(struct blind_scratch *b)
{
	__u64 value = session_value(b->from, b->index, b->now);

	if (value && !(value & (BLIND_CONFIRMED | BLIND_INITIATED)))
		b->make = MESSAGE_DATA;
	return BLIND_ORIGIN(value);
}

/* GSO: every segment is data of the same session; in the other planes there is one */
INLINE bool blind_is_uniform(struct pkt *p, const struct udphdr *udp)
{
	struct guard_scratch *g;

	if (p->segments == 1)
		return true;
	g = guard_scratch_find();
	if (!g)
		return false;
	message_where(p, g, udp);
	return !plane(p, blind_segments);
}

INLINE int blind_find_way(struct pkt *p, const struct udphdr *udp, const void *head)
{
	struct blind_scratch *b = blind_scratch_find();
	struct flow_scratch *s = flow_scratch_find();
	__u32 type = from_le32(load_word(__u32, head)), to = 0;
	bool data = type == MESSAGE_DATA;
	int rc;

	if (!b || !s)
		return -DROP_guard_busy;
	b->now = bpf_jiffies64();
	b->make = 0;
	b->from = blind_site_at(p->src, p->family, p->sport);
	b->index = load_word(__u32, head + 4);
	if (b->from && data)
		to = blind_session_of(b);
	else if (b->from && type == MESSAGE_COOKIE)
		to = BLIND_ORIGIN(session_value(b->from, b->index, b->now));
	if (to)
		return length_fits(data ? MESSAGE_DATA : MESSAGE_COOKIE, message_length(p, udp)) && blind_is_uniform(p, udp) ?
		       blind_leave(p, s, b->from, to) : -DROP_guard_shape;
	rc = blind_ask(p, udp, b);
	return rc > 0 ? blind_leave(p, s, b->from, rc & (BLIND_SITES_MAX - 1)) : rc;
}

/* The UDP header, with type and index behind it */
INLINE const struct udphdr *blind_head(struct pkt *p)
{
	const struct udphdr *udp = at(p, p->l4, BLIND_HEAD);
	int rc;

	if (udp || p->plane == PLANE_XDP)
		return udp;
	p->l4 += BLIND_HEAD - sizeof(*udp);
	rc = plane(p, reach);
	p->l4 -= BLIND_HEAD - sizeof(*udp);
	return rc ? NULL : at(p, p->l4, BLIND_HEAD);
}

/* After parse: 0 where it leaves for a site, a reason, or NOT_OURS: not for the blind relay, or for our own WireGuard. Pieces, and errors,
 * are the kernel's. */
INLINE int blind_find(struct pkt *p)
{
	struct table_key key = { p->dst, table_word(KEY_BLIND, p->family, p->dport, p->ifindex) };
	const struct table_entry *entry;
	const struct udphdr *udp;

	if (p->dport != blind_port || p->quote || p->fragment || p->held)
		return NOT_OURS;
	entry = table_find(&key);
	udp = blind_head(p);
	if (!entry || !udp)
		return NOT_OURS;
	p->direction = DIRECTION_ORIGINAL;
	p->service = &entry->service;
	return blind_find_way(p, udp, udp + 1);
}

#endif
