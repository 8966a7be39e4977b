/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The exporter. libmicrohttpd runs without threads: the loop polls its epoll descriptor, so an idle
 * exporter sleeps.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/exporter.h"
#include "lib/grow.h"
#include "lib/library.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/timer.h"
#include "daemon/web.h"

#ifdef WITH_MHD
#include <microhttpd.h>

#define CONNECTIONS 32
#define OF_ONE_CLIENT 8			/* connections: one client cannot take all */
#define SILENCE_SECONDS 10		/* until a connection is closed */

#define FUNCTIONS(X) \
	X(MHD_add_response_header) X(MHD_create_response_from_buffer) X(MHD_destroy_response) \
	X(MHD_get_connection_info) X(MHD_get_daemon_info) X(MHD_get_timeout) \
	X(MHD_lookup_connection_value) X(MHD_queue_response) X(MHD_run) X(MHD_start_daemon) \
	X(MHD_stop_daemon)

static struct library_functions {
	FUNCTIONS(LIBRARY_POINTER)
} mhd;
static const struct library_function functions[] = { FUNCTIONS(LIBRARY_FUNCTION) };

struct server {				/* at one address */
	struct exporter *exporter;
	struct endpoint_config at;
	struct MHD_Daemon *daemon;
	uv_poll_t poll;
	uv_timer_t timeout;		/* of connections */
	bool wanted;
	bool answered;			/* a request, since memory was last given back */
	int closing;			/* handles that are still open */
	struct server *next;
};

struct exporter {
	uv_loop_t *loop;
	struct web web;
	struct server *servers;
};

/* All other headers for the browser */
static void put_headers(struct MHD_Response *response, const struct web_answer *a)
{
	mhd.MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
	mhd.MHD_add_response_header(response, "Content-Security-Policy", a->policy);
	mhd.MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	mhd.MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	mhd.MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	mhd.MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (a->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		mhd.MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
}

/* Returns whether the client is on this host */
static bool is_local(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct address a = info && info->client_addr ? address_from_socket(info->client_addr) :
			   (struct address){ 0 };

	return address_is_loopback(&a);
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **request)
{
	const struct server *s = data;
	struct web_request r = {
		.method = method, .path = url, .local = is_local(connection),
		.host = mhd.MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							MHD_HTTP_HEADER_HOST),
	};
	struct MHD_Response *response;
	struct web_answer a;
	enum MHD_Result rc;

	if (web_answer(&s->exporter->web, &r, &a))
		return MHD_NO;
	response = mhd.MHD_create_response_from_buffer(
		a.size, a.text, a.constant ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE);
	if (!response) {
		if (!a.constant)
			free(a.text);
		return MHD_NO;
	}
	put_headers(response, &a);
	rc = mhd.MHD_queue_response(connection, a.status, response);
	mhd.MHD_destroy_response(response);
	return rc;
}

/* Memory of the answer is freed when this turn of MHD_run() ends, and glibc would keep it */
static void on_completed(void *data, struct MHD_Connection *connection, void **request,
			 enum MHD_RequestTerminationCode how)
{
	struct server *s = data;

	s->answered = true;
}

/* ---- the loop ---- */

static void on_timeout(uv_timer_t *timer);

static void run_server(struct server *s)
{
	MHD_UNSIGNED_LONG_LONG ms;

	mhd.MHD_run(s->daemon);
	if (s->answered)
		memory_trim();
	s->answered = false;
	if (mhd.MHD_get_timeout(s->daemon, &ms) == MHD_YES)
		uv_timer_start(&s->timeout, on_timeout, ms + 1, 0);
	else
		uv_timer_stop(&s->timeout);
}

static void on_timeout(uv_timer_t *timer)
{
	run_server(timer->data);
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
	mhd.MHD_stop_daemon(s->daemon);
	s->closing = 2;
	uv_close((uv_handle_t *)&s->poll, on_closed);
	uv_close((uv_handle_t *)&s->timeout, on_closed);
}

/* Opens a socket of our own, so that a refusal has an errno. Returns its fd or -errno. */
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

static int start_server(struct exporter *e, const struct endpoint_config *at)
{
	struct server *s = calloc(1, sizeof(*s));
	const union MHD_DaemonInfo *info;
	int fd;

	if (!s)
		return -ENOMEM;
	fd = listening_socket(at);
	if (fd < 0) {
		free(s);
		return fd;
	}
	*s = (struct server){ .exporter = e, .at = *at, .wanted = true };
	s->daemon = mhd.MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, s,
					 MHD_OPTION_LISTEN_SOCKET, fd,
					 MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
					 MHD_OPTION_PER_IP_CONNECTION_LIMIT, OF_ONE_CLIENT,
					 MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_SECONDS,
					 MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
					 MHD_OPTION_END);
	info = s->daemon ? mhd.MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info || uv_poll_init(e->loop, &s->poll, info->epoll_fd)) {
		if (s->daemon)
			mhd.MHD_stop_daemon(s->daemon);
		else
			close(fd);
		free(s);
		return -ENOMEM;
	}
	timer_init(e->loop, &s->timeout, s);
	s->poll.data = s;
	uv_poll_start(&s->poll, UV_READABLE, on_poll);
	s->next = e->servers;
	e->servers = s;
	return 0;
}

struct exporter *exporter_new(uv_loop_t *loop, const char *instance, const char *file)
{
	struct exporter *e = calloc(1, sizeof(*e));

	if (e) {
		e->loop = loop;
		e->web = (struct web){ .instance = instance, .file = file, .started = time(NULL) };
	}
	return e;
}

static struct server *server_at(const struct exporter *e, const struct endpoint_config *at)
{
	for (struct server *s = e->servers; s; s = s->next)
		if (s->at.port == at->port && address_equal(&s->at.address, &at->address))
			return s;
	return NULL;
}

void exporter_renew(struct exporter *e, const struct config *c)
{
	char text[ADDRESS_STRLEN], why[LIBRARY_WHY_LEN];

	e->web.page = c->page;
	for (struct server *s = e->servers; s; s = s->next)
		s->wanted = false;
	for (size_t i = 0; i < c->n_exporter; i++)
		if (server_at(e, &c->exporter[i]))
			server_at(e, &c->exporter[i])->wanted = true;
	for (struct server **at = &e->servers, *s; (s = *at);) {
		if (s->wanted) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		stop_server(s);
	}
	if (c->n_exporter && LIBRARY_OPEN(&library_mhd, functions, &mhd, why)) {
		log_warning("exporter: it serves no metrics: %s", why);
		return;
	}
	for (size_t i = 0; i < c->n_exporter; i++) {
		int rc = server_at(e, &c->exporter[i]) ? 0 : start_server(e, &c->exporter[i]);

		if (rc)
			log_warning("exporter: cannot listen on %s: %s",
				    endpoint_format(&c->exporter[i].address, c->exporter[i].port,
						    text), strerror(-rc));
	}
}
#else
struct exporter {
	char nothing;
};

struct exporter *exporter_new(uv_loop_t *loop, const char *instance, const char *file)
{
	return calloc(1, sizeof(struct exporter));
}

void exporter_renew(struct exporter *e, const struct config *c)
{
	if (c->n_exporter)
		log_warning("exporter: this program was built without libmicrohttpd, and serves "
			    "no metrics");
}
#endif
