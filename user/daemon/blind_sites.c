/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the sites of the blind relay and their endpoints from WireGuard, and writes the maps.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "blake2s.h"
#include "daemon/blind_sites.h"
#include "dataplane/control.h"
#include "lib/jiffies.h"
#include "lib/log.h"
#include "dataplane/map_info.h"
#include "dataplane/pins.h"
#include "dataplane/table.h"
#include "net/udp_frame.h"
#include "net/udp_socket.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof(*(a)))
#define OTHER_PORTS 1024	/* source ports of messages to other relays follow this one */

static const char *const map_names[] = {
	"blind_sites", "blind_names", "endpoints", "sessions", "hints", "blind_waiting",
	"blind_state", "blind_totals",
};

/* ---- time ---- */

static __u64 ms_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

__u64 sites_clock(void)
{
	static __u64 ahead;

	ahead = ahead ?: ms_of(CLOCK_REALTIME) - ms_of(CLOCK_BOOTTIME);
	return ms_of(CLOCK_BOOTTIME) + ahead;
}

/* Returns the sites_clock() of a time of day in ms since 1970, which is not later than now. */
static __u64 of_clock(__u64 time_of_day)
{
	__u64 now = ms_of(CLOCK_REALTIME);

	return sites_clock() - (now > time_of_day ? now - time_of_day : 0);
}

/* ---- maps ---- */

void sites_close(struct sites *s)
{
	if (s->mapped)
		munmap(s->mapped, s->room * sizeof(*s->mapped));
	for (size_t i = 0; i < BLIND_MAPS; i++)
		if (s->fds[i] >= 0)
			close(s->fds[i]);
	s->mapped = NULL;
	memset(s->fds, -1, sizeof(s->fds));
}

int sites_open(struct sites *s)
{
	sites_close(s);
	for (size_t i = 0; i < BLIND_MAPS; i++) {
		s->fds[i] = pin_get(s->instance, "%s", map_names[i]);
		if (s->fds[i] < 0)
			return s->fds[i];
	}
	s->room = map_entries(s->fds[BLIND_MAP_sites]);
	if (s->room < 2)
		return -ENOENT;
	s->mapped = mmap(NULL, s->room * sizeof(*s->mapped), PROT_READ | PROT_WRITE, MAP_SHARED,
			 s->fds[BLIND_MAP_sites], 0);
	if (s->mapped != MAP_FAILED)
		return 0;
	s->mapped = NULL;
	return -errno;
}

bool sites_are_others(const struct sites *s)
{
	int fd = pin_get(s->instance, "%s", map_names[BLIND_MAP_sites]);
	bool others = fd < 0 || map_entries(fd) != s->room;

	if (fd >= 0)
		close(fd);
	return others;
}

/* ---- which sites there are ---- */

static bool is_site(const struct blind_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_sites; i++)
		if (!strcmp(c->sites[i].name, name))
			return true;
	return !c->n_sites;
}

/* ---- numbers by key ---- */

/* Returns where the number of the site with this key is, or should be. */
static size_t key_place(const struct sites *s, const struct wg_key *key)
{
	__u64 hash;
	size_t at;

	memcpy(&hash, key, sizeof(hash));
	at = hash * 0x9fb21c651e98df25ULL >> 40;
	while (s->by_key[at % ARRAY_LEN(s->by_key)] &&
	       wg_key_compare(&s->known[s->by_key[at % ARRAY_LEN(s->by_key)]].key, key))
		at++;
	return at % ARRAY_LEN(s->by_key);
}

static void index_all(struct sites *s)
{
	memset(s->by_key, 0, sizeof(s->by_key));
	s->n_by_key = 0;
	for (__u32 n = 1; n < s->room; n++)
		if (!wg_key_is_none(&s->known[n].key)) {
			s->by_key[key_place(s, &s->known[n].key)] = n;
			s->n_by_key++;
		}
}

