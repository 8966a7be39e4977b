/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ICMP errors in the scene: a description of one about a packet of a way, built with checksums computed in full, as it comes and
 * as it must leave.
 */
#ifndef HOST_ICMP_H
#define HOST_ICMP_H

#include "host_ways.h"

struct error {
	__u8 dmac[ETH_ALEN], smac[ETH_ALEN];
	__u8 ttl, type, code;
	struct addr from, to;
	struct frame about;		/* the quoted packet; its Ethernet header is left out */
	__u32 keep, padding;		/* how many of its bytes are quoted, and bytes behind the packet */
};

/* An error about a packet of the other end, so that it takes the way w: it is about an original if w is a way of
 * replies */
static inline void error_comes(const struct way *w, struct error *e)
{
	struct frame *f = &e->about;
	bool original = w->direction == DIRECTION_ORIGINAL;

	memset(e, 0, sizeof(*e));
	world_mac(e->dmac, w->in, 1);
	world_mac(e->smac, w->in, 0xee);
	e->ttl = 61;
	f->family = world_family(w->client);
	e->type = f->family == FAMILY_IPV4 ? 3 : 1;
	e->code = 3;
	f->ttl = 3;
	f->payload = 32;
	f->src = world_addr(original ? w->local : w->client);
	f->dst = world_addr(original ? w->client : w->backend);
	f->sport = original ? w->port : CLIENT_PORT;
	f->dport = original ? CLIENT_PORT : w->backend_port;
	e->to = f->src;
	e->from = f->family == FAMILY_IPV4 ? world_addr("198.41.0.4") : world_addr("2001:db8:99::4");
	e->keep = ~0;
}

static inline void error_leaves(const struct way *w, const struct error *in, struct error *out)
{
	bool original = w->direction == DIRECTION_ORIGINAL;

	*out = *in;
	world_mac(out->dmac, w->out, w->next_hop);
	world_mac(out->smac, w->out, 1);
	out->ttl--;
	if (original) {
		out->to = out->about.src = world_addr(w->backend);
		out->about.sport = w->backend_port;
	} else {
		out->about.dst = world_addr(w->local);
		out->about.dport = w->port;
		if (strcmp(w->local, w->backend))
			out->from = out->about.dst;
	}
}

/* Writes it to buf, which is large enough; returns its length */
static inline __u32 error_build(const struct error *e, __u8 *buf)
{
	static __u8 quoted[70000];
	__u32 n = frame_build(&e->about, quoted) - ETH_HLEN, ip = e->about.family == FAMILY_IPV4 ? 20 : 40, sum;
	__u8 *message = buf + ETH_HLEN + ip;
	struct frame outer = { .family = e->about.family, .ttl = e->ttl, .src = e->from, .dst = e->to };

	n = n < e->keep ? n : e->keep;
	outer.payload = n;			/* a message's header is as long as a UDP header */
	memcpy(outer.dmac, e->dmac, ETH_ALEN);
	memcpy(outer.smac, e->smac, ETH_ALEN);
	frame_build(&outer, buf);
	memset(message, 0, 8);
	message[0] = e->type;
	message[1] = e->code;
	put16(message + 6, 1300);
	memcpy(message + 8, quoted + ETH_HLEN, n);
	if (ip == 20) {
		buf[ETH_HLEN + 9] = IPPROTO_ICMP;
		put16(buf + ETH_HLEN + 10, 0);
		put16(buf + ETH_HLEN + 10, ~frame_fold(frame_sum(buf + ETH_HLEN, 20)));
		sum = 0;
	} else {
		buf[ETH_HLEN + 6] = IPPROTO_ICMPV6;
		sum = frame_sum(buf + ETH_HLEN + 8, 32) + IPPROTO_ICMPV6 + 8 + n;
	}
	put16(message + 2, ~frame_fold(frame_fold(sum) + frame_sum(message, 8 + n)));
	memset(message + 8 + n, 0xee, e->padding);
	return ETH_HLEN + ip + 8 + n + e->padding;
}

#endif
