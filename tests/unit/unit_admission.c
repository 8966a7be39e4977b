// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A service's guard accepts exactly the messages that it should, by shape, mac1 (OpenSSL's), key, time, limit, replay
 * and `strict`. The test runs on the host plane under ASan and UBSan. Each reason by itself, on both planes, both
 * families, dnat and masquerade.
 */
#include "host/host_handshakes.h"

static const enum plane planes[] = { PLANE_XDP, PLANE_TC };

static int set_up(void **state)
{
	guard_setup(0, 1);
	plane = PLANE_TC;
	return 0;
}

static int tear_down(void **state)
{
	bool held = ways_sums_hold();

	world_clear();
	guards_reset();
	return held ? 0 : -1;
}

/* Runs the test for each service on each plane, each time with new state */
static void everywhere(__u32 flags, __u32 n_keys, void (*test)(void))
{
	for (size_t i = 0; i < GUARDED * 2; i++) {
		guard_setup(flags, n_keys);
		at_service = &guarded[i / 2];
		plane = planes[i % 2];
		test();
	}
}

/* ---- shapes ---- */

static int with_len(__u32 kind, __u32 header, __u32 len)
{
	struct guard_message m = { .kind = kind, .header = header, .len = len };

	message_make(&m);
	backend_waits(0, 0);
	if (!len) {
		client_comes(&m);
		in.payload = 0;
		return becomes();
	}
	return sends(&m);
}

/* Right length by kind of message; data may have any length from 32 bytes on */
static const __u32 right_len[] = { 0, INITIATION_LEN, RESPONSE_LEN, COOKIE_LEN };

static void shapes_here(void)
{
	for (__u32 kind = 1; kind < MESSAGE_DATA; kind++)
		for (int off = -2; off <= 2; off++)
			assert_int_equal(with_len(kind, 0, right_len[kind] + off), off ? -DROP_guard_shape : 0);
	for (__u32 kind = 1; kind <= MESSAGE_DATA; kind++)
		for (__u32 len = 0; len < 40; len++)
			assert_int_equal(with_len(kind, 0, len), kind == MESSAGE_DATA && len >= 32 ? 0 : -DROP_guard_shape);
	for (__u32 len = 32; len <= 1452; len += 4)	/* 1452: a full packet of an MTU of 1420 */
		assert_int_equal(with_len(MESSAGE_DATA, 0, len), 0);
	for (__u32 header = 0; header < 7; header++)
		for (__u32 i = 0; i < 5; i++)
			assert_int_equal(with_len(MESSAGE_DATA, header ?: 0x100, (__u32[]){ 32, 48, 64, 92, 148 }[i]),
					 header == 4 || (header == 3 && i == 2) ? 0 :
					 header == 1 && i == 4 ? -DROP_guard_mac1 : header == 2 && i == 3 ? -DROP_guard_stranger :
					 -DROP_guard_shape);
	for (__u32 kind = 1; kind <= MESSAGE_DATA; kind++)
		for (__u32 bit = 8; bit < 32; bit++)
			assert_int_equal(with_len(kind, kind | 1U << bit, right_len[kind & 3] ?: 32), -DROP_guard_shape);
}

static void shapes(void **state)
{
	everywhere(0, 1, shapes_here);
}

static __u32 junk_sizes[MESSAGES];

