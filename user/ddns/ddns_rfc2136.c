/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The provider `rfc2136`: updates a zone at its primary server (RFC 2136), with signatures (TSIG,
 * RFC 8945). It reads the records from that server too, and sends all changes in one message, so
 * that all names change together. libldns builds, parses, signs and verifies the messages. This
 * file sends them itself, because libldns returns neither the error from the server nor which
 * server answered.
 */
#ifdef WITH_LDNS
#include <stdbool.h>			/* ldns would otherwise define its own bool */
#include <arpa/inet.h>
#include <errno.h>
#include <ldns/ldns.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>
#include "ddns/ddns.h"
#include "ddns/ddns_secret.h"
#include "lib/library.h"
#include "lib/timer.h"

#define TRY_MS 5000
#define TRIES 2
#define UDP_MAX 1232	/* longest UDP message in bytes; longer messages are sent over TCP */
#define FUDGE 300			/* seconds that the server's clock may differ from ours */
#define ALGORITHM "hmac-sha256."

#define FUNCTIONS(X) \
	X(ldns_dname_compare) X(ldns_dname_new_frm_str) X(ldns_pkt2wire) X(ldns_pkt_aa) \
	X(ldns_pkt_answer) X(ldns_pkt_free) X(ldns_pkt_get_rcode) X(ldns_pkt_query_new) \
	X(ldns_pkt_set_random_id) X(ldns_pkt_set_rd) X(ldns_pkt_tsig) X(ldns_pkt_tsig_sign) \
	X(ldns_pkt_tsig_verify) X(ldns_rdf2native_int16) X(ldns_rdf_clone) X(ldns_rdf_data) \
	X(ldns_rdf_deep_free) X(ldns_rdf_new_frm_data) X(ldns_rdf_size) X(ldns_rr_get_type) \
	X(ldns_rr_list_deep_free) X(ldns_rr_list_new) X(ldns_rr_list_push_rr) X(ldns_rr_list_rr) \
	X(ldns_rr_list_rr_count) X(ldns_rr_new) X(ldns_rr_owner) X(ldns_rr_push_rdf) \
	X(ldns_rr_rd_count) X(ldns_rr_rdf) X(ldns_rr_set_class) X(ldns_rr_set_owner) \
	X(ldns_rr_set_ttl) X(ldns_rr_set_type) X(ldns_rr_ttl) X(ldns_update_pkt_new) \
	X(ldns_wire2pkt)

static struct library_functions {
	FUNCTIONS(LIBRARY_POINTER)
} lib;
static const struct library_function functions[] = { FUNCTIONS(LIBRARY_FUNCTION) };

enum { TSIG_MAC = 3, TSIG_ERROR = 5 };

struct server {
	/* list: addresses of the server. is: the one that answered; NULL: none yet. */
	struct addrinfo *list, *is;
	struct tsig_key key;
	char why[256];			/* error of the last question that failed */
};

/* A DNS message in wire format. */
struct wire {
	uint8_t *bytes;
	size_t n;
};

/* ---- sending ---- */

/* Waits for the socket, until the time `until` in ms. Returns 0, -ETIMEDOUT or another -errno. */
static int wait_ready(int fd, short events, uint64_t until)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now = clock_ms();
	int n = now < until ? poll(&p, 1, until - now) : 0;

	return n > 0 ? 0 : n ? -errno : -ETIMEDOUT;
}

static int open_to(const struct addrinfo *to, int type, uint64_t until, int *ret)
{
	int fd = socket(to->ai_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error = 0, rc;
	socklen_t size = sizeof(error);

	if (fd < 0)
		return -errno;
	rc = connect(fd, to->ai_addr, to->ai_addrlen) ? -errno : 0;
	if (rc == -EINPROGRESS) {
		rc = wait_ready(fd, POLLOUT, until);
		if (!rc && (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) || error))
			rc = error ? -error : -errno;
	}
	if (rc)
		close(fd);
	else
		*ret = fd;
	return rc;
}

