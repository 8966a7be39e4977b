/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the data on which the states depend, and decides the states of interfaces, peers and sites.
 * condition_service.c decides the states of services.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include "dataplane/attach.h"
#include "dataplane/config_text.h"
#include "instance/run_state.h"
#include "lib/fd.h"
#include "lib/grow.h"
#include "plan/reach.h"
#include "show/condition.h"

const char *service_state_name(enum service_state s)
{
	static const char *const names[] = { "listening", "partial", "waiting" };

	return names[s];
}

const char *interface_state_name(enum interface_state s)
{
	static const char *const names[] = {
		"attached", "waiting", "down", "gone", "in another network namespace",
	};

	return names[s];
}

/* ---- interfaces ---- */

static bool is_attached(const struct conditions *k, const char *name)
{
	const struct nl_link *link = host_link_by_name(&k->h, name);

	for (size_t i = 0; i < k->n_links && link; i++)
		if ((k->links[i].role || k->links[i].above) && k->links[i].ifindex == link->ifindex)
			return true;
	return false;
}

static bool is_listed(const struct conditions *k, const char *name)
{
	for (size_t i = 0; i < k->n_interfaces; i++)
		if (!strcmp(k->interfaces[i].name, name))
			return true;
	return false;
}

/* Guesses the configured name of a link that this host no longer has: the first interface with this
 * role that is neither attached nor listed yet. Returns NULL if there is none. */
static const char *former_name(const struct conditions *k, enum link_role role)
{
	enum link_role its;
	const char *name;

	for (size_t at = 0; k->config && (name = config_interface(k->config, &at, &its));)
		if (its == role && !is_attached(k, name) && !is_listed(k, name))
			return name;
	return NULL;
}

static void describe_gone(struct conditions *k, struct interface_condition *i)
{
	const char *name = former_name(k, i->role);

	i->state = INTERFACE_GONE;
	if (name)
		snprintf(i->name, sizeof(i->name), "%s", name);
	else
		snprintf(i->name, sizeof(i->name), "(%u)", i->link->ifindex);
	snprintf(i->why, sizeof(i->why), "%s", name && host_link_by_name(&k->h, name) ?
		 "it was deleted and created again, and wgxdp is not attached to the new one" :
		 "it was deleted");
}

#define XDP_FOREIGN "another XDP program is attached in place of ours"
#define XDP_GONE "its XDP program was detached, and tc carries its packets"

/* Returns whether a program belongs to this instance. First compares it with programs whose fds are
 * open, because reading all pins takes long. */
static bool is_ours(const struct conditions *k, __u32 program)
{
	static const enum dataplane_program own[] = {
		PROGRAM_wgxdp_express, PROGRAM_wgxdp_xdp, PROGRAM_wgxdp_tc, PROGRAM_wgxdp_tc_l3,
	};

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		struct bpf_prog_info info = { 0 };
		__u32 size = sizeof(info);
		int fd = program_fd(k->dp, own[i]);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) && info.id == program)
			return true;
	}
	return pins_have_program(program);
}

bool nic_has_own_xdp(const struct nl_link *nic)
{
	__u32 id = nic->xdp_prog_id;

	return pins_have_program(id) ||
	       (!bpf_xdp_query_id(nic->ifindex, 0, &id) && pins_have_program(id));
}

static bool tc_is_gone(const struct conditions *k, const struct link *l)
{
	__u32 ids[16];
	size_t n;
	int fd;

	if (l->flags & LINK_TCX) {	/* only CAP_NET_ADMIN may ask the device itself */
		fd = attached_link(k->dp->instance, "tcx", l->ifindex);
		fd_close(fd);
		return fd == -ENOENT || fd == -ENOLINK;
	}
	errno = 0;
	n = attached_tc(l->ifindex, ids, sizeof(ids) / sizeof(*ids));
	for (size_t i = 0; i < n; i++)
		if (is_ours(k, ids[i]))
			return false;
	return errno != ENOMEM;		/* ENOMEM does not tell which programs are attached */
}

/* Returns why our XDP program is missing on a nic that carries a logical link: the link itself, its
 * VLAN's port, or its bridge's ports. Returns NULL if the program is attached. */
