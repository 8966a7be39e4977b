/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements apply.h: reads the host, makes a plan, loads, attaches, writes the maps, and reports.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "config/config_diff.h"
#include "dataplane/attach.h"
#include "dataplane/control.h"
#include "dataplane/dataplane_programs.h"
#include "findings/facts.h"
#include "instance/apply.h"
#include "instance/follower.h"
#include "plan/lists.h"
#include "dataplane/followed_lists.h"
#include "dataplane/load_error.h"
#include "dataplane/map_info.h"
#include "dataplane/pins.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "instance/resolver.h"
#include "instance/run_state.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/text.h"
#include "plan/transmit.h"

static const struct dataplane_port *attached_port(const struct dataplane *dp, __u32 ifindex)
{
	for (size_t i = 0; i < dp->n_ports; i++)
		if (dp->ports[i].ifindex == ifindex)
			return &dp->ports[i];
	return NULL;
}

static void report_nic(const struct dataplane *dp, const struct host *h,
		       const struct plan_port *port, const struct plan_nic *nic, FILE *out)
{
	const struct dataplane_port *is = attached_port(dp, nic->ifindex);
	const char *hint;

	fprintf(out, ", %s", is->flags & LINK_NATIVE ? "native XDP" :
		is->flags & LINK_GENERIC ? "generic XDP" : "no XDP");
	if (nic->ifindex != port->ifindex)
		fprintf(out, " on %s", nic->name);
	if (is->flags & LINK_SHARED)
		fputs(", shared", out);
	if (is->refused && !(is->flags & LINK_NATIVE))
		fprintf(out, " (native XDP refused: %s)", why_refused(is->refused));
	else if (port->by_qdisc)
		fputs(" (transmit: tc, so its qdisc gets what leaves by it)", out);
	else if (is->flags & LINK_NATIVE &&
		 !transmit_flags(h, host_link(h, nic->ifindex), true, &hint))
		fprintf(out, " (cannot transmit, so tc sends what leaves by it%s%s)",
			hint ? ": " : "", hint ?: "");
}

static void report_ports(const struct dataplane *dp, const struct plan *p, const struct host *h)
{
	for (size_t i = 0; i < p->n_ports; i++) {
		const struct plan_port *port = &p->ports[i];
		char *text;
		size_t size;
		FILE *out = text_open(&text, &size);

		fprintf(out, "%s: %s", port->name, role_names[port->role]);
		for (size_t j = 0; j < p->n_nics; j++)
			if (plan_carries(h, &p->nics[j], port))
				report_nic(dp, h, port, &p->nics[j], out);
		fprintf(out, ", %stc%s%s%s",
			attached_port(dp, port->ifindex)->flags & LINK_TC ? "" : "no ",
			*port->why ? " (" : "", port->why, *port->why ? ")" : "");
		fclose(out);
		log_info("%s", text);
		free(text);
	}
}

static void report_changes(const struct dataplane *dp, int written)
{
	if (written)
		log_info("the data path is up: %s%d map %s written", dp->reloaded ?
			 "its programs were loaded, and " : "", written,
			 written == 1 ? "entry was" : "entries were");
	else
		log_info("the data path is up: %s", dp->reloaded ? "its programs were loaded" :
			 "nothing had to change");
}

/* Finds what keeps packets from passing. Prints as errors what the kernel cannot do, and returns
 * -EINVAL then. Later passes of the daemon (tolerant) leave that to its log of states. */
static int look_at_host(const char *instance, const struct plan_input *in, struct findings *ret)
{
	struct facts f = { .config = in->config, .host = in->host, .answers = in->answers,
			   .instance = instance, .plan = in };
	char text[FINDING_LEN];
	__s64 since;
	int rc = 0;

	if (in->tolerant)
		return 0;
	/* If the service manager (process 1) has called `up`, it starts the daemon next. */
	if (!in->followed && getppid() != 1 && !follower_runs(instance, &since))
		f.unfollowed = follower_needed(in->config);
	facts_interfaces(&f);
	facts_backends(&f, false);
	facts_ways(&f);
	findings_make(&f, UP, ret);
	facts_free(&f);
	for (size_t i = 0; i < ret->n; i++) {
		const struct service_config *s = ret->list[i].about.service;

		if (ret->list[i].state != STATE_REFUSED)
			continue;
		log_error_at(in->config->file, s ? s->line : 0, s ? s->column : 0, "%s",
			     finding_print(&ret->list[i], FINDING_LINE, true, text));
		rc = -EINVAL;
	}
	return rc;
}

