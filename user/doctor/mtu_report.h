/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What `wgxdp mtu` has found of one address, and how it is told: which MTU belongs where.
 */
#pragma once
#include "doctor/mtu_probe.h"
#include "net/netlink.h"

struct mtu_report {
	struct address target;
	struct nl_link link;		/* by which it is reached */
	int error;			/* of mtu_measure(), or before it */
	const char *why;		/* of another error than -ENOMSG and -ETIME: in words; NULL: strerror() */
	struct mtu_path path;

	bool wireguard;			/* the link is WireGuard's; what follows is known only where its peer is */
	struct address endpoint;	/* family 0: not known */
	__be16 endpoint_port;
	__u64 handshake;		/* seconds since 1970; 0: none yet */
	bool has_outside;		/* the way to the endpoint was measured */
	struct mtu_path outside;
	struct mtu_tunnel tunnel;
};

enum mtu_verdict { MTU_CLEAR, MTU_NARROW, MTU_BLACK_HOLE, MTU_PIECES, MTU_NO_ANSWER, MTU_UNFINISHED, MTU_NO_WAY };
enum mtu_verdict mtu_report_verdict(const struct mtu_report *r);
/* What an interface of WireGuard should have for this target: the one by which it is reached, or one over that path. Of verdicts up to
 * MTU_PIECES */
unsigned int mtu_report_wireguard(const struct mtu_report *r);

/* On standard output. 0 or -errno */
int mtu_report_print(const struct mtu_report *list, size_t n, bool json);
/* Why there is no answer, on standard error: of the verdicts from MTU_NO_ANSWER on */
void mtu_report_failure(const struct mtu_report *r);
