// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No packet between sites passes a relay except from a site behind its link, to another site, and as the policy
 * allows. The relay runs on the host plane. An input is two bytes of state, then the bytes behind the Ethernet
 * header. Before it, A has sent a datagram and an echo request to C. A packet must be unchanged unless sent, and then
 * except for the hop limit. It is sent only from a site behind this link to another site, and only if the policy
 * allows it, which is checked here in a simple way. Every packet counts once.
 */
#include "fuzz_must.h"
#include "host/host_packet6.h"

#define A OVERLAY "a::1"
#define C OVERLAY "c::3"

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);

static __u32 site_of(const __u8 *a)
{
	static const __u8 overlay[] = { 0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a, 0 };
	static const __u8 tunnel[15] = { 0xfd, 0x99 };

	if (!memcmp(a, tunnel, 15) && (a[15] == 0xa || a[15] == 0xc))
		return a[15] == 0xa ? PEER_A : PEER_C;
	if (memcmp(a, overlay, 7))
		return 0;
	if (a[7] == 0x10)
		return a[8] || a[9] != 1 ? PEER_A : PEER_C;
	return a[7] >= 0xa && a[7] < 0xa + PEER_WAITS ? a[7] - 9 : 0;
}

static __u32 link_of(__u32 peer)
{
	static const __u32 all[] = { 0, TA, TA, TC, NN, NO, 0 };

	return all[peer];
}

static bool is_pair(const __u8 *src, const char *from, const char *to)
{
	struct addr a = world_addr(from), b = world_addr(to);

	return !memcmp(src, &a, 16) && !memcmp(src + 16, &b, 16);
}

/* Skips extension headers; *ret_later: a fragment other than the first */
static const __u8 *upper(const __u8 *ip, const __u8 *end, __u8 *ret_next, bool *ret_later)
{
	const __u8 *h = ip + 40;
	__u8 next = ip[6];

	*ret_later = false;
	while (next == 0 || next == 43 || next == 44 || next == 60) {
		MUST(h + 8 <= end && (next != 43 || !h[3]));
		*ret_later |= next == 44 && (h[2] || h[3] & 0xf8);
		*ret_next = next;
		next = h[0];
		h += *ret_next == 44 ? 8 : 8 + h[1] * 8;
		if (*ret_later)
			break;
	}
	*ret_next = next;
	return h;
}

/* Whether the quoted packet was sent before, in either direction */
static bool quotes_known(const __u8 *ip, const __u8 *quoted, const __u8 *end)
{
	bool later, forth, back;
	const __u8 *h;
	__u8 next;

	if (quoted + 40 > end || memcmp(ip + 24, quoted + 8, 16))
		return false;
	forth = is_pair(quoted + 8, A, C);
	back = is_pair(quoted + 8, C, A);
	h = upper(quoted, end, &next, &later);
	if (later || h + 4 > end)
		return false;
	if (next == IPPROTO_UDP)
		return (forth && get16(h) == 40000 && get16(h + 2) == 58000) || (back && get16(h) == 58000 && get16(h + 2) == 40000);
	return next == IPPROTO_ICMPV6 && h + 8 <= end && !h[1] && get16(h + 4) == 7 && ((forth && h[0] == 128) || (back && h[0] == 129));
}

static bool may_pass(const __u8 *ip, const __u8 *end)
{
	bool later, inside = ip[24] == 0xfd && ip[25] == 0x12;	/* an edge router's own address, fd99::, gets only answers */
	__u8 next;
	const __u8 *h = upper(ip, end, &next, &later);

	if (later)
		return false;			/* no first fragment came before */
	MUST(h + 8 <= end);
	if (next == IPPROTO_UDP)
		return (get16(h + 2) >= 58000 && get16(h + 2) <= 60000 && inside) ||
		       (is_pair(ip + 8, C, A) && get16(h) == 58000 && get16(h + 2) == 40000);
	if (next != IPPROTO_ICMPV6)
		return false;
	if (h[0] < 128)
		return quotes_known(ip, h + 8, end);
	if (h[0] == 129)
		return is_pair(ip + 8, C, A) && !h[1] && get16(h + 4) == 7;
	return inside && (h[0] == 128 || (h[0] >= 134 && h[0] <= 136));
}

