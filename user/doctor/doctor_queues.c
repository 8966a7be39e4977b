/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks queues: whether packets of several tunnels reach several CPUs, and whether enough queues
 * are free for native XDP.
 */
#include <linux/ethtool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "doctor/doctor.h"
#include "plan/transmit.h"
#include "lib/text.h"

struct queue_check {
	const struct nl_link *nic;
	struct spread spread;
	__u32 cpus;
	bool native; /* native XDP of ours is attached to the nic, or its bond */
	bool refused;			/* the driver refused native XDP */
	bool reported;			/* an earlier finding gives the number of queues */
};

/* Returns the arguments with which `ethtool -L` sets n queues. Some drivers count receive and
 * transmit queues separately. */
static const char *channels(const struct queue_check *l, __u32 n, char ret[48])
{
	if (l->spread.combined)
		snprintf(ret, 48, "combined %u", n);
	else
		snprintf(ret, 48, "rx %u tx %u", n, n);
	return ret;
}

/* Returns whether an interface has a mode of its own, which `up --mode tc` does not change. */
static bool has_own_mode(const struct config *c)
{
	for (size_t i = 0; i < c->n_interfaces; i++)
		if (c->interfaces[i].mode != MODE_AUTO)
			return true;
	return false;
}

/* Returns commands that set the number of queues while tc carries the packets, because the driver
 * refuses that below XDP. XDP is attached again even if ethtool fails. */
static char *fix_by_tc(const struct doctor *k, const struct queue_check *l, const char *queues)
{
	char up[sizeof(k->again)];

	if (has_own_mode(k->c))
		return NULL;
	if (doctor_same_file(k))
		snprintf(up, sizeof(up), "%s up -c %s", k->wgxdp, k->file);
	else
		snprintf(up, sizeof(up), "%s", k->again);
	return xasprintf("%s --mode tc && { r=0; ethtool -L %s %s || r=$?; %s --mode %s && "
			 "[ $r = 0 ]; }", up, SHELL_WORD(l->nic->name), queues, up,
			 mode_names[k->c->mode]);
}

static char *fix_queues(const struct doctor *k, const struct queue_check *l, __u32 n)
{
	char text[48];

	channels(l, n, text);
	if (k->dp && l->native && l->spread.traits & SPREAD_DETACH)
		return fix_by_tc(k, l, text);
	return xasprintf("ethtool -L %s %s", SHELL_WORD(l->nic->name), text);
}

/* Reports two likely reasons why the driver refused native XDP. */
static void look_at_refused(struct doctor *k, struct queue_check *l)
{
	const struct spread *s = &l->spread;
	bool gro_hw = false;
	char text[48];

	if (!l->refused)
		return;
	if (!nl_feature(l->nic->name, "rx-gro-hw", &gro_hw) && gro_hw)
		doctor_report(k, STATE_WARNING, "queues", l->nic->name,
			      xasprintf("ethtool -K %s rx-gro-hw off && %s",
					SHELL_WORD(l->nic->name), k->again),
			      "the driver refused native XDP, probably because the device merges "
			      "packets: turn off rx-gro-hw");
	if (s->queues < 2 || !s->most || 2 * s->queues <= s->most)
		return;
	l->reported = true;
	doctor_report(k, STATE_WARNING, "queues", l->nic->name,
		      xasprintf("ethtool -L %s %s && %s", SHELL_WORD(l->nic->name),
				channels(l, s->most / 2 ?: 1, text), k->again),
		      "%u of %u queues are in use, and the driver refused native XDP: many drivers "
		      "need half of the queues free, so use fewer", s->queues, s->most);
}

static void look_at_one_queue(struct doctor *k, struct queue_check *l)
{
	const struct spread *s = &l->spread;
	__u32 wanted = spread_wanted(s, l->cpus, l->native);

	if (s->queues != 1 || l->cpus < 2)
		return;
	l->reported = true;
	if (wanted > 1)
		doctor_report(k, STATE_WARNING, "queues", l->nic->name, fix_queues(k, l, wanted),
			      "only 1 of %u receive queues is in use, so one of %u CPUs processes "
			      "all packets: use more queues. One tunnel always uses one CPU",
			      s->most, l->cpus);
	else
		doctor_ok(k, "queues", l->nic->name, "the device has only one receive queue, so "
			  "one of %u CPUs processes all packets", l->cpus);
}

