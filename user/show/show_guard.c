/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Shows the guard's settings and the health of the backends behind it.
 */
#include <stdlib.h>
#include <string.h>
#include "config/config_diff.h"
#include "config/config_sections.h"
#include "dataplane/followed_lists.h"
#include "instance/follower.h"
#include "lib/grow.h"
#include "lib/jiffies.h"
#include "show/show_parts.h"
#include "plan/health.h"

/* ---- reading ---- */

/* Sets an address of the backend from an entry of the table, if the entry is for that backend. */
static void set_address(struct guarded *g, const struct table_entry *e, __u32 id)
{
	struct address a = entry_backend(e);
	__u8 kind = e->key.word;

	if ((kind != KEY_SERVICE && kind < KEY_BACKEND) || e->service.id != id ||
	    SERVICE_BACKEND(e->service.flags) != g->number)
		return;
	g->address[a.family == FAMILY_IPV6] = a;
	g->port = e->service.port;
}

int guarded_read(const struct dataplane *dp, const struct table_entry *table, size_t n, __u32 id,
		 struct guarded **ret, size_t *ret_n)
{
	struct backend_name *names = NULL;
	struct guarded *list = NULL;
	size_t n_names = 0, used = 0;
	struct guard guard;
	int rc;

	*ret = NULL;
	*ret_n = 0;
	if (!dataplane_guard(dp, id, &guard))
		return 0;
	rc = dataplane_backend_names(dp, &names, &n_names);
	for (__u32 number = 0; number < GUARD_BACKENDS_MAX && !rc; number++) {
		size_t at = (size_t)id * GUARD_BACKENDS_MAX + number;
		struct guarded *g;

		if (guard.flags & GUARD_BACKENDS ? at >= n_names || !*names[at].name : number)
			continue;
		g = append(list, used);
		rc = dataplane_health(dp, id, number, &g->health);
		g->number = number;
		g->down = backend_is_surely_down(&guard, &g->health, jiffies_now());
		g->on_standby = guard.standby >> number & 1;
		if (guard.flags & GUARD_BACKENDS)
			strcpy(g->name, names[at].name);
		for (size_t i = 0; i < n; i++)
			set_address(g, &table[i], id);
	}
	free(names);
	if (rc)
		free(list);
	else
		*ret = list, *ret_n = used;
	return rc;
}

/* Returns how many handshakes were timed, from initiation to response. */
static __u64 count_timed(const struct health *h)
{
	__u64 n = 0;

	for (int i = 0; i < HANDSHAKE_BUCKETS; i++)
		n += h->buckets[i];
	return n;
}

/* ---- show ---- */

static void show_keys(struct node row, const struct guard_public *keys, size_t n, __u32 backend,
		      bool all)
{
	struct node list = document_list(row, "public_keys");
	char text[WG_KEY_STRLEN];
	struct wg_key key;

	for (size_t i = 0; i < n; i++)
		if (all || keys[i].backend == backend) {
			memcpy(key.b, keys[i].key.b, sizeof(key.b));
			document_append(list, wg_key_format(&key, text));
		}
}

/* Adds a limit of messages per second. each: the limit in the map, ticks per message. */
static void show_rate(struct node row, const char *key, __u64 each)
{
	__u64 second = (__u64)jiffies_a_second() << GUARD_TICK;

	document_number(row, key, each ? (second + each / 2) / each : 0);
}

static void show_backend(struct node list, const struct guarded *g, const struct guard_public *keys,
			 size_t n_keys)
{
	struct node row = document_row(list), addresses;
	__u64 now = jiffies_now(), times = count_timed(&g->health);
	const struct health *h = &g->health;
	char text[ADDRESS_STRLEN];

	document_text(row, "name", g->name);
	show_keys(row, keys, n_keys, g->number, false);
	addresses = document_list(row, "address");
	for (int i = 0; i < 2; i++)
		if (g->address[i].family)
			document_append(addresses, endpoint_format(&g->address[i], g->port, text));
	document_text(row, "state", g->down ? "down" : "up");
	document_text(row, "on_standby", g->on_standby ? "yes" : "no");
	document_number(row, "initiations", h->initiations);
	document_number(row, "responses", h->responses);
	if (h->initiations)
		document_decimal(row, "answered_ratio", (double)h->responses / h->initiations);
	else
		document_null(row, "answered_ratio");
	document_number_if(row, "last_answer", h->answered,
			   now > h->answered ? (now - h->answered) / jiffies_a_second() : 0);
	if (times)
		document_decimal(row, "handshake_ms", h->seconds / 1e6 / times);
	else
		document_null(row, "handshake_ms");
}

