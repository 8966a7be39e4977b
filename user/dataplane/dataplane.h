/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: one instance's programs and maps in the kernel. Finds them by their pins or loads
 * them, makes them match a plan, and reads them. Commands, the daemon and everything that shows
 * state include it.
 */
#pragma once
#include <limits.h>
#include "dataplane/flow_table.h"
#include "dataplane/pins.h"
#include "plan/plan.h"
#include "plan/uniform.h"

#define DATAPLANE_MAPS(X) \
	X(links) X(table) X(sources) X(source_trie) X(nexthops) X(choices) X(icmp_limits) \
	X(frags) X(pieces) X(totals) X(reasons) X(transmit_failed) X(tx_dropped) X(names) \
	X(control) X(uniform) X(signals) X(devices) X(peers) X(peer_names) X(peer_totals) \
	X(subnets) X(routes) X(own) X(policy) X(allowed) X(flow_table) X(flow_index) \
	X(flow_shares) X(secrets) X(pools) X(flow_totals) X(flows_deleted) X(guards) X(guard_keys) \
	X(public_keys) X(guard_state) X(guard_budget) X(guard_sources) X(answered) \
	X(indices) X(replays) X(handshakes) X(challenged) X(cookies) X(challenges) \
	X(health) X(backend_names) X(failed) X(blind_sites) X(blind_names) X(endpoints) \
	X(sessions) X(hints) X(blind_lock) X(blind_pairs) X(blind_totals) \
	X(blind_waiting) X(blind_state) X(events) X(event_watch) X(event_budget) \
	X(hearing) X(hear_budget) X(heard) X(states) X(sides) X(tuples) X(source_hints) X(xdp_way)

enum dataplane_map {
#define X(name) MAP_##name,
	DATAPLANE_MAPS(X)
#undef X
	MAP_COUNT
};

#define DATAPLANE_PROGRAMS(X) X(wgxdp_xdp) X(wgxdp_tc) X(wgxdp_tc_l3) X(wgxdp_express)

enum dataplane_program {
#define X(name) PROGRAM_##name,
	DATAPLANE_PROGRAMS(X)
#undef X
	PROGRAM_COUNT
};

/* What is attached to a port. An fd holds each of our links in the kernel. */
struct dataplane_port {
	__u32 ifindex;
	int xdp_link, tcx_link;		/* -1: none */
	/* This command attached it, and detaches it if it fails. */
	bool xdp_new, tc_new;
	bool l3;			/* the device has no Ethernet headers */
	__u16 flags;			/* the bits of enum link_flags about attachment */
	__u8 refused;			/* as in struct link */
};

#define PIN_UNOPENED INT_MIN

struct dataplane {
	char instance[INSTANCE_LEN];
	bool running;			/* the pins were there */
	bool begun;			/* a first `up` is making its pins, beside their place */
	bool elsewhere; /* it is in another network namespace: its ifindexes are not ours */
	/* with_choices and with_source_trie of the programs that will run. Once on they stay on, as
	 * sizes stay. */
	bool choices, source_trie;
	bool later; /* the running programs serve for now; others must be loaded */
	bool reloaded;			/* the programs differ from the pinned ones */
	__u64 hash;			/* then their hash, for struct control */
	/* Fds; -errno: not there; PIN_UNOPENED. Read them by map_fd() and program_fd(). */
	int maps[MAP_COUNT], programs[PROGRAM_COUNT];
	bool map_is_new[MAP_COUNT];
	int former[MAP_COUNT];		/* fds of the maps in whose place new ones are; -1: none */
	struct dataplane_port *ports;
	size_t n_ports;
	__u32 refused;			/* the device at which dataplane_attach() failed; 0: none */
	struct wgxdp *skeleton;		/* NULL: the running programs serve */
	struct wgxdp *component_skeleton;
	struct xdp_program *component;	/* the XDP program once more, as libxdp attaches it */
};

/* Silences libbpf's own messages unless the environment has WGXDP_LIBBPF. */
void dataplane_quiet(void);
/* Finds an instance by its pins: sets dp->running. Fails if another ABI runs. 0 or -errno,
 * reported. */
