/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks the firewall rules of this host by a rehearsal: whether they drop packets that wgxdp
 * needs, and whether they ban clients, whose packets XDP forwards before these rules. A child
 * process rehearses, and its findings come back through a pipe.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dataplane/followed_lists.h"
#include "doctor/doctor.h"
#include "instance/follower.h"
#include "lib/grow.h"
#include "lib/text.h"
#include "rehearsal/rehearsal.h"

#define LISTED_MAX 64			/* prefixes that a fix lists, at most */
#define FORGIVEN_MAX 64	/* rules for other packets that are removed, at most */
#define PAIRS_MAX 32			/* peers to which each other one sends a packet, at most */
#define BANS_MAX 16	/* rules that ban a service's clients and are named, at most */

struct rules_check {
	struct doctor *k;
	struct rehearsal r;
	__u32 wan;		/* interface for which .clients was made; 0: none */
	struct address *clients;
	size_t n_clients;
};

/* Collects the clients at edges of prefixes in the rules whose packets come by this interface. */
static void choose_clients(struct rules_check *c, __u32 in)
{
	if (c->wan == in)
		return;
	c->wan = in;
	c->n_clients = 0;
	free(c->clients);
	c->clients = NULL;
	for (size_t i = 0; i < c->r.n_edges; i++) {
		const struct address *a = &c->r.edges[i];

		if (!host_address(&c->k->h, a) && sample_comes_from(&c->r, in, a))
			*append(c->clients, c->n_clients) = *a;
	}
}

/* ---- packets that WireGuard on this host needs ---- */

/* Returns whether some client's packet arrives. Rules may accept the peers only, whose addresses
 * are then in the rules or in WireGuard. */
static bool some_client_passes(struct rules_check *c, const struct device_fact *d,
			       struct sample s)
{
	bool passes = false;

	for (size_t i = 0; i < d->wg.n_peers && !passes; i++) {
		s.from = d->wg.peers[i].endpoint;
		passes = s.from.family == s.to.family &&
			 sample_play(&c->r, &s).end == SAMPLE_HERE;
	}
	choose_clients(c, s.in);
	for (size_t i = 0; i < c->n_clients && !passes; i++) {
		s.from = c->clients[i];
		passes = s.from.family == s.to.family &&
			 sample_play(&c->r, &s).end == SAMPLE_HERE;
	}
	for (size_t i = 0; i < c->r.n_sets && !passes; i++) {
		s.from = sample_member(s.to.family);
		if (rehearsal_put(&c->r, &c->r.sets[i], &s.from, true))
			continue;
		passes = sample_play(&c->r, &s).end == SAMPLE_HERE;
		rehearsal_put(&c->r, &c->r.sets[i], &s.from, false);
	}
	return passes;
}

/* Returns a command that accepts packets with these ports before the rule that drops them, or
 * behind the last rule of a chain whose policy drops them. */
static char *fix_decision(const struct decision *d, const char *port, struct port_range range)
{
	const char *six = d->family == NFPROTO_IPV6 ? "6" : "";
	char ports[16];

	snprintf(ports, sizeof(ports), range.first == range.last ? "%u" :
		 d->by == DECIDED_BY_LEGACY ? "%u:%u" : "%u-%u", range.first, range.last);
	if (d->by == DECIDED_BY_LEGACY && d->policy)
		return xasprintf("ip%stables-legacy -t %s -A %s -p udp --%s %s -j ACCEPT", six,
				 d->table, d->chain, port, ports);
	if (d->by == DECIDED_BY_LEGACY)
		return xasprintf("ip%stables-legacy -t %s -I %s %zu -p udp --%s %s -j ACCEPT", six,
				 d->table, d->chain, d->position, port, ports);
	if (d->by == DECIDED_BY_POLICY)
		return xasprintf("nft add rule %s %s %s udp %s %s accept",
				 family_name(d->family), d->table, d->chain, port, ports);
	return xasprintf("nft insert rule %s %s %s handle %llu udp %s %s accept",
			 family_name(d->family), d->table, d->chain, d->handle, port, ports);
}

