/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Builds a document from the maps and prints it as JSON, or in the manner of wg(8).
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "config/config_diff.h"
#include "config/config_sections.h"
#include "lib/document.h"
#include "lib/memory.h"
#include "lib/text.h"
#include "show/condition.h"
#include "show/show.h"
#include "show/show_parts.h"
#include "instance/follower.h"
#include "instance/source.h"
#include "instance/run_counters.h"
#include "instance/run_state.h"
#include "dataplane/table.h"
#include "show/words.h"

static const char *tc_name(__u16 flags)
{
	return flags & LINK_TCX ? "tcx" : flags & LINK_QDISC_OURS ? "clsact" :
	       flags & LINK_TC ? "shared qdisc" : "none";
}

/* Explains an interface's mode of attachment. The caller frees the text. */
static char *why_interface(const struct conditions *k, const struct plan *p,
			   const struct interface_condition *i)
{
	if (i->state != INTERFACE_ATTACHED || !p || !plan_port(p, i->link->ifindex))
		return xstrdup(*i->why ? i->why : interface_state_name(i->state));
	return why_port(p, &k->h, k->links, k->n_links, i->link->ifindex);
}

static void show_interface(struct node list, const struct conditions *k, const struct plan *p,
			   const struct interface_condition *i)
{
	struct node row = document_row(list);
	__u16 flags = i->link ? i->link->flags : 0;
	char *why = why_interface(k, p, i);

	document_text(row, "name", i->name);
	document_text(row, "role", role_names[i->role]);
	document_text(row, "mode", i->link ? mode_of_link(k->links, k->n_links, i->link) : "none");
	document_text(row, "why", why);
	document_text(row, "state", interface_state_name(i->state));
	document_text(row, "shared", flags & LINK_SHARED ? "yes" : "no");
	document_text(row, "tc", tc_name(flags));
	document_text(row, "xdp_transmit", flags & LINK_XDP_SENDS ? "yes" : "no");
	document_number(row, "xmit_failed",
			i->link ? conditions_transmit_failed(k, i->link->ifindex) : 0);
	free(why);
}

static int show_interfaces(struct document *d, const struct conditions *k)
{
	struct node list = document_list(document_root(d), "interfaces");
	struct plan *p = NULL;
	int rc = 0;

	if (k->config && !k->dp->elsewhere)
		p = plan_running(&k->h, k->config, k->links, k->n_links);
	for (size_t i = 0; i < k->n_interfaces && !rc; i++)
		show_interface(list, k, p, &k->interfaces[i]);
	plan_free(p);
	return rc;
}

static int show_direction(struct node row, const struct dataplane *dp, __u32 id, __u32 direction,
			  const struct dataplane_reason *reasons, size_t n)
{
	struct total xdp, tc;
	struct node counters = document_map(row, direction_name(direction));
	int rc = dataplane_total(dp, id, direction, PLANE_XDP, &xdp) ?:
		 dataplane_total(dp, id, direction, PLANE_TC, &tc);

	if (rc)
		return rc;
	document_number(counters, "received", total_received(&xdp) + total_received(&tc));
	document_number(counters, "forwarded", xdp.forwarded + tc.forwarded);
	document_number(counters, "dropped", reasons_sum(reasons, n, id, direction, ANY, true));
	document_number(counters, "passed", reasons_sum(reasons, n, id, direction, ANY, false));
	document_number(counters, "bytes", xdp.bytes + tc.bytes);
	document_number(counters, "forwarded_xdp", xdp.forwarded);
	document_number(counters, "forwarded_tc", tc.forwarded);
	return 0;
}

static struct address local_address(const struct table_entry *e)
{
	return (struct address){ .addr = e->key.addr, .family = e->key.word >> 8 & 0xff };
}

/* Returns whether to show an entry as a listener. backends: the service has several, each with
 * entries for the same addresses; only one of them is shown. */
static bool is_listener(const struct table_entry *e, bool backends)
{
	__u8 kind = e->key.word;

	return kind == KEY_SERVICE || (backends ? kind >= KEY_BACKEND : kind == KEY_BLIND);
}

