// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target: the data path on the host plane. An input is four bytes of state, then a frame. What must hold of any frame:
 * untouched unless sent, and then only where a forwarder writes; valid checksums stay valid; every packet counts once.
 */
#include "fuzz_must.h"
#include "host_see.h"

struct state {				/* the head of an input */
	__u8 link;			/* plane: lowest bit */
	__u8 kernel;			/* what the kernel does and says; bit 4: a first fragment comes before it, see precede(); bit 5:
					 * nobody has counted its segments */
	__u8 linear;			/* bytes in reach; 255: all */
	__u8 gso;			/* payload of a segment in units of 16 bytes; 0: no GSO */
};

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);

static __u32 ingress(const struct state *s)
{
	static const __u32 all[] = { W0, L0, X0, M0, T0, G0 };

	return all[s->link / 2 % 6];
}

static void reset(const struct state *s, bool all)
{
	static bool ready;
	__u32 zero = 0;

	if (!ready)
		scene_setup();
	ready = true;
	memset(bpf_map_lookup_elem(&totals, &zero), 0, totals.max * totals.value_size);
	host_map_reset(&reasons, reasons.max);
	memset(bpf_map_lookup_elem(&nexthops, &zero), s->kernel & 1 ? 0 : 0xff, nexthops.max * nexthops.value_size);
	for (__u32 slot = 0; slot < nexthops.max; slot++)	/* clocks far ahead, answers long out of date */
		((struct nexthop *)bpf_map_lookup_elem(&nexthops, &slot))->until = 0;
	world_control()->flags = s->kernel & 2 ? CONTROL_ASK_ALWAYS : 0;
	host_send_fails = s->kernel & 4;
	if (s->kernel & 8)
		host_map_reset(&choices, choices.max);
	if (all)
		host_map_reset(&frags, frags.max);
}

/* Where a forwarder may write: MACs, TTL, the IPv4 header's checksum, one address, one port, the UDP checksum */
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

/* An ICMP error: both IP headers, the message's sum, and addresses, port and checksums in the quote may change; sums that were
 * right stay so */
static void check_sent_error(const __u8 *before, const __u8 *after, __u32 len)
{
	struct seen_error b, a;
	__u32 addresses;

	MUST(see_error(before, len, &b) && see_error(after, len, &a));
	addresses = b.ipv4 ? 12 : 8;
	MUST(b.ipv4 ? b.type == 3 || b.type == 11 || b.type == 12 : b.type >= 1 && b.type <= 4);
	MUST(a.ttl == b.ttl - 1);
	MUST(!b.sum_valid || a.sum_valid);
	MUST(!b.ip_valid || a.ip_valid);
	for (__u32 i = 0; i < len; i++) {
		bool outer = i >= ETH_HLEN + addresses && i < ETH_HLEN + (b.ipv4 ? 20 : 40);
		bool inner = i >= b.quoted + addresses && i < b.quoted + (b.ipv4 ? 20 : 40);
		bool check = b.ipv4 && (i / 2 == (ETH_HLEN + 10) / 2 || i / 2 == (b.quoted + 10) / 2);

		MUST(before[i] == after[i] || i < 12 || i == ETH_HLEN + (b.ipv4 ? 8 : 7) || outer || inner || check ||
		     i / 2 == b.at / 2 + 1 || (i >= b.udp && i < b.udp + 4) || i / 2 == b.udp / 2 + 3);
	}
}

static void check_sent(const __u8 *before, const __u8 *after, __u32 len, enum direction direction)
{
	struct seen b, a;
	bool ipv4 = before[12] == 8;

	if (is_error(before)) {
		check_sent_error(before, after, len);
		return;
	}
	MUST(see(before, len, &b) && see(after, len, &a));
	MUST(b.later == a.later && b.ttl > 1 && a.ttl == b.ttl - 1);
	MUST(ETH_HLEN + b.len <= len && a.len == b.len && a.l4 == b.l4);
	MUST(!b.ip_valid || a.ip_valid);
	MUST(!b.udp_valid || a.udp_valid || b.first);
	MUST(!b.has_checksum || a.sum == b.sum);
	MUST(a.has_checksum == b.has_checksum);
	for (__u32 i = 0; i < len; i++)
		MUST(before[i] == after[i] || may_change(&b, ipv4, direction, i));
}

