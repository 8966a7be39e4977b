/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The result of packets that meet the relay of host_relay.h: sent, up, or a counted reason. A packet that leaves must
 * be the one that came, with a hop limit that is one less and, on a NIC, the next hop's MACs.
 */
#ifndef HOST_FATE_H
#define HOST_FATE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "host_packet6.h"
#include <cmocka.h>

#define A OVERLAY "a::1"
#define B OVERLAY "b::2"
#define C OVERLAY "c::3"
#define N OVERLAY "d::4"
#define O OVERLAY "e::5"
#define UP 1000			/* unchanged and not counted */
#define SENT 0			/* else a reason */

static __u32 fate_segs, fate_size __attribute__((unused));	/* the next packets' GSO; 0: none */
static __u32 gone_by __attribute__((unused));		/* the link of the last sent packet */

static int set_up(void **state)
{
	relay_setup();

	return 0;
}

static __u64 total_of(__u32 peer, enum peer_direction direction, bool received)
{
	__u64 n = 0;

	for (__u32 plane = 0; plane < 2; plane++) {
		__u32 index = total_index(peer, direction, plane);
		struct total *t = bpf_map_lookup_elem(&peer_totals, &index);

		n += received ? total_received(t) : t->forwarded;
	}
	return n;
}

static __u64 reason_of(__u32 reason)
{
	__u64 n = 0;

	for (__u32 i = 0; i < PEERS * 2; i++) {
		struct reason_key key = { PEER_ID | i / 2, PEER_RX, i & 1, reason };
		__u64 *found = bpf_map_lookup_elem(&reasons, &key);

		n += found ? *found : 0;
	}
	return n;
}

static int tear_down(void **state)
{
	__u64 received = 0, forwarded = 0, to = 0, why = 0;

	for (__u32 peer = 0; peer < PEERS; peer++) {
		received += total_of(peer, PEER_RX, true);
		forwarded += total_of(peer, PEER_RX, false);
		to += total_of(peer, PEER_TX, false);
		if (total_of(peer, PEER_TX, true) != total_of(peer, PEER_TX, false))
			return -1;
	}
	for (int reason = 1; reason < REASON_MAX; reason++)
		why += reason_of(reason);
	world_clear();
	relay_maps();
	return received == forwarded + why && forwarded == to ? 0 : -1;
}

/* Runs a frame, and checks what must hold for any; returns its result */
static int fate_of(enum plane plane, __u32 link, const __u8 *frame, __u32 len, __u32 linear)
{
	__u32 pad = relay_bare(link) ? 0 : 2;		/* aligns IP headers as in the kernel */
	__u8 *memory = malloc(len + pad), *data = memory + pad;
	struct host_packet packet = { .data = data, .len = len, .linear = linear, .gso_segs = fate_segs, .gso_size = fate_size };
	__u64 before[REASON_MAX];
	int rc, fate = UP;
	__u32 ip = relay_bare(link) ? 0 : ETH_HLEN;

	for (int reason = 1; reason < REASON_MAX; reason++)
		before[reason] = reason_of(reason);
	memcpy(data, frame, len);
	host_proto = htons(ETH_P_IPV6);
	rc = world_run(plane, link, &packet);
	for (int reason = 1; reason < REASON_MAX; reason++)
		if (reason_of(reason) != before[reason])
			fate = reason;
	if (rc == HOST_SENT) {
		fate = SENT;
		gone_by = packet.egress;
		assert_int_equal(data[ip + 7], frame[ip + 7] - 1);
		data[ip + 7]++;
		if (!packet.by_neighbour && !relay_bare(link) && !relay_bare(packet.egress)) {
			__u8 macs[12];

			world_mac(macs, packet.egress, packet.egress == NN ? 0x1d : 0x1e);
			world_mac(macs + 6, packet.egress, 1);
			assert_memory_equal(data, macs, 12);
			memcpy(data, frame, 12);
		}
	} else {
		assert_int_equal(packet.egress, 0);
		if (fate == DROP_send_failed)	/* the relay had already changed it */
			data[ip + 7]++;
		assert_int_equal(rc, fate == UP || fate < REASON_MAX ? reason_is_drop(-fate) && fate != UP ? HOST_DROP : HOST_PASS : -1);
	}
	assert_memory_equal(data, frame, len);
	free(memory);
	return fate;
}

static int fate_by(enum plane plane, __u32 link, const struct packet6 *p)
{
	static __u8 frame[4096];
	__u32 len = packet6_build(p, link, frame);

	return fate_of(plane, link, frame, len, len);
}

static int __attribute__((unused)) fate(__u32 link, struct packet6 p)
{
	return fate_by(PLANE_TC, link, &p);
}

#endif
