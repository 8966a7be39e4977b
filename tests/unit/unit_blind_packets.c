// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The blind relay sends, drops or leaves alone packets of any shape as it should, while sites move or are missing and
 * time passes. The test runs on the host plane under ASan and UBSan. The cases also have packets that are not the
 * relay's own.
 */
#include "host/host_blind_try.h"
#include "host/host_icmp.h"

static void comes_with(__u32 who, __u32 receiver, __u32 payload)
{
	tells(MESSAGE_DATA, 0, receiver, 0);
	comes(who, payload);
}

/* 8 bytes of options, which are ignored */
static void with_options(void)
{
	static const __u8 options4[8] = { 1, 1, 1, 1, 1, 1, 1, 1 }, options6[8] = { IPPROTO_UDP, 0, 1, 4, 0, 0, 0, 0 };

	in.n_extra = 8;
	in.first = IPPROTO_DSTOPTS;
	memcpy(in.extra, in.family == FAMILY_IPV4 ? options4 : options6, 8);
}

/* ---- headers ---- */

/* Every field that a header may have */
static void bytes_here(void)
{
	static const __u32 sizes[] = { 32, 48, 1216, 1232, 1248, 1440 };
	bool ipv4 = family_of(S) == FAMILY_IPV4;

	shakes(0x10, 0x20);
	for (__u32 i = 0; i < 6 * 2 * 4; i++) {
		comes_with(S, 0x20, sizes[i / 8]);
		in.checksum = i & 1 ? ZERO : FULL;
		in.ttl = i & 2 ? 2 : 255;
		in.tos = i * 4;
		in.id = ipv4 ? i * 999 : 0;
		in.frag_off = ipv4 && i & 4 ? 0x4000 : 0;
		in.flow = ipv4 ? 0 : i * 777;
		in.padding = i & 4 ? 5 : 0;
		assert_int_equal(becomes(), D);
	}
	comes_with(S, 0x20, 32);
	with_options();
	assert_int_equal(becomes(), D);
}
EVERYWHERE(bytes)

/* All checksums, because a wrong fold fails only for few */
static void checksums_here(void)
{
	shakes(0x10, 0x20);
	for (__u32 i = 0; i < 65536; i += family_of(S) == family_of(D) ? 1 : 7) {
		comes_with(S, 0x20, 32);
		memset(next_message + 8, 0, 24);
		put16(next_message + 10, i);
		in.id = i;
		if (in.family == FAMILY_IPV6)
			in.id = 0;
		assert_int_equal(becomes(), D);
	}
}
EVERYWHERE(checksums)

static void too_far_here(void)
{
	int counted = plane == PLANE_TC ? 0 : UP;

	shakes(0x10, 0x20);
	assert_int_equal(sends_data(S, 0x20), D);
	comes_with(S, 0x20, 32);
	in.ttl = 1;
	refuses(becomes(), counted ?: -PASS_hop_limit);
	comes_with(S, 0x20, 1520);
	in.frag_off = in.family == FAMILY_IPV4 ? 0x4000 : 0;
	refuses(becomes(), counted ?: -PASS_too_big);
	comes_with(S, 0x20, 1456);		/* with IPv4 it is 1,484 bytes, with IPv6 20 more */
	in.frag_off = in.family == FAMILY_IPV4 ? 0x4000 : 0;
	if (family_of(D) == FAMILY_IPV4)
		assert_int_equal(becomes(), D);
	else
		refuses(becomes(), counted ?: -PASS_too_big);
}
EVERYWHERE(too_far)

/* ---- shapes ---- */

static void shapes_here(void)
{
	static const __u32 right[] = { 0, 148, 92, 64 };

	shakes(0x10, 0x20);
	assert_int_equal(sends_data(S, 0x20), D);
	for (__u32 len = 0; len < 200; len++) {
		bool fits = len >= 32;

		comes_with(S, 0x20, len);
		if (fits)
			assert_int_equal(becomes(), D);
		else
			refuses(becomes(), len < 8 ? UP : -DROP_guard_shape);
		comes_with(S, 0x99, len);
		refuses(becomes(), UP);
		tells(MESSAGE_COOKIE, 0, 0x20, 0);
		comes(S, len);
		if (len == 64)
			assert_int_equal(becomes(), D);
		else
			refuses(becomes(), len < 8 ? UP : -DROP_guard_shape);
		for (__u32 kind = 1; kind < 4; kind++) {
			tells(kind, D, 0x30, 0x20);
			comes(kind == 3 ? stranger : S, len);
			if (len != right[kind])
				refuses(becomes(), UP);
		}
	}
	for (__u32 type = 5; type; type <<= 1) {	/* also reserved bytes */
		comes_with(S, 0x20, 32);
		put_le32(next_message, type);
		refuses(becomes(), UP);
		put_le32(next_message, type << 3 | 4);
		if (type << 3)
			refuses(becomes(), UP);
	}
}
EVERYWHERE(shapes)

