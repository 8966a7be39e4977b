/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: one instance's programs and maps in the kernel, loaded or found by their pins, and brought to a plan.
 */
#pragma once
#include "dataplane/pins.h"
#include "plan/plan.h"
#include "plan/uniform.h"

#define DATAPLANE_MAPS(X) \
	X(links) X(table) X(sources) X(source_trie) X(nexthops) X(choices) X(icmp_limits) X(frags) \
	X(pieces) X(totals) X(reasons) X(transmit_failed) X(tx_dropped) X(names) X(control) \
	X(uniform) X(signals) X(devices) X(peers) X(peer_names) X(peer_totals) X(subnets) X(routes) X(own) X(policy) \
	X(allowed) X(flows) X(embryos) X(embryo_limits) X(pools) X(flow_totals) X(flows_deleted) \
	X(guards) X(guard_keys) X(public_keys) X(guard_state) X(guard_budget) X(guard_sources) \
	X(answered) X(indices) X(replays) X(handshakes) X(challenged) X(cookies) \
	X(challenges) X(health) X(backend_names) X(failed) X(blind_sites) X(blind_names) X(endpoints) X(sessions) X(hints) X(blind_lock) \
	X(blind_pairs) X(blind_totals) X(blind_waiting) X(blind_state) X(events) X(event_watch) X(event_budget) X(hearing) X(hear_budget) X(heard) X(states)

enum dataplane_map {
#define X(name) MAP_##name,
	DATAPLANE_MAPS(X)
#undef X
	MAP_COUNT
};

#define DATAPLANE_PROGRAMS(X) X(wgxdp_xdp) X(wgxdp_tc) X(wgxdp_tc_l3)

enum dataplane_program {
#define X(name) PROGRAM_##name,
	DATAPLANE_PROGRAMS(X)
#undef X
	PROGRAM_COUNT
};

struct dataplane_port {			/* what is attached to a port; links of ours in the kernel are held by fd */
	__u32 ifindex;
	int xdp_link, tcx_link;		/* -1: none */
	bool xdp_new, tc_new;		/* attached by this command: goes again if it fails */
	bool l3;			/* a device without Ethernet headers */
	__u16 flags;			/* of enum link_flags those that tell of attachment */
	__u8 refused;			/* as in struct link */
};

struct dataplane {
	char instance[INSTANCE_LEN];
	bool running;			/* pins were there */
	bool begun;			/* pins of a first `up` are being made, beside their place */
	bool elsewhere;			/* in another network namespace: its ifindexes are not ours */
	bool choices, source_trie;	/* with_choices and with_source_trie of the programs that will run: once on they stay, as sizes do */
	bool later;			/* running programs serve for now, others are to be loaded */
	bool reloaded;			/* programs differ from the pinned ones */
	__u64 hash;			/* then theirs, for struct control */
	int maps[MAP_COUNT];
	bool map_is_new[MAP_COUNT];
	int programs[PROGRAM_COUNT];	/* -1: not there; tc_l3 is loaded when it is needed first */
	struct dataplane_port *ports;
	size_t n_ports;
	__u32 refused;			/* the device that dataplane_attach() failed at; 0: none */
	struct wgxdp *skeleton;		/* NULL: the running programs serve */
	struct wgxdp *component_skeleton;
	struct xdp_program *component;	/* the XDP program once more, as libxdp attaches it */
};

/* Of libbpf's own messages nothing is printed, unless the environment has WGXDP_LIBBPF */
void dataplane_quiet(void);
/* Opens what is pinned, if anything: dp->running says. 0 or -errno, told; also where another ABI runs. */
int dataplane_open(const char *instance, struct dataplane **ret);
/* Programs and maps that can hold the plan, without touching what runs. may_wait: where those that run can serve the plan for
 * the time that loading takes, only dp->later is set. */
int dataplane_load(struct dataplane *dp, const struct plan *p, bool may_wait);
/* The XDP program for libxdp, of the same switches and maps; it is loaded when it is first attached */
int dataplane_component(struct dataplane *dp, const struct plan *p, struct xdp_program **ret);
/* What runs as a component becomes the loaded program: the new one is there before the old one goes */
int dataplane_replace_component(struct dataplane *dp, const struct dataplane_port *port, const struct plan *p);
/* Parts of dataplane_load and dataplane_commit: what tells of packets that drivers did not send; without it they are not counted, and
 * that is told */
