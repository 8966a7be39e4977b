/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * monitor: an event as a line, of words or of JSON.
 */
#include <bpf/bpf.h>
#include <net/if.h>
#include <string.h>
#include <time.h>
#include "show/monitor.h"
#include "show/words.h"

const char *const monitor_kinds[MONITOR_KINDS + 1] = { "dropped", "flow", "handshake", "rebinding", "knock" };

/* 2026-11-20T22:00:00.123Z */
static void now_format(char text[32])
{
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, 32 - n, ".%03ldZ", now.tv_nsec / 1000000);
}

static const char *link_name(__u32 ifindex, char name[IF_NAMESIZE])
{
	if (!ifindex)
		return NULL;
	if (!if_indextoname(ifindex, name))
		snprintf(name, IF_NAMESIZE, "%u", ifindex);
	return name;
}

bool monitor_wants(const struct monitor *m, enum monitor_kind kind)
{
	return m->filter.kinds >> kind & 1;
}

static bool is(const char *wanted, const char *value)
{
	return !wanted || (value && !strcmp(wanted, value));
}

static bool passes(const struct monitor *m, const struct monitor_event *e, const char *link)
{
	const struct monitor_filter *f = &m->filter;

	if (!monitor_wants(m, e->kind) || !is(f->service, e->service) || !is(f->peer, e->peer) || !is(f->reason, e->reason) ||
	    !is(f->interface, link))
		return false;
	return !f->address.family || prefix_covers(&f->address, &e->src) || prefix_covers(&f->address, &e->dst);
}

static void tell_json(const struct monitor_event *e, const char *when, const char *link, const char *from, const char *to)
{
	const struct {
		const char *key, *value;
	} texts[] = {
		{ "reason", e->reason }, { "service", e->service }, { "peer", e->peer }, { "direction", e->direction }, { "path", e->path },
		{ "interface", link }, { "source", from }, { "destination", to },
	};

	printf("{\"time\": \"%s\", \"event\": \"%s\"", when, monitor_kinds[e->kind]);
	if (strcmp(e->what, monitor_kinds[e->kind]))
		printf(", \"what\": \"%s\"", e->what);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i].value)
			printf(", \"%s\": \"%s\"", texts[i].key, texts[i].value);
	if (e->counts)
		printf(", \"bytes\": %u, \"packets\": %u, \"skipped\": %llu", e->bytes, e->segments, e->skipped);
	puts("}");
}

static void tell_words(const struct monitor_event *e, const char *when, const char *link, const char *from, const char *to)
{
	const char *words[] = { e->reason, e->service ? "service" : e->peer ? "peer" : NULL, e->service ?: e->peer, e->direction, link };

	printf("%s %s", when, monitor_kinds[e->kind]);
	if (strcmp(e->what, monitor_kinds[e->kind]))
		printf(" %s", e->what);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (words[i])
			printf(" %s", words[i]);
	if (from || to)
		printf(": %s > %s", from ?: "nowhere", to ?: "nowhere");
	if (e->counts)
		printf(", %u bytes", e->bytes);
	if (e->skipped)
		printf(", and %llu others since the last", e->skipped);
	putchar('\n');
}

void monitor_tell(struct monitor *m, const struct monitor_event *e)
{
	char when[32], from[ADDRESS_STRLEN], to[ADDRESS_STRLEN], name[IF_NAMESIZE];
	const char *link = link_name(e->ifindex, name);

	if (m->ends || !passes(m, e, link))
		return;
	now_format(when);
	(m->json ? tell_json : tell_words)(e, when, link, e->src.family ? endpoint_format(&e->src, e->sport, from) : NULL,
					   e->dst.family ? endpoint_format(&e->dst, e->dport, to) : NULL);
	m->ends = m->left && !--m->left;
}

void monitor_dropped(struct monitor *m, const struct event *e)
{
	struct service_name service = { 0 };
	struct peer_name peer = { 0 };
	bool is_peer = e->id & PEER_ID;
	__u32 place = e->id & ~PEER_ID;

	if (is_peer)
		bpf_map_lookup_elem(map_fd(m->dp, MAP_peer_names), &place, &peer);
	else
		bpf_map_lookup_elem(map_fd(m->dp, MAP_names), &place, &service);
	monitor_tell(m, &(struct monitor_event){
		.kind = MONITOR_DROPPED, .what = "dropped", .reason = reason_name(e->reason), .service = is_peer ? NULL : service.name,
		.peer = is_peer ? peer.name : NULL, .direction = is_peer ? "rx" : direction_name(e->direction),
		.path = e->plane == PLANE_XDP ? "xdp" : "tc", .ifindex = e->ifindex, .src = { e->src, e->family }, .dst = { e->dst, e->family },
		.sport = e->sport, .dport = e->dport, .counts = true, .bytes = e->len, .segments = e->segments, .skipped = e->skipped,
	});
}
