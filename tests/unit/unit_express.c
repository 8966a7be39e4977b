// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The express path sends the packets that it may send exactly as the pipeline does, and forgets them when something
 * changes. The test runs on the host plane. (All other tests of the host plane run with it too; fuzz_planes compares
 * it with the pipeline.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "host/host_ways.h"
#include <cmocka.h>

static struct ran ran;

/* Sends in by this link. Returns true if the express path sent it. Each packet finds random bytes in the state: see
 * cpu_soil() */
static bool hits(__u32 ifindex)
{
	__u64 before = express_hits(express_cpu()), n;

	ran = send_in(PLANE_XDP, ifindex);
	n = express_hits(express_cpu()) - before;
	assert_true(n <= 1);
	return n;
}

/* The packet left as the pipeline would send it */
static void left_rightly(const struct way *w)
{
	__u32 len;

	assert_int_equal(ran.verdict, HOST_SENT);
	assert_int_equal(ran.packet.egress, w->out);
	way_leaves(w, &in, &out);
	len = frame_build(&out, want);
	assert_int_equal(ran.packet.len, len);
	assert_memory_equal(left, want, len);
}

/* The first packet goes through the kernel, the second one teaches the device, and the third one itself */
static void teach(const struct way *w)
{
	way_comes(w, &in);
	for (int i = 0; i < 3; i++) {
		hits(w->in);
		host_jiffies++;
	}
	if (!hits(w->in))
		fail_msg("%s: the pipeline sent it", w->name);
	left_rightly(w);
}

static bool is_remembered(const struct way *w)
{
	/* not services whose backend has several listeners, or a link where XDP cannot send */
	return w->id != 1 && w->out != M0;
}

/* ---- equal packets ---- */

static void alike_by(bool listener)
{
	express_listeners = listener;
	for (size_t i = 0; i < WAYS; i++) {
		const struct way *w = &ways[i];
		struct total before, after;

		if (!is_remembered(w))
			continue;
		teach(w);
		for (__u32 j = 0; j < 48; j++) {
			way_comes(w, &in);
			in.payload = (__u32[]){ 28, 32, 1232, 1400, 1452 }[j % 5];
			in.ttl = (__u32[]){ 2, 64, 255 }[j % 3];
			in.tos = j * 5;
			in.flow = j * 77777;
			in.seed = j;
			in.id = j * 3331;
			in.checksum = in.family == FAMILY_IPV4 && j % 7 == 0 ? ZERO : FULL;
			if (listener && w->direction == DIRECTION_ORIGINAL && w->id != 8) {
				in.sport = 1 + j * 1000;
				if (in.family == FAMILY_IPV4)	/* 192.168.0.0/16 is refused, so 192.0.2.9 is not surely allowed */
					in.src = world_addr("8.8.8.8");
				if (!j)
					hits(w->in);	/* teaches the listener */
			}
			before = way_total(w->id, w->direction, PLANE_XDP);
			assert_true(hits(w->in));
			left_rightly(w);
			after = way_total(w->id, w->direction, PLANE_XDP);
			assert_int_equal(total_received(&after), total_received(&before) + 1);
			assert_int_equal(after.forwarded, before.forwarded + 1);
			assert_int_equal(after.bytes - before.bytes,
					 in.payload + (in.family == FAMILY_IPV4 ? 28 : 48));
		}
	}
	assert_true(ways_sums_hold());
}

static void alike(void **state)
{
	alike_by(false);
}

static void alike_for_all(void **state)
{
	alike_by(true);
}

/* Any client's original, unless its source is not allowed on the link */
static void sources_hold(void **state)
{
	static const char *const refused[] = { "192.168.7.7", "10.1.2.3", "198.18.0.9", "203.0.113.1", "127.0.0.1", "0.0.0.1",
					       "224.0.0.1", "255.255.255.255" };
	static const char *const good[] = { "192.0.2.10", "8.8.8.8", "203.0.113.2", "192.169.0.1", "11.0.0.1", "126.0.0.1" };
	static const char *const refused6[] = { "2001:db8:2::77", "2001:db8:1::1", "fe80::1", "ff02::1", "::1", "::ffff:192.0.2.1" };
	const struct way *w = way_named("dnat ipv4"), *w6 = way_named("dnat ipv6");

	express_listeners = true;
	teach(w);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		in.src = world_addr(refused[i]);
		assert_false(hits(W0));
		assert_int_equal(ran.verdict, HOST_PASS);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		in.src = world_addr(good[i]);
		hits(W0);		/* a source like a refused one gets an entry of its own */
		assert_true(hits(W0));
		left_rightly(w);
	}
	teach(w6);
	for (size_t i = 0; i < sizeof(refused6) / sizeof(*refused6); i++) {
		in.src = world_addr(refused6[i]);
		assert_false(hits(W0));
		assert_int_equal(ran.verdict, HOST_PASS);
	}
	in.src = world_addr("2001:db8:3::1");
	hits(W0);
	assert_true(hits(W0));
	left_rightly(w6);
}

