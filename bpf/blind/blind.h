/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The step blind_find(): the blind relay forwards WireGuard messages between sites by receiver
 * index, without a key. The packets leave like those of a flow (flow/flow.h). Only WireGuard tells
 * where a site is (the daemon writes it to the maps). Only
 * packets from that address and port are forwarded. Data costs three array lookups.
 *
 * Runs after enter() (pipeline.h). Then resolve() for a site's message, find() for other packets.
 *         blind_commit runs in ready, just before the packet is sent.
 * Reads:  s->src, dst, ports, family, ifindex; the packet; the maps table, endpoints, sessions,
 *         blind_sites.
 * Writes: s->blind, service, flow.way, is_blind, has_way; in blind_commit the maps sessions, hints,
 *         blind_totals.
 */
#pragma once

#include "blind/count.h"
#include "blind/handshake.h"
#include "flow/nat64.h"
#include "link.h"
#include "service.h"

#define BLIND_INSPECT 2		/* result of blind_match() after which blind_inspect() continues */
#define BLIND_HEAD (sizeof(struct udphdr) + 8)

static const struct guard blind_headers CONSTANT = {
	.header = { from_le32(MESSAGE_INITIATION), from_le32(MESSAGE_RESPONSE),
		    from_le32(MESSAGE_COOKIE), from_le32(MESSAGE_DATA) },
};

/* Returns the number of the site at a remote address and port, or 0 if there is none. */
INLINE __u32 blind_site_at(struct addr addr, __u8 family, __be16 port)
{
	struct table_key key = { addr, table_word(KEY_ENDPOINT, family, port, 0) };
	const struct table_entry *entry = table_find_in(&endpoints, endpoints_mask, &key);

	return entry ? entry->site : 0;
}

/* Sets s->service and s->flow.way to the addresses and ports that the packet gets on its way to
 * site `to`. Returns 0 or a reason. */
INLINE int blind_set_way(struct pkt *p, __u32 to)
{
	const struct blind_site *site = bpf_map_lookup_elem(&blind_sites, &to);
	struct flow_work *s = &p->s->flow;
	const struct blind_place *place;
	__u32 now;

	if (!site)
		return -DROP_blind_refused;
	now = read_once(site->now) & 1;
	place = &site->place[now];
	if (!place->family)
		return -DROP_blind_waiting;
	s->key.sport = p->s->sport;
	s->key.dport = p->s->dport;
	s->way.src = place->local;
	s->way.dst = place->service.to;
	s->way.sport = p->s->dport;
	s->way.dport = place->service.port;
	s->way.delta = csum_fold(place->sum + (__u16)~csum_fold64(p->s->pseudo));
	s->way.family = place->family;
	s->way.is_new = FLOW_KNOWN;
	s->id = p->s->blind.from;
	s->backend = to;
	p->s->service = place->service;
	p->s->service.slot = blind_slots + 2 * to + now;
	p->s->is_blind = true;
	p->s->has_way = true;
	p->s->leaves = s->way.family;
	nat64_begin(p);
	return 0;
}

/* tc: returns 0 if all segments of a GSO packet are data of one session, otherwise another
 * value. */
INLINE int blind_segments_step(struct pkt *p)
{
	struct guard_work *s = &p->s->guard;

	s->junk = 0;
	s->indices = 0;
	if (p->plane != PLANE_TC || plane_read(p, s->payload, s->message, 8))
		return -1;
	s->index = load_word(__u32, s->message + 4);
	return are_data(p, &blind_headers) && !s->indices ? 0 : -1;
}
CALLED_STEP(with_blind, blind_segments)

/* Returns whether one lookup of a session decides about the packet: it is a single message, or a
 * GSO packet with data of one session. */
INLINE bool blind_is_uniform(struct pkt *p, const struct udphdr *udp)
{
	if (p->plane == PLANE_XDP || p->s->segments == 1)
		return true;
	message_locate(p, udp);
	return !blind_segments(p);
}

/* Returns the site to which the sender's data goes by its receiver index, or 0. If a response gave
 * out the index and this is the first data with it, marks the index for confirmation. */
INLINE __u32 blind_find_session(struct blind_work *b)
{
	__u64 value = session_now(b->from, b->index, b->now);

	if (value && !(value & (BLIND_CONFIRMED | BLIND_INITIATED)))
		b->make = MESSAGE_DATA;
	return BLIND_ORIGIN(value);
}

/* Returns the UDP header, after making it and the first 8 bytes of the message (type and index)
 * linear; or NULL. */
INLINE const struct udphdr *blind_head(struct pkt *p)
{
	const struct udphdr *udp = at(p, p->s->l4, BLIND_HEAD);
	int rc;

	if (udp || p->plane == PLANE_XDP)
		return udp;
	p->s->l4 += BLIND_HEAD - sizeof(*udp);
	rc = plane(p, reach);
	p->s->l4 -= BLIND_HEAD - sizeof(*udp);
	return rc ? NULL : at(p, p->s->l4, BLIND_HEAD);
}

