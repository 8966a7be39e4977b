/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes peers with a policy from WireGuard interfaces, and endpoints from peers whose endpoint is a
 * DNS name.
 */
#include <string.h>
#include "config/config_diff.h"
#include "config/config_endpoints.h"
#include "config/relay_prefix.h"
#include "import/import.h"
#include "lib/grow.h"

/* ---- policy ---- */

static bool is_device(const struct import *im, const char *name)
{
	for (size_t i = 0; i < im->devices.n; i++)
		if (!strcmp(im->devices.list[i].name, name))
			return true;
	return false;
}

static bool is_between_devices(const struct import *im, const struct rule *rule)
{
	bool in = false, out = false;

	for (size_t i = 0; i < rule->n; i++) {
		const struct rule_match *m = &rule->matches[i];
		bool all = !m->unlike && m->n;

		for (size_t j = 0; j < m->n && (m->field == FIELD_IN || m->field == FIELD_OUT); j++)
			all &= is_device(im, m->values[j].name);
		in |= all && m->field == FIELD_IN;
		out |= all && m->field == FIELD_OUT;
	}
	return in && out;
}

/* Takes the overlay and the ports from a rule that accepts packets between tunnels, unless it has
 * more conditions than a policy. */
static void add_policy(struct import *im, size_t i)
{
	const struct rule *rule = &im->rules.list[i];
	struct policy_config *p = &im->config->policy;
	const struct prefix *to = NULL;
	const struct rule_match *ports = NULL;
	bool more = false;

	for (size_t j = 0; j < rule->n; j++) {
		const struct rule_match *m = &rule->matches[j];

		if (m->field == FIELD_TO && !m->unlike && m->n == 1)
			to = &m->values[0].prefix;
		else if (m->field == FIELD_PORT && !m->unlike)
			ports = m;
		else
			more |= m->field != FIELD_IN && m->field != FIELD_OUT;
	}
	if (!to || !ports || more || to->family != FAMILY_IPV6 || relay_overlay_wrong(to) ||
	    (p->overlay.family && prefix_compare(to, &p->overlay)))
		return;
	p->overlay = *to;
	for (size_t j = 0; j < ports->n; j++)
		*append(p->udp_ports, p->n_udp_ports) = ports->values[j].ports;
	*append(im->policy_rules, im->n_policy_rules) = i;
}

static void make_policy(struct import *im)
{
	struct policy_config *p = &im->config->policy;

	p->overlay = im->overlay;
	for (size_t i = 0; i < im->rules.n; i++) {
		const struct rule *rule = &im->rules.list[i];

		if (rule->verdict == RULE_ACCEPT && !rule->never && !rule->unknown &&
		    im->rules.chains[rule->chain].hooks & 1U << HOOK_FORWARD &&
		    is_between_devices(im, rule))
			add_policy(im, i);
	}
	if (p->overlay.family && !p->n_udp_ports)
		*append(p->udp_ports, p->n_udp_ports) = (struct port_range){ 58000, 60000 };
	p->icmpv6 = ~0U;
}

/* Returns whether a rule names the sites' addresses. */
static bool is_in_overlay(const struct import *im, const struct rule *rule)
{
	for (size_t i = 0; i < rule->n; i++) {
		const struct rule_match *m = &rule->matches[i];

		for (size_t j = 0; j < m->n; j++)
			if ((m->field == FIELD_SOURCE || m->field == FIELD_TO) &&
			    prefix_within(&m->values[j].prefix, &im->config->policy.overlay))
				return true;
	}
	return false;
}

/* Returns whether a rule has more conditions than interfaces. */
static bool is_particular(const struct rule *rule)
{
	for (size_t i = 0; i < rule->n; i++)
		if (rule->matches[i].field != FIELD_IN && rule->matches[i].field != FIELD_OUT)
			return true;
	return rule->unknown;
}

/* Names rules between tunnels that the policy does not say: XDP forwards without them. A rule that
 * drops everything else is like the policy. */
static void name_others(struct import *im)
{
	size_t last = im->n_policy_rules ? im->policy_rules[im->n_policy_rules - 1] : im->rules.n;

	for (size_t i = 0; i < im->rules.n; i++) {
		const struct rule *rule = &im->rules.list[i];

		if (rule->never || !(im->rules.chains[rule->chain].hooks & 1U << HOOK_FORWARD))
			continue;
		if (rule->verdict == RULE_ACCEPT && is_between_devices(im, rule))
			rule_name(&im->rules, i, "a policy of wgxdp has only an overlay and ports, "
				  "which are the same for all sites");
		else if (rule->verdict == RULE_DROP && i < last && is_particular(rule) &&
			 (is_between_devices(im, rule) || is_in_overlay(im, rule)))
			rule_name(&im->rules, i, "wgxdp forwards these packets if the policy "
				  "allows their ports");
	}
}

/* ---- peers ---- */

static void name_peer(const struct import *im, const struct import_peer *from, char ret[NAME_LEN])
{
	char text[WG_KEY_STRLEN];

	strcpy(ret, from->name);
	wg_key_format(&from->key, text);
	for (int n = 8; n < WG_KEY_STRLEN && config_peer(im->config, ret); n += 4)
		snprintf(ret, NAME_LEN, "%.*s", n, text);
}

static bool belongs(const struct import *im, const struct import_peer *p)
{
	for (size_t i = 0; i < p->n_allowed; i++)
		if (prefix_within(&p->allowed[i], &im->config->policy.overlay) &&
		    !relay_prefix_wrong(&p->allowed[i], &im->config->policy.overlay))
			return true;
	return false;
}

static void add_peer(struct import *im, const struct import_device *d,
		     const struct import_peer *from)
{
	char name[NAME_LEN], text[ADDRESS_STRLEN];
	struct peer_config *p;

	name_peer(im, from, name);
	p = append(im->config->peers, im->config->n_peers);
	strcpy(p->name, name);
	strcpy(p->device, d->name);
	p->key = from->key;
	for (size_t i = 0; i < from->n_allowed; i++) {
		const char *why = relay_prefix_wrong(&from->allowed[i],
						     &im->config->policy.overlay);

		if (why)
			import_lose(&im->lost, "%s: peer %s: the prefix %s %s", from->origin,
				    name, prefix_format(&from->allowed[i], text), why);
		else
			*append(p->prefixes, p->n_prefixes) = from->allowed[i];
	}
}

static void add_endpoint(struct import *im, const struct import_device *d,
			 const struct import_peer *from)
{
	struct peer_endpoint_config *e = append(im->config->endpoints, im->config->n_endpoints);

	strcpy(e->interface, d->name);
	strcpy(e->host, from->host);
	e->peer = from->key;
	e->port = from->port;
}

void import_relay(struct import *im)
{
	make_policy(im);
	for (size_t i = 0; i < im->devices.n; i++) {
		const struct import_device *d = &im->devices.list[i];

		for (size_t j = 0; j < d->n_peers; j++) {
			const struct import_peer *p = &d->peers[j];

			if (wg_key_is_none(&p->key))
				continue;
			if (*p->host)
				add_endpoint(im, d, p);
			if (im->config->policy.overlay.family && belongs(im, p))
				add_peer(im, d, p);
		}
	}
	for (size_t i = 0; i < im->n_policy_rules && im->config->n_peers; i++)
		im->rules.list[im->policy_rules[i]].fate = RULE_USED;
	if (im->config->n_peers) {
		name_others(im);
		return;
	}
	im->n_policy_rules = 0;
	free(im->config->policy.udp_ports);
	im->config->policy = (struct policy_config){ 0 };
}