/* Prints the findings as warnings. The daemon prints only those that its log of states does not. */
static void report_findings(const struct plan_input *in, const struct findings *l)
{
	char text[FINDING_LEN];

	for (size_t i = 0; i < l->n; i++) {
		const struct finding *x = &l->list[i];

		if (in->followed && finding_is_for(x->id, HEALTH))
			continue;
		finding_print(x, FINDING_LINE, true, text);
		if (x->state == STATE_WAITING)
			log_waiting("%s", text);
		else
			log_warning("%s", text);
	}
}

static void headroom_hints(const struct dataplane *dp, const struct plan *p, const struct host *h)
{
	for (size_t i = 0; i < p->n_nics; i++)
		if (attached_port(dp, p->nics[i].ifindex)->flags & LINK_NATIVE)
			headroom_warn(p, h, &p->nics[i]);
}

static __u64 boot_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec;
}

unsigned int apply_due(const char *instance)
{
	struct table_entry *running = NULL;
	struct dataplane *dp = NULL;
	__u64 until = 0;
	size_t n = 0;

	if (!dataplane_open(instance, &dp) && dp->running && !dataplane_table(dp, &running, &n))
		for (size_t i = 0; i < n; i++)
			if ((running[i].key.word & 0xff) == KEY_UNTIL &&
			    (!until || running[i].old.until < until))
				until = running[i].old.until;
	free(running);
	dataplane_close(dp);
	return !until ? 0 : until > boot_seconds() ? until - boot_seconds() : 1;
}

struct outcome {
	__u32 refused;		/* device at which attaching failed; 0: none */
	bool later;	/* programs must still be replaced, but the former ones serve */
	bool moved;			/* at least one backend's address has changed */
};

/* Returns how many peers the blind relay's device has: the plan makes room for them. */
static size_t count_sites(const struct config *c)
{
	struct wg_device d = { 0 };
	size_t n;

	if (!*c->blind.device || wg_read(c->blind.device, &d))
		return 0;
	n = d.n_peers;
	wg_free(&d);
	return n;
}

/* Reads the ports of this host's WireGuard: a backend may be a peer of it, whose answers must not
 * belong to a flow. */
static void read_tunnel_ports(struct plan_input *in)
{
	bool any = false;

	for (size_t i = 0; i < in->config->n_services; i++)
		any |= service_has_flows(&in->config->services[i]);
	for (size_t i = 0; i < in->host->n_links && any; i++) {
		const struct nl_link *link = &in->host->links[i];
		struct wg_device d = { 0 };

		if (strcmp(link->kind, "wireguard") && strcmp(link->kind, "amneziawg") &&
		    strcmp(link->kind, "tun"))
			continue;
		if (!wg_read(link->name, &d) && d.port)
			*append(in->tunnel_ports, in->n_tunnel_ports) = d.port;
		wg_free(&d);
	}
}

/* Returns the running configuration if a standby serves, because the new one may call it the
 * backend. Otherwise, or if it cannot be read, returns NULL. */
static struct config *read_before(const char *instance, const struct plan_input *in)
{
	struct config *c = NULL;
	bool any = false;

	for (size_t i = 0; i < in->n_guards && !in->tolerant; i++)
		any |= in->guards[i].standby;
	return any && config_text_id(instance) && !run_state_read(instance, &c) ? c : NULL;
}

/* Reads the running instance. Stores its configuration, which the caller must free, if the plan
 * needs it. Returns 0 or -errno. */
static int read_running(const char *instance, const struct dataplane *dp, struct plan_input *in,
			struct config **before)
{
	int rc = dataplane_names(dp, &in->names, &in->n_names) ?:
		 dataplane_backend_names(dp, &in->backend_names, &in->n_backend_names) ?:
		 dataplane_guards(dp, &in->guards, &in->n_guards) ?:
		 dataplane_table(dp, &in->running, &in->n_running) ?:
		 dataplane_peers(dp, &in->peers, &in->n_peers) ?:
		 dataplane_array(dp, MAP_pools, sizeof(*in->pools), &in->pools, &in->n_pools) ?:
		 dataplane_followed(dp, &in->lists, &in->n_lists);

	dataplane_slots(in->running, in->n_running, &in->slots, &in->n_slots);
	if (!rc)
		in->before = *before = read_before(instance, in);
	return rc;
}

/* Frees what apply_once() has read from the running instance and from WireGuard. */
static void free_running(struct plan_input *in)
{
	free(in->names);
	free(in->backend_names);
	free(in->guards);
	free(in->slots);
	free(in->running);
	free(in->peers);
	free(in->lists);
	free(in->pools);
	free(in->tunnel_ports);
	followed_devices_free(in->followed_peers, in->n_followed);
}

