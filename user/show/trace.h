/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * trace: finds what the running programs would do with a packet, by running copies of them in the
 * instance's shadow (tracing.h). A packet that XDP passes up goes to the tc plane, as in
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
	__u8 bytes[TRACE_FRAME_MAX];	/* the frame, from its Ethernet header on */
};

struct trace_step {			/* result of one plane for a packet */
	__u32 ifindex;			/* device to which the plane's program is attached */
	enum trace_verdict verdict;
	int error; /* TRACE_NOT_RUN: -errno of the kernel; 0: not attached */
	bool ours;			/* the packet belongs to the service or peer `id` */
	__u32 id;			/* as in struct reason_key */
	__u32 direction;
	__u16 reason;	/* reason that it counted; 0: it forwards the packet */
	bool answers;			/* it sends an ICMP error to the sender */
};

enum trace_flow { TRACE_NO_FLOW, TRACE_FLOW, TRACE_NEWCOMER, TRACE_FLOW_MADE };

struct trace_result {
	struct trace_step step[2];	/* indexed by enum plane */
	const struct trace_step *last;	/* step of the plane that decided */
	__u32 link; /* logical link (VLAN, bridge …) on which the packet arrived */
	enum trace_flow flow;
	/* Number of fragments that leave; `out` is the last. 0: the packet is whole. */
	__u32 fragments;
	bool has_hop;
	struct nexthop hop;		/* answer of the FIB */
	__u32 egress;			/* device by which `out` leaves; 0: none */
	struct trace_frame out;		/* the frame that leaves */
};

struct trace;		/* a shadow instance, in which each packet has effects on later ones */

/* Makes a shadow of a running instance. Pins this thread to its CPU, because many maps are per CPU.
 * Returns 0, or -errno after printing an error. */
int trace_begin(const struct dataplane *dp, struct trace **ret);
/* Runs a frame through the shadow as if it arrived at a device. The frame has an Ethernet header
 * and, at a nic or a bridge's port but not at a bridge, VLAN or tunnel, its VLAN tags. Returns 0,
 * or -errno after printing an error; -EINVAL without an error for frames below TRACE_FRAME_MIN. */
int trace_packet(struct trace *t, __u32 ifindex, const struct trace_frame *in,
		 struct trace_result *ret);
/* Returns the nic below a VLAN, bridge or bond, and changes the frame to its form there, such as
 * with tags. Returns other devices as they are. */
__u32 trace_nic(const struct trace *t, __u32 ifindex, struct trace_frame *f);
/* Sets ret to the MAC address that a neighbour uses for the device, or for the link above it.
 * Returns 0 or -ENODEV. */
int trace_mac(const struct trace *t, __u32 ifindex, __u8 ret[6]);
const struct dataplane *trace_shadow(const struct trace *t);
/* Adds a row with the result to the document. frames: with the bytes of the frame that leaves, in
 * hexadecimal. */
void trace_describe(const struct trace *t, __u32 ifindex, const struct trace_frame *in,
		    const struct trace_result *r, bool frames, struct node list);