static bool is_answer(const struct wire *question, const struct wire *answer)
{
	return answer->n >= LDNS_HEADER_SIZE && !memcmp(answer->bytes, question->bytes, 2) &&
	       LDNS_QR_WIRE(answer->bytes);
}

static int ask_udp(const struct addrinfo *to, const struct wire *question, struct wire *answer)
{
	uint64_t until = clock_ms() + TRY_MS;
	int fd, rc = open_to(to, SOCK_DGRAM, until, &fd);

	if (rc)
		return rc;
	rc = send(fd, question->bytes, question->n, 0) < 0 ? -errno : 0;
	while (!rc) {
		ssize_t n;

		rc = wait_ready(fd, POLLIN, until);
		n = rc ? 0 : recv(fd, answer->bytes, LDNS_MAX_PACKETLEN, 0);
		if (!rc && n < 0)
			rc = -errno;
		answer->n = n > 0 ? n : 0;
		if (!rc && is_answer(question, answer))
			break;
	}
	close(fd);
	return rc;
}

/* Sends (out is true) or receives exactly n bytes. until: time limit in ms. Returns 0 or -errno. */
static int transfer_bytes(int fd, uint8_t *bytes, size_t n, bool out, uint64_t until)
{
	while (n) {
		int rc = wait_ready(fd, out ? POLLOUT : POLLIN, until);
		ssize_t done = rc ? 0 : out ? send(fd, bytes, n, MSG_NOSIGNAL) :
			       recv(fd, bytes, n, 0);

		if (rc || done <= 0)
			return rc ?: done ? -errno : -ECONNRESET;
		bytes += done;
		n -= done;
	}
	return 0;
}

static int ask_tcp(const struct addrinfo *to, const struct wire *question, struct wire *answer)
{
	uint64_t until = clock_ms() + TRY_MS;
	uint8_t length[2] = { question->n >> 8, question->n & 0xff };
	int fd, rc = open_to(to, SOCK_STREAM, until, &fd);

	if (rc)
		return rc;
	rc = transfer_bytes(fd, length, 2, true, until) ?:
	     transfer_bytes(fd, question->bytes, question->n, true, until) ?:
	     transfer_bytes(fd, length, 2, false, until);
	answer->n = length[0] << 8 | length[1];
	rc = rc ?: transfer_bytes(fd, answer->bytes, answer->n, false, until);
	if (!rc && !is_answer(question, answer))
		rc = -EPROTO;
	close(fd);
	return rc;
}

static int ask_address(const struct addrinfo *to, const struct wire *question, struct wire *answer)
{
	int rc = -ETIMEDOUT;

	for (int i = 0; i < TRIES && rc == -ETIMEDOUT && question->n <= UDP_MAX; i++)
		rc = ask_udp(to, question, answer);
	if (question->n <= UDP_MAX && (rc || !LDNS_TC_WIRE(answer->bytes)))
		return rc;
	return ask_tcp(to, question, answer);
}

/* Sends a question to each address of the server until one answers, to which all later questions
 * go. Returns 0, or -errno with the error in s->why. The caller frees answer->bytes in every
 * case. */
static int ask_server(struct server *s, const struct wire *question, struct wire *answer)
{
	struct addrinfo *at = s->is ?: s->list;
	int rc = -EHOSTUNREACH;

	answer->bytes = malloc(LDNS_MAX_PACKETLEN);
	if (!answer->bytes) {
		strcpy(s->why, "no memory");
		return -ENOMEM;
	}
	for (; at; at = s->is ? NULL : at->ai_next) {
		rc = ask_address(at, question, answer);
		if (!rc) {
			s->is = at;
			return 0;
		}
	}
	snprintf(s->why, sizeof(s->why), "%s", rc == -ETIMEDOUT ? "no answer" : strerror(-rc));
	return rc;
}

/* ---- messages ---- */

