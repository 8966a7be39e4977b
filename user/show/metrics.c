/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Metrics in Prometheus' text format, one family after the other, each with help and type. Labels
 * are bounded: services, interfaces, names, maps and reasons, never a client.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "plan/resolved_backends.h"
#include "config/config_sections.h"
#include "dataplane/dataplane.h"
#include "lib/log.h"
#include "show/condition.h"
#include "show/show.h"
#include "instance/run_counters.h"
#include "show/show_parts.h"
#include "instance/follower.h"
#include "instance/source.h"
#include "instance/run_state.h"
#include "lib/text.h"
#include "show/words.h"

/* ---- this process ---- */

/* Returns field n of /proc/PID/stat, counted from 1, for n > 2. It searches from the bracket after
 * the name, because the name may contain blanks. */
static unsigned long long stat_field(const char *text, int n)
{
	const char *c = strrchr(text, ')');
	unsigned long long value = 0;

	for (int i = 2; c && i < n; i++)
		c = strchr(c + 1, ' ');
	if (c)
		sscanf(c, "%llu", &value);
	return value;
}

static double boot_time(void)
{
	struct timespec real, boot;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return real.tv_sec - boot.tv_sec + (real.tv_nsec - boot.tv_nsec) / 1e9;
}

static unsigned int open_files(void)
{
	unsigned int n = 0;
	DIR *dir = opendir("/proc/self/fd");

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n >= 3 ? n - 3 : 0;	/* without ".", ".." and the directory's own fd */
}

/* Writes the standard metrics of this process (process_*): CPU time, memory, descriptors. */
static void process_families(struct metrics_text *t)
{
	double tick = sysconf(_SC_CLK_TCK);
	struct rlimit files = { 0 };
	char text[1024] = "";
	FILE *in = fopen("/proc/self/stat", "re");

	if (in) {
		if (!fgets(text, sizeof(text), in))
			*text = '\0';
		fclose(in);
	}
	getrlimit(RLIMIT_NOFILE, &files);
	metric_family(t, "process_cpu_seconds_total", "counter",
		      "CPU time that the process has used.");
	metric_seconds(t, NULL, (stat_field(text, 14) + stat_field(text, 15)) / tick);
	metric_family(t, "process_resident_memory_bytes", "gauge",
		      "Resident memory of the process.");
	metric(t, NULL, stat_field(text, 24) * sysconf(_SC_PAGESIZE));
	metric_family(t, "process_virtual_memory_bytes", "gauge", "Virtual memory of the process.");
	metric(t, NULL, stat_field(text, 23));
	metric_family(t, "process_open_fds", "gauge", "Open files of the process.");
	metric(t, NULL, open_files());
	metric_family(t, "process_max_fds", "gauge", "Maximum number of open files of the process.");
	metric(t, NULL, files.rlim_cur);
	metric_family(t, "process_start_time_seconds", "gauge", "Start time of the process.");
	metric_seconds(t, NULL, boot_time() + stat_field(text, 22) / tick);
}

struct scrape {
	struct metrics_text text;
	const char *instance;
	const struct dataplane *dp;
	struct conditions is;
	struct service_name *services;	/* names of services; `is` owns them */
	struct dataplane_reason *reasons;
	const struct config *config;	/* from conditions_config() */
	struct relay_view relay;
	__u32 *flows;			/* flows of each service, indexed by its id */
	size_t n_services, n_reasons;
};

/* ---- services ---- */

static void service_packets(struct scrape *s, __u32 id, __u32 direction, __u32 plane, bool bytes)
{
	static const char *const verdicts[] = { "forwarded", "dropped", "passed" };
	const char *labels[][2] = {
		{ "service", s->services[id].name }, { "direction", direction_name(direction) },
		{ "path", plane_name(plane) },
		{ "verdict", NULL }, { 0 },
	};
	struct total total;

	if (dataplane_total(s->dp, id, direction, plane, &total))
		return;
	for (int v = 0; v < (bytes ? 1 : 3); v++) {
		labels[3][1] = verdicts[v];
		metric(&s->text, labels, bytes ? total.bytes : !v ? total.forwarded :
		       reasons_sum(s->reasons, s->n_reasons, id, direction, plane, v == 1));
	}
}

static void services(struct scrape *s, bool bytes)
{
	for (__u32 id = 0; id < s->n_services; id++)
		for (__u32 i = 0; i < 4 && *s->services[id].name; i++)
			service_packets(s, id, i / 2, i % 2, bytes);
}