static void amneziawg_here(void)
{
	static const __u32 headers[] = { 0xdeadbeef, 5, 0x80000001, 0x12345678 };
	struct guard *g = guard_at(at_service->id);
	struct guard_message m;

	for (__u32 i = 0; i < MESSAGES; i++) {
		g->header[i] = htole32(headers[i]);
		g->junk[i] = junk_sizes[i];
		g->flags |= junk_sizes[i] ? GUARD_JUNK : 0;
	}
	for (__u32 kind = 1; kind <= MESSAGE_DATA; kind++) {
		/* The kinds of WireGuard's own header, with its length */
		assert_int_equal(with_len(kind, 0, right_len[kind & 3] ?: 32), -DROP_guard_shape);
		for (int off = -1; off <= 1; off++) {
			m = (struct guard_message){ .kind = kind, .header = headers[kind - 1], .junk = junk_sizes[kind - 1] + off };
			if (off < 0 && !junk_sizes[kind - 1])
				continue;
			message_make(&m);
			backend_waits(0, 0);
			assert_int_equal(sends(&m), off ? -DROP_guard_shape : 0);
		}
		m = (struct guard_message){ .kind = kind, .header = headers[kind - 1], .junk = junk_sizes[kind - 1] };
		message_make(&m);
		m.bytes[m.junk + 1] ^= 1;
		assert_int_equal(sends(&m), -DROP_guard_shape);
	}
	m = (struct guard_message){ .kind = MESSAGE_INITIATION, .header = headers[0], .junk = junk_sizes[0] };
	message_make(&m);
	m.bytes[m.junk + 116] ^= 1;
	assert_int_equal(sends(&m), -DROP_guard_mac1);
	for (__u32 n = 0; n < 24; n++) {	/* shorter than junk and header */
		client_comes(&m);
		in.payload = n;
		assert_int_equal(becomes(), -DROP_guard_shape);
	}
}

static void amneziawg(void **state)
{
	static const __u32 sizes[][MESSAGES] = {
		{ 0 }, { 15, 18, 0, 0 }, { 15, 18, 20, 7 }, { 1, 0, 0, 0 }, { 0, 0, 0, 16 }, { 1132, 1188, 900, 33 },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memcpy(junk_sizes, sizes[i], sizeof(junk_sizes));
		everywhere(0, 1, amneziawg_here);
	}
}

/* AmneziaWG 2.0: a range of headers for each kind. The second begins where the first ends, and an initiation is as long as a
 * response with its junk. No number is above the last range. */
static const struct { __u32 first, last, junk; } ranges[] = { { 3184, 4442, 40 }, { 4443, 9000, 96 }, { 20000, 20000, 12 }, { 0xfffffff0, 0xffffffff, 7 } };

static void guard_ranges(bool junk)
{
	struct guard *g = guard_at(at_service->id);

	for (__u32 i = 0; i < MESSAGES; i++) {
		g->header[i] = htole32(ranges[i].first);
		g->span[i] = ranges[i].last - ranges[i].first;
		g->junk[i] = junk ? ranges[i].junk : 0;
	}
	g->flags |= junk ? GUARD_JUNK : 0;
}

static int with_header(__u32 kind, __u32 header, __u32 junk, __u32 len)
{
	struct guard_message m = { .kind = kind, .header = header, .junk = junk, .len = len };

	message_make(&m);
	backend_waits(0, 0);
	return sends(&m);
}

