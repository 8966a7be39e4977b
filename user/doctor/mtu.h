/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How long a packet may be on its way: the search by sizes, on whatever sends the probes; what follows for a WireGuard interface,
 * which pads; and the line of wg-quick's file that says it. Sizes are those of whole IP packets, in bytes.
 */
#pragma once
#include "lib/addr.h"

#define MTU_SMALL 68			/* what IPv4 carries everywhere, and room for any probe */
#define MTU_MAX 65535
#define MTU_IPV6_MIN 1280		/* below it Linux takes IPv6 off an interface, with its addresses */
#define MTU_LAYER 80			/* what a layer of WireGuard costs by convention: over IPv6 */

enum mtu_fate {
	MTU_PASSED,
	MTU_VANISHED,			/* of all tries nothing was heard */
	MTU_TOLD,			/* somebody said that it is too long */
};

struct mtu_told {			/* by packet too big, or fragmentation needed */
	struct address by;		/* family 0: this host's own kernel */
	unsigned int mtu;		/* 0: it did not say */
};

/* Sends packets of one size until one is answered, at most `tries`. An enum mtu_fate; -ETIME: no time is left; or another -errno.
 * ret_told is set with MTU_TOLD. */
typedef int mtu_probe(void *data, unsigned int size, unsigned int tries, struct mtu_told *ret_told);

struct mtu_found {
	unsigned int passes;		/* the longest that was answered; 0: none */
	unsigned int fails;		/* the shortest that was not; 0: what is asked for passed. passes + 1 unless the search was cut short */
	bool silent;			/* of `fails` nobody told: it vanishes */
	bool said;			/* somebody told of a longer one, at least */
	struct mtu_told told;		/* the last one who did */
};

/* Packets of MTU_SMALL are known to pass. 0, or what probe returned; found says then how far it came */
int mtu_search(mtu_probe *probe, void *data, unsigned int top, unsigned int tries, struct mtu_found *found);
/* Of a size that passes each, so that all are lost once in a thousand sizes, where so many of the small were sent and answered */
unsigned int mtu_tries(unsigned int sent, unsigned int answered);

/* ---- WireGuard ---- */

/* What WireGuard's data packets are longer than what is in them, without padding: IP, UDP, its own header and tag */
unsigned int mtu_overhead(__u8 family);

struct mtu_tunnel {
	unsigned int mtu;		/* that the interface should have: every packet as long as that passes */
	unsigned int perhaps;		/* >= mtu: up to which it may be, as padding hides what else passes */
	bool pieces;			/* longer ones pass now, but WireGuard's packets are fragmented on their way */
};

/* Of an interface of WireGuard with `device` as its MTU: what was found inside, and what between the two ends of the tunnel
 * (NULL: not known) for packets up to device + overhead */
struct mtu_tunnel mtu_of_tunnel(unsigned int device, unsigned int overhead, const struct mtu_found *inside,
				const struct mtu_found *outside);