/* Writes the packets of services, or else from peers, that were dropped, or else passed up. */
static void reasons(struct scrape *s, bool peers, bool drops)
{
	size_t n = peers ? s->relay.n_peers : s->n_services;
	struct dataplane_reason r;

	for (size_t at = 0; reasons_next(s->reasons, s->n_reasons, &at, &r);) {
		__u32 id = r.key.id & ~PEER_ID;
		const char *name = id >= n ? "" : peers ? s->relay.peers[id].name.name :
				   s->services[id].name;

		if (!(r.key.id & PEER_ID) != peers && *name && reason_drops(r.key.reason) == drops)
			metric(&s->text, LABELS({ peers ? "peer" : "service", name },
						{ "direction", peers ? "rx" :
						  direction_name(r.key.direction) },
						{ "reason", reason_name(r.key.reason) }),
			       r.packets);
	}
}

static void service_states(struct scrape *s)
{
	metric_family(&s->text, "wgxdp_service_state", "gauge",
		      "1 for the present state of a service: listening, partial (some packets are not forwarded) or waiting (none is forwarded).");
	for (__u32 id = 0; id < s->n_services; id++)
		for (int state = 0; state < SERVICE_STATES && *s->services[id].name; state++)
			metric(&s->text, LABELS({ "service", s->services[id].name },
						{ "state", service_state_name(state) }),
			       s->is.services[id].state == state);
}

static void service_families(struct scrape *s)
{
	service_states(s);
	metric_family(&s->text, "wgxdp_service_packets_total", "counter",
		      "Packets of a service, by direction, path (xdp or tc) and verdict.");
	services(s, false);
	metric_family(&s->text, "wgxdp_service_bytes_total", "counter",
		      "Bytes of a service's forwarded packets, including the IP header.");
	services(s, true);
	metric_family(&s->text, "wgxdp_service_dropped_packets_total", "counter",
		      "Dropped packets of a service, by the reason for the drop.");
	reasons(s, false, true);
	metric_family(&s->text, "wgxdp_service_passed_packets_total", "counter",
		      "Packets of a service that were passed up to this host, by the reason.");
	reasons(s, false, false);
}

/* ---- flows ---- */

static const __u16 refusals[] = { DROP_flows_full, DROP_ports_exhausted, DROP_newcomer_limited,
				  DROP_flow_contended };

static __u64 refused(const struct scrape *s, __u32 id)
{
	__u64 sum = 0;

	for (size_t i = dataplane_reasons_from(s->reasons, s->n_reasons, id);
	     i < s->n_reasons && s->reasons[i].key.id == id; i++)
		for (size_t j = 0; j < sizeof(refusals) / sizeof(*refusals); j++)
			sum += s->reasons[i].key.reason == refusals[j] ? s->reasons[i].packets : 0;
	return sum;
}

/* Writes a metric of the flows of all services. offset: that of a member of struct flow_numbers;
 * the structure's size stands for refused packets. */
static void flow_family(struct scrape *s, const char *name, const char *type, const char *help,
			size_t offset)
{
	metric_family(&s->text, name, type, help);
	for (__u32 id = 0; id < s->n_services; id++) {
		struct flow_numbers n;
		struct pool pool;

		if (!*s->services[id].name || !dataplane_pool(s->dp, id, &pool) ||
		    dataplane_flow_numbers(s->dp, id, s->flows[id], &n))
			continue;
		metric(&s->text, LABELS({ "service", s->services[id].name }), offset < sizeof(n) ?
		       *(const __u64 *)((const char *)&n + offset) : refused(s, id));
	}
}

static void flow_families(struct scrape *s)
{
	flow_family(s, "wgxdp_flows", "gauge", "Present number of flows (clients) of a service with nat: masquerade.",
		    offsetof(struct flow_numbers, now));
	flow_family(s, "wgxdp_flows_created_total", "counter", "Flows that were created because the backend answered a new client.",
		    offsetof(struct flow_numbers, created));
	flow_family(s, "wgxdp_flows_moved_total", "counter", "Flows that ended because the service got another backend.",
		    offsetof(struct flow_numbers, moved));
	flow_family(s, "wgxdp_flows_deleted_total", "counter", "Flows that were ended by a command, or because the pool lost their address or port.",
		    offsetof(struct flow_numbers, deleted));
	flow_family(s, "wgxdp_flows_refused_total", "counter", "Packets of new clients that got no flow, because of no room, no free port, or a limit.",
		    sizeof(struct flow_numbers));
}

