// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The data path remembers the FIB's answers, the time of the last packet passed up, and the listener that a client
 * chose, and forgets them in time. The test runs on the host plane. Also the counters of GSO packets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "host/host_ways.h"
#include <cmocka.h>

/* ---- queries of the FIB, and how long their answers are remembered ---- */

static void asked(__u32 n, const char *src, const char *dst, __u16 sport, __u16 dport, __u32 ifindex)
{
	const struct bpf_fib_lookup *q = &host_questions[n];
	struct addr from = world_addr(src), to = world_addr(dst);

	assert_true(host_n_questions > n);
	assert_int_equal(q->family, world_family(src));
	assert_int_equal(q->l4_protocol, IPPROTO_UDP);
	assert_int_equal(ntohs(q->sport), sport);
	assert_int_equal(ntohs(q->dport), dport);
	assert_int_equal(q->ifindex, ifindex);
	if (q->family == FAMILY_IPV4) {
		assert_int_equal(q->ipv4_src, from.w[3]);
		assert_int_equal(q->ipv4_dst, to.w[3]);
	} else {
		assert_memory_equal(q->ipv6_src, &from, 16);
		assert_memory_equal(q->ipv6_dst, &to, 16);
	}
}

static void questions(void **state)
{
	const struct way *w = way_named("other port");

	way_comes(w, &in);
	in.tos = 0xb8;
	send_in(PLANE_TC, w->in);
	asked(0, w->client, w->backend, CLIENT_PORT, 51821, W0);
	assert_int_equal(host_questions[0].tos, 0xb8);
	host_n_questions = 0;
	w = way_named("dnat ipv6, reply");
	way_comes(w, &in);
	in.tos = 0x1c;
	send_in(PLANE_TC, w->in);		/* asks for the client's route, and whether it holds for all clients of the backend */
	asked(0, w->local, w->client, 51820, CLIENT_PORT, L0);
	assert_int_equal(host_questions[0].flowinfo, htonl(0x01c00000));
	asked(1, "::", w->backend, CLIENT_PORT, 51821, W0);
	assert_int_equal(host_n_questions, 2);
	host_n_questions = 0;
	world_control()->flags = CONTROL_ASK_ALWAYS;	/* a rule may match this very client */
	world_control()->generation++;
	send_in(PLANE_TC, w->in);
	asked(1, w->client, w->backend, CLIENT_PORT, 51821, W0);
}

static __u32 asked_for(const struct way *w)
{
	__u32 before = host_n_questions;

	way_comes(w, &in);
	send_in(PLANE_TC, w->in);
	return host_n_questions - before;
}

static void remembered(void **state)
{
	const struct way *w = way_named("dnat ipv4");

	assert_int_equal(asked_for(w), 1);
	assert_int_equal(asked_for(w), 0);
	host_jiffies += tick_rate - 1;
	assert_int_equal(asked_for(w), 0);
	host_jiffies++;
	assert_int_equal(asked_for(w), 1);
	assert_int_equal(asked_for(w), 0);
	world_control()->generation++;		/* routing changed */
	assert_int_equal(asked_for(w), 1);
	assert_int_equal(asked_for(w), 0);
	world_control()->flags = CONTROL_ASK_ALWAYS;
	world_control()->generation++;
	assert_int_equal(asked_for(w), 1);
	assert_int_equal(asked_for(w), 1);
	world_control()->flags = 0;
	way_comes(w, &in);
	in.dport = 54000;
	send_in(PLANE_TC, W0);
	host_n_questions = 0;
	send_in(PLANE_TC, W0);			/* an incomplete answer is asked for again */
	assert_int_equal(host_n_questions, 1);
	asked_for(way_named("dnat ipv4"));
	w = way_named("dnat ipv4, reply");
	assert_int_equal(asked_for(w), 1);
	assert_int_equal(asked_for(w), 0);
	in.dport++;				/* another client at that address: a rule may match ports */
	send_in(PLANE_TC, w->in);
	assert_int_equal(asked_for(w), 1);
}

static void uniform_say(__u32 block, __u32 place, __u16 answer)
{
	__u32 row = block * UNIFORM_ROWS + place / UNIFORM_ROW;

	((struct uniform_row *)bpf_map_lookup_elem(&uniform, &row))->slot[place % UNIFORM_ROW] = answer;
}