static const char *why_no_xdp(const struct conditions *k, const struct link *l)
{
	const char *why = NULL;

	for (size_t i = 0; i < k->n_links && !why; i++) {
		const struct link *o = &k->links[i];
		const struct nl_link *here = host_link(&k->h, o->ifindex);

		if ((o != l && o->ifindex != l->port && o->above != l->ifindex) || !here ||
		    !(o->flags & (LINK_NATIVE | LINK_GENERIC)))
			continue;
		errno = 0;
		if (!here->xdp_prog_id)
			why = XDP_GONE;
		else if (!(o->flags & LINK_SHARED) && !is_ours(k, here->xdp_prog_id) &&
			 !nic_has_own_xdp(here) && errno != ENOMEM)
			/* ENOMEM does not tell which program is attached */
			why = XDP_FOREIGN;
	}
	return why;
}

/* Sets the reason: what a finding says about the interface, after "it "; otherwise `why`. */
static void explain(const struct conditions *k, struct interface_condition *i, const char *why)
{
	const struct finding *f = finding_at(&k->findings, i->name);
	char text[FINDING_LEN];

	snprintf(i->why, CONDITION_WHY, "%.*s", CONDITION_WHY - 1,
		 f ? finding_print(f, FINDING_IT, false, text) : why);
}

static void set_link_state(const struct conditions *k, struct interface_condition *i, bool up)
{
	bool tc_gone = i->link->flags & LINK_TC && tc_is_gone(k, i->link);
	const char *why = tc_gone ? "its tc program was detached" : why_no_xdp(k, i->link);

	i->slow = why && !strcmp(why, XDP_GONE);
	i->state = !up ? INTERFACE_DOWN : why ? INTERFACE_WAITING : INTERFACE_ATTACHED;
	explain(k, i, why ?: "");
}

static void list_links(struct conditions *k)
{
	for (size_t j = 0; j < k->n_links; j++) {
		const struct link *l = &k->links[j];
		const struct nl_link *here = host_link(&k->h, l->ifindex);
		struct interface_condition *i;

		if (!l->role)
			continue;
		i = append(k->interfaces, k->n_interfaces);
		i->role = l->role;
		i->link = l;
		if (k->dp->elsewhere) {
			i->state = INTERFACE_ELSEWHERE;
			snprintf(i->name, sizeof(i->name), "(%u)", l->ifindex);
			snprintf(i->why, sizeof(i->why), "%s", interface_state_name(i->state));
		} else if (!here) {
			describe_gone(k, i);
		} else {
			snprintf(i->name, sizeof(i->name), "%s", here->name);
			set_link_state(k, i, here->up);
		}
	}
}

/* Adds an interface to which no program of ours is attached. */
static void add_missing(struct conditions *k, const char *name, enum link_role role,
			enum interface_state state)
{
	struct interface_condition *i = append(k->interfaces, k->n_interfaces);
	const struct nl_link *link = host_link_by_name(&k->h, name);

	snprintf(i->name, sizeof(i->name), "%s", name);
	i->role = role;
	i->state = state;
	explain(k, i, link && link->xdp_prog_id && !nic_has_own_xdp(link) ? XDP_FOREIGN :
		"it exists, but wgxdp is not attached: the messages of `up` or the daemon "
		"say why");
}

/* Lists an interface that only the daemon uses, if it is missing or down; no program is ever
 * attached there. */
static void list_followed(struct conditions *k, const char *name)
{
	const struct nl_link *link = host_link_by_name(&k->h, name);

	if (*name && !(link && link->up) && !is_listed(k, name))
		add_missing(k, name, ROLE_NONE, link ? INTERFACE_DOWN : INTERFACE_WAITING);
}

static void list_all_followed(struct conditions *k)
{
	const char *name;
	char path[96];

	list_followed(k, k->config->blind.device);
	for (size_t i = 0; (name = config_followed(k->config, i, path, sizeof(path))); i++)
		list_followed(k, name);
}

void conditions_of_interfaces(struct conditions *k)
{
	enum link_role role;
	const char *name;

	list_links(k);
	if (!k->config || k->dp->elsewhere)
		return;
	for (size_t at = 0; (name = config_interface(k->config, &at, &role));)
		if (!is_attached(k, name) && !is_listed(k, name))
			add_missing(k, name, role, INTERFACE_WAITING);
	list_all_followed(k);
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
