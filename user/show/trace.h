/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * trace: finds what the running programs would do with a packet, by running copies of them in the
 * instance's shadow (dataplane_shadow.h). A packet that XDP passes up goes to the tc plane, as in
 * the kernel. `wgxdp trace` includes it.
 */
#pragma once
#include "dataplane/dataplane.h"
#include "lib/document.h"

#define TRACE_FRAME_MIN 14
#define TRACE_FRAME_MAX 9216

enum trace_verdict { TRACE_PASSED, TRACE_FORWARDED, TRACE_DROPPED, TRACE_NOT_RUN };

struct trace_frame {
	__u32 len;
	__u8 bytes[TRACE_FRAME_MAX];	/* the frame, from the Ethernet header on */
};

struct trace_step {			/* result of one plane for a packet */
	__u32 ifindex;			/* ifindex of the device to which the plane is attached */
	enum trace_verdict verdict;
	int error; /* with TRACE_NOT_RUN: the -errno of the kernel; 0: the plane is not attached */
	bool ours;			/* the packet belongs to the service or peer `id` */
	__u32 id;			/* id of that service or peer, as in struct reason_key */
	__u32 direction;
	__u16 reason;	/* reason under which the plane counted the packet; 0: it is forwarded */
	bool answers;			/* the packet that leaves is an ICMP error to the sender */
};

enum trace_flow { TRACE_NO_FLOW, TRACE_FLOW, TRACE_NEWCOMER, TRACE_FLOW_MADE };

struct trace_result {
	struct trace_step step[2];	/* results of the planes, indexed by enum plane */
	const struct trace_step *last;	/* result of the plane that decided */
	__u32 link; /* ifindex of the logical link (VLAN, bridge …) on which the packet arrived */
	enum trace_flow flow;
	/* Number of fragments, of which `out` is the last; 0: the packet is not fragmented. */
	__u32 fragments;
	bool has_hop;
	struct nexthop hop;		/* result of the FIB lookup */
	__u32 egress;			/* ifindex of the device by which `out` leaves; 0: none */
	struct trace_frame out;		/* the frame that leaves */
};

struct trace;		/* a shadow instance, which remembers the packets of earlier calls */

/* Makes the shadow of a running instance. Pins this thread to its CPU, as many maps are per CPU.
 * Returns 0 or -errno, after logging it. */
int trace_begin(const struct dataplane *dp, struct trace **ret);
void trace_end(struct trace *t);
/* Traces a frame that arrives at a device: a nic of ours (or a bridge's port) with its tags, or a
 * bridge, VLAN or tunnel, always with an Ethernet header. Returns 0 or -errno, after logging it;
 * returns -EINVAL without logging below TRACE_FRAME_MIN. */
int trace_packet(struct trace *t, __u32 ifindex, const struct trace_frame *in,
		 struct trace_result *ret);
/* Returns the nic of a VLAN, bridge or bond, and changes the frame to its form at that nic. Returns
 * other devices unchanged. */
__u32 trace_nic(const struct trace *t, __u32 ifindex, struct trace_frame *f);
/* Sets ret to the MAC address to which frames for the device, or for the link above it, are sent.
 * Returns 0 or -ENODEV. */
int trace_mac(const struct trace *t, __u32 ifindex, __u8 ret[6]);
const struct dataplane *trace_shadow(const struct trace *t);
/* Adds the row of the result. frames: with the bytes of the frame that leaves, in hex. Returns
 * 0. */
int trace_describe(const struct trace *t, __u32 ifindex, const struct trace_frame *in,
		   const struct trace_result *r, bool frames, struct node list);