/* ---- peers ---- */

static void peer_packets(struct scrape *s, __u32 id, enum peer_direction direction, bool bytes)
{
	const char *name = s->relay.peers[id].name.name, *word = direction == PEER_RX ? "rx" : "tx";
	struct total total = relay_view_total(&s->relay, id, direction);

	metric(&s->text, LABELS({ "peer", name }, { "direction", word },
				{ "verdict", "forwarded" }), bytes ? total.bytes : total.forwarded);
	for (int drops = 1; drops >= 0 && !bytes && direction == PEER_RX; drops--)
		metric(&s->text, LABELS({ "peer", name }, { "direction", word },
					{ "verdict", drops ? "dropped" : "passed" }),
		       reasons_sum(s->reasons, s->n_reasons, PEER_ID | id, PEER_RX, ANY, drops));
}

static void peers(struct scrape *s, bool bytes)
{
	for (__u32 id = 1; id < s->relay.n_peers; id++)
		for (int direction = PEER_RX; direction <= PEER_TX && *s->relay.peers[id].name.name;
		     direction++)
			peer_packets(s, id, direction, bytes);
}

static void peer_families(struct scrape *s)
{
	char why[CONDITION_WHY];

	metric_family(&s->text, "wgxdp_peer_attached", "gauge", "1 if the peer's device exists and knows its key; 0 if its packets are not forwarded.");
	for (__u32 id = 1; id < s->relay.n_peers; id++)
		if (*s->relay.peers[id].name.name)
			metric(&s->text, LABELS({ "peer", s->relay.peers[id].name.name }),
			       peer_is_attached(&s->is, &s->relay, id, why));
	metric_family(&s->text, "wgxdp_peer_packets_total", "counter",
		      "Packets from a peer (rx) by verdict, and packets forwarded to it (tx).");
	peers(s, false);
	metric_family(&s->text, "wgxdp_peer_bytes_total", "counter", "Bytes of packets forwarded from a peer (rx) and to it (tx), including the IP header.");
	peers(s, true);
	metric_family(&s->text, "wgxdp_peer_dropped_packets_total", "counter",
		      "Dropped packets from a peer, by the reason for the drop.");
	reasons(s, true, true);
	metric_family(&s->text, "wgxdp_peer_passed_packets_total", "counter",
		      "Packets from a peer that were passed up to this host, by the reason.");
	reasons(s, true, false);
	metric_family(&s->text, "wgxdp_peer_last_handshake_timestamp_seconds", "gauge",
		      "Time of the last WireGuard handshake with a peer; 0 if there was none.");
	for (__u32 id = 1; id < s->relay.n_peers; id++)
		if (*s->relay.peers[id].name.name && s->relay.wireguard[id])
			metric(&s->text, LABELS({ "peer", s->relay.peers[id].name.name }),
			       s->relay.wireguard[id]->handshake);
}

/* ---- interfaces ---- */

enum interface_family { INTERFACE_INFO, INTERFACE_WORKS, INTERFACE_FAILED };

static void interfaces(struct scrape *s, enum interface_family family)
{
	for (size_t n = 0; n < s->is.n_interfaces; n++) {
		const struct interface_condition *i = &s->is.interfaces[n];

		if (family == INTERFACE_WORKS)
			metric(&s->text, LABELS({ "interface", i->name }),
			       i->state == INTERFACE_ATTACHED || i->state == INTERFACE_ELSEWHERE);
		else if (i->link && family == INTERFACE_INFO)
			metric(&s->text,
			       LABELS({ "interface", i->name }, { "role", role_names[i->role] },
				      { "mode", mode_of_link(s->is.links, s->is.n_links,
							     i->link) }), 1);
		else if (i->link)
			metric(&s->text, LABELS({ "interface", i->name }),
			       conditions_transmit_failed(&s->is, i->link->ifindex));
	}
}

static void interface_families(struct scrape *s)
{
	metric_family(&s->text, "wgxdp_interface_info", "gauge",
		      "1 for each interface, with its role and mode.");
	interfaces(s, INTERFACE_INFO);
	metric_family(&s->text, "wgxdp_interface_attached", "gauge", "1 if wgxdp is attached to the interface and it is up; 0 if it is waiting, down or gone.");
	interfaces(s, INTERFACE_WORKS);
	metric_family(&s->text, "wgxdp_interface_transmit_failed_packets_total", "counter",
		      "Packets that the device's driver failed to send.");
	interfaces(s, INTERFACE_FAILED);
}