/* ---- VLANs ---- */

/* Makes the link a VLAN with this id on the port: its frames have a tag there */
static void make_vlan(__u32 ifindex, __u32 port, __u16 id)
{
	struct link *l = bpf_map_lookup_elem(&links, &ifindex);

	l->port = port;
	l->tags[0] = htons(id);
	world_entries[world_n_entries++] = (struct table_entry){
		.key = { { .q = { vlan_key(ETH_P_8021Q, htons(id), 0) } }, table_word(KEY_VLAN, 0, 0, port) },
		.vlan = { .ifindex = ifindex } };
	world_commit();
}

/* Adds a tag to the frame, if id is not 0; returns the frame's new length */
static __u32 tagged(__u8 *frame, __u32 len, __u16 id)
{
	if (!id)
		return len;
	memmove(frame + 16, frame + 12, len - 12);
	put16(frame + 12, ETH_P_8021Q);
	put16(frame + 14, id);
	return len + 4;
}

/* Sends in by this way, with the tag `id` on arrival. Returns true if the express path sent it with the tag `id_out` */
static bool hits_tagged(const struct way *w, __u32 port, __u16 id, __u32 port_out, __u16 id_out)
{
	__u64 before = express_hits(express_cpu());
	__u32 len = tagged(came, frame_build(&in, came), id);
	static __u8 roomy[2000] __attribute__((aligned(8)));

	memcpy(roomy + 66, came, len);
	ran.packet = (struct host_packet){ .data = roomy + 66, .len = len, .linear = len, .head = 4 };
	ran.verdict = world_run(PLANE_XDP, port, &ran.packet);
	memcpy(left, ran.packet.data, ran.packet.len);
	host_jiffies++;
	if (express_hits(express_cpu()) == before)
		return false;
	way_leaves(w, &in, &out);
	len = tagged(want, frame_build(&out, want), id_out);
	assert_int_equal(ran.verdict, HOST_SENT);
	assert_int_equal(ran.packet.egress, port_out);
	assert_int_equal(ran.packet.len, len);
	assert_memory_equal(left, want, len);
	return true;
}

/* Client's link, backend's link, or both are VLANs. Another VLAN with the same addresses has no part in what is remembered. */
static void vlans(void **state)
{
	enum { WAN = 1, LAN = 2 };

	for (int which = WAN; which <= (WAN | LAN); which++)
		for (size_t i = 0; i < WAYS; i++) {
			const struct way *w = &ways[i];
			__u16 wan = which & WAN ? 7 : 0, lan = which & LAN ? 4094 : 0;
			__u32 wan_port = wan ? X0 : W0, lan_port = lan ? M0 : L0;
			bool from_wan = w->in == W0;
			__u32 port = from_wan ? wan_port : lan_port, port_out = from_wan ? lan_port : wan_port;
			__u16 id = from_wan ? wan : lan, id_out = from_wan ? lan : wan;

			if (!is_remembered(w))
				continue;
			scene_setup();
			with_vlans = true;
			if (wan)
				make_vlan(W0, X0, wan);
			if (lan)
				make_vlan(L0, M0, lan);
			way_comes(w, &in);
			for (int n = 0; n < 3; n++)
				hits_tagged(w, port, id, port_out, id_out);
			assert_true(hits_tagged(w, port, id, port_out, id_out));
			assert_false(hits_tagged(w, port, id ? id - 1 : 1, port_out, id_out));
			assert_true(hits_tagged(w, port, id, port_out, id_out));
			with_vlans = false;
		}
	assert_int_equal(express_vlan(1 << 18, 7), 0);
	assert_int_equal(express_ifindex(express_vlan((1 << 18) - 1, 4095)), (1 << 18) - 1);
}

