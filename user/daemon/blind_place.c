/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Publishes in the maps where the sites of the blind relay are: the place to which messages for a
 * site go, and the endpoints from which its messages come.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "daemon/blind_sites.h"
#include "dataplane/control.h"
#include "lib/jiffies.h"
#include "lib/log.h"
#include "dataplane/map_info.h"
#include "dataplane/pins.h"
#include "dataplane/table.h"
#include "net/udp_frame.h"
#include "net/udp_socket.h"

#define OTHER_PORTS 1024	/* source ports of messages to other relays follow this one */

/* ---- places of the sites ---- */

/* Finds the local address from which this host sends to an endpoint. Returns false if there is
 * none. */
static bool find_local(const struct address *a, __be16 port, struct addr *ret)
{
	struct sockaddr_in6 from;
	socklen_t len = sizeof(from);
	int fd = udp_socket(a, port, NULL);
	bool done = fd >= 0 && !getsockname(fd, (struct sockaddr *)&from, &len);

	if (done)
		*ret = address_from_socket(&from).addr;
	if (fd >= 0)
		close(fd);
	return done;
}

/* Finds the service and link of the blind relay's listener, under which sites are counted. */
static bool find_listener(const struct sites *s, struct service *ret)
{
	int fd = pin_get(s->instance, "table");
	__u32 n = map_entries(fd);
	bool found = false;

	for (__u32 i = 0; i < n && !found; i++) {
		struct table_bucket bucket;

		for (int w = 0; !bpf_map_lookup_elem(fd, &i, &bucket) && w < TABLE_WAYS && !found;
		     w++)
			if (bucket.entry[w].tag && (bucket.entry[w].key.word & 0xff) == KEY_BLIND) {
				*ret = bucket.entry[w].service;
				found = true;
			}
	}
	if (fd >= 0)
		close(fd);
	return found;
}

/* Finds the local address from which the relay sends to an endpoint: the address that it shares
 * with another relay, or else the address that the kernel chooses. */
static bool find_source(const struct sites *s, const struct address *a, __be16 port,
			struct addr *ret)
{
	const struct address *shared = &s->config->blind.pair.shared[a->family == FAMILY_IPV6];

	if (!shared->family)
		return find_local(a, port, ret);
	*ret = shared->addr;
	return true;
}

bool site_is_remote(const struct blind_known *k)
{
	return k->relay.family && k->there >= k->here;
}

/* An address and port to which messages for a site go. family 0: none is known. port 0: that of the
 * relays. */
struct origin {
	struct address address;
	__be16 port;
};

/* Returns where the site should be, by what is known about it. */
static struct origin wanted_origin(const struct blind_known *k)
{
	if (site_is_remote(k))
		return (struct origin){ k->relay, 0 };
	if (k->proven)
		return (struct origin){ k->last, k->last_port };
	return (struct origin){ 0 };
}

/* Fills the place of the site. The first call for several sites finds *listener. */
static bool make_place(const struct sites *s, const struct blind_known *k,
		       struct service *listener, struct blind_place *ret)
{
	struct origin from = wanted_origin(k);
	struct blind_place place = {
		.family = from.address.family, .remote = site_is_remote(k),
	};
	__be16 port = from.port ?: s->config->blind.port;

	if (!place.family) {
		*ret = place;
		return true;
	}
	if ((!listener->ifindex && !find_listener(s, listener)) ||
	    !find_source(s, &from.address, port, &place.local))
		return false;
	place.service = *listener;
	place.service.to = from.address.addr;
	place.service.port = port;
	place.sum = address_sum(&place.local, address_sum(&place.service.to, 0));
	*ret = place;
	return true;
}

static void log_place(const struct blind_known *k)
{
	char text[ADDRESS_STRLEN];

	if (!k->endpoint.family)
		log_event("blind: the address of site %s is not known any more", k->name);
	else if (site_is_remote(k))
		log_event("blind: site %s is at the relay %s", k->name,
			 address_format(&k->endpoint, text));
	else
		log_event("blind: site %s is at %s", k->name,
			 endpoint_format(&k->endpoint, k->port, text));
}

/* Moves the sites in s->marked to where they should be: writes the new place of each to the
 * inactive one of its two places, then makes that one active. Clears the mark of a site that cannot
 * move. Returns whether any moved. */
static bool move_sites(struct sites *s)
{
	struct service listener = { 0 };
	bool *moved = s->marked;
	size_t any = 0;

	table_grace();	/* wait for readers of the places that are about to change */
	for (__u32 n = 1; n < s->room; n++) {
		struct blind_site *site = &s->mapped[n];

		moved[n] = moved[n] && make_place(s, &s->known[n], &listener,
						  &site->place[!(site->now & 1)]);
		any += moved[n];
	}
	if (!any)
		return false;
	control_routing_changed(s->instance, false);
	for (__u32 n = 1; n < s->room; n++) {
		struct blind_known *k = &s->known[n];
		struct origin from = wanted_origin(k);

		if (!moved[n])
			continue;
		__atomic_store_n(&s->mapped[n].now, !(s->mapped[n].now & 1), __ATOMIC_SEQ_CST);
		s->mapped[n].since = time(NULL);
		k->endpoint = from.address;
		k->port = from.port;
		if (s->room <= NAMED_SITES)
			log_place(k);
	}
	if (s->room > NAMED_SITES)
		log_event("blind: %zu sites have new places", any);
	/* Forget decisions that the data path cached for the former places. */
	control_routing_changed(s->instance, false);
	sites_write_endpoints(s);
	return true;
}

