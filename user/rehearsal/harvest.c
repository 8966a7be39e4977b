/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Collects the addresses and ports that rules mention, at whose edges samples are sent: any
 * address, prefix and number in the text of the rules, whatever it means there.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include "lib/grow.h"
#include "rehearsal/parts.h"

#define PORTS_MAX 1024			/* ports, beyond which those of elements do not count */

static void add_edge(struct rehearsal *r, struct address a, int more)
{
	for (int i = 15; more && i >= (a.family == FAMILY_IPV4 ? 12 : 0); i--) {
		a.addr.b[i] += more;
		if (a.addr.b[i] != (more > 0 ? 0 : 255))
			break;
	}
	*append(r->edges, r->n_edges) = a;
}

void harvest_prefix(struct rehearsal *r, const struct prefix *p)
{
	struct address first = { p->addr, p->family }, last = { prefix_last(p), p->family };

	if (!p->len)
		return;
	if (p->len == (p->family == FAMILY_IPV4 ? 32 : 128) &&
	    address_find(r->hosts, r->n_hosts, &first) == r->n_hosts)
		*append(r->hosts, r->n_hosts) = first;
	add_edge(r, first, -1);
	add_edge(r, first, 0);
	add_edge(r, last, 0);
	add_edge(r, last, 1);
}

static void add_port(struct rehearsal *r, long n)
{
	for (long p = n - 1; p <= n + 1; p++)
		if (p > 0 && p < 65536)
			*append(r->ports, r->n_ports) = p;
}

/* The key of an element: an address, a port, or several values of four bytes each. A port comes
 * before two zero bytes. */
void harvest_element(struct rehearsal *r, const void *key, size_t n)
{
	const __u8 *b = key;
	struct in6_addr six;
	struct in_addr four;

	for (size_t at = 0; at + 2 <= n && r->n_ports < PORTS_MAX; at += 4)
		if (n == 2 || (n > 4 && n != sizeof(six) && !b[at + 2] && !b[at + 3]))
			add_port(r, b[at] << 8 | b[at + 1]);

	for (int more = -1; more < 2; more++) {
		if (n == sizeof(six)) {
			memcpy(&six, key, sizeof(six));
			add_edge(r, address_from_ipv6(six), more);
		}
		for (size_t at = 0; at + sizeof(four) <= n && n != sizeof(six); at += 4) {
			memcpy(&four, (const char *)key + at, sizeof(four));
			add_edge(r, address_from_ipv4(four), more);
		}
	}
}

/* Reads one word: an address, a prefix, an address with a mask, or a number. */
static void harvest_word(struct rehearsal *r, char *word)
{
	char *slash = strchr(word, '/'), *end;
	struct address a, mask;
	struct prefix p;
	long n;

	if (slash)
		*slash++ = '\0';
	if (!address_parse(word, &a)) {
		p = address_prefix(&a);
		n = slash && *slash ? strtol(slash, &end, 10) : p.len;
		if (slash && !address_parse(slash, &mask) && mask.family == FAMILY_IPV4)
			n = __builtin_popcount(mask.addr.w[3]);
		if (n >= 0 && n < p.len)
			p.len = n;
		prefix_clear_host(&p);
		harvest_prefix(r, &p);
		return;
	}
	n = strtol(word, &end, 10);
	if (end != word && !*end && n < 65536)
		add_port(r, n);
}

void harvest_text(struct rehearsal *r, const char *text)
{
	char word[128], *dash;
	size_t n;

	while (text && *text) {
		while (*text && !isxdigit((unsigned char)*text) && *text != ':')
			text++;
		n = strspn(text, "0123456789abcdefABCDEF.:/-");
		if (!n)
			break;
		snprintf(word, sizeof(word), "%.*s",
			 (int)(n < sizeof(word) ? n : sizeof(word) - 1), text);
		dash = strchr(word, '-');
		if (dash)
			*dash++ = '\0';
		for (char *w = word; w; w = w == word ? dash : NULL) {
			char *colon = strchr(w, ':');

			if (colon && (strchr(w, '.') || colon == strrchr(w, ':'))) {
				*colon = '\0';		/* address:port or port:port */
				harvest_word(r, colon + 1);
			}
			harvest_word(r, w);
		}
		text += n;
	}
}

static int compare_edges(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct addr));
}

static int compare_ports(const void *a, const void *b)
{
	return *(const __u16 *)a - *(const __u16 *)b;
}

void harvest_done(struct rehearsal *r)
{
	size_t kept = 0;

	if (r->n_edges)
		qsort(r->edges, r->n_edges, sizeof(*r->edges), compare_edges);
	for (size_t i = 0; i < r->n_edges; i++)
		if (!kept || compare_edges(&r->edges[i], &r->edges[kept - 1]))
			r->edges[kept++] = r->edges[i];
	r->n_edges = kept;
	kept = 0;
	if (r->n_ports)
		qsort(r->ports, r->n_ports, sizeof(*r->ports), compare_ports);
	for (size_t i = 0; i < r->n_ports; i++)
		if (!kept || r->ports[i] != r->ports[kept - 1])
			r->ports[kept++] = r->ports[i];
	r->n_ports = kept;
}