/* Adds a site whose key is new to the index. */
static void index_site(struct sites *s, __u32 number)
{
	if (s->n_by_key >= ARRAY_LEN(s->by_key) / 4 * 3) {
		index_all(s);
		return;
	}
	s->by_key[key_place(s, &s->known[number].key)] = number;
	s->n_by_key++;
}

__u32 sites_number(const struct sites *s, const struct wg_key *key, bool gone)
{
	__u32 n = s->by_key[key_place(s, key)];

	return n && gone == !*s->known[n].name ? n : s->room;
}

/* Sets ret to the site's name: from `peers:` in the configuration, else from WireGuard's file. */
static void name_site(const struct sites *s, const struct wg_names *names, const struct wg_key *key,
		      char ret[NAME_LEN])
{
	for (size_t i = 0; i < s->config->n_peers; i++)
		if (!wg_key_compare(&s->config->peers[i].key, key)) {
			strcpy(ret, s->config->peers[i].name);
			return;
		}
	wg_name_of(names, key, ret);
}

static void write_name(const struct sites *s, __u32 number)
{
	const struct blind_known *k = &s->known[number];
	struct peer_name name = { 0 };

	strcpy(name.name, k->name);
	memcpy(name.key, &k->key, sizeof(name.key));
	bpf_map_update_elem(s->fds[BLIND_MAP_names], &number, &name, BPF_ANY);
}

/* Writes to the maps whether every site may send to every other one, and a number above all that are
 * in use. The pairs of a list are in the map endpoints. */
void sites_write_pairs(const struct sites *s)
{
	__u32 zero = 0, end = 1, all = !s->config->blind.n_pairs;
	struct blind_state state;

	for (__u32 i = 1; i < s->room; i++)
		end = *s->known[i].name ? i + 1 : end;
	if (bpf_map_lookup_elem(s->fds[BLIND_MAP_state], &zero, &state) ||
	    (state.sites == end && state.may_all == all))
		return;
	state.sites = end;
	state.may_all = all;
	bpf_map_update_elem(s->fds[BLIND_MAP_state], &zero, &state, BPF_ANY);
}

/* Returns a number that no site ever had or, if there is none, that of a removed site, which
 * sessions in the maps may still contain. Returns s->room if all are in use. */
static __u32 free_number(const struct sites *s)
{
	struct blind_state state = { 0 };
	__u32 zero = 0, n;

	bpf_map_lookup_elem(s->fds[BLIND_MAP_state], &zero, &state);
	for (n = state.sites ?: 1; n < s->room && *s->known[n].name; n++)
		;
	for (__u32 i = 1; n == s->room && i < s->room; i++)
		n = *s->known[i].name ? n : i;
	return n;
}

#define AT_ONCE 4096			/* elements that one system call reads */

/* Clears the counters of one element of blind_totals, on each CPU, if they are of this site. */
static void clear_total(const struct sites *s, __u32 at, struct blind_total *cpus, __u32 number)
{
	int n_cpus = libbpf_num_possible_cpus();
	bool found = false;

	for (int c = 0; c < n_cpus; c++)
		if (cpus[c].from && (cpus[c].from == number || cpus[c].to == number)) {
			cpus[c].packets = cpus[c].bytes = 0;
			found = true;
		}
	if (found)
		bpf_map_update_elem(s->fds[BLIND_MAP_totals], &at, cpus, BPF_ANY);
}

/* Clears what the maps hold about the site that had this number before. */
static void forget_number(const struct sites *s, __u32 number)
{
	size_t n_cpus = libbpf_num_possible_cpus();
	struct blind_total *cpus = calloc(AT_ONCE * n_cpus, sizeof(*cpus));
	__u32 keys[AT_ONCE], count = AT_ONCE, next;
	static const struct blind_waiting none;
	int rc = !cpus;

	bpf_map_update_elem(s->fds[BLIND_MAP_waiting], &number, &none, BPF_ANY);
	for (bool begun = false; !rc && count; begun = true) {
		count = AT_ONCE;
		/* the call also fails with the last elements */
		rc = bpf_map_lookup_batch(s->fds[BLIND_MAP_totals], begun ? &next : NULL, &next,
					  keys, cpus, &count, NULL);
		for (__u32 i = 0; i < count; i++)
			clear_total(s, keys[i], &cpus[i * n_cpus], number);
	}
	free(cpus);
}