/* Returns whether the active place of the site is where the site should be. */
static bool is_in_place(const struct sites *s, __u32 n)
{
	const struct blind_known *k = &s->known[n];
	const struct blind_place *place = &s->mapped[n].place[s->mapped[n].now & 1];
	struct origin from = wanted_origin(k);

	return address_equal(&k->endpoint, &from.address) && k->port == from.port &&
	       place->remote == site_is_remote(k) &&
	       (!place->family ||
		place->service.port == (from.port ?: s->config->blind.port));
}

/* Returns whether the relay now sends to the site from another address than its place says. */
static bool has_other_source(const struct sites *s, __u32 n)
{
	const struct blind_place *place = &s->mapped[n].place[s->mapped[n].now & 1];
	struct address to = { place->service.to, place->family };
	struct addr local;

	return to.family && find_source(s, &to, place->service.port, &local) &&
	       memcmp(&place->local, &local, sizeof(local));
}

/* Gives each site the source port of its messages to other relays. */
static void give_ports(const struct sites *s)
{
	for (__u32 n = 1; n < s->room; n++) {
		bool has = s->config->blind.n_relays && *s->known[n].name &&
			   OTHER_PORTS + n <= UINT16_MAX;
		__be16 port = has ? htons(OTHER_PORTS + n) : 0;

		if (s->mapped[n].other_port != port)
			s->mapped[n].other_port = port;
	}
}

/* Sends the initiation that the data path stored because the address of the site was unknown. */
static void send_waiting(const struct sites *s, __u32 number)
{
	const struct blind_place *place = &s->mapped[number].place[s->mapped[number].now & 1];
	struct __sk_buff skb = { .ifindex = place->service.ifindex };
	__u8 frame[UDP_FRAME_HEADERS + INITIATION_LEN];
	__be16 port = s->config->blind.port;
	struct blind_waiting w;
	int fd, n;

	if (bpf_map_lookup_elem(s->fds[BLIND_MAP_waiting], &number, &w) || !w.since ||
	    w.since == BLIND_WRITING ||
	    jiffies_now() - w.since > BLIND_SEND_SECONDS * jiffies_a_second())
		return;
	if (place->remote)
		port = s->mapped[w.from % s->room].other_port;
	n = udp_frame(frame, &place->local, port, &place->service.to, place->service.port,
		      w.message, INITIATION_LEN);
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = n, .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb), .repeat = 1);
	fd = pin_get(s->instance, PIN_SEND);
	if (fd >= 0) {
		bpf_prog_test_run_opts(fd, &run);
		close(fd);
	}
	w.since = 0;
	bpf_map_update_elem(s->fds[BLIND_MAP_waiting], &number, &w, BPF_ANY);
}

/* Does what sites_place() says, and with check_sources what sites_place_all() says. */
static bool place_sites(struct sites *s, bool check_sources)
{
	bool *moved = s->marked, any = false, expired = false;

	for (__u32 n = 1; n < s->room; n++) {
		const struct blind_known *k = &s->known[n];

		moved[n] = *k->name &&
			   (!is_in_place(s, n) || (check_sources && has_other_source(s, n))) &&
			   (wanted_origin(k).address.family || k->displaced || s->mapped[n].place
			    [s->mapped[n].now & 1].remote);
		any |= moved[n];
		expired |= k->kept && !site_was_heard(k);
	}
	give_ports(s);
	if (!any || !move_sites(s)) {
		if (expired)
			sites_write_endpoints(s);
		return false;
	}
	for (__u32 n = 1; n < s->room; n++)
		if (moved[n])
			send_waiting(s, n);
	return true;
}

bool sites_place(struct sites *s)
{
	return place_sites(s, false);
}

bool sites_place_all(struct sites *s)
{
	return place_sites(s, true);
}

/* Adds the number of a site at an address and port. */
static void add_endpoint(struct table_entry *want, size_t *n, const struct address *a, __be16 port,
			 __u32 site)
{
	if (!a->family || !port)
		return;
	want[*n].key = (struct table_key){ a->addr,
					   table_word(KEY_ENDPOINT, a->family, port, 0) };
	want[(*n)++].site = site;
}

bool site_was_heard(const struct blind_known *k)
{
	return k->here && sites_clock() < k->here + BLIND_SECONDS * 1000;
}

/* Makes the entries for the sites' endpoints, in the order in which they take precedence. A site at
 * another relay has the endpoint from which it sends there, and keeps the one at which this host's
 * own WireGuard heard it lately. */
