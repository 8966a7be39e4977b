/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The exporter. libmicrohttpd runs without threads: the loop polls its epoll descriptor, so an idle
 * exporter sleeps. A child process (render.c) writes the answers that read the maps. Requests for
 * the same path in the meantime share the answer, and metrics are reused for a second.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/exporter.h"
#include "lib/grow.h"
#include "lib/library.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/notify.h"
#include "lib/timer.h"
#include "daemon/render.h"

#ifdef WITH_MHD
#include <microhttpd.h>

#define CONNECTIONS 32
#define OF_ONE_CLIENT 8	/* most connections of one client, so that others find room */
#define SILENCE_SECONDS 10		/* seconds after which an idle connection is closed */
/* Most seconds for a request and its answer, so that slow clients do not hold connections. */
#define REQUEST_SECONDS 30
#define CHECK_MS 1000
#define METRICS_MS 1000	/* time in ms for which an answer with metrics is used again */

#define FUNCTIONS(X) \
	X(MHD_add_response_header) X(MHD_create_response_from_buffer) \
	X(MHD_create_response_from_fd_at_offset64) X(MHD_destroy_response) \
	X(MHD_get_connection_info) X(MHD_get_daemon_info) X(MHD_get_timeout) \
	X(MHD_lookup_connection_value) X(MHD_queue_response) X(MHD_resume_connection) X(MHD_run) \
	X(MHD_start_daemon) X(MHD_stop_daemon) X(MHD_suspend_connection)

static struct library_functions {
	FUNCTIONS(LIBRARY_POINTER)
} mhd;
static const struct library_function functions[] = { FUNCTIONS(LIBRARY_FUNCTION) };

struct client {
	int fd;
	__u64 since;	/* time of its connection, or of its last answer, in ms of the loop */
	struct client *next, **link;
};

struct place {
	struct endpoint_config at;
	int passed;	/* socket of the service manager; -1: the exporter opens its own socket */
};

struct server {				/* one per place */
	struct exporter *exporter;
	struct place place;
	struct MHD_Daemon *daemon;
	uv_poll_t poll;
	uv_timer_t timeout;		/* timer that calls MHD_run() when connections time out */
	uv_idle_t more;	/* calls MHD_run() once a turn of the loop; active while answers go on */
	uv_timer_t check;	/* timer that ends slow requests; runs while there are clients */
	struct client *clients;
	bool wanted;
	/* A connection has ended since run_server() last called MHD_run(). At CONNECTIONS, only the
	 * next call lets libmicrohttpd accept new ones again, and no descriptor asks for it. */
	bool ended;
	bool answered;	/* the server has answered since run_server() last gave memory back */
	int closing;			/* handles that libuv has not closed yet */
	struct server *next;
};

/* An answer that reads the maps, one for each path. It serves requests for METRICS_MS. */
struct written {
	struct exporter *exporter;
	char *path;
	bool running;			/* a child is writing the answer */
	struct MHD_Response *response;	/* answer that was written last; NULL: none that is fresh */
	unsigned int status;
	__u64 at;	/* time at which `response` was written, in ms of the loop */
	uv_timer_t old;			/* timer that drops `response` when it is old */
	struct waiter *waiters;
	struct written *next;
};

struct waiter { /* a request that waits for the answer, or to which the answer is being sent */
	struct written *written;
	struct server *server;
	struct MHD_Connection *connection;
	bool suspended;
	struct waiter *next, **link;
};

struct exporter {
	uv_loop_t *loop;
	struct web web;
	struct web_config access;	/* TLS and passwords that all servers have */
	char from[sizeof(((struct config *)NULL)->web_config)];	/* file that `access` is from */
	bool reload;			/* the next reading of the file is that of a reload */
	struct server *servers;
	struct written *written;
	int *passed;			/* sockets of the service manager that listen */
	size_t n_passed;
};

/* Adds the headers of an answer. Most forbid browsers to use the page in other ways. */
static void add_headers(struct MHD_Response *response, const struct web_answer *a)
{
	mhd.MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
	mhd.MHD_add_response_header(response, "Content-Security-Policy", a->policy);
	mhd.MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	mhd.MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	mhd.MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	mhd.MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (a->status == MHD_HTTP_UNAUTHORIZED)
		mhd.MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
					    "Basic realm=\"wgxdp\", charset=\"UTF-8\"");
	if (a->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		mhd.MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
}

