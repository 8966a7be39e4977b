/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The threads share two locks: one guards the list of clients, the other one lets only one thread
 * read the maps, because show/ is not written for threads.
 */
#ifdef WITH_MHD
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "exporter/web.h"
#include "lib/library.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/timer.h"

#define CONNECTIONS 32		/* most connections of one socket, and so most threads */
#define OF_ONE_CLIENT 8		/* most connections of one client, so that others find room */
#define SILENCE_SECONDS 10	/* seconds after which an idle connection is closed */
/* Most seconds for a request and its answer, so that slow clients do not hold connections. */
#define REQUEST_SECONDS 30
#define TICK_MS 1000
#define METRICS_MS 1000		/* time in ms for which an answer with metrics is used again */
#define FINISH_MS 1000		/* most ms for which requests may go on when the server ends */

#define FUNCTIONS(X) \
	X(MHD_add_response_header) X(MHD_create_response_from_buffer) X(MHD_destroy_response) \
	X(MHD_get_connection_info) X(MHD_lookup_connection_value) X(MHD_queue_response) \
	X(MHD_quiesce_daemon) X(MHD_start_daemon)

static struct library_functions {
	FUNCTIONS(LIBRARY_POINTER)
} mhd;
static const struct library_function functions[] = { FUNCTIONS(LIBRARY_FUNCTION) };

struct client {
	int fd;
	__u64 since;	/* clock_ms() of its connection, or of its last answer */
	bool asks;	/* its request is being answered */
	struct client *next, **link;
};

struct listener {
	struct MHD_Daemon *daemon;
	struct listener *next;
};

/* An answer that reads the maps, one for each path. */
struct written {
	char *path;
	struct MHD_Response *response;	/* answer that was written last; NULL: none */
	unsigned int status;
	__u64 at;			/* clock_ms() when it was complete */
	struct written *next;
};

struct server {
	const struct web *web;
	struct web_config *access;
	struct listener *listeners;
	int wakes;			/* eventfd that is readable when server_tick() is due */
	bool ticks;			/* server_tick() has asked for another call */
	pthread_mutex_t lock;		/* guards `clients` and `ticks` */
	struct client *clients;
	pthread_mutex_t reads;		/* its holder reads the maps; guards `written` */
	struct written *written;
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

/* Returns an address that may be IPv4 mapped into IPv6, because a socket of systemd may be for both
 * families. */
static struct address unmapped(struct address a)
{
	if (a.family == FAMILY_IPV6 && IN6_IS_ADDR_V4MAPPED(&a.addr))
		a.family = FAMILY_IPV4;
	return a;
}

/* Returns the address to which a client has connected. */
static struct address own_address(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct sockaddr_in6 at = { .sin6_family = AF_UNSPEC };
	socklen_t len = sizeof(at);

	getsockname(info->connect_fd, (struct sockaddr *)&at, &len);
	return unmapped(address_from_socket(&at));
}

static const struct sockaddr *client_socket(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info ? info->client_addr : NULL;
}

/* Returns the client's address; family 0: it uses a Unix socket. */
static struct address client_address(struct MHD_Connection *connection)
{
	const struct sockaddr *from = client_socket(connection);

	return from ? unmapped(address_from_socket(from)) : (struct address){ 0 };
}

/* Returns whether the client is on this host, as every client of a Unix socket is. A client that
 * has the address of this host to which it connects is on it too: another host cannot complete the
 * TCP handshake from there. */
static bool is_local(struct MHD_Connection *connection, const struct address *from)
{
	struct address own = own_address(connection);
	const struct sockaddr *socket = client_socket(connection);

	if (!from->family)
		return socket && socket->sa_family == AF_UNIX;
	return address_equal(from, &own) || address_is_loopback(from);
}

/* Makes the response of an answer, whose text it owns. */
static struct MHD_Response *make_response(const struct web_answer *a)
{
	struct MHD_Response *response = memory_there(mhd.MHD_create_response_from_buffer(
		a->size, a->text, a->constant ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE));

	add_headers(response, a);
	return response;
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, const struct web_answer *a)
{
	struct MHD_Response *response = make_response(a);
	enum MHD_Result rc = mhd.MHD_queue_response(connection, a->status, response);

	mhd.MHD_destroy_response(response);
	return rc;
}

/* ---- answers that read the maps ---- */

static void wake(struct server *s)
{
	pthread_mutex_lock(&s->lock);
	if (!s->ticks)
		eventfd_write(s->wakes, 1);
	s->ticks = true;
	pthread_mutex_unlock(&s->lock);
}

static struct written *find_written(struct server *s, const char *path)
{
	struct written *w = s->written;

