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

static bool may_talk(const struct blind_config *c, const char *a, const char *b)
{
	for (size_t i = 0; i < c->n_pairs; i++) {
		const struct site_pair *p = &c->pairs[i];

		if ((!strcmp(p->name[0], a) && !strcmp(p->name[1], b)) ||
		    (!strcmp(p->name[0], b) && !strcmp(p->name[1], a)))
			return true;
	}
	return !c->n_pairs;
}

__u32 sites_number(const struct sites *s, const struct wg_key *key, bool gone)
{
	__u32 n = 1;

	while (n < s->room &&
	       (gone == !!*s->known[n].name || wg_key_compare(&s->known[n].key, key)))
		n++;
	return n;
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

/* Writes to the maps which sites may talk to each other, and a number above all that are in use. */
void sites_write_pairs(const struct sites *s)
{
	struct blind_state state;
	__u32 zero = 0, end = 1;

	for (__u32 i = 1; i < s->room; i++) {
		__u64 may[BLIND_SITES_MAX / 64] = { 0 };

		for (__u32 j = 1; j < s->room && *s->known[i].name; j++)
			if (j != i && *s->known[j].name &&
			    may_talk(&s->config->blind, s->known[i].name, s->known[j].name))
				may[j / 64] |= 1ULL << j % 64;
		memcpy(s->mapped[i].may, may, sizeof(may));
		end = *s->known[i].name ? i + 1 : end;
	}
	if (bpf_map_lookup_elem(s->fds[BLIND_MAP_state], &zero, &state) || state.sites == end)
		return;
	state.sites = end;
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

/* Clears what the maps hold about the site that had this number before. */
static void forget_number(const struct sites *s, __u32 number)
{
	static const struct blind_waiting none;
	struct blind_total *cpus = calloc(libbpf_num_possible_cpus(), sizeof(*cpus));

	bpf_map_update_elem(s->fds[BLIND_MAP_waiting], &number, &none, BPF_ANY);
	for (__u32 i = 0; i < s->room && cpus; i++) {
		__u32 to = number * s->room + i, from = i * s->room + number;

		bpf_map_update_elem(s->fds[BLIND_MAP_totals], &to, cpus, BPF_ANY);
		bpf_map_update_elem(s->fds[BLIND_MAP_totals], &from, cpus, BPF_ANY);
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
		forget_number(s, n);
		s->known[n] = (struct blind_known){ .key = p->key };
	}
	strcpy(s->known[n].name, name);
	s->known[n].proven = false;
	blake2s_mac1(s->mapped[n].mac1, p->key.b);
	write_name(s, n);
	log_info("blind: site %s", name);
	return true;
}

bool sites_follow_peers(struct sites *s, const struct wg_device *d)
{
	struct wg_names names = { 0 };
	bool changed = false;

	wg_names_read(s->config->blind.device, &names);
	for (__u32 n = 1; n < s->room; n++)
		if (*s->known[n].name &&
		    (!wg_find_peer(d, &s->known[n].key) ||
		     !is_site(&s->config->blind, s->known[n].name))) {
			log_info("blind: site %s was removed", s->known[n].name);
			/* the key and the endpoint stay, because the site may be added again */
			*s->known[n].name = '\0';
			s->known[n].endpoint.family = 0;
			s->known[n].proven = false;
			s->mapped[n].place[s->mapped[n].now & 1].family = 0;
			write_name(s, n);
			changed = true;
		}
	for (size_t i = 0; i < d->n_peers; i++) {
		char name[NAME_LEN];
		__u32 n = sites_number(s, &d->peers[i].key, false);

		name_site(s, &names, &d->peers[i].key, name);
		if (n == s->room && is_site(&s->config->blind, name) &&
		    add_site(s, &d->peers[i], name)) {
			n = sites_number(s, &d->peers[i].key, false);
			changed = true;
		}
		if (n < s->room)
			s->known[n].tunnel = wg_inside(&d->peers[i]);
	}
	wg_names_free(&names);
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

/* An address and port from which a site's messages come. family 0: none is known. */
struct origin {
	struct address address;
	__be16 port;
};

/* Returns where the site should be, by what is known about it. */
static struct origin wanted_origin(const struct blind_known *k)
{
	if (site_is_remote(k))
		return (struct origin){ k->relay, k->relay_port };
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
	__be16 port = place.remote ? s->config->blind.port : from.port;

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
	place.from_port = place.remote ? from.port : 0;
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

/* Moves the marked sites to where they should be: writes the new place of each to the inactive one
 * of its two places, then makes that one active. Clears the mark of a site that cannot move.
 * Returns whether any moved. */
static bool move_sites(struct sites *s, bool moved[BLIND_SITES_MAX])
{
	struct service listener = { 0 };
	bool any = false;

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

/* Gives each site of this relay the source port of its messages to other relays. */
static void give_ports(const struct sites *s)
{
	for (__u32 n = 1; n < s->room; n++) {
		bool has = s->config->blind.n_relays && *s->known[n].name &&
			   !site_is_remote(&s->known[n]);

		s->mapped[n].other_port = has ? htons(OTHER_PORTS + n) : 0;
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
	bool moved[BLIND_SITES_MAX] = { false }, any = false;

	for (__u32 n = 1; n < s->room; n++) {
		const struct blind_known *k = &s->known[n];

		moved[n] = *k->name && !is_in_place(s, n) &&
			   (wanted_origin(k).address.family || s->mapped[n].place
			    [s->mapped[n].now & 1].remote);
		any |= moved[n];
	}
	give_ports(s);
	if (!any || !move_sites(s, moved))
		return false;
	for (__u32 n = 1; n < s->room; n++)
		if (moved[n])
			send_waiting(s, n);
	return true;
}

/* Adds the number of a site at an address and port, unless another site is there. */
static void add_endpoint(struct table_entry *want, size_t *n, const struct address *a, __be16 port,
			 __u32 number)
{
	struct table_key key = { a->addr, table_word(KEY_ENDPOINT, a->family, port, 0) };

	if (!a->family || !port)
		return;
	for (size_t i = 0; i < *n; i++)
		if (!memcmp(&want[i].key, &key, sizeof(key)))
			return;
	want[*n].key = key;
	want[(*n)++].site = number;
}

/* Makes the entries of the map endpoints. A site at another relay also keeps the endpoint at which
 * this host's own WireGuard heard it within the last minutes: it may still send to this relay.
 * Returns how many there are. */
static size_t make_endpoints(const struct sites *s, struct table_entry *want)
{
	__u64 now = sites_clock();
	size_t n = 0;

	for (__u32 i = 1; i < s->room; i++)
		if (*s->known[i].name)
			add_endpoint(want, &n, &s->known[i].endpoint, s->known[i].port, i);
	for (__u32 i = 1; i < s->room; i++) {
		const struct blind_known *k = &s->known[i];

		if (*k->name && site_is_remote(k) && now - k->here < BLIND_SECONDS * 1000)
			add_endpoint(want, &n, &k->last, k->last_port, i);
	}
	return n;
}

void sites_write_endpoints(const struct sites *s)
{
	struct table t = { .n = map_entries(s->fds[BLIND_MAP_endpoints]), .grace = table_grace };
	struct table_entry *want = calloc(2 * s->room, sizeof(*want));
	size_t n, size = t.n * sizeof(struct table_bucket);
	int rc;

	t.buckets = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 s->fds[BLIND_MAP_endpoints], 0);
	if (!want || t.buckets == MAP_FAILED) {
		free(want);
		return;
	}
	n = make_endpoints(s, want);
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
		k->port = place->remote ? place->from_port : place->service.port;
		if (place->remote) {
			k->relay = k->endpoint;
			k->relay_port = k->port;
			if (k->there < since)
				k->there = since;
		} else if (k->endpoint.family) {
			k->last = k->endpoint;
			k->last_port = k->port;
			k->proven = true;
		}
	}
}

