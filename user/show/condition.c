/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the data on which the states depend, and decides the states of peers and sites.
 * condition_service.c decides the states of services and interfaces.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include "dataplane/attach.h"
#include "dataplane/control.h"
#include "instance/run_state.h"
#include "lib/memory.h"
#include "plan/reach.h"
#include "show/condition.h"

const char *service_state_name(enum service_state s)
{
	static const char *const names[] = { "listening", "partial", "waiting" };

	return names[s];
}

__u64 conditions_transmit_failed(const struct conditions *k, __u32 ifindex)
{
	const struct nl_link *link = host_link(&k->h, ifindex);
	__u64 failed = 0;

	dataplane_transmit_failed(k->dp, ifindex, link ? link->tx_dropped : 0, &failed);
	return failed;
}

/* ---- peers and sites ---- */

static bool device_works(const struct conditions *k, const char *device, char why[CONDITION_WHY])
{
	const struct interface_fact *i = facts_interface(&k->facts, device);
	const struct finding *f = finding_at(&k->findings, device);
	char text[FINDING_LEN];

	if (!f && i && i->needs[1])
		f = finding_on(&k->findings, i->about.ifindex, FAMILY_IPV6);
	if (f)
		snprintf(why, CONDITION_WHY, "%.*s", CONDITION_WHY - 1,
			 finding_print(f, FINDING_NAME, false, text));
	return !f;
}

bool peer_is_attached(const struct conditions *k, const struct relay_view *v, __u32 id,
		      char why[CONDITION_WHY])
{
	const struct relay_peer *p = &v->peers[id];
	const struct nl_link *link;

	*why = '\0';
	if (k->dp->elsewhere)
		return p->peer.ifindex;
	if (!device_works(k, p->name.device, why))
		return false;
	link = host_link_by_name(&k->h, p->name.device);
	if (!p->peer.ifindex)
		snprintf(why, CONDITION_WHY, "wgxdp is not attached to %s", p->name.device);
	else if (link && !host_link(&k->h, p->peer.ifindex))
		snprintf(why, CONDITION_WHY, "%s was deleted and created again", p->name.device);
	else if (relay_view_is_wireguard(v, p->name.device) && !v->wireguard[id])
		snprintf(why, CONDITION_WHY, "%s has no peer with its public key", p->name.device);
	return !*why;
}

bool site_is_there(const struct conditions *k, const struct blind_view_site *s,
		   char why[CONDITION_WHY])
{
	*why = '\0';
	if (s->endpoint.family)
		return true;
	if (!k->config || device_works(k, k->config->blind.device, why))
		snprintf(why, CONDITION_WHY, "no handshake with this host's WireGuard yet");
	return false;
}

/* ---- reading ---- */

/* Reads the host's state. Routes are read only if a rule or the MACVLAN of a virtual router makes
 * them necessary, because there may be a million. */
static int read_host(struct host *h)
{
	bool routes = false;
	int rc = nl_links(&h->links, &h->n_links) ?: nl_addresses(&h->addresses, &h->n_addresses) ?:
		 nl_rules(&h->rules, &h->n_rules);

	for (size_t i = 0; i < h->n_rules && !rc; i++)
		routes |= reach_may_follow(&h->rules[i]);
	for (size_t i = 0; i < h->n_links && !rc; i++)
		routes |= !strcmp(h->links[i].kind, "macvlan");
	return rc ?: routes ? nl_routes(&h->routes, &h->n_routes) : 0;
}

const struct config *conditions_config(const char *instance)
{
	static char of[INSTANCE_LEN];
	static struct config *parsed;
	static __u32 parsed_id;
	__u32 id = config_text_id(instance);

	if (id && id == parsed_id && !strcmp(of, instance))
		return parsed;
	config_free(parsed);
	parsed = NULL;
	parsed_id = run_state_read(instance, &parsed) ? 0 : id;
	snprintf(of, sizeof(of), "%s", instance);
	return parsed;
}

int conditions_read(const struct dataplane *dp, struct conditions *ret)
{
	struct conditions k = { .dp = dp };
	int rc = dataplane_links(dp, &k.links, &k.n_links) ?:
		 dataplane_names(dp, &k.names, &k.n_services);

	if (!rc && !dp->elsewhere)
		rc = read_host(&k.h);
	if (!rc)
		k.config = conditions_config(dp->instance);
	k.services = xcalloc(k.n_services + 1, sizeof(*k.services));
	*ret = k;			/* k.facts points into *ret */
	rc = rc ?: conditions_of_services(ret);
	if (rc)
		conditions_free(ret);
	return rc;
}

void conditions_free(struct conditions *k)
{
	host_free(&k->h);
	free(k->links);
	free(k->names);
	free(k->services);
	free(k->interfaces);
	free(k->neighbours);
	findings_free(&k->findings);
	facts_free(&k->facts);
	resolved_backends_free(&k->answers);
	*k = (struct conditions){ 0 };
}