static int segmented(__u32 who, __u32 n, __u32 size, __u32 len)
{
	comes(who, len);
	how.gso_segs = n;
	how.gso_size = size;
	return becomes();
}

static void segments_here(void)
{
	static const __u32 lens[] = { 16, 32, 40, 48, 384 };
	bool same = family_of(S) == family_of(D);
	int sent = same ? (int)D : -DROP_gso_family;
	__u32 place = total_place(S, D), headers = family_of(S) == FAMILY_IPV4 ? 28 : 48;
	const struct blind_total *total = bpf_map_lookup_elem(&blind_totals, &place);

	plane = PLANE_TC;
	shakes(0x10, 0x20);
	shakes(0x11, 0x21);
	assert_int_equal(sends_data(S, 0x20), D);
	assert_int_equal(sends_data(S, 0x21), D);
	memset(bpf_map_lookup_elem(&blind_totals, &place), 0, sizeof(*total));
	for (__u32 i = 0; i < 3; i++) {
		tells(MESSAGE_DATA, 0, 0x20, 0);
		memcpy(next_message + 400 * (i + 1), next_message, 32);
	}
	assert_int_equal(segmented(S, 3, 400, 3 * 400), sent);
	assert_int_equal(total->packets, same ? 3 : 0);
	assert_int_equal(total->bytes, same ? 3 * (400 + headers) : 0);
	for (__u32 i = 0; i < 5; i++)
		assert_int_equal(segmented(S, 3, 400, 2 * 400 + lens[i]), lens[i] == 16 ? -DROP_guard_shape : sent);
	for (__u32 i = 0; i < 3; i++) {
		put_le32(next_message + 400 * i + 4, 0x21);
		refuses(segmented(S, 3, 400, 3 * 400), -DROP_guard_shape);
		put_le32(next_message + 400 * i + 4, 0x99);
		refuses(segmented(S, 3, 400, 3 * 400), i ? -DROP_guard_shape : UP);
		put_le32(next_message + 400 * i + 4, 0x20);
		put_le32(next_message + 400 * i, 1);
		refuses(segmented(S, 3, 400, 3 * 400), i ? -DROP_guard_shape : UP);
		put_le32(next_message + 400 * i, 4);
	}
	tells(MESSAGE_INITIATION, D, 0x30, 0);
	memcpy(next_message + 148, next_message, 148);
	refuses(segmented(S, 2, 148, 296), UP);
	tells(MESSAGE_COOKIE, 0, 0x20, 0);
	memcpy(next_message + 64, next_message, 64);
	refuses(segmented(S, 2, 64, 128), -DROP_guard_shape);
}
EVERYWHERE(segments)

/* ---- packets that do not belong to the blind relay ---- */

static void not_ours_here(void)
{
	static const __u8 first6[] = { IPPROTO_UDP, 0, 0, 1, 0, 0, 0, 9 }, later6[] = { IPPROTO_UDP, 0, 0, 16, 0, 0, 0, 9 };
	__u32 of_d = family_of(D) == FAMILY_IPV4 ? STRANGER4 : STRANGER6;

	shakes(0x10, 0x20);
	for (int i = 0; i < 4; i++) {
		if (i & 1)
			comes_with(S, 0x20, 32);
		else
			comes(S, tells(MESSAGE_INITIATION, D, 0x30, 0) - 4);	/* a fragment has a multiple of 8 bytes */
		if (in.family == FAMILY_IPV4) {
			in.id = 9;
			in.frag_off = i & 2 ? 2 : 0x2000;
		} else {
			in.n_extra = 8;
			in.first = IPPROTO_FRAGMENT;
			memcpy(in.extra, i & 2 ? later6 : first6, 8);
		}
		refuses(becomes(), UP);
	}
	comes_with(S, 0x20, 32);
	in.dport++;
	refuses(becomes(), UP);
	comes_with(S, 0x20, 32);
	in.dst.b[15]++;
	refuses(becomes(), UP);
	for (int i = 0; i < 2; i++) {		/* an ICMP error about a forwarded packet, from its receiver or a router */
		struct error e = { .ttl = 61, .keep = ~0 };

		comes_with(S, 0x20, 32);
		leaves(D);
		memcpy(e.dmac, in.dmac, ETH_ALEN);
		memcpy(e.smac, in.smac, ETH_ALEN);
		e.about = out;
		e.type = out.family == FAMILY_IPV4 ? 3 : 1;
		e.code = 3;
		e.to = out.src;
		e.from = i ? out.dst : world_addr(people[of_d].addr);
		refuses(came_becomes(error_build(&e, came)), UP);
	}
}
EVERYWHERE(not_ours)

