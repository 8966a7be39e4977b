/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of dataplane.h that opens, loads and pins. Only the files dataplane_*.c use
 * the skeleton.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xdp/libxdp.h>
#include "dataplane/attach.h"
#include "dataplane/control.h"
#include "dataplane/dataplane.h"
#include "dataplane/dataplane_programs.h"
#include "dataplane/followed_lists.h"
#include "lib/jiffies.h"
#include "dataplane/load_error.h"
#include "lib/log.h"
#include "dataplane/map_info.h"
#include "dataplane/table.h"
#include "lib/memory.h"
#include "wgxdp.skel.h"

/* Minimum sizes of maps. They leave spare room, so that most changes of the configuration need no
 * larger maps, and thus no new programs. */
#define ROOM_SERVICES 64
#define ROOM_PORTS 64
#define ROOM_SLOTS 256
#define ROOM_CHOICES 65536		/* number of entries */
#define ROOM_PEERS 64
#define ROOM_ROUTES (1 << 20) /* a trie uses memory only for its entries */

void dataplane_quiet(void)
{
	libbpf_set_print(load_error_print);
}

__u64 netns_inode(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) ? 0 : st.st_ino;
}

static int open_pins(struct dataplane *dp)
{
	struct control c = { 0 };

	for (int i = 0; i < MAP_COUNT; i++)
		dp->maps[i] = PIN_UNOPENED;
	for (int i = 0; i < PROGRAM_COUNT; i++)
		dp->programs[i] = PIN_UNOPENED;
	if (map_fd(dp, MAP_control) < 0) {
		log_error("instance %s: a part of it is missing (the pinned map control): remove the rest with `wgxdp down`",
			  dp->instance);
		return map_fd(dp, MAP_control);
	}
	dp->elsewhere = !control_read(map_fd(dp, MAP_control), &c) && c.netns != netns_inode();
	dp->choices = c.flags & CONTROL_WITH_CHOICES;
	dp->source_trie = c.flags & CONTROL_WITH_SOURCE_TRIE;
	if (c.abi_version != ABI_VERSION) {
		log_error("instance %s: another version of wgxdp started it (map layout %u, here %u): run `wgxdp down` with that version, then `wgxdp up` with this one",
			  dp->instance, c.abi_version, ABI_VERSION);
		return -EPROTO;
	}
	return 0;
}

int dataplane_open(const char *instance, struct dataplane **ret)
{
	struct dataplane *dp = xcalloc(1, sizeof(*dp));
	int rc;

	dataplane_quiet();
	strcpy(dp->instance, instance);
	memset(dp->maps, -1, sizeof(dp->maps));
	memset(dp->former, -1, sizeof(dp->former));
	memset(dp->programs, -1, sizeof(dp->programs));
	rc = pins_exist(instance);
	dp->running = rc > 0;
	if (dp->running)
		rc = open_pins(dp);
	if (rc)
		dataplane_close(dp);
	else
		*ret = dp;
	return rc;
}

#define at_least(have, need) \
	({ __u32 have_ = (have), need_ = (need); have_ > need_ ? have_ : need_; })

/* Returns the number of peers that the maps get room for. It doubles, so that peers that are added
 * one by one seldom need new programs. */
static __u32 peers_room(const struct dataplane *dp, const struct plan_relay *r)
{
	__u32 n = at_least(dataplane_entries(dp, MAP_peers), r->on ? ROOM_PEERS : 1);

	while (n < r->n_peers)
		n *= 2;
	return n;
}

/* Chooses the programs to load. Loading wgxdp_tc_l3 takes a third of the time, so it waits until
 * the first port without Ethernet header; later loads include it too. */
static void set_programs(struct dataplane *dp, struct load_settings *set, const struct plan *p)
{
	set->tc_l3 = p->l3 || program_fd(dp, PROGRAM_wgxdp_tc_l3) >= 0;
	set->express = p->express;
	set->flow_end = p->n_flows;
	set->send = p->challenges || p->blind.on;
	set->blind_put = set->tc_egress = p->blind.on;
}