static void add_endpoints(struct sites *s, struct table_entry *want, size_t *n)
{
	for (__u32 i = 1; i < s->room; i++)
		if (*s->known[i].name && !site_is_remote(&s->known[i]))
			add_endpoint(want, n, &s->known[i].endpoint, s->known[i].port, i);
	for (size_t r = 0; r < s->n_ports; r++)
		for (__u32 i = 1; i < s->room; i++)
			if (*s->known[i].name)
				add_endpoint(want, n, &s->ports[r]->relay, s->ports[r]->port[i],
					     BLIND_RELAYED | i);
	for (__u32 i = 1; i < s->room; i++) {
		struct blind_known *k = &s->known[i];

		k->kept = *k->name && site_is_remote(k) && site_was_heard(k);
		if (k->kept)
			add_endpoint(want, n, &k->last, k->last_port, BLIND_REMOTE | i);
		if (*k->name && site_is_remote(k))
			add_endpoint(want, n, &k->there_endpoint, k->there_port, BLIND_REMOTE | i);
	}
}

/* Takes over from a daemon before this one what an entry of the map endpoints says about a site at
 * another relay, or about the port that another relay uses for a site. */
static void take_endpoint(struct sites *s, const struct table_entry *e)
{
	struct address a = { e->key.addr, e->key.word >> 8 };
	__u32 n = e->site & (BLIND_RELAYED - 1);
	struct blind_known *k = &s->known[n % s->room];
	__be16 port = e->key.word >> 16;

	if ((e->key.word & 0xff) != KEY_ENDPOINT || n >= s->room || !*k->name)
		return;
	if (e->site & BLIND_RELAYED && sites_has_relay(s, &a)) {
		sites_take_port(s, &a, n, port);
	} else if (e->site & BLIND_REMOTE && site_is_remote(k)) {
		k->there_endpoint = a;
		k->there_port = port;
	}
}

void sites_read_endpoints(struct sites *s)
{
	struct table_entry *entries = NULL;
	size_t n = 0;

	table_read(s->fds[BLIND_MAP_endpoints], &entries, &n);
	for (size_t i = 0; i < n; i++)
		take_endpoint(s, &entries[i]);
	free(entries);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct blind_known *const *)a)->name,
		      (*(const struct blind_known *const *)b)->name);
}

static int is_named(const void *name, const void *site)
{
	return strcmp(name, (*(const struct blind_known *const *)site)->name);
}

/* Adds the pairs of sites that may send to each other, if the configuration lists them. */
static void add_pairs(const struct sites *s, struct table_entry *want, size_t *n)
{
	const struct blind_config *c = &s->config->blind;
	const struct blind_known **sorted = c->n_pairs ? calloc(s->room, sizeof(*sorted)) : NULL;
	const struct blind_known *const *site[2];
	size_t n_sorted = 0;

	if (!sorted)
		return;
	for (__u32 i = 1; i < s->room; i++)
		if (*s->known[i].name)
			sorted[n_sorted++] = &s->known[i];
	qsort(sorted, n_sorted, sizeof(*sorted), by_name);
	for (size_t i = 0; i < c->n_pairs; i++) {
		for (size_t j = 0; j < 2; j++)
			site[j] = bsearch(c->pairs[i].name[j], sorted, n_sorted, sizeof(*sorted),
					  is_named);
		if (site[0] && site[1])
			want[(*n)++].key = blind_may_key(*site[0] - s->known, *site[1] - s->known);
	}
	free(sorted);
}

static int by_key(const void *a, const void *b)
{
	return memcmp(&((const struct table_entry *)a)->key, &((const struct table_entry *)b)->key,
		      sizeof(struct table_key));
}

/* Removes all entries with the same key but the first one, for table_sync(). They were in the order
 * of precedence: the tag keeps it while they are sorted. Returns how many are left. */
static size_t make_unique(struct table_entry *want, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++)
		want[i].tag = i;
	qsort(want, n, sizeof(*want), by_key);
	for (size_t i = 0, end; i < n; i = end) {
		size_t first = i;

		for (end = i + 1; end < n && !by_key(&want[i], &want[end]); end++)
			if (want[end].tag < want[first].tag)
				first = end;
		want[left++] = want[first];
	}
	return left;
}

void sites_write_endpoints(struct sites *s)
{
	struct table t = { .n = map_entries(s->fds[BLIND_MAP_endpoints]), .grace = table_grace };
	struct table_entry *want = calloc((2 + s->n_ports) * s->room + s->config->blind.n_pairs,
					  sizeof(*want));
	size_t n = 0, size = t.n * sizeof(struct table_bucket);
	int rc;

	t.buckets = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 s->fds[BLIND_MAP_endpoints], 0);
	if (!want || t.buckets == MAP_FAILED) {
		free(want);
		return;
	}
	add_endpoints(s, want, &n);
	add_pairs(s, want, &n);
	n = make_unique(want, n);
	rc = table_sync(&t, want, n);
	if (rc)
		control_routing_changed(s->instance, false);
	if (rc < 0)
		log_warning("blind: the table of endpoints has no room for %zu endpoints: remove "
			    "some peers", n);
	munmap(t.buckets, size);
	free(want);
}