/* Handles data and cookie replies whose session is known, and leaves fragments and ICMP errors to
 * the kernel. Returns 0 if the packet goes to a site, a reason, BLIND_INSPECT, or NOT_OURS if it is
 * not for the blind relay. */
INLINE int blind_match_step(struct pkt *p)
{
	struct table_key key = {
		p->s->dst, table_word(KEY_BLIND, p->s->family, p->s->dport, p->s->ifindex),
	};
	struct blind_work *b = &p->s->blind;
	const struct table_entry *entry;
	const struct udphdr *udp;
	const void *head;
	__u32 to = 0, type;
	bool data;

	if (p->s->dport != blind_port || p->s->is_quote || p->s->fragment || p->s->pending_reason)
		return NOT_OURS;
	entry = table_find(&key);
	udp = blind_head(p);
	if (!entry || !udp)
		return NOT_OURS;
	p->s->direction = DIRECTION_ORIGINAL;
	p->s->service = entry->service;
	p->s->has_service = true;
	head = udp + 1;
	type = from_le32(load_word(__u32, head));
	data = type == MESSAGE_DATA;
	b->now = bpf_jiffies64();
	b->make = 0;
	b->index = load_word(__u32, head + 4);
	b->from = blind_site_at(p->s->src, p->s->family, p->s->sport);
	if (b->from && data)
		to = blind_find_session(b);
	else if (b->from && type == MESSAGE_COOKIE)
		to = BLIND_ORIGIN(session_value(b->from, b->index, b->now));
	if (!to)
		return BLIND_INSPECT;
	if (!length_fits(data ? MESSAGE_DATA : MESSAGE_COOKIE, message_length(p, udp)) ||
	    !blind_is_uniform(p, udp))
		return -DROP_guard_shape;
	return blind_set_way(p, to);
}
INLINE_STEP(blind_match)

/* Reads the message into s->guard, like guard_read(), but always with WireGuard's own headers.
 * Returns its kind; 0 if it is not a complete message. */
INLINE int blind_read_step(struct pkt *p)
{
	struct guard_work *s = &p->s->guard;

	message_find(p, &blind_headers);
	return s->kind && !message_read(p) && (s->segments == 1 || s->kind == MESSAGE_DATA) ?
		       s->kind : 0;
}
CALLED_STEP(with_blind, blind_read)

/* Finds the receiving site of a message that matches no session of its sender. Returns the site's
 * number, a reason, or NOT_OURS. */
INLINE int blind_inspect_step(struct pkt *p)
{
	const struct udphdr *udp = blind_head(p);
	struct guard_work *s = &p->s->guard;
	struct blind_work *b = &p->s->blind;
	int kind;

	if (!udp)
		return NOT_OURS;
	b->waits = 0;
	s->client.addr = p->s->src;
	s->client.port = p->s->sport;
	message_locate(p, udp);
	kind = blind_read(p);
	if (kind == MESSAGE_DATA || kind == MESSAGE_COOKIE)
		return blind_inspect_data(p);
	if (kind != MESSAGE_INITIATION && kind != MESSAGE_RESPONSE)
		return NOT_OURS;
	b->make = kind;
	return blind_handshake(p->s);
}
CALLED_STEP(with_blind, blind_inspect)

/* Calls blind_set_way() for the site in s->result. The call is a separate step to save stack: see
 * blind_find(). */
INLINE int blind_route_step(struct pkt *p)
{
	return blind_set_way(p, p->s->result & (BLIND_SITES_MAX - 1));
}
CALLED_STEP(with_blind, blind_route)

/* Implements the step blind_find(). Returns 0 if the packet goes to a site, a reason, or NOT_OURS.
 * The steps that need much stack are called one after the other, so that their stack frames do not
 * add up. */
INLINE int blind_find(struct pkt *p)
{
	int rc = blind_match(p);

	if (rc != BLIND_INSPECT)
		return rc;
	rc = blind_inspect(p);
	if (rc > 0 && p->s->blind.waits)
		rc = blind_learn_message(p->s);
	if (rc <= 0)
		return rc;
	p->s->result = rc;
	return blind_route(p);
}

/* ---- when the packet is sent ---- */

/* Called when the packet is about to be sent: records its receiver and sender index, and counts it.
 * Returns 0 or a reason. */
INLINE int blind_commit(struct pkt *p)
{
	__u32 make = p->s->blind.make;
	int rc = !make ? 0 :
		 make == MESSAGE_DATA ? blind_confirm_data(p->s) : blind_learn_message(p->s);

	if (rc < 0)
		return rc;
	blind_count(p->s);
	return 0;
}
