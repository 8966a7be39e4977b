/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How a test enters the data path on the host plane: it says what the programs know, and runs
 * packets, each on a CPU with a soiled state.
 */
#ifndef HOST_RUN_H
#define HOST_RUN_H

#define WGXDP_HOST
#include "host_lists.h"
#include "pipeline.h"
#include "host_path.h"

/* ---- features of the programs ---- */

enum world_ways { WAY_FLOWS = 1, WAY_GUARDS = 2, WAY_BLIND = 4, WAY_RELAY = 8 };

/* Sets the switches that user space derives from the configuration. A guard and the blind relay
 * need flows. */
static inline void world_knows(__u32 ways)
{
	with_flows = ways & (WAY_FLOWS | WAY_GUARDS | WAY_BLIND);
	with_guards = ways & WAY_GUARDS;
	with_blind = ways & WAY_BLIND;
	with_relay = ways & WAY_RELAY;
}

/* Adds the values of an array, which are 0 at first, to a sum. Most of them still are. */
static inline __u64 host_map_sum(__u64 sum, const struct host_map *map)
{
	size_t size = map->values ? (size_t)map->max * map->value_size : 0;

	for (size_t at = 0; at < size; at += sizeof(__u64)) {
		__u64 word = 0;

		memcpy(&word, map->values + at, size - at < sizeof(word) ? size - at : sizeof(word));
		if (word)
			sum = ((sum ^ at) * 0x100000001b3 ^ word) * 0x100000001b3;
	}
	return sum;
}

/* ---- state of one CPU ---- */

#define CPU_MAPS 32
#define CPU_SOIL 0xa5

/* Empties each map of which a CPU has its own */
static inline void cpu_clear(void)
{
	for (EACH_CPU_MAP(m))
		host_map_reset(*m, (*m)->max);
}

/* Fills the state of a packet with garbage, as an earlier packet may have left it. A step that
 * reads a field which no step wrote for this packet gets CPU_SOIL. */
static inline void cpu_soil(void)
{
	struct pkt_state *s = state_find();

	memset(s, CPU_SOIL, sizeof(*s));
	s->busy = false;
	s->express.learn = false;
}

struct cpu {
	void *values[CPU_MAPS];		/* by number of the map; NULL: untouched */
};

/* Copies all values. It leaves counters in a hash alone: the data path decides nothing by them. */
static inline struct cpu cpu_keep(void)
{
	struct cpu kept = { { NULL } };
	size_t n = 0;

	for (EACH_CPU_MAP(m)) {
		size_t size = (size_t)(*m)->max * (*m)->value_size;

		if (n == CPU_MAPS)
			abort();
		if ((*m)->kind == HOST_ARRAY && (*m)->values)
			kept.values[n] = memcpy(host_alloc(size), (*m)->values, size);
		n++;
	}
	return kept;
}

/* Writes the copy back, and frees it */
static inline void cpu_restore(struct cpu *kept)
{
	void **from = kept->values;

	for (EACH_CPU_MAP(m)) {
		if (*from)
			memcpy((*m)->values, *from, (size_t)(*m)->max * (*m)->value_size);
		else if ((*m)->kind == HOST_ARRAY)
			host_map_reset(*m, (*m)->max);
		free(*from++);
	}
}

/* ---- a packet ---- */

/* Runs one packet that came in by this link; returns enum host_verdict */
static inline int world_run(enum plane plane, __u32 ifindex, struct host_packet *packet)
{
	const struct link *link = link_find(ifindex);
	int verdict;

	cpu_soil();
	verdict = plane == PLANE_XDP ? path_express(packet, ifindex) : EXPRESS_MISS;
	if (verdict != EXPRESS_MISS)
		return verdict;
	return path_pipeline(packet, plane, ifindex, link && link->flags & LINK_L3);
}

#endif
