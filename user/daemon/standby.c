/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * standby: reads the health of backends that have a standby once a second; a bit in struct guard
 * says which of the two serves. Before a switch, an empty datagram checks that the next host exists
 * and has a socket on the port (WireGuard does not answer it).
 */
#include <bpf/bpf.h>
#include <linux/neighbour.h>
#include <sys/socket.h>
#include "config/config_diff.h"
#include "dataplane/dataplane.h"
#include "lib/file.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "lib/timer.h"
#include "daemon/standby.h"
#include "instance/run_state.h"
#include "net/udp_socket.h"

#define TICK_MS 1000
#define REACH_SECONDS 4			/* seconds after which neighbour discovery has failed */

struct watched_backend {
	struct standby_of of;
	int socket;			/* fd of the socket that waits for an error; -1: none */
	struct address address;		/* destination of the probes */
	__u64 asked;			/* time in jiffies at which the first probe was sent */
};

struct standby {
	const char *instance;
	const struct config *config;
	const struct resolved_backends *answers;
	void (*switched)(void *data);
	void *data;
	uv_timer_t tick;
	struct watched_backend *list;
	size_t n;
};

/* ---- whether the inactive host can be reached ---- */

/* Sends a probe from a socket that also gets the error of a host that is off. Returns the socket,
 * or -1. */