/* Adds a site. If it was removed before, for example with its device, it gets its old number
 * back. */
static bool add_site(struct sites *s, const struct wg_peer *p, const char *name)
{
	__u32 former = sites_number(s, &p->key, true);
	__u32 n = former < s->room ? former : free_number(s);

	if (n == s->room) {
		log_warning("blind: there is no room for site %s besides %u others: run `wgxdp "
			    "down` and `wgxdp up`",
			    name, n - 1);
		return false;
	}
	if (n != former) {
		if (!wg_key_is_none(&s->known[n].key))
			forget_number(s, n);
		s->known[n] = (struct blind_known){ .key = p->key };
		index_site(s, n);
	}
	strcpy(s->known[n].name, name);
	s->known[n].proven = false;
	blake2s_mac1(s->mapped[n].mac1, p->key.b);
	write_name(s, n);
	log_info("blind: site %s", name);
	return true;
}

/* Removes a site. Its key and its last endpoint stay, because it may be added again. */
static void remove_site(struct sites *s, __u32 n)
{
	log_info("blind: site %s was removed", s->known[n].name);
	*s->known[n].name = '\0';
	s->known[n].endpoint.family = 0;
	s->known[n].proven = false;
	s->mapped[n].place[s->mapped[n].now & 1].family = 0;
	write_name(s, n);
}

/* Adds the peers that are sites and are not known yet. Returns whether there were any. */
static bool add_sites(struct sites *s, const struct wg_device *d)
{
	struct wg_names names = { 0 };
	bool read = false, changed = false;

	for (size_t i = 0; i < d->n_peers; i++) {
		char name[NAME_LEN];

		if (sites_number(s, &d->peers[i].key, false) < s->room)
			continue;
		if (!read)
			wg_names_read(s->config->blind.device, &names);
		read = true;
		name_site(s, &names, &d->peers[i].key, name);
		changed |= is_site(&s->config->blind, name) && add_site(s, &d->peers[i], name);
	}
	wg_names_free(&names);
	return changed;
}

bool sites_follow_peers(struct sites *s, const struct wg_device *d)
{
	bool changed = add_sites(s, d);

	memset(s->marked, 0, s->room * sizeof(*s->marked));
	for (size_t i = 0; i < d->n_peers; i++) {
		__u32 n = sites_number(s, &d->peers[i].key, false);

		if (n == s->room)
			continue;
		s->marked[n] = true;
		s->known[n].tunnel = wg_inside(&d->peers[i]);
	}
	for (__u32 n = 1; n < s->room; n++)
		if (*s->known[n].name &&
		    (!s->marked[n] || !is_site(&s->config->blind, s->known[n].name))) {
			remove_site(s, n);
			changed = true;
		}
	return changed;
}

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
		memcpy(ret, &from.sin6_addr, sizeof(*ret));
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
		log_info("blind: the address of site %s is not known any more", k->name);
	else if (site_is_remote(k))
		log_info("blind: site %s is at the relay %s", k->name,
			 address_format(&k->endpoint, text));
	else
		log_info("blind: site %s is at %s", k->name,
			 endpoint_format(&k->endpoint, k->port, text));
}

/* Moves the sites in s->marked to where they should be: writes the new place of each to the inactive one
 * of its two places, then makes that one active. Clears the mark of a site that cannot move.
 * Returns whether any moved. */
