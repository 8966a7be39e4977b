/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The host plane for a program that also uses libbpf, whose functions have the names of the data path's: tables are written by
 * name, packets run by value.
 */
#ifndef HOST_PLANE_H
#define HOST_PLANE_H

#include <stdbool.h>
#include <stddef.h>
#include "abi.h"

enum plane_verdict { PLANE_PASSED, PLANE_DROPPED, PLANE_SENT };

/* Empties a table and gives it room for max entries */
void host_plane_resize(const char *map, __u32 max);
void host_plane_write(const char *map, const void *key, const void *value);
/* A value, or NULL */
const void *host_plane_read(const char *map, const void *key);
/* The entries of a hash by number; false: no more */
bool host_plane_entry(const char *map, __u32 i, const void **ret_key, const void **ret_value);
/* Returns a sum over its contents, in any order */
__u64 host_plane_sum(const char *map);
/* Returns the size of an array's values; for other maps 0 */
size_t host_plane_bytes(const char *map);
/* Call this after filling the tables: sets masks and switches that follow from their sizes */
void host_plane_start(void);
/* The same for the blind relay, which listens on this port */
void host_plane_start_blind(__be16 port);
/* The switches for features of the programs */
#define HOST_WAYS(IS) IS(with_flows) IS(with_guards) IS(with_blind) IS(with_relay)
/* All switches of bpf/maps.h that are set before load, for a caller that sets them one by one */
#define HOST_SWITCHES(IS) IS(table_mask) IS(uniform_slots) IS(gateway_slots) IS(tick_rate) IS(tick_shift) IS(learned_secret) IS(flow_mask) IS(flow_index_mask) IS(flow_share_mask) IS(hash_key0) IS(hash_key1) IS(with_choices) IS(with_source_trie) IS(with_lists) IS(with_followed_lists) IS(list_hints_mask) \
	HOST_WAYS(IS) \
	IS(overlay_hi) IS(overlay_lo) IS(overlay_mask_hi) IS(overlay_mask_lo) IS(allowed_mask) IS(with_subnets) IS(with_routes64) IS(with_routes) \
	IS(blind_port) IS(blind_mask) IS(blind_totals_mask) IS(endpoints_mask) IS(blind_slots)
void host_plane_switch(const char *name, const void *value);
/* Sets the function that answers about routes instead of host_plane_route()'s table */
void host_plane_fib(long (*ask)(struct bpf_fib_lookup *fib, __u32 flags));
void host_plane_wait(__u32 ms);
/* A line of a file of routes: `prefix=… rc=… dev=IFINDEX mtu=N dmac=… smac=… [via=…] [from=…]`; the first match
 * answers */
bool host_plane_route(const char *line);
/* Runs a packet in an allocation of len bytes, of which linear are accessible. Writes the result to out.
 * by_neighbour: the kernel still has to write the MACs. */
enum plane_verdict host_plane_run(enum plane plane, __u32 ifindex, const void *frame, __u32 len, __u32 linear,
				  __u32 gso_segs, __u32 gso_size, void *out, __u32 *ret_len);
/* The clones that the last packet left, each as its head and its bytes */
struct clone_head {
	__u32 ifindex, len;
};
const void *host_plane_clones(__u32 *ret_n, __u32 *ret_size);

#endif