/* Returns the address to which a client has connected. */
static struct address own_address(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct sockaddr_in6 at = { .sin6_family = AF_UNSPEC };
	socklen_t len = sizeof(at);

	if (info)
		getsockname(info->connect_fd, (struct sockaddr *)&at, &len);
	return address_from_socket((struct sockaddr *)&at);
}

/* Returns whether the client is on this host, as every client of a Unix socket is. A client that
 * has the address of this host to which it connects is on it too: another host cannot complete the
 * TCP handshake from there. */
static bool is_local(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *from = info ? info->client_addr : NULL;
	struct address a = from ? address_from_socket(from) : (struct address){ 0 };
	struct address own = own_address(connection);

	if (a.family && address_equal(&a, &own))
		return true;
	/* a socket of systemd may be for both families */
	if (a.family == FAMILY_IPV6 && IN6_IS_ADDR_V4MAPPED(&a.addr))
		a.family = FAMILY_IPV4;
	return (from && from->sa_family == AF_UNIX) || address_is_loopback(&a);
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, const struct web_answer *a)
{
	struct MHD_Response *response = mhd.MHD_create_response_from_buffer(
		a->size, a->text, a->constant ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE);
	enum MHD_Result rc;

	if (!response) {
		if (!a->constant)
			free(a->text);
		return MHD_NO;
	}
	add_headers(response, a);
	rc = mhd.MHD_queue_response(connection, a->status, response);
	mhd.MHD_destroy_response(response);
	return rc;
}

/* ---- what a child writes ---- */

static void run_server(struct server *s);

static bool is_fresh(const struct written *d)
{
	return d->response && !strcmp(d->path, "/metrics") &&
	       uv_now(d->exporter->loop) - d->at < METRICS_MS;
}

/* Drops the stored response if it is too old and no request waits for it. */
static void drop_response(struct written *d)
{
	if (!d->response || d->waiters || is_fresh(d))
		return;
	mhd.MHD_destroy_response(d->response);
	d->response = NULL;
}

static void on_old(uv_timer_t *timer)
{
	drop_response(timer->data);
}

/* Resumes the requests at one server that wait for the answer; NULL: those at all servers. */
static void resume_waiters(struct written *d, const struct server *s)
{
	for (struct waiter *w = d->waiters; w; w = w->next)
		if (w->suspended && (!s || w->server == s)) {
			w->suspended = false;
			mhd.MHD_resume_connection(w->connection);
		}
}

static void on_written(void *data, int fd, size_t offset, size_t size, const struct web_answer *a)
{
	struct written *d = data;

	d->running = false;
	if (d->response)
		mhd.MHD_destroy_response(d->response);
	d->response = fd < 0 ? NULL :
		      mhd.MHD_create_response_from_fd_at_offset64(size, fd, offset);
	if (d->response) {
		add_headers(d->response, a);
		d->status = a->status;
		d->at = uv_now(d->exporter->loop);
		uv_timer_start(&d->old, on_old, METRICS_MS, 0);
	} else if (fd >= 0) {
		close(fd);
	}
	resume_waiters(d, NULL);
	for (struct server *s = d->exporter->servers; s; s = s->next)
		run_server(s);
}

static struct written *find_written(struct exporter *e, const char *path)
{
	struct written *d = e->written;

	while (d && strcmp(d->path, path))
		d = d->next;
	if (d)
		return d;
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->path = strdup(path);
	if (!d->path) {
		free(d);
		return NULL;
	}
	d->exporter = e;
	timer_init(e->loop, &d->old, d);
	d->next = e->written;
	e->written = d;
	return d;
}

/* Suspends a request until a child has written the answer. on_completed() frees the waiter. */
static enum MHD_Result wait_for_written(struct server *s, struct MHD_Connection *connection,
					const struct web_request *r, void **request)
{
	struct written *d = find_written(s->exporter, r->path);
	struct waiter *w = d ? calloc(1, sizeof(*w)) : NULL;

	if (!w)
		return MHD_NO;
	if (!is_fresh(d) && !d->running) {
		if (render(s->exporter->loop, &s->exporter->web, r, on_written, d)) {
			free(w);
			return MHD_NO;
		}
		d->running = true;
	}
	*w = (struct waiter){
		.written = d, .server = s, .connection = connection, .suspended = !is_fresh(d),
		.next = d->waiters, .link = &d->waiters
	};
	if (w->next)
		w->next->link = &w->next;
	d->waiters = w;
	*request = w;
	if (w->suspended)
		mhd.MHD_suspend_connection(connection);
	return MHD_YES;
}