/* Tries once to apply the configuration. answers: addresses for names, which it may change because
 * a prefix of this host has changed. uniform: NULL for a command. */
static int apply_once(const char *instance, const struct plan_input *given,
		      struct resolved_backends *answers, bool may_wait,
		      __u64 *uniform, struct outcome *ret)
{
	struct plan_input in = *given;
	bool moved;
	struct dataplane *dp = NULL;
	struct config *before = NULL;
	struct findings found = { 0 };
	struct plan *p = NULL;
	struct host h = { 0 };
	int written = 0, rc = dataplane_open(instance, &dp);

	in.host = &h;
	in.now = boot_seconds();
	if (!rc && !dp->running)
		rc = dataplane_discard_new(instance);
	if (!rc)
		rc = host_read(&h);
	moved = !rc && resolved_backends_follow_prefixes(answers, &h);
	if (!rc && dp->elsewhere) {
		log_error("instance %s runs in another network namespace: run `wgxdp up` there, or use another --instance here; if that namespace is gone, run `wgxdp down` first",
			  instance);
		rc = -EBUSY;
	}
	if (!rc && dp->running)
		rc = read_running(instance, dp, &in, &before);
	in.n_sites = count_sites(in.config);
	if (!rc)
		read_tunnel_ports(&in);
	if (!rc)
		rc = followed_devices_read(in.config, &in.followed_peers, &in.n_followed);
	if (!rc)
		rc = look_at_host(instance, &in, &found) ?: plan_make(&in, &p) ?:
		     dataplane_load(dp, p, may_wait) ?: dataplane_attach(dp, p, &h);
	if (!rc) {
		written = dataplane_sync(dp, p, &h);
		rc = written < 0 ? written : dataplane_commit(dp, p);
	}
	if (rc && p)
		dataplane_return_modes(dp, p);
	if (!rc && uniform)
		*uniform = uniform_hash(instance, &h);
	if (!rc) {
		report_ports(dp, p, &h);
		if (!in.tolerant)
			report_changes(dp, written);
		report_findings(&in, &found);
		headroom_hints(dp, p, &h);
	}
	if (rc == -ENOMEM)	/* from the kernel */
		log_error("instance %s: %s", instance, strerror(-rc));
	*ret = (struct outcome){ rc && dp ? dp->refused : 0, !rc && dp->later, moved };
	findings_free(&found);
	free_running(&in);
	config_free(before);
	plan_free(p);
	dataplane_close(dp);
	host_free(&h);
	return rc;
}

/* Checks this process's permissions before anything is read or changed. Returns 0, or -errno after
 * printing an error. */
static int check_permitted(const char *instance)
{
	char what[INSTANCE_LEN + sizeof("instance ")];

	snprintf(what, sizeof(what), "instance %s", instance);
	return load_permitted(what) ?: pins_prepare();
}

/* Publishes the prepared text if it has become the running one. Returns rc, from apply_once(), if
 * that is not 0. */
static int publish_text(const char *instance, const struct plan_input *in, int rc)
{
	int published = run_state_publish(instance, in->config_text);

	if (in->config_text)
		close(in->config_text);
	return rc ?: published;
}

/* Applies everything or nothing. missing: waits for DNS only if a name has no address yet. */
static int apply_all(const char *instance, struct plan_input *in, struct resolved_backends *answers,
		     bool missing, __u64 *uniform)
{
	struct outcome outcome = { 0 };
	int rc = run_state_prepare(instance, in->config, &in->config_text);
	bool moved;

	if (rc)
		return rc;
	moved = resolver_once(answers, missing, RESOLVE_MS);
	lists_read(in->config, &in->contents, &in->n_contents);
	rc = publish_text(instance, in,
			  apply_once(instance, in, answers, false, uniform, &outcome));
	lists_free(in->contents, in->n_contents);
	if (!rc)
		resolved_backends_write(instance, answers, moved || outcome.moved);
	return rc;
}

/* Warns that no daemon notices when the configuration need not wait any more. */
static void report_unfollowed(const char *instance, const struct config *c)
{
	__s64 since;

	if (log_waited() && !follower_needed(c) && !follower_runs(instance, &since))
		log_warning("instance %s: no daemon runs, so wgxdp does not notice when the wait is over: start the daemon (`wgxdp daemon`), or run `wgxdp up` again then",
			    instance);
}