static bool move_sites(struct sites *s)
{
	struct service listener = { 0 };
	bool *moved = s->marked, any = false;

	table_grace();	/* wait for readers of the places that are about to change */
	for (__u32 n = 1; n < s->room; n++) {
		struct blind_site *site = &s->mapped[n];

		moved[n] = moved[n] && make_place(s, &s->known[n], &listener,
						  &site->place[!(site->now & 1)]);
		any |= moved[n];
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
		log_place(k);
	}
	/* Forget decisions that the data path cached for the former places. */
	control_routing_changed(s->instance, false);
	sites_write_endpoints(s);
	return true;
}

/* Returns whether the active place of the site is where the site should be, and the relay sends
 * there from the address that it shares with another relay. */
static bool is_in_place(const struct sites *s, __u32 n)
{
	const struct blind_known *k = &s->known[n];
	const struct blind_place *place = &s->mapped[n].place[s->mapped[n].now & 1];
	struct origin from = wanted_origin(k);
	const struct address *shared =
		&s->config->blind.pair.shared[from.address.family == FAMILY_IPV6];

	return address_equal(&k->endpoint, &from.address) && k->port == from.port &&
	       place->remote == site_is_remote(k) &&
	       (!shared->family || !memcmp(&place->local, &shared->addr, sizeof(place->local)));
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
	    jiffies_now() - w.since > (BLIND_WAITING_SECONDS - 5) * jiffies_a_second())
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