static ldns_rdf *make_name(const char *text)
{
	return lib.ldns_dname_new_frm_str(text);
}

/* Sends a message, and returns the answer, parsed and (in *answer) in wire format. Returns NULL
 * with the error in s->why if that fails. */
static ldns_pkt *exchange_messages(struct server *s, const ldns_pkt *question, struct wire *answer)
{
	struct wire out = { 0 };
	ldns_pkt *back = NULL;

	if (lib.ldns_pkt2wire(&out.bytes, question, &out.n) != LDNS_STATUS_OK)
		strcpy(s->why, "no memory");
	else if (ask_server(s, &out, answer))
		;
	else if (LDNS_TC_WIRE(answer->bytes))
		strcpy(s->why, "the server's answer is truncated, even over TCP");
	else if (lib.ldns_wire2pkt(&back, answer->bytes, answer->n) != LDNS_STATUS_OK) {
		strcpy(s->why, "the server's answer is not a valid DNS message");
		back = NULL;
	}
	free(out.bytes);
	return back;
}

static const char *rcode_name(unsigned int rcode)
{
	static const char *const names[] = {
		"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
		"YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE",
	};

	return rcode < sizeof(names) / sizeof(*names) ? names[rcode] :
	       "an unknown error code";
}

/* ---- reading ---- */

static void add_records(struct ddns_run *run, struct ddns_set *set, const ldns_pkt *answer,
			const ldns_rdf *name)
{
	ldns_rr_type type = set->family == FAMILY_IPV4 ? LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA;
	const ldns_rr_list *rows = lib.ldns_pkt_answer(answer);

	for (size_t i = 0; i < lib.ldns_rr_list_rr_count(rows); i++) {
		const ldns_rr *rr = lib.ldns_rr_list_rr(rows, i);
		const ldns_rdf *value = lib.ldns_rr_rd_count(rr) ? lib.ldns_rr_rdf(rr, 0) : NULL;
		struct address a;

		if (lib.ldns_dname_compare(lib.ldns_rr_owner(rr), name))
			continue;
		if (lib.ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME) {
			ddns_fail(run, set,
				  "%s: the name has a CNAME record, which allows no other records: "
				  "remove it by hand", ddns_type(set));
			return;
		}
		if (lib.ldns_rr_get_type(rr) != type || !value ||
		    lib.ldns_rdf_size(value) != (type == LDNS_RR_TYPE_A ? 4 : 16))
			continue;
		a = type == LDNS_RR_TYPE_A ?
		    address_from_ipv4(*(struct in_addr *)lib.ldns_rdf_data(value)) :
		    address_from_ipv6(*(struct in6_addr *)lib.ldns_rdf_data(value));
		if (ddns_has(run, set, &a, lib.ldns_rr_ttl(rr) ?: ~0U, 0))
			return;
	}
}

static void read_set(struct ddns_run *run, struct ddns_set *set)
{
	const struct ddns_config *c = run->config;
	struct server *s = run->data;
	ldns_rdf *name = make_name(set->name);
	ldns_pkt *question = !name ? NULL :
		lib.ldns_pkt_query_new(lib.ldns_rdf_clone(name), set->family == FAMILY_IPV4 ?
				       LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA, LDNS_RR_CLASS_IN, 0);
	struct wire wire = { 0 };
	ldns_pkt *answer;

	if (question)
		lib.ldns_pkt_set_random_id(question);
	answer = question ? exchange_messages(s, question, &wire) : NULL;
	if (!question)
		ddns_fail(run, set, "%s: cannot make the question: there is no memory, or the name "
				    "is invalid", ddns_type(set));
	else if (!answer)
		/* Questions about the other sets would fail in the same way. */
		ddns_fail_all(run, "server %s: %s", c->server, s->why);
	else if (lib.ldns_pkt_get_rcode(answer) != LDNS_RCODE_NOERROR &&
		 lib.ldns_pkt_get_rcode(answer) != LDNS_RCODE_NXDOMAIN)
		ddns_fail(run, set, "server %s: the question for %s records failed with %s",
				    c->server,
			  ddns_type(set), rcode_name(lib.ldns_pkt_get_rcode(answer)));
	else if (!lib.ldns_pkt_aa(answer))
		ddns_fail(run, set,
			  "server %s: this server does not have the zone %s: name the zone's "
			  "primary server",
			  c->server, c->zone);
	else
		add_records(run, set, answer, name);
	lib.ldns_pkt_free(answer);
	lib.ldns_pkt_free(question);
	lib.ldns_rdf_deep_free(name);
	free(wire.bytes);
}