/* Reports an RSS indirection table that does not use all queues. The fix is `default`, not `equal
 * N`, which would not follow later changes of the number of queues. */
static void look_at_table(struct doctor *k, struct queue_check *l)
{
	const struct spread *s = &l->spread;

	if (s->queues < 2 || l->cpus < 2 || s->table != 1)
		return;
	l->reported = true;
	doctor_report(k, STATE_WARNING, "queues", l->nic->name,
		      xasprintf("ethtool -X %s default", SHELL_WORD(l->nic->name)),
		      "%u receive queues exist, but the indirection table names only one, so one "
		      "of %u CPUs processes all packets: reset the table", s->queues, l->cpus);
}

static void look_at_hash(struct doctor *k, struct queue_check *l)
{
	const struct spread *s = &l->spread;
	bool ipv4 = s->addresses[0], ipv6 = s->addresses[1], fixed = s->traits & SPREAD_FIXED;
	const char *name = l->nic->name;
	const char *of = ipv4 && ipv6 ? "UDP" : ipv4 ? "UDP over IPv4" : "UDP over IPv6";
	char *how = NULL;

	if (s->queues < 2 || l->cpus < 2 || (!ipv4 && !ipv6))
		return;
	l->reported = true;
	if (!fixed && ipv4 && ipv6)
		how = xasprintf("ethtool -N %s rx-flow-hash udp4 sdfn && ethtool -N %s "
				"rx-flow-hash udp6 sdfn", SHELL_WORD(name), SHELL_WORD(name));
	else if (!fixed)
		how = xasprintf("ethtool -N %s rx-flow-hash %s sdfn", SHELL_WORD(name),
				ipv4 ? "udp4" : "udp6");
	doctor_report(k, fixed ? STATE_OK : STATE_WARNING, "queues", name, how, fixed ?
		      "the driver spreads %s over its %u queues only by addresses, so all packets "
		      "between two addresses use one queue" :
		      "the device spreads %s over its %u queues only by addresses: let it hash the "
		      "ports too, so that two addresses use several queues",
		      of, s->queues);
}

static void look_at_senders(struct doctor *k, struct queue_check *l)
{
	const struct spread *s = &l->spread;

	if (!l->native || !(s->traits & SPREAD_EVERY_CPU) || !s->queues || s->queues >= l->cpus)
		return;
	l->reported = true;
	doctor_report(k, STATE_WARNING, "queues", l->nic->name,
		      s->most >= l->cpus ? fix_queues(k, l, l->cpus) : NULL,
		      "only %u of %u CPUs have a send queue for XDP on this device, so packets "
		      "that the other CPUs receive are lost: add queues",
		      s->queues, l->cpus);
}

static bool was_looked_at(const struct doctor *k, const struct nl_link *nic)
{
	for (size_t i = 0; i < k->n_findings; i++)
		if (!strcmp(k->findings[i].check, "queues") &&
		    !strcmp(k->findings[i].about.name, nic->name))
			return true;
	return false;
}

/* Checks the queues of a nic, unless it is virtual: packets to such a device stay on the CPU that
 * sends them. */
static void look_at_nic(struct doctor *k, const struct nl_link *nic, bool native, bool refused)
{
	struct queue_check l = {
		.nic = nic, .native = native, .refused = refused,
		.cpus = sysconf(_SC_NPROCESSORS_ONLN),
	};

	if (was_looked_at(k, nic))
		return;
	spread_read(nic->name, &l.spread);
	look_at_refused(k, &l);
	if (!*nic->kind) {
		look_at_one_queue(k, &l);
		look_at_table(k, &l);
		look_at_hash(k, &l);
		look_at_senders(k, &l);
	}
	if (!l.reported && l.spread.queues && l.spread.most)
		doctor_ok(k, "queues", nic->name, "%u of %u", l.spread.queues, l.spread.most);
}

void doctor_queues(struct doctor *k, const struct nl_link *nic)
{
	const struct link *link = doctor_running_link(k, nic->ifindex);
	bool native = link && link->flags & LINK_NATIVE, refused = link && link->refused && !native;

	for (size_t i = 0; i < k->h.n_links; i++)
		if (k->h.links[i].master == nic->ifindex && strcmp(nic->kind, "vrf"))
			look_at_nic(k, &k->h.links[i], native, refused);
	look_at_nic(k, nic, native, refused);
}