/* Returns the number of queries for one reply to each of ten clients of 192.0.2.0/24 */
static __u32 asked_for_clients(void)
{
	const struct way *w = way_named("dnat ipv4, reply");
	__u32 before;

	asked_for(w);
	before = host_n_questions;
	for (int i = 0; i < 10; i++) {
		way_comes(w, &in);
		in.dport += i;
		in.dst.b[15] += i;
		assert_int_equal(send_primed(PLANE_TC, w->in).packet.egress, W0);
	}
	return host_n_questions - before;
}

/* A prefix with one next hop is queried once, but only while the daemon's heartbeat is fresh */
static void uniform_prefixes(void **state)
{
	struct control *c = world_control();

	c->asked = ~0ULL;
	uniform_say(UNIFORM_IPV4, 0xc000, 3);		/* 192.0.0.0/16 */
	assert_uint_in_range(asked_for_clients(), 9, 10);
	c->heartbeat = host_jiffies + 1;
	assert_int_equal(asked_for_clients(), 0);
	c->generation++;
	assert_int_equal(asked_for_clients(), 0);	/* the first reply of this client asked */
	uniform_say(UNIFORM_IPV4, 0xc000, UNIFORM_DEEPER | 2);
	assert_uint_in_range(asked_for_clients(), 9, 10);
	uniform_say(2, 0x0209, 3);			/* 192.0.2.9 alone */
	assert_uint_in_range(asked_for_clients(), 8, 9);
	uniform_say(2, 0x0209, UNIFORM_DEEPER | 2);	/* a circle ends */
	uniform_say(2, 0, UNIFORM_DEEPER | 2);
	assert_uint_in_range(asked_for_clients(), 9, 10);
	uniform_say(UNIFORM_IPV4, 0xc000, 3);
	assert_int_equal(asked_for_clients(), 0);
	host_jiffies++;
	assert_uint_in_range(asked_for_clients(), 9, 10);
}

/* The data path asks for a heartbeat in time, but not for each packet */
static void heartbeat_asked_for(void **state)
{
	struct control *c = world_control();
	__u32 before = host_n_signals;

	asked_for_clients();
	assert_int_equal(host_n_signals, before + 1);
	host_jiffies += tick_rate / 2;
	asked_for_clients();
	assert_int_equal(host_n_signals, before + 2);
	host_jiffies += tick_rate / 2;
	c->heartbeat = host_jiffies + tick_rate + 1;
	asked_for_clients();
	assert_int_equal(host_n_signals, before + 2);
	host_jiffies++;
	asked_for_clients();
	assert_int_equal(host_n_signals, before + 3);
	asked_for(way_named("dnat ipv4"));		/* an original does not need it */
	assert_int_equal(host_n_signals, before + 3);
}

/* A packet of the backend to an address of ours is no reply to a client: the answer of a rule by that source is not
 * remembered */
static void not_misled(void **state)
{
	const struct way *w = way_named("dnat ipv4, reply");

	for (int plane = PLANE_XDP; plane <= PLANE_TC; plane++) {
		world_control()->generation++;
		way_comes(w, &in);
		in.dst = world_addr("198.51.100.1");
		assert_int_equal(send_in(plane, w->in).verdict, HOST_PASS);
		way_comes(way_named("dnat ipv4"), &in);
		assert_int_equal(send_primed(plane, W0).packet.egress, L0);
		way_comes(w, &in);
		assert_int_equal(send_primed(plane, w->in).packet.egress, W0);
	}
}

/* Replies by different clients, links and listeners each find their own route, whatever another one remembered */
static void replies_take_turns(void **state)
{
	static const char *const names[] = { "dnat ipv4, reply", "reply on link" };

	for (int i = 0; i < 40; i++) {
		const struct way *w = way_named(names[i * 7 / 3 % 2]);
		struct ran r;
		__u32 len;

		way_comes(w, &in);
		in.dport += i % 3;
		way_leaves(w, &in, &out);
		r = send_primed(PLANE_XDP, w->in);
		assert_int_equal(r.verdict, HOST_SENT);
		len = frame_build(&out, want);
		assert_memory_equal(left, want, len);
	}
}

