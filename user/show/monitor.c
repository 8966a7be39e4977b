/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * monitor: prints events as words or as JSON. It makes them from the data path's events and from
 * packets.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <time.h>
#include "lib/grow.h"
#include "lib/log.h"
#include "show/monitor.h"
#include "show/words.h"
#include "lib/text.h"
#include "net/wireguard.h"

const char *const monitor_kinds[MONITOR_KINDS + 1] = { "dropped", "flow", "handshake", "rebinding",
						       "knock" };

/* Writes the present time in UTC, such as 2026-11-20T22:00:00.123Z. */
static void format_now(char text[32])
{
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, 32 - n, ".%03ldZ", now.tv_nsec / 1000000);
}

bool monitor_wants(const struct monitor *m, enum monitor_kind kind)
{
	return m->filter.kinds >> kind & 1;
}

static bool equals(const char *wanted, const char *value)
{
	return !wanted || (value && !strcmp(wanted, value));
}

static bool passes_filter(const struct monitor *m, const struct monitor_event *e, const char *link)
{
	const struct monitor_filter *f = &m->filter;

	return monitor_wants(m, e->kind) && equals(f->service, e->service) &&
	       equals(f->peer, e->peer) && equals(f->reason, e->reason) &&
	       equals(f->interface, link) && (!f->address.family ||
	       prefix_covers(&f->address, &e->src) || prefix_covers(&f->address, &e->dst));
}

static void print_json(const struct monitor_event *e, const char *when, const char *link,
		       const char *from, const char *to)
{
	const struct {
		const char *key, *value;
	} texts[] = {
		{ "reason", e->reason }, { "service", e->service }, { "peer", e->peer },
		{ "direction", e->direction }, { "path", e->path },
		{ "interface", link }, { "source", from }, { "destination", to },
	};

	printf("{\"time\": \"%s\", \"event\": \"%s\"", when, monitor_kinds[e->kind]);
	if (strcmp(e->what, monitor_kinds[e->kind]))
		printf(", \"what\": \"%s\"", e->what);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i].value) {
			printf(", \"%s\": ", texts[i].key);
			text_print_json(stdout, texts[i].value);
		}
	if (e->counts)
		printf(", \"bytes\": %u, \"packets\": %u, \"skipped\": %llu", e->bytes, e->segments,
		       e->skipped);
	puts("}");
}

static void print_words(const struct monitor_event *e, const char *when, const char *link,
			const char *from, const char *to)
{
	const char *words[] = { e->reason, e->service ? "service" : e->peer ? "peer" : NULL,
				e->service ?: e->peer, e->direction, link };

	printf("%s %s", when, monitor_kinds[e->kind]);
	if (strcmp(e->what, monitor_kinds[e->kind]))
		printf(" %s", e->what);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (words[i]) {
			putchar(' ');
			text_print(stdout, words[i]);
		}
	if (from || to)
		printf(": %s > %s", from ?: "nowhere", to ?: "nowhere");
	if (e->counts)
		printf(", %u bytes", e->bytes);
	if (e->skipped)
		printf(", and %llu others since the last event", e->skipped);
	putchar('\n');
}

/* Prints an event if it passes the filter. */
static void monitor_print(struct monitor *m, const struct monitor_event *e)
{
	char when[32], from[ADDRESS_STRLEN], to[ADDRESS_STRLEN], name[IF_NAMESIZE];
	const char *link = e->ifindex ? interface_name(e->ifindex, name) : NULL;

	if (m->ends || !passes_filter(m, e, link))
		return;
	format_now(when);
	(m->json ? print_json : print_words)(
		e, when, link, e->src.family ? endpoint_format(&e->src, e->sport, from) : NULL,
		e->dst.family ? endpoint_format(&e->dst, e->dport, to) : NULL);
	m->ends = m->left && !--m->left;
}