static void set_relay(struct dataplane *dp, struct load_settings *set, const struct plan *p)
{
	const struct plan_relay *r = &p->relay;
	struct addr mask = prefix_mask(&r->overlay);
	__u32 peers = peers_room(dp, r);

	dataplane_size_map(dp, set, MAP_peers, peers);
	dataplane_size_map(dp, set, MAP_peer_names, peers);
	set->entries[MAP_peer_totals] = 4 * peers;
	dataplane_size_map(dp, set, MAP_subnets, r->subnets ? SUBNETS : 1);
	dataplane_size_map(dp, set, MAP_routes, r->on ? ROOM_ROUTES : 1);
	dataplane_size_map(dp, set, MAP_allowed, r->on ? ALLOWED_BUCKETS : 1);
	if (!r->on)
		return;
	set->rodata->overlay_hi = r->overlay.addr.q[0];
	set->rodata->overlay_lo = r->overlay.addr.q[1];
	set->rodata->overlay_mask_hi = mask.q[0];
	set->rodata->overlay_mask_lo = mask.q[1];
	set->rodata->allowed_mask = set->entries[MAP_allowed] - 1;
	set->rodata->with_subnets = r->subnets;
	set->rodata->with_routes64 = r->overlay.len != 48;
	/* Always search the map `routes`: a tunnel may get an address at any time, without a new
	 * load. */
	set->rodata->with_routes = true;
}

/* Sets the size of the express path's memo, which exists once per CPU. By default all CPUs together
 * have room for both directions of each flow. */
static void set_express(struct load_settings *set, const struct plan *p)
{
	__u32 cpus = libbpf_num_possible_cpus(), least = 2 * p->n_flows / cpus, bits = 0;

	if (!p->express)
		return;
	least = at_least(EXPRESS_ENTRIES, least < EXPRESS_ENTRIES_MAX ? least :
									EXPRESS_ENTRIES_MAX);
	while ((MEMO_WAYS << bits) < (p->express_entries ?: least))
		bits++;
	set->rodata->with_express = true;
	set->rodata->express_bits = bits;
	set->rodata->express_uses =
		set->rodata->with_vlans || set->rodata->with_guards || set->rodata->with_relay ||
				set->rodata->with_rates ? USES_ALL :
		set->rodata->with_blind ? USES_BLIND :
		set->rodata->with_flows ? USES_FLOWS : USES_ADDRESSES;
	set->rodata->express_listeners = !p->n_flows && !p->strict && !p->blind.on && !p->n_rated &&
					 !set->rodata->with_lists;
	set->entries[MAP_memo] = cpus << bits;
}

/* Sets the size of the map rates, which has services, peers, and numbered rates. */
static void set_rates(const struct dataplane *dp, struct load_settings *set, const struct plan *p,
		      __u32 services)
{
	__u32 peers = peers_room(dp, &p->relay);

	set->rodata->with_rates = p->service_rates || p->peer_rates || p->numbered_rates;
	set->rodata->with_client_rates = p->n_rated;
	set->rodata->with_pair_rates = p->pair_rates;
	set->rodata->peer_rates = rate_index(services, 0);
	set->rodata->numbered_rates = rate_index(services + peers, 0);
	dataplane_size_map(dp, set, MAP_rates, !set->rodata->with_rates ? 1 :
			   rate_index(services + peers + RATE_NUMBERS, 0));
}

