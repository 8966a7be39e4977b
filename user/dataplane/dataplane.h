/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * struct dataplane stands for the programs and maps of one instance in the kernel. Functions find
 * them by their pins or load them, make them match a plan, and read them. cmd/, daemon/, instance/,
 * doctor/ and show/ include it.
 */
#pragma once
#include <limits.h>
#include "dataplane/learned_table.h"
#include "dataplane/pins.h"
#include "plan/plan.h"
#include "plan/uniform.h"

#define DATAPLANE_MAPS(X) \
	X(links) X(table) X(sources) X(source_trie) X(nexthops) X(choices) X(icmp_limits) \
	X(frags) X(fragment_area) X(totals) X(reasons) X(transmit_failed) X(tx_dropped) X(names) \
	X(control) X(uniform) X(signals) X(devices) X(peers) X(peer_names) X(peer_totals) \
	X(subnets) X(routes) X(own) X(policy) X(allowed) X(flow_table) X(flow_index) \
	X(flow_shares) X(secrets) X(pools) X(flow_totals) X(flows_deleted) X(guards) X(guard_keys) \
	X(public_keys) X(guard_state) X(guard_sources) X(answered) \
	X(indices) X(replays) X(handshakes) X(challenged) X(cookies) X(challenges) \
	X(health) X(backend_names) X(failed) X(blind_sites) X(blind_names) X(endpoints) \
	X(sessions) X(hints) X(blind_lock) X(blind_pairs) X(blind_totals) \
	X(blind_waiting) X(blind_state) X(events) X(event_watch) X(budgets) \
	X(notify_filter) X(notifications) X(states) X(express_cpus) X(memo) \
	X(source_hints) X(xdp_way) X(lists) X(list_hints) X(service_lists) X(followed_lists) \
	X(rates)

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

/* The programs attached to a port. The fds keep our links attached. */
struct dataplane_port {
	__u32 ifindex;
	int xdp_link, tcx_link;		/* fds of the links that attach XDP and tc; -1: none */
	/* This command attached XDP or tc, and detaches it if the command fails. */
	bool xdp_new, tc_new;
	bool l3;
	/* How the port is attached, of enum link_flags. */
	__u16 flags;
	/* The flags of XDP in the mode that this command left; 0: it left no mode. */
	__u16 left;
	__u8 refused;	/* errno with which the kernel refused native XDP, as in struct link */
};

#define PIN_UNOPENED INT_MIN

struct dataplane {
	char instance[INSTANCE_LEN];
	bool running;			/* the instance has pins, so it is up */
	bool begun;		/* a first `up` is making its pins, in the directory INSTANCE~new */
	/* The instance is in another network namespace, so its ifindexes are not ours. */
	bool elsewhere;
	/* The programs that will run use the map choices, or source_trie. Once true, it stays
	 * true. */
	bool choices, source_trie;
	/* The running programs are good enough for now, but a later call must load others. */
	bool later;
	bool reloaded;
	__u64 hash;		/* hash of the new programs, to be stored in struct control */
	/* Fds of the maps and programs. A negative value is -errno if there is no such pin, or
	 * PIN_UNOPENED. Use map_fd() and program_fd() to get them. */
	int maps[MAP_COUNT], programs[PROGRAM_COUNT];
	bool map_is_new[MAP_COUNT];
	int former[MAP_COUNT];	/* fds of the maps that new ones replace; -1: not replaced */
	struct dataplane_port *ports;
	size_t n_ports;
	/* Ifindex of the device at which dataplane_attach() failed; 0: it did not fail. */
	__u32 refused;
	/* Loaded programs and maps; NULL: none are loaded, the running ones stay. */
	struct wgxdp *skeleton;
	struct wgxdp *component_skeleton;
	struct xdp_program *component;	/* second copy of the XDP program, for libxdp; NULL: none */
};

/* Suppresses the messages that libbpf prints, unless WGXDP_LIBBPF is set in the environment. */
void dataplane_quiet(void);
/* Opens an instance and sets dp->running if it has pins. Fails if the running programs have another
 * ABI. Returns 0, or -errno after printing an error. */
int dataplane_open(const char *instance, struct dataplane **ret);
/* Return the fd of a map or program of the instance; negative if there is none. Programs exist only
 * if the plan needed them, such as wgxdp_tc_l3 for a port without Ethernet header. */
int map_fd(const struct dataplane *dp, enum dataplane_map m);
int program_fd(const struct dataplane *dp, enum dataplane_program p);
/* Reads the counters of the express path, summed over CPUs. Returns 0 or -errno. */
int dataplane_express(const struct dataplane *dp, __u64 *ret_hits, __u64 *ret_misses);
/* Returns the fd of the XDP program for a device where no other software runs XDP: wgxdp_express if
 * it is loaded, else wgxdp_xdp. */
