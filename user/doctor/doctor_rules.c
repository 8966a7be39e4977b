/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nftables, iptables-nft among them: rules that drop what the kernel carries, which is WireGuard on this host, and services without tc;
 * and lists of unwanted sources, which XDP goes around.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "doctor/doctor.h"
#include "doctor/doctor_rule.h"
#include "lib/file.h"
#include "lib/gen_run.h"
#include "lib/grow.h"
#include "lib/text.h"
#include "lib/yaml.h"

#define LISTED_MAX 64			/* prefixes that a cure names */

struct look {
	struct doctor *k;
	struct rules rules;
};

/* ---- what drops ---- */

static const char *chain_name(const struct yaml_node *chain, char ret[256])
{
	snprintf(ret, 256, "%s %s %s", rule_text(chain, "family"), rule_text(chain, "table"), rule_text(chain, "name"));
	return ret;
}

/* The first base chain of these hooks that drops the packet; NULL: none surely does */
static const struct yaml_node *dropping_chain(const struct look *l, struct packet p, const char *const hooks[])
{
	for (size_t h = 0; hooks[h]; h++)
		for (const struct yaml_node *n = l->rules.list->first; n; n = n->next) {
			const struct yaml_node *chain = rule_value(n, "chain");

			p.hook = hooks[h];
			if (chain && rule_value(chain, "hook") && chain_sees(chain, &p) && chain_drops(&l->rules, chain, &p) == IS_YES)
				return chain;
		}
	return NULL;
}

static bool has_address(const struct doctor *k, __u32 ifindex, __u8 family)
{
	for (size_t i = 0; i < k->h.n_addresses; i++)
		if (k->h.addresses[i].ifindex == ifindex && k->h.addresses[i].local.family == family &&
		    !address_is_link_local(&k->h.addresses[i].local))
			return true;
	return false;
}

static bool is_wireguard(const struct doctor *k, const struct nl_link *link)
{
	for (size_t i = 0; i < k->n_devices; i++)
		if (!strcmp(k->devices[i].name, link->name))
			return true;
	return !strcmp(link->kind, "wireguard");
}

static bool has_wan(const struct doctor *k)
{
	for (size_t i = 0; i < k->n_ports; i++)
		if (k->ports[i].role == ROLE_WAN && k->ports[i].link)
			return true;
	return false;
}

/* Whether peers come in by it: by what is named a wan, and where nothing is, by whatever is no tunnel */
static bool is_outside(struct doctor *k, const struct nl_link *link, bool wans)
{
	const struct doctor_port *port = doctor_port(k, link->ifindex);

	if (link->loopback || !link->up || is_wireguard(k, link))
		return false;
	return wans ? port && port->role == ROLE_WAN : !port || port->role != ROLE_LAN;
}

/* One finding a device: where every way in is shut, or, of several that are wans, one */
static void look_at_device(const struct look *l, const struct doctor_device *d)
{
	static const char *const hooks[] = { "ingress", "prerouting", "input", NULL };
	struct doctor *k = l->k;
	const struct yaml_node *shut = NULL;
	const char *at = NULL;
	bool wans = has_wan(k), open = false;
	char name[256];

	for (size_t i = 0; i < k->h.n_links; i++)
		for (int f = 0; f < 2 && is_outside(k, &k->h.links[i], wans); f++) {
			struct packet p = { .in = k->h.links[i].name, .family = f ? FAMILY_IPV6 : FAMILY_IPV4, .port = ntohs(d->wg.port) };
			const struct yaml_node *chain;

			if (!has_address(k, k->h.links[i].ifindex, p.family))
				continue;
			chain = dropping_chain(l, p, hooks);
			if (chain && !shut)
				shut = chain, at = p.in;
			open |= !chain;
		}
	if (shut && (wans || !open))
		doctor_say(k, STATE_PROBLEM, "nft", d->name,
			   cure("nft insert rule %s udp dport %u accept", chain_name(shut, name), ntohs(d->wg.port)),
			   "chain %s drops what comes in by %s for WireGuard's port %u on this host", chain_name(shut, name), at, ntohs(d->wg.port));
	else
		doctor_say(k, STATE_OK, "nft", d->name, NULL, "no rule surely drops what comes for UDP port %u", ntohs(d->wg.port));
}

