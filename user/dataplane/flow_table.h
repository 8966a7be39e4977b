/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads and writes the maps flow_table and flow_index (include/abi_flow.h) from user space. BPF
 * programs write them at the same time. Only new tables are written here, with the flows of the
 * tables that they replace. dataplane.h includes it.
 */
#pragma once
#include "dataplane/learned_table.h"

/* A flow as it was read from the table. */
struct flow_entry {
	struct flow flow;
	__u64 word;			/* word of the flow's place (abi_learned.h) */
	__u32 place;
};

struct flow_table {
	struct flow_bucket *buckets;
	/* Lines of the map flow_index; NULL: the table can only be read. */
	struct learned_line *index;
	__u32 n;			/* number of buckets, a power of two */
	struct learned_secret secret;
};

/* Returns the number of buckets for this many flows: a power of two, with at least 1.5 places for
 * each flow. */
__u32 flow_table_buckets(__u32 flows);
/* Returns the number of flows for which a table with this many buckets is meant. */
__u32 flow_table_room(__u32 buckets);

/* Maps n buckets of the map with the fd `flows` for reading. Returns 0 or -errno. */
int flow_table_open(int flows, __u32 n, struct flow_table *ret);
/* Maps the maps `flows` and `index` for writing. secret: the hash secret of the programs that will
 * use them. Returns 0 or -errno. */
int flow_table_open_new(int flows, int index, __u32 n, const struct learned_secret *secret,
			struct flow_table *ret);
void flow_table_close(struct flow_table *t);
/* Reads the entry at a place: a flow or a half-open flow, which may have timed out. Returns false
 * if there is none, or if a program is writing it. */
bool flow_table_read(const struct flow_table *t, __u32 place, struct flow_entry *ret);
/* Writes a flow. until: its timeout, in units of abi_learned.h. Returns false if there is no room,
 * if the client has a flow already, or if another flow uses its local address and port. */
bool flow_table_put(const struct flow_table *t, const struct flow *flow, enum learned_state state,
		    __u64 until);