/* Sets each map's size to what the plan needs, but never below the minimum or the running map's. */
static void set_sizes(struct dataplane *dp, struct load_settings *set, const struct plan *p)
{
	__u32 services = at_least(ROOM_SERVICES, p->n_services);
	__u32 slots = at_least(ROOM_SLOTS, p->n_slots);
	__u32 names = at_least(dataplane_entries(dp, MAP_names), services);
	__u32 sites = !p->blind.on ? 0 :
		      2 * at_least(dataplane_entries(dp, MAP_blind_sites), p->blind.room);
	__u32 nexthops = at_least(dataplane_entries(dp, MAP_nexthops),
				  slots + NEXTHOP_UNIFORM + NEXTHOP_GATEWAYS + sites);
	__u32 table = at_least(dataplane_entries(dp, MAP_table), table_size(p->n_entries));

	set->entries[MAP_table] = table;
	dataplane_size_map(dp, set, MAP_sources, 2 * at_least(ROOM_PORTS, p->n_ports));
	dataplane_size_map(dp, set, MAP_source_hints, 2 * at_least(ROOM_PORTS, p->n_ports));
	set->entries[MAP_nexthops] = nexthops;
	dataplane_size_learned(dp, set, MAP_choices, p->choices ? ROOM_CHOICES : 1);
	set->entries[MAP_names] = names;
	set->entries[MAP_totals] = names * 4;
	set->rodata->tick_rate = jiffies_a_second();
	set->rodata->table_mask = table - 1;
	set->rodata->gateway_slots = nexthops - sites - NEXTHOP_GATEWAYS;
	set->rodata->blind_slots = nexthops - sites;
	set->rodata->uniform_slots = nexthops - sites - NEXTHOP_GATEWAYS - NEXTHOP_UNIFORM;
	set->rodata->with_choices = dp->choices = p->choices || dp->choices;
	set->rodata->with_vlans = p->vlans;
	set->rodata->with_bridges = p->bridges;
	set->rodata->with_routers = p->routers;
	set->rodata->with_source_trie = dp->source_trie =
		p->n_trie || p->relay.grows || dp->source_trie;
	set->rodata->with_flows = p->n_flows || p->guarded || p->blind.on;
	set->rodata->with_guards = p->guarded;
	set->rodata->with_blind = p->blind.on;
	set->rodata->with_relay = p->relay.on;
	set->rodata->with_lists = p->n_lists > p->n_rated || p->n_followed;
	set->rodata->with_followed_lists = p->n_followed;
	dataplane_size_followed(dp, set, p, names);
	set->rodata->list_hints_mask = set->entries[MAP_list_hints] - 1;
	set_rates(dp, set, p, names);
	set->rodata->with_notify = p->notify;
	set_express(set, p);
	set_programs(dp, set, p);
	dataplane_size_flows(dp, set, p, names);
	set->rodata->tick_shift = learned_shift();
	set->rodata->flow_mask = set->entries[MAP_flow_table] - 1;
	set->rodata->flow_index_mask = set->entries[MAP_flow_index] - 1;
	set->rodata->flow_share_mask = set->entries[MAP_flow_shares] - 1;
	dataplane_size_guard(dp, set, p, names);
#define MASK(name) set->rodata->name##_mask = set->entries[MAP_##name] - 1;
	LEARNED_MAPS(MASK)
#undef MASK
	set_relay(dp, set, p);
	dataplane_size_blind(dp, set, p);
}

/* Sets the secrets of the hash functions. All programs of an instance have the same ones, because
 * they share the maps. */
static void set_secrets(const struct dataplane *dp, struct wgxdp *s)
{
	struct learned_secret secret = dataplane_secret(dp);

	*(struct learned_secret *)&s->rodata->learned_secret = secret;
	s->rodata->hash_key0 = (__u64)secret.key[0] << 32 | secret.key[1] | 1;
	s->rodata->hash_key1 = (__u64)secret.key[2] << 32 | secret.key[3] | 1;
}

/* Opens all running maps. A map that cannot be opened must not count as missing: a new one would be
 * empty. Returns 0, or -errno after printing an error. */
static int open_maps(const struct dataplane *dp)
{
	for (int i = 0; i < MAP_COUNT && dp->running; i++) {
		int fd = map_fd(dp, i);

		if (fd >= 0 || fd == -ENOENT)
			continue;
		log_error("instance %s: cannot open the map %s: %s", dp->instance,
			  dataplane_map_names[i], strerror(-fd));
		return fd;
	}
	return 0;
}