static void show_challenge(struct node map, const struct dataplane *dp, const struct guard *guard)
{
	bool on = guard->flags & GUARD_CHALLENGE;
	__u64 replies;
	__s64 off;

	document_number_if(map, "challenge", on, guard->challenge_burst);
	if (!on)
		return;
	dataplane_cookies(dp, &replies, &off);
	document_text(map, "challenge_answered", off ? "no" : "yes");
	document_time(map, "challenge_off_since", off > 1, off);
}

int show_guard(struct node row, const struct dataplane *dp, const struct table_entry *table,
	       size_t n, __u32 id)
{
	struct guard_public *keys = NULL;
	struct guarded *backends = NULL;
	size_t n_keys = 0, n_backends = 0;
	struct node map, list;
	struct guard guard;
	int rc;

	if (!dataplane_guard(dp, id, &guard))
		return 0;
	rc = dataplane_guard_keys(dp, &guard, &keys, &n_keys) ?:
	     guarded_read(dp, table, n, id, &backends, &n_backends);
	if (!rc) {
		map = document_map(row, "wireguard");
		document_text(map, "profile",
			      profile_name(guard_is_amneziawg(&guard) ? PROFILE_AMNEZIAWG :
					   PROFILE_WIREGUARD));
		show_keys(map, keys, n_keys, 0, true);
		document_text(map, "strict", guard.flags & GUARD_STRICT ? "yes" : "no");
		show_rate(map, "per_source", guard.source_each);
		show_rate(map, "per_service", guard.service_each);
		show_challenge(map, dp, &guard);
		list = document_list(row, "backends");
		for (size_t i = 0; i < n_backends; i++)
			show_backend(list, &backends[i], keys, n_keys);
	}
	free(keys);
	free(backends);
	return rc;
}

/* ---- metrics ---- */

struct labelled {
	const char *service;
	char label[256];		/* name of the backend, or what stands for it */
	struct guarded backend;
};

struct backends {
	struct labelled *list;
	size_t n;
};

#define BACKEND(b) { "service", (b)->service }, { "backend", (b)->label }

/* Sets the label of a backend. One without a name has its address or DNS name as configured, so
 * that the label stays the same while its standby serves. It has its present address if the service
 * is not configured any more. */
static void set_label(struct labelled *b, const struct config *c)
{
	const struct service_config *s = c ? config_service(c, b->service) : NULL;
	const struct address *a = b->backend.address;

	if (*b->backend.name)
		strcpy(b->label, b->backend.name);
	else if (s && !s->n_backends)
		strcpy(b->label, *s->backend.ipv4 ? s->backend.ipv4 : s->backend.ipv6);
	else if (a[0].family || a[1].family)
		address_format(a[0].family ? &a[0] : &a[1], b->label);
}

static void write_durations(struct metrics_text *t, const struct labelled *b)
{
	const struct health *h = &b->backend.health;
	const char *family = t->family;
	__u64 sum = 0;
	char le[24];

	t->family = "wgxdp_handshake_duration_seconds_bucket";
	for (int i = 0; i < HANDSHAKE_BUCKETS; i++) {
		sum += h->buckets[i];
		snprintf(le, sizeof(le), i + 1 < HANDSHAKE_BUCKETS ? "%.3f" : "+Inf",
			 (1 << i) / 1000.0);
		metric(t, LABELS(BACKEND(b), { "le", le }), sum);
	}
	t->family = "wgxdp_handshake_duration_seconds_sum";
	metric_seconds(t, LABELS(BACKEND(b)), h->seconds / 1e9);
	t->family = "wgxdp_handshake_duration_seconds_count";
	metric(t, LABELS(BACKEND(b)), sum);
	t->family = family;
}

static void read_backends(const struct dataplane *dp, const struct config *config,
			  const struct service_name *services, size_t n_services,
			  struct backends *ret)
{
	struct table_entry *table = NULL;
	size_t n = 0;

	dataplane_table(dp, &table, &n);
	for (__u32 id = 0; id < n_services; id++) {
		struct guarded *list = NULL;
		size_t n_list = 0;

		if (!*services[id].name || guarded_read(dp, table, n, id, &list, &n_list))
			continue;
		for (size_t i = 0; i < n_list; i++) {
			struct labelled *b = append(ret->list, ret->n);

			*b = (struct labelled){ .service = services[id].name, .backend = list[i] };
			set_label(b, config);
		}
		free(list);
	}
	free(table);
}

