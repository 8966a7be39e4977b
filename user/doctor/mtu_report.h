/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The result of `wgxdp mtu` for one address, its verdict, and its output. For cmd_mtu.c.
 */
#pragma once
#include "doctor/mtu_probe.h"
#include "net/netlink.h"

struct mtu_report {
	struct address target;
	struct nl_link link;		/* the interface to it */
	int error;			/* error of mtu_measure() or of a step before it */
	const char *why;		/* text for errors but -ENOMSG, -ETIME; NULL: strerror() */
	struct mtu_path path;

	bool wireguard;			/* the link is a WireGuard device */
	/* Set only if the peer is known */
	struct address endpoint;	/* family 0: not known */
	__be16 endpoint_port;
	__u64 handshake;		/* seconds since 1970; 0: none yet */
	bool has_outside;		/* the path to the endpoint was measured */
	struct mtu_path outside;
	struct mtu_tunnel tunnel;
};

enum mtu_verdict {
	MTU_CLEAR, MTU_NARROW, MTU_BLACK_HOLE, MTU_FRAGMENTED, MTU_NO_ANSWER, MTU_UNFINISHED,
	MTU_NO_WAY,
};
enum mtu_verdict mtu_report_verdict(const struct mtu_report *r);
/* Returns the MTU for the WireGuard interface to this target, or for one over this path. Only for
 * verdicts up to MTU_FRAGMENTED */
unsigned int mtu_report_wireguard(const struct mtu_report *r);

/* Prints on standard output. 0 or -errno */
int mtu_report_print(const struct mtu_report *list, size_t n, bool json);
/* Prints on standard error why there is no result, for verdicts from MTU_NO_ANSWER on */
void mtu_report_failure(const struct mtu_report *r);