/* Lists the addresses (or the backends) of a service's listeners, in the order of the table and
 * each one once. */
static void show_listeners(struct node row, const char *key, const struct table_entry *table,
			   size_t n, __u32 id, bool backends)
{
	struct node list = document_list(row, key);

	for (size_t i = 0; i < n; i++) {
		const struct table_entry *e = &table[i];
		char text[ADDRESS_STRLEN];
		struct address a;

		if (!is_listener(e, backends) || e->service.id != id)
			continue;
		a = backends ? entry_backend(e) : local_address(e);
		endpoint_format(&a, backends ? e->service.port : (__be16)(e->key.word >> 16), text);
		document_append_once(list, text);
	}
}

/* Shows from which addresses and ports a masquerading service sends, and how many flows it has. */
static int show_pool(struct node row, const struct dataplane *dp, __u32 id, const __u32 *flows)
{
	struct node list = document_list(row, "source");
	struct flow_numbers n = { 0 };
	char text[ADDRESS_STRLEN];
	struct pool pool;

	if (!dataplane_pool(dp, id, &pool))
		return 0;
	for (__u32 i = 0; i < pool.n4; i++)
		document_append(list, address_format(&(struct address){ pool.own4[i], FAMILY_IPV4 },
						     text));
	for (__u32 i = 0; i < pool.n6; i++)
		document_append(list, address_format(&(struct address){ pool.own6[i], FAMILY_IPV6 },
						     text));
	snprintf(text, sizeof(text), pool.first == pool.last ? "%u" : "%u-%u", pool.first,
		 pool.last);
	document_text(row, "source_ports", text);
	document_number(row, "flow_timeout", pool.timeout);
	document_number(row, "flows_max", flow_table_room(dataplane_entries(dp, MAP_flow_table)));
	document_number(row, "share", pool.share);
	if (dataplane_flow_numbers(dp, id, flows[id], &n))
		return -errno;
	document_number(row, "flows", n.now);
	return 0;
}

static void show_clients(struct node row, const char *key, const struct prefix *list, size_t n,
			 const struct list_config *lists, size_t n_lists)
{
	char text[ADDRESS_STRLEN], described[LIST_NAME_LEN + 16];
	struct node to = document_list(row, key);

	for (size_t i = 0; i < n; i++)
		document_append(to, prefix_format(&list[i], text));
	for (size_t i = 0; i < n_lists; i++)
		document_append(to, list_describe(&lists[i], described));
}

static void show_lists(struct node row, const struct config *c, const char *name)
{
	const struct service_config none = { 0 }, *s = c ? config_service(c, name) : NULL;

	s = s ?: &none;
	show_clients(row, "allow", s->allow, s->n_allow, s->allow_lists, s->n_allow_lists);
	show_clients(row, "deny", s->deny, s->n_deny, s->deny_lists, s->n_deny_lists);
}

#define UNANSWERED 20	/* packets without an answer from which on show warns */

/* Adds a warning if the backend has answered no packet. Answers to packets that keep their
 * addresses are not counted, so such services get no warning. */
static void show_unanswered(struct node row, const struct dataplane *dp, __u32 id,
			    const struct service_config *s)
{
	__u64 sent = 0, answers = 0;
	struct total total;
	char text[160];

	if (!s || s->nat == NAT_NONE ||
	    (service_has_family(s, FAMILY_IPV6) && service_is_direct(s, FAMILY_IPV6)))
		return;
	for (int plane = PLANE_XDP; plane <= PLANE_TC; plane++) {
		if (!dataplane_total(dp, id, DIRECTION_ORIGINAL, plane, &total))
			sent += total.forwarded;
		if (!dataplane_total(dp, id, DIRECTION_REPLY, plane, &total))
			answers += total_received(&total);
	}
	if (sent < UNANSWERED || answers)
		return;
	snprintf(text, sizeof(text), "the backend has answered none of %llu packets: `wgxdp doctor` looks for the reason",
		 sent);
	document_text(row, "warning", text);
}

