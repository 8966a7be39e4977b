/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * flow_table: the maps flow_table and flow_index (include/abi_flow.h) as user space sees them.
 * Programs write them while this reads. Into tables that were made anew, for more room, this writes
 * the flows of the former ones.
 */
#pragma once
#include "dataplane/learned_table.h"

/* A flow as it was read */
struct flow_entry {
	struct flow flow;
	__u64 word;			/* of abi_learned.h */
	__u32 place;
};

struct flow_table {
	struct flow_bucket *buckets;
	struct learned_line *index;	/* NULL: flow_table_read() alone */
	__u32 n;			/* buckets, a power of two */
	struct learned_secret secret;
};

/* Returns the number of buckets that hold so many flows: a power of two, at least half as many
 * places again */
__u32 flow_table_buckets(__u32 flows);
/* Returns how many flows a table of so many buckets is for */
__u32 flow_table_room(__u32 buckets);

/* Maps n buckets of the map `flows` to read them; 0 or -errno */
int flow_table_open(int flows, __u32 n, struct flow_table *ret);
/* Maps both maps to write; secret: of the programs that will use them. 0 or -errno */
int flow_table_open_new(int flows, int index, __u32 n, const struct learned_secret *secret,
			struct flow_table *ret);
void flow_table_close(struct flow_table *t);
/* Reads the entry at a place: a flow or embryo, whose time may be over. False: there is none, or a
 * program is writing it. */
bool flow_table_read(const struct flow_table *t, __u32 place, struct flow_entry *ret);
/* Writes a flow, unless its client has one or its address and port of ours are taken. until: in
 * units. False: it is not written, also for want of room. */
bool flow_table_put(const struct flow_table *t, const struct flow *flow, enum learned_state state,
		    __u64 until);