/* ---- maps, configuration, names ---- */

static __u32 map_room(const struct dataplane *dp, enum dataplane_map m)
{
	__u32 n = dataplane_entries(dp, m);

	if (learned_is_table(map_fd(dp, m)))
		return n * LEARNED_WAYS;
	return m == MAP_table ? n * TABLE_WAYS : m == MAP_flow_table ? flow_table_room(n) : n;
}

static void map_families(struct scrape *s)
{
	static const struct {
		enum dataplane_map map;
		const char *name;
	} maps[] = {
		{ MAP_table, "table" }, { MAP_source_trie, "source_trie" },
		{ MAP_choices, "choices" }, { MAP_frags, "frags" },
		{ MAP_icmp_limits, "icmp_limits" }, { MAP_reasons, "reasons" },
		{ MAP_names, "names" }, { MAP_routes, "routes" },
		{ MAP_flow_table, "flows" },
	};

	metric_family(&s->text, "wgxdp_map_entries", "gauge",
		"Entries of a BPF map that are in use.");
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
		metric(&s->text, LABELS({ "map", maps[i].name }),
		       dataplane_used(s->dp, maps[i].map));
	metric_family(&s->text, "wgxdp_map_max_entries", "gauge",
		      "Entries for which a BPF map has room.");
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
		metric(&s->text, LABELS({ "map", maps[i].name }), map_room(s->dp, maps[i].map));
}

static void config_families(struct scrape *s)
{
	char path[RUN_STATE_PATH_LEN];
	struct stat st = { 0 };

	metric_family(&s->text, "wgxdp_config_last_reload_successful", "gauge",
		      "1 if the last reload of the configuration succeeded.");
	metric(&s->text, NULL, !run_state_failed(s->instance));
	run_state_path(path, s->instance, "running.yaml");
	stat(path, &st);
	metric_family(&s->text, "wgxdp_config_last_reload_success_timestamp_seconds", "gauge",
		      "Time when the running configuration was applied.");
	metric_seconds(&s->text, NULL, st.st_mtim.tv_sec + st.st_mtim.tv_nsec / 1e9);
}

static void daemon_families(struct scrape *s)
{
	char file[PATH_MAX];
	__s64 since;
	bool runs = follower_runs(s->instance, &since);

	metric_family(&s->text, "wgxdp_daemon_running", "gauge",
		      "1 if a daemon runs for the instance.");
	metric(&s->text, NULL, runs);
	metric_family(&s->text, "wgxdp_daemon_start_timestamp_seconds", "gauge",
		      "Start time of the daemon; 0 if no daemon runs.");
	metric(&s->text, NULL, since);
	metric_family(&s->text, "wgxdp_configuration_stale", "gauge", "1 if the running configuration differs from the file that it was read from.");
	if (s->config)
		metric(&s->text, NULL, source_is_stale(source_read(s->instance, s->config, file,
							 NULL)));
}

/* Writes when each name was resolved last. If both families need the name, it writes the older of
 * the two times. */
static void name_families(struct scrape *s)
{
	struct resolved_backends known;

	resolved_backends_read(s->instance, &known);
	if (s->config)
		resolved_backends_match(&known, s->config);
	else
		known.n = 0;
	metric_family(&s->text, "wgxdp_name_resolved_timestamp_seconds", "gauge",
		      "Time when a name was last resolved; 0 if it never was.");
	for (size_t i = 0; i < known.n; i++) {
		__s64 resolved = known.list[i].resolved;
		bool before = false;

		for (size_t j = 0; j < known.n; j++)
			if (!strcmp(known.list[j].text, known.list[i].text)) {
				before |= j < i;
				resolved = known.list[j].resolved < resolved ?
					   known.list[j].resolved : resolved;
			}
		if (!before && resolved_backend_is_name(&known.list[i]))
			metric(&s->text, LABELS({ "name", known.list[i].text }), resolved);
	}
	resolved_backends_free(&known);
}