static int show_services(struct document *d, const struct conditions *k,
			 const struct dataplane_reason *reasons, size_t n_reasons)
{
	struct node list = document_list(document_root(d), "services");
	const struct dataplane *dp = k->dp;
	struct table_entry *table = NULL;
	__u32 *flows = NULL;
	size_t n = 0;
	int rc = dataplane_table(dp, &table, &n) ?: dataplane_flow_counts(dp, &flows);

	for (__u32 id = 0; id < k->n_services && !rc; id++) {
		const struct service_condition *is = &k->services[id];
		struct node row;

		if (!*k->names[id].name)
			continue;
		row = document_row(list);
		document_text(row, "name", k->names[id].name);
		show_listeners(row, "listen", table, n, id, false);
		show_listeners(row, "backend", table, n, id, true);
		document_text(row, "nat", nat_name(k->names[id].nat));
		document_text(row, "state", service_state_name(is->state));
		document_text(row, "why", *is->why ? is->why : NULL);
		show_unanswered(row, dp, id,
				k->config ? config_service(k->config, k->names[id].name) : NULL);
		show_lists(row, k->config, k->names[id].name);
		show_limits(row, k->config, k->names[id].name, "");
		rc = show_pool(row, dp, id, flows) ?: show_guard(row, dp, table, n, id) ?:
		     show_direction(row, dp, id, DIRECTION_ORIGINAL, reasons, n_reasons) ?:
		     show_direction(row, dp, id, DIRECTION_REPLY, reasons, n_reasons);
	}
	free(table);
	free(flows);
	return rc;
}

/* Adds the rates of clients and of pairs of peers. Services and peers show their own. */
static void show_rates(struct document *d, const struct config *c)
{
	struct node list = document_list(document_root(d), "rates");
	char text[RATE_STRLEN], prefix[ADDRESS_STRLEN];

	for (size_t i = 0; c && i < c->n_rates; i++) {
		const struct rate_config *r = &c->rates[i];
		struct node row, names;

		if (!r->n_clients && !r->n_pair)
			continue;
		row = document_row(list);
		names = document_list(row, r->n_pair ? "pair" : "clients");
		for (size_t n = 0; n < r->n_pair; n++)
			document_append(names, r->pair[n]);
		for (size_t n = 0; n < r->n_clients; n++)
			document_append(names, prefix_format(&r->clients[n], prefix));
		document_text(row, "rate_from", *rate_format(&r->from, text) ? text : NULL);
		document_text(row, "rate_to", *rate_format(&r->to, text) ? text : NULL);
	}
}

static int show_drops(struct document *d, const struct dataplane *dp,
		      const struct dataplane_reason *reasons, size_t n)
{
	struct node list = document_list(document_root(d), "drops");
	struct service_name *names = NULL;
	struct relay_peer *peers = NULL;
	size_t n_names = 0, n_peers = 0;
	struct dataplane_reason r;
	int rc = dataplane_names(dp, &names, &n_names) ?: dataplane_peers(dp, &peers, &n_peers);

	for (size_t at = 0; !rc && reasons_next(reasons, n, &at, &r);) {
		const struct reason_key *k = &r.key;
		__u32 id = k->id & ~PEER_ID;
		bool peer = k->id & PEER_ID;
		struct node row;

		if (!r.packets || k->reason >= REASON_MAX ||
		    (peer ? id && (id >= n_peers || !*peers[id].name.name) : id >= n_names))
			continue;
		row = document_row(list);
		document_text(row, peer ? "peer" : "service",
			      !peer ? names[id].name : id ? peers[id].name.name : NULL);
		document_text(row, "direction", peer ? "rx" : direction_name(k->direction));
		document_text(row, "reason", reason_name(k->reason));
		document_number(row, "packets", r.packets);
		document_text(row, "verdict", reason_drops(k->reason) ? "dropped" : "passed");
		document_text(row, "meaning", reason_text(k->reason));
	}
	free(peers);
	free(names);
	return rc;
}