/* Without keys, not even our own: WireGuard handles handshakes, and saved sessions continue */
static void no_keys_here(void)
{
	shakes(0x10, 0x20);
	state_now()->sites = 0;
	for (__u32 key = RELAY; key < SITES; key++) {
		refuses(initiates(S, key, 0x30), UP);
		refuses(initiates(stranger, key, 0x30), UP);
		refuses(responds(D, key, 0x30, 0x10), UP);
		refuses(responds(stranger, key, 0x30, 0x10), UP);
	}
	assert_int_equal(sends_data(S, 0x20), D);
	assert_int_equal(sends_data(D, 0x10), S);
}
EVERYWHERE(no_keys)

/* ---- sites that come and go ---- */

static void waiting_here(void)
{
	__u32 away = AWAY;
	struct blind_waiting *w = bpf_map_lookup_elem(&blind_waiting, &away);
	__u64 now = host_jiffies;

	assert_int_equal(initiates(other, AWAY, 0x11), -DROP_blind_waiting);
	assert_int_equal(initiates(S, AWAY, 0x10), -DROP_blind_waiting);
	assert_int_equal(w->since, now);
	assert_memory_equal(w->message, next_message, INITIATION_LEN);
	w->since = BLIND_WRITING;		/* another CPU */
	assert_int_equal(initiates(other, AWAY, 0x14), -DROP_blind_waiting);
	assert_int_equal(w->since, BLIND_WRITING);
	assert_memory_not_equal(w->message, next_message, INITIATION_LEN);
	w->since = now;
	holds(AWAY, 0x10, S, in_seconds(30), INITIATED);
	refuses(initiates(AWAY, S, 0x12), -DROP_guard_mac1);	/* the key's site is not there */
	host_jiffies = in_seconds(30) - 1;
	site_moves_to(AWAY, AWAY);
	endpoints_are(0, 0, 0);
	assert_int_equal(responds(AWAY, S, 0x20, 0x10), S);
	assert_int_equal(sends_data(S, 0x20), AWAY);
	assert_int_equal(sends_data(AWAY, 0x10), S);
	assert_int_equal(initiates(S, AWAY, 0x13), AWAY);
	holds(AWAY, 0x13, S, in_seconds(10), INITIATED);
	assert_int_equal(w->since, now);
	site_at(AWAY)->place[site_at(AWAY)->now].family = 0;
	refuses(sends_data(S, 0x20), -DROP_blind_waiting);
}
EVERYWHERE(waiting)

/* Sessions belong to a site, wherever it is */
static void moving_here(void)
{
	__u32 before = D, after_it[] = { AWAY, STRANGER6, AWAY };

	shakes(0x10, 0x20);
	for (int i = 0; i < 3; i++) {
		site_moves_to(D, after_it[i]);
		endpoints_are(AWAY, D, after_it[i]);
		assert_int_equal(sends_data(S, 0x20), after_it[i]);
		assert_int_equal(sends_data(after_it[i], 0x10), S);
		assert_int_equal(sends_data(before, 0x10), -DROP_blind_stranger);
		assert_int_equal(initiates(S, D, 0x30 + i), after_it[i]);
		before = after_it[i];
	}
}
EVERYWHERE(moving)

/* ---- time ---- */

