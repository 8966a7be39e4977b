/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Compares the states of a running instance with those that were logged last.
 */
#include <sys/mman.h>
#include <unistd.h>
#include "daemon/child.h"
#include "daemon/tasks.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "show/condition.h"

static struct logged_state *find_state(struct logged_states *t, const char *what)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->list[i].what, what))
			return &t->list[i];
	return NULL;
}

static void compare_state(struct logged_states *t, const char *kind, const char *name,
			  const char *state, const char *why)
{
	struct logged_state now = { .seen = true }, *was;

	snprintf(now.what, sizeof(now.what), "%s %s", kind, name);
	snprintf(now.is, sizeof(now.is), "%s%s%s", state, *why ? ": " : "", why);
	was = find_state(t, now.what);
	if (was ? strcmp(was->is, now.is) : *why)
		log_event("%s: %s", now.what, now.is);
	*(was ?: append(t->list, t->n)) = now;
}

/* Logs the states of peers that changed. The list has only peers that do not work, because there
 * may be too many peers to remember all. */
static void compare_peers(struct logged_states *t, const struct conditions *k)
{
	char why[CONDITION_WHY], what[96];
	struct logged_state *was;
	struct relay_view v;

	if (relay_view_read(k->dp, false, &v))
		return;
	for (__u32 id = 1; id < v.n_peers; id++) {
		const char *name = v.peers[id].name.name;
		bool attached;

		if (!*name)
			continue;
		attached = peer_is_attached(k, &v, id, why);
		snprintf(what, sizeof(what), "peer %s", name);
		if (attached && !(t->n && find_state(t, what)))
			continue;
		compare_state(t, "peer", name, attached ? "attached" : "waiting", why);
		was = find_state(t, what);
		if (was)
			was->seen = !attached;	/* forget_unseen() drops an attached peer */
	}
	relay_view_free(&v);
}

/* ---- addresses ---- */

static bool is_listening(const struct conditions *k, const char *service)
{
	for (size_t id = 0; id < k->n_services; id++)
		if (!strcmp(k->names[id].name, service))
			return k->services[id].state != SERVICE_WAITING;
	return false;
}

/* Logs a new address that a service listens on. Not in the first round: the service's own state
 * tells that it listens. */
static void note_listener(struct logged_states *t, const char *service, const struct address *a)
{
	char text[ADDRESS_STRLEN];
	struct logged_listener *l;
	bool others = false;

	for (size_t i = 0; i < t->n_listeners; i++) {
		l = &t->listeners[i];
		if (strcmp(l->service, service))
			continue;
		if (address_equal(&l->address, a)) {
			l->seen = true;
			return;
		}
		others |= !l->new;
	}
	l = append(t->listeners, t->n_listeners);
	snprintf(l->service, sizeof(l->service), "%s", service);
	l->address = *a;
	l->seen = l->new = true;
	if (others)
		log_event("service %s: also listens on %s", service, address_format(a, text));
}

/* Logs the addresses of this host that services start and stop to listen on. */
static void compare_listeners(struct logged_states *t, const struct conditions *k)
{
	struct table_entry *table = NULL;
	char text[ADDRESS_STRLEN];
	size_t n = 0, left = 0;

	if (k->dp->elsewhere || dataplane_table(k->dp, &table, &n))
		return;
	for (size_t i = 0; i < n; i++) {
		const struct table_entry *e = &table[i];
		struct address a = { .addr = e->key.addr, .family = e->key.word >> 8 & 0xff };

		if ((__u8)e->key.word == KEY_SERVICE && e->service.id < k->n_services &&
		    host_address(&k->h, &a))
			note_listener(t, k->names[e->service.id].name, &a);
	}
	free(table);
	for (size_t i = 0; i < t->n_listeners; i++) {
		struct logged_listener *l = &t->listeners[i];

		if (!l->seen && is_listening(k, l->service))
			log_event("service %s: no longer listens on %s%s", l->service,
				  address_format(&l->address, text),
				  host_address(&k->h, &l->address) ? "" :
				  ": this host no longer has the address");
		if (l->seen)
			t->listeners[left++] = *l;
	}
	t->n_listeners = left;
	for (size_t i = 0; i < left; i++)
		t->listeners[i].seen = t->listeners[i].new = false;
}

/* Forgets objects that the present round did not find. Logs only interfaces. */
static void forget_unseen(struct logged_states *t)
{
	struct logged_states left = { 0 };

	for (size_t i = 0; i < t->n; i++)
		if (t->list[i].seen) {
			t->list[i].seen = false;
			*append(left.list, left.n) = t->list[i];
		} else if (!strncmp(t->list[i].what, "interface ", 10)) {
			log_event("%s: no longer used", t->list[i].what);
		}
	free(t->list);
	t->list = left.list;
	t->n = left.n;
}

void log_states(struct logged_states *t, const char *instance)
{
	struct dataplane *dp = NULL;
	struct conditions k = { 0 };

	if (!dataplane_open(instance, &dp) && dp->running && !conditions_read(dp, &k)) {
		for (size_t i = 0; i < k.n_interfaces; i++)
			compare_state(t, "interface", k.interfaces[i].name,
				      interface_state_name(k.interfaces[i].state),
				      k.interfaces[i].why);
		for (size_t id = 0; id < k.n_services; id++)
			if (*k.names[id].name)
				compare_state(t, "service", k.names[id].name,
					      service_state_name(k.services[id].state),
					      k.services[id].why);
		compare_listeners(t, &k);
		compare_peers(t, &k);
		forget_unseen(t);
	}
	conditions_free(&k);
	dataplane_close(dp);
}

static int write_states(void *data)
{
	struct logged_states *t = data;
	FILE *out = fdopen(t->file, "w");

	child_yields();
	log_states(t, t->instance);
	fwrite(t, sizeof(*t), 1, out);
	fwrite(t->list, sizeof(*t->list), t->n, out);
	fwrite(t->listeners, sizeof(*t->listeners), t->n_listeners, out);
	return fclose(out);
}

/* Reads *n rows from the file into an array to which append() may add. */
static void *read_rows(int fd, size_t *n, size_t size)
{
	void *rows = NULL;

	for (size_t i = 0; i < *n;)
		grow(&rows, &i, size);
	if (read(fd, rows, *n * size) != (ssize_t)(*n * size))
		*n = 0;
	return rows;
}

static void on_written(void *data, bool done)
{
	struct logged_states *t = data, new;

	t->child = NULL;
	lseek(t->file, 0, SEEK_SET);
	if (done && read(t->file, &new, sizeof(new)) == sizeof(new)) {
		free(t->list);
		free(t->listeners);
		t->n = new.n;
		t->n_listeners = new.n_listeners;
		t->list = read_rows(t->file, &t->n, sizeof(*t->list));
		t->listeners = read_rows(t->file, &t->n_listeners, sizeof(*t->listeners));
	}
	close(t->file);
}

bool log_states_later(struct logged_states *t, uv_loop_t *loop, const char *instance)
{
	if (t->child)
		return false;
	t->instance = instance;
	t->file = memfd_create("wgxdp-states", MFD_CLOEXEC);
	t->child = child_run(loop, write_states, on_written, t);
	return true;
}
