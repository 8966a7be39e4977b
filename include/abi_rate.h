/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Rates: the most bits and packets per second that are forwarded for a service, for clients, for a
 * peer, or between two peers, in each direction. User space writes the limits, and the programs
 * (bpf/rate.h) write the states beside them. Part of abi.h.
 */
#ifndef WGXDP_ABI_RATE_H
#define WGXDP_ABI_RATE_H

enum rate_of { RATE_BYTES, RATE_PACKETS, RATE_KINDS };

/* The two limits of one direction: a token bucket each, for bytes of IP packets and for packets.
 *
 * The state of a bucket is one number, the time up to which it is used, in units of 2^-24 jiffies.
 * Each packet adds its cost to that time, or to the present time if that is later. A packet is
 * dropped if that time is more than .burst after the present time. So on average the rate is exact,
 * although jiffies are coarse. */
#define RATE_TICK 24
/* .each has this many more binary digits than a time. */
#define RATE_FRACTION 8
struct rate {
	/* Cost of a byte and of a packet, in units of 2^-32 jiffies; 0: no limit. */
	__u64 each[RATE_KINDS];
	__u64 burst[RATE_KINDS];	/* in units of 2^-24 jiffies */
	__u64 until[RATE_KINDS];	/* the states */
	__u64 pad[2];
};
_Static_assert(sizeof(struct rate) == 64, "a rate is a cache line");

/* Time for which a bucket that was not used collects tokens: a burst may be that long. */
#define RATE_BURST_MS 100

/* rates: ARRAY of struct rate. All zero means no limit. The array has three parts:
 * - the services, at the index rate_index(id of the service, enum direction): originals are the
 *   packets from clients, and replies the packets to them;
 * - the peers of the relay, from the index peer_rates on, at rate_index(id of the peer, enum
 *   peer_direction);
 * - numbered rates, from the index numbered_rates on, at rate_index(number, direction): for the
 *   clients in certain prefixes, and for packets from one peer to another. The numbers count from
 *   0, first the numbers for clients.
 * The constants peer_rates and numbered_rates belong to the programs. All rates are in one map,
 * because a program may use only 64 maps. */
static inline __u32 rate_index(__u32 id, __u32 direction)
{
	return 2 * id + direction;
}

#define RATE_NUMBERS 1024		/* most numbered rates */
#define RATE_CLIENTS 256	/* most of them for clients: a byte of source_trie has the number */

/* The prefixes of clients are in source_trie too. The key's .id is SERVICE_LIST | rate_clients(),
 * which is no service's, and the value is the number. The last element of source_hints is about all
 * these prefixes. */
static inline __u32 rate_clients(__u32 is_ipv6)
{
	return 0x7ffffffe | is_ipv6;
}

/* Returns the address in the key of KEY_PAIR, for packets from one peer to another. */
static inline struct addr rate_pair(__u32 from, __u32 to)
{
	return (struct addr){ .w = { from, to } };
}

#endif
