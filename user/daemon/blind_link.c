/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include "daemon/blind_link.h"
#include "instance/run_counters.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/timer.h"

#define TICK_MS 250
#define SECOND_TICKS 4			/* ticks in a second */
#define MESSAGE_LEN 65536		/* most bytes of one write */
/* Seconds between two log messages about a wrong line. */
#define COMPLAIN_SECONDS 60

struct connection {				/* a connection, or an attempt to connect */
	uv_tcp_t tcp;
	uv_connect_t connect;
	uv_write_t write;
	struct relay_link *link;	/* NULL: the connection is being closed */
	struct blind_stream in;
	bool up, writing;
	bool met;			/* the other relay has sent a line: it knows this one */
	bool again;	/* there was more to send than one message: send again after it */
	bool greeted;			/* the first line was sent */
	/* Times in ms by the loop's clock: the last message came, the last word about this host was
	 * sent. */
	uint64_t heard, said;
	uint64_t filled, took;	/* end and duration of the last fill(), in ms by uv_hrtime() */
	char input[MESSAGE_LEN], output[MESSAGE_LEN];
	size_t n_output;
};

/* The other relay ended a connection without a word, as it does if it does not list this relay. */
#define REFUSED UV_ECONNABORTED

static void free_handle(uv_handle_t *handle)
{
	free(handle);			/* the handle is the first member of its object */
}

static void log_failure(struct relay_link *l, const char *what, int rc)
{
	char text[ADDRESS_STRLEN];

	if (rc != l->last_error)
		log_warning("blind: %s the other relay at %s: %s", what,
			    address_format(&l->config.peer, text), rc == REFUSED ?
			    "it ends the connection: list this relay in `pair` there" :
			    uv_strerror(rc));
	l->last_error = rc;
}

/* ---- ending a connection ---- */

static void close_connection(struct connection *c, const char *why)
{
	struct relay_link *l = c->link;
	char text[ADDRESS_STRLEN];

	if (!l)
		return;
	c->link = NULL;
	l->connection = NULL;
	uv_close((uv_handle_t *)&c->tcp, free_handle);
	if (!c->met)
		return;
	log_event("blind: the connection to the other relay at %s ended: %s",
		 address_format(&l->config.peer, text), why);
	l->connected = 0;
	l->ops->second(l);
}

/* Ends a connection after an error. */
static void end_connection(struct connection *c, const char *why, int rc)
{
	if (c->link && !c->met)
		log_failure(c->link, "cannot connect to", rc);
	close_connection(c, why);
}

/* ---- sending ---- */

bool relay_link_add(struct relay_link *l, const struct blind_line *line)
{
	struct connection *c = l->connection;

	if (sizeof(c->output) - c->n_output < BLIND_LINE_LEN) {
		c->again = true;
		return false;
	}
	c->n_output += blind_line_format(line, c->output + c->n_output);
	return true;
}

static void send_message(struct connection *c);

static void on_written(uv_write_t *write, int status)
{
	struct connection *c = write->data;

	c->writing = false;
	if (status < 0)
		end_connection(c, uv_strerror(status), REFUSED);
	else if (c->again && c->link)
		send_message(c);
}

/* Sends what has changed, unless the message before is still being written. */
static void send_message(struct connection *c)
{
	struct relay_link *l = c->link;
	uint64_t now = uv_now(c->tcp.loop), began;
	bool greet = now - c->said >= 1000;
	uv_buf_t buf;

	if (!c->up || c->writing) {
		c->again = true;
		return;
	}
	c->again = false;
	c->n_output = 0;
	if (!c->greeted)
		relay_link_add(l, &(struct blind_line){ .word = BLIND_WORD_PAIR,
							.number = BLIND_STREAM_VERSION });
	began = uv_hrtime() / 1000000;
	l->ops->fill(l, greet || !c->greeted);
	c->filled = uv_hrtime() / 1000000;
	c->took = c->filled - began;
	c->greeted = true;
	if (!c->n_output)
		return;
	if (greet)
		c->said = now;
	buf = uv_buf_init(c->output, c->n_output);
	c->write.data = c;
	c->writing = !uv_write(&c->write, (uv_stream_t *)&c->tcp, &buf, 1, on_written);
	if (!c->writing)
		close_connection(c, "cannot send");
}