static int open_server(struct ddns_run *run, struct server *s)
{
	const struct ddns_config *c = run->config;
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV };
	char port[8], *text = ddns_secret(run, "key-file");
	const char *wrong;
	int rc;

	if (!text)
		return -EINVAL;
	wrong = tsig_parse(text, &s->key);
	secret_free(text);
	if (wrong) {
		ddns_fail_all(run, "key-file %s: %s", c->secret, wrong);
		return -EINVAL;
	}
	snprintf(port, sizeof(port), "%u", c->port ? ntohs(c->port) : DDNS_PORT);
	rc = getaddrinfo(c->server, port, &hints, &s->list);
	if (rc)
		ddns_fail_all(run, "server %s: %s", c->server, gai_strerror(rc));
	return rc;
}

static void read_sets(struct ddns_run *run)
{
	struct server *s = run->data = calloc(1, sizeof(*s));
	char why[LIBRARY_WHY_LEN] = "no memory";

	if (!s || LIBRARY_OPEN(&library_ldns, functions, &lib, why))
		ddns_fail_all(run, "rfc2136: %s", why);
	else if (!open_server(run, s))
		for (size_t i = 0; i < run->n_sets; i++)
			if (!run->sets[i].failed)
				read_set(run, &run->sets[i]);
}

/* ---- writing ---- */

/* Adds a change to an update (RFC 2136, 2.5): a record with this value or, if value is NULL, the
 * deletion of all records of the set. */
static bool add_row(ldns_rr_list *rows, const struct ddns_set *set, __u32 ttl,
		    const struct address *value)
{
	ldns_rr_type type = set->family == FAMILY_IPV4 ? LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA;
	bool ipv4 = set->family == FAMILY_IPV4;
	ldns_rr *rr = lib.ldns_rr_new();

	if (!rr)
		return false;
	lib.ldns_rr_set_owner(rr, make_name(set->name));
	lib.ldns_rr_set_type(rr, type);
	lib.ldns_rr_set_class(rr, value ? LDNS_RR_CLASS_IN : LDNS_RR_CLASS_ANY);
	lib.ldns_rr_set_ttl(rr, ttl);
	if (value)
		lib.ldns_rr_push_rdf(rr, lib.ldns_rdf_new_frm_data(ipv4 ? LDNS_RDF_TYPE_A :
			LDNS_RDF_TYPE_AAAA, ipv4 ? 4 : 16, value->addr.b + (ipv4 ? 12 : 0)));
	return lib.ldns_rr_list_push_rr(rows, rr);
}

static ldns_pkt *make_update(const struct ddns_run *run)
{
	ldns_rr_list *rows = lib.ldns_rr_list_new();
	ldns_pkt *update = NULL;
	bool ok = rows != NULL;

	for (size_t i = 0; i < run->n_sets && ok; i++) {
		const struct ddns_set *s = &run->sets[i];

		if (s->write && !s->failed)
			ok = add_row(rows, s, 0, NULL) &&
			     add_row(rows, s, run->config->ttl, &s->wanted);
	}
	if (ok)
		update = lib.ldns_update_pkt_new(make_name(run->config->zone), LDNS_RR_CLASS_IN,
						 NULL, rows, NULL);
	if (update) {
		lib.ldns_pkt_set_rd(update, false);
		lib.ldns_pkt_set_random_id(update);
	}
	lib.ldns_rr_list_deep_free(rows);
	return update;
}