int dataplane_open(const char *instance, struct dataplane **ret);
/* The fd of a map or program, which the first use opens; negative: it is not there. wgxdp_tc_l3 is
 * loaded when it is first needed. */
int map_fd(const struct dataplane *dp, enum dataplane_map m);
int program_fd(const struct dataplane *dp, enum dataplane_program p);
/* What the express path has done so far, on all CPUs. 0 or -errno. */
int dataplane_express(const struct dataplane *dp, struct express_count *ret);
/* The XDP program for a device of its own: wgxdp_express, if it is loaded, else wgxdp_xdp. */
int dataplane_xdp(const struct dataplane *dp);
/* Loads programs and maps that can hold the plan and leaves alone what runs. may_wait: if the
 * running ones can serve the plan while new ones load, only sets dp->later. 0 or -errno,
 * reported. */
int dataplane_load(struct dataplane *dp, const struct plan *p, bool may_wait);
/* Makes the XDP program for libxdp, with the same switches and maps. The kernel loads it when it is
 * first attached. */
int dataplane_component(struct dataplane *dp, const struct plan *p, struct xdp_program **ret);
/* Replaces a running component by the loaded program: the new one is there before the old one
 * goes. */
int dataplane_replace_component(struct dataplane *dp, const struct dataplane_port *port,
				const struct plan *p);
/* Parts of dataplane_load and dataplane_commit: the programs that count packets that drivers did
 * not send. If they cannot be attached, a warning says that these packets are not counted. */
void dataplane_choose_tracepoints(struct wgxdp *s);
void dataplane_count_unsent(struct dataplane *dp, const char *suffix);
/* Attaches to those ports of the plan that have no program yet. 0 or -errno, reported. */
int dataplane_attach(struct dataplane *dp, const struct plan *p, const struct host *h);
/* Makes the maps match the plan. Returns how many entries it wrote, or -errno with nothing
 * changed. */
int dataplane_sync(struct dataplane *dp, struct plan *p, const struct host *h);
/* Makes the loaded programs replace the running ones, detaches from ports that the plan does not
 * have, and pins what is new. 0 or -errno, reported. */
int dataplane_commit(struct dataplane *dp, const struct plan *p);
/* The blind relay's part: room for sites; attaches its program to its interface's egress, or
 * detaches it; first contents of its maps. */
void dataplane_size_blind(const struct dataplane *dp, struct wgxdp *s, const struct plan *p);
void dataplane_pin_egress(struct dataplane *dp, const struct plan *p, const char *suffix);
int dataplane_blind_write(const struct dataplane *dp, const struct plan *p, int *changes);
/* Closes dp and detaches what was attached and not committed. */
void dataplane_close(struct dataplane *dp);
/* The inode of the caller's network namespace, as in struct control; 0: unknown. */
__u64 netns_inode(void);
/* Detaches and unpins what a killed first `up` or a killed `down` left. 0 or -errno, reported. */
int dataplane_discard_new(const char *instance);
/* Writes to the map uniform what differs, and makes the data path ask for every next hop again. The
 * data path trusts none of it until it has asked for another heartbeat (control.h), so no packet
 * uses a half-written map. 0 or -errno. */
int dataplane_uniform(const struct dataplane *dp, const struct uniform *u);
/* Detaches and unpins everything of an instance. 0; -EPERM, reported, with nothing changed; or
 * another -errno, reported, with the rest left for another try. */
int dataplane_down(const char *instance);

/* Parts of dataplane_sync. *changes counts the entries written. Lists of services: written before
 * the table refers to them, cleaned after. */
int dataplane_lists_write(const struct dataplane *dp, const struct plan *p, int *changes);
int dataplane_lists_clean(const struct dataplane *dp, const struct plan *p, int *changes);
/* The relay: writes peers, policy and longest prefixes before the table names them; cleans subnets,
 * and what goes, after. */
int dataplane_relay_write(const struct dataplane *dp, struct plan *p, int *changes);
int dataplane_relay_clean(const struct dataplane *dp, const struct plan *p, int *changes);
/* Flows: writes pools before the table has services that use them, and ends flows that lose their
 * port. */
