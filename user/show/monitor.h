/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * monitor: what it tells of, for whom it does, and where it learns of it: events of the data path, packets that are looked at (look.h),
 * and what differs from a second ago: flows, and peers' endpoints.
 */
#pragma once
#include <stdio.h>
#include "lib/addr.h"
#include "dataplane/dataplane.h"
#include "look_abi.h"

enum monitor_kind { MONITOR_DROPPED, MONITOR_FLOW, MONITOR_HANDSHAKE, MONITOR_REBINDING, MONITOR_KNOCK, MONITOR_KINDS };
extern const char *const monitor_kinds[MONITOR_KINDS + 1];	/* their names, as options have them; NULL */

struct monitor_filter {			/* all that is said must hold; what an event does not know does not */
	__u32 kinds;			/* a bit each */
	const char *service, *peer, *reason, *interface;
	struct prefix address;		/* of source or destination; family 0: any */
};

struct monitor_event {
	enum monitor_kind kind;
	const char *what;		/* "dropped", "made", "ended", "initiation", "response", "moved", "knock" */
	const char *reason;		/* NULL: none; as are all of these */
	const char *service, *peer, *direction, *path;
	__u32 ifindex;			/* 0: not known */
	struct address src, dst;	/* family 0: none; of a flow the client and who it is shown as, of a peer where it was and is */
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
	unsigned long left;		/* to tell of; 0: without end */
	bool ends;
	FILE *pcap;			/* packets go there, and nothing else is told */
	struct monitor_memory *memory;	/* monitor_poll()'s */
	__u64 skipped;			/* packets that were beyond the limit */
};

bool monitor_wants(const struct monitor *m, enum monitor_kind kind);
/* Tells of it, if the filter lets it */
void monitor_tell(struct monitor *m, const struct monitor_event *e);
/* struct event's */
void monitor_dropped(struct monitor *m, const struct event *e);
/* A look_take(): data is the monitor */
void monitor_packet(void *data, const struct look_packet *p, const void *bytes, __u32 n);
/* What differs from the call before; the first one only remembers. 0 or -errno */
int monitor_poll(struct monitor *m);
void monitor_forget(struct monitor *m);