/* Adds the counters of the express path. Adds nothing if it is off. */
static int show_express(struct document *d, const struct dataplane *dp)
{
	__u64 hits, misses;
	struct node map;
	int rc;

	if (program_fd(dp, PROGRAM_wgxdp_express) < 0)
		return 0;
	rc = dataplane_express(dp, &hits, &misses);
	map = document_map(document_root(d), "express");
	document_number(map, "hits", hits);
	document_number(map, "misses", misses);
	return rc;
}

#define DIFFERENCES 20		/* lines of differences that show prints, at most */

/* Adds the sentences of source_read(). */
static void show_differences(struct node to, char *text)
{
	struct node list = document_list(to, "differences");
	char *line;

	for (size_t n = 0; (line = strsep(&text, "\n")) && *line && n <= DIFFERENCES; n++)
		document_append(list, n < DIFFERENCES ? line : "…");
}

void show_follower(struct node to, const char *instance, const struct config *running, bool json)
{
	char file[PATH_MAX] = "", since[64] = "not running", *differences;
	enum source_state state = SOURCE_NONE;
	struct node map = to;
	struct tm tm;
	time_t time;
	__s64 from;
	bool runs = follower_runs(instance, &from);
	size_t n;
	FILE *out = text_open(&differences, &n);

	if (running)
		state = source_read(instance, running, file, out);
	fclose(out);
	time = from;
	if (runs && localtime_r(&time, &tm))
		strftime(since, sizeof(since), "since %F %T", &tm);
	if (json) {
		map = document_map(to, "daemon");
		document_text(map, "running", runs ? "yes" : "no");
		document_number_if(map, "since", runs, from);
		map = document_map(to, "configuration");
	} else {
		document_text(to, "daemon", since);
	}
	document_text(map, "file", *file ? file : NULL);
	document_text(map, json ? "state" : "configuration", source_state_name(state));
	if (n)
		show_differences(map, differences);
	free(differences);
}

static void show_version(struct document *d, const char *instance)
{
	document_text(document_root(d), "version", VERSION);
	document_text(document_root(d), "instance", instance);
}

/* Adds daemon, file and configuration. In the plain form they are a paragraph. */
static void show_instance(struct document *d, const char *instance, const struct config *c,
			  bool json)
{
	struct node to = document_root(d);

	if (!json) {
		to = document_row(document_list(to, "instances"));
		document_text(to, "name", instance);
	}
	show_follower(to, instance, c, json);
}

static const struct {
	const char *name;
	unsigned int what;
} nouns[] = {
	{ "interfaces", SHOW_INTERFACES }, { "services", SHOW_SERVICES },
	{ "peers", SHOW_PEERS }, { "routes", SHOW_ROUTES }, { "drops", SHOW_DROPS },
	{ "metrics", SHOW_METRICS }, { "flows", SHOW_FLOWS }, { "sites", SHOW_SITES },
	{ "lists", SHOW_LISTS },
};

/* Prints the plain form. A noun that was asked for but has no rows gets the line "NOUN: none". */
static void print_plain(const struct document *d, unsigned int what, FILE *out)
{
	bool all = (what & SHOW_ALL) == SHOW_ALL;

	document_print(d, out);
	for (size_t i = 0; i < sizeof(nouns) / sizeof(*nouns) && !all; i++)
		if (what & nouns[i].what && document_is_empty(d, nouns[i].name))
			fprintf(out, "%s: none\n", nouns[i].name);
	if (all && document_is_empty(d, "services") && document_is_empty(d, "peers") &&
	    document_is_empty(d, "sites"))
		fputs("no service and no peer is configured, so nothing is forwarded\n", out);
}

unsigned int show_noun(const char *word)
{
	for (size_t i = 0; i < sizeof(nouns) / sizeof(*nouns); i++)
		if (!strcmp(word, nouns[i].name))
			return nouns[i].what;
	return 0;
}

