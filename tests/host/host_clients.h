/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Clients of the masquerading services in host_flows.h, and backends that answer them: each packet is built, run, and held against the
 * whole one that must leave.
 */
#ifndef HOST_CLIENTS_H
#define HOST_CLIENTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "host_flows.h"
#include "host_see.h"
#include <cmocka.h>

#define GONE 0				/* a port: it was not sent */

static enum plane plane;		/* all later packets use it */
static struct addr ours;		/* the pool address of the last client */
static const struct masq *moving;	/* this service's backend has moved */
static struct ran ran;

/* ---- frames, as they arrive and as they must leave ---- */

static void comes(const struct masq *m, bool reply, struct addr from, __u16 sport, struct addr to, __u16 dport)
{
	__u32 link = reply ? m->out : m->in;

	memset(&in, 0, sizeof(in));
	world_mac(in.dmac, link, 1);
	world_mac(in.smac, link, 0xee);
	in.family = world_family(reply ? m->backend : m->client);
	in.ttl = 64;
	in.payload = 32;
	in.src = from;
	in.dst = to;
	in.sport = sport;
	in.dport = dport;
}

static struct addr backend_of(const struct masq *m)
{
	struct addr a = world_addr(m->backend);

	a.b[15] += m == moving;
	return a;
}

/* The IPv4 header of a packet that came as IPv6 (RFC 7915 5.1): up to 1,260 bytes it may be fragmented, and has an
 * identification */
static void ipv4_of_ipv6(struct frame *f)
{
	if (f->payload > 1232)
		f->frag_off = 0x4000;
	else
		f->id = htons(bpf_get_prandom_u32());
}

/* Makes `out` from `in`, with these addresses and ports */
static void leaves(const struct masq *m, bool reply, struct addr from, __u16 sport, struct addr to, __u16 dport)
{
	__u32 link = reply ? m->in : m->out;
	bool nat64 = world_family(m->client) != world_family(m->backend);

	out = in;
	world_mac(out.dmac, link, reply ? m->client_hop : m->next_hop);
	world_mac(out.smac, link, 1);
	out.family = world_family(reply ? m->client : m->backend);
	out.ttl--;
	out.src = from;
	out.dst = to;
	out.sport = sport;
	out.dport = dport;
	if (nat64 && out.family == FAMILY_IPV4)
		ipv4_of_ipv6(&out);
}

/* Runs `in`; returns whether it was sent */
static bool runs(__u32 link)
{
	__u32 len = frame_build(&in, came);

	ran = way_run(plane, link, came, len, len, left);
	if (ran.verdict == HOST_PASS)
		assert_false(ran.touched);
	return ran.verdict == HOST_SENT;
}

/* The sent packet must be `out` */
static void sent_rightly(__u32 link)
{
	__u32 len = frame_build(&out, want);

	assert_int_equal(ran.packet.len, len);
	assert_memory_equal(left, want, len);
	assert_int_equal(ran.packet.egress, link);
}

static __u32 client_subnet;	/* IPv6 clients: distance of their /64 from the one in the table */

/* Returns the n-th client of a service, counted from the one in the table */
static struct addr nth_client(const struct masq *m, __u32 n)
{
	struct addr a = world_addr(m->client);

	if (world_family(m->client) == FAMILY_IPV6)
		a.w[1] = htonl(ntohl(a.w[1]) + client_subnet);

	a.w[3] = htonl(ntohl(a.w[3]) + n);
	return a;
}

/* The n-th client sends an original from this port. Returns the pool port that it leaves with, or GONE; the pool
 * address is in `ours` */
static inline __u16 client_sends(const struct masq *m, __u32 n, __u16 port)
{
	const struct pool *pool = flows_pool(m->id);
	bool ipv4 = world_family(m->backend) == FAMILY_IPV4;
	struct seen s;
	__u32 i = 0;

	comes(m, false, nth_client(m, n), port, world_addr(m->local), m->port);
	if (!runs(m->in))
		return GONE;
	assert_true(see(left, ran.packet.len, &s));
	ours = s.src;
	leaves(m, false, ours, s.sport, backend_of(m), m->backend_port);
	sent_rightly(m->out);
	while (i < (ipv4 ? pool->n4 : pool->n6) && !addr_same(ipv4 ? &pool->own4[i] : &pool->own6[i], &ours))
		i++;
	assert_uint_in_range(i, 0, (ipv4 ? pool->n4 : pool->n6) - 1);
	assert_uint_in_range(s.sport, pool->first, pool->last);
	return s.sport;
}

/* The backend answers this pool port (at `ours`); returns whether the answer came to the n-th client at its port */
static inline bool backend_answers(const struct masq *m, __u16 to, __u32 n, __u16 port)
{
	comes(m, true, backend_of(m), m->backend_port, ours, to);
	if (!runs(m->out))
		return false;
	leaves(m, true, world_addr(m->local), m->port, nth_client(m, n), port);
	sent_rightly(m->in);
	return true;
}

static void whole(void)
{
	const char *complaint = flows_complaint();

	if (complaint)
		fail_msg("%s", complaint);
}

/* Makes a flow of the n-th client from this port; returns its pool port */
static inline __u16 flow_made(const struct masq *m, __u32 n, __u16 port)
{
	__u16 to = client_sends(m, n, port);

	assert_int_not_equal(to, GONE);
	assert_true(backend_answers(m, to, n, port));
	whole();
	return to;
}

static struct flow_key key_of(const struct masq *m, __u32 n, __u16 port)
{
	return (struct flow_key){ .src = nth_client(m, n), .dst = world_addr(m->local), .sport = htons(port), .dport = htons(m->port),
				  .family = world_family(m->client), .direction = DIRECTION_ORIGINAL };
}

static inline struct flow *flow_of(const struct masq *m, __u32 n, __u16 port)
{
	struct flow_key key = key_of(m, n, port), is;
	struct flow *f;
	__u64 word = 0;

	for (__u32 i = 0; i < flow_table.max * LEARNED_WAYS; i++) {
		f = flow_at(i, &word);
		if (!f)
			continue;
		is = flow_key_of(f, DIRECTION_ORIGINAL);
		if (!memcmp(&is, &key, sizeof(is)))
			return f;
	}
	return NULL;
}

/* Returns the word of that flow */
static inline __u64 word_of(const struct masq *m, __u32 n, __u16 port)
{
	const struct flow *f = flow_of(m, n, port);
	__u64 word = 0;

	for (__u32 i = 0; i < flow_table.max * LEARNED_WAYS; i++)
		if (flow_at(i, &word) == f)
			return word;
	return 0;
}

#endif