/* Forgers use up only the share of forgers, and strangers not that of the sites */
static void time_is_used_up_here(void)
{
	struct guard_budget *budget;
	__u32 zero = 0, n;

	for (n = 0; initiates(stranger, LONELY, 1) == -DROP_guard_mac1; n++)
		;
	assert_uint_in_range(n, 31 * BUDGET_FAILED / 250 / 2 - 2 + FAILED_SHARE,
			     31 * BUDGET_FAILED / 250 / 2 + 2 + FAILED_SHARE);
	refuses(initiates(stranger, RELAY, 1), -DROP_guard_busy);
	comes(stranger, tells(MESSAGE_INITIATION, RELAY, 1, 0));
	in.src.b[6]++;
	in.src.b[13]++;
	refuses(becomes(), UP);			/* another */
	budget = bpf_map_lookup_elem(&budgets, &zero);
	budget->left[0] = 0;
	refuses(becomes(), -DROP_guard_busy);
	assert_int_equal(initiates(S, D, 0x10), D);
	budget->left[1] = 0;
	refuses(initiates(S, D, 0x11), -DROP_guard_busy);
	refuses(responds(D, S, 0x20, 0x10), -DROP_guard_busy);
	refuses(sends_data(S, 0x99), UP);
	host_jiffies++;
	assert_int_equal(responds(D, S, 0x20, 0x10), S);
}
EVERYWHERE(time_is_used_up)

/* Jiffies have more than 32 bits */
static void wrap_here(void)
{
	host_jiffies = (1ULL << 32) - 5 * tick_rate;
	world_control()->generation++;
	shakes(0x11, 0x21);			/* valid until after the wrap */
	assert_int_equal(sends_data(S, 0x21), D);
	assert_int_equal(initiates(S, D, 0x10), D);
	host_jiffies = in_seconds(9);
	assert_int_equal(sends_data(S, 0x21), D);
	assert_int_equal(responds(D, S, 0x20, 0x10), S);
	host_jiffies = in_seconds(190) - 1;
	assert_int_equal(sends_data(S, 0x20), D);
	assert_int_equal(sends_data(D, 0x10), S);
	refuses(initiates(other, D, 0x10), -DROP_blind_refused);
	host_jiffies++;
	refuses(sends_data(S, 0x20), UP);
	assert_int_equal(initiates(other, D, 0x10), D);
	host_jiffies = (2ULL << 32) - 12 * tick_rate;
	assert_int_equal(initiates(S, D, 0x30), D);
	host_jiffies = in_seconds(10);
	refuses(responds(D, S, 0x40, 0x30), -DROP_guard_mac1);
}
EVERYWHERE(wrap)

/* ---- special cases ---- */

/* A dropped message confirms nothing */
static void dropped_here(void)
{
	shakes(0x10, 0x20);
	comes_with(S, 0x20, 24);
	refuses(becomes(), -DROP_guard_shape);
}
EVERYWHERE(dropped)

/* Segments of a length that no message has, which leave as single packets */
static void segment_sizes_here(void)
{
	plane = PLANE_TC;
	shakes(0x10, 0x20);
	assert_int_equal(sends_data(S, 0x20), D);
	for (__u32 size = 8; size < 100; size += 4) {
		for (__u32 i = 0; i < 3; i++) {
			put_le32(next_message + size * i, MESSAGE_DATA);
			put_le32(next_message + size * i + 4, 0x20);
		}
		assert_int_equal(segmented(S, 3, size, 3 * size), size < 32 ? -DROP_guard_shape :
				 family_of(S) == family_of(D) ? (int)D : -DROP_gso_family);
	}
	for (__u32 i = 0; i < 3; i++) {		/* longer than the MTU together */
		put_le32(next_message + 600 * i, MESSAGE_DATA);
		put_le32(next_message + 600 * i + 4, 0x20);
	}
	assert_int_equal(segmented(S, 3, 600, 3 * 600), family_of(S) == family_of(D) ? (int)D : -DROP_gso_family);
}
EVERYWHERE(segment_sizes)

/* tc: as few linear bytes as drivers leave; the rest is in pages */
static void reach_here(void)
{
	plane = PLANE_TC;
	shakes(0x10, 0x20);
	for (__u32 linear = 14; linear < 14 + 60 + 32; linear++) {
		comes_with(S, 0x20, 32);
		how.linear = linear;
		assert_int_equal(becomes(), D);
		comes_with(S, 0x20, 32);
		with_options();
		how.linear = linear;
		assert_int_equal(becomes(), D);
	}
}
EVERYWHERE(reach)