static void ranges_of(bool junk)
{
	for (__u32 kind = 1; kind <= MESSAGE_DATA; kind++) {
		__u32 first = ranges[kind - 1].first, last = ranges[kind - 1].last, n = junk ? ranges[kind - 1].junk : 0, len = right_len[kind & 3];
		const __u32 good[] = { first, last, first + (last - first) / 2 }, bad[] = { first - 1, last + 1, 9001, 15000, kind, first ^ 0x80000000 };

		for (__u32 i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
			assert_int_equal(with_header(kind, good[i], n, 0), 0);
			for (int off = -1; off <= 1; off += 2)
				assert_int_equal(with_header(kind, good[i], n, (len ?: 32) + off), kind == MESSAGE_DATA && off > 0 ? 0 : -DROP_guard_shape);
		}
		assert_int_equal(with_header(kind, last, n, 1408), kind == MESSAGE_DATA ? 0 : -DROP_guard_shape);
		for (__u32 i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			if (bad[i])			/* the number after the last one of all is 0 */
				assert_int_equal(with_header(kind, bad[i], n, 0), -DROP_guard_shape);
		if (kind != MESSAGE_DATA)
			assert_int_equal(with_header(kind, 0xfffffff8, n, 0), junk ? -DROP_guard_shape : 0);	/* it is data */
	}
}

static void ranges_here(void)
{
	struct guard_message m = message(MESSAGE_DATA, 0, 7);

	guard_ranges(false);
	ranges_of(false);
	put_le32(m.bytes, 0);
	assert_int_equal(sends(&m), -DROP_guard_shape);
	guard_ranges(true);
	ranges_of(true);
}

static void header_ranges(void **state)
{
	everywhere(0, 1, ranges_here);
}

/* The packets that AmneziaWG sends before an initiation (Jc, I1 to I5) are dropped. They use nothing that the initiation
 * needs: no limit of the source, no share of the guard's time, and the backend is not down because of them. */
static void junk_first_here(void)
{
	struct guard_message m = { .kind = MESSAGE_INITIATION, .header = 4000, .junk = 40 }, junk = { .kind = MESSAGE_DATA };
	struct guard *g = guard_at(at_service->id);
	__u32 zero = 0, seed = 7;
	struct guard_budget before, *now = bpf_map_lookup_elem(&budgets, &zero);

	guard_ranges(true);
	g->source_each = g->service_each = (__u64)tick_rate << GUARD_TICK;
	g->source_burst = g->service_burst = 1;
	before = *now;
	for (__u32 i = 0; i < 128 + 5; i++) {
		message_make(&junk);
		for (__u32 at = 0; at < 1400; at++)
			junk.bytes[at] = (seed = seed * 1103515245 + 12345) >> 17 & 0x7f;	/* in no range */
		junk.len = i ? 8 + i * 11 % 1200 : INITIATION_LEN + 40;
		assert_int_equal(sends(&junk), -DROP_guard_shape);
	}
	assert_memory_equal(&before, now, sizeof(before));
	assert_int_equal(health_at(at_service->id, 0)->unanswered, 0);
	message_make(&m);
	assert_int_equal(sends(&m), 0);
}

static void junk_first(void **state)
{
	everywhere(0, 1, junk_first_here);
}

/* Options, extension headers, and bytes that are not in the linear part */
static void headers_here(void)
{
	struct guard_message m = initiation_for(0), data = message(MESSAGE_DATA, 0, 7), wrong = initiation_for(1);

	for (int i = 0; i < 3; i++) {
		const struct guard_message *is = i == 0 ? &m : i == 1 ? &data : &wrong;
		__u32 len;
		int rc;

		client_comes(is);
		in.n_extra = 8;
		if (in.family == FAMILY_IPV4)
			memset(in.extra, 1, 8);
		else
			memcpy(in.extra, (__u8[]){ IPPROTO_UDP, 0, 1, 4, 0, 0, 0, 0 }, 8);
		in.first = IPPROTO_DSTOPTS;
		if (at_service->id < 4) {	/* services with such options */
			rc = becomes();
			assert_int_equal(rc, i == 2 ? -DROP_guard_mac1 : 0);
		}
		client_comes(is);
		in.padding = 5;
		rc = becomes();
		assert_int_equal(rc, i == 2 ? -DROP_guard_mac1 : 0);
		client_comes(is);
		len = frame_build(&in, came);
		for (__u32 linear = 14 + 48; linear < len; linear += 9) {
			ran = way_run(PLANE_TC, W0, came, len, linear, left);
			assert_int_equal(ran.verdict, i == 2 ? HOST_DROP : HOST_SENT);
		}
	}
}

static void headers(void **state)
{
	everywhere(0, 1, headers_here);
}

/* ---- fragments and errors ---- */

/* The guard checks a first fragment only up to its end: the frame's last bytes behind it do not count */
static void first_fragments(void **state)
{
	struct guard_message m = message(MESSAGE_DATA, 0, 7), begins = initiation_for(0);

	m.len = 1024;
	message_make(&m);
	for (__u32 n = 0; n <= 1024; n += 8) {
		client_comes(&m);
		in.frag_off = 0x2000;
		in.id = n + 1;
		in.payload = n;
		in.udp_len = 1024 - n;
		if (n < 8)
			in.padding = 40;
		assert_int_equal(becomes(), n < 8 ? -DROP_guard_shape : 0);
	}
	client_comes(&m);			/* padded with bytes that look like the header */
	in.frag_off = 0x2000;
	in.id = 7000;
	in.payload = 1024;
	frame_build(&in, came);
	put16(came + 14 + 2, 28);
	put16(came + 14 + 10, 0);
	put16(came + 14 + 10, ~frame_fold(frame_sum(came + 14, 20)));
	ran = way_run(plane, W0, came, 14 + 28 + 1024, 14 + 28 + 1024, left);
	assert_int_equal(ran.verdict, HOST_DROP);
	assert_int_equal(way_reason(0, DIRECTION_ORIGINAL, plane, DROP_guard_shape), 2);
	client_comes(&begins);			/* an initiation in fragments is invalid, even if the rest follows */
	in.frag_off = 0x2000;
	in.id = 7001;
	frame_build(&in, came);
	put16(came + 14 + 2, 28 + 64);
	put16(came + 14 + 10, 0);
	put16(came + 14 + 10, ~frame_fold(frame_sum(came + 14, 20)));
	ran = way_run(plane, W0, came, 14 + 28 + 148, 14 + 28 + 148, left);
	assert_int_equal(ran.verdict, HOST_DROP);
}

static void later_fragments(void **state)
{
	for (int strict = 0; strict < 2; strict++) {
		struct guard_message m = message(MESSAGE_DATA, 0, 7);
		__u32 len;

		guard_setup(strict ? GUARD_STRICT : 0, 1);
		m.len = 1024;
		message_make(&m);
		client_comes(&m);
		in.frag_off = 0x2000;
		in.id = 99;
		in.payload = 512;
		in.udp_len = 512;
		assert_int_equal(becomes(), strict ? -DROP_guard_stranger : 0);
		in.frag_off = 520 / 8;
		in.id = 99;
		in.udp_len = 0;
		len = frame_build(&in, came);
		ran = way_run(plane, W0, came, len, len, left);
		assert_int_equal(ran.verdict, strict ? HOST_PASS : HOST_SENT);	/* without a right mac1 */
	}
}

/* A first fragment that is dropped for a rate tells nothing about later ones */
static void fragments_without_room(void **state)
{
	struct guard_message m = message(MESSAGE_DATA, 0, 7);
	__u32 place = rate_index(0, DIRECTION_ORIGINAL), len;
	struct rate *r;

	guard_setup(0, 1);
	with_rates = true;
	host_map_reset(&rates, 2 * WORLD_SERVICES);
	r = bpf_map_lookup_elem(&rates, &place);
	for (int full = 0; full < 2; full++) {
		*r = (struct rate){ .until = { 0, full ? ~0ULL >> 1 : 0 }, .each = { 0, 1 }, .burst = { 0, 10ULL << RATE_TICK } };
		m.len = 1024;
		message_make(&m);
		client_comes(&m);
		in.frag_off = 0x2000;
		in.id = 98 + full;
		in.payload = 512;
		in.udp_len = 512;
		assert_int_equal(becomes(), full ? -DROP_rate_limited : 0);
		r->until[RATE_PACKETS] = 0;
		in.frag_off = 520 / 8;
		in.udp_len = 0;
		len = frame_build(&in, came);
		ran = way_run(plane, W0, came, len, len, left);
		assert_int_equal(ran.verdict, full ? HOST_PASS : HOST_SENT);
	}
	with_rates = false;
	host_map_reset(&rates, 1);
}

/* An ICMP error about a packet of a backend */
static void errors(void **state)
{
	guard_setup(GUARD_STRICT, 1);
	for (size_t i = 0; i < 2; i++) {
		struct way w = { "", W0, i, DIRECTION_ORIGINAL, guarded[i].client, guarded[i].local, guarded[i].backend, 51820, 51820, L0, 10 };
		struct error e;
		__u32 len;

		error_comes(&w, &e);
		len = error_build(&e, came);
		ran = way_run(plane, W0, came, len, len, left);
		assert_int_equal(ran.verdict, HOST_SENT);
	}
}

static int segmented(const struct guard_message *parts, __u32 n, __u32 size)
{
	static __u8 payload[60000];
	struct host_packet packet = { .gso_segs = n, .gso_size = size };
	__u8 *memory;
	__u32 at = 0;

	for (__u32 i = 0; i < n; i++) {
		memcpy(payload + at, parts[i].bytes, message_len(&parts[i]));
		at += message_len(&parts[i]);
	}
	client_comes(&parts[0]);
	in.bytes = payload;
	in.payload = at;
	packet.len = packet.linear = frame_build(&in, came);
	memory = malloc(packet.len + 2 + HOST_ROOM);
	packet.data = memory + 2;
	memcpy(packet.data, came, packet.len);
	ran.verdict = world_run(PLANE_TC, W0, &packet);
	free(memory);
	return ran.verdict;
}

/* A flow counts each segment with its headers, like the totals */
static void segments_of_flow(const struct guard_message *parts, __u32 n, __u32 size)
{
	__u32 headers = world_family(at_service->client) == FAMILY_IPV4 ? 28 : 48;
	const struct flow *flow = NULL;
	__u64 packets, bytes, word;

	for (__u32 i = 0; i < flow_table.max * LEARNED_WAYS; i++)
		flow = flow_at(i, &word) ?: flow;
	assert_non_null(flow);
	packets = flow->packets[DIRECTION_ORIGINAL];
	bytes = flow->bytes[DIRECTION_ORIGINAL];
	assert_int_equal(segmented(parts, n, size), HOST_SENT);
	assert_int_equal(flow->packets[DIRECTION_ORIGINAL] - packets, n);
	assert_int_equal(flow->bytes[DIRECTION_ORIGINAL] - bytes, n * (size + headers));
}

static void segments_here(void)
{
	bool strict = guard_at(at_service->id)->flags & GUARD_STRICT;
	struct guard_message parts[40];

	plane = PLANE_TC;
	if (at_service->id >= 4)		/* a segment does not change its family */
		return;
	for (__u32 i = 0; i < 40; i++) {
		parts[i] = message(MESSAGE_DATA, 0, 7);
		parts[i].len = 1280;
		message_make(&parts[i]);
	}
	assert_int_equal(segmented(parts, 40, 1280), HOST_SENT);
	if (at_service->flags & SERVICE_MASQUERADE) {
		shakes(0, 1, 2);
		segments_of_flow(parts, 40, 1280);
	}
	for (__u32 bad = 0; bad < 40; bad += 13) {
		parts[bad].bytes[0] = 1;
		assert_int_equal(segmented(parts, 40, 1280), HOST_DROP);
		parts[bad].bytes[0] = 4;
		parts[bad].bytes[3] = 4;
		assert_int_equal(segmented(parts, 40, 1280), HOST_DROP);
		parts[bad].bytes[3] = 0;
	}
	for (__u32 len = 0; len <= 80; len++) {
		parts[39].len = len ?: 1280;
		assert_int_equal(segmented(parts, 40, 1280), len && len < 32 ? HOST_DROP : HOST_SENT);
	}
	parts[39] = parts[0];
	for (__u32 i = 0; i < 40; i++)
		parts[i].len = 1279;
	assert_int_equal(segmented(parts, 40, 1279), HOST_SENT);
	for (__u32 i = 0; i < 40; i++)
		parts[i].len = 31;
	assert_int_equal(segmented(parts, 40, 31), HOST_DROP);
	for (__u32 kind = 1; kind < MESSAGE_DATA; kind++) {
		parts[0] = parts[1] = message(kind, 1, 7);
		assert_int_equal(segmented(parts, 2, message_len(parts)), HOST_DROP);
		parts[2] = message(MESSAGE_DATA, 0, 7);
		parts[2].len = 64;
		message_make(&parts[2]);
		assert_int_equal(segmented(parts + 1, 2, message_len(parts)), HOST_DROP);
	}
	assert_int_equal(strict, false);
}

static void segments(void **state)
{
	everywhere(0, 1, segments_here);
}

/* AmneziaWG 2.0: each segment has a header of its own from the range */
static void segments_ranges_here(void)
{
	struct guard_message parts[40];

	plane = PLANE_TC;
	if (at_service->id >= 4)
		return;
	for (int junk = 0; junk < 2; junk++) {
		guard_ranges(junk);
		for (__u32 i = 0; i < 40; i++) {
			parts[i] = (struct guard_message){ .kind = MESSAGE_DATA, .receiver = 7, .len = 1280, .header = 0xfffffff0 + i % 16,
							   .junk = junk ? 7 : 0 };
			message_make(&parts[i]);
		}
		assert_int_equal(segmented(parts, 40, 1280 + parts[0].junk), HOST_SENT);
		for (__u32 bad = 0; bad < 40; bad += 13) {
			put_le32(parts[bad].bytes + parts[bad].junk, 0xffffffef);
			assert_int_equal(segmented(parts, 40, 1280 + parts[0].junk), HOST_DROP);
			put_le32(parts[bad].bytes + parts[bad].junk, 0xffffffff);
		}
	}
}

static void segments_ranges(void **state)
{
	everywhere(0, 1, segments_ranges_here);
}

/* ---- mac1 and keys ---- */

static void mac1_here(void)
{
	for (__u32 kind = MESSAGE_INITIATION; kind <= MESSAGE_RESPONSE; kind++) {
		__u32 at = kind == MESSAGE_INITIATION ? 116 : 60;
		struct guard_message m = message(kind, 1, 2);
		bool response = kind == MESSAGE_RESPONSE;
		__u64 before;

		backend_waits(0, 2);
		assert_int_equal(sends(&m), 0);
		backend_waits(0, 2);
		before = remembered();
		for (__u32 i = 4; i < at + MAC_LEN; i++) {
			bool index = response && i >= 8 && i < 12;	/* the index belongs to an initiation that was never sent */

			m.bytes[i] ^= 1 << i % 8;
			assert_int_equal(sends(&m), index ? -DROP_guard_stranger : -DROP_guard_mac1);
			m.bytes[i] ^= 1 << i % 8;
		}
		assert_int_equal(remembered(), before);
		for (__u32 i = at + MAC_LEN; i < at + 2 * MAC_LEN; i++)	/* mac2 is tested elsewhere */
			m.bytes[i] ^= 0x55;
		assert_int_equal(sends(&m), 0);
	}
}

static void mac1(void **state)
{
	everywhere(0, 1, mac1_here);
}

/* A client that the backend has answered needs a right mac1 too */
static void mac1_known_here(void)
{
	struct guard_message m = message(MESSAGE_INITIATION, 3, 0);

	shakes(0, 1, 2);
	m.bytes[20] ^= 1;
	assert_int_equal(sends(&m), -DROP_guard_mac1);
	m.bytes[20] ^= 1;
	assert_int_equal(sends(&m), 0);
}

static void mac1_known(void **state)
{
	everywhere(0, 1, mac1_known_here);
}

static void keys_here(void)
{
	__u32 n = guard_at(at_service->id)->keys & 0xff;

	for (__u32 i = 0; i < KEYS; i++)
		assert_int_equal(sends_initiation(i), i < n ? 0 : -DROP_guard_mac1);
	assert_int_equal(health_at(at_service->id, 0)->initiations, n);
}

static void keys(void **state)
{
	static const __u32 n[] = { 0, 1, 3, 64 };

	for (int i = 0; i < 4; i++)
		everywhere(0, n[i], keys_here);
}

/* First both keys are valid, in a row of their own, and then the old one is removed */
static void rotation(void **state)
{
	struct guard *g = guard_at(0);

	assert_int_equal(sends_initiation(0), 0);
	assert_int_equal(sends_initiation(1), -DROP_guard_mac1);
	keys_written(200, 0, 2, false);
	assert_int_equal(sends_initiation(1), -DROP_guard_mac1);
	g->keys = GUARD_KEYS_WORD(200, 2);
	assert_int_equal(sends_initiation(0), 0);
	assert_int_equal(sends_initiation(1), 0);
	keys_written(100, 1, 1, false);
	g->keys = GUARD_KEYS_WORD(100, 1);
	assert_int_equal(sends_initiation(0), -DROP_guard_mac1);
	assert_int_equal(sends_initiation(1), 0);
}

/* ---- time ---- */

#define FULL(budget) (31 * (budget) / 250)	/* for an eighth of a second, in whole jiffies */
#define FULL_BUDGET FULL(BUDGET_UNKNOWN)

static struct guard_budget *budget(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&budgets, &zero);
}

