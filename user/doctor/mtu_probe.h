/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Measures the longest packet that passes to one address, by ICMP echo requests that must not be
 * fragmented. cmd_mtu.c uses it.
 */
#pragma once
#include "doctor/mtu.h"

struct mtu_way {
	struct address to;
	const char *device;		/* name of the interface that sends; NULL: as routed */
	__u32 scope;			/* ifindex for a link-local address; otherwise 0 */
	__u32 mark;		/* firewall mark of the packets, for routing rules; 0: none */
	bool believe;			/* the probe obeys the path MTU that this host has learnt */
	__u64 until;			/* time by uv_hrtime() at which the probe gives up */
	/* Is called before each size; NULL: is not called. */
	void (*progress)(const struct mtu_way *w, unsigned int size);
};

struct mtu_path {
	double rtt_ms;			/* mean round trip time of the small packets, in ms */
	/* Number of small packets that were sent, and of those that were answered. */
	unsigned int sent, answered;
	struct mtu_found found;
	int error;			/* errno of send() or of an ICMP error; 0: none */
	struct address error_by; /* address of the sender of that ICMP error; family 0: this host */
};

/* Measures a path with packets up to `top` bytes. Returns 0, or -ENOMSG if not even small packets
 * are answered. If time ran out, it returns -ETIME, and ret->found contains the progress so far.
 * For another -errno (no route, or no socket) *ret is not set. */
int mtu_measure(const struct mtu_way *w, unsigned int top, struct mtu_path *ret);