/* tc also sees what XDP passes up, and handles it as the same packet */
static void both_planes_here(void)
{
	world_link(W0, ROLE_WAN, LINK_XDP_SENDS | LINK_TC | LINK_LISTENS | LINK_REPLIES | LINK_NATIVE, 1500, 0);
	for (__u32 i = 0; i < BLIND_STRAYS; i++) {
		plane = PLANE_XDP;
		assert_int_equal(sends_data(stranger, 0x99 + i), UP);
		plane = PLANE_TC;
		assert_int_equal(sends_data(stranger, 0x99 + i), UP);
	}
	plane = PLANE_XDP;
	assert_int_equal(sends_data(stranger, 0x99), -DROP_blind_limited);
}
EVERYWHERE(both_planes)

/* The same if XDP should send it but cannot */
static void handed_up_here(void)
{
	static const __u32 kinds[] = { MESSAGE_INITIATION, MESSAGE_RESPONSE, MESSAGE_DATA, MESSAGE_COOKIE };

	world_link(W0, ROLE_WAN, LINK_TC | LINK_LISTENS | LINK_REPLIES | LINK_NATIVE, 1500, 0);
	for (int i = 0; i < 4; i++) {
		bool response = kinds[i] == MESSAGE_RESPONSE;

		comes(response ? D : S, tells(kinds[i], response ? S : D, i ? 0x20 : 0x10, 0x10));
		plane = PLANE_XDP;
		assert_int_equal(becomes(), UP);
		plane = PLANE_TC;
		assert_int_equal(becomes(), response ? S : D);
	}
}
EVERYWHERE(handed_up)

/* Challenges go to no address that may not send here: a copy of our own WireGuard's messages would go into our own
 * network, or to many hosts */
static void no_candidates_here(void)
{
	static const char *const from[][2] = { { "192.168.1.77", "2001:db8:2::77" }, { "203.0.113.1", "2001:db8:1::1" },
					       { "224.0.0.1", "ff02::1" } };
	bool ipv6 = family_of(S) == FAMILY_IPV6;

	shakes(0x10, 0x20);
	for (int i = 0; i < 3; i++, host_jiffies = in_seconds(2)) {
		comes_with(stranger, 0x20, 32);
		in.src = world_addr(from[i][ipv6]);
		becomes();
		assert_int_equal(site_at(S)->challenged, 0);
	}
}
EVERYWHERE(no_candidates)

/* A packet of the masquerading service's client is sent */
static void client_comes(const struct masq *m)
{
	comes(stranger, 32);
	in.family = FAMILY_IPV4;
	in.src = world_addr(m->client);
	in.dst = world_addr(m->local);
	in.dport = m->port;
	runs(frame_build(&in, came));
	assert_int_equal(ran.verdict, HOST_SENT);
}

/* A new client of a masquerading service is challenged from the first address of its pool, whichever client came
 * before */
static void masquerade_here(void)
{
	const struct masq *m = masq_named("44");

	shakes(0x10, 0x20);
	client_comes(m);
	assert_int_equal(ran.packet.egress, m->out);
	assert_int_equal(host_questions[(host_n_questions - 1) % HOST_QUESTIONS].ipv4_src, addr_to4(world_addr("192.168.1.1")));
}
EVERYWHERE(masquerade)

/* Runs `in` on a CPU whose state is as the packet before left it */
static int runs_next(void)
{
	__u32 len = frame_build(&in, came);
	__u8 *memory = malloc(len + 2 + HOST_ROOM);
	struct host_packet packet = { .data = memory + 2, .len = len, .linear = len };
	int verdict;

	memcpy(memory + 2, came, len);
	verdict = path_pipeline(&packet, plane, W0, false);
	free(memory);
	return verdict;
}

/* A message between sites changes nothing in the flow of the packet that this CPU handled before: not its counters, and
 * not its end. No service has the site's number as its id, as in most instances */
static void leaves_flows_alone_here(void)
{
	const struct masq *m = masq_named("44");
	__u32 place = 0;
	__u64 word = 0;
	struct flow *f;

	shakes(0x10, 0x20);
	*flows_pool(S) = (struct pool){ 0 };
	for (int i = 0; i < 2; i++) {
		client_comes(m);
		while (!flow_at(place, &word))
			place++;
		((struct flow_bucket *)flow_table.values)[place / LEARNED_WAYS].line.word[place % LEARNED_WAYS] =
			learned_word(learned_word_tag(word), LEARNED_LIVE, word, flows_units() + learned_units(30));
	}
	f = flow_at(place, &word);
	assert_int_equal(f->packets[DIRECTION_ORIGINAL], 2);
	comes(S, tells(MESSAGE_DATA, 0, 0x20, 0));
	assert_int_equal(runs_next(), HOST_SENT);
	f = flow_at(place, &word);
	assert_int_equal(learned_left(word, flows_units()), learned_units(30));
	assert_int_equal(f->packets[DIRECTION_ORIGINAL], 2);
}
EVERYWHERE(leaves_flows_alone)

