/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Measures the longest packet that passes to one address, by ICMP echo requests that must not be
 * fragmented. For cmd_mtu.c.
 */
#pragma once
#include "doctor/mtu.h"

struct mtu_way {
	struct address to;
	const char *device;		/* sends by this interface; NULL: as routed */
	__u32 scope;			/* ifindex of a link-local address, else 0 */
	__u32 mark;			/* firewall mark for routing rules; 0: none */
	bool believe;			/* obeys the path MTU that this host has learnt */
	__u64 until;			/* uv_hrtime() at which to give up */
	/* Called before each size; or NULL */
	void (*progress)(const struct mtu_way *w, unsigned int size);
};

struct mtu_path {
	double rtt_ms;			/* mean of small packets */
	unsigned int sent, answered;	/* small packets */
	struct mtu_found found;
	int error;			/* errno of send() or of an ICMP error; 0: none */
	struct address error_by;	/* family 0: this host */
};

/* Measures up to `top` bytes. Returns 0, or -ENOMSG: not even small packets are answered. -ETIME:
 * out of time, and ret->found contains the progress so far. Another -errno: no route or no socket,
 * and ret is not set. */
int mtu_measure(const struct mtu_way *w, unsigned int top, struct mtu_path *ret);
