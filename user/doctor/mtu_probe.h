/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Measures the longest packet that passes to one address, by ICMP echo requests that must not be
 * fragmented. cmd_mtu.c uses it.
 */
#pragma once
#include "doctor/mtu.h"

struct mtu_way {
	struct address to;
	const char *device;		/* interface to send by; NULL: as routed */
	__u32 scope;			/* ifindex for a link-local target; else 0 */
	__u32 mark;		/* firewall mark, for routing rules; 0: none */
	bool believe;	/* probes keep to the path MTU that the kernel has learned */
	__u64 until;			/* uv_hrtime() at which it gives up */
	/* Called before each size, to show it; may be NULL. */
	void (*progress)(const struct mtu_way *w, unsigned int size);
};

struct mtu_path {
	double rtt_ms;			/* mean round trip of small packets, in ms */
	/* Small packets: sent, and answered. */
	unsigned int sent, answered;
	struct mtu_found found;
	int error;			/* errno of send() or an ICMP error; 0: none */
	struct address error_by; /* sender of that ICMP error; family 0: this host */
};

/* Measures a path with packets up to `top` bytes. Returns 0, or -ENOMSG if not even small packets
 * are answered. If time ran out, it returns -ETIME, and ret->found contains the progress so far.
 * For another -errno (no route, or no socket) *ret is not set. */
int mtu_measure(const struct mtu_way *w, unsigned int top, struct mtu_path *ret);