/* Sets a flag of the endpoint of site n */
/* ---- a host that is a site and the backend of a masquerading service, with the express path ---- */

/* A client sends to the service, and the backend (site B) answers it until the express path knows its packets */
static void service_runs(void)
{
	struct seen s;

	world_knows(WAY_BLIND);
	world_listen(7, W0, "203.0.113.1", 58000, people[SITE_B].addr, people[SITE_B].port, 24, SERVICE_MASQUERADE);
	world_entries[world_n_entries - 1].service.flags = SERVICE_MASQUERADE | SERVICE_FLOWS;
	world_commit();
	*flows_pool(7) = (struct pool){ .first = 41000, .last = 41063, .timeout = 30, .n4 = 1, .n6 = 1, .share = 1 << 20, .epoch = 30 };
	flows_pool(7)->own4[0] = world_addr("203.0.113.1");
	flows_no_probes();
	tells(MESSAGE_DATA, 0, 1, 0);
	comes(STRANGER4, 32);
	in.dport = 58000;
	runs(frame_build(&in, came));
	assert_int_equal(ran.verdict, HOST_SENT);
	assert_true(see(left, ran.packet.len, &s));
	for (int i = 0; i < 4; i++) {
		comes(SITE_B, 32);
		in.dport = s.sport;
		runs(frame_build(&in, came));
		assert_int_equal(ran.verdict, HOST_SENT);
		host_jiffies++;
	}
}

/* Returns a receiver index whose entry has the bucket of a key without an index */
static __u32 index_at_place_without(void)
{
	struct express_device d = { .key = { hash_key0, hash_key1 }, .shift = 64 - 8 - express_bits };
	struct express_key k = { 0 };
	struct pkt_state s = { .family = FAMILY_IPV4 };
	__u32 place, index;
	__u64 at;

	comes(SITE_B, 32);
	s.src = in.src;
	s.dst = in.dst;
	s.express.ports = (__u32)htons(in.dport) << 16 | htons(in.sport);
	express_set_key(&k, &s);
	express_complete(&k, express_id(W0, 0), true, false);
	place = memo_place(&d, &k, true, &at);
	for (index = 1; index < 1000000; index++) {
		k.index = htole32(index);
		if (memo_place(&d, &k, true, &at) == place)
			return index;
	}
	fail();
	return 0;
}

static __u32 goes_to(void)
{
	runs(frame_build(&in, came));
	return ran.verdict == HOST_SENT ? got_by() : 0;
}

static void session(__u32 with, __u32 theirs, __u32 ours)
{
	assert_int_equal(initiates(with, SITE_B, theirs), SITE_B);
	assert_int_equal(responds(SITE_B, with, ours, theirs), with);
	assert_int_equal(says(with, MESSAGE_DATA, 0, ours, 0), SITE_B);
}

static void site_is_backend(void **state)
{
	__u32 index;

	plane = PLANE_XDP;
	service_runs();
	index = index_at_place_without();
	session(SITE_C, index, 0x5001);
	session(SITE_D, 0x7777, 0x5002);
	host_jiffies++;
	for (int i = 0; i < 3; i++) {
		comes(SITE_B, 32);
		tells(MESSAGE_DATA, 0, index, 0);
		assert_int_equal(goes_to(), SITE_C);
	}
	for (int i = 0; i < 3; i++) {
		comes(SITE_B, 32);
		tells(MESSAGE_DATA, 0, 0x7777, 0);
		assert_int_equal(goes_to(), SITE_D);
	}
	comes(SITE_B, tells(MESSAGE_INITIATION, SITE_D, 0x6001, 0));
	assert_int_equal(goes_to(), SITE_D);
	comes(SITE_B, 32);
	memset(next_message, 0xee, 32);
	assert_int_equal(goes_to(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bytes), TEST(checksums), TEST(too_far), TEST(shapes), TEST(segments), TEST(not_ours), TEST(no_keys), TEST(waiting),
		TEST(moving), TEST(time_is_used_up), TEST(wrap), TEST(dropped), TEST(segment_sizes), TEST(reach), TEST(both_planes),
		TEST(handed_up), TEST(no_candidates), TEST(masquerade), TEST(leaves_flows_alone), TEST(site_is_backend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