int dataplane_pools_write(const struct dataplane *dp, const struct plan *p, int *changes);
/* The guard: writes keys first, and what names them once the table has the backends that the keys
 * lead to. */
int dataplane_keys_write(const struct dataplane *dp, struct plan *p, int *changes);
int dataplane_guards_write(const struct dataplane *dp, const struct plan *p, int *changes);
struct bpf_object;
void dataplane_size_guard(const struct dataplane *dp, struct bpf_object *obj, const struct plan *p,
			  __u32 services);
void dataplane_size_map(const struct dataplane *dp, struct bpf_object *obj, enum dataplane_map m,
			__u32 wanted);
/* The same for a table of struct learned_entry; places: of all its buckets together */
void dataplane_size_learned(const struct dataplane *dp, struct bpf_object *obj,
			    enum dataplane_map m, __u32 places);
/* Size these maps for so many services. A map never shrinks. */
void dataplane_size_flows(const struct dataplane *dp, struct bpf_object *obj, const struct plan *p,
			  __u32 services);
/* dataplane_commit() calls it: pins the program that ends flows. */
void dataplane_pin_flow_end(struct dataplane *dp, const struct plan *p, const char *suffix);
/* Copies flows that are not there into tables that are new, from smaller ones or from the maps of a
 * former build. */
void dataplane_carry_flows(const struct dataplane *dp);
/* Returns the secret that tables of running programs depend on; without such a draws one. */
struct learned_secret dataplane_secret(const struct dataplane *dp);

/* ---- reading ---- */
/* Elements of a map; 0: there is no such map. */
__u32 dataplane_entries(const struct dataplane *dp, enum dataplane_map m);
/* How many elements are in use, in the table and in hashes. */
__u32 dataplane_used(const struct dataplane *dp, enum dataplane_map m);
/* Reads all elements of an array map of structures, by index; *ret_n: how many. 0 or -errno. map:
 * its fd; < 0: there is none, and so no element */
int array_read(int map, size_t size, void *ret, size_t *ret_n);
int dataplane_array(const struct dataplane *dp, enum dataplane_map m, size_t size, void *ret,
		    size_t *ret_n);
/* Adds up, over CPUs, an element of n words. 0 or -errno. */
int dataplane_sum(int map, const void *key, size_t n, __u64 *ret);
/* Sets elements to zero, on all CPUs. Those beyond the map's end are none. 0 or -errno. */
int dataplane_clear(const struct dataplane *dp, enum dataplane_map m, __u32 first, __u32 n);
/* Passes all entries of a map on, at most step at once: the kernel copies each batch, so entries
 * that come or go meanwhile may be missed, and none comes twice. Returns what each() returned as
 * soon as that is not 0, or -errno; 0 without such a map. */
#define MAP_STEP 4096 /* far more than the fullest bucket of the kernel's hash has */
typedef int map_batch(void *data, const void *keys, const void *values, __u32 n);
int dataplane_batches(int map, size_t key_size, size_t value_size, __u32 step, map_batch *each,
		      void *data);
/* A service's counters of one direction and plane, summed over CPUs. 0 or -errno. */
int dataplane_total(const struct dataplane *dp, __u32 id, __u32 direction, __u32 plane,
		    struct total *ret);
struct dataplane_reason {
	struct reason_key key;
	__u64 packets;
};
int dataplane_reasons(const struct dataplane *dp, struct dataplane_reason **ret, size_t *ret_n);
/* The index of the first row of this id; the list is in the order of ids. */
size_t dataplane_reasons_from(const struct dataplane_reason *list, size_t n, __u32 id);
int dataplane_forget_reasons(const struct dataplane *dp, __u32 id);
/* Reads the first n_peers ids' totals, by total_index(id, enum peer_direction, plane). */
int dataplane_peer_totals(const struct dataplane *dp, size_t n_peers, struct total **ret);
/* Calls `each` for every flow that the backend has answered and whose time is not over, in no
 * order. A flow that begins or ends meanwhile may be missed. Returns what `each` returned as soon
 * as that is not 0, or -errno. */
