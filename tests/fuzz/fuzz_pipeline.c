// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No packet makes the data path crash, change what a forwarder must not change, break a checksum, or escape the
 * counters. The host plane has all its features. An input is eight bytes of state (fuzz_state.h), which choose its
 * world, then steps of 19 bytes (fuzz_frames.h), each of which makes a frame. A frame must be unchanged unless sent,
 * and a sent one may differ only where a forwarder writes. Valid checksums stay valid. Every packet counts once.
 * Packets that go up leave no memory. If a map lacks its usual entries, only memory errors count. The other targets
 * have models of single features.
 */
#define WGXDP_HOST
#include "pkt.h"
/* The replacement of the kernel's tables is not to be explored. But it checks that keys and values lie within theirs */
#pragma clang attribute push(__attribute__((no_sanitize("undefined", "coverage"))), apply_to = function)
#include "host/host_maps.h"
#pragma clang attribute pop
#include "host/host_lists.h"
#include "pipeline.h"
/* The rest is no part of the data path, and not to be explored: this saves a third of the time */
#pragma clang attribute push(__attribute__((no_sanitize("address", "undefined", "coverage"))), apply_to = function)
#include "fuzz_build.h"
#include "fuzz_gone.h"
#include "host/host_flows.h"

#define STEPS_MAX 12
#define HEADROOM 16

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);
const char *__asan_default_options(void);

/* Little memory is freed, and it is not reused for long enough: a large quarantine would cost half of the time */
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=1:malloc_context_size=6";
}

static __u8 before[FRAME_MAX + 2 * HOST_ROOM], after[FRAME_MAX + 2 * HOST_ROOM];
static __u8 arena[HEADROOM + 8 + FRAME_MAX + 2 * HOST_ROOM] __attribute__((aligned(8)));	/* only a step's packet is accessible */
static __u64 digest;			/* before a packet */
static bool digest_known;		/* from the previous packet, which changed nothing */

/* ---- the counters ---- */

/* received = forwarded + dropped + passed, for each service, peer, direction and plane; *ret_received: the sum of
 * all */
static void check_counts(__u64 *ret_received)
{
	__u64 missing[2][WORLD_SERVICES * 4] = { 0 }, forwarded = 0, got = 0;
	__u32 zero = 0;
	const struct total *t = bpf_map_lookup_elem(&totals, &zero), *peer = bpf_map_lookup_elem(&peer_totals, &zero);

	*ret_received = 0;
	for (__u32 i = 0; i < WORLD_SERVICES * 4; i++) {
		missing[0][i] = t[i].refused;
		*ret_received += total_received(&t[i]);
	}
	for (__u32 i = 0; i < PEERS * 4; i++) {
		missing[1][i] = i & 1 ? 0 : peer[i].refused;
		*ret_received += i & 1 ? 0 : total_received(&peer[i]);
		*(i & 1 ? &got : &forwarded) += peer[i].forwarded;
		MUST(!(i & 1) || !peer[i].refused);
	}
	for (__u32 i = 0; i < reasons.n; i++) {
		const struct reason_key *key = reasons.entries[i].key;

		missing[key->id >> 31][total_index(key->id & ~PEER_ID, key->direction, key->plane)] -= *(__u64 *)reasons.entries[i].value;
	}
	for (__u32 i = 0; i < WORLD_SERVICES * 4; i++)
		MUST(!missing[0][i] && !missing[1][i]);
	MUST(forwarded == got);
}

static bool reason_counted(enum reason reason)
{
	for (__u32 i = 0; i < reasons.n; i++)
		if (((const struct reason_key *)reasons.entries[i].key)->reason == reason)
			return true;
	return false;
}

static void clear_counts(void)
{
	__u32 zero = 0;

	memset(bpf_map_lookup_elem(&totals, &zero), 0, totals.max * totals.value_size);
	memset(bpf_map_lookup_elem(&peer_totals, &zero), 0, peer_totals.max * peer_totals.value_size);
	host_map_empty(&reasons);
}

/* ---- what leaves ---- */