void guard_families(struct metrics_text *t, const struct dataplane *dp, const struct config *config,
		    const struct service_name *services, size_t n_services)
{
	struct backends all = { 0 };
	__u64 replies;
	__s64 off;

	dataplane_cookies(dp, &replies, &off);
	read_backends(dp, config, services, n_services, &all);
	metric_family(t, "wgxdp_backend_up", "gauge", "0 if the backend did not answer the last handshake initiations (see health), else 1.");
	for (size_t i = 0; i < all.n; i++)
		metric(t, LABELS(BACKEND(&all.list[i])), !all.list[i].backend.down);
	metric_family(t, "wgxdp_backend_on_standby", "gauge",
		      "1 if the standby serves instead of the backend.");
	for (size_t i = 0; i < all.n; i++)
		metric(t, LABELS(BACKEND(&all.list[i])), all.list[i].backend.on_standby);
	metric_family(t, "wgxdp_handshakes_total", "counter", "Handshake initiations with a valid mac1 that were forwarded to a backend, and its responses.");
	for (size_t i = 0; i < all.n; i++) {
		metric(t, LABELS(BACKEND(&all.list[i]), { "type", "initiation" }),
		       all.list[i].backend.health.initiations);
		metric(t, LABELS(BACKEND(&all.list[i]), { "type", "response" }),
		       all.list[i].backend.health.responses);
	}
	metric_family(t, "wgxdp_handshake_duration_seconds", "histogram",
		      "Time from a handshake initiation to the backend's response.");
	for (size_t i = 0; i < all.n; i++)
		write_durations(t, &all.list[i]);
	metric_family(t, "wgxdp_cookie_replies_total", "counter",
		      "Cookie replies that the daemon sent to challenged clients.");
	metric(t, NULL, replies);
	metric_family(t, "wgxdp_challenge_off_since_timestamp_seconds", "gauge",
		      "Unix time since which no daemon sends cookie replies to challenged clients; 0 while one does, or if no service challenges clients.");
	metric(t, NULL, config && config_challenges(config) ? off : 0);
	free(all.list);
}

/* ---- lists that other programs keep ---- */

/* runs: a daemon follows the lists. Without one, a list remains as `up` or `reload` has read it. */
static const char *state_name(__u32 state, bool runs)
{
	return state == LIST_READ ? runs ? "followed" : "read once" :
	       state == LIST_KEPT ? "unreadable" : "waiting";
}

const char *list_describe(const struct list_config *l, char buf[LIST_NAME_LEN + 16])
{
	snprintf(buf, LIST_NAME_LEN + 16, "%s %s", list_source_name(l->source), l->name);
	return buf;
}

int show_followed(struct document *d, const struct dataplane *dp)
{
	struct followed_list *list = NULL;
	struct node rows = { 0 };
	size_t n = 0;
	__s64 since;
	int rc = dataplane_followed(dp, &list, &n);
	bool runs = n && follower_runs(dp->instance, &since);

	for (size_t i = 0; i < n; i++) {
		struct node row;

		if (!list[i].source)
			continue;
		if (!rows.document)
			rows = document_list(document_root(d), "lists");
		row = document_row(rows);
		document_text(row, "name", list[i].name);
		document_text(row, "source", list_source_name(list[i].source));
		document_text(row, "state", state_name(list[i].state, runs));
		document_text(row, "why", runs || list[i].state != LIST_READ ? NULL :
			      "no daemon runs, so later changes of this list have no effect: start the daemon (`wgxdp daemon`)");
		document_number(row, "prefixes", list[i].prefixes);
		document_number(row, "skipped", list[i].skipped);
		document_time(row, "changed", list[i].read, list[i].read);
	}
	free(list);
	return rc;
}

void list_families(struct metrics_text *t, const struct dataplane *dp)
{
	struct followed_list *list = NULL;
	size_t n = 0;
	__s64 since;
	bool runs = follower_runs(dp->instance, &since);

	dataplane_followed(dp, &list, &n);
	metric_family(t, "wgxdp_list_prefixes", "gauge",
		      "Prefixes of a list in allow or deny that another program keeps.");
	for (size_t i = 0; i < n; i++)
		if (list[i].source)
			metric(t, LABELS({ "list", list[i].name }), list[i].prefixes);
	metric_family(t, "wgxdp_list_readable", "gauge",
		      "1 if a daemon follows the list, and could read it the last time.");
	for (size_t i = 0; i < n; i++)
		if (list[i].source)
			metric(t, LABELS({ "list", list[i].name }),
			       runs && list[i].state == LIST_READ);
	metric_family(t, "wgxdp_list_skipped", "gauge", "Lines of the file, or elements of the set, that are not a prefix.");
	for (size_t i = 0; i < n; i++)
		if (list[i].source)
			metric(t, LABELS({ "list", list[i].name }), list[i].skipped);
	free(list);
}

void show_limits(struct node row, const struct config *c, const char *service, const char *peer)
{
	const struct rate_config *r = c ? config_rate(c, service, peer) : NULL;
	char text[RATE_STRLEN];

	document_text(row, "rate_from", r && *rate_format(&r->from, text) ? text : NULL);
	document_text(row, "rate_to", r && *rate_format(&r->to, text) ? text : NULL);
}
