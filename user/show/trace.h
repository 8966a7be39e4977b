/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * trace: what the running programs would do with a packet, found out in the instance's shadow (dataplane_shadow.h). What XDP passes
 * up is given to the tc plane, as the kernel would.
 */
#pragma once
#include "dataplane/dataplane.h"

#define TRACE_FRAME_MIN 14
#define TRACE_FRAME_MAX 9216

enum trace_verdict { TRACE_PASSED, TRACE_FORWARDED, TRACE_DROPPED, TRACE_NOT_RUN };

struct trace_frame {
	__u32 len;
	__u8 bytes[TRACE_FRAME_MAX];	/* from the Ethernet header on */
};

struct trace_step {			/* one plane's answer */
	__u32 ifindex;			/* at which it is attached */
	enum trace_verdict verdict;
	int error;			/* of TRACE_NOT_RUN: the kernel's, as -errno; 0: it is not attached */
	bool ours;			/* a service's or peer's, by id; else nobody's */
	__u32 id;			/* as struct reason_key's */
	__u32 direction;
	__u16 reason;			/* 0: forwarded */
	bool answers;			/* what is sent is an error about it, to its sender */
};

enum trace_flow { TRACE_NO_FLOW, TRACE_FLOW, TRACE_NEWCOMER, TRACE_FLOW_MADE };

struct trace_result {
	struct trace_step step[2];	/* by enum plane */
	const struct trace_step *last;	/* the one that counts */
	__u32 link;			/* logical: of the VLAN, bridge … for which it came in */
	enum trace_flow flow;
	__u32 pieces;			/* it leaves in so many, of which `out` is the last; 0: whole */
	bool has_hop;
	struct nexthop hop;		/* asked for and answered */
	__u32 egress;			/* ifindex of the device that gets `out`; 0: none */
	struct trace_frame out;		/* what leaves */
};

struct trace;				/* a shadow, and what the packets before have changed in it */

/* For a running instance. -errno, told. This thread stays on the CPU that it is on, for much is kept by CPU. */
int trace_begin(const struct dataplane *dp, struct trace **ret);
void trace_end(struct trace *t);
/* A frame as it comes in by a device: a nic of ours (a bridge's port too), with its tags, if any; or a bridge, VLAN or tunnel, in front of
 * whose packets an Ethernet header stands all the same. 0 or -errno, told; -EINVAL of less than TRACE_FRAME_MIN is not. */
int trace_packet(struct trace *t, __u32 ifindex, const struct trace_frame *in, struct trace_result *ret);
/* Of a VLAN, bridge or bond the nic by which its frames come, and the frame as it is there; else the device itself */
__u32 trace_nic(const struct trace *t, __u32 ifindex, struct trace_frame *f);
/* The address by which a nic or the link above it is called: what comes in is to be sent there */
int trace_mac(const struct trace *t, __u32 ifindex, __u8 ret[6]);
const struct dataplane *trace_shadow(const struct trace *t);