/* Tries a packet to the device's port, and one from it. Returns whether it reported one. */
static bool look_at_port(struct rules_check *c, const struct device_fact *d, __u8 family)
{
	struct address outsider = sample_outsider(family);
	struct sample in = { .port = ntohs(d->wg.port) }, out;
	struct decision why;
	struct nl_way way;

	if (nl_way(&outsider, NULL, 0, d->wg.fwmark, &way) || !host_link(&c->k->h, way.oif) ||
	    !strcmp(doctor_link_name(c->k, way.oif), d->name) || way.src.family != family)
		return false;
	in.in = way.oif;
	in.from = outsider;
	in.to = way.src;
	if (sample_decision(&c->r, &in, &why).end == SAMPLE_LOST && why.by &&
	    !some_client_passes(c, d, in)) {
		doctor_report(c->k, STATE_PROBLEM, "nft", d->name,
			      fix_decision(&why, "dport", (struct port_range){ in.port, in.port }),
			      "%s drops packets that arrive on %s for WireGuard's UDP port %u: add "
			      "a rule that accepts them", why.text,
			      doctor_link_name(c->k, way.oif), in.port);
		return true;
	}
	out = (struct sample){ .from = way.src, .to = outsider, .sport = in.port, .port = in.port,
			       .mark = d->wg.fwmark };
	for (size_t i = 0; i < d->wg.n_peers; i++)
		if (d->wg.peers[i].endpoint.family == family) {
			out.to = d->wg.peers[i].endpoint;
			out.port = ntohs(d->wg.peers[i].endpoint_port);
		}
	if (sample_decision(&c->r, &out, &why).end != SAMPLE_LOST || !why.by)
		return false;
	doctor_report(c->k, STATE_PROBLEM, "nft", d->name,
		      fix_decision(&why, "sport", (struct port_range){ in.port, in.port }),
		      "%s drops packets that WireGuard sends from its UDP port %u: add a rule that "
		      "accepts them", why.text, out.sport);
	return true;
}

static void look_at_device(struct rules_check *c, const struct device_fact *d)
{
	if (d->error || !d->wg.port)
		return;
	if (!look_at_port(c, d, FAMILY_IPV4) && !look_at_port(c, d, FAMILY_IPV6))
		doctor_ok(c->k, "nft", d->name, "no rule was found that drops packets for UDP "
			  "port %u", ntohs(d->wg.port));
}

/* ---- packets between sites ---- */

/* Tries a packet that the policy allows from one peer to another. On a link without a program of
 * wgxdp, the kernel forwards it, and all rules decide. Elsewhere only chains at the egress do. */
static bool look_at_pair(struct rules_check *c, const struct peer_config *from,
			 const struct peer_config *to)
{
	const struct nl_link *in = host_link_by_name(&c->k->h, from->device);
	const struct link *link = in ? doctor_running_link(c->k, in->ifindex) : NULL;
	bool by_kernel = link && !(link->flags & (LINK_NATIVE | LINK_GENERIC | LINK_TC));
	struct sample s = { .port = c->k->c->policy.udp_ports->first };
	struct decision why;

	if (!link || !from->n_prefixes || !to->n_prefixes)
		return false;
	s.in = in->ifindex;
	s.from = (struct address){ from->prefixes->addr, from->prefixes->family };
	s.to = (struct address){ to->prefixes->addr, to->prefixes->family };
	s.from.addr.b[15] |= 2;
	s.to.addr.b[15] |= 2;
	for (int i = 0; i < FORGIVEN_MAX; i++) {
		if (sample_decision(&c->r, &s, &why).end != SAMPLE_LOST)
			return false;
		if (why.by && (by_kernel || decision_at_egress(&c->r, &why))) {
			doctor_report(c->k, STATE_PROBLEM, "nft", to->name,
				      fix_decision(&why, "dport", *c->k->c->policy.udp_ports),
				      "%s drops packets of the policy from %s to %s: add a rule "
				      "that accepts them", why.text, from->name, to->name);
			return true;
		}
		if (rehearsal_forgive(&c->r, &why))
			return false;
	}
	return false;
}

static void look_at_policy(struct rules_check *c)
{
	const struct config *config = c->k->c;

	for (size_t i = 0; i < config->n_peers && config->policy.n_udp_ports; i++)
		for (size_t j = 0; j < config->n_peers && j < PAIRS_MAX; j++)
			if (i != j &&
			    look_at_pair(c, &config->peers[i], &config->peers[j]))
				return;
}

/* ---- banned clients ---- */

struct ban {				/* clients of a service whose packets one rule drops */
	struct decision by;
	const struct copied_set *set;	/* the set that has them; NULL: prefixes of a rule */
	struct prefix *list;
	size_t n;
	bool unlisted;			/* the elements of the set could not be read */
};

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