static void waiter_free(struct waiter *w)
{
	struct written *d = w->written;

	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	free(w);
	drop_response(d);
}

/* ---- requests ---- */

static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **request)
{
	struct server *s = data;
	const struct waiter *w = *request;
	struct web_request r = {
		.method = method, .path = url, .local = is_local(connection),
		.host = mhd.MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							MHD_HTTP_HEADER_HOST),
	};
	struct web_answer a;

	if (w)
		return w->written->response ?
		       mhd.MHD_queue_response(connection, w->written->status,
					      w->written->response) : MHD_NO;
	r.admission = web_config_admit(&s->exporter->access,
				       mhd.MHD_lookup_connection_value(
					       connection, MHD_HEADER_KIND,
					       MHD_HTTP_HEADER_AUTHORIZATION),
				       uv_now(s->exporter->loop));
	if (web_takes_long(&s->exporter->web, &r))
		return wait_for_written(s, connection, &r, request);
	return web_answer(&s->exporter->web, &r, &a) ? MHD_NO : send_answer(connection, &a);
}

static struct client *client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* Notes that an answer was sent. libmicrohttpd frees it when MHD_run() returns; run_server() then
 * makes glibc give the memory back to the kernel. */
static void on_completed(void *data, struct MHD_Connection *connection, void **request,
			 enum MHD_RequestTerminationCode how)
{
	struct client *client = client_of(connection);
	struct server *s = data;

	if (*request)
		waiter_free(*request);
	*request = NULL;
	if (client)
		client->since = uv_now(s->exporter->loop);
	s->answered = true;
}

/* Ends connections that exceed SILENCE_SECONDS or REQUEST_SECONDS. */
static void on_check(uv_timer_t *timer)
{
	struct server *s = timer->data;
	__u64 now = uv_now(s->exporter->loop);

	for (struct client *c = s->clients; c; c = c->next)
		if (now - c->since >= REQUEST_SECONDS * 1000)
			shutdown(c->fd, SHUT_RDWR);
}

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info;
	struct client *c = *context;
	struct server *s = data;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		s->ended = true;
		if (!c)
			return;
		*c->link = c->next;
		if (c->next)
			c->next->link = c->link;
		free(c);
		*context = NULL;
	} else {
		info = mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		c = info ? malloc(sizeof(*c)) : NULL;
		if (!c)
			return;
		*c = (struct client){
			.fd = info->connect_fd, .since = uv_now(s->exporter->loop),
			.next = s->clients, .link = &s->clients
		};
		if (c->next)
			c->next->link = &c->next;
		s->clients = c;
		*context = c;
	}
	timer_repeat(&s->check, s->clients, on_check, CHECK_MS, CHECK_MS);
}

/* ---- the loop ---- */

static void on_timeout(uv_timer_t *timer)
{
	run_server(timer->data);
}

static void on_more(uv_idle_t *more)
{
	run_server(more->data);
}

/* Each MHD_run() sends 4 kB of a long answer, and the loop's other work comes in between. A timer
 * of 0 ms would not do: libuv 1.44 calls it again and again before any other work. */
static void run_server(struct server *s)
{
	MHD_UNSIGNED_LONG_LONG ms;
	bool waits;

	s->ended = false;
	mhd.MHD_run(s->daemon);
	if (s->answered)
		memory_trim();
	s->answered = false;
	waits = mhd.MHD_get_timeout(s->daemon, &ms) == MHD_YES;
	if (s->ended || (waits && !ms))
		uv_idle_start(&s->more, on_more);
	else
		uv_idle_stop(&s->more);
	if (waits && ms)
		uv_timer_start(&s->timeout, on_timeout, ms + 1, 0);
	else
		uv_timer_stop(&s->timeout);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	run_server(poll->data);
}

static void on_closed(uv_handle_t *handle)
{
	struct server *s = handle->data;

	if (!--s->closing)
		free(s);
}