bool sites_place(struct sites *s)
{
	bool *moved = s->marked, any = false;

	for (__u32 n = 1; n < s->room; n++) {
		const struct blind_known *k = &s->known[n];

		moved[n] = *k->name && !is_in_place(s, n) &&
			   (wanted_origin(k).address.family || s->mapped[n].place
			    [s->mapped[n].now & 1].remote);
		any |= moved[n];
	}
	give_ports(s);
	if (!any || !move_sites(s))
		return false;
	for (__u32 n = 1; n < s->room; n++)
		if (moved[n])
			send_waiting(s, n);
	return true;
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
 * another relay also keeps the endpoint at which this host's own WireGuard heard it lately. */
static void add_endpoints(const struct sites *s, struct table_entry *want, size_t *n)
{
	for (__u32 i = 1; i < s->room; i++)
		if (*s->known[i].name && !site_is_remote(&s->known[i]))
			add_endpoint(want, n, &s->known[i].endpoint, s->known[i].port, i);
	for (size_t r = 0; r < s->n_ports; r++)
		for (__u32 i = 1; i < s->room; i++)
			if (*s->known[i].name)
				add_endpoint(want, n, &s->ports[r].relay, s->ports[r].port[i],
					     BLIND_RELAYED | i);
	for (__u32 i = 1; i < s->room; i++) {
		const struct blind_known *k = &s->known[i];

		if (*k->name && site_is_remote(k) && site_was_heard(k))
			add_endpoint(want, n, &k->last, k->last_port, i);
	}
}

static int by_name(const void *a, const void *b, void *known)
{
	const struct blind_known *list = known;

	return strcmp(list[*(const __u32 *)a].name, list[*(const __u32 *)b].name);
}

/* Returns the number of the site with this name, or 0. order: the sites' numbers, sorted by
 * name. */
static __u32 number_of_name(const struct sites *s, const __u32 *order, size_t n, const char *name)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(s->known[order[middle]].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && !strcmp(s->known[order[low]].name, name) ? order[low] : 0;
}

/* Adds the pairs of sites that may send to each other, if the configuration lists them. */
static void add_pairs(const struct sites *s, struct table_entry *want, size_t *n)
{
	const struct blind_config *c = &s->config->blind;
	__u32 *order = c->n_pairs ? calloc(s->room, sizeof(*order)) : NULL, a, b;
	size_t n_order = 0;

	if (!order)
		return;
	for (__u32 i = 1; i < s->room; i++)
		if (*s->known[i].name)
			order[n_order++] = i;
	qsort_r(order, n_order, sizeof(*order), by_name, (void *)s->known);
	for (size_t i = 0; i < c->n_pairs; i++) {
		a = number_of_name(s, order, n_order, c->pairs[i].name[0]);
		b = number_of_name(s, order, n_order, c->pairs[i].name[1]);
		if (a && b)
			want[(*n)++].key = blind_may_key(a, b);
	}
	free(order);
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

void sites_write_endpoints(const struct sites *s)
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

/* Returns the time of the latest handshake in ms since 1970; 0: none. */
static __u64 handshake_of(const struct wg_peer *p)
{
	return p->handshake * 1000 + p->handshake_nsec / 1000000;
}

/* Returns whether WireGuard has received data or ended a handshake since it was last read. Bytes of
 * initiations alone prove nothing: an attacker can repeat one that the site sent to another relay
 * with this key. WireGuard counts it and moves the endpoint, but no handshake ends. */
static bool is_heard(const struct blind_known *k, const struct wg_peer *p, bool *data)
{
	__u64 more = k->received && p->rx_bytes > k->received ? p->rx_bytes - k->received : 0;

	*data = more % INITIATION_LEN;
	return *data || (p->handshake && handshake_of(p) != k->handshake);
}

/* Stores when this host's own WireGuard last heard the site. Data came at some time after `before`.
 * Returns whether it has heard the site since it was last read. */
static bool hear(struct blind_known *k, const struct wg_peer *p, __u64 before)
{
	bool data, heard = is_heard(k, p, &data);
	__u64 ended = heard && handshake_of(p) != k->handshake ? of_clock(handshake_of(p)) : 0;

	if (data && before > k->here)
		k->here = before;
	if (ended > k->here)
		k->here = ended;
	k->received = p->rx_bytes;
	k->handshake = handshake_of(p);
	return heard;
}

void sites_keep_endpoint(const struct sites *s, const struct wg_peer *p, __u32 number)
{
	const struct blind_known *k = &s->known[number];
	bool data;

	if (p->rx_bytes > k->received && !is_heard(k, p, &data) && k->proven &&
	    !site_is_remote(k))
		wg_set_endpoint(s->config->blind.device, &k->key, &k->last, k->last_port);
}

bool sites_follow_endpoints(struct sites *s, const struct wg_device *d, __u64 before)
{
	for (size_t i = 0; i < d->n_peers; i++) {
		const struct wg_peer *p = &d->peers[i];
		__u32 n = sites_number(s, &p->key, false);
		struct blind_known *k = &s->known[n % s->room];

		if (n == s->room)
			continue;
		sites_keep_endpoint(s, p, n);
		if (!hear(k, p, before) || site_is_remote(k) || !p->endpoint.family ||
		    !p->handshake)
			continue;
		k->last = p->endpoint;
		k->last_port = p->endpoint_port;
		k->proven = true;
	}
	return sites_place(s);
}

static bool is_relay(const struct blind_config *c, const struct address *a)
{
	for (size_t i = 0; i < c->n_relays; i++)
		if (address_equal(&c->relays[i].address, a))
			return true;
	return false;
}

void sites_leave_relays(struct sites *s)
{
	for (__u32 n = 1; n < s->room; n++)
		if (!is_relay(&s->config->blind, &s->known[n].relay))
			s->known[n].relay = (struct address){ 0 };
	for (size_t r = s->n_ports; r--;)
		if (!is_relay(&s->config->blind, &s->ports[r].relay)) {
			free(s->ports[r].port);
			s->ports[r] = s->ports[--s->n_ports];
		}
}

/* Returns the ports that a relay uses, or NULL if there is no memory. */
static __be16 *ports_of(struct sites *s, const struct address *relay)
{
	__be16 *port;

	for (size_t r = 0; r < s->n_ports; r++)
		if (address_equal(&s->ports[r].relay, relay))
			return s->ports[r].port;
	port = s->n_ports < RELAYS_MAX ? calloc(BLIND_SITES_MAX, sizeof(*port)) : NULL;
	if (port)
		s->ports[s->n_ports++] = (struct sites_ports){ *relay, port };
	return port;
}

bool sites_take_port(struct sites *s, const struct address *relay, __u32 number, __be16 port)
{
	__be16 *list = ports_of(s, relay);

	if (!list || list[number] == port)
		return false;
	/* The relay may have used the port for another site before it began again. */
	for (__u32 n = 1; n < s->room; n++)
		if (list[n] == port)
			list[n] = 0;
	list[number] = port;
	return true;
}

/* Returns the site of a peer if its last endpoint is known, or NULL. */
static const struct blind_known *known_peer(const struct sites *s, const struct wg_peer *p)
{
	const struct blind_known *k = &s->known[sites_number(s, &p->key, false) % s->room];

	return *k->name && k->last.family ? k : NULL;
}

void sites_remind(const struct sites *s, const struct wg_device *d, bool *due)
{
	for (size_t i = 0; i < d->n_peers; i++) {
		const struct wg_peer *p = &d->peers[i];
		const struct blind_known *k = known_peer(s, p);

		if (p->handshake || !k || site_is_remote(k) ||
		    (!p->endpoint.family && wg_set_endpoint(s->config->blind.device, &k->key,
							    &k->last, k->last_port)))
			continue;
		if (due)
			due[k - s->known] = true;
		else
			sites_nudge(s, k - s->known);
	}
}

void sites_give_endpoints(const struct sites *s, const struct wg_device *d, bool *due)
{
	for (size_t i = 0; i < d->n_peers; i++) {
		const struct blind_known *k = known_peer(s, &d->peers[i]);

		if (k)
			due[k - s->known] = !wg_set_endpoint(s->config->blind.device, &k->key,
							     &k->last, k->last_port);
	}
}

void sites_nudge(const struct sites *s, __u32 number)
{
	wg_nudge(s->config->blind.device, &s->known[number].tunnel);
}

void sites_call(const struct sites *s, __u32 number)
{
	const struct blind_site *site = &s->mapped[number];
	const struct in6_addr *to = (const struct in6_addr *)&site->candidate;
	struct address a = {
		site->candidate, IN6_IS_ADDR_V4MAPPED(to) ? FAMILY_IPV4 : FAMILY_IPV6,
	};

	if (!wg_set_endpoint(s->config->blind.device, &s->known[number].key, &a,
			     site->candidate_port))
		sites_nudge(s, number);
}

void sites_take_key(struct sites *s, const struct wg_key *key)
{
	if (!wg_key_compare(&s->known[0].key, key))
		return;
	s->known[0].key = *key;
	blake2s_mac1(s->mapped[0].mac1, key->b);
}

void sites_read_running(struct sites *s)
{
	for (__u32 n = 1; n < s->room; n++) {
		const struct blind_place *place = &s->mapped[n].place[s->mapped[n].now & 1];
		struct blind_known *k = &s->known[n];
		__u64 since = of_clock(s->mapped[n].since * 1000);
		struct peer_name name;

		*k->name = '\0';	/* a removed site stays in `known`, without a name */
		if (bpf_map_lookup_elem(s->fds[BLIND_MAP_names], &n, &name) || !*name.name)
			continue;
		if (memcmp(&k->key, name.key, sizeof(k->key)))
			*k = (struct blind_known){ 0 };
		strcpy(k->name, name.name);
		memcpy(&k->key, name.key, sizeof(k->key));
		k->endpoint = (struct address){ place->service.to, place->family };
		k->port = place->remote ? 0 : place->service.port;
		if (place->remote) {
			k->relay = k->endpoint;
			if (k->there < since)
				k->there = since;
		} else if (k->endpoint.family) {
			k->last = k->endpoint;
			k->last_port = k->port;
			k->proven = true;
		}
	}
	index_all(s);
}