	while (w && strcmp(w->path, path))
		w = w->next;
	if (w)
		return w;
	w = xcalloc(1, sizeof(*w));
	w->path = xstrdup(path);
	w->next = s->written;
	s->written = w;
	return w;
}

static void write_answer(struct server *s, struct written *w, const struct web_request *r)
{
	struct web_answer a;

	if (w->response)
		mhd.MHD_destroy_response(w->response);
	w->response = NULL;
	web_answer(s->web, r, &a);
	w->response = make_response(&a);
	w->status = a.status;
	w->at = clock_ms();
}

/* Sends an answer that reads the maps. Requests for the same path that came before it was complete
 * share it, and metrics are used again for METRICS_MS. */
static enum MHD_Result send_written(struct server *s, struct MHD_Connection *connection,
				    const struct web_request *r)
{
	__u64 asked = clock_ms(), age = strcmp(r->path, "/metrics") ? 0 : METRICS_MS;
	enum MHD_Result rc;
	struct written *w;

	pthread_mutex_lock(&s->reads);
	w = find_written(s, r->path);
	if (!w->response || w->at + age < asked)
		write_answer(s, w, r);
	rc = mhd.MHD_queue_response(connection, w->status, w->response);
	pthread_mutex_unlock(&s->reads);
	wake(s);
	return rc;
}

/* ---- requests ---- */

/* Notes that the client's request begins or has ended. */
static void note_request(struct server *s, struct MHD_Connection *connection, bool asks)
{
	struct client *client = mhd.MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

	pthread_mutex_lock(&s->lock);
	client->asks = asks;
	client->since = clock_ms();
	pthread_mutex_unlock(&s->lock);
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **request)
{
	struct server *s = data;
	struct address from;
	struct web_request r;
	struct web_answer a;

	/* If a request is answered in the first call, libmicrohttpd closes its connection. */
	if (!*request) {
		note_request(s, connection, true);
		*request = s;
		return MHD_YES;
	}
	if (*upload_size) {		/* drops the body of the request */
		*upload_size = 0;
		return MHD_YES;
	}
	from = client_address(connection);
	r = (struct web_request){
		.method = method, .path = url, .local = is_local(connection, &from),
		.host = mhd.MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							MHD_HTTP_HEADER_HOST),
	};
	r.admission = web_config_admit(s->access, mhd.MHD_lookup_connection_value(
					       connection, MHD_HEADER_KIND,
					       MHD_HTTP_HEADER_AUTHORIZATION),
				       &from, clock_ms());
	if (web_takes_long(s->web, &r))
		return send_written(s, connection, &r);
	web_answer(s->web, &r, &a);
	return send_answer(connection, &a);
}

static void on_completed(void *data, struct MHD_Connection *connection, void **request,
			 enum MHD_RequestTerminationCode how)
{
	note_request(data, connection, false);
}

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info;
	struct client *c = *context;
	struct server *s = data;

	pthread_mutex_lock(&s->lock);
	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		*c->link = c->next;
		if (c->next)
			c->next->link = c->link;
		free(c);
	} else {
		info = mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		c = xmalloc(sizeof(*c));
		*c = (struct client){ .fd = info->connect_fd, .since = clock_ms(),
				      .next = s->clients, .link = &s->clients };
		if (c->next)
			c->next->link = &c->next;
		*context = s->clients = c;
	}
	pthread_mutex_unlock(&s->lock);
	wake(s);
}

/* ---- the server ---- */

struct server *server_new(const struct web *web, struct web_config *access)
{
	char why[LIBRARY_WHY_LEN];
	struct server *s;

	if (LIBRARY_OPEN(&library_mhd, functions, &mhd, why)) {
		log_error("exporter: cannot serve metrics: %s", why);
		return NULL;
	}
	s = xmalloc(sizeof(*s));
	*s = (struct server){
		.web = web, .access = access, .wakes = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.lock = PTHREAD_MUTEX_INITIALIZER, .reads = PTHREAD_MUTEX_INITIALIZER,
	};
	return s;
}

int server_listen(struct server *s, int fd)
{
	char *certificate = s->access->certificate;
	struct listener *l = xcalloc(1, sizeof(*l));
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, certificate },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, s->access->key },
		{ MHD_OPTION_END, 0, NULL },
	};

	l->daemon = mhd.MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
		MHD_USE_POLL | MHD_USE_ITC | (certificate ? MHD_USE_TLS : 0),
		0, NULL, NULL, on_request, s,
		MHD_OPTION_ARRAY, certificate ? tls : tls + 2,
		MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, OF_ONE_CLIENT,
		MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_SECONDS,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
		MHD_OPTION_END);
	if (!l->daemon) {
		close(fd);
		free(l);
		return certificate ? -EKEYREJECTED : -EIO;
	}
	l->next = s->listeners;
	s->listeners = l;
	return 0;
}

int server_wakes(const struct server *s)
{
	return s->wakes;
}

/* Frees the answers that no request may use any more. Returns whether there are others. */
static bool forget_written(struct server *s)
{
	bool kept = false, freed = false;
	__u64 now;

	if (pthread_mutex_trylock(&s->reads))
		return true;
	now = clock_ms();
	for (struct written *w = s->written; w; w = w->next) {
		if (!w->response)
			continue;
		if (now - w->at <= METRICS_MS) {
			kept = true;
			continue;
		}
		mhd.MHD_destroy_response(w->response);
		w->response = NULL;
		freed = true;
	}
	pthread_mutex_unlock(&s->reads);
	if (freed)
		memory_trim();
	return kept;
}

int server_tick(struct server *s)
{
	bool kept = forget_written(s);
	eventfd_t value;
	__u64 now;

	eventfd_read(s->wakes, &value);
	pthread_mutex_lock(&s->lock);
	now = clock_ms();		/* not before the time that another thread has noted */
	for (struct client *c = s->clients; c; c = c->next)
		if (now - c->since >= REQUEST_SECONDS * 1000)
			shutdown(c->fd, SHUT_RDWR);
	s->ticks = kept || s->clients;
	pthread_mutex_unlock(&s->lock);
	return s->ticks ? TICK_MS : -1;
}

void server_hold(struct server *s, bool holds)
{
	if (holds)
		pthread_mutex_lock(&s->reads);
	else
		pthread_mutex_unlock(&s->reads);
}

static bool answers(struct server *s)
{
	bool some = false;

	pthread_mutex_lock(&s->lock);
	for (struct client *c = s->clients; c; c = c->next)
		some |= c->asks;
	pthread_mutex_unlock(&s->lock);
	return some;
}

void server_finish(struct server *s)
{
	for (struct listener *l = s->listeners; l; l = l->next)
		close(mhd.MHD_quiesce_daemon(l->daemon));
	for (int i = 0; i < FINISH_MS / 10 && answers(s); i++)
		usleep(10000);
}
#endif
