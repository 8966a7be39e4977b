/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements wg_dump.h. The dump of wg(8) has a line for each interface (private key, public key,
 * port, mark) and for each peer (public key, preshared key, endpoint, allowed IPs, latest
 * handshake, bytes received and sent, keepalive). Tabs separate the fields. With `all`, each line
 * begins with the interface's name.
 */
#include <errno.h>
#include <string.h>
#include "lib/grow.h"
#include "lib/log.h"
#include "net/wg_dump.h"

enum { INTERFACE_FIELDS = 4, PEER_FIELDS = 8 };

/* Splits the line at its tabs and returns the number of fields. Only the first `max` are stored. */
static size_t split_line(char *line, char **fields, size_t max)
{
	size_t n = 0;

	for (char *field; (field = strsep(&line, "\t")); n++)
		if (n < max)
			fields[n] = field;
	return n;
}

static int add_peer(struct wg_dump *d, char **field)
{
	struct wg_dump_peer p = { 0 };
	char *end;

	if (wg_key_parse(field[0], &p.key))
		return -EINVAL;
	p.handshake = strtoull(field[4], &end, 10);
	if (*end || end == field[4])
		return -EINVAL;
	if (!strcmp(field[2], "(none)"))
		return 0;
	if (endpoint_parse(field[2], &p.endpoint, &p.port))
		/* link-local: it has a zone, and is skipped */
		return strchr(field[2], '%') ? 0 : -EINVAL;
	*append(d->peers, d->n) = p;
	return 0;
}

/* Reads one line of `wg show dump`. Lines of AmneziaWG have more fields, none of which is used. */
static int add_line(struct wg_dump *d, char *line)
{
	char *field[PEER_FIELDS + 1];
	size_t n = split_line(line, field, PEER_FIELDS + 1);

	if (n == PEER_FIELDS || n == PEER_FIELDS + 1)
		return add_peer(d, field + (n - PEER_FIELDS));
	return n >= INTERFACE_FIELDS ? 0 : -EINVAL;
}

static int by_endpoint(const void *a, const void *b)
{
	const struct wg_dump_peer *x = a, *y = b;

	return memcmp(&x->endpoint.addr, &y->endpoint.addr, sizeof(x->endpoint.addr)) ?:
	       ntohs(x->port) - ntohs(y->port);
}

static int by_handshake(const void *a, const void *b)
{
	const struct wg_dump_peer *x = a, *y = b;

	return by_endpoint(a, b) ?: (x->handshake < y->handshake) - (x->handshake > y->handshake);
}

int wg_dump_parse(FILE *in, const char *name, struct wg_dump *ret)
{
	struct wg_dump d = { 0 };
	unsigned int number = 0;
	size_t room = 0, kept = 0;
	char *line = NULL;
	ssize_t n;
	int rc = 0;

	while (!rc && (n = getline(&line, &room, in)) >= 0) {
		number++;
		if (n && line[n - 1] == '\n')
			line[--n] = '\0';
		if (n && strlen(line) == (size_t)n)
			rc = add_line(&d, line);
		else if (n)
			rc = -EINVAL;
	}
	/* The error must not show the line, which may have a private key. */
	if (rc == -EINVAL)
		log_error("%s:%u: this is not a line of `wg show IF dump` or `wg show all dump`",
			  name, number);
	else if (rc || ferror(in))
		log_error("cannot read %s: %s", name, strerror(rc ? -rc : EIO));
	rc = rc ?: ferror(in) ? -EIO : 0;
	free(line);
	if (d.n)
		qsort(d.peers, d.n, sizeof(*d.peers), by_handshake);
	for (size_t i = 0; i < d.n; i++)
		if (!kept || by_endpoint(&d.peers[kept - 1], &d.peers[i]))
			d.peers[kept++] = d.peers[i];
	d.n = kept;
	if (rc)
		wg_dump_free(&d);
	else
		*ret = d;
	return rc;
}

int wg_dump_read(const char *file, struct wg_dump *ret)
{
	bool is_stdin = !strcmp(file, "-");
	FILE *in = is_stdin ? stdin : fopen(file, "re");
	int rc = in ? 0 : -errno;

	if (rc) {
		log_error("cannot read %s: %s", file, strerror(-rc));
		return rc;
	}
	rc = wg_dump_parse(in, is_stdin ? "<stdin>" : file, ret);
	if (!is_stdin)
		fclose(in);
	return rc;
}

void wg_dump_free(struct wg_dump *d)
{
	free(d->peers);
	d->peers = NULL;
	d->n = 0;
}

const struct wg_dump_peer *wg_dump_find(const struct wg_dump *d, const struct address *endpoint,
					__be16 port)
{
	struct wg_dump_peer key = { .endpoint = *endpoint, .port = port };

	return d->n ? bsearch(&key, d->peers, d->n, sizeof(key), by_endpoint) : NULL;
}