void relay_link_send(struct relay_link *l)
{
	if (l->connection)
		send_message(l->connection);
}

/* ---- receiving ---- */

static void on_line(void *data, const struct blind_line *line)
{
	struct relay_link *l = data;

	if (line->word != BLIND_WORD_PAIR)
		l->ops->line(l, line);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct connection *c = (struct connection *)handle;

	*ret = uv_buf_init(c->input, sizeof(c->input));
}

/* The first line has come. */
static void meet(struct connection *c)
{
	struct relay_link *l = c->link;
	char text[ADDRESS_STRLEN];

	c->met = true;
	l->last_error = 0;
	l->connected = l->heard;
	log_event("blind: connected to the other relay at %s",
		 address_format(&l->config.peer, text));
	l->ops->second(l);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct connection *c = (struct connection *)stream;
	struct relay_link *l = c->link;
	int rc;

	if (!l || !n)
		return;
	if (n < 0) {
		end_connection(c, uv_strerror(n), REFUSED);
		return;
	}
	c->heard = uv_now(stream->loop);
	l->ops->before(l);
	rc = blind_stream_take(&c->in, buf->base, n, on_line, l);
	l->heard = time(NULL);
	if (c->in.greeted && !c->met && c->link)
		meet(c);
	l->ops->after(l);
	if (!rc)
		return;
	if (time(NULL) - l->complained >= COMPLAIN_SECONDS) {
		l->complained = time(NULL);
		log_warning("blind: the other relay sent a wrong line of %zu bytes: use the same version of wgxdp on both relays",
			    c->in.n);
	}
	close_connection(c, "it sent a wrong line");
}

/* ---- connecting ---- */

static struct connection *new_connection(uv_loop_t *loop)
{
	struct connection *c = xcalloc(1, sizeof(*c));

	c->heard = uv_now(loop);
	uv_tcp_init(loop, &c->tcp);
	return c;
}

static void connection_is_up(struct connection *c, struct relay_link *l)
{
	c->link = l;
	c->up = true;
	c->heard = uv_now(c->tcp.loop);
	l->connection = c;
	l->ops->begin(l);
	uv_tcp_nodelay(&c->tcp, 1);
	uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
	send_message(c);
}

static void on_connect(uv_connect_t *connect, int status)
{
	struct connection *c = connect->data;

	if (!c->link)
		return;
	if (status < 0) {
		end_connection(c, "", status);
		return;
	}
	connection_is_up(c, c->link);
}

static __be16 port_of(const struct relay_link *l)
{
	return l->config.port ?: htons(PAIR_PORT);
}

/* Returns whether this host listens, because it has the higher address. */
static bool is_listener(const struct relay_link *l)
{
	return memcmp(&l->config.local.addr, &l->config.peer.addr, sizeof(struct addr)) > 0;
}

/* Returns whether the other relay has this socket's remote address. */
static bool is_from_peer(const struct relay_link *l, const uv_tcp_t *tcp)
{
	struct sockaddr_in6 from;
	int len = sizeof(from);
	struct address a;

	if (uv_tcp_getpeername(tcp, (struct sockaddr *)&from, &len))
		return false;
	a = address_from_socket(&from);
	return address_equal(&a, &l->config.peer);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct connection *c = status < 0 ? NULL : new_connection(listener->loop);
	struct relay_link *l = listener->data;

	if (!c)
		return;
	if (uv_accept(listener, (uv_stream_t *)&c->tcp) || !is_from_peer(l, &c->tcp)) {
		uv_close((uv_handle_t *)&c->tcp, free_handle);
		return;
	}
	/* The other relay connects again only if it has lost the former connection. */
	if (l->connection)
		close_connection(l->connection, "the other relay connected again");
	connection_is_up(c, l);
}