int dataplane_xdp(const struct dataplane *dp);
/* Loads programs and maps that are large enough for the plan, and does not touch the running ones.
 * If `may_wait` is true and the running ones are good enough for now, it only sets dp->later.
 * Returns 0, or -errno after printing an error. */
int dataplane_load(struct dataplane *dp, const struct plan *p, bool may_wait);
/* Prepares a second copy of the XDP program for libxdp, with the same constants and maps. The first
 * attachment loads it. */
int dataplane_component(struct dataplane *dp, const struct plan *p, struct xdp_program **ret);
/* For packets that drivers did not send: the first chooses the programs that count them, before
 * loading; the second attaches these. If it cannot, it warns that such packets are not counted. */
void dataplane_choose_tracepoints(struct wgxdp *s);
void dataplane_count_unsent(struct dataplane *dp, const char *suffix);
/* Attaches programs to the ports of the plan that have none yet. Returns 0, or -errno after
 * printing an error. */
int dataplane_attach(struct dataplane *dp, const struct plan *p, const struct host *h);
/* For a command that fails after dataplane_attach(): the first attaches XDP again in the modes that
 * this function left, with the former programs. After the second, the first does nothing, because
 * the map `links` has the new modes. */
void dataplane_return_modes(struct dataplane *dp, const struct plan *p);
void dataplane_keep_modes(struct dataplane *dp);
/* Makes the maps match the plan. Returns the number of entries that it wrote, or -errno after
 * restoring the former entries. */
int dataplane_sync(struct dataplane *dp, struct plan *p, const struct host *h);
/* Replaces the running programs by the loaded ones, detaches from ports that are not in the plan,
 * and pins the new objects. Returns 0, or -errno after printing an error. */
int dataplane_commit(struct dataplane *dp, const struct plan *p);
/* For the blind relay: the first sets the sizes of its maps. The second attaches its program to the
 * egress of its interface, or detaches it. The third writes this host's own WireGuard device, and
 * the addresses from which it may send. */
struct load_settings;
void dataplane_size_blind(const struct dataplane *dp, struct load_settings *set,
			  const struct plan *p);
void dataplane_pin_egress(struct dataplane *dp, const struct plan *p, const char *suffix);
int dataplane_blind_write(const struct dataplane *dp, const struct plan *p, int *changes);
/* Closes dp, and detaches programs that were attached but not committed. */
void dataplane_close(struct dataplane *dp);
/* Returns the inode of the caller's network namespace, as stored in struct control; 0 if it is
 * unknown. */
__u64 netns_inode(void);
/* Detaches and unpins what a first `up` or a `down` left when it was killed. Returns 0, or -errno
 * after printing an error. */
int dataplane_discard_new(const char *instance);
/* Detaches and unpins everything of an instance. Returns 0, or -errno after printing an error.
 * After -EPERM nothing was changed; after another one, a further call can remove the remains. */
int dataplane_down(const char *instance);
/* Looks for programs of wgxdp without pins. Returns 0, or -EBUSY after printing their devices. */
int dataplane_check_hidden(const char *instance);

/* Parts of dataplane_sync(). They add the number of entries written to *changes. Lists of services:
 * _write comes before the table refers to new lists, _clean after it stops referring to old
 * ones. */
int dataplane_lists_write(const struct dataplane *dp, const struct plan *p, int *changes);
void dataplane_lists_clean(const struct dataplane *dp, const struct plan *p, int *changes);
/* For the relay: _write writes peers, policy and the trie before the table refers to them. _clean
 * then writes the subnets and removes the entries that are not in the plan. */
int dataplane_relay_write(const struct dataplane *dp, struct plan *p, int *changes);
int dataplane_relay_clean(const struct dataplane *dp, const struct plan *p, int *changes);
/* For flows: writes the pools before the table has services that use them, and ends flows whose
 * port is in no pool any more. The second ends flows whose port is in the table (KEY_OWN_PORT). */
int dataplane_pools_write(const struct dataplane *dp, const struct plan *p, int *changes);
struct table;
void dataplane_flows_end_taken(const struct dataplane *dp, const struct table *table);
/* For the guard: the first writes the public keys. The second, after the table has the backends of
 * these keys, writes the guards that refer to them. */
