/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * monitor: events of the data path, packets from tracing.h, and changes of flows and of peers'
 * endpoints since the last second. Included by monitor*.c and by `wgxdp monitor`.
 */
#pragma once
#include <stdio.h>
#include "lib/addr.h"
#include "dataplane/dataplane.h"
#include "tracing_abi.h"

enum monitor_kind { MONITOR_DROPPED, MONITOR_FLOW, MONITOR_HANDSHAKE, MONITOR_REBINDING,
		    MONITOR_KNOCK, MONITOR_KINDS };
extern const char *const monitor_kinds[MONITOR_KINDS + 1]; /* names as in the options, then NULL */

struct monitor_filter {	/* all conditions must hold; an event without a value fails its condition */
	__u32 kinds;			/* one bit per kind */
	const char *service, *peer, *reason, *interface;
	struct prefix address;		/* source or destination; family 0: any */
};

struct monitor_event {
	enum monitor_kind kind;
	/* "dropped", "made", "ended", "initiation", "response", "moved", "knock" */
	const char *what;
	const char *reason;		/* NULL: none; so are all of these */
	const char *service, *peer, *direction, *path;
	__u32 ifindex;			/* 0: not known */
	/* family 0: none; of a flow the client and its own source at the backend, of a peer the old
	 * and the new endpoint */
	struct address src, dst;
	__be16 sport, dport;
	bool counts;			/* the following are known */
	__u32 bytes, segments;
	__u64 skipped;
};

struct monitor {
	const char *instance;
	struct dataplane *dp;
	struct monitor_filter filter;
	bool json;
	unsigned long left;		/* events until the end; 0: no limit */
	bool ends;
	FILE *pcap;			/* packets go there, and nothing is printed */
	struct monitor_memory *memory;	/* used by monitor_poll() */
	__u64 skipped;			/* packets over the rate limit */
};

bool monitor_wants(const struct monitor *m, enum monitor_kind kind);
/* Prints an event if it passes the filter. */
void monitor_print(struct monitor *m, const struct monitor_event *e);
/* For a struct event of the data path. */
void monitor_dropped(struct monitor *m, const struct event *e);
/* The callback of tracer_sink(); data is the monitor. */
void monitor_packet(void *data, const struct tracing_packet *p, const void *bytes, __u32 n);
/* Reports what changed since the last call. The first call only remembers. Returns 0 or -errno. */
int monitor_poll(struct monitor *m);
void monitor_forget(struct monitor *m);