/* For what a packet says, not for lack of room */
static __u64 dropped(void)
{
	__u64 n = 0;

	for (__u32 id = 0; id < WORLD_SERVICES; id++)
		for (int i = 0; i < 4; i++)
			for (int reason = DROP_tiny_fragment; reason <= DROP_duplicate_fragment; reason++)
				n += way_reason(id, i & 1, i >> 1, reason);
	return n;
}

static struct { __u32 n, bytes; } clones;	/* pieces before the last, and what they carry behind their IP headers */

static __u32 carried(const __u8 *frame)
{
	const __u8 *ip = frame + ETH_HLEN;

	return (ip[2] << 8 | ip[3]) - (ip[0] & 15) * 4;
}

static void cloned(const struct host_packet *packet, __u32 egress)
{
	clones.n++;
	clones.bytes += carried(packet->data);
	MUST(packet->len <= ETH_HLEN + 1500 && packet->data[ETH_HLEN + 6] & 0x20 && egress);
}

static void check_pieces(const __u8 *before, const __u8 *last, const struct host_packet *packet)
{
	const __u8 *ip = before + ETH_HLEN;

	MUST(before[12] == 8 && !(ip[6] & 0x40));
	MUST(packet->len <= ETH_HLEN + 1500);
	MUST((last[ETH_HLEN + 6] & 0x20) == (ip[6] & 0x20));
	MUST(clones.bytes + carried(last) == carried(before));
}

static __u32 segments(const struct host_packet *packet)
{
	return packet->gso_size && packet->len > 42 ? (packet->len - 42 + packet->gso_size - 1) / packet->gso_size : 1;
}

static void check(const struct state *s, const __u8 *before, const __u8 *after, __u32 len, int verdict,
		  const struct host_packet *packet)
{
	enum plane plane = s->link & 1;
	const struct link *link = link_find(ingress(s));
	__u64 received;
	enum direction direction = way_counted(&received);

	MUST(ways_sums_hold());
	MUST(received <= segments(packet));
	if (verdict == HOST_SENT) {
		MUST(received && !host_send_fails && packet->egress);
		MUST(plane == PLANE_TC || !packet->by_neighbour);
		MUST(!memcmp(before, &link->macs[0], ETH_ALEN));
		if (clones.n)
			check_pieces(before, after, packet);
		else
			check_sent(before, after, len, direction);
	} else if (verdict == HOST_PASS) {
		MUST(!memcmp(before, after, len) && !packet->egress);
		MUST(!received || plane == PLANE_TC || !(link->flags & LINK_TC));
	} else {
		MUST(received && !packet->egress);
		MUST(host_send_fails || dropped() == received);
		MUST(!memcmp(before, after, len) || host_send_fails);
	}
}

/* The same frame as a first fragment, whose ports its first bytes then are; and nothing of it counts */
static void precede(const struct state *s, const __u8 *frame, size_t size)
{
	struct host_packet packet = { .len = size, .linear = size };
	struct seen seen = { .word = ETH_HLEN + 6 };
	__u8 *copy;

	if (size < ETH_HLEN + 40)
		return;
	if (frame[12] != 8) {
		seen.word = 0;
		see_ipv6(frame, size, &seen);
	}
	if (!seen.word)
		return;
	copy = malloc(size + 2);
	packet.data = copy + 2;
	memcpy(packet.data, frame, size);
	put16(packet.data + seen.word, frame[12] == 8 ? 0x2000 : 1);
	world_run(PLANE_TC, ingress(s), &packet);
	free(copy);
	reset(s, false);
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	struct state s;
	struct host_packet packet = { 0 };
	__u8 *memory, *before;
	int verdict;

	if (size < sizeof(s) || size > 10000)
		return 0;
	memcpy(&s, data, sizeof(s));
	data += sizeof(s);
	size -= sizeof(s);
	reset(&s, true);
	if (s.kernel & 16)
		precede(&s, data, size);
	memory = malloc(size + 2);
	before = malloc(size + 1);
	memcpy(before, data, size);
	memcpy(memory + 2, data, size);
	packet.data = memory + 2;
	packet.len = size;
	packet.linear = s.linear == 255 || s.linear > size ? size : s.linear;
	if (s.link & 1 && s.gso && size > 42) {
		packet.gso_size = s.gso * 16;
		packet.gso_segs = s.kernel & 32 ? 0 : segments(&packet);
	}
	memset(&clones, 0, sizeof(clones));
	host_cloned = cloned;
	verdict = world_run(s.link & 1, ingress(&s), &packet);
	check(&s, before, packet.data, size, verdict, &packet);
	free(memory);
	free(before);
	return 0;
}
