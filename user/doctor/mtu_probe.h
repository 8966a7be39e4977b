/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The longest packet that passes to one address, by real probes that nobody may fragment: ICMP echo requests, and where none is
 * answered, TCP.
 */
#pragma once
#include "doctor/mtu.h"

#define MTU_PORTS 4			/* of TCP, that are tried */

struct mtu_way {
	struct address to;
	const char *device;		/* only by that one; NULL: as it is routed */
	__u32 scope;			/* ifindex of a link-local address, else 0 */
	__u32 mark;			/* for ip(8)'s rules; 0: none */
	bool believe;			/* what this host has learnt of the path, which else is not asked */
	__be16 ports[MTU_PORTS];
	__u64 until;			/* uv_hrtime() when it is to end */
	void (*progress)(const struct mtu_way *w, unsigned int size);	/* before a size is tried; or NULL */
};

struct mtu_path {
	bool tcp;			/* answered, not ICMP echo */
	__be16 port;			/* by which one */
	double rtt_ms;			/* the mean of small packets' */
	unsigned int sent, answered;	/* of small packets */
	struct mtu_found found;
	int error;			/* errno of sending, or of an ICMP error about what was sent; 0: nothing was said */
	struct address error_by;	/* family 0: this host */
};

/* Packets up to `top`. 0; -ENOMSG: small ones are not answered either; -ETIME: it took too long, and found says how far it came; or
 * another -errno: there is no way or no socket. ret is set but for the last. */
int mtu_measure(const struct mtu_way *w, unsigned int top, struct mtu_path *ret);
