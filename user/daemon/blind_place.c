/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Publishes in the maps where the sites of the blind relay are: the place to which messages for a
 * site go, and the endpoints from which its messages come.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include "daemon/blind_sites.h"
#include "dataplane/control.h"
#include "lib/file.h"
#include "lib/jiffies.h"
#include "lib/log.h"
#include "dataplane/map_info.h"
#include "dataplane/pins.h"
#include "dataplane/table.h"
#include "lib/memory.h"
#include "net/packet_make.h"
#include "net/udp_socket.h"

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
	fd_close(fd);
	return done;
}

/* Finds the service and link of the blind relay's listener, under which sites are counted. */
static bool find_listener(const struct sites *s, struct service *ret)
{
	int fd = pin_get(s->instance, "table");
	struct table_entry *list = NULL;
	bool found = false;
	size_t n = 0;

	table_read(fd, &list, &n);
	for (size_t i = 0; i < n && !found; i++) {
		found = (list[i].key.word & 0xff) == KEY_BLIND;
		if (found)
			*ret = list[i].service;
	}
	free(list);
	fd_close(fd);
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

/* Fills the place of the site. The first call for several sites finds *listener. */
static bool make_place(const struct sites *s, const struct blind_known *k,
		       struct service *listener, struct blind_place *ret)
{
	struct blind_place place = { .family = k->proven ? k->last.family : 0 };

	if (!place.family) {
		*ret = place;
		return true;
	}
	if ((!listener->ifindex && !find_listener(s, listener)) ||
	    !find_source(s, &k->last, k->last_port, &place.local))
		return false;
	place.service = *listener;
	place.service.to = k->last.addr;
	place.service.port = k->last_port;
	place.sum = address_sum(&place.local, address_sum(&place.service.to, 0));
	*ret = place;
	return true;
}

static void log_place(const struct blind_known *k)
{
	char text[ADDRESS_STRLEN];

	if (!k->endpoint.family)
		log_event("blind: the address of site %s is not known any more", k->name);
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

		if (!moved[n])
			continue;
		__atomic_store_n(&s->mapped[n].now, !(s->mapped[n].now & 1), __ATOMIC_SEQ_CST);
		s->mapped[n].since = time(NULL);
		k->endpoint = k->proven ? k->last : (struct address){ 0 };
		k->port = k->proven ? k->last_port : 0;
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

/* Returns whether the maps have the site where it should be. */
static bool is_in_place(const struct blind_known *k)
{
	if (!k->proven)
		return !k->endpoint.family;
	return address_equal(&k->endpoint, &k->last) && k->port == k->last_port;
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

/* Sends the initiation that the data path stored because the address of the site was unknown. */
static void send_waiting(const struct sites *s, __u32 number)
{
	const struct blind_place *place = &s->mapped[number].place[s->mapped[number].now & 1];
	struct __sk_buff skb = { .ifindex = place->service.ifindex };
	__u8 frame[UDP_FRAME_HEADERS + INITIATION_LEN];
	struct blind_waiting w;
	int fd, n;

	if (bpf_map_lookup_elem(s->fds[BLIND_MAP_waiting], &number, &w) || !w.since ||
	    w.since == BLIND_WRITING ||
	    jiffies_now() - w.since > BLIND_SEND_SECONDS * jiffies_a_second())
		return;
	n = udp_frame(frame, &place->local, s->config->blind.port, &place->service.to,
		      place->service.port, w.message, INITIATION_LEN);
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

bool sites_place(struct sites *s, bool check_sources)
{
	bool *moved = s->marked, any = false;

	for (__u32 n = 1; n < s->room; n++) {
		const struct blind_known *k = &s->known[n];

		moved[n] = *k->name &&
			   (!is_in_place(k) || (check_sources && has_other_source(s, n))) &&
			   (k->proven || k->displaced);
		any |= moved[n];
	}
	if (!any || !move_sites(s))
		return false;
	for (__u32 n = 1; n < s->room; n++)
		if (moved[n])
			send_waiting(s, n);
	return true;
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
	const struct blind_known *const *site[2];
	const struct blind_known **sorted;
	size_t n_sorted = 0;

	if (!c->n_pairs)
		return;
	sorted = xcalloc(s->room, sizeof(*sorted));
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
	const struct table_entry *x = a, *y = b;

	return memcmp(&x->key, &y->key, sizeof(x->key)) ?:
	       (x->site > y->site) - (x->site < y->site);
}

/* Removes all entries with the same key but the one of the lowest site, for table_sync(). Returns
 * how many are left. */
static size_t make_unique(struct table_entry *want, size_t n)
{
	size_t left = 0;

	qsort(want, n, sizeof(*want), by_key);
	for (size_t i = 0; i < n; i++)
		if (!left || memcmp(&want[i].key, &want[left - 1].key, sizeof(want->key)))
			want[left++] = want[i];
	return left;
}

void sites_write_endpoints(const struct sites *s)
{
	struct table t = { .n = map_entries(s->fds[BLIND_MAP_endpoints]), .grace = table_grace };
	struct table_entry *want = xcalloc(s->room + s->config->blind.n_pairs, sizeof(*want));
	size_t n = 0, size = t.n * sizeof(struct table_bucket);
	int rc;

	t.buckets = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 s->fds[BLIND_MAP_endpoints], 0);
	if (t.buckets == MAP_FAILED) {
		free(want);
		return;
	}
	for (__u32 i = 1; i < s->room; i++) {
		const struct blind_known *k = &s->known[i];

		if (!*k->name || !k->endpoint.family)
			continue;
		want[n].key = (struct table_key){
			k->endpoint.addr, table_word(KEY_ENDPOINT, k->endpoint.family, k->port, 0),
		};
		want[n++].site = i;
	}
	add_pairs(s, want, &n);
	n = make_unique(want, n);
	rc = table_sync(&t, want, n);
	if (rc)
		control_routing_changed(s->instance, false);
	if (rc < 0)
		log_warning("blind: the table of endpoints has no room for %zu endpoints: remove some peers", n);
	munmap(t.buckets, size);
	free(want);
}
