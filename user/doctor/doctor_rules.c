/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks nftables, including iptables-nft: rules that drop packets for WireGuard on this host, and
 * blocklists of sources, which XDP bypasses.
 */
#include <stdio.h>
#include <string.h>
#include "dataplane/followed_lists.h"
#include "doctor/doctor.h"
#include "doctor/doctor_rule.h"
#include "lib/grow.h"
#include "lib/text.h"
#include "lib/yaml.h"

#define LISTED_MAX 64			/* prefixes that a fix lists, at most */

/* ---- chains that drop ---- */

static const char *chain_name(struct yaml_node *chain, char ret[256])
{
	snprintf(ret, 256, "%s %s %s", rule_text(chain, "/family"), rule_text(chain, "/table"),
		 rule_text(chain, "/name"));
	return ret;
}

/* Returns the first base chain that certainly drops the packet before WireGuard gets it; NULL: none
 * does. */
static struct yaml_node *dropping_chain(struct yaml_node *list, struct packet p)
{
	static const char *const hooks[] = { "ingress", "prerouting", "input", NULL };

	for (size_t h = 0; hooks[h]; h++)
		for (struct yaml_node *n = list->first; n; n = n->next) {
			struct yaml_node *chain = yaml_by_path(n, "/chain");

			p.hook = hooks[h];
			if (chain_sees(chain, &p) && chain_drops(list, chain, &p))
				return chain;
		}
	return NULL;
}

/* Checks whether rules drop packets of a device's peers, which arrive on the interface of the
 * default route for packets with the device's mark. */
static void look_at_device(struct doctor *k, struct yaml_node *list, const struct doctor_device *d)
{
	/* Benchmark addresses are routed like any host on the internet. */
	static const char *const anywhere[] = { "198.18.0.1", "2001:2::1" };
	struct packet p = { .port = "" };
	struct yaml_node *chain;
	struct address a;
	struct nl_way way;
	char name[256];

	snprintf(p.port, sizeof(p.port), "%u", ntohs(d->wg.port));
	for (int f = 0; f < 2; f++) {
		address_parse(anywhere[f], &a);
		if (nl_way(&a, NULL, 0, d->wg.fwmark, &way) || !host_link(&k->h, way.oif))
			continue;
		p.in = doctor_link_name(k, way.oif);
		p.family = a.family;
		chain = strcmp(p.in, d->name) ? dropping_chain(list, p) : NULL;
		if (!chain)
			continue;
		doctor_report(k, STATE_PROBLEM, "nft", d->name,
			      xasprintf("nft insert rule %s udp dport %s accept",
					chain_name(chain, name), p.port),
			      "the nftables chain %s drops packets that arrive on %s for "
			      "WireGuard's UDP port %s: add a rule that accepts them",
			      chain_name(chain, name), p.in, p.port);
		return;
	}
	doctor_ok(k, "nft", d->name, "no rule was found that drops packets for UDP port %s",
		  p.port);
}

/* ---- blocklists of sources ---- */

struct listed {
	struct prefix *list;
	size_t n;
};

/* Adds the addresses and prefixes in a rule's sources or a set's elements to a list, without
 * ranges. */
static void collect_prefixes(void *data, struct yaml_node *n)
{
	struct yaml_node *items = n->type == YAML_LIST ? n : yaml_by_path(n, "/set");
	struct yaml_node *value = items ? NULL : yaml_by_path(n, "/elem/val") ?: n;
	struct yaml_node *prefix = yaml_by_path(value, "/prefix");
	struct listed *to = data;
	char text[ADDRESS_STRLEN];
	struct prefix p;

	for (struct yaml_node *item = items ? items->first : NULL; item; item = item->next)
		collect_prefixes(to, item);
	if (prefix)
		snprintf(text, sizeof(text), "%s/%s", rule_text(prefix, "/addr"),
			 rule_text(prefix, "/len"));
	else
		snprintf(text, sizeof(text), "%s", rule_text(value, ""));
	if (!prefix_parse(text, &p))
		*append(to->list, to->n) = p;
}

static bool is_denied(const struct doctor *k, const struct service_config *s,
		      const struct prefix *p)
{
	for (size_t i = 0; i < s->n_deny; i++)
		if (prefix_within(p, &s->deny[i]))
			return true;
	for (size_t i = 0; i < s->n_deny_lists && k->dp; i++)
		if (dataplane_list_has(k->dp, &s->deny_lists[i], p))
			return true;
	for (size_t i = 0; i < s->n_allow; i++)
		if (prefix_meets(p, &s->allow[i]))
			return false;
	return s->n_allow || s->n_allow_lists;
}