/* A client that used two of our addresses from one port: each reply takes the route of its own source (ip rule from
 * …), because each address has a slot of its own */
static void replies_by_listener(void **state)
{
	const struct way *w = way_named("other port");
	struct host_route *r;

	world_listen(1, W0, "203.0.113.2", 443, "192.168.1.10", 51821, 22, SERVICE_CHOICE);
	world_commit();
	memmove(host_routes + 1, host_routes, host_n_routes * sizeof(*host_routes));
	host_n_routes++;
	memset(&host_routes[0], 0, sizeof(host_routes[0]));
	r = world_route("192.0.2.0/24", W0, 1500, 253, "203.0.113.253");
	world_prefix("203.0.113.2/32", &r->src, &r->src_mask);
	host_routes[0] = *r;
	for (int i = 0; i < 10; i++) {
		const char *local = i & 1 ? "203.0.113.2" : "203.0.113.1";
		__u32 len;

		way_comes(w, &in);
		in.dst = world_addr(local);
		assert_int_equal(send_primed(PLANE_XDP, W0).verdict, HOST_SENT);
		way_comes(way_named("other port, reply"), &in);
		way_leaves(way_named("other port, reply"), &in, &out);
		out.src = world_addr(local);
		world_mac(out.dmac, W0, i & 1 ? 253 : 254);
		assert_int_equal(send_primed(PLANE_XDP, L0).verdict, HOST_SENT);
		len = frame_build(&out, want);
		assert_memory_equal(left, want, len);
	}
}

/* ---- the kernel gets a packet now and then ---- */

static void probes(void **state)
{
	const struct way *two[] = { way_named("dnat ipv4"), way_named("dnat ipv4, reply") };

	for (int i = 0; i < 2; i++)
		for (int plane = PLANE_XDP; plane <= PLANE_TC; plane++) {
			unsigned int n = 0;

			for (__u32 t = 0; t < 10 * tick_rate; t += 5, host_jiffies += 5) {
				struct ran r;

				way_comes(two[i], &in);
				r = send_in(plane, two[i]->in);
				n += plane == PLANE_XDP ? r.verdict == HOST_PASS : r.packet.by_neighbour;
				assert_true(r.verdict == HOST_SENT || plane == PLANE_XDP);
			}
			assert_int_equal(n, 5);
		}
}

/* ---- the listener that a client chose ---- */

static const struct way *choose(const char *name, __u16 client_port)
{
	const struct way *w = way_named(name);

	way_comes(w, &in);
	in.sport = client_port;
	return w;
}

static void reply_leaves_from(__u16 client_port, const char *address, __u16 port, __u32 egress)
{
	const struct way *w = way_named("other port, reply");
	struct ran r;

	way_comes(w, &in);
	in.dport = client_port;
	r = send_primed(PLANE_XDP, w->in);
	assert_int_equal(r.verdict, HOST_SENT);
	way_leaves(w, &in, &out);
	out.src = world_addr(address);
	out.sport = port;
	world_mac(out.dmac, egress, 254);
	world_mac(out.smac, egress, 1);
	assert_memory_equal(left, want, frame_build(&out, want));
	assert_int_equal(r.packet.egress, egress);
}

static void client_uses(__u16 client_port, __u16 port)
{
	choose("other port", client_port);
	in.dport = port;
	assert_int_equal(send_primed(PLANE_XDP, W0).verdict, HOST_SENT);
}