void dataplane_choose_tracepoints(struct wgxdp *s);
void dataplane_count_unsent(struct dataplane *dp, const char *suffix);
/* Attaches to ports of the plan that have no program yet */
int dataplane_attach(struct dataplane *dp, const struct plan *p, const struct host *h);
/* Maps as the plan says; returns how many entries were written, or -errno with nothing changed */
int dataplane_sync(struct dataplane *dp, struct plan *p, const struct host *h);
/* Lets the loaded programs take over from running ones, and ports go that the plan does not have; pins what is new */
int dataplane_commit(struct dataplane *dp, const struct plan *p);
/* Of the blind relay: room for sites; the program at its interface's egress, attached or taken off; what its maps begin with */
void dataplane_size_blind(const struct dataplane *dp, struct wgxdp *s, const struct plan *p);
void dataplane_pin_egress(struct dataplane *dp, const struct plan *p, const char *suffix);
int dataplane_blind_write(const struct dataplane *dp, const struct plan *p, int *changes);
/* Closes; takes back what was attached and not committed */
void dataplane_close(struct dataplane *dp);
/* Of the caller's network namespace, as struct control has it; 0: not known */
__u64 netns_inode(void);
/* Takes back what a first `up` has attached and pinned that was killed before it was done, and what a killed `down` has left */
int dataplane_discard_new(const char *instance);
/* Writes what differs of u to the map uniform, and lets every next hop be asked for anew. Until the data path has asked for
 * another heartbeat (control.h) nothing of it is believed, so nobody sees the half of it. */
int dataplane_uniform(const struct dataplane *dp, const struct uniform *u);
/* Detaches and unpins everything of an instance. 0; -EPERM, told, with nothing changed; or -errno, told, where some of it is left for
 * another try. */
int dataplane_down(const char *instance);

/* Parts of dataplane_sync: lists of services, before and after the table says who has some; *changes counts */
int dataplane_lists_write(const struct dataplane *dp, const struct plan *p, int *changes);
int dataplane_lists_clean(const struct dataplane *dp, const struct plan *p, int *changes);
/* And of the relay: peers, policy and longest prefixes before the table names them; then subnets, and what goes */
int dataplane_relay_write(const struct dataplane *dp, struct plan *p, int *changes);
int dataplane_relay_clean(const struct dataplane *dp, const struct plan *p, int *changes);
/* And of flows: pools, before the table has services that use them; flows that lose their port are ended */
int dataplane_pools_write(const struct dataplane *dp, const struct plan *p, int *changes);
int dataplane_forget_flow_totals(const struct dataplane *dp, __u32 id);
/* And of the guard: keys before, what names them after the table has the backends that they lead to */
int dataplane_keys_write(const struct dataplane *dp, struct plan *p, int *changes);
int dataplane_guards_write(const struct dataplane *dp, const struct plan *p, int *changes);
int dataplane_forget_guard(const struct dataplane *dp, __u32 id);
struct bpf_object;
void dataplane_size_guard(const struct dataplane *dp, struct bpf_object *obj, const struct plan *p, __u32 services);
void dataplane_size_map(const struct dataplane *dp, struct bpf_object *obj, enum dataplane_map m, const char *name, __u32 wanted);
/* How large their maps are to be, for so many services; a size that was once reached stays */
void dataplane_size_flows(const struct dataplane *dp, struct bpf_object *obj, const struct plan *p, __u32 services);
/* dataplane_load() calls it: copies from a map that runs to the one that takes its place */
void dataplane_carry_over(const struct dataplane *dp, enum dataplane_map m, int to, size_t value_size);
/* dataplane_commit() calls it: the program that gives copied flows their timers, and they theirs */
void dataplane_pin_arm(struct dataplane *dp, const struct plan *p, const char *suffix);
/* And the one that sends cookie replies, where it was loaded */
void dataplane_pin_answer(struct dataplane *dp, const char *suffix);
/* Flows without a timer get one, which the kernel's want of memory or a copy left without, or end where their time is over; of two that
 * met in one instant the half that is left goes. How many have none yet, or -errno. What is read is the whole map. */
int dataplane_sweep_flows(const struct dataplane *dp);

