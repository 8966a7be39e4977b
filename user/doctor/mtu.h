/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The search for the longest packet that passes, over a probe that the caller supplies, and the MTU
 * that a WireGuard interface then needs. Sizes are those of whole IP packets, in bytes. The
 * commands mtu, doctor and gen use it.
 */
#pragma once
#include "lib/addr.h"

/* Size in bytes that every IPv4 path carries (RFC 791), and that has room for a probe. */
#define MTU_SMALL 68
#define MTU_MAX 65535
#define MTU_IPV6_MIN 1280	/* bytes; below it Linux removes IPv6 from an interface */
#define MTU_LAYER 80	/* bytes that WireGuard over IPv6 takes, by convention */

enum mtu_result {
	MTU_PASSED,
	MTU_LOST,			/* no try was answered */
	MTU_REPORTED,		/* a router or this host said that the packet is too long */
};

/* An ICMP error: IPv6's packet too big, or IPv4's fragmentation needed. */
struct mtu_error {
	/* Address of the router that sent it; family 0: this host's own kernel. */
	struct address by;
	unsigned int mtu;		/* MTU in it, in bytes; 0: it has none */
};

/* Sends at most `tries` packets of one size, in bytes, until one is answered. Returns an enum
 * mtu_result, -ETIME if no time is left, or another -errno. With MTU_REPORTED it sets
 * *ret_error. */
typedef int mtu_probe(void *data, unsigned int size, unsigned int tries,
		      struct mtu_error *ret_error);

struct mtu_found {
	unsigned int passes;		/* longest answered probe in bytes; 0: none */
	/* Shortest unanswered probe in bytes: passes + 1, unless time ran out; 0: all were
	 * answered. */
	unsigned int fails;
	bool silent;		/* no ICMP error about `fails`: such packets vanish */
	bool said;			/* an ICMP error came for some longer packet */
	struct mtu_error error;		/* the last ICMP error that came */
};

/* Searches for the longest packet that is answered, and assumes that packets of MTU_SMALL are.
 * Returns 0, or the error of probe(). After an error, *found contains the progress so far. */
int mtu_search(mtu_probe *probe, void *data, unsigned int top, unsigned int tries,
	       struct mtu_found *found);
/* Returns how often to try each size, so that only one size in a thousand loses all tries by
 * chance. sent, answered: small packets on this path. */
unsigned int mtu_tries(unsigned int sent, unsigned int answered);

/* ---- WireGuard ---- */

/* Returns the bytes that a WireGuard data packet adds, without padding: IP and UDP header, and
 * WireGuard's header and tag. */
unsigned int mtu_overhead(__u8 family);

struct mtu_tunnel {
	unsigned int mtu; /* in bytes; every packet of this length passes */
	/* Larger MTU that may work too, in bytes, or .mtu: padding hides whether it does. */
	unsigned int perhaps;
	bool fragmented; /* longer packets pass too, but WireGuard's packets are fragmented */
};

/* Computes the MTU for a WireGuard interface. device: its present MTU. inside: the result of a
 * search inside the tunnel. outside: the result between the tunnel's ends, for packets up to device
 * + overhead; NULL: not measured. */
struct mtu_tunnel mtu_of_tunnel(unsigned int device, unsigned int overhead,
				const struct mtu_found *inside, const struct mtu_found *outside);