/* Fields that a firewall may write: MACs, TTL, the IPv4 header's checksum, one address, one port, the UDP checksum */
static bool may_change(const struct seen *s, bool ipv4, enum direction direction, __u32 at)
{
	__u32 from = ipv4 ? 26 : 22, n = ipv4 ? 4 : 16, port = s->l4;

	if (direction == DIRECTION_ORIGINAL) {
		from += n;
		port += 2;
	}
	if (s->later && at >= s->l4)
		return false;
	return at < 12 || at == (ipv4 ? 22 : 21) || (ipv4 && (at == 24 || at == 25)) || (at >= from && at < from + n) ||
	       at == port || at == port + 1 || at == s->l4 + 6 || at == s->l4 + 7;
}

/* In a firewall's error, both IP headers, the message's checksum, and addresses, port and checksums in the quote may
 * change */
static bool may_change_error(const struct seen_error *e, __u32 at)
{
	__u32 addresses = e->ipv4 ? 12 : 8, end = e->ipv4 ? 20 : 40;

	return at < 12 || at == ETH_HLEN + (e->ipv4 ? 8 : 7) || (at >= ETH_HLEN + addresses && at < ETH_HLEN + end) ||
	       (at >= e->quoted + addresses && at < e->quoted + end) || (e->ipv4 && (at / 2 == 12 || at / 2 == (e->quoted + 10) / 2)) ||
	       at / 2 == e->at / 2 + 1 || (at >= e->udp && at < e->udp + 4) || at / 2 == e->udp / 2 + 3;
}

static enum direction counted_as(void)
{
	__u32 zero = 0;
	const struct total *t = bpf_map_lookup_elem(&totals, &zero);

	for (__u32 i = 0; i < WORLD_SERVICES * 4; i++)
		if (total_received(&t[i]))
			return i & 1;
	return DIRECTION_ORIGINAL;
}

static void check_service(__u32 len, const struct host_packet *packet)
{
	bool firewall = present == &worlds[FIREWALL], ipv4 = before[12] == 8;
	enum direction direction = counted_as();
	struct seen_error error, error_after;
	struct seen b;

	if (is_error(before) && gone.n) {		/* fragmented */
		goes(&(struct host_packet){ .data = after, .len = packet->len }, packet->egress);
		MUST(see_error(before, len, &error) && gone.end == error.end - error.at && !gone.seen.more && gone.first.ttl == error.ttl - 1);
		return;
	}
	if (is_error(before)) {
		check_gone_error(before, len, after, packet->len, &error, &error_after);
		for (__u32 i = 0; firewall && i < len; i++)
			MUST(before[i] == after[i] || may_change_error(&error, i));
		return;
	}
	goes(&(struct host_packet){ .data = after, .len = packet->len }, packet->egress);
	check_gone(before, len, &b);
	for (__u32 i = 0; firewall && gone.n == 1 && i < len; i++)
		MUST(before[i] == after[i] || may_change(&b, ipv4, direction, i));
	last.any = !gone.seen.later && packet->len <= sizeof(last.frame);
	if (!last.any)
		return;
	memcpy(last.frame, after, packet->len);
	last.len = packet->len;
	last.link = packet->egress;
	last.seen = gone.seen;
}

/* For a site only the MACs, if there are any, and the hop limit may change */
static void check_site(__u32 len, const struct host_packet *packet)
{
	MUST(after[21] == before[21] - 1 && before[21] > 1);
	after[21]++;
	MUST(len > 54 && packet->len <= len && packet->len == 54 + get16(before + 18) && !memcmp(before + 12, after + 12, packet->len - 12));
}

/* Remembers the packet for later answers and errors */
static void remember_site(const struct host_packet *packet)
{
	last.any = packet->len >= 62 && packet->len <= sizeof(last.frame);
	if (!last.any)
		return;
	memcpy(last.frame, before, packet->len);
	last.len = packet->len;
	last.link = packet->egress;
	last.seen = (struct seen){ .l4 = 54, .family = FAMILY_IPV6, .src = addr_load(before + 22), .dst = addr_load(before + 38),
				   .sport = get16(before + 54), .dport = get16(before + 56) };
}

