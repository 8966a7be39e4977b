/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * monitor: changes since the last second: flows made and ended, and peers of this host's WireGuard
 * with another endpoint. The kernel reports neither, so monitor polls.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include "lib/grow.h"
#include "lib/log.h"
#include "show/monitor.h"
#include "net/wireguard.h"

/* With more flows than this, none are compared: to read them each second would take too long. */
#define FLOWS_TOLD 65536

struct seen_flow {
	struct flow_key key;
	struct flow flow;
};

struct seen_peer {
	char device[16], name[NAME_LEN];
	struct wg_key key;
	struct address endpoint;
	__be16 port;
};

struct monitor_memory {
	struct seen_flow *flows;
	struct seen_peer *peers;
	size_t n_flows, n_peers;
	bool too_many;
};

/* ---- flows ---- */

static int compare_flows(const void *a, const void *b)
{
	return memcmp(&((const struct seen_flow *)a)->key, &((const struct seen_flow *)b)->key,
		      sizeof(struct flow_key));
}

static int add_flow(void *data, const struct flow_entry *e)
{
	struct monitor_memory *now = data;
	struct seen_flow *f;

	if (now->n_flows == FLOWS_TOLD)
		return -E2BIG;
	f = append(now->flows, now->n_flows);
	*f = (struct seen_flow){ flow_key_of(&e->flow, DIRECTION_ORIGINAL), e->flow };
	return 0;
}

static void report_flow(struct monitor *m, const struct seen_flow *f, const char *what)
{
	struct service_name service = { 0 };
	__u32 id = f->flow.id;

	bpf_map_lookup_elem(map_fd(m->dp, MAP_names), &id, &service);
	monitor_print(m, &(struct monitor_event){
		.kind = MONITOR_FLOW, .what = what, .service = service.name,
		.ifindex = f->flow.ifindex,
		.src = { f->key.src, f->key.family }, .sport = f->key.sport,
		.dst = { f->flow.own, f->flow.family }, .dport = f->flow.own_port,
	});
}

/* Reports the flows, or peers, that only one of two sorted readings has, or that differ. */
static void report_changes(struct monitor *m, const struct monitor_memory *was,
			   const struct monitor_memory *is)
{
	size_t i = 0, j = 0;

	while (i < was->n_flows || j < is->n_flows) {
		int order = i == was->n_flows ? 1 : j == is->n_flows ? -1 :
			    compare_flows(&was->flows[i], &is->flows[j]);
		bool again = !order && was->flows[i].flow.since != is->flows[j].flow.since;

		if (order < 0 || again)
			report_flow(m, &was->flows[i], "ended");
		if (order > 0 || again)
			report_flow(m, &is->flows[j], "made");
		i += order <= 0;
		j += order >= 0;
	}
}

static int poll_flows(struct monitor *m, const struct monitor_memory *was,
		      struct monitor_memory *is)
{
	int rc = dataplane_flows(m->dp, add_flow, is);

	if (rc == -E2BIG) {
		if (!was || !was->too_many)
			log_warning("there are more than %d flows: while this is so, monitor does "
				    "not report changes of flows", FLOWS_TOLD);
		is->too_many = true;
		is->n_flows = 0;
		return 0;
	}
	if (rc)
		return rc;
	if (is->n_flows)
		qsort(is->flows, is->n_flows, sizeof(*is->flows), compare_flows);
	if (was && !was->too_many)
		report_changes(m, was, is);
	return 0;
}

/* ---- peers ---- */

static void add_device(struct monitor_memory *is, const char *device)
{
	struct wg_names names = { 0 };
	struct wg_device d = { 0 };

	for (size_t i = 0; i < is->n_peers; i++)
		if (!strcmp(is->peers[i].device, device))
			return;
	if (wg_read(device, &d))
		return;		/* no such device now, or none of WireGuard */
	wg_names_read(device, &names);
	for (size_t i = 0; i < d.n_peers; i++) {
		struct seen_peer *p = append(is->peers, is->n_peers);

		*p = (struct seen_peer){ .key = d.peers[i].key, .endpoint = d.peers[i].endpoint,
					 .port = d.peers[i].endpoint_port };
		snprintf(p->device, sizeof(p->device), "%s", device);
		wg_name_of(&names, &p->key, p->name);
	}
	wg_names_free(&names);
	wg_free(&d);
}

static void name_peers(struct monitor_memory *is, const struct peer_name *n)
{
	for (size_t i = 0; i < is->n_peers; i++)
		if (!memcmp(is->peers[i].key.b, n->key, sizeof(n->key)) && *n->name)
			memcpy(is->peers[i].name, n->name, NAME_LEN);
}

static void poll_names(const struct monitor *m, enum dataplane_map map, struct monitor_memory *is)
{
	__u32 n = map_fd(m->dp, map) < 0 ? 0 : dataplane_entries(m->dp, map);
	struct peer_name name;

	for (__u32 i = 0; i < n; i++) {
		if (bpf_map_lookup_elem(map_fd(m->dp, map), &i, &name) || !*name.name)
			continue;
		if (*name.device)
			add_device(is, name.device);
		name_peers(is, &name);
	}
}

static void poll_peers(struct monitor *m, const struct monitor_memory *was,
		       struct monitor_memory *is)
{
	poll_names(m, MAP_peer_names, is);
	poll_names(m, MAP_blind_names, is);
	for (size_t i = 0; was && i < is->n_peers; i++)
		for (size_t j = 0; j < was->n_peers; j++) {
			const struct seen_peer *now = &is->peers[i], *then = &was->peers[j];

			if (strcmp(now->device, then->device) ||
			    wg_key_compare(&now->key, &then->key) ||
			    (address_equal(&now->endpoint, &then->endpoint) &&
			     now->port == then->port))
				continue;
			monitor_print(m, &(struct monitor_event){
				.kind = MONITOR_REBINDING, .what = "moved", .peer = now->name,
				.src = then->endpoint, .sport = then->port,
				.dst = now->endpoint, .dport = now->port,
			});
		}
}

/* ---- both ---- */

static void memory_free(struct monitor_memory *memory)
{
	if (!memory)
		return;
	free(memory->flows);
	free(memory->peers);
	free(memory);
}

int monitor_poll(struct monitor *m)
{
	struct monitor_memory *is = xcalloc(1, sizeof(*is));
	int rc = monitor_wants(m, MONITOR_FLOW) ? poll_flows(m, m->memory, is) : 0;

	if (!rc && monitor_wants(m, MONITOR_REBINDING))
		poll_peers(m, m->memory, is);
	if (rc) {
		log_error("cannot read the flows and peers of instance %s: %s", m->instance,
			  strerror(-rc));
		memory_free(is);
		return rc;
	}
	memory_free(m->memory);
	m->memory = is;
	return 0;
}