static void ddns_families(struct scrape *s)
{
	struct run_counters n;

	run_counters_read(&n, s->instance, "ddns");
	metric_family(&s->text, "wgxdp_ddns_last_success_timestamp_seconds", "gauge",
		      "Time when the DNS records of a name were last known to be correct; 0 if they never were.");
	for (size_t i = 0; s->config && i < s->config->n_ddns; i++)
		for (size_t j = 0; j < s->config->ddns[i].n_names; j++) {
			const char *name = s->config->ddns[i].names[j].text;
			bool before = false;

			for (size_t k = 0; k < i; k++)
				for (size_t l = 0; l < s->config->ddns[k].n_names; l++)
					before |= !strcmp(s->config->ddns[k].names[l].text, name);
			if (!before)
				metric(&s->text, LABELS({ "name", name }),
				       run_counters_value(&n, name));
		}
	run_counters_free(&n);
}

static bool is_followed(const struct config *c, const char *interface)
{
	for (size_t i = 0; i < c->n_endpoints; i++)
		if (!strcmp(c->endpoints[i].interface, interface))
			return true;
	for (size_t i = 0; i < c->n_learn; i++)
		if (!strcmp(c->learn[i].interface, interface))
			return true;
	return false;
}

/* Writes how often the endpoints in the sections endpoints and learn were changed. */
static void endpoint_families(struct scrape *s)
{
	char name[ENDPOINT_COUNTER_LEN];
	struct run_counters n;

	run_counters_read(&n, s->instance, "endpoints");
	for (size_t i = 0; s->config && i < s->config->n_endpoints; i++) {
		endpoint_counter(s->config->endpoints[i].interface, &s->config->endpoints[i].peer,
				 name);
		run_counters_set(&n, name, run_counters_value(&n, name));
	}
	metric_family(&s->text, "wgxdp_endpoint_changes_total", "counter",
		      "Number of times that the daemon set a WireGuard peer's endpoint.");
	for (size_t i = 0; i < n.n; i++) {
		char *peer = strchr(n.list[i].name, '/');

		if (!peer)
			continue;
		*peer++ = '\0';
		if (s->config && is_followed(s->config, n.list[i].name))
			metric(&s->text, LABELS({ "interface", n.list[i].name }, { "peer", peer }),
			       n.list[i].value);
	}
	run_counters_free(&n);
}

static int collect(struct scrape *s)
{
	const struct dataplane *dp = s->dp;
	int rc = conditions_read(dp, &s->is);

	s->services = s->is.names;
	s->n_services = s->is.n_services;
	dataplane_reasons(dp, &s->reasons, &s->n_reasons);
	return rc ?: dataplane_flow_counts(dp, &s->flows) ?: relay_view_read(dp, false, &s->relay);
}

/* Writes the metrics that come from the maps: an instance without a data path has none. */
static int write_maps(struct scrape *s)
{
	int rc = collect(s);

	if (rc) {
		log_error("cannot read the maps of instance %s: %s", s->instance, strerror(-rc));
		return rc;
	}
	s->config = s->is.config;	/* if it changed, the former one was freed */
	service_families(s);
	flow_families(s);
	guard_families(&s->text, s->dp, s->config, s->services, s->n_services);
	list_families(&s->text, s->dp);
	peer_families(s);
	site_families(&s->text, &s->is);
	interface_families(s);
	map_families(s);
	return 0;
}

static int write_all(struct scrape *s)
{
	int rc;

	s->config = conditions_config(s->instance);
	if (!s->dp->running && !(s->config && config_is_control(s->config))) {
		running_not_up(s->instance);
		return -ENOENT;
	}
	metric_family(&s->text, "wgxdp_build_info", "gauge",
		      "1, with the version of wgxdp as a label.");
	metric(&s->text, LABELS({ "version", VERSION }), 1);
	rc = s->dp->running ? write_maps(s) : 0;
	if (rc)
		return rc;
	config_families(s);
	daemon_families(s);
	name_families(s);
	ddns_families(s);
	endpoint_families(s);
	process_families(&s->text);
	return 0;
}

int metrics_write(FILE *out, const char *instance)
{
	struct scrape s = { .text.out = out, .instance = instance };
	struct dataplane *dp = NULL;
	int rc = dataplane_open(instance, &dp);

	s.dp = dp;
	rc = rc ?: write_all(&s);
	conditions_free(&s.is);
	free(s.reasons);
	free(s.flows);
	relay_view_free(&s.relay);
	dataplane_close(dp);
	return rc ?: ferror(out) || fflush(out) ? -EIO : 0;
}
