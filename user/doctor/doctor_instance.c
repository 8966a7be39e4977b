/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks the instance itself: whether a daemon runs if one is needed, whether the file matches the
 * running configuration, and whether the interfaces and addresses in use still exist.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "config/config_diff.h"
#include "doctor/doctor.h"
#include "instance/follower.h"
#include "instance/source.h"
#include "lib/text.h"

/* ---- the daemon ---- */

/* Returns a command that starts the unit of this instance now and at each boot, or NULL if the
 * unit would read another file than k->file or if systemd does not run. */
static char *fix_unit(const struct doctor *k, const char *unit)
{
	bool is_default = !strcmp(k->instance, INSTANCE_DEFAULT);

	if (access("/run/systemd/system", F_OK) || (*k->file && strcmp(k->file, k->config)))
		return NULL;
	return xasprintf("systemctl enable --now %s%s%s.service", unit, is_default ? "" : "@",
			 is_default ? "" : k->instance);
}

char *doctor_start(const struct doctor *k)
{
	char *unit = fix_unit(k, "wgxdp-daemon");

	if (unit)
		return unit;
	if (!*k->file)
		return xasprintf("setsid -f %s daemon", k->wgxdp);
	return doctor_file(k) ? xasprintf("setsid -f %s daemon -c %s", k->wgxdp, k->file) : NULL;
}

static void look_at_daemon(struct doctor *k)
{
	__s64 since;

	if (follower_runs(k->instance, &since))
		doctor_ok(k, "daemon", "", "the daemon runs and follows changes");
	else if (!k->facts.unfollowed)
		doctor_ok(k, "daemon", "", "no daemon runs, and this configuration needs none: run "
					   "`wgxdp up` after each change of this host");
}

/* ---- the file ---- */

static void look_at_source(struct doctor *k)
{
	switch (k->source) {
	case SOURCE_NONE:
		doctor_ok(k, "configuration", "", "the running configuration was not read from a "
						  "file");
		break;
	case SOURCE_SAME:
		doctor_ok(k, "configuration", k->file, "the running configuration is that of the "
						       "file");
		break;
	case SOURCE_BY_HAND:
		doctor_report(k, STATE_PROBLEM, "configuration", k->file, doctor_save(k),
			      "commands changed the running configuration, and the next start "
			      "would undo that: `%s reload -c FILE --dry-run` shows the "
			      "differences", k->wgxdp);
		break;
	case SOURCE_CHANGED:
		doctor_report(k, STATE_PROBLEM, "configuration", k->file, doctor_file(k) ?
			      xasprintf("%s reload -c %s", k->wgxdp, k->file) : NULL,
			      "the file was changed after it was loaded: `%s reload -c FILE "
			      "--dry-run` shows the differences", k->wgxdp);
		break;
	case SOURCE_INVALID:
		doctor_report(k, STATE_PROBLEM, "configuration", k->file, NULL,
			      "the file has errors, so the next start would fail: correct those "
			      "that `%s check -c FILE` names; `%s save` prints what runs",
			      k->wgxdp, k->wgxdp);
		break;
	case SOURCE_GONE:
		doctor_report(k, STATE_PROBLEM, "configuration", k->file, doctor_file(k) ?
			      xasprintf("%s save > %s", k->wgxdp, k->file) : NULL,
			      "the file of the running configuration is gone, so the next start "
			      "would fail: write it again");
		break;
	}
}

/* ---- interfaces and services ---- */

bool doctor_is_attached(struct doctor *k, struct interface_fact *port)
{
	for (size_t i = 0; i < k->is.n_interfaces; i++) {
		const struct interface_condition *c = &k->is.interfaces[i];

		if (strcmp(c->name, port->about.name) ||
		    (c->state != INTERFACE_GONE && c->state != INTERFACE_WAITING))
			continue;
		port->dead = true;
		doctor_report(k, STATE_PROBLEM, "interface", port->about.name,
			      xstrdup(k->again), "%s", c->why);
		return false;
	}
	return true;
}

/* Returns whether to report the fault of a service here, because no other check does. */
static bool is_own_fault(const struct doctor *k, const struct service_condition *c,
			 const char *interface)
{
	const struct interface_fact *port = facts_interface(&k->facts, interface);

	if (c->finding)		/* doctor has no findings about listening of its own */
		return (c->finding == FINDING_no_address || c->finding == FINDING_no_wan) &&
		       (!port || (port->link && !port->dead));
	switch (c->fault) {
	case FAULT_NO_ADDRESS:
	case FAULT_ADDRESS_GONE:
	case FAULT_NOT_LISTENING:
		return !port || (port->link && !port->dead);
	case FAULT_INTERFACE:
		return !*interface;
	default:
		return false;
	}
}

/* Returns whether the interface has another address of the lost one's family, on which `up` could
 * listen. */
static bool has_another_address(const struct doctor *k, const struct service_condition *c,
				const char *interface)
{
	const struct nl_link *link = host_link_by_name(&k->h, interface);

	return link && host_has_family(&k->h, link->ifindex, c->address.family);
}

static void look_at_service(struct doctor *k, size_t id)
{
	const struct service_condition *c = &k->is.services[id];
	const char *name = k->is.names[id].name;
	const struct service_config *s = config_service(k->c, name);
	const char *interface = s ? s->listen_interface :
		k->is.names[id].nat == NAT_BLIND ? k->c->blind.interface : "";

	if (c->state == SERVICE_LISTENING)
		doctor_ok(k, "service", name, "listening");
	else if (is_own_fault(k, c, interface))
		doctor_report(k, STATE_PROBLEM, "service", name,
			      has_another_address(k, c, interface) ?
			      xstrdup(k->again) : NULL,
			      "%s: %s", service_state_name(c->state), c->why);
}

/* Returns the names of instances that are up, after a separator: "; up: a, b". "" if none is. */
static const char *other_instances(char ret[256])
{
	DIR *dir = opendir(PINS_DIR);
	size_t n = 0;

	*ret = '\0';
	for (struct dirent *e; dir && (e = readdir(dir)) && n < 256;)
		if (*e->d_name != '.')
			n += snprintf(ret + n, 256 - n, "%s%s", n ? ", " : "; up: ", e->d_name);
	if (dir)
		closedir(dir);
	return ret;
}

static void report_not_up(struct doctor *k)
{
	char others[256];

	other_instances(others);
	if (*k->file)
		doctor_report(k, STATE_PROBLEM, "instance", k->instance,
			      fix_unit(k, "wgxdp") ?: xasprintf("%s up", k->wgxdp),
			      "the instance is not up, although %s exists: start "
			      "it%s", k->file, others);
	else if (strcmp(k->instance, INSTANCE_DEFAULT))
		doctor_report(k, STATE_PROBLEM, "instance", k->instance, NULL,
			      "the instance is not up, and there is no %s: write this file, or "
			      "run `%s up --wan IF --to BACKEND`%s", k->config, k->wgxdp, others);
	else
		doctor_ok(k, "instance", k->instance,
			  "the instance is not up, and there is no %s%s", k->config, others);
}

void doctor_instance(struct doctor *k)
{
	if (k->only_file)
		return;
	if (!k->up) {
		report_not_up(k);
		return;
	}
	look_at_daemon(k);
	look_at_source(k);
	for (size_t id = 0; id < k->is.n_services; id++)
		if (*k->is.names[id].name)
			look_at_service(k, id);
}