void monitor_dropped(struct monitor *m, const struct event *e)
{
	bool is_peer = e->id & PEER_ID;
	char name[NAME_LEN];

	name_of_id(m->dp, e->id, name);
	monitor_print(m, &(struct monitor_event){
		.kind = MONITOR_DROPPED, .what = "dropped", .reason = reason_name(e->reason),
		.service = is_peer ? NULL : name,
		.peer = is_peer ? name : NULL,
		.direction = is_peer ? "rx" : direction_name(e->direction),
		.path = plane_name(e->plane), .ifindex = e->ifindex,
		.src = { e->src, e->family }, .dst = { e->dst, e->family },
		.sport = e->sport, .dport = e->dport, .counts = true, .bytes = e->len,
		.segments = e->segments, .skipped = e->skipped,
	});
}

/* ---- packets ---- */

struct packet {
	__u8 frame[14 + TRACING_MAX];
	__u32 len;
};

/* Returns whether len bytes are a packet without an Ethernet header, by the length in its IP
 * header. */
static bool is_bare(const __u8 *at, __u32 n, __u32 len)
{
	if (n < 20)
		return false;
	return at[0] >> 4 == 4 ? (at[2] << 8 | at[3]) == (int)len : at[0] >> 4 == 6 && n >= 40 &&
	       (at[4] << 8 | at[5]) + 40 == (int)len;
}

/* Makes an Ethernet frame of what the kernel passed. Adds a header if there is none, and the
 * EtherType if the kernel has not filled it in yet. */
static void make_frame(const struct tracing_packet *p, const __u8 *bytes, __u32 n,
		       struct packet *ret)
{
	static const __u8 types[2][2] = { { 8, 0 }, { 0x86, 0xdd } };
	__u32 head = p->bare && is_bare(bytes, n, p->len) ? 14 : 0;

	if (n > TRACING_MAX)
		n = TRACING_MAX;
	memset(ret->frame, 0, 14);
	memcpy(ret->frame + head, bytes, n);
	ret->len = n + head;
	if (ret->len > 14 && !ret->frame[12] && !ret->frame[13])
		memcpy(ret->frame + 12, types[ret->frame[14] >> 4 == 6], 2);
}

void monitor_cannot_write(struct monitor *m)
{
	m->ends = true;
	if (!m->error && errno != EPIPE)	/* EPIPE: the reader wants no more */
		m->error = errno;
}

/* Returns whether the daemon listens for knocks on this UDP port. */
static bool is_knock(const struct monitor *m, __be16 port)
{
	struct notify_filter h = { 0 };
	__u32 zero = 0;

	if (map_fd(m->dp, MAP_notify_filter) < 0 ||
	    bpf_map_lookup_elem(map_fd(m->dp, MAP_notify_filter), &zero, &h))
		return false;
	for (int i = 0; i < NOTIFY_PORTS; i++)
		if (h.knocks[i] && (__u32)(ntohs(port) - h.knocks[i]) < KNOCK_PORTS)
			return true;
	return false;
}

void monitor_packet(void *data, const struct tracing_packet *p, const void *bytes, __u32 n)
{
	static struct packet packet;
	struct monitor *m = data;
	struct packet_words words;
	struct monitor_event e = { .path = plane_name(p->plane), .ifindex = p->ifindex };

	if (m->ends)
		return;
	make_frame(p, bytes, n, &packet);
	packet_words(packet.frame, packet.len, &words);
	e.src = words.end[0];
	e.sport = words.port[0];
	e.dst = words.end[1];
	e.dport = words.port[1];
	if (p->kinds & TRACING_HANDSHAKE) {
		e.kind = MONITOR_HANDSHAKE;
		e.what = message_name(words.message);
		monitor_print(m, &e);
	}
	if (p->kinds & TRACING_LAST_HOP && is_knock(m, e.dport)) {
		e.kind = MONITOR_KNOCK;
		e.what = "knock";
		monitor_print(m, &e);
	}
}

/* ---- polling ----
 * The kernel reports neither flows that were made and ended, nor peers with another endpoint, so
 * monitor polls. */

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
			log_warning("there are more than %d flows: while this is so, monitor does not report changes of flows",
				    FLOWS_TOLD);
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
		log_error("cannot read the flows and peers of instance %s: %s", m->instance, strerror(-rc));
		memory_free(is);
		return rc;
	}
	memory_free(m->memory);
	m->memory = is;
	return 0;
}