static const char *tsig_hint(unsigned int error)
{
	switch (error) {
	case 16:
		return "BADSIG: the server has another secret for this key: correct one of the two";
	case 17:
		return "BADKEY: the server does not know this key: add it there";
	case 18:
		return "BADTIME: the clocks of this host and the server differ by more than five "
		       "minutes: set them";
	case 22:
		return "BADTRUNC: the server requires a longer signature: allow hmac-sha256 there";
	}
	return NULL;
}

static const char *rcode_hint(unsigned int rcode)
{
	if (rcode == LDNS_RCODE_NOTAUTH)
		return ": the server does not know this key, is not the zone's primary, or does "
		       "not let this key change the zone";
	if (rcode == LDNS_RCODE_REFUSED)
		return ": allow this key to change these names on the server (allow-update, "
		       "update-policy, acl)";
	return rcode == LDNS_RCODE_NOTZONE ? ": a name is not in this zone: correct the name or "
					     "the zone" : "";
}

/* Marks sets as failed if the update was refused. Only a signed answer can report success. */
static void check_answer(struct ddns_run *run, const ldns_pkt *update, ldns_pkt *answer,
		  const struct wire *wire)
{
	const struct server *s = run->data;
	const struct ddns_config *c = run->config;
	const ldns_rr *tsig = lib.ldns_pkt_tsig(answer);
	const ldns_rdf *error = tsig && lib.ldns_rr_rd_count(tsig) > TSIG_ERROR ?
				lib.ldns_rr_rdf(tsig, TSIG_ERROR) : NULL;
	const char *hint = error && lib.ldns_rdf_size(error) == 2 ?
			   tsig_hint(lib.ldns_rdf2native_int16(error)) : NULL;
	unsigned int rcode = lib.ldns_pkt_get_rcode(answer);

	if (hint)
		ddns_fail_all(run, "server %s: key %s: %s", c->server, s->key.name, hint);
	else if (rcode != LDNS_RCODE_NOERROR)
		ddns_fail_all(run, "server %s: zone %s, key %s: %s%s", c->server, c->zone,
			      s->key.name, rcode_name(rcode), rcode_hint(rcode));
	else if (!tsig ||
		 !lib.ldns_pkt_tsig_verify(answer, wire->bytes, wire->n, s->key.name, s->key.secret,
					   lib.ldns_rr_rdf(lib.ldns_pkt_tsig(update), TSIG_MAC)))
		ddns_fail_all(run,
			      "server %s: the answer is not signed with key %s, so it may be "
			      "forged: check the records", c->server, s->key.name);
}

static void write_sets(struct ddns_run *run)
{
	struct server *s = run->data;
	ldns_pkt *update = make_update(run), *answer = NULL;
	struct wire wire = { 0 };

	if (!update || lib.ldns_pkt_tsig_sign(update, s->key.name, s->key.secret, FUDGE, ALGORITHM,
					      NULL) != LDNS_STATUS_OK)
		ddns_fail_all(run, "key-file %s: cannot sign the update with this key: make a new "
				   "one with tsig-keygen", run->config->secret);
	else
		answer = exchange_messages(s, update, &wire);
	if (update && answer)
		check_answer(run, update, answer, &wire);
	else
		ddns_fail_all(run, "server %s: %s", run->config->server, s->why);
	lib.ldns_pkt_free(answer);
	lib.ldns_pkt_free(update);
	free(wire.bytes);
}

static void end_rfc2136(struct ddns_run *run)
{
	struct server *s = run->data;

	if (s->list)
		freeaddrinfo(s->list);
	explicit_bzero(&s->key, sizeof(s->key));
}

const struct ddns_provider ddns_rfc2136 = { read_sets, write_sets, end_rfc2136 };
#endif