/* ---- reading ---- */
/* Elements of a map; 0: none such */
__u32 dataplane_entries(const struct dataplane *dp, enum dataplane_map m);
/* How many of them are in use, of the table and of hashes */
__u32 dataplane_used(const struct dataplane *dp, enum dataplane_map m);
/* All elements of an array map of structures, by index; how many */
int dataplane_array(const struct dataplane *dp, enum dataplane_map m, size_t size, void *ret, size_t *ret_n);
/* Sums over CPUs: of an element of totals or peer_totals; of one direction and plane of a service */
int dataplane_total_of(const struct dataplane *dp, enum dataplane_map m, __u32 index, struct total *ret);
int dataplane_total(const struct dataplane *dp, __u32 id, __u32 direction, __u32 plane, struct total *ret);
struct dataplane_reason {
	struct reason_key key;
	__u64 packets;
};
int dataplane_reasons(const struct dataplane *dp, struct dataplane_reason **ret, size_t *ret_n);
/* They are in the order of ids: where those of this id begin */
size_t dataplane_reasons_from(const struct dataplane_reason *list, size_t n, __u32 id);
int dataplane_forget_reasons(const struct dataplane *dp, __u32 id);
/* Of the first n_peers ids, by total_index(id, enum peer_direction, plane) */
int dataplane_peer_totals(const struct dataplane *dp, size_t n_peers, struct total **ret);
/* Every flow, by its original's entry, in no order; what comes and goes meanwhile may be among them or not. Ends with what `each`
 * returned, if that is not 0. */
typedef int flow_each(void *data, const struct flow_key *key, const struct flow *flow);
int dataplane_flows(const struct dataplane *dp, flow_each *each, void *data);
/* Likewise the entries of both directions */
int dataplane_flow_entries(const struct dataplane *dp, flow_each *each, void *data);
/* The other direction of one; false: it is gone */
bool dataplane_flow_other(const struct dataplane *dp, const struct flow_key *key, const struct flow *flow, struct flow *ret);
/* Ends the flow that has this key of the original's direction, and counts it. The caller holds the instance's lock. false: there is
 * none any more. */
bool dataplane_flow_delete(const struct dataplane *dp, const struct flow_key *key);
/* As whom a service's clients are shown; false: it has no flows */
bool dataplane_pool(const struct dataplane *dp, __u32 id, struct pool *ret);
struct flow_numbers {
	__u64 now, created, expired, moved, deleted;
};
int dataplane_flow_numbers(const struct dataplane *dp, __u32 id, struct flow_numbers *ret);
/* Names of backends by id * GUARD_BACKENDS_MAX + number */
int dataplane_backend_names(const struct dataplane *dp, struct backend_name **ret, size_t *ret_n);
/* Guards by id */
int dataplane_guards(const struct dataplane *dp, struct guard **ret, size_t *ret_n);
/* A service's guard; false: it has none. With it, how each of its keys[] is written and whose it is; n is in guard->keys */
bool dataplane_guard(const struct dataplane *dp, __u32 id, struct guard *ret);
bool guard_is_amneziawg(const struct guard *g);	/* type words or junk that WireGuard's messages do not have */
struct guard_public {
	struct public_key key;
	__u32 backend;
};
int dataplane_guard_keys(const struct dataplane *dp, const struct guard *g, struct guard_public **ret, size_t *ret_n);
__u64 dataplane_cookie_replies(const struct dataplane *dp);
int dataplane_health(const struct dataplane *dp, __u32 id, __u32 backend, struct health *ret);
/* Peers by id, from 0, which is nobody, on; the id of a free one has no name */
int dataplane_peers(const struct dataplane *dp, struct relay_peer **ret, size_t *ret_n);
/* Prefixes of the relay's peers, by address; .word: the peer's id. The map subnets does not tell in which prefixes it was said:
 * they are taken from shapes where these fit (and are sorted by the way), else the fewest are made. */
int dataplane_routes(const struct dataplane *dp, struct prefix *shapes, size_t n_shapes, struct relay_route **ret, size_t *ret_n);
/* Those in the trie, in the order of addresses */
int dataplane_longest(const struct dataplane *dp, struct relay_route **ret, size_t *ret_n);
int dataplane_policy(const struct dataplane *dp, struct policy *ret);
/* Packets that a device failed to send since its link was written: those that its driver did not take from XDP, or all that it
 * says it dropped (tx_dropped, now), whichever is more: some drivers count the first among the second */
int dataplane_transmit_failed(const struct dataplane *dp, __u32 ifindex, __u64 tx_dropped, __u64 *ret);
int dataplane_names(const struct dataplane *dp, struct service_name **ret, size_t *ret_n);
int dataplane_links(const struct dataplane *dp, struct link **ret, size_t *ret_n);
/* Returns the link in such a list, or NULL. */
const struct link *dataplane_link_of(const struct link *links, size_t n, __u32 ifindex);
/* Allow and deny of all services, as the trie has them */
int dataplane_lists(const struct dataplane *dp, struct list_entry **ret, size_t *ret_n);
/* What the table holds, in no order */
int dataplane_table(const struct dataplane *dp, struct table_entry **ret, size_t *ret_n);
/* The next-hop slots of all listeners in it */
int dataplane_slots(const struct table_entry *table, size_t n, struct slot **ret, size_t *ret_n);