int dataplane_keys_write(const struct dataplane *dp, struct plan *p, int *changes);
int dataplane_guards_write(const struct dataplane *dp, const struct plan *p, int *changes);
/* Writes the rates, after services and peers have their ids. */
int dataplane_rates_write(const struct dataplane *dp, const struct plan *p, int *changes);
void dataplane_size_guard(const struct dataplane *dp, struct load_settings *set,
			  const struct plan *p, __u32 services);
void dataplane_size_map(const struct dataplane *dp, struct load_settings *set, enum dataplane_map m,
			__u32 wanted);
/* Sets the size of a table of struct learned_entry. places: number of entries that fit in it. */
void dataplane_size_learned(const struct dataplane *dp, struct load_settings *set,
			    enum dataplane_map m, __u32 places);
/* Set the sizes of the maps for flows, or for guards. services: number of services. A size is never
 * below that of the running map. */
void dataplane_size_flows(const struct dataplane *dp, struct load_settings *set,
			  const struct plan *p, __u32 services);
/* Part of dataplane_commit(): pins wgxdp_flow_end, with which commands end flows. */
void dataplane_pin_flow_end(struct dataplane *dp, const struct plan *p, const char *suffix);
/* Returns the secret for the hash functions of the tables: that of the running programs, or a new
 * random one. */
struct learned_secret dataplane_secret(const struct dataplane *dp);

/* ---- reading ---- */
/* Returns the number of elements that a map has room for; 0 if there is no such map. */
__u32 dataplane_entries(const struct dataplane *dp, enum dataplane_map m);
/* Returns how many elements of the table, of a hash map or of a learned table are in use. */
__u32 dataplane_used(const struct dataplane *dp, enum dataplane_map m);
/* Reads an array map of structures into *ret, by index, and sets *ret_n to its length; 0 if there
 * is no such map. The caller frees *ret. Returns 0 or -errno. */
int dataplane_array(const struct dataplane *dp, enum dataplane_map m, size_t size, void *ret,
		    size_t *ret_n);
/* Reads n 64-bit counters under one key of a per-CPU map, summed over CPUs. Returns 0 or -errno. */
int dataplane_sum(int map, const void *key, size_t n, __u64 *ret);
/* Sets n elements from `first` on to zero, on all CPUs; ignores indexes beyond the end of the map.
 * Returns 0 or -errno. */
int dataplane_clear(const struct dataplane *dp, enum dataplane_map m, __u32 first, __u32 n);
/* Replaces element `index` of an array map, unless `new` and `old` are the same. Adds 1 to *changes
 * if it writes. Returns 0 or -errno. */
int dataplane_write(const struct dataplane *dp, enum dataplane_map m, __u32 index, const void *new,
		    const void *old, size_t size, int *changes);
/* Calls each() with all entries of a map, at most `step` at a time. Entries that are added or
 * removed meanwhile may be missed, but no entry is passed twice. If each() returns something other
 * than 0, stops and returns that. Returns 0 at the end and without such a map, or -errno. */
#define MAP_STEP 4096 /* default step: far more than any bucket of the kernel's hash holds */
typedef int map_batch(void *data, const void *keys, const void *values, __u32 n);
int dataplane_batches(int map, size_t key_size, size_t value_size, __u32 step, map_batch *each,
		      void *data);
/* Reads the packets and bytes of service `id` in one direction on one plane, summed over CPUs.
 * Returns 0 or -errno. */
int dataplane_total(const struct dataplane *dp, __u32 id, __u32 direction, __u32 plane,
		    struct total *ret);
struct dataplane_reason {
	struct reason_key key;
	__u64 packets;
};
/* Reads the counters of all reasons, sorted by id. The caller frees *ret. */
void dataplane_reasons(const struct dataplane *dp, struct dataplane_reason **ret, size_t *ret_n);
/* Returns the index of the first row with this id in a list sorted by id; n: there is none. */
size_t dataplane_reasons_from(const struct dataplane_reason *list, size_t n, __u32 id);
void dataplane_forget_reasons(const struct dataplane *dp, __u32 id);
/* Reads the counters of all peers with ids below n_peers, indexed by total_index(id, enum
 * peer_direction, plane). The caller frees *ret. */
int dataplane_peer_totals(const struct dataplane *dp, size_t n_peers, struct total **ret);
/* Calls each() for every flow that the backend has answered and that has not timed out, in no
 * order. A flow that begins or ends meanwhile may be missed. If each() returns something other than
 * 0, stops and returns that; otherwise returns 0 or -errno. */