/* Forgeries use the time up, and the rest is for clients that the backend has answered. Beyond its share, a source
 * has little of it, together with all such sources. With time, all get some again. */
static void time_is_used_up(void **state)
{
	struct guard_message right = initiation_for(0), wrong = initiation_for(64);
	__u32 tried = 0, known = client_port;

	keys_written(16, 0, 64, false);
	guard_at(0)->keys = GUARD_KEYS_WORD(16, 64);
	shakes(0, 1, 2);
	client_port++;
	client_number = 1;
	while (sends(&wrong) == -DROP_guard_mac1)
		tried++;
	assert_uint_in_range(tried, FAILED_SHARE + FULL(BUDGET_FAILED) / 128, FAILED_SHARE + 1 + FULL(BUDGET_FAILED) / 128);
	/* its share, and that of the known client */
	assert_uint_in_range(budget()->left[0], FULL_BUDGET - FAILED_SHARE * 128 - 4, FULL_BUDGET - FAILED_SHARE * 128);
	assert_int_equal(sends(&right), -DROP_guard_busy);	/* like the forger */
	client_number = 2;
	assert_int_equal(sends(&right), 0);			/* another */
	for (client_number = 3; sends(&wrong) == -DROP_guard_mac1; client_number++)
		tried++;
	assert_uint_in_range(tried, (FULL_BUDGET + FULL(BUDGET_FAILED)) / 128 - 1, (FULL_BUDGET + FULL(BUDGET_FAILED)) / 128 + 2);
	client_number = 2;
	assert_int_equal(sends(&right), -DROP_guard_busy);
	right = message(MESSAGE_RESPONSE, 1, 2);
	backend_waits(0, 2);
	assert_int_equal(sends(&right), -DROP_guard_busy);
	assert_int_equal(sends_data(5), 0);
	client_number = 0;
	assert_int_equal(sends_initiation(0), -DROP_guard_busy);
	client_port = known;
	assert_int_equal(sends_initiation(0), 0);
	client_number = 2;
	host_jiffies++;
	assert_int_equal(sends_initiation(0), 0);
	assert_uint_in_range(budget()->left[0], BUDGET_UNKNOWN / tick_rate - 200, BUDGET_UNKNOWN / tick_rate);
	client_number = 5;
	for (tried = 0; sends(&wrong) == -DROP_guard_mac1; tried++)
		assert_uint_in_range(tried, 0, FAILED_SHARE + BUDGET_FAILED / tick_rate / 128);
	assert_int_equal(sends_initiation(0), -DROP_guard_busy);
	host_jiffies += tick_rate - 2;
	assert_int_equal(sends_initiation(0), 0);		/* there is enough for all */
}

static void refill(void **state)
{
	__u64 tried = 0;

	for (__u32 i = 0; i < 4 * tick_rate; i++) {
		for (int j = 0; j < 6; j++) {
			client_number = i * 6 + j;
			if (sends_initiation(1) != -DROP_guard_mac1)
				continue;
			tried++;
			budget()->left[0] -= 2998;		/* the cost with 1,500 keys */
		}
		host_jiffies++;
	}
	assert_uint_in_range(tried * 3000, 4ULL * BUDGET_UNKNOWN * 95 / 100, (4ULL * BUDGET_UNKNOWN + FULL_BUDGET) * 105 / 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(shapes), TEST(amneziawg), TEST(header_ranges), TEST(junk_first), TEST(headers), TEST(first_fragments), TEST(later_fragments), TEST(fragments_without_room), TEST(errors), TEST(segments),
		TEST(segments_ranges), TEST(mac1), TEST(mac1_known), TEST(keys), TEST(rotation), TEST(time_is_used_up), TEST(refill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
