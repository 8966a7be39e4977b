/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * monitor: packets that are looked at: for a pcap file, and for what they tell by themselves, handshakes and knocks.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <net/if.h>
#include <string.h>
#include <time.h>
#include "net/capture.h"
#include "show/monitor.h"
#include "show/packet_words.h"

struct packet {
	__u8 frame[14 + LOOK_MAX];
	__u32 len, whole;
};

/* Whether these are IP from the first byte on */
static bool is_bare(const __u8 *at, __u32 n, __u32 len)
{
	if (n < 20)
		return false;
	return at[0] >> 4 == 4 ? (at[2] << 8 | at[3]) == (int)len : at[0] >> 4 == 6 && n >= 40 && (at[4] << 8 | at[5]) + 40 == (int)len;
}

/* With an Ethernet header, made up for what came or leaves without; one that the kernel is to fill lacks its type */
static void frame_of(const struct look_packet *p, const __u8 *bytes, __u32 n, struct packet *ret)
{
	static const __u8 types[2][2] = { { 8, 0 }, { 0x86, 0xdd } };
	__u32 head = p->bare && is_bare(bytes, n, p->len) ? 14 : 0;

	if (n > LOOK_MAX)
		n = LOOK_MAX;
	memset(ret->frame, 0, 14);
	memcpy(ret->frame + head, bytes, n);
	ret->len = n + head;
	ret->whole = p->len + head;
	if (ret->len > 14 && !ret->frame[12] && !ret->frame[13])
		memcpy(ret->frame + 12, types[ret->frame[14] >> 4 == 6], 2);
}

static bool passes(const struct monitor *m, const struct look_packet *p, const struct monitor_event *e)
{
	const struct monitor_filter *f = &m->filter;
	char name[IF_NAMESIZE];

	if (f->interface && (!if_indextoname(p->ifindex, name) || strcmp(name, f->interface)))
		return false;
	return !f->address.family || prefix_covers(&f->address, &e->src) || prefix_covers(&f->address, &e->dst);
}

static void write_packet(struct monitor *m, const struct packet *packet)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (capture_write(m->pcap, now.tv_sec * 1000000000ULL + now.tv_nsec, packet->frame, packet->len, packet->whole))
		m->ends = true;
	if (m->left && !--m->left)
		m->ends = true;
}

/* Of what is listened for, by the port that it came to */
static bool is_knock(const struct monitor *m, __be16 port)
{
	struct hearing h = { 0 };
	__u32 zero = 0;

	if (map_fd(m->dp, MAP_hearing) < 0 || bpf_map_lookup_elem(map_fd(m->dp, MAP_hearing), &zero, &h))
		return false;
	for (int i = 0; i < HEAR_PORTS; i++)
		if (h.knocks[i] && (__u32)(ntohs(port) - h.knocks[i]) < KNOCK_PORTS)
			return true;
	return false;
}

void monitor_packet(void *data, const struct look_packet *p, const void *bytes, __u32 n)
{
	static struct packet packet;
	struct monitor *m = data;
	struct packet_words words;
	struct monitor_event e = { .path = p->plane == PLANE_XDP ? "xdp" : "tc", .ifindex = p->ifindex };

	m->skipped += p->skipped;
	if (m->ends)
		return;
	frame_of(p, bytes, n, &packet);
	packet_words(packet.frame, packet.len, &words);
	packet_ends(packet.frame, packet.len, &e.src, &e.sport, &e.dst, &e.dport);
	if (m->pcap) {
		if (passes(m, p, &e))
			write_packet(m, &packet);
		return;
	}
	if (p->kinds & LOOK_HANDSHAKE) {
		e.kind = MONITOR_HANDSHAKE;
		e.what = message_name(words.message);
		monitor_tell(m, &e);
	}
	if (p->kinds & LOOK_LAST_HOP && is_knock(m, e.dport)) {
		e.kind = MONITOR_KNOCK;
		e.what = "knock";
		monitor_tell(m, &e);
	}
}