typedef int flow_each(void *data, const struct flow_entry *entry);
int dataplane_flows(const struct dataplane *dp, flow_each *each, void *data);
/* Does the same, with the packets that the express path has counted, and not yet added. */
int dataplane_flows_counted(const struct dataplane *dp, flow_each *each, void *data);
/* As dataplane_flows(), but also half-open flows, and flows in the table that have timed out. */
int dataplane_flow_entries(const struct dataplane *dp, flow_each *each, void *data);
/* Returns whether the backend answered the flow and it has not timed out. now: learned_now(). */
bool flow_entry_is_flow(const struct flow_entry *e, __u64 now);
/* Ends a flow that was read, and counts it as deleted. The caller holds the instance's lock.
 * Returns false if the flow does not exist any more. */
bool dataplane_flow_delete(const struct dataplane *dp, const struct flow_entry *entry);
/* Ends flows that timed out hours ago, because after days they would seem valid again. Ends a
 * limited number. Returns whether there may be more. */
bool dataplane_flows_end_old(const struct dataplane *dp);
/* Counts the flows of all services in one pass. *ret: the number for each service's id, with as
 * many elements as the map flow_totals; the caller frees it. Returns 0 or -errno. */
int dataplane_flow_counts(const struct dataplane *dp, __u32 **ret);
/* Reads the addresses and ports of this host from which a service sends to its backend. Returns
 * false if the service does not masquerade. */
bool dataplane_pool(const struct dataplane *dp, __u32 id, struct pool *ret);
struct flow_numbers {
	__u64 now, created, expired, moved, deleted;
};
/* Reads how many flows of a service exist and how many ended, by cause. now: the number that exist,
 * from dataplane_flow_counts(). Returns 0 or -errno. */
int dataplane_flow_numbers(const struct dataplane *dp, __u32 id, __u32 now,
			   struct flow_numbers *ret);
/* Reads the names of backends, indexed by id of the service * GUARD_BACKENDS_MAX + number. */
int dataplane_backend_names(const struct dataplane *dp, struct backend_name **ret, size_t *ret_n);
/* Reads all guards, indexed by the service's id. */
int dataplane_guards(const struct dataplane *dp, struct guard **ret, size_t *ret_n);
/* Reads the guard of a service. Returns false if it has none. dataplane_guard_keys() reads its keys
 * and their backends. */
bool dataplane_guard(const struct dataplane *dp, __u32 id, struct guard *ret);
bool guard_is_amneziawg(const struct guard *g);	/* it has type words or junk sizes */
struct guard_public {
	struct public_key key;
	__u32 backend;
};
int dataplane_guard_keys(const struct dataplane *dp, const struct guard *g,
			 struct guard_public **ret, size_t *ret_n);
/* *ret_off: Unix time since which no daemon sends replies. It is 0 while a daemon sends them. */
void dataplane_cookies(const struct dataplane *dp, __u64 *ret_replies, __s64 *ret_off);
int dataplane_health(const struct dataplane *dp, __u32 id, __u32 backend, struct health *ret);
/* Reads the relay's peers, indexed by id. Id 0 is never a peer; a free id has the name "". */
int dataplane_peers(const struct dataplane *dp, struct relay_peer **ret, size_t *ret_n);
/* Reads the prefixes of the relay's peers, sorted by address; .word is the peer's id. The map
 * `subnets` has only one word for each subnet. So this returns those prefixes in `shapes` that
 * match these words, and for the rest as few prefixes as possible. It sorts `shapes`. */
int dataplane_routes(const struct dataplane *dp, struct prefix *shapes, size_t n_shapes,
		     struct relay_route **ret, size_t *ret_n);
/* Sets *ret to the number of packets that a device failed to send since wgxdp began to use it: the
 * larger of those that the driver refused from XDP and tx_dropped, the device's own count. Some
 * drivers count the first in the second. */
int dataplane_transmit_failed(const struct dataplane *dp, __u32 ifindex, __u64 tx_dropped,
			      __u64 *ret);
int dataplane_names(const struct dataplane *dp, struct service_name **ret, size_t *ret_n);
int dataplane_links(const struct dataplane *dp, struct link **ret, size_t *ret_n);
/* Returns the link with this ifindex in a list from dataplane_links(), or NULL. */
const struct link *dataplane_link_of(const struct link *links, size_t n, __u32 ifindex);
/* Reads the lists allow and deny of all services, as they are in the trie. */
void dataplane_lists(const struct dataplane *dp, struct list_entry **ret, size_t *ret_n);
/* Reads the entries of the table, in no order. */
int dataplane_table(const struct dataplane *dp, struct table_entry **ret, size_t *ret_n);
/* Finds the next-hop slots of all listeners in a table. */
void dataplane_slots(const struct table_entry *table, size_t n, struct slot **ret, size_t *ret_n);
