/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * monitor: events of the data path, packets from tracing.h, and changes of flows and of peers'
 * endpoints since the last second. monitor*.c and `wgxdp monitor` include it.
 */
#pragma once
#include <stdio.h>
#include "lib/addr.h"
#include "dataplane/dataplane.h"
#include "tracing_abi.h"

enum monitor_kind { MONITOR_DROPPED, MONITOR_FLOW, MONITOR_HANDSHAKE, MONITOR_REBINDING,
		    MONITOR_KNOCK, MONITOR_KINDS };
/* Names of the kinds, as in the options; NULL ends them. */
extern const char *const monitor_kinds[MONITOR_KINDS + 1];

/* Filter of events: all conditions must hold. An event without a value fails its condition. */
struct monitor_filter {
	__u32 kinds;			/* kinds of events to print, one bit per kind */
	const char *service, *peer, *reason, *interface;
	struct prefix address;		/* source or destination of the event; family 0: any */
};

struct monitor_event {
	enum monitor_kind kind;
	/* Word for the event: "dropped", "made", "ended", "initiation", "response", "moved" or
	 * "knock". */
	const char *what;
	const char *reason;	/* reason of a drop; NULL: none, also in the members below */
	const char *service, *peer, *direction, *path;
	__u32 ifindex;			/* ifindex of the interface; 0: unknown */
	/* Source and destination; family 0: none. For a flow: the client, and its source at the
	 * backend. For a peer: the old and the new endpoint. */
	struct address src, dst;
	__be16 sport, dport;
	bool counts;			/* the members below are known */
	__u32 bytes, segments;
	__u64 skipped;
};

struct monitor {
	const char *instance;
	struct dataplane *dp;
	struct monitor_filter filter;
	bool json;
	unsigned long left;		/* number of events to print before the end; 0: no limit */
	bool ends;
	/* File that packets are written to, in which case nothing is printed; NULL: none. */
	FILE *pcap;
	struct monitor_memory *memory;	/* state of monitor_poll() */
	__u64 skipped;			/* number of packets over the rate limit */
};

bool monitor_wants(const struct monitor *m, enum monitor_kind kind);
/* Prints an event if it passes the filter. */
void monitor_print(struct monitor *m, const struct monitor_event *e);
/* Prints a struct event of the data path. */
void monitor_dropped(struct monitor *m, const struct event *e);
/* Prints a packet: the callback for tracer_open(). data: the monitor. */
void monitor_packet(void *data, const struct tracing_packet *p, const void *bytes, __u32 n);
/* Prints what changed since the last call. The first call only remembers the present state. Returns
 * 0 or -errno. */
int monitor_poll(struct monitor *m);
void monitor_forget(struct monitor *m);