typedef int flow_each(void *data, const struct flow_entry *entry);
int dataplane_flows(const struct dataplane *dp, flow_each *each, void *data);
/* Does the same for embryos too, and for what is there though its time is over. */
int dataplane_flow_entries(const struct dataplane *dp, flow_each *each, void *data);
/* Tells whether the backend has answered, and the time is not over at `now` (learned_now()). */
bool flow_entry_is_flow(const struct flow_entry *e, __u64 now);
/* Ends the flow that was read, and counts it. The caller holds the instance's lock. false: it is no
 * longer there. */
bool dataplane_flow_delete(const struct dataplane *dp, const struct flow_entry *entry);
/* Counts the flows of each service by one walk. *ret: numbers by the service's id, as many as
 * flow_totals has, for the caller to free. 0 or -errno. */
int dataplane_flow_counts(const struct dataplane *dp, __u32 **ret);
/* The addresses and ports that a service's clients appear as; false: it has no flows. */
bool dataplane_pool(const struct dataplane *dp, __u32 id, struct pool *ret);
struct flow_numbers {
	__u64 now, created, expired, moved, deleted;
};
/* now: the service's, as dataplane_flow_counts() has counted. 0 or -errno. */
int dataplane_flow_numbers(const struct dataplane *dp, __u32 id, __u32 now,
			   struct flow_numbers *ret);
/* Names of backends by id * GUARD_BACKENDS_MAX + number. */
int dataplane_backend_names(const struct dataplane *dp, struct backend_name **ret, size_t *ret_n);
/* Guards by id. */
int dataplane_guards(const struct dataplane *dp, struct guard **ret, size_t *ret_n);
/* A service's guard; false: it has none. dataplane_guard_keys() reads its keys and their
 * backends. */
bool dataplane_guard(const struct dataplane *dp, __u32 id, struct guard *ret);
/* Whether the guard has type words or junk that WireGuard's messages do not have. */
bool guard_is_amneziawg(const struct guard *g);
struct guard_public {
	struct public_key key;
	__u32 backend;
};
int dataplane_guard_keys(const struct dataplane *dp, const struct guard *g,
			 struct guard_public **ret, size_t *ret_n);
__u64 dataplane_cookie_replies(const struct dataplane *dp);
int dataplane_health(const struct dataplane *dp, __u32 id, __u32 backend, struct health *ret);
/* Peers by id. Id 0 is no peer; the id of a free one has no name. */
int dataplane_peers(const struct dataplane *dp, struct relay_peer **ret, size_t *ret_n);
/* Prefixes of the relay's peers, by address; .word: the peer's id. The map subnets does not say in
 * which prefixes it was written: this uses those of shapes that fit (and sorts shapes), else the
 * fewest that cover it. */
int dataplane_routes(const struct dataplane *dp, struct prefix *shapes, size_t n_shapes,
		     struct relay_route **ret, size_t *ret_n);
/* The prefixes in the trie, in the order of addresses. */
int dataplane_longest(const struct dataplane *dp, struct relay_route **ret, size_t *ret_n);
int dataplane_policy(const struct dataplane *dp, struct policy *ret);
/* Packets that a device failed to send since its link was written: those that its driver did not
 * take from XDP, or all that it reports as dropped (tx_dropped, now), whichever is more, because
 * some drivers count the first among the second. */
int dataplane_transmit_failed(const struct dataplane *dp, __u32 ifindex, __u64 tx_dropped,
			      __u64 *ret);
int dataplane_names(const struct dataplane *dp, struct service_name **ret, size_t *ret_n);
int dataplane_links(const struct dataplane *dp, struct link **ret, size_t *ret_n);
/* Returns the link in such a list, or NULL. */
const struct link *dataplane_link_of(const struct link *links, size_t n, __u32 ifindex);
/* Allow and deny lists of all services, as the trie has them. */
int dataplane_lists(const struct dataplane *dp, struct list_entry **ret, size_t *ret_n);
/* The table's entries, in no order. */
int dataplane_table(const struct dataplane *dp, struct table_entry **ret, size_t *ret_n);
/* The next-hop slots of all listeners in a table. */
int dataplane_slots(const struct table_entry *table, size_t n, struct slot **ret, size_t *ret_n);