static int run_frame(enum plane plane, __u32 link, __u8 *data, __u32 len, __u32 linear, struct host_packet *ret)
{
	*ret = (struct host_packet){ .data = data, .len = len, .linear = linear < len ? linear : len };
	host_proto = htons(ETH_P_IPV6);
	return world_run(plane, link, ret);
}

static void go_before(void)
{
	struct packet6 all[] = { udp6(A, C, 40000, 58000), icmp6(A, C, 128, 0, 7) };
	struct host_packet packet;
	static __u8 frame[4096];

	for (int i = 0; i < 2; i++) {
		__u32 len = packet6_build(&all[i], TA, frame);

		MUST(run_frame(PLANE_TC, TA, frame, len, len, &packet) == HOST_SENT);
	}
}

static void reset(void)
{
	static bool ready;
	__u32 zero = 0;

	if (!ready) {
		relay_setup();
		host_map_reset(&table, 256);		/* no services: fuzz_pipeline has them */
	}
	ready = true;
	memset(bpf_map_lookup_elem(&allowed, &zero), 0, RELAY_BUCKETS * sizeof(struct allowed_bucket));
	host_map_reset(&frags, frags.max);
	host_map_reset(&reasons, reasons.max);
	go_before();
	memset(bpf_map_lookup_elem(&peer_totals, &zero), 0, PEERS * 4 * sizeof(struct total));
}

static void check_sums(int verdict)
{
	__u64 received = 0, forwarded = 0, n = 0;

	for (__u32 i = 0; i < PEERS * 4; i++) {
		struct total *t = bpf_map_lookup_elem(&peer_totals, &i);

		received += i & 1 ? 0 : total_received(t);
		forwarded += t->forwarded;
	}
	for (__u32 i = 0; i < reasons.n; i++)
		n += *(__u64 *)reasons.entries[i].value;
	MUST(received <= 1 && forwarded == 2 * (verdict == HOST_SENT) && received == n + (verdict == HOST_SENT));
	MUST(verdict != HOST_DROP || n == 1);
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	static const __u32 links[] = { TA, TC, NN, NO, NW };
	struct host_packet packet;
	__u32 link, ip, len, pad;
	enum plane plane;
	__u8 *memory, *frame;
	int verdict;

	if (size < 2)
		return 0;
	reset();
	link = links[data[0] / 2 % 5];
	plane = data[0] & 1 || relay_bare(link) ? PLANE_TC : PLANE_XDP;
	ip = relay_bare(link) ? 0 : ETH_HLEN;
	pad = ip ? 2 : 0;
	len = size - 2 + ip;
	memory = malloc(pad + len + 1);
	frame = memory + pad;
	if (ip) {
		world_mac(frame, link, 1);
		world_mac(frame + 6, link, 0xee);
		put16(frame + 12, ETH_P_IPV6);
	}
	memcpy(frame + ip, data + 2, size - 2);
	verdict = run_frame(plane, link, frame, len, data[1] == 255 ? len : data[1] * 8, &packet);
	if (verdict == HOST_SENT) {
		const __u8 *end = frame + ip + 40 + get16(frame + ip + 4);
		__u32 from = site_of(frame + ip + 8), to = site_of(frame + ip + 24);

		frame[ip + 7]++;
		MUST(frame[ip + 7] > 1 && end <= frame + len);
		MUST(from && to && from != to && link_of(from) == link && link_of(to) == packet.egress);
		MUST(may_pass(frame + ip, end));
	}
	MUST(!memcmp(frame + ip, data + 2, size - 2));
	check_sums(verdict);
	free(memory);
	return 0;
}