static const char *set_name(const struct copied_set *s, char ret[LIST_NAME_LEN])
{
	snprintf(ret, LIST_NAME_LEN, "%s %s %s", family_name(s->family), s->table, s->name);
	return ret;
}

static bool follows(const struct service_config *s, const struct copied_set *set)
{
	char name[LIST_NAME_LEN];

	set_name(set, name);
	for (size_t i = 0; i < s->n_deny_lists; i++)
		if (s->deny_lists[i].source == LIST_NFT_SET &&
		    !strcmp(s->deny_lists[i].name, name))
			return true;
	return false;
}

static void list_elements(const struct rehearsal *r, struct ban *b)
{
	struct list_keys keys = { 0 };

	b->unlisted = rehearsal_elements(r, b->set, &keys);
	for (size_t i = 0; i < keys.n; i++) {
		struct prefix *p = append(b->list, b->n);
		bool six = list_key_is_ipv6(&keys.list[i]);

		p->addr = keys.list[i].addr;
		p->family = six ? FAMILY_IPV6 : FAMILY_IPV4;
		p->len = keys.list[i].prefixlen - (six ? 32 : 128);
	}
	list_keys_free(&keys);
}

/* Returns a command that denies the prefixes of a rule, or that makes the service follow the set,
 * and starts the daemon for that. NULL: there is none, as for a set of ipset, which no service can
 * follow: a copy would soon be old. */
static char *fix_ban(const struct doctor *k, const struct service_config *s, const struct ban *b)
{
	char *text, prefix[ADDRESS_STRLEN], name[LIST_NAME_LEN];
	size_t size, n = 0;
	__s64 since;
	FILE *out;

	for (size_t i = 0; i < b->n; i++)
		n += !is_denied(k, s, &b->list[i]);
	if (!k->dp || (b->set ? !b->set->family : !n || n > LISTED_MAX))
		return NULL;
	out = text_open(&text, &size);
	fprintf(out, "%s service deny add %s", k->wgxdp, s->name);
	if (b->set)
		fprintf(out, " 'nft-set:%s'", set_name(b->set, name));
	for (size_t i = 0; i < b->n && !b->set; i++)
		if (!is_denied(k, s, &b->list[i]))
			fprintf(out, " %s", prefix_format(&b->list[i], prefix));
	fputs(k->keep, out);
	if (b->set && !follower_runs(k->instance, &since) && k->facts.start)
		fprintf(out, " && %s", k->facts.start);
	fclose(out);
	return text;
}

static void report_ban(struct doctor *k, const struct service_config *s, const struct ban *b)
{
	char name[LIST_NAME_LEN] = "", first[ADDRESS_STRLEN] = "";
	bool ipset = b->set && !b->set->family;
	size_t missing = 0;

	if (b->set && !ipset && follows(s, b->set))
		return;
	for (size_t i = 0; i < b->n; i++)
		if (!is_denied(k, s, &b->list[i]) && !missing++)
			prefix_format(&b->list[i], first);
	if (b->set && !ipset)
		set_name(b->set, name);
	if (b->set && (missing || b->unlisted))
		doctor_report(k, STATE_WARNING, "blocklist", s->name, fix_ban(k, s, b),
			      "%s drops packets of the clients in %s%s%s%s%s%s, but wgxdp "
			      "forwards them before it: add %s%s%s to the service's deny",
			      b->by.text, ipset ? "the set " : "a set", ipset ? b->set->name : "",
			      ipset ? " of ipset" : "", missing ? ", such as " : "", first,
			      missing > 1 ? " and others" : "",
			      ipset ? "a file with its entries" : "{ nft-set: \"", name,
			      ipset ? "" : "\" }");
	else if (missing)
		doctor_report(k, STATE_WARNING, "blocklist", s->name, fix_ban(k, s, b),
			      "%s drops packets from %s%s, but wgxdp forwards them before it: add "
			      "these addresses to the service's deny", b->by.text, first,
			      missing > 1 ? " and others" : "");
}

static int add_prefix(void *data, const struct prefix *p)
{
	struct ban *b = data;

	*append(b->list, b->n) = *p;
	return 0;
}

struct bans {
	struct ban *list;
	size_t n;
};

static struct ban *ban_by(struct bans *bans, const struct decision *by)
{
	struct ban *b;

	for (size_t i = 0; i < bans->n; i++)
		if (!bans->list[i].set && decision_equal(&bans->list[i].by, by))
			return &bans->list[i];
	b = append(bans->list, bans->n);
	b->by = *by;
	return b;
}