/* A frame with a priority tag that arrives at the port of a bridge is one for the bridge */
static void priority_at_port(void **state)
{
	enum { PORT = 20 };
	const struct way *w = way_named("dnat ipv4, reply");
	__u32 port = PORT, len;

	scene_setup();
	with_vlans = with_bridges = true;
	world_link(PORT, ROLE_NONE, LINK_NATIVE | LINK_XDP_SENDS, 1500, 0);
	((struct link *)bpf_map_lookup_elem(&links, &port))->above = L0;
	way_comes(w, &in);
	for (int i = 0; i < 3; i++) {
		len = tagged(came, frame_build(&in, came), 5 << 13);
		ran = way_run(PLANE_XDP, PORT, came, len, len, left);
		host_jiffies++;
	}
	assert_int_equal(way_reason(0, DIRECTION_REPLY, PLANE_XDP, PASS_wrong_link), 0);
	assert_int_equal(way_total(0, DIRECTION_REPLY, PLANE_XDP).forwarded, 2);	/* after a probe of the neighbour */
	with_vlans = with_bridges = false;
}

/* ---- the hints of sources ---- */

static __u64 random_word(void)
{
	static __u64 x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	return x ^= x << 17;
}

/* Random lists, and sources in or near their prefixes: the hints never prove a source that the list refuses */
static void hints_prove(void **state)
{
	struct express_device *d = express_device(express_cpu(), 0, 0);
	__u32 proven = 0;

	for (__u32 round = 0; round < 400; round++) {
		bool ipv4 = round & 1;
		char text[4][INET6_ADDRSTRLEN + 12];
		const char *prefixes[5] = { 0 };
		struct addr first[4];

		for (int i = 0; i < 4; i++) {
			__u32 len = 8 + random_word() % (ipv4 ? 25 : 121);
			struct addr mask;
			char digits[INET6_ADDRSTRLEN];

			first[i] = ipv4 ? addr_from4(random_word()) : (struct addr){ .q = { random_word(), random_word() } };
			inet_ntop(ipv4 ? AF_INET : AF_INET6, first[i].b + (ipv4 ? 12 : 0), digits, sizeof(digits));
			snprintf(text[i], sizeof(text[i]), "%s/%u", digits, len);
			world_prefix(text[i], &first[i], &mask);
			first[i].q[0] &= mask.q[0];
			first[i].q[1] &= mask.q[1];
			inet_ntop(ipv4 ? AF_INET : AF_INET6, first[i].b + (ipv4 ? 12 : 0), digits, sizeof(digits));
			snprintf(text[i], sizeof(text[i]), "%s/%u", digits, len);
			prefixes[i] = text[i];
		}
		world_sources(0, prefixes);
		express_listeners = true;
		d->is_listener = true;
		express_free(&(struct pkt_state){ 0 });
		for (int n = 0; n < 500; n++) {
			struct express_key k = { 0 };
			struct pkt_state s = { .family = ipv4 ? FAMILY_IPV4 : FAMILY_IPV6 };
			struct addr a = first[n % 4];
			__u32 bit = random_word() % (ipv4 ? 32 : 128);

			a.b[15 - bit / 8] ^= 1 << bit % 8;
			a.q[1] ^= n % 3 ? 0 : htobe64(random_word() & 0xffff);
			if (n % 5 == 0)
				a = ipv4 ? addr_from4(random_word()) : (struct addr){ .q = { random_word(), random_word() } };
			s.src = a;
			express_set_key(&k, &s);
			if (!express_is_free(d, &k, ipv4))
				continue;
			proven++;
			assert_false(is_martian(ipv4, a));
			assert_int_equal(source_check(ipv4, &a, 0, false, true), 0);
		}
	}
	assert_true(proven > 10000);
}