int show_write(const struct dataplane *dp, unsigned int what, bool json, FILE *out)
{
	struct document *d = document_new();
	struct dataplane_reason *reasons = NULL;
	struct conditions k = { 0 };
	size_t n = 0;
	int rc = 0;

	dataplane_reasons(dp, &reasons, &n);
	if (what & (SHOW_INTERFACES | SHOW_SERVICES | SHOW_PEERS | SHOW_SITES))
		rc = conditions_read(dp, &k);
	if (!rc && json)
		show_version(d, dp->instance);
	if (!rc && (what & SHOW_ALL) == SHOW_ALL)
		show_instance(d, dp->instance, k.config, json);
	if (!rc && what & SHOW_INTERFACES)
		rc = show_interfaces(d, &k);
	if (!rc && what & SHOW_SERVICES)
		rc = show_services(d, &k, reasons, n);
	if (!rc && what & (SHOW_SERVICES | SHOW_LISTS))
		rc = show_followed(d, dp);
	if (!rc && what & (SHOW_PEERS | SHOW_ROUTES))
		rc = show_relay(d, dp, what & SHOW_PEERS ? &k : NULL, what & SHOW_ROUTES, reasons,
				n);
	if (!rc && what & SHOW_SITES)
		rc = show_sites(d, &k, what == SHOW_SITES);
	if (!rc && what & (SHOW_SERVICES | SHOW_PEERS))
		show_rates(d, k.config);
	if (!rc && what & SHOW_DROPS)
		rc = show_drops(d, dp, reasons, n);
	if (!rc && what & SHOW_INTERFACES)
		rc = show_express(d, dp);
	if (!rc && json)
		document_print_json(d, out);
	else if (!rc)
		print_plain(d, what, out);
	free(reasons);
	conditions_free(&k);
	document_free(d);
	return rc;
}

/* ---- an instance without a data path ---- */

static void show_endpoints(struct node list, const struct config *c)
{
	for (size_t i = 0; i < c->n_endpoints; i++) {
		const struct peer_endpoint_config *e = &c->endpoints[i];
		char text[ADDRESS_STRLEN], name[NAME_LEN];
		struct wg_device d = { 0 };
		const struct wg_peer *p = wg_read(e->interface, &d) ? NULL :
					  wg_find_peer(&d, &e->peer);
		struct node row = document_row(list);
		struct wg_names names;

		wg_names_read(e->interface, &names);
		wg_name_of(&names, &e->peer, name);
		wg_names_free(&names);
		document_text(row, "name", name);
		document_text(row, "public_key", wg_key_format(&e->peer, text));
		document_text(row, "device", e->interface);
		document_text(row, "host", e->host);
		document_number(row, "port", ntohs(e->port));
		show_wireguard(row, p);
		wg_free(&d);
	}
}

static void show_dns_names(struct node list, const char *instance, const struct config *c)
{
	struct run_counters n;

	run_counters_read(&n, instance, "ddns");
	for (size_t i = 0; i < c->n_ddns; i++)
		for (size_t j = 0; j < c->ddns[i].n_names; j++) {
			const char *name = c->ddns[i].names[j].text;
			struct node row = document_row(list);

			document_text(row, "name", name);
			document_text(row, "interface", c->ddns[i].interface);
			document_time(row, "latest_success", true, run_counters_value(&n, name));
		}
	run_counters_free(&n);
}

void show_control(const char *instance, const struct config *c, unsigned int what, bool json,
		  FILE *out)
{
	struct document *d = document_new();
	bool all = (what & SHOW_ALL) == SHOW_ALL;

	if (json)
		show_version(d, instance);
	if (all) {
		show_instance(d, instance, c, json);
		show_endpoints(document_list(document_root(d), "endpoints"), c);
		show_dns_names(document_list(document_root(d), "dns_names"), instance, c);
	}
	if (json)
		document_print_json(d, out);
	else if (all)
		document_print(d, out);
	else
		print_plain(d, what, out);
	document_free(d);
}
