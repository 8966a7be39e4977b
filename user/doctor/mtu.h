/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The search for the longest packet that passes, over a probe that the caller supplies, and the MTU
 * that a WireGuard interface then needs. Sizes are those of whole IP packets, in bytes. For mtu,
 * doctor and gen.
 */
#pragma once
#include "lib/addr.h"

#define MTU_SMALL 68			/* every IPv4 path carries it (RFC 791); any probe fits */
#define MTU_MAX 65535
#define MTU_IPV6_MIN 1280		/* below it Linux removes IPv6 from an interface */
#define MTU_LAYER 80			/* overhead of WireGuard over IPv6, assumed by convention */

enum mtu_result {
	MTU_PASSED,
	MTU_LOST,			/* no answer to any try */
	MTU_REPORTED,			/* a router or this host said that it is too long */
};

/* An ICMP error: packet too big, or fragmentation needed */
struct mtu_error {
	struct address by;		/* family 0: this host's own kernel */
	unsigned int mtu;		/* 0: the error did not contain one */
};

/* Sends at most `tries` packets of one size, until one is answered. Returns an enum mtu_result,
 * -ETIME if no time is left, or another -errno. Sets ret_error with MTU_REPORTED. */
typedef int mtu_probe(void *data, unsigned int size, unsigned int tries,
		      struct mtu_error *ret_error);

struct mtu_found {
	unsigned int passes;		/* the longest that was answered; 0: none */
	/* The shortest that was not answered, which is passes + 1 unless the search was cut short.
	 * 0: all sizes pass */
	unsigned int fails;
	bool silent;			/* there was no ICMP error for `fails`: it vanishes */
	bool said;			/* there was an ICMP error for some longer packet */
	struct mtu_error error;		/* the last ICMP error */
};

/* Assumes that packets of MTU_SMALL pass. Returns 0, or the error of probe; then found contains the
 * progress so far */
int mtu_search(mtu_probe *probe, void *data, unsigned int top, unsigned int tries,
	       struct mtu_found *found);
/* Returns how many tries a size needs so that all are lost only once in a thousand sizes, for a
 * path on which `answered` of `sent` small packets were answered */
unsigned int mtu_tries(unsigned int sent, unsigned int answered);

/* ---- WireGuard ---- */

/* Returns the overhead of a WireGuard data packet without padding: IP, UDP, its header and tag */
unsigned int mtu_overhead(__u8 family);

struct mtu_tunnel {
	unsigned int mtu; /* the MTU for the interface: every packet of this length passes */
	unsigned int perhaps;		/* >= mtu: it may be this much, but padding hides it */
	bool fragmented;		/* longer ones pass, in fragmented WireGuard packets */
};

/* device: the MTU of the WireGuard interface now. inside: found inside the tunnel. outside: found
 * between its ends for packets up to device + overhead; NULL: not measured */
struct mtu_tunnel mtu_of_tunnel(unsigned int device, unsigned int overhead,
				const struct mtu_found *inside, const struct mtu_found *outside);