#define WAITING_CONNECTIONS 16

static void begin_listening(struct relay_link *l)
{
	struct sockaddr_in6 local;
	uv_tcp_t *tcp;
	int rc;

	if (l->listener)
		return;
	tcp = xcalloc(1, sizeof(*tcp));
	uv_tcp_init(l->tick.loop, tcp);
	tcp->data = l;
	address_to_socket(&l->config.local, port_of(l), 0, &local);
	rc = uv_tcp_bind(tcp, (struct sockaddr *)&local, 0) ?:
	     uv_listen((uv_stream_t *)tcp, WAITING_CONNECTIONS, on_connection);
	if (rc) {
		log_failure(l, "cannot listen for", rc);
		uv_close((uv_handle_t *)tcp, free_handle);
		return;
	}
	l->listener = tcp;
}

static void begin_connecting(struct relay_link *l)
{
	struct connection *c = new_connection(l->tick.loop);
	struct sockaddr_in6 local, peer;
	int rc;

	c->link = l;
	l->connection = c;
	c->connect.data = c;
	address_to_socket(&l->config.local, 0, 0, &local);
	address_to_socket(&l->config.peer, port_of(l), 0, &peer);
	rc = uv_tcp_bind(&c->tcp, (struct sockaddr *)&local, 0) ?:
	     uv_tcp_connect(&c->connect, &c->tcp, (struct sockaddr *)&peer, on_connect);
	if (!rc)
		return;
	end_connection(c, "", rc);
}

/* Returns whether the other relay has been silent for too long, or has not read the last message.
 * Each second a message contains a word about this host, so .said is not older than the last
 * message that was written by more than a second. */
static bool is_stalled(const struct connection *c)
{
	uint64_t now = uv_now(c->tcp.loop), long_ms = PAIR_SILENT_SECONDS * 1000;

	return now - c->heard > long_ms || (c->up && now - c->said > long_ms);
}

#define LONGEST_WAIT_MS 2000		/* the other relay must hear of this one in time */

/* Returns whether to compare the maps again: with very many sessions, this takes a tenth of the
 * time, or more if a comparison takes long. */
static bool is_due(const struct connection *c)
{
	uint64_t wait = 9 * c->took < LONGEST_WAIT_MS ? 9 * c->took : LONGEST_WAIT_MS;

	return uv_hrtime() / 1000000 - c->filled >= wait;
}

static void on_tick(uv_timer_t *timer)
{
	struct relay_link *l = timer->data;
	bool second = ++l->ticks % SECOND_TICKS == 0;

	if (l->connection && is_stalled(l->connection))
		end_connection(l->connection, "the other relay does not answer", UV_ETIMEDOUT);
	if (l->connection && is_due(l->connection))
		send_message(l->connection);
	else if (!l->connection && second && !is_listener(l))
		begin_connecting(l);
	if (second && is_listener(l))
		begin_listening(l);
	if (second)
		l->ops->second(l);
}

void relay_link_restart(struct relay_link *l)
{
	if (l->connection && l->connection->up)
		close_connection(l->connection, "it begins again");
}

void relay_link_begin(struct relay_link *l, const struct pair_config *config)
{
	l->config = *config;
	l->connected = l->heard = l->complained = l->last_error = 0;
	timer_repeat(&l->tick, true, on_tick, TICK_MS, TICK_MS);
}

void relay_link_end(struct relay_link *l, const char *why)
{
	if (l->connection)
		close_connection(l->connection, why);
	if (l->listener)
		uv_close((uv_handle_t *)l->listener, free_handle);
	l->listener = NULL;
	uv_timer_stop(&l->tick);
}

void relay_link_init(struct relay_link *l, uv_loop_t *loop, const struct relay_link_ops *ops,
		     void *owner)
{
	l->ops = ops;
	l->owner = owner;
	timer_init(loop, &l->tick, l);
}