/* Tries all clients in the rules. Successive ones that the same rule drops are one range. */
static void find_bans(struct rules_check *c, struct sample s, struct bans *bans)
{
	struct decision by, last = { 0 };
	size_t first = 0;
	bool open = false;

	for (size_t i = 0; i <= c->n_clients; i++) {
		bool lost = false;

		if (i < c->n_clients) {
			s.from = c->clients[i];
			lost = s.from.family == s.to.family &&
			       sample_decision(&c->r, &s, &by).end == SAMPLE_LOST && by.by;
		}
		if (open && (!lost || !decision_equal(&by, &last))) {
			range_each(&c->clients[first], &c->clients[i - 1], add_prefix,
				   ban_by(bans, &last));
			open = false;
		}
		if (lost && !open) {
			open = true;
			first = i;
			last = by;
		}
	}
	for (size_t i = 0; i < c->r.n_sets; i++) {
		const struct copied_set *set = &c->r.sets[i];

		s.from = sample_member(s.to.family);
		if (rehearsal_put(&c->r, set, &s.from, true))
			continue;
		if (sample_decision(&c->r, &s, &by).end == SAMPLE_LOST && by.by)
			*append(bans->list, bans->n) = (struct ban){ .by = by, .set = set };
		rehearsal_put(&c->r, set, &s.from, false);
	}
	for (size_t i = 0; i < bans->n; i++)
		if (bans->list[i].set)
			list_elements(&c->r, &bans->list[i]);
}

/* Returns whether another ban is by the same rule, with the set that has these clients. */
static bool is_of_set(const struct bans *bans, const struct ban *b)
{
	for (size_t i = 0; i < bans->n; i++)
		if (!b->set && bans->list[i].set && decision_equal(&bans->list[i].by, &b->by))
			return true;
	return false;
}

/* Removes the rules that drop packets of a client that no rule mentions: such rules are for packets
 * that wgxdp leaves to the kernel. The rules that stay drop by the client. Returns false if the
 * kernel drops the sample without a rule. */
static bool open_way(struct rules_check *c, const struct sample *s)
{
	struct decision why;

	for (int i = 0; i < FORGIVEN_MAX; i++)
		if (sample_decision(&c->r, s, &why).end != SAMPLE_LOST)
			return true;
		else if (rehearsal_forgive(&c->r, &why))
			return false;
	return false;
}

/* Returns the address on which clients of this family reach the service, and its interface. */
static const struct nl_address *listens_on(const struct doctor *k, const struct service_config *s,
					   __u8 family)
{
	for (size_t i = 0; i < k->h.n_addresses; i++) {
		const struct nl_address *a = &k->h.addresses[i];

		if (a->local.family != family || address_is_link_local(&a->local) ||
		    address_is_loopback(&a->local))
			continue;
		if (*s->listen_interface ?
		    !strcmp(s->listen_interface, doctor_link_name(k, a->ifindex)) :
		    address_find(s->listen_addresses, s->n_listen_addresses, &a->local) <
			    s->n_listen_addresses)
			return a;
	}
	return NULL;
}

static const struct doctor_backend *backend_of(const struct doctor *k,
					       const struct service_config *s, __u8 family)
{
	for (size_t i = 0; i < k->n_backends; i++)
		if (k->backends[i].service == s && k->backends[i].address.family == family)
			return &k->backends[i];
	return NULL;
}

/* Returns whether the rules themselves forward the sample to the backend. */
static bool is_sent_to(struct rehearsal *r, const struct sample *s, const struct doctor_backend *b)
{
	struct sample_answer a = sample_play(r, s);

	return a.end == SAMPLE_AWAY && address_equal(&a.to, &b->address) &&
	       a.port == ntohs(b->port);
}