static bool has_other_size(const struct dataplane *dp, const struct wgxdp *s, enum dataplane_map m)
{
	const struct bpf_map *map = dataplane_map(s, m);

	return dataplane_entries(dp, m) != bpf_map__max_entries(map) ||
	       map_info(map_fd(dp, m)).value_size != bpf_map__value_size(map);
}

/* Reuses running maps of the same size, and makes the others new. A new map whose values have
 * another size needs no copy of the old contents, because otherwise ABI_VERSION would differ. */
static int reuse_maps(struct dataplane *dp, struct wgxdp *s)
{
	/* Flows are copied into both maps. A killed command may have pinned only one new map. */
	bool flows = has_other_size(dp, s, MAP_flow_table) || has_other_size(dp, s, MAP_flow_index);
	/* A guard refers to the keys of its own map. */
	bool guards = has_other_size(dp, s, MAP_guard_keys);

	for (int i = 0; i < MAP_COUNT; i++) {
		int rc;

		/* The running programs still write these maps, so the new ones need their own. */
		dp->map_is_new[i] = i == MAP_xdp_way || i == MAP_express_cpus || i == MAP_memo ||
				    i == MAP_states || has_other_size(dp, s, i) ||
				    (flows && (i == MAP_flow_table || i == MAP_flow_index)) ||
				    (guards && i == MAP_guards);
		if (dp->map_is_new[i])
			continue;
		rc = bpf_map__reuse_fd(dataplane_map(s, i), map_fd(dp, i));
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- copying to a map that is made new for more room ---- */

/* Copies n elements of an array map, per-CPU or not, to a map that has room for them. */
static void copy_array(int from, int to, __u32 n, size_t value_size)
{
	void *value = xcalloc(libbpf_num_possible_cpus(), value_size);

	for (__u32 i = 0; i < n; i++)
		if (!bpf_map_lookup_elem(from, &i, value))
			bpf_map_update_elem(to, &i, value, BPF_ANY);
	free(value);
}

/* Returns whether the contents of this map go into its larger successor: counters, names and
 * settings of services, peers and backends, and the source prefixes of links. A value that does not
 * change keeps its place, because the running programs know it from other maps. */
static bool is_carried_over(enum dataplane_map m)
{
	return m == MAP_totals || m == MAP_peer_totals || m == MAP_names || m == MAP_peer_names ||
	       m == MAP_flow_totals || m == MAP_flows_deleted || m == MAP_pools ||
	       m == MAP_guards || m == MAP_guard_keys || m == MAP_public_keys ||
	       m == MAP_guard_state || m == MAP_health || m == MAP_backend_names ||
	       m == MAP_sources || m == MAP_source_hints;
}

/* Sets the program that wgxdp_express continues with (tail call). */
static int set_xdp_way(int map, int program)
{
	__u32 zero = 0;

	return bpf_map_update_elem(map, &zero, &program, BPF_ANY) ? -errno : 0;
}

/* Copies the entries of former learned tables into new ones, except entries whose keys are there
 * already. Programs may use both tables meanwhile. */
static void carry_learned(const struct dataplane *dp)
{
	struct learned_secret secret = dataplane_secret(dp);

	for (int i = 0; i < MAP_COUNT; i++)
		if (dp->former[i] >= 0)
			learned_table_copy(dp->former[i], map_fd(dp, i), &secret);
	if (dp->running && dp->map_is_new[MAP_flow_table])
		dataplane_carry_flows(dp);
}

static void take_maps(struct dataplane *dp, struct wgxdp *s)
{
	struct learned_secret secret = *(struct learned_secret *)&s->rodata->learned_secret;
	__u32 zero = 0;

	for (int i = 0; i < MAP_COUNT; i++) {
		struct bpf_map *map = dataplane_map(s, i);
		int old = map_fd(dp, i), new = dup(bpf_map__fd(map));

		if (old >= 0 && dp->map_is_new[i] && is_carried_over(i))
			copy_array(old, new, dataplane_entries(dp, i), bpf_map__value_size(map));
		if (dp->map_is_new[i])
			dp->former[i] = old;
		else if (old >= 0)
			close(old);
		dp->maps[i] = new;
	}
	bpf_map_update_elem(map_fd(dp, MAP_secrets), &zero, &secret, BPF_ANY);
	carry_learned(dp);
	/* If blind_sites is new too, its sites get new numbers. */
	if (dp->former[MAP_endpoints] >= 0 && !dp->map_is_new[MAP_blind_sites])
		dataplane_carry_endpoints(dp);
}

static bool is_whole(const struct dataplane *dp)
{
	for (int i = 0; i < MAP_COUNT; i++)
		if (map_fd(dp, i) < 0)
			return false;
	for (int i = 0; i < PROGRAM_COUNT; i++)
		if (program_fd(dp, i) < 0 && i != PROGRAM_wgxdp_tc_l3 && i != PROGRAM_wgxdp_express)
			return false;
	return true;
}

/* Returns whether the running programs and maps serve the plan well enough until a later load. They
 * may lack the map `choices`: replies of a backend with several listeners then leave from the first
 * one's address. They may not lack the trie, without which sources beyond the list are not checked.
 * The overlay must be the same, because it is a constant of the programs. */
static bool can_wait(const struct dataplane *dp, const struct load_settings *set,
		     const struct plan *p)
{
	for (int i = 0; i < MAP_COUNT; i++)
		if (i != MAP_choices && dataplane_entries(dp, i) != set->entries[i])
			return false;
	return !p->n_trie && !p->relay.on && !p->n_flows && !p->guarded && !p->blind.on &&
	       !p->service_rates && (!p->l3 || program_fd(dp, PROGRAM_wgxdp_tc_l3) >= 0);
}

/* Reports why the object cannot be opened. Returns rc. */
static int report_open(int rc)
{
	char why[128];

	/* libbpf_strerror() also knows the errors of libbpf and libelf. */
	libbpf_strerror(rc, why, sizeof(why));
	log_error("cannot open the programs: %s", why);
	return rc;
}

int dataplane_load(struct dataplane *dp, const struct plan *p, bool may_wait)
{
	struct control c = { 0 };
	struct load_settings *set;
	int rc = open_maps(dp);
	struct wgxdp *s;
	__u32 zero = 0;
	bool serves;
	__u64 hash;

	if (rc)
		return rc;
	rc = dataplane_settings(&set);
	if (rc)
		return report_open(rc);
	set_sizes(dp, set, p);
	hash = dataplane_settings_hash(set);
	serves = dp->running && is_whole(dp) &&
		 !bpf_map_lookup_elem(map_fd(dp, MAP_control), &zero, &c) && c.program == hash;
	dp->later = !serves && may_wait && dp->running && is_whole(dp) && can_wait(dp, set, p);
	if (serves || dp->later)
		return 0;
	s = wgxdp__open();
	if (!s)
		return report_open(-errno);
	dp->skeleton = s;
	dataplane_settings_apply(set, s);
	set_secrets(dp, s);	/* not part of the hash, because each instance has others */
	dataplane_choose_tracepoints(s);
	load_error_begin();
	rc = reuse_maps(dp, s) ?: wgxdp__load(s) ?:
	     set_xdp_way(bpf_map__fd(s->maps.xdp_way), bpf_program__fd(s->progs.wgxdp_xdp));
	if (rc) {
		char what[INSTANCE_LEN + 16];

		snprintf(what, sizeof(what), "instance %s", dp->instance);
		load_error_tell(what, rc);
		return rc;
	}
	take_maps(dp, s);
	for (int i = 0; i < PROGRAM_COUNT; i++) {
		struct bpf_program *program = dataplane_program(s, i);

		if (program_fd(dp, i) >= 0)
			close(program_fd(dp, i));
		dp->programs[i] =
			bpf_program__autoload(program) ? dup(bpf_program__fd(program)) : -1;
	}
	dp->reloaded = true;
	dp->hash = hash;
	return 0;
}

int dataplane_component(struct dataplane *dp, const struct plan *p, struct xdp_program **ret)
{
	/* By its name, because wgxdp_express is in the same section. */
	LIBBPF_OPTS(xdp_program_opts, by_name, .prog_name = "wgxdp_xdp");
	struct load_settings *set;
	struct bpf_program *program;
	struct wgxdp *s;
	int rc;

	*ret = dp->component;
	if (dp->component)
		return 0;
	rc = dataplane_settings(&set);
	s = rc ? NULL : dataplane_open_without(shared_refused, -EINVAL);
	if (!s)
		return rc ?: -errno;
	set_sizes(dp, set, p);
	dataplane_settings_apply(set, s);
	set_secrets(dp, s);
	s->rodata->with_express = false; /* wgxdp_express would have to run before the dispatcher */
	for (int i = 0; i < MAP_COUNT && !rc; i++)
		rc = bpf_map__reuse_fd(dataplane_map(s, i), map_fd(dp, i));
	bpf_object__for_each_program(program, s->obj)
		bpf_program__set_autoload(program, program == s->progs.wgxdp_xdp);
	by_name.obj = s->obj;
	*ret = rc ? NULL : xdp_program__create(&by_name);
	rc = rc ?: libxdp_get_error(*ret) ?: xdp_program__set_xdp_frags_support(*ret, true);
	if (rc) {
		wgxdp__destroy(s);
		return rc;
	}
	dp->component_skeleton = s;
	dp->component = *ret;
	return 0;
}

/* Pins a program that the daemon runs, if it was loaded. */
static void pin_for_daemon(struct dataplane *dp, const struct bpf_program *program,
			   const char *suffix, const char *pin)
{
	if (bpf_program__autoload(program))
		pin_set(bpf_program__fd(program), dp->instance, suffix, pin);
	else
		pin_remove(dp->instance, "%s", pin);
}

static int pin_all(struct dataplane *dp, const struct plan *p, const char *suffix)
{
	int rc = 0;

	for (int i = 0; i < MAP_COUNT && !rc; i++)
		if (!dp->running || dp->map_is_new[i])
			rc = pin_set(map_fd(dp, i), dp->instance, suffix, dataplane_map_names[i]);
	if (!rc && !dp->running && p->config_text)
		rc = pin_set(p->config_text, dp->instance, suffix, CONFIG_PIN);
	for (int i = 0; i < PROGRAM_COUNT && !rc && dp->reloaded; i++) {
		char name[32];

		if (program_fd(dp, i) < 0)
			continue;
		snprintf(name, sizeof(name), "progs/%s", dataplane_program_names[i]);
		rc = pin_set(program_fd(dp, i), dp->instance, suffix, name);
	}
	if (!rc && dp->reloaded) {
		dataplane_count_unsent(dp, suffix);
		dataplane_pin_flow_end(dp, p, suffix);
		pin_for_daemon(dp, dp->skeleton->progs.wgxdp_send, suffix, PIN_SEND);
		pin_for_daemon(dp, dp->skeleton->progs.wgxdp_blind_put, suffix, PIN_BLIND_PUT);
	}
	if (!rc)
		dataplane_pin_egress(dp, p, suffix);
	for (size_t i = 0; i < dp->n_ports && !rc; i++) {
		struct dataplane_port *port = &dp->ports[i];
		char name[32];

		snprintf(name, sizeof(name), "attach/xdp-%u", port->ifindex);
		if (port->xdp_new && port->xdp_link >= 0)
			rc = pin_set(port->xdp_link, dp->instance, suffix, name);
		snprintf(name, sizeof(name), "attach/tcx-%u", port->ifindex);
		if (!rc && port->tc_new && port->tcx_link >= 0)
			rc = pin_set(port->tcx_link, dp->instance, suffix, name);
	}
	return rc;
}

/* Makes the former wgxdp_express tail-call the new pipeline, on all devices at once. Device by
 * device, both pipelines would handle packets of a new flow, with different tables. */
static void replace_pipeline(const struct dataplane *dp)
{
	if (dp->former[MAP_xdp_way] < 0)
		return;
	carry_learned(dp);
	if (!set_xdp_way(dp->former[MAP_xdp_way], program_fd(dp, PROGRAM_wgxdp_xdp)))
		carry_learned(dp);
}

/* Replaces a running component of libxdp's dispatcher by the loaded program. The new component is
 * attached before the old one is detached. */
static int replace_component(struct dataplane *dp, const struct dataplane_port *port,
			     const struct plan *p)
{
	struct xdp_program *program;

	return dataplane_component(dp, p, &program) ?:
	       shared_attach(port->ifindex, program, port->flags & XDP_MODES) ?:
	       shared_detach(port->ifindex, map_fd(dp, MAP_control), xdp_program__id(program));
}

/* Replaces the running programs of one port. A device that has vanished since it was found runs no
 * program any more, so that it is no error. */
static int replace_port(struct dataplane *dp, const struct plan *p, struct dataplane_port *port)
{
	int tc = program_fd(dp, port->l3 ? PROGRAM_wgxdp_tc_l3 : PROGRAM_wgxdp_tc), rc = 0;
	char name[IF_NAMESIZE];

	if (!port->xdp_new && port->xdp_link >= 0)
		rc = bpf_link_update(port->xdp_link, dataplane_xdp(dp), NULL);
	if (!port->xdp_new && port->flags & LINK_SHARED && plan_nic(p, port->ifindex))
		rc = replace_component(dp, port, p);
	if (!rc && !port->tc_new && port->tcx_link >= 0)
		rc = bpf_link_update(port->tcx_link, tc, NULL);
	else if (!rc && !port->tc_new && port->flags & LINK_TC)
		rc = attach_replace_filter(port->ifindex, tc);
	if (!rc || !if_indextoname(port->ifindex, name))
		return 0;
	log_error("%s: cannot replace the running programs: %s: run `wgxdp up` again", name, strerror(-rc));
	return rc;
}

/* Replaces the running programs of all ports. After an error it continues with the other ports,
 * because the maps have their new contents already. Returns the first error. */
static int replace_programs(struct dataplane *dp, const struct plan *p)
{
	int rc = 0;

	if (!dp->running || !dp->reloaded)
		return 0;
	replace_pipeline(dp);
	for (size_t i = 0; i < dp->n_ports; i++) {
		int one = replace_port(dp, p, &dp->ports[i]);

		rc = rc ?: one;
	}
	return rc;
}

/* Pins the new map xdp_way under a name of its own, because the kernel empties such a map when no
 * pin and no process holds it. The pin of the running map stays too. So both old and new programs
 * work even if this command is killed; then remove_former_pins() removes the pin. */
static int pin_next_way(const struct dataplane *dp)
{
	int map = map_fd(dp, MAP_xdp_way);
	char name[32];

	snprintf(name, sizeof(name), "xdp_way-%u", map_info(map).id);
	return pin_set(map, dp->instance, "", name);
}

/* Prepares for replacing the running programs: clears their stored hash, so that the next command
 * loads programs again if this one is killed, and pins the new map xdp_way. */
static int begin_replacing(const struct dataplane *dp)
{
	struct control *c;

	if (!dp->running || !dp->reloaded)
		return 0;
	c = control_map(map_fd(dp, MAP_control));
	if (c)
		c->program = 0;
	control_unmap(c);
	return pin_next_way(dp);
}

/* Removes flags from the device's link after the programs were detached. The link has them until
 * then, so that a command after a killed one finds the programs that are still attached. */
static void drop_flags(const struct dataplane *dp, __u32 ifindex, __u16 flags)
{
	__u32 place = ifindex % LINKS;
	struct link link;

	if (bpf_map_lookup_elem(map_fd(dp, MAP_links), &place, &link) || link.ifindex != ifindex ||
	    !(link.flags & flags))
		return;
	link.flags &= ~flags;
	bpf_map_update_elem(map_fd(dp, MAP_links), &place, &link, BPF_ANY);
}

/* Detaches from a device what the plan no longer attaches there. */
static void drop_port(struct dataplane *dp, const struct dataplane_port *port, const struct plan *p)
{
	if (!plan_nic(p, port->ifindex)) {
		pin_remove(dp->instance, "attach/xdp-%u", port->ifindex);
		if (port->xdp_link >= 0)
			bpf_link_detach(port->xdp_link);
		if (port->flags & LINK_SHARED)
			shared_detach(port->ifindex, map_fd(dp, MAP_control), 0);
		drop_flags(dp, port->ifindex, LINK_XDP_FLAGS);
	}
	if (plan_port(p, port->ifindex))
		return;
	pin_remove(dp->instance, "attach/tcx-%u", port->ifindex);
	if (port->tcx_link >= 0)
		bpf_link_detach(port->tcx_link);
	if (port->flags & LINK_TC && !(port->flags & LINK_TCX))
		detach_filter(port->ifindex, port->flags & LINK_QDISC_OURS);
	drop_flags(dp, port->ifindex, LINK_TC_FLAGS);
}

static bool is_map(void *data, const char *name)
{
	for (int i = 0; i < MAP_COUNT; i++)
		if (!strcmp(name, dataplane_map_names[i]))
			return true;
	return !strcmp(name, CONFIG_PIN);
}

static bool is_loaded_program(void *data, const char *name)
{
	struct dataplane *dp = data;
	struct bpf_program *program = bpf_object__find_program_by_name(dp->skeleton->obj, name);

	return program && bpf_program__autoload(program);
}

/* Removes the pins of maps and programs that only a former build or a former configuration used. */
static void remove_former_pins(struct dataplane *dp)
{
	pins_remove_others(dp->instance, "", is_map, NULL);
	pins_remove_others(dp->instance, "progs", is_loaded_program, dp);
}

int dataplane_commit(struct dataplane *dp, const struct plan *p)
{
	const char *suffix = dp->running ? "" : "~new";
	struct control *c;
	/* A killed `down` may have removed the directories. */
	int rc = pins_make_dirs(dp->instance, suffix) ?: begin_replacing(dp) ?:
		 replace_programs(dp, p);

	if (!rc)
		rc = pin_all(dp, p, suffix);
	carry_learned(dp);
	if (!rc && !dp->running)
		rc = pins_commit(dp->instance);
	if (rc)
		return rc;
	/* The hash is written last. If this command is killed before, the next one loads the
	 * programs again. */
	if (dp->reloaded) {
		dataplane_flows_add_former(dp);
		remove_former_pins(dp);
	}
	c = dp->reloaded ? control_map(map_fd(dp, MAP_control)) : NULL;
	if (c)
		c->program = dp->hash;
	control_unmap(c);
	for (size_t i = 0; i < dp->n_ports; i++) {
		drop_port(dp, &dp->ports[i], p);
		dp->ports[i].xdp_new = dp->ports[i].tc_new = false;
	}
	dp->running = true;
	dp->begun = false;
	return 0;
}

void dataplane_close(struct dataplane *dp)
{
	if (!dp)
		return;
	for (size_t i = 0; i < dp->n_ports; i++) {
		struct dataplane_port *port = &dp->ports[i];

		if (port->xdp_new && port->flags & LINK_SHARED)
			shared_detach(port->ifindex, map_fd(dp, MAP_control), 0);
		if (port->tc_new && port->tcx_link < 0)
			detach_filter(port->ifindex, port->flags & LINK_QDISC_OURS);
		if (port->xdp_link >= 0)
			close(port->xdp_link);
		if (port->tcx_link >= 0)
			close(port->tcx_link);
	}
	if (dp->begun)
		pins_remove_all(dp->instance, "~new");
	free(dp->ports);
	for (int i = 0; i < MAP_COUNT; i++) {
		if (dp->maps[i] >= 0)
			close(dp->maps[i]);
		if (dp->former[i] >= 0)
			close(dp->former[i]);
	}
	for (int i = 0; i < PROGRAM_COUNT; i++)
		if (dp->programs[i] >= 0)
			close(dp->programs[i]);
	xdp_program__close(dp->component);
	wgxdp__destroy(dp->component_skeleton);
	wgxdp__destroy(dp->skeleton);
	free(dp);
}