/* tc carries what XDP passes up; without it the kernel does, as far as nothing is translated */
static void look_at_service(const struct look *l, const struct doctor_backend *b)
{
	static const char *const hooks[] = { "forward", NULL };
	const struct nl_link *in = host_link_by_name(&l->k->h, b->service->listen_interface);
	struct packet p = {
		.in = b->service->listen_interface, .out = doctor_link_name(l->k, b->way.oif), .to = b->address, .family = b->family,
		.port = ntohs(b->port),
	};
	const struct yaml_node *chain;
	char name[256];

	if (!in || !b->routed || (b->service->nat != NAT_NONE && !(b->service->nat == NAT_DNAT && b->family == FAMILY_IPV6 &&
								    b->service->ipv6 == IPV6_DIRECT)))
		return;
	for (size_t i = 0; i < l->k->n_links; i++)
		if (l->k->links[i].ifindex == in->ifindex && l->k->links[i].flags & LINK_TC)
			return;
	chain = dropping_chain(l, p, hooks);
	if (chain)
		doctor_say(l->k, STATE_PROBLEM, "nft", b->service->name,
			   cure("nft insert rule %s udp dport %u accept", chain_name(chain, name), p.port),
			   "chain %s drops what the kernel forwards from %s to %s, and no tc is there to carry it", chain_name(chain, name), p.in, p.out);
}

/* ---- lists of unwanted sources ---- */

struct listed {
	struct prefix *list;
	size_t n;
	bool more;			/* what is no prefix, as a range */
};

static void collect_values(const struct look *l, const struct yaml_node *rule, const struct yaml_node *n, struct listed *to)
{
	const struct yaml_node *inner = rule_value(n, "set") ?: rule_value(rule_value(n, "elem"), "val");
	char text[ADDRESS_STRLEN];
	struct prefix p, *place;

	if (n->type == YAML_SCALAR && n->text && *n->text == '@') {
		for (const struct yaml_node *o = l->rules.list->first; o; o = o->next) {
			const struct yaml_node *set = rule_value(o, "set");

			if (set && !strcmp(rule_text(set, "name"), n->text + 1) && !strcmp(rule_text(set, "table"), rule_text(rule, "table")) &&
			    rule_value(set, "elem"))
				collect_values(l, rule, rule_value(set, "elem"), to);
		}
		return;
	}
	if (n->type == YAML_LIST)
		for (const struct yaml_node *item = n->first; item; item = item->next)
			collect_values(l, rule, item, to);
	else if (inner)
		collect_values(l, rule, inner, to);
	else {
		const struct yaml_node *prefix = rule_value(n, "prefix");

		if (prefix)
			snprintf(text, sizeof(text), "%s/%s", rule_text(prefix, "addr"), rule_text(prefix, "len"));
		else
			snprintf(text, sizeof(text), "%s", n->type == YAML_SCALAR && n->text ? n->text : "");
		place = prefix_parse(text, &p) ? NULL : append(to->list, to->n);
		if (place)
			*place = p;
		else
			to->more = true;
	}
}

/* By their source, and for packets like this one; else nothing is collected */
static void collect_rule(const struct look *l, const struct yaml_node *rule, const struct packet *p, struct listed *to)
{
	const struct yaml_node *list = rule_value(rule, "expr"), *sources = NULL;
	bool drops = false;

	for (const struct yaml_node *s = list ? list->first : NULL; s; s = s->next) {
		const struct yaml_node *match = rule_value(s, "match"), *payload = rule_value(rule_value(match, "left"), "payload");

		if (match && rule_matches(&l->rules, rule, match, p) == IS_NO)
			return;
		if (!strcmp(rule_text(payload, "field"), "saddr") && strcmp(rule_text(match, "op"), "!="))
			sources = rule_value(match, "right");
		drops |= rule_value(s, "drop") || rule_value(s, "reject");
	}
	if (drops && sources)
		collect_values(l, rule, sources, to);
}

/* A chain, and those that it may jump to */
static void collect_chain(const struct look *l, const struct yaml_node *of, const char *chain, const struct packet *p, struct listed *to, int depth)
{
	for (const struct yaml_node *n = depth < 8 ? l->rules.list->first : NULL; n; n = n->next) {
		const struct yaml_node *rule = rule_value(n, "rule"), *list;

		if (!rule || strcmp(rule_text(rule, "chain"), chain) || strcmp(rule_text(rule, "table"), rule_text(of, "table")) ||
		    strcmp(rule_text(rule, "family"), rule_text(of, "family")))
			continue;
		collect_rule(l, rule, p, to);
		list = rule_value(rule, "expr");
		for (const struct yaml_node *s = list ? list->first : NULL; s; s = s->next) {
			const struct yaml_node *jump = rule_value(s, "jump") ?: rule_value(s, "goto");

			if (rule_value(s, "match") && rule_matches(&l->rules, rule, rule_value(s, "match"), p) == IS_NO)
				break;
			if (jump)
				collect_chain(l, of, rule_text(jump, "target"), p, to, depth + 1);
		}
	}
}

static bool is_denied(const struct service_config *s, const struct prefix *p)
{
	for (size_t i = 0; i < s->n_deny; i++)
		if (prefix_within(p, &s->deny[i]))
			return true;
	for (size_t i = 0; i < s->n_allow; i++)
		if (prefix_meets(p, &s->allow[i]))
			return false;
	return s->n_allow;
}

