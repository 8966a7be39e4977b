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

static const char *const map_names[] = {
	"blind_sites", "blind_names", "endpoints", "sessions", "hints", "blind_waiting",
	"blind_state", "blind_totals",
};

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

/* Fills the place of the site at its last endpoint. The first call for several sites finds
 * *listener. */
static bool make_place(const struct sites *s, const struct blind_known *k,
		       struct service *listener, struct blind_place *ret)
{
	struct blind_place place = { .family = k->last.family };

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

/* Moves the marked sites to their last endpoints: writes the new place of each to the inactive one
 * of its two places, then makes that one active. Clears the mark of a site that cannot move.
 * Returns whether any moved. */
static bool move_sites(struct sites *s, bool moved[BLIND_SITES_MAX])
{
	struct service listener = { 0 };
	char text[ADDRESS_STRLEN];
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

		if (!moved[n])
			continue;
		__atomic_store_n(&s->mapped[n].now, !(s->mapped[n].now & 1), __ATOMIC_SEQ_CST);
		s->mapped[n].since = time(NULL);
		k->endpoint = k->last;
		k->port = k->last_port;
		k->proven = true;
		log_info("blind: site %s is at %s", k->name,
			 endpoint_format(&k->endpoint, k->port, text));
	}
	/* Forget decisions that the data path cached for the former places. */
	control_routing_changed(s->instance, false);
	sites_write_endpoints(s);
	return true;
}

/* Returns whether the active place of the site is its last endpoint, and the relay sends there from
 * the address that it shares with another relay. */
static bool is_in_place(const struct sites *s, __u32 n)
{
	const struct blind_known *k = &s->known[n];
	const struct address *shared =
		&s->config->blind.pair.shared[k->last.family == FAMILY_IPV6];
	const struct blind_place *place = &s->mapped[n].place[s->mapped[n].now & 1];

	return address_equal(&k->endpoint, &k->last) && k->port == k->last_port &&
	       (!shared->family || !memcmp(&place->local, &shared->addr, sizeof(place->local)));
}

bool sites_place_proven(struct sites *s)
{
	bool moved[BLIND_SITES_MAX] = { false }, any = false;

	for (__u32 n = 1; n < s->room; n++) {
		const struct blind_known *k = &s->known[n];

		moved[n] = *k->name && k->last.family && k->proven && !is_in_place(s, n);
		any |= moved[n];
	}
	return any && move_sites(s, moved);
}

void sites_write_endpoints(const struct sites *s)
{
	struct table t = { .n = map_entries(s->fds[BLIND_MAP_endpoints]), .grace = table_grace };
	struct table_entry want[BLIND_SITES_MAX] = { 0 };
	size_t n = 0, size = t.n * sizeof(struct table_bucket);
	int rc;

	t.buckets = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 s->fds[BLIND_MAP_endpoints], 0);
	if (t.buckets == MAP_FAILED)
		return;
	for (__u32 i = 1; i < s->room; i++) {
		const struct blind_known *k = &s->known[i];
		struct table_key key = { k->endpoint.addr,
					 table_word(KEY_ENDPOINT, k->endpoint.family, k->port, 0) };
		bool twice = false;

		for (size_t j = 0; j < n; j++)
			twice |= !memcmp(&want[j].key, &key, sizeof(key));
		if (!*k->name || !k->endpoint.family || twice)
			continue;
		want[n].key = key;
		want[n++].site = i;
	}
	rc = table_sync(&t, want, n);
	if (rc)
		control_routing_changed(s->instance, false);
	if (rc < 0)
		log_warning("blind: the table of endpoints has no room for %zu endpoints: remove "
			    "some peers", n);
	munmap(t.buckets, size);
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
	    jiffies_now() - w.since > (BLIND_WAITING_SECONDS - 5) * jiffies_a_second())
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

bool sites_follow_endpoints(struct sites *s, const struct wg_device *d)
{
	bool moved[BLIND_SITES_MAX] = { false }, any = false;

	for (size_t i = 0; i < d->n_peers; i++) {
		const struct wg_peer *p = &d->peers[i];
		__u32 n = sites_number(s, &p->key, false);

		if (n == s->room || !p->endpoint.family || !p->handshake ||
		    (address_equal(&p->endpoint, &s->known[n].endpoint) &&
		     p->endpoint_port == s->known[n].port))
			continue;
		s->known[n].last = p->endpoint;
		s->known[n].last_port = p->endpoint_port;
		moved[n] = any = true;
	}
	if (!any || !move_sites(s, moved))
		return false;
	for (__u32 n = 1; n < s->room; n++)
		if (moved[n])
			send_waiting(s, n);
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

		if (p->handshake || !k ||
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
		struct peer_name name;

		*k->name = '\0';	/* a removed site stays in `known`, without a name */
		if (bpf_map_lookup_elem(s->fds[BLIND_MAP_names], &n, &name) || !*name.name)
			continue;
		if (memcmp(&k->key, name.key, sizeof(k->key)))
			*k = (struct blind_known){ 0 };
		strcpy(k->name, name.name);
		memcpy(&k->key, name.key, sizeof(k->key));
		k->endpoint = (struct address){ place->service.to, place->family };
		k->port = place->service.port;
		if (k->endpoint.family) {
			k->last = k->endpoint;
			k->last_port = k->port;
			k->proven = true;
		}
	}
}