static void choices_remembered(void **state)
{
	reply_leaves_from(1000, "203.0.113.1", 443, W0);	/* never seen: the first listener */
	client_uses(1000, 4500);
	client_uses(1001, 443);
	reply_leaves_from(1000, "203.0.113.1", 4500, W0);
	reply_leaves_from(1001, "203.0.113.1", 443, W0);
	choose("other port", 1001);				/* now by the other wan */
	world_mac(in.dmac, X0, 1);
	in.dst = world_addr("198.51.100.1");
	assert_int_equal(send_primed(PLANE_XDP, X0).verdict, HOST_SENT);
	reply_leaves_from(1001, "198.51.100.1", 443, X0);
	reply_leaves_from(1000, "203.0.113.1", 4500, W0);
	client_uses(1001, 4500);
	reply_leaves_from(1001, "203.0.113.1", 4500, W0);
	for (int i = 0; i < 8; i++)				/* others do not displace a client that the backend has answered, */
		client_uses(2000 + i, 4500);
	reply_leaves_from(1001, "203.0.113.1", 4500, W0);
	assert_int_equal(learned_there(&choices), 8);
	host_jiffies += CHOICE_LIVE_SECONDS * tick_rate;	/* but they displace a client that was silent for long */
	reply_leaves_from(1000, "203.0.113.1", 4500, W0);
	for (int i = 0; i < 8; i++)
		client_uses(3000 + i, 4500);
	reply_leaves_from(1000, "203.0.113.1", 4500, W0);
	reply_leaves_from(1001, "203.0.113.1", 443, W0);
	assert_true(ways_sums_hold());
}

/* A listener that is removed, or belongs to another service now, is no longer a choice */
static void choices_end(void **state)
{
	client_uses(1000, 4500);
	reply_leaves_from(1000, "203.0.113.1", 4500, W0);
	for (size_t i = 0; i < world_n_entries; i++)
		if (world_entries[i].key.word == table_word(KEY_SERVICE, FAMILY_IPV4, htons(4500), W0))
			world_entries[i].service.port = htons(1);
	world_commit();
	reply_leaves_from(1000, "203.0.113.1", 443, W0);
	for (size_t i = 0; i < world_n_entries; i++)
		if (world_entries[i].key.word == table_word(KEY_SERVICE, FAMILY_IPV4, htons(4500), W0))
			world_entries[i] = world_entries[--world_n_entries];
	world_commit();
	reply_leaves_from(1000, "203.0.113.1", 443, W0);
}

/* A replaced backend still answers by its own listeners */
static void choices_former(void **state)
{
	__u32 id = way_named("other port")->id, n = world_n_entries, former = 0;

	client_uses(1000, 4500);
	client_uses(1001, 443);
	for (__u32 i = 0; i < n; i++) {
		struct table_entry *e = &world_entries[i], *old;

		if (e->service.id != id)
			continue;
		if ((e->key.word & 0xff) == KEY_REPLY) {
			e->service.flags |= SERVICE_OLD;
			continue;
		}
		old = &world_entries[world_n_entries++];
		*old = *e;
		old->key.addr = old_addr(&e->key.addr, &e->service.to);
		old->key.word ^= KEY_SERVICE ^ KEY_OLD;
		e->service.to.b[15] ^= 1;
		former++;
	}
	assert_true(former > 1);
	world_commit();
	reply_leaves_from(1000, "203.0.113.1", 4500, W0);
	reply_leaves_from(1001, "203.0.113.1", 443, W0);
	reply_leaves_from(1002, "203.0.113.1", 443, W0);
	assert_true(ways_sums_hold());
}

/* A packet that is not sent makes no choice */
static void choices_of_sent_only(void **state)
{
	client_uses(1000, 443);
	choose("other port", 1000);
	in.dport = 4500;
	in.ttl = 1;
	send_in(PLANE_XDP, W0);
	send_in(PLANE_TC, W0);
	reply_leaves_from(1000, "203.0.113.1", 443, W0);
}

/* ---- GSO ---- */

static void gso(void **state)
{
	const struct way *w = way_named("dnat ipv4");
	struct total before, after;
	__u32 len;

	way_comes(w, &in);
	send_in(PLANE_TC, w->in);
	for (__u32 size = 1; size < 1500; size += 7)
		for (__u32 segments = 2; segments < 45; segments += 6) {
			struct host_packet packet = { .gso_segs = size & 2 || size * segments > 65000 ? segments : 0, .gso_size = size };
			bool fits = size + 28 <= 1500;

			in.payload = size * segments - (size > 3 ? 3 : 0);
			len = frame_build(&in, came);
			memcpy(left + 2, came, len);
			packet.data = left + 2;
			packet.len = packet.linear = len;
			before = way_total(w->id, w->direction, PLANE_TC);
			assert_int_equal(world_run(PLANE_TC, w->in, &packet), fits ? HOST_SENT : HOST_PASS);
			after = way_total(w->id, w->direction, PLANE_TC);
			assert_int_equal(total_received(&after) - total_received(&before), segments);
			assert_int_equal(after.forwarded - before.forwarded, fits ? segments : 0);
			assert_int_equal(after.bytes - before.bytes, fits ? in.payload + segments * 28 : 0);
		}
	assert_true(ways_sums_hold());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)

