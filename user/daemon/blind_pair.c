/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements blind_pair.h. The relay with the lower address connects, and the other one listens.
 * The active relay compares the maps with a copy of what it has sent, four times a second, and
 * sends lines for what differs (blind_line.h). At most one write is in progress, and nothing else
 * is queued: while the other relay does not read, the differences stay in the maps.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "daemon/blind_pair.h"
#include "dataplane/dataplane.h"
#include "instance/run_counters.h"
#include "lib/log.h"
#include "lib/timer.h"
#include "show/blind_view.h"

#define TICK_MS 250
#define SECOND_TICKS 4			/* ticks in a second */
#define MESSAGE_LEN 65536		/* most bytes of one write */
/* Seconds between two log messages about a wrong line. */
#define COMPLAIN_SECONDS 60

struct connection {				/* a connection, or an attempt to connect */
	uv_tcp_t tcp;
	uv_connect_t connect;
	uv_write_t write;
	struct partner *partner;	/* NULL: the connection is being closed */
	struct blind_stream in;
	bool up, writing;
	bool again;	/* there was more to send than one message: send again after it */
	bool greeted;			/* the pair line was sent */
	bool apply;		/* this host is on standby, so it uses what it receives */
	bool moved;			/* a site line has come */
	/* Times in ms by the loop's clock: the last message came, the last word about this host was
	 * sent. */
	uint64_t heard, said;
	char input[MESSAGE_LEN], output[MESSAGE_LEN];
	size_t n_output;
};

struct sent_site {			/* the last site line for a number */
	struct wg_key key;
	struct address endpoint;
	__be16 port;
};

struct sent_map {			/* copy of a map as it was sent */
	struct blind_bucket *buckets;
	size_t n;
};

struct partner {
	struct sites *sites;
	uv_timer_t tick;
	unsigned int ticks;
	uv_tcp_t *listener;		/* NULL: this host does not listen */
	struct connection *connection;		/* NULL: there is no connection */
	struct pair_config config;	/* the listener and the connection follow it */
	bool active;			/* this host is active, as the last message said */
	struct sent_site sent_sites[BLIND_SITES_MAX];
	struct sent_map sent[2];	/* sessions, hints */
	struct run_counters counters;
	time_t complained;
	int last_error;			/* error that was logged last; 0: none */
};

static void free_handle(uv_handle_t *handle)
{
	free(handle);			/* the handle is the first member of its object */
}

static void log_failure(struct partner *p, const char *what, int rc)
{
	if (rc != p->last_error)
		log_warning("blind: %s: %s", what, uv_strerror(rc));
	p->last_error = rc;
}

/* ---- who is active ---- */

static bool is_configured(const struct partner *p)
{
	return p->sites->mapped && *p->sites->config->blind.device &&
	       p->sites->config->blind.pair.local.family;
}

static bool has_shared_address(const struct pair_config *c)
{
	struct host h = { 0 };
	bool has;

	if (nl_addresses(&h.addresses, &h.n_addresses))
		return true;		/* without memory: believe nothing of the other relay */
	has = pair_has_address(c, &h);
	host_free(&h);
	return has;
}

bool partner_is_standby(const struct partner *p)
{
	return is_configured(p) && !has_shared_address(&p->sites->config->blind.pair);
}

/* ---- ending a connection ---- */

static void set_counter(struct partner *p, const char *name, __s64 value)
{
	run_counters_set(&p->counters, name, value);
}

static void close_connection(struct connection *l, const char *why)
{
	struct partner *p = l->partner;

	if (!p)
		return;
	if (l->up) {
		log_info("blind: the connection to the other relay ended: %s", why);
		set_counter(p, PAIR_CONNECTED, 0);
		run_counters_write(&p->counters);
	}
	l->partner = NULL;
	p->connection = NULL;
	uv_close((uv_handle_t *)&l->tcp, free_handle);
}

static void close_listener(struct partner *p)
{
	if (p->listener)
		uv_close((uv_handle_t *)p->listener, free_handle);
	p->listener = NULL;
}

/* ---- sending ---- */

/* Adds a line to the message. Returns false if there is no room. */
static bool add_line(struct connection *l, const struct blind_line *line)
{
	if (sizeof(l->output) - l->n_output < BLIND_LINE_LEN) {
		l->again = true;
		return false;
	}
	l->n_output += blind_line_format(line, l->output + l->n_output);
	return true;
}