static void stop_server(struct server *s)
{
	uv_poll_stop(&s->poll);
	uv_timer_stop(&s->timeout);
	uv_idle_stop(&s->more);
	/* libmicrohttpd cannot end connections that are suspended */
	for (struct written *d = s->exporter->written; d; d = d->next)
		resume_waiters(d, s);
	mhd.MHD_stop_daemon(s->daemon);
	s->closing = 4;
	uv_close((uv_handle_t *)&s->poll, on_closed);
	uv_close((uv_handle_t *)&s->timeout, on_closed);
	uv_close((uv_handle_t *)&s->more, on_closed);
	uv_close((uv_handle_t *)&s->check, on_closed);
}

/* Returns a duplicate of a socket of the service manager, because libmicrohttpd closes its socket.
 * Returns -errno after an error. */
static int passed_socket(int passed)
{
	int fd = fcntl(passed, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
	return fd;
}

/* Opens a socket of our own, to get an errno if that fails. Returns an fd or -errno. */
static int listening_socket(const struct endpoint_config *at)
{
	struct sockaddr_in6 address;
	socklen_t len = address_to_socket(&at->address, at->port, 0, &address);
	bool ipv6 = at->address.family == FAMILY_IPV6;
	int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1, rc;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ipv6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	rc = bind(fd, (struct sockaddr *)&address, len);
	if (!rc)
		rc = listen(fd, CONNECTIONS);
	if (!rc)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

static int start_server(struct exporter *e, const struct place *place)
{
	struct server *s = calloc(1, sizeof(*s));
	const union MHD_DaemonInfo *info;
	char *certificate = e->access.certificate;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, certificate },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, e->access.key },
		{ MHD_OPTION_END, 0, NULL },
	};
	int fd;

	if (!s)
		return -ENOMEM;
	fd = place->passed < 0 ? listening_socket(&place->at) : passed_socket(place->passed);
	if (fd < 0) {
		free(s);
		return fd;
	}
	*s = (struct server){ .exporter = e, .place = *place, .wanted = true };
	s->daemon = mhd.MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
					 (certificate ? MHD_USE_TLS : 0), 0, NULL, NULL,
					 on_request, s,
					 MHD_OPTION_ARRAY, certificate ? tls : tls + 2,
					 MHD_OPTION_LISTEN_SOCKET, fd,
					 MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
					 MHD_OPTION_PER_IP_CONNECTION_LIMIT, OF_ONE_CLIENT,
					 MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_SECONDS,
					 MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
					 MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
					 MHD_OPTION_END);
	info = s->daemon ? mhd.MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info || uv_poll_init(e->loop, &s->poll, info->epoll_fd)) {
		if (s->daemon)
			mhd.MHD_stop_daemon(s->daemon);
		else
			close(fd);
		free(s);
		return certificate ? -EKEYREJECTED : -ENOMEM;
	}
	timer_init(e->loop, &s->timeout, s);
	uv_idle_init(e->loop, &s->more);
	s->more.data = s;
	timer_init(e->loop, &s->check, s);
	s->poll.data = s;
	uv_poll_start(&s->poll, UV_READABLE, on_poll);
	s->next = e->servers;
	e->servers = s;
	return 0;
}

/* Returns whether clients can connect to this descriptor. */
static bool is_listening(int fd)
{
	int family, type, listens;
	socklen_t n = sizeof(int);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &n) &&
	       !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) &&
	       !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) && listens &&
	       (family == AF_INET || family == AF_INET6 || family == AF_UNIX) &&
	       type == SOCK_STREAM;
}

struct exporter *exporter_new(uv_loop_t *loop, const char *instance, const char *file,
			      unsigned int n_sockets)
{
	struct exporter *e = calloc(1, sizeof(*e));
	int *passed = calloc(n_sockets + 1, sizeof(*passed));

	if (!e || !passed) {
		free(e);
		free(passed);
		return NULL;
	}
	e->loop = loop;
	e->web = (struct web){ .instance = instance, .file = file, .started = time(NULL),
			       .process = getpid() };
	e->passed = passed;
	for (unsigned int i = 0; i < n_sockets; i++) {
		if (is_listening(NOTIFY_FIRST_SOCKET + i)) {
			passed[e->n_passed++] = NOTIFY_FIRST_SOCKET + i;
			continue;
		}
		log_warning("exporter: socket %u of systemd is ignored, because it does not listen "
			    "for TCP or Unix streams: write ListenStream= and Accept=no in the "
			    "unit wgxdp-exporter.socket", i + 1);
		close(NOTIFY_FIRST_SOCKET + i);
	}
	return e;
}