static bool is_site(void)
{
	__u32 zero = 0;
	const struct total *t = bpf_map_lookup_elem(&peer_totals, &zero);
	__u64 n = 0;

	for (__u32 i = 0; i < PEERS * 4; i++)
		n += total_received(&t[i]);
	return n;
}

/* ---- a step ---- */

static __u32 segments(const struct host_packet *packet)
{
	return packet->gso_size && packet->len > 28 ? (packet->len - 28 + packet->gso_size - 1) / packet->gso_size : 1;
}

static void goes_if(const struct host_packet *packet, __u32 egress)
{
	if (!lookup_failed)
		goes(packet, egress);
	MUST(packet->len <= FRAME_MAX + 2 * HOST_ROOM);
}

/* Like world_run(), but a lookup may find nothing if the input says so */
static int run_packet(enum plane plane, bool bare, struct host_packet *packet)
{
	int verdict;

	host_proto = packet->len && *packet->data >> 4 == 4 ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	cpu_soil();
	packet_runs = true;
	verdict = path_pipeline(packet, plane, came_link, bare);
	packet_runs = false;
	return verdict;
}

static void check(enum plane plane, __u32 len, int verdict, const struct host_packet *packet, __u32 most, bool changed)
{
	const struct link *link = link_find(came_link);
	bool same = packet->len == len && !memcmp(before, after, len);
	const char *complaint = with_flows ? flows_complaint() : NULL;
	__u64 received;

	check_counts(&received);
	if (complaint)
		fprintf(stderr, "%s\n", complaint);
	MUST(!complaint && received <= most);
	if (verdict == HOST_SENT && reason_counted(DROP_fragments_unresolved)) {
		/* only the first fragment leaves: with it the kernel resolves the neighbour */
		MUST(received && !host_send_fails && packet->egress && plane == PLANE_TC);
		goes(&(struct host_packet){ .data = after, .len = packet->len }, packet->egress);
		MUST(gone.n == 1 && gone.seen.more);
	} else if (verdict == HOST_SENT) {
		MUST(received && !host_send_fails && packet->egress && link);
		MUST(plane == PLANE_TC || !packet->by_neighbour);
		if (is_site()) {
			check_site(len, packet);
			remember_site(packet);
			return;
		}
		check_service(len, packet);
	} else if (verdict == HOST_PASS) {
		MUST(same && !packet->egress && (!changed || !packet->head));	/* a first fragment is remembered even without room for tags */
		MUST(!received || plane == PLANE_TC || !link || !(link->flags & LINK_TC) || came_link == B0 || before[12] == 0x81 || before[12] == 0x88);
	} else {
		MUST(received && !packet->egress);
		MUST(same || host_send_fails || present != &worlds[FIREWALL]);
	}
}

/* If XDP removes or adds tags, they are checked separately. Returns the frame's length */
static __u32 without_tags(__u8 *frame, __u32 len)
{
	for (int i = 0; i < 2 && (frame[12] == 0x81 || frame[12] == 0x88) && !(frame[13] & ~0xa8); i++, len -= 4)
		memmove(frame + 12, frame + 16, len - 16);
	return len;
}

/* n accessible bytes, surrounded by inaccessible and uninitialized ones */
static __u8 *packet_place(__u32 front, const __u8 *bytes, __u32 n)
{
	__u8 *data = arena + front;

	ASAN_POISON_MEMORY_REGION(arena, sizeof(arena));
	ASAN_UNPOISON_MEMORY_REGION(arena, front + n + HOST_ROOM);
	memset(arena, 0xbe, front);
	memcpy(data, bytes, n);
	memset(data + n, 0xbe, HOST_ROOM);
	ASAN_POISON_MEMORY_REGION(arena, front);
	ASAN_POISON_MEMORY_REGION(data + n, HOST_ROOM);
	return data;
}