int apply(const char *instance, const struct config *c)
{
	struct resolved_backends answers;
	struct plan_input in = { .config = c, .answers = &answers };
	int rc;

	if (config_is_control(c) && pins_exist(instance) <= 0) {
		log_info("nothing to load: `wgxdp daemon` does everything in this configuration");
		return 0;
	}
	rc = check_permitted(instance);
	if (rc)
		return rc;
	resolved_backends_read(instance, &answers);
	resolved_backends_match(&answers, c);
	rc = apply_all(instance, &in, &answers, false, NULL);
	resolved_backends_free(&answers);
	if (!rc)
		report_unfollowed(instance, c);
	return rc;
}

int apply_followed(const char *instance, const struct config *c, struct resolved_backends *answers,
		   __u64 *uniform)
{
	struct plan_input in = { .config = c, .answers = answers, .followed = true };
	int rc = check_permitted(instance);

	if (rc)
		return rc;
	config_warn(c);
	load_warn_realtime();
	return apply_all(instance, &in, answers, true, uniform);
}

int apply_follow(const char *instance, const struct config *c, struct resolved_backends *answers,
		 __u64 *uniform)
{
	struct plan_input in = {
		.config = c, .answers = answers, .followed = true, .tolerant = true
	};
	bool again, may_wait = true, moved = false;
	int rc = check_permitted(instance);

	/* No text is pinned if the pins were removed. */
	if (!rc && !config_text_id(instance))
		rc = run_state_prepare(instance, c, &in.config_text);
	if (rc)
		return rc;
	do {
		struct outcome outcome;

		rc = apply_once(instance, &in, answers, may_wait, uniform, &outcome);
		moved |= outcome.moved;
		again = outcome.later;
		if (outcome.later) {
			may_wait = false;
		} else if (outcome.refused && !plan_refused(&in, outcome.refused) &&
			   in.n_refused < sizeof(in.refused) / sizeof(*in.refused)) {
			in.refused[in.n_refused++] = outcome.refused;
			again = true;
		}
	} while (again);
	if (in.config_text)
		rc = publish_text(instance, &in, rc);
	if (!rc && moved)
		resolved_backends_write(instance, answers, true);
	return rc;
}

/* ---- the map uniform ---- */

/* Returns the hash of everything that the map's contents depend on, and of the map's id. */
static __u64 hash_of(const struct host *h, __u32 map)
{
	__u64 hash = hash_bytes(HASH_START, &map, sizeof(map));

	for (size_t i = 0; i < h->n_links; i++) {
		__u32 link[] = { h->links[i].ifindex, h->links[i].ethernet };

		hash = hash_bytes(hash, link, sizeof(link));
	}
	hash = hash_bytes(hash, h->rules, h->n_rules * sizeof(*h->rules));
	return hash_bytes(hash, h->routes, h->n_routes * sizeof(*h->routes));
}

__u64 uniform_hash(const char *instance, const struct host *h)
{
	__u32 map = pin_map_id(instance, "uniform");

	return map ? hash_of(h, map) : 0;
}

/* Returns whether the map has all blocks now. */
static bool write_blocks(int map, int control, struct uniform_work *work)
{
	bool written = false;
	__u32 block;

	while (uniform_next(work, &block))
		if (dataplane_uniform(map, control, uniform_of(work), block, &written))
			return false;
	if (written)
		control_forget(control, true, true);
	return true;
}

__u64 uniform_write(const char *instance)
{
	int map = pin_get(instance, "uniform"), control = pin_get(instance, "control");
	struct uniform_work *work;
	struct host h = { 0 };
	__u64 hash = 0;

	if (map >= 0 && control >= 0 && !host_read(&h)) {
		work = uniform_begin(&h);
		if (write_blocks(map, control, work))
			hash = hash_of(&h, map_info(map).id);
		uniform_end(work);
	}
	host_free(&h);
	fd_close(map);
	fd_close(control);
	return hash;
}

/* ---- changes by commands that a file undoes ---- */

#define LINE_LEN 2000		/* bytes that the log shows of many changes */

bool undone_report(const struct config *old, const struct config *new, bool done)
{
	char *text, *all, *rest, *line;
	size_t n, length;
	FILE *out, *list;
	bool any;

	if (!old || !old->by_command)
		return false;
	out = text_open(&text, &n);
	any = config_changes(old, new, out);
	fclose(out);
	list = text_open(&all, &length);
	rest = text;
	while ((line = strsep(&rest, "\n")) && *line)
		fprintf(list, "%s%s", line == text ? "" : "; ", line);
	fclose(list);
	if (any)
		log_warning("changes by commands %s, unless the file has them: %.*s%s",
			    done ? "are undone" : "would be undone", LINE_LEN, all,
			    length > LINE_LEN ? " …" : "");
	free(text);
	free(all);
	return any;
}