/* Adds the line that greets, and once a second a word about this host. */
static void add_words(struct connection *l)
{
	struct partner *p = l->partner;
	bool active = has_shared_address(&p->config);
	uint64_t now = uv_now(l->tcp.loop);

	if (!l->greeted)
		add_line(l, &(struct blind_line){ .word = BLIND_WORD_PAIR,
						  .number = BLIND_PAIR_VERSION });
	else if (active == p->active && now - l->said < 1000)
		return;
	l->greeted = true;
	l->said = now;
	p->active = active;
	add_line(l, &(struct blind_line){ .word = active ? BLIND_WORD_ACTIVE :
							   BLIND_WORD_STANDBY });
}

static void add_sites(struct connection *l)
{
	struct partner *p = l->partner;

	for (__u32 n = 1; n < p->sites->room; n++) {
		const struct blind_known *k = &p->sites->known[n];
		struct sent_site *sent = &p->sent_sites[n];

		if (!*k->name || !k->endpoint.family ||
		    (address_equal(&sent->endpoint, &k->endpoint) && sent->port == k->port &&
		     !wg_key_compare(&sent->key, &k->key)))
			continue;
		if (!add_line(l, &(struct blind_line){ .word = BLIND_WORD_SITE, .user = k->key,
						       .endpoint = k->endpoint, .port = k->port }))
			return;
		*sent = (struct sent_site){ k->key, k->endpoint, k->port };
	}
}

/* Makes the line of an entry. Returns false if the entry is invalid, or is an index of this host's
 * own WireGuard, which means nothing at the other relay. */
static bool line_of(const struct partner *p, enum blind_word word, const struct blind_session *e,
		    struct blind_line *ret)
{
	return blind_line_of(p->sites->known, word, e, ret) && !wg_key_is_none(&ret->origin) &&
	       (word == BLIND_WORD_HINT || !wg_key_is_none(&ret->user));
}

/* Adds a line for an entry that differs from the one that was sent. gone: adds it only if the key
 * that was sent is no longer there. Returns false if there is no room. */
static bool add_entry(struct connection *l, enum blind_word word, const struct blind_session *is,
		      struct blind_session *sent, bool gone)
{
	static const struct blind_session none;
	struct blind_line line;

	if (is->key == sent->key && is->value == sent->value)
		return true;
	if (gone && (!sent->key || sent->key == is->key))
		return true;
	if (line_of(l->partner, word, gone ? sent : is, &line)) {
		line.seconds = gone ? 0 : line.seconds;
		if (!add_line(l, &line))
			return false;
	}
	*sent = gone ? none : *is;
	return true;
}

/* Returns whether the copy of the map has n buckets. If not, makes an empty copy of that size. */
static bool fit_copy(struct sent_map *m, size_t n)
{
	if (m->n == n)
		return true;
	free(m->buckets);
	m->buckets = calloc(n, sizeof(*m->buckets));
	m->n = m->buckets ? n : 0;
	return m->buckets;
}

/* Adds lines for the entries of a map that have changed. Removed keys come first, because a key may
 * have got another place. */
static void add_entries(struct connection *l, enum blind_map map, struct sent_map *sent,
			enum blind_word word)
{
	struct blind_bucket *is = NULL;
	bool room = true;
	size_t n = 0;

	if (array_read(l->partner->sites->fds[map], sizeof(*is), &is, &n))
		return;
	for (int gone = 1; gone >= 0 && fit_copy(sent, n); gone--)
		for (size_t i = 0; i < n && room; i++)
			for (int w = 0; w < BLIND_WAYS && room &&
			     memcmp(&is[i], &sent->buckets[i], sizeof(*is)); w++)
				room = add_entry(l, word, &is[i].way[w], &sent->buckets[i].way[w],
						 gone);
	free(is);
}

static void forget_sent(struct partner *p)
{
	memset(p->sent_sites, 0, sizeof(p->sent_sites));
	for (int i = 0; i < 2; i++) {
		free(p->sent[i].buckets);
		p->sent[i] = (struct sent_map){ 0 };
	}
}

static void send_message(struct connection *l);

static void on_written(uv_write_t *write, int status)
{
	struct connection *l = write->data;

	l->writing = false;
	if (status < 0)
		close_connection(l, uv_strerror(status));
	else if (l->again && l->partner)
		send_message(l);
}