static void look_at_service(struct rules_check *c, const struct service_config *s, __u8 family)
{
	const struct nl_address *at = listens_on(c->k, s, family);
	const struct doctor_backend *b = backend_of(c->k, s, family);
	bool direct = s->nat == NAT_NONE || (family == FAMILY_IPV6 && s->ipv6 == IPV6_DIRECT &&
					     s->nat == NAT_DNAT);
	struct sample p = { .from = sample_outsider(family) };
	struct bans bans = { 0 };

	if (!at || (!b && s->nat != NAT_MASQUERADE))
		return;
	p.in = at->ifindex;
	p.to = b && direct ? b->address : at->local;
	p.port = ntohs(direct || !s->n_ports ? s->backend.port : s->ports[0]);
	if (rehearsal_translate(&c->r, NULL, 0))
		return;
	/* If the rules translate by themselves, they may also ban a client by not doing so. */
	if (b && !direct && !is_sent_to(&c->r, &p, b) &&
	    rehearsal_translate(&c->r, &b->address, ntohs(b->port)))
		return;
	if (!open_way(c, &p)) {
		doctor_report(c->k, STATE_WARNING, "nft", s->name, NULL,
			      "a copy of this host does not forward a sample to port %u: doctor "
			      "does not know which clients the rules ban", p.port);
		return;
	}
	choose_clients(c, p.in);
	find_bans(c, p, &bans);
	for (size_t i = 0; i < bans.n && i < BANS_MAX; i++)
		if (!is_of_set(&bans, &bans.list[i]))
			report_ban(c->k, s, &bans.list[i]);
	if (bans.n > BANS_MAX)
		doctor_report(c->k, STATE_WARNING, "blocklist", s->name, NULL,
			      "%zu more rules drop packets of clients, but wgxdp forwards these "
			      "packets before the rules", bans.n - BANS_MAX);
	for (size_t i = 0; i < bans.n; i++)
		free(bans.list[i].list);
	free(bans.list);
}

/* ---- the child ---- */

static void report_missing(struct rules_check *c)
{
	for (size_t i = 0; i < c->r.n_missing; i++)
		doctor_report(c->k, STATE_WARNING, "nft", "", NULL,
			      "doctor tried samples without %s, so it does not know what this "
			      "does to packets", c->r.missing[i]);
}

static void rehearse(struct rules_check *c)
{
	size_t before = c->k->n_findings;
	int rc = rehearsal_read(&c->r);

	if (!rc && !c->r.rules) {
		doctor_ok(c->k, "nft", "", "this host has no firewall rules");
		return;
	}
	rc = rc ?: rehearsal_begin(&c->r) ?: sample_trace(&c->r, true);
	if (rc) {
		doctor_report(c->k, STATE_WARNING, "nft", "", NULL,
			      "doctor checked no firewall rules, because it cannot copy them into "
			      "a network namespace of its own: %s", strerror(-rc));
		return;
	}
	for (size_t i = 0; i < c->k->n_devices; i++)
		look_at_device(c, &c->k->devices[i]);
	look_at_policy(c);
	for (size_t i = 0; i < c->k->c->n_services; i++)
		for (int f = 0; f < 2; f++)
			look_at_service(c, &c->k->c->services[i],
					f ? FAMILY_IPV6 : FAMILY_IPV4);
	report_missing(c);
	if (c->k->n_findings == before)
		doctor_ok(c->k, "nft", "", "no firewall rule drops packets that wgxdp forwards");
}

/* Writes a finding as its state and four texts, each with a zero byte. */
static void put_finding(FILE *out, const struct finding *f)
{
	fputc(f->state, out);
	fprintf(out, "%s%c%s%c%s%c%s%c", f->check, 0, f->about.name, 0, f->text, 0, f->fix ?: "",
		0);
}

static void get_findings(struct doctor *k, FILE *in)
{
	static const char *const checks[] = { "nft", "blocklist" };
	char *text[4] = { 0 };
	size_t size[4] = { 0 };
	int state;

	while ((state = getc(in)) != EOF) {
		for (int i = 0; i < 4; i++)
			if (getdelim(&text[i], &size[i], '\0', in) < 0)
				return;
		doctor_report(k, state, checks[!strcmp(text[0], "blocklist")], text[1],
			      *text[3] ? xstrdup(text[3]) : NULL, "%s", text[2]);
	}
	for (int i = 0; i < 4; i++)
		free(text[i]);
}

void doctor_rules(struct doctor *k)
{
	struct rules_check c = { .k = k };
	size_t before = k->n_findings;
	int ends[2], status = 0;
	FILE *in, *out;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return;
	fflush(NULL);
	child = fork();
	if (!child) {
		out = fdopen(ends[1], "w");
		rehearse(&c);
		for (size_t i = before; i < k->n_findings; i++)
			put_finding(out, &k->findings[i]);
		fclose(out);
		_exit(0);
	}
	close(ends[1]);
	in = fdopen(ends[0], "r");
	get_findings(k, in);
	fclose(in);
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		doctor_report(k, STATE_WARNING, "nft", "", NULL,
			      "the check of firewall rules failed, so doctor does not know whether "
			      "they drop packets");
}