static int send_probe(const struct address *a, __be16 port)
{
	int fd = udp_socket(a, port, NULL);

	if (fd >= 0 && (socket_keep_errors(fd, a->family) || send(fd, "", 0, 0) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Returns the NUD_* state of the next hop to the address; 0: unknown. */
static __u16 neighbour_state(const struct address *a)
{
	struct nl_neighbour *list = NULL;
	struct nl_way way;
	__u16 state = 0;
	size_t n = 0;

	if (!nl_way(a, NULL, 0, 0, &way) && !nl_neighbours(&list, &n))
		state = nl_neighbour_state(list, n, &way, a);
	free(list);
	return state;
}

static void close_probe(struct watched_backend *b)
{
	fd_close(b->socket);
	b->socket = -1;
}

/* Returns whether the address is one of this host, to which nothing is forwarded. */
static bool is_ours(const struct address *a)
{
	struct host h = { 0 };
	bool ours = !nl_addresses(&h.addresses, &h.n_addresses) && host_address(&h, a);

	host_free(&h);
	return ours;
}

/* Returns true once probes got no ICMP error for REACH_SECONDS, and the host answers the kernel's
 * questions for its MAC address. standby: probes the standby instead of the backend. */
static bool is_reached(const struct standby *s, struct watched_backend *b,
		       const struct backend_config *c, bool standby, __u64 now)
{
	const char *ipv4 = standby ? c->standby.ipv4 : c->ipv4;
	const char *ipv6 = standby ? c->standby.ipv6 : c->ipv6;
	__be16 port = standby && c->standby.port ? c->standby.port : c->port;
	int error = 0;
	socklen_t len = sizeof(error);
	__u16 state;

	if (b->socket < 0) {
		if ((resolved_backends_address(s->answers, ipv4, FAMILY_IPV4, &b->address) ||
		     resolved_backends_address(s->answers, ipv6, FAMILY_IPV6, &b->address)) &&
		    !is_ours(&b->address))
			b->socket = send_probe(&b->address, port);
		b->asked = now;
		return false;
	}
	if (getsockopt(b->socket, SOL_SOCKET, SO_ERROR, &error, &len) || error) {
		close_probe(b);
		return false;
	}
	if (now - b->asked < REACH_SECONDS * jiffies_a_second())
		return false;
	state = neighbour_state(&b->address);
	if (state & (NUD_STALE | NUD_DELAY | NUD_PROBE)) {
		/* The kernel uses the MAC address that it knows. Because of these probes, it asks
		 * for the address within some seconds. */
		send(b->socket, "", 0, 0);
		return false;
	}
	close_probe(b);
	return !(state & (NUD_INCOMPLETE | NUD_FAILED));
}

/* ---- once a second ---- */

static struct watched_backend *find_watched(struct standby *s, const char *service,
					    const char *backend)
{
	struct watched_backend *b;

	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->list[i].of.service, service) &&
		    !strcmp(s->list[i].of.backend, backend))
			return &s->list[i];
	b = append(s->list, s->n);
	strcpy(b->of.service, service);
	strcpy(b->of.backend, backend);
	b->socket = -1;
	return b;
}

static const char *const step_words[] = {
	[STANDBY_SWITCH] = "does not answer", [STANDBY_TRY] = "can be reached again and is tried",
};

static bool write_standby(const struct standby *s, struct dataplane *dp, __u32 id, __u32 number)
{
	int lock = run_state_try_lock(s->instance), rc = lock < 0 ? lock : 0;
	struct guard g;

	if (!rc && dataplane_guard(dp, id, &g)) {
		g.standby ^= 1ULL << number;
		rc = bpf_map_update_elem(map_fd(dp, MAP_guards), &id, &g, BPF_EXIST);
	}
	fd_close(lock);
	/* If another process has the lock, the next second tries again. */
	if (rc && rc != -EAGAIN)
		log_warning("cannot switch between the backend and its standby: %s", strerror(-rc));
	return !rc;
}

/* Switches between a backend and its standby if due. Returns whether it did. */
static bool check_backend(struct standby *s, struct dataplane *dp,
			  const struct service_config *service, const struct backend_config *c,
			  __u32 id, __u32 number)
{
	struct watched_backend *b = find_watched(s, service->name, c->name);
	__u64 now = jiffies_now();
	enum standby_step step;
	struct health h;
	struct guard g;
	bool on;

	if (!b || !dataplane_guard(dp, id, &g) || dataplane_health(dp, id, number, &h))
		return false;
	on = g.standby >> number & 1;
	/* It is unknown since when the active one serves, so its time begins now. */
	if (!b->of.wait) {
		b->of.wait = STANDBY_WAIT;
		b->of.since = on ? now : 0;
	}
	step = standby_next(&b->of, &g, &h, on, now);
	if (step == STANDBY_STAY)
		close_probe(b);
	if (step == STANDBY_STAY || !is_reached(s, b, c, !on, now) ||
	    !write_standby(s, dp, id, number))
		return false;
	standby_done(&b->of, step, now);
	log_warning("service %s: %s%s%s %s, so the %s serves now", service->name,
		    on && step == STANDBY_SWITCH ? "the standby of " : "",
		    *c->name ? "backend " : "backend", c->name, step_words[step],
		    on ? "backend" : "standby");
	return true;
}

/* Returns the number of a backend in struct guard, or GUARD_BACKENDS_MAX if it has none. */
static __u32 backend_number(const struct backend_name *names, size_t n, __u32 id, const char *name)
{
	__u32 first = id * GUARD_BACKENDS_MAX, i = 0;

	if (!*name)
		return 0;
	while (i < GUARD_BACKENDS_MAX && (first + i >= n || strcmp(names[first + i].name, name)))
		i++;
	return i;
}

/* Does this for each backend of a service. Returns whether any switched. */
static bool check_service(struct standby *s, struct dataplane *dp, __u32 id, const char *name,
			  const struct backend_name *names, size_t n)
{
	const struct service_config *service = *name ? config_service(s->config, name) : NULL;
	bool switched = false;

	for (size_t i = 0; service && i < backends_of(service); i++) {
		const struct backend_config *c = backend_at(service, i);
		__u32 number = backend_number(names, n, id, c->name);

		if (backend_has_standby(c) && number < GUARD_BACKENDS_MAX)
			switched |= check_backend(s, dp, service, c, id, number);
	}
	return switched;
}

static void on_tick(uv_timer_t *timer)
{
	struct standby *s = timer->data;
	struct service_name *services = NULL;	/* names of the services, indexed by id */
	/* Names of the backends, indexed by id * GUARD_BACKENDS_MAX + number. */
	struct backend_name *backends = NULL;
	size_t n_services = 0, n_backends = 0;
	struct dataplane *dp = NULL;
	bool switched = false;

	if (!dataplane_open(s->instance, &dp) && dp->running &&
	    !dataplane_names(dp, &services, &n_services) &&
	    !dataplane_backend_names(dp, &backends, &n_backends))
		for (__u32 id = 0; id < n_services; id++)
			switched |= check_service(s, dp, id, services[id].name, backends,
						  n_backends);
	free(services);
	free(backends);
	dataplane_close(dp);
	if (switched)
		s->switched(s->data);
}

void standby_applied(struct standby *s)
{
	for (size_t i = 0; i < s->n; i++)
		standby_written(&s->list[i].of, jiffies_now());
}

static bool has_standby(const struct config *c)
{
	for (size_t i = 0; i < c->n_services; i++)
		for (size_t j = 0; j < backends_of(&c->services[i]); j++)
			if (backend_has_standby(backend_at(&c->services[i], j)))
				return true;
	return false;
}

void standby_reconfigure(struct standby *s, const struct config *c)
{
	s->config = c;
	timer_repeat(&s->tick, has_standby(c), on_tick, TICK_MS, TICK_MS);
}

struct standby *standby_new(uv_loop_t *loop, const char *instance,
			    const struct resolved_backends *answers, void (*switched)(void *data),
			    void *data)
{
	struct standby *s = xcalloc(1, sizeof(*s));

	*s = (struct standby){
		.instance = instance, .answers = answers, .switched = switched, .data = data
	};
	timer_init(loop, &s->tick, s);
	return s;
}