/* The maximum that a packet may count for: without a known payload, everything except UDP's header */
static __u32 counts_most(const struct host_packet *packet)
{
	__u32 size = packet->gso_size, most = size ? (packet->len - 8 + size - 1) / size : 1;

	return 1 + (most > packet->gso_segs ? most : packet->gso_segs);
}

/* Runs the first len bytes of `came`, in memory that ends there */
static void run_step(const struct step *s, __u32 len)
{
	bool bare = is_bare(came_link);
	enum plane plane = bare || s->how & ON_TC ? PLANE_TC : PLANE_XDP;
	__u32 head = bare ? ETH_HLEN : 0, n = len - head, pad = bare ? 0 : 2, most;
	struct host_packet packet = { .len = n, .linear = s->linear == 255 || s->linear > n ? n : s->linear };
	bool changed = false;
	int verdict;

	if (bare)
		put16(came + 12, n && came[head] >> 4 == 4 ? ETH_P_IP : ETH_P_IPV6);
	packet.head = s->heads & 32 && !bare ? 0 : HEADROOM;
	packet.data = packet_place(HEADROOM + pad, came + head, n);
	memcpy(before, came, len);
	if (plane == PLANE_TC && s->gso && n > 42) {
		packet.gso_size = s->gso * 16;
		packet.gso_segs = s->how & UNCOUNTED ? 0 : segments(&packet);
	}
	most = counts_most(&packet);
	memset(&gone, 0, offsetof(typeof(gone), data));
	host_cloned = goes_if;
	clear_counts();
	digest = digest_known ? digest : world_digest();
	verdict = run_packet(plane, bare, &packet);
	MUST(packet.len <= n + HOST_ROOM + HEADROOM);
	head = bare && packet.data < arena + HEADROOM ? 0 : head;	/* it may have got an Ethernet header */
	memcpy(after, came, head);
	memcpy(after + head, packet.data, packet.len);
	if (bare && verdict != HOST_SENT)
		memcpy(after + 12, came + 12, 2);
	else if (bare)
		put16(after + 12, after[ETH_HLEN] >> 4 == 4 ? ETH_P_IP : ETH_P_IPV6);
	packet.len += head;
	if (verdict == HOST_SENT) {
		len = without_tags(before, len);
		packet.len = without_tags(after, packet.len);
	}
	if (verdict == HOST_PASS)
		changed = world_digest() != digest;
	digest_known = verdict == HOST_PASS && !changed;
	if (!lookup_failed)
		check(plane, len, verdict, &packet, most, changed);
}

/* ---- an input ---- */

static void time_passes(const struct step *s)
{
	const __u32 jiffies[] = { 0, 0, 0, 1, tick_rate, 2 * tick_rate, 3 * tick_rate, 6 * tick_rate, 11 * tick_rate, 16 * tick_rate,
				  40 * tick_rate, 100 * tick_rate, 181 * tick_rate, 191 * tick_rate, 201 * tick_rate, 1 };

	host_jiffies += jiffies[s->time % 16];
	digest_known &= !s->time;
	if (s->time & 0x40)
		backends_replaced();
	if (s->time & 0x80)
		world_control()->generation++;
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	static bool ready;
	struct state state;

	if (size < sizeof(state))
		return 0;
	memcpy(&state, data, sizeof(state));
	data += sizeof(state);
	size -= sizeof(state);
	if (!ready) {
		frames_begin();
		scenes_make();
	}
	ready = true;
	state_enter(&state);
	last.any = digest_known = false;
	came_len = in.family = 0;
	for (int i = 0; i < STEPS_MAX && size >= sizeof(struct step); i++) {
		struct step step;
		__u32 n;

		memcpy(&step, data, sizeof(step));
		data += sizeof(step);
		size -= sizeof(step);
		n = get16(step.len) % FRAME_MAX;
		n = n < size ? n : size;
		n = step.how % KINDS == RAW ? n : 0;
		time_passes(&step);
		came_len = frame_put(&step, data, n);
		data += n;
		size -= n;
		if (came_len >= ETH_HLEN)
			run_step(&step, came_len);
	}
	world_restore();
	return 0;
}
#pragma clang attribute pop