static struct server *server_at(const struct exporter *e, const struct place *place)
{
	for (struct server *s = e->servers; s; s = s->next)
		if (s->place.passed == place->passed && s->place.at.port == place->at.port &&
		    address_equal(&s->place.at.address, &place->at.address))
			return s;
	return NULL;
}

/* Calls a function for each place where c lets the exporter listen. */
static void for_each_place(struct exporter *e, const struct config *c,
			   void (*call)(struct exporter *e, const struct place *place))
{
	for (size_t i = 0; i < c->n_exporter; i++) {
		struct place place = { .at = c->exporter[i], .passed = -1 };

		if (!place.at.systemd)
			call(e, &place);
		for (size_t n = 0; place.at.systemd && n < e->n_passed; n++) {
			place.passed = e->passed[n];
			call(e, &place);
		}
	}
}

static void keep_server(struct exporter *e, const struct place *place)
{
	struct server *s = server_at(e, place);

	if (s)
		s->wanted = true;
}

static void listen_at(struct exporter *e, const struct place *place)
{
	int rc = server_at(e, place) ? 0 : start_server(e, place);
	char text[ADDRESS_STRLEN];

	if (rc == -EKEYREJECTED)
		*e->from = '\0';	/* the next change of the host reads the files again */
	if (rc)
		log_warning("exporter: cannot listen on %s: %s", place->at.systemd ?
			    "a socket of systemd" :
			    endpoint_format(&place->at.address, place->at.port, text),
			    strerror(-rc));
}

/* Reports a difference between the configuration and the sockets of the service manager. */
static void compare_passed(const struct exporter *e, const struct config *c)
{
	bool systemd = false;

	for (size_t i = 0; i < c->n_exporter; i++)
		systemd |= c->exporter[i].systemd;
	if (systemd && !e->n_passed)
		log_error("exporter: systemd has passed no socket: stop wgxdp-daemon, start "
			  "wgxdp-exporter.socket and then wgxdp-daemon, or write an address "
			  "instead of systemd");
	else if (!systemd && e->n_passed)
		log_warning("exporter: %zu sockets of systemd are not used: add systemd to "
			    "exporter: { listen: [ … ] }, or stop the unit wgxdp-exporter.socket",
			    e->n_passed);
}

/* Stops all servers that c does not keep; same: certificate and passwords have not changed. */
static void stop_servers(struct exporter *e, const struct config *c, bool same)
{
	for (struct server *s = e->servers; s; s = s->next)
		s->wanted = false;
	if (same)
		for_each_place(e, c, keep_server);
	for (struct server **at = &e->servers, *s; (s = *at);) {
		if (s->wanted) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		stop_server(s);
	}
}

void exporter_reload(struct exporter *e)
{
	e->reload = true;
}

void exporter_reconfigure(struct exporter *e, const struct config *c)
{
	char why[LIBRARY_WHY_LEN];
	struct web_config access = {};
	/* A change of the host must not end the exporter while someone edits the files. */
	bool kept = *c->web_config && !e->reload && !strcmp(e->from, c->web_config);
	bool refused = !kept && *c->web_config && web_config_read(c->web_config, &access);
	bool same = kept || (!refused && web_config_equal(&access, &e->access));

	e->reload = false;
	strcpy(e->from, refused ? "" : c->web_config);
	e->web.page = c->page;
	e->web.names = c->exporter_names;
	e->web.n_names = c->n_exporter_names;
	stop_servers(e, c, same);
	if (same) {
		web_config_free(&access);
	} else {
		web_config_free(&e->access);
		e->access = access;
	}
	compare_passed(e, c);
	if (refused) {
		log_warning("exporter: serves nothing, because %s is wrong", c->web_config);
		return;
	}
	if (c->n_exporter && LIBRARY_OPEN(&library_mhd, functions, &mhd, why)) {
		log_warning("exporter: cannot serve metrics: %s", why);
		return;
	}
	for_each_place(e, c, listen_at);
}
#else
struct exporter {
	char nothing;
};

struct exporter *exporter_new(uv_loop_t *loop, const char *instance, const char *file,
			      unsigned int n_sockets)
{
	return calloc(1, sizeof(struct exporter));
}

void exporter_reconfigure(struct exporter *e, const struct config *c)
{
	if (c->n_exporter)
		log_warning("exporter: this program was built without libmicrohttpd and cannot "
			    "serve metrics: remove the section exporter");
}

void exporter_reload(struct exporter *e)
{
}
#endif
