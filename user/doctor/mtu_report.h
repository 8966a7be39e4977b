/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The result of `wgxdp mtu` for one address, its verdict, and its output. cmd_mtu.c uses it.
 */
#pragma once
#include "doctor/mtu_probe.h"
#include "net/netlink.h"

struct mtu_report {
	struct address target;
	struct nl_link link;		/* interface that leads to the target */
	int error;			/* error of mtu_measure() or of an earlier step; 0: none */
	const char *why; /* text for .error, except for -ENOMSG and -ETIME; NULL: strerror() */
	struct mtu_path path;

	bool wireguard;			/* the interface is a WireGuard device */
	/* From here on: only if the peer is known. */
	struct address endpoint;	/* family 0: unknown */
	__be16 endpoint_port;
	__u64 handshake; /* latest handshake, in seconds since 1970; 0: none yet */
	bool has_outside;		/* the path to the endpoint was measured too */
	struct mtu_path outside;
	struct mtu_tunnel tunnel;
};

enum mtu_verdict {
	MTU_CLEAR, MTU_NARROW, MTU_BLACK_HOLE, MTU_FRAGMENTED, MTU_NO_ANSWER, MTU_UNFINISHED,
	MTU_NO_WAY,
};
enum mtu_verdict mtu_report_verdict(const struct mtu_report *r);

/* Prints the reports on standard output. */
void mtu_report_print(const struct mtu_report *list, size_t n, bool json);
/* Prints on standard error why there is no result. Call it for verdicts from MTU_NO_ANSWER on. */
void mtu_report_failure(const struct mtu_report *r);