/* Sends what has changed, unless the message before is still being written. */
static void send_message(struct connection *l)
{
	struct partner *p = l->partner;
	uv_buf_t buf;

	if (!l->up || l->writing) {
		l->again = true;
		return;
	}
	l->again = false;
	l->n_output = 0;
	add_words(l);
	if (p->active) {
		add_sites(l);
		add_entries(l, BLIND_MAP_sessions, &p->sent[0], BLIND_WORD_SESSION);
		add_entries(l, BLIND_MAP_hints, &p->sent[1], BLIND_WORD_HINT);
	}
	if (!l->n_output)
		return;
	buf = uv_buf_init(l->output, l->n_output);
	l->write.data = l;
	l->writing = !uv_write(&l->write, (uv_stream_t *)&l->tcp, &buf, 1, on_written);
	if (!l->writing)
		close_connection(l, "cannot send");
}

void partner_send(struct partner *p)
{
	if (p->connection)
		send_message(p->connection);
}

/* ---- receiving ---- */

static void on_line(void *data, const struct blind_line *line)
{
	struct connection *l = data;
	struct sites *s = l->partner->sites;
	__u32 n;

	if (line->word == BLIND_WORD_ACTIVE || line->word == BLIND_WORD_STANDBY) {
		set_counter(l->partner, PAIR_OTHER_ACTIVE, line->word == BLIND_WORD_ACTIVE);
	} else if (line->word == BLIND_WORD_SITE && l->apply) {
		n = sites_number(s, &line->user, false);
		if (n == s->room)
			return;
		s->known[n].last = line->endpoint;
		s->known[n].last_port = line->port;
		s->known[n].proven = l->moved = true;
	} else if (line->word != BLIND_WORD_PAIR && l->apply && sites_put_session(s, line, 0) &&
		   line->word == BLIND_WORD_SESSION && line->seconds) {
		set_counter(l->partner, PAIR_RECEIVED,
			    run_counters_value(&l->partner->counters, PAIR_RECEIVED) + 1);
	}
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct connection *l = (struct connection *)handle;

	*ret = uv_buf_init(l->input, sizeof(l->input));
}

/* Uses the lines that have come. This host may have got the shared address since the last lines, so
 * it looks for the address first. */
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct connection *l = (struct connection *)stream;
	struct partner *p = l->partner;
	int rc;

	if (!p || !n)
		return;
	if (n < 0) {
		close_connection(l, uv_strerror(n));
		return;
	}
	l->heard = uv_now(stream->loop);
	l->apply = partner_is_standby(p);
	l->moved = false;
	rc = blind_stream_take(&l->in, buf->base, n, on_line, l);
	set_counter(p, PAIR_HEARD, time(NULL));
	if (l->moved)
		sites_place_proven(p->sites);
	if (!rc)
		return;
	if (time(NULL) - p->complained >= COMPLAIN_SECONDS) {
		p->complained = time(NULL);
		log_warning("blind: the other relay sent a wrong line of %zu bytes: use the same "
			    "version of wgxdp on both relays", l->in.n);
	}
	close_connection(l, "it sent a wrong line");
}

/* ---- connecting ---- */

static struct connection *new_connection(struct partner *p)
{
	struct connection *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->partner = p;
	l->heard = uv_now(p->tick.loop);
	uv_tcp_init(p->tick.loop, &l->tcp);
	return l;
}

static void connection_is_up(struct connection *l)
{
	struct partner *p = l->partner;
	char text[ADDRESS_STRLEN];

	l->up = true;
	l->heard = uv_now(l->tcp.loop);
	p->connection = l;
	p->last_error = 0;
	log_info("blind: connected to the other relay at %s",
		 address_format(&p->config.peer, text));
	set_counter(p, PAIR_CONNECTED, time(NULL));
	set_counter(p, PAIR_HEARD, time(NULL));
	run_counters_write(&p->counters);
	forget_sent(p);
	uv_tcp_nodelay(&l->tcp, 1);
	uv_read_start((uv_stream_t *)&l->tcp, on_alloc, on_read);
	send_message(l);
}

static void on_connect(uv_connect_t *connect, int status)
{
	struct connection *l = connect->data;

	if (!l->partner)
		return;
	if (status < 0) {
		log_failure(l->partner, "cannot connect to the other relay", status);
		close_connection(l, "");
		return;
	}
	connection_is_up(l);
}