/* ---- different packets ---- */

#define UNLIKE(change) do { \
		teach(w); \
		change; \
		assert_false(hits(ifindex)); \
	} while (0)

static void unlike(void **state)
{
	static const struct { const char *name; } names[] = { { "dnat ipv4" }, { "dnat ipv4, reply" }, { "dnat ipv6" },
							      { "dnat ipv6, reply" }, { "none ipv4" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct way *w = way_named(names[i].name);
		__u32 ifindex = w->in;
		bool ipv4 = world_family(w->client) == FAMILY_IPV4;

		UNLIKE(in.ttl = 1);
		UNLIKE(in.ttl = 0);
		UNLIKE(in.payload = 1473);
		UNLIKE(in.udp_len = -9 - (int)in.payload);
		UNLIKE(in.udp_len = 1);
		UNLIKE(in.ip_len = 1);
		UNLIKE(in.checksum = PARTIAL);
		UNLIKE(world_mac(in.dmac, w->in, 7));
		UNLIKE(ifindex = w->in == W0 ? X0 : W0);
		ifindex = w->in;
		if (ipv4) {
			UNLIKE(in.frag_off = 0x2000);
			UNLIKE(in.frag_off = 0x0010);
			UNLIKE((in.n_extra = 4, memset(in.extra, 1, 4)));
		}
		if (w->direction == DIRECTION_REPLY) {
			UNLIKE(in.dport++);
			UNLIKE(in.dst.b[15]++);
			UNLIKE(in.sport++);
		} else {
			UNLIKE(in.dport++);
		}
		/* none of these did any harm */
		way_comes(w, &in);
		assert_true(hits(w->in));
	}
}

/* ---- until when ---- */

static void ends(void **state)
{
	for (size_t i = 0; i < WAYS; i++) {
		const struct way *w = &ways[i];

		if (!is_remembered(w))
			continue;
		teach(w);
		world_control()->generation++;
		assert_false(hits(w->in));
		left_rightly(w);
		teach(w);
		host_jiffies += tick_rate + 1;
		assert_false(hits(w->in));
		/* the kernel gets its packet for the neighbour as without the express path */
		teach(w);
		for (__u32 n = 0; n < 2 * PROBE_SECONDS * tick_rate; n++) {
			host_jiffies++;
			if (!hits(w->in) && ran.verdict == HOST_PASS)
				break;
		}
		assert_int_equal(ran.verdict, HOST_PASS);
		assert_int_equal(way_reason(w->id, w->direction, PLANE_XDP, PASS_probe), 0);	/* tc counts it */
	}
}

/* A decision made before a change does not outlive it */
static bool changes_now(struct host_map *map, __u32 index)
{
	if (map == &nexthops)
		world_control()->generation++;
	return true;
}

static void captured(void **state)
{
	const struct way *w = way_named("dnat ipv4");

	way_comes(w, &in);
	hits(w->in);
	for (int i = 0; i < 8; i++) {
		host_watch = changes_now;
		hits(w->in);
		host_watch = NULL;
		assert_false(hits(w->in));
		world_control()->generation++;
	}
}

/* Entries of other keys in both places of a key stay */
static void strangers(void **state)
{
	const struct way *w = way_named("dnat ipv4");

	teach(w);
	for (__u32 i = 0; i < 2000; i++) {
		way_comes(w, &in);
		in.dport = 1024 + i;
		in.dst.b[15] = i;
		hits(w->in);
	}
	way_comes(w, &in);
	assert_true(hits(w->in));
}

/* Replies of a backend that several listeners share differ by client. This holds even if a listener's own entry says
 * that it is the only one now (KEY_OLD, made from the present state) */
static void shared_backend(void **state)
{
	const struct way *original = way_named("other port"), *reply = way_named("other port, reply");

	way_comes(original, &in);
	for (int i = 0; i < 3; i++)
		hits(original->in);
	for (size_t i = 0; i < world_n_entries; i++)
		if (world_entries[i].service.id == 1 && (world_entries[i].key.word & 0xff) == KEY_SERVICE)
			world_entries[i].service.flags &= ~SERVICE_CHOICE;
	world_commit();
	for (int i = 0; i < 5; i++) {
		way_comes(reply, &in);
		assert_false(hits(reply->in));
		host_jiffies++;
	}
	left_rightly(reply);
}

/* ---- places in the memo ---- */

/* Returns the key of a packet of this way from client number n */
static struct express_key key_of(const struct way *w, __u32 n)
{
	struct pkt_state s = { 0 };
	struct express_key k = { 0 };

	way_comes(w, &in);
	s.family = in.family;
	s.src = in.src;
	s.dst = in.dst;
	s.src.w[3] = htonl(n);
	s.express.ports = (__u32)htons(in.dport) << 16 | htons(in.sport);
	express_set_key(&k, &s);
	express_complete(&k, express_id(w->in, 0), in.family == FAMILY_IPV4, false);
	return k;
}

/* Neighbours with the same port get places of their own: in an IPv4 network, and in a /64 */
static void places(void **state)
{
	static const char *const names[] = { "dnat ipv4", "dnat ipv6" };
	struct express_device d = { .key = { hash_key0, hash_key1 }, .shift = 64 - 8 - 13 };

	for (int i = 0; i < 2; i++) {
		bool ipv4 = !i;
		static bool seen[8192];
		__u32 used = 0;

		memset(seen, 0, sizeof(seen));
		for (__u32 n = 0; n < 256; n++) {
			struct express_key k = key_of(way_named(names[i]), 0xc0000200 + n);
			__u64 at;
			__u32 place = memo_place(&d, &k, ipv4, &at);

			used += !seen[place];
			seen[place] = true;
		}
		assert_true(used >= 248);
	}
}

/* Strangers who forge sources fill half of a bucket, also if each source has an entry. A valid entry stays. */
static void strangers_share(void **state)
{
	const struct way *w = way_named("dnat ipv4"), *reply = way_named("dnat ipv4, reply");
	__u32 zero = 0, used[MEMO_WAYS] = { 0 };
	struct memo_bucket *b;

	express_bits = 0;		/* one bucket */
	teach(reply);
	for (__u32 n = 0; n < 100; n++) {
		way_comes(w, &in);
		in.src.w[3] = htonl(0xc0000200 + n);
		hits(W0);
	}
	b = bpf_map_lookup_elem(&memo, &zero);
	for (__u32 i = 0; i < MEMO_WAYS; i++)
		used[i] = !memo_is_free(&b->way[i], &(struct express_work){ .now = host_jiffies, .generation = world_control()->generation });
	assert_true(used[0] + used[1] + used[2] + used[3] == 2 || used[0] + used[1] + used[2] + used[3] == 3);
	assert_int_equal(used[0] + used[1], 2);
	way_comes(reply, &in);
	assert_true(hits(reply->in));
}

/* An entry with IPv6 has two lines. An entry with one line never takes the second of them. */
static void two_lines(void **state)
{
	const struct way *w6 = way_named("dnat ipv6"), *w = way_named("dnat ipv4, reply");

	express_bits = 0;
	for (int i = 0; i < 50; i++) {
		teach(w6);
		for (__u32 n = 0; n < 8; n++) {
			way_comes(w, &in);
			in.dst.w[3] = htonl(0xc0000200 + 50 * i + n / 2);
			hits(w->in);
		}
		left_rightly(w);
		way_comes(w6, &in);
		assert_true(hits(W0));
		left_rightly(w6);
		world_control()->generation++;
	}
}

/* More next hops than the CPU has places: the pipeline sends the rest, and no packet goes to another hop */
static void many_hops(void **state)
{
	const struct way *w = way_named("reply on link");
	struct express_cpu *cpu = express_cpu();
	__u32 sent = 0;

	teach(w);
	for (__u32 i = 0; i < EXPRESS_HOPS; i++)
		if (!cpu->hop[i].out)
			cpu->hop[i] = (struct express_hop){ .out = 999, .until = host_jiffies + 1000 };
	way_comes(w, &in);
	assert_true(hits(w->in));
	left_rightly(w);
	for (int i = 0; i < 5; i++) {
		way_comes(way_named("dnat ipv4"), &in);
		sent += hits(W0);
	}
	assert_int_equal(sent, 0);
	left_rightly(way_named("dnat ipv4"));
}

/* A listener's entry serves every client whose source is surely allowed */
static void listeners(void **state)
{
	const struct way *w = way_named("dnat ipv4"), *w6 = way_named("dnat ipv6");

	express_listeners = true;
	teach(w);
	way_comes(w, &in);
	in.src = world_addr("8.8.8.8");
	hits(W0);
	for (__u32 n = 1; n < 200; n++) {
		in.src.w[3] = htonl(0x08080000 + n);
		in.sport = n;
		assert_true(hits(W0));
		left_rightly(w);
	}
	teach(w6);
	for (__u32 n = 1; n < 200; n++) {
		way_comes(w6, &in);
		in.src.w[3] = htonl(n);
		in.sport = n;
		assert_true(hits(W0));
		left_rightly(w6);
	}
	sources_hold(state);
	/* A backend behind the same device: from then on each client has its own entry */
	express_device(express_cpu(), W0, 0)->has_backend = true;
	world_control()->generation++;
	teach(w);
	in.src = world_addr("8.8.9.9");
	assert_false(hits(W0));
	left_rightly(w);
}

/* When entries have cost much more than they earn, 63 of 64 buckets take the pipeline, and which ones changes each quarter of a
 * second. All are used again when nothing was learned for a second */
static void skips(void **state)
{
	const struct way *w = way_named("dnat ipv4");
	struct express_device *d = express_device(express_cpu(), W0, 0);
	__u32 sent = 0;
	__u64 mac;

	teach(w);
	mac = d->mac;
	way_comes(w, &in);
	for (__u32 n = 0; n < 6; n++) {
		d->spent = d->hits + 2 * EXPRESS_LOSS;
		express_weigh(d, mac);
	}
	for (__u32 n = 0; n < 640; n++) {
		host_jiffies += tick_rate / 4;
		d->until = host_jiffies + tick_rate;	/* other packets are learned */
		for (__u32 i = 0; i < 3; i++)		/* the kernel, the device, the entry */
			hits(W0);
		sent += hits(W0);
		left_rightly(w);
	}
	assert_in_range(sent, 8, 12);
	host_jiffies += 2 * tick_rate;
	for (__u32 n = 0; n < 8; n++) {
		teach(w);
		host_jiffies += tick_rate / 4;
	}
}

/* The express path charges each packet to its rate */
static void rates_charge(void **state)
{
	const struct way *w = way_named("dnat ipv4");
	__u32 place = rate_index(w->id, DIRECTION_ORIGINAL);
	struct rate *r;

	with_rates = true;
	host_map_reset(&rates, 2 * WORLD_SERVICES);
	r = bpf_map_lookup_elem(&rates, &place);
	for (int kind = 0; kind < RATE_KINDS; kind++) {
		*r = (struct rate){ .burst = { 10ULL << RATE_TICK, 10ULL << RATE_TICK } };
		r->each[kind] = 1 << RATE_FRACTION;
		world_control()->generation++;
		teach(w);
		for (int i = 0; i < 5; i++) {
			__u64 before = r->until[kind];

			way_comes(w, &in);
			assert_true(hits(W0));
			left_rightly(w);
			assert_true(r->until[kind] > before);
		}
		*r = (struct rate){ 0 };
	}
	with_rates = false;
	host_map_reset(&rates, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(alike), T(alike_for_all), T(sources_hold), T(hints_prove), T(vlans), T(priority_at_port), T(unlike), T(ends), T(captured), T(strangers), T(shared_backend), T(places),
		T(strangers_share), T(two_lines), T(many_hops), T(listeners), T(skips), T(rates_charge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
