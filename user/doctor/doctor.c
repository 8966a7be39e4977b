/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads once the data that doctor examines, and keeps the list of findings.
 */
#include <stdio.h>
#include <string.h>
#include "config/config_sections.h"
#include "doctor/doctor.h"
#include "lib/grow.h"
#include "lib/text.h"
#include "instance/follower.h"
#include "instance/resolver.h"

void doctor_report(struct doctor *k, enum state state, const char *check, const char *subject,
		   char *fix, const char *format, ...)
{
	struct finding *f = append(k->findings, k->n_findings);
	va_list args;

	*f = (struct finding){ .check = check, .state = state, .fix = fix, .whole = true };
	snprintf(f->about.name, sizeof(f->about.name), "%s", subject);
	va_start(args, format);
	f->text = xvasprintf(format, args);
	va_end(args);
}

struct interface_fact *doctor_port(struct doctor *k, __u32 ifindex)
{
	for (size_t i = 0; i < k->facts.n_interfaces && ifindex; i++)
		if (k->facts.interfaces[i].about.ifindex == ifindex && k->facts.interfaces[i].port)
			return &k->facts.interfaces[i];
	return NULL;
}

const struct nl_link *doctor_nic(const struct doctor *k, const struct nl_link *link)
{
	const struct nl_link *vlans[2], *nic;

	return plan_vlans(&k->h, link, vlans, &nic) < 0 ? link : nic;
}

const struct link *doctor_running_link(const struct doctor *k, __u32 ifindex)
{
	return dataplane_link_of(k->links, k->n_links, ifindex);
}

const char *doctor_link_name(const struct doctor *k, __u32 ifindex)
{
	const struct nl_link *link = host_link(&k->h, ifindex);

	return link ? link->name : "?";
}

const char *doctor_file(const struct doctor *k)
{
	char word[SHELL_WORD_LEN];

	return *k->file && shell_word(k->file, word) == k->file ? k->file : NULL;
}

char *doctor_save(const struct doctor *k)
{
	char command[sizeof(k->wgxdp) + sizeof(" save")];

	snprintf(command, sizeof(command), "%s save", k->wgxdp);
	return doctor_file(k) ? fix_file(k->file, command) : NULL;
}

const char *doctor_same_file(const struct doctor *k)
{
	return k->file_keeps ? doctor_file(k) : NULL;
}

/* ---- gathering ---- */

/* Adds the interfaces of the running data path. */
static void add_ports(struct doctor *k)
{
	for (size_t i = 0; i < k->n_links; i++) {
		const struct nl_link *link = k->links[i].role ?
					     host_link(&k->h, k->links[i].ifindex) : NULL;

		if (link)
			facts_add_interface(&k->facts, link->name, k->links[i].role, true);
	}
}

static void add_backends(struct doctor *k)
{
	struct resolved_backends was = { 0 };

	resolved_backends_read(k->instance, &was);
	resolved_backends_match(&was, k->c);
	for (size_t i = 0; i < k->facts.n_backends; i++) {
		const struct backend_fact *is = &k->facts.backends[i];
		struct address before;

		*append(k->backends, k->n_backends) = (struct doctor_backend){
			.service = is->about.service, .text = is->text, .family = is->family,
			.port = is->port, .address = is->address, .vrf = is->vrf, .way = is->way,
			.routed = is->way.oif, .socket = -1,
			.was = resolved_backends_address(&was, is->text, is->family, &before),
		};
	}
	resolved_backends_free(&was);
}

static void add_device(struct doctor *k, const char *name)
{
	if (*name)
		facts_device(&k->facts, name);
}

static void add_devices(struct doctor *k)
{
	const struct config *c = k->c;

	add_device(k, c->blind.device);
	for (size_t i = 0; i < c->n_peers; i++)
		add_device(k, c->peers[i].device);
	for (size_t i = 0; i < c->follow.n_wireguard; i++)
		add_device(k, c->follow.wireguard[i].name);
	for (size_t i = 0; i < c->n_endpoints; i++)
		add_device(k, c->endpoints[i].interface);
	for (size_t i = 0; i < c->n_learn; i++)
		add_device(k, c->learn[i].interface);
	k->devices = k->facts.devices;
	k->n_devices = k->facts.n_devices;
}

static void read_facts(struct doctor *k)
{
	__s64 since;

	k->facts = (struct facts){
		.config = k->c, .host = &k->h, .answers = &k->answers, .instance = k->instance,
		.wgxdp = k->wgxdp, .again = k->dp ? k->again : NULL,
		.keep = k->dp ? k->keep : NULL, .file = doctor_same_file(k),
		.start = doctor_start(k),
		.unfollowed = k->up && !k->only_file && !follower_runs(k->instance, &since) ?
			      follower_needed(k->c) : NULL,
	};
	resolved_backends_read(k->instance, &k->answers);
	resolved_backends_match(&k->answers, k->c);
	resolver_once(&k->answers, false, RESOLVE_MS);
	resolved_backends_follow_prefixes(&k->answers, &k->h);
	facts_interfaces(&k->facts);
	facts_backends(&k->facts, false);
	facts_ways(&k->facts);
	add_backends(k);
	add_ports(k);
	add_devices(k);
}

void doctor_find(struct doctor *k)
{
	struct findings l = { 0 };

	findings_make(&k->facts, DOCTOR, &l);
	for (size_t i = 0; i < k->facts.n_interfaces; i++)
		k->facts.interfaces[i].dead = finding_at(&l, k->facts.interfaces[i].about.name);
	for (size_t i = 0; i < k->n_backends; i++)
		k->backends[i].suspect = !k->backends[i].address.family ||
			k->facts.backends[i].down ||
			finding_to(&l, k->backends[i].service, &k->backends[i].address);
	for (size_t i = 0; i < l.n; i++) {
		if (l.list[i].state > STATE_WARNING)
			l.list[i].state = STATE_PROBLEM;
		*append(k->findings, k->n_findings) = l.list[i];
	}
}

int doctor_gather(struct doctor *k)
{
	bool is_default = !strcmp(k->instance, INSTANCE_DEFAULT);

	snprintf(k->wgxdp, sizeof(k->wgxdp), "wgxdp%s%s", is_default ? "" : " --instance ",
		 is_default ? "" : k->instance);
	if (k->dp) {
		int rc = conditions_read(k->dp, &k->is) ?:
			 dataplane_links(k->dp, &k->links, &k->n_links);

		if (rc)
			return rc;
		k->plan = plan_running(&k->h, k->c, k->links, k->n_links);
		dataplane_reasons(k->dp, &k->before, &k->n_before);
		doctor_begin_replies(k);
	}
	if (k->up)
		k->source = source_read(k->instance, k->c, k->file, NULL);
	k->file_keeps = k->source == SOURCE_SAME && source_keeps_options(k->file, k->c);
	if (k->source == SOURCE_SAME && doctor_file(k))
		snprintf(k->keep, sizeof(k->keep), " && %s", doctor_save(k));
	if (doctor_same_file(k))
		snprintf(k->again, sizeof(k->again), "%s reload -c %s", k->wgxdp, k->file);
	else
		/* This also forgets which file the instance came from. */
		snprintf(k->again, sizeof(k->again), "%s save | %s up -c -", k->wgxdp, k->wgxdp);
	read_facts(k);
	return 0;
}