static char *fix_listed(const struct doctor *k, const struct service_config *s,
			const struct listed *found)
{
	char *text, prefix[ADDRESS_STRLEN];
	size_t size;
	FILE *out;

	if (!k->dp || found->n > LISTED_MAX)
		return NULL;
	out = text_open(&text, &size);
	fprintf(out, "%s service deny add %s", k->wgxdp, s->name);
	for (size_t i = 0; i < found->n; i++)
		if (!is_denied(k, s, &found->list[i]))
			fprintf(out, " %s", prefix_format(&found->list[i], prefix));
	fputs(k->keep, out);
	fclose(out);
	return text;
}

static void look_at_lists(struct doctor *k, struct yaml_node *list, const struct service_config *s,
			  struct yaml_node *chain)
{
	struct listed found = { 0 };
	struct packet p = {
		.hook = rule_text(chain, "/hook"), .in = s->listen_interface,
		.by_source = collect_prefixes, .data = &found,
	};
	size_t missing = 0;
	char name[256], first[ADDRESS_STRLEN] = "";

	snprintf(p.port, sizeof(p.port), "%u", ntohs(s->n_ports ? s->ports[0] : s->backend.port));
	for (int f = 0; f < 2 && host_link_by_name(&k->h, p.in); f++) {
		p.family = f ? FAMILY_IPV6 : FAMILY_IPV4;
		if (chain_sees(chain, &p))
			chain_drops(list, chain, &p);
	}
	for (size_t i = 0; i < found.n; i++)
		if (!is_denied(k, s, &found.list[i]) && !missing++)
			prefix_format(&found.list[i], first);
	if (missing)
		doctor_report(k, STATE_WARNING, "blocklist", s->name, fix_listed(k, s, &found),
			      "the nftables chain %s drops packets from %s%s, but wgxdp forwards "
			      "them before it: add these addresses to the service's "
			      "deny, or their set", chain_name(chain, name), first,
			      missing > 1 ? " and others" : "");
	free(found.list);
}

/* ---- reading ---- */

/* Returns the ruleset as nft(8) prints it, for the caller to free; NULL: there is no nft, or it
 * failed. */
static char *read_ruleset(size_t *ret_n)
{
	FILE *in = popen("exec nft -j list ruleset 2> /dev/null", "re");
	char *text = NULL;
	size_t size = 0;
	ssize_t n = in ? getdelim(&text, &size, '\0', in) : -1;

	if (in && !pclose(in) && n > 0) {
		*ret_n = n;
		return text;
	}
	free(text);
	return NULL;
}

static void look_at_ruleset(struct doctor *k, struct yaml_node *list)
{
	size_t before = k->n_findings;

	for (size_t i = 0; i < k->n_devices; i++)
		if (!k->devices[i].error && k->devices[i].wg.port)
			look_at_device(k, list, &k->devices[i]);
	for (struct yaml_node *n = list->first; n; n = n->next) {
		struct yaml_node *chain = yaml_by_path(n, "/chain");
		const char *hook = rule_text(chain, "/hook");

		for (size_t i = 0; i < k->c->n_services; i++)
			if (!strcmp(hook, "prerouting") || !strcmp(hook, "forward") ||
			    !strcmp(hook, "ingress"))
				look_at_lists(k, list, &k->c->services[i], chain);
	}
	if (k->n_findings == before)
		doctor_ok(k, "nft", "", "no nftables rule drops packets that wgxdp forwards");
}

void doctor_rules(struct doctor *k)
{
	struct yaml y = { 0 };
	size_t n = 0;
	char *text = read_ruleset(&n);
	FILE *in;

	if (!text) {
		doctor_ok(k, "nft", "", "the command nft is missing or failed, so doctor checked "
					"no firewall rules");
		return;
	}
	if (yaml_open_json(&y, text, n, "nft -j list ruleset"))
		doctor_report(k, STATE_WARNING, "nft", "", NULL,
			      "cannot read the output of `nft -j list ruleset`, so doctor checked "
			      "no firewall rules");
	else if (yaml_by_path(yaml_root(&y), "/nftables"))
		look_at_ruleset(k, yaml_by_path(yaml_root(&y), "/nftables"));
	yaml_close(&y);
	free(text);
	in = fopen("/proc/net/ip_tables_names", "re");
	if (in && getc(in) != EOF)
		doctor_ok(k, "iptables", "", "doctor does not check the iptables-legacy rules of "
					     "this host: `iptables-legacy-save` prints them");
	if (in)
		fclose(in);
}