static char *cure_listed(const struct doctor *k, const struct service_config *s, const struct listed *found)
{
	char *text = NULL, prefix[ADDRESS_STRLEN];
	size_t size;
	FILE *out = k->dp && found->n <= LISTED_MAX ? text_open(&text, &size) : NULL;

	if (!out)
		return NULL;
	fputs("for p in", out);
	for (size_t i = 0; i < found->n; i++)
		if (!is_denied(s, &found->list[i]))
			fprintf(out, " %s", prefix_format(&found->list[i], prefix));
	fprintf(out, "; do wgxdp%s%s service deny %s $p; done", doctor_option(k), doctor_named(k), s->name);
	return fclose(out) ? NULL : text;
}

static void look_at_lists(const struct look *l, const struct service_config *s, const struct yaml_node *chain)
{
	const struct nl_link *in = host_link_by_name(&l->k->h, s->listen_interface);
	struct listed found = { 0 };
	size_t missing = 0;
	char name[256], first[ADDRESS_STRLEN] = "";

	for (int f = 0; f < 2 && in; f++) {
		struct packet p = { .hook = rule_text(chain, "hook"), .in = in->name, .family = f ? FAMILY_IPV6 : FAMILY_IPV4 };

		p.port = s->n_ports ? ntohs(s->ports[0]) : ntohs(s->backend.port);
		for (size_t i = 0; i < l->k->n_backends && !strcmp(p.hook, "forward"); i++)
			if (l->k->backends[i].service == s && l->k->backends[i].routed)
				p.out = doctor_link_name(l->k, l->k->backends[i].way.oif);
		if (chain_sees(chain, &p))
			collect_chain(l, chain, rule_text(chain, "name"), &p, &found, 0);
	}
	for (size_t i = 0; i < found.n; i++)
		if (!is_denied(s, &found.list[i]) && !missing++)
			prefix_format(&found.list[i], first);
	if (missing)
		doctor_say(l->k, STATE_WARNING, "blocklist", s->name, cure_listed(l->k, s, &found),
			   "chain %s drops %s%s by source, and XDP goes around it: `deny` of the service does the same", chain_name(chain, name), first,
			   missing > 1 ? " and others" : "");
	free(found.list);
}

/* ---- reading ---- */

static char *read_ruleset(size_t *ret_n)
{
	char *words[] = { "sh", "-c", "exec nft -j list ruleset 2> /dev/null", NULL }, *text = NULL;
	int fd = memfd_create("ruleset", MFD_CLOEXEC);

	if (fd < 0)
		return NULL;
	if (run_program(words, -1, fd) || lseek(fd, 0, SEEK_SET) || file_read_fd(fd, SIZE_MAX, &text, ret_n))
		text = NULL;
	close(fd);
	return text;
}

static void look_at_ruleset(struct look *l)
{
	struct doctor *k = l->k;
	size_t before = k->n_findings;

	for (size_t i = 0; i < k->n_devices; i++)
		if (!k->devices[i].error && k->devices[i].wg.port)
			look_at_device(l, &k->devices[i]);
	for (size_t i = 0; i < k->n_backends && k->dp; i++)
		look_at_service(l, &k->backends[i]);
	for (const struct yaml_node *n = l->rules.list->first; n; n = n->next) {
		const struct yaml_node *chain = rule_value(n, "chain");

		if (chain && (!strcmp(rule_text(chain, "hook"), "prerouting") || !strcmp(rule_text(chain, "hook"), "forward") ||
			      !strcmp(rule_text(chain, "hook"), "ingress")))
			for (size_t i = 0; i < k->c->n_services; i++)
				look_at_lists(l, &k->c->services[i], chain);
	}
	if (k->n_findings == before)
		doctor_say(k, STATE_OK, "nft", "", NULL, "no rule drops what the kernel carries, and none by source what XDP carries");
}

void doctor_rules(struct doctor *k)
{
	struct yaml y = { 0 };
	struct look l = { .k = k };
	size_t n = 0;
	char *text = read_ruleset(&n);
	FILE *in;

	if (!text) {
		doctor_say(k, STATE_OK, "nft", "", NULL, "there is no nft(8) to ask");
		return;
	}
	if (!yaml_open_json(&y, text, n, "nft -j list ruleset")) {
		l.rules.list = rule_value(yaml_root(&y), "nftables");
		if (l.rules.list)
			look_at_ruleset(&l);
	} else {
		doctor_say(k, STATE_WARNING, "nft", "", NULL, "what `nft -j list ruleset` prints cannot be read, so no rule was looked at");
	}
	yaml_close(&y);
	free(text);
	in = fopen("/proc/net/ip_tables_names", "re");
	if (in && getc(in) != EOF)
		doctor_say(k, STATE_OK, "iptables", "", NULL, "there are tables of iptables-legacy, which are not looked at: `iptables-legacy-save`");
	if (in)
		fclose(in);
}