/* ---- fragments ---- */

static int sent_fragment(const struct way *w, __u16 id, __u16 frag_off)
{
	way_comes(w, &in);
	in.id = id;
	in.frag_off = frag_off;
	in.payload = frag_off & 0x2000 ? 40 : 13;
	return send_in(PLANE_TC, w->in).verdict;
}

static void fragments_remembered(void **state)
{
	const struct way *w = way_named("dnat ipv4");

	host_map_reset(&frags, 1);		/* eight places */
	assert_int_equal(sent_fragment(w, 1, 6), HOST_PASS);
	assert_int_equal(sent_fragment(w, 1, 0x2000), HOST_SENT);
	host_jiffies += 2 * tick_rate - 1;
	assert_int_equal(sent_fragment(w, 1, 6), HOST_SENT);
	host_jiffies++;
	assert_int_equal(sent_fragment(w, 1, 6), HOST_PASS);
	assert_int_equal(sent_fragment(w, 1, 0x2000), HOST_SENT);	/* the new entry replaces the old one */
	assert_int_equal(learned_there(&frags), 1);
	host_jiffies += 1 << tick_shift;
	for (int id = 2; id <= 9; id++)
		assert_int_equal(sent_fragment(w, id, 0x2000), HOST_SENT);
	assert_int_equal(learned_there(&frags), 8);	/* a full table forgets the oldest entry */
	assert_int_equal(sent_fragment(w, 1, 6), HOST_PASS);
	for (int id = 2; id <= 9; id++)
		assert_int_equal(sent_fragment(w, id, 6), HOST_SENT);
	assert_int_equal(sent_fragment(w, 9, 5), HOST_DROP);
	assert_int_equal(way_reason(w->id, w->direction, PLANE_TC, DROP_overlapping_fragment), 1);
	assert_true(ways_sums_hold());
}

/* A packet that is not sent is not remembered, and a packet that cannot be remembered is not sent */
static void fragments_unsent(void **state)
{
	const struct way *w = way_named("dnat ipv4");
	struct learned_bucket *b;
	__u32 zero = 0;

	way_comes(w, &in);
	in.frag_off = 0x2000;
	in.payload = 40;
	assert_int_equal(send_in(PLANE_XDP, w->in).verdict, HOST_PASS);		/* the kernel gets this one */
	assert_int_equal(learned_there(&frags), 0);
	in.ttl = 1;
	assert_int_equal(send_in(PLANE_TC, w->in).verdict, HOST_PASS);
	assert_int_equal(learned_there(&frags), 0);
	in.ttl = 64;
	host_map_reset(&frags, 1);
	b = bpf_map_lookup_elem(&frags, &zero);
	for (__u32 way = 0; way < LEARNED_WAYS; way++)		/* no entry gives way */
		b->line.word[way] = learned_word(way + 1, LEARNED_LIVE, 0, (host_jiffies >> tick_shift) + LEARNED_SECOND);
	assert_int_equal(send_in(PLANE_TC, w->in).verdict, HOST_PASS);
	assert_int_equal(way_reason(w->id, w->direction, PLANE_TC, PASS_fragment), 1);
	assert_true(ways_sums_hold());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fragments_remembered, scene_begin, scene_end),
		cmocka_unit_test_setup_teardown(fragments_unsent, scene_begin, scene_end),
		TEST(questions), TEST(remembered), TEST(uniform_prefixes), TEST(heartbeat_asked_for),
		TEST(not_misled), TEST(replies_take_turns), TEST(replies_by_listener), TEST(probes),
		TEST(choices_remembered), TEST(choices_end), TEST(choices_former), TEST(choices_of_sent_only), TEST(gso),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
