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
/* Names of the kinds of events, as options have them, ended by NULL. */
extern const char *const monitor_kinds[MONITOR_KINDS + 1];

/* A filter of events: all conditions must hold. An event that lacks the value fails. */
struct monitor_filter {
	__u32 kinds;			/* kinds to print, one bit per kind */
	const char *service, *peer, *reason, *interface;
	struct prefix address;		/* prefix of the source or destination; family 0: any */
};

struct monitor_event {
	enum monitor_kind kind;
	/* The event: "dropped", "made", "ended", "initiation", "response", "moved" or "knock". */
	const char *what;
	const char *reason;	/* cause of a drop; in all members below, NULL means none */
	const char *service, *peer, *direction, *path;
	__u32 ifindex;			/* 0: unknown */
	/* family 0: none. For a flow src is the client, and dst is this host's address at the
	 * backend. For a peer they are its old and new endpoint. */
	struct address src, dst;
	__be16 sport, dport;
	bool counts;			/* the members below are valid */
	__u32 bytes, segments;
	__u64 skipped;
};

struct monitor {
	const char *instance;
	struct dataplane *dp;
	struct monitor_filter filter;
	bool json;
	unsigned long left;		/* events to print before it ends; 0: no limit */
	bool ends;
	int error;			/* errno of a failure to write; 0: none */
	struct monitor_memory *memory;	/* flows and peers that monitor_poll() read last */
};

bool monitor_wants(const struct monitor *m, enum monitor_kind kind);
/* Ends the monitor after a write to its output failed (errno). Only EPIPE is no error. */
void monitor_cannot_write(struct monitor *m);
/* Prints an event from the ring buffer `events`. */
void monitor_dropped(struct monitor *m, const struct event *e);
/* Prints a packet; passed to tracer_open() as its sink. data: the monitor. */
void monitor_packet(void *data, const struct tracing_packet *p, const void *bytes, __u32 n);
/* Prints which flows and peers changed since the last call. The first call prints nothing. Returns
 * 0 or -errno. */
int monitor_poll(struct monitor *m);