/* Returns whether the connection comes from the other relay's address. */
static bool is_from_partner(const struct partner *p, const uv_tcp_t *tcp)
{
	struct sockaddr_in6 from;
	int len = sizeof(from);
	struct address a;

	if (uv_tcp_getpeername(tcp, (struct sockaddr *)&from, &len))
		return false;
	a = address_from_socket(&from);
	return address_equal(&a, &p->config.peer);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct partner *p = listener->data;
	struct connection *l = status < 0 ? NULL : new_connection(p);

	if (!l)
		return;
	if (uv_accept(listener, (uv_stream_t *)&l->tcp) || !is_from_partner(p, &l->tcp)) {
		l->partner = NULL;
		uv_close((uv_handle_t *)&l->tcp, free_handle);
		return;
	}
	/* The other relay connects again only if it has lost the former connection. */
	if (p->connection)
		close_connection(p->connection, "the other relay connected again");
	connection_is_up(l);
}

static __be16 port_of(const struct pair_config *c)
{
	return c->port ?: htons(PAIR_PORT);
}

static void begin_listening(struct partner *p)
{
	struct sockaddr_in6 local;
	int rc;

	p->listener = calloc(1, sizeof(*p->listener));
	if (!p->listener)
		return;
	uv_tcp_init(p->tick.loop, p->listener);
	p->listener->data = p;
	address_to_socket(&p->config.local, port_of(&p->config), 0, &local);
	rc = uv_tcp_bind(p->listener, (struct sockaddr *)&local, 0) ?:
	     uv_listen((uv_stream_t *)p->listener, 1, on_connection);
	if (!rc)
		return;
	log_failure(p, "cannot listen for the other relay", rc);
	close_listener(p);
}

static void begin_connecting(struct partner *p)
{
	struct sockaddr_in6 local, peer;
	struct connection *l = new_connection(p);
	int rc;

	if (!l)
		return;
	p->connection = l;
	l->connect.data = l;
	address_to_socket(&p->config.local, 0, 0, &local);
	address_to_socket(&p->config.peer, port_of(&p->config), 0, &peer);
	rc = uv_tcp_bind(&l->tcp, (struct sockaddr *)&local, 0) ?:
	     uv_tcp_connect(&l->connect, &l->tcp, (struct sockaddr *)&peer, on_connect);
	if (!rc)
		return;
	log_failure(p, "cannot connect to the other relay", rc);
	close_connection(l, "");
}

/* Returns whether this host listens, because it has the higher address. */
static bool is_listener(const struct pair_config *c)
{
	return memcmp(&c->local.addr, &c->peer.addr, sizeof(c->local.addr)) > 0;
}

/* Returns whether the other relay has been silent for too long, or has not read the last message.
 * Each message may contain a word about this host, so .said is not older than the last message
 * that was written by more than a second. */
static bool is_stalled(const struct connection *l)
{
	uint64_t now = uv_now(l->tcp.loop), long_ms = PAIR_SILENT_SECONDS * 1000;

	return now - l->heard > long_ms || (l->up && now - l->said > long_ms);
}

static void on_tick(uv_timer_t *timer)
{
	struct partner *p = timer->data;
	bool second = ++p->ticks % SECOND_TICKS == 0;

	if (p->connection && is_stalled(p->connection))
		close_connection(p->connection, "the other relay does not answer");
	if (p->connection)
		send_message(p->connection);
	else if (second && !is_listener(&p->config))
		begin_connecting(p);
	if (second && !p->listener && is_listener(&p->config))
		begin_listening(p);
	if (second)
		run_counters_write(&p->counters);
}

/* ---- beginning and ending ---- */

static void stop(struct partner *p, const char *why)
{
	if (p->connection)
		close_connection(p->connection, why);
	close_listener(p);
	forget_sent(p);
}

void partner_restart(struct partner *p)
{
	if (p->connection && p->connection->up)
		close_connection(p->connection, "it begins again");
}

void partner_reconfigure(struct partner *p)
{
	const struct pair_config *c = &p->sites->config->blind.pair;

	if (!is_configured(p)) {
		stop(p, "the configuration has no pair");
		uv_timer_stop(&p->tick);
		return;
	}
	if (!timer_runs(&p->tick) || memcmp(c, &p->config, sizeof(*c))) {
		stop(p, "the configuration changed");
		p->config = *c;
		p->counters.instance = p->sites->instance;
		p->counters.file = "pair";
	}
	timer_repeat(&p->tick, true, on_tick, TICK_MS, TICK_MS);
}

struct partner *partner_new(uv_loop_t *loop, struct sites *s)
{
	struct partner *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->sites = s;
	timer_init(loop, &p->tick, p);
	return p;
}
