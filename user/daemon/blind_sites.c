/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Opens the maps of the blind relay, and writes which sites there are: the peers of this host's own
 * WireGuard.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/mman.h>
#include "blake2s.h"
#include "daemon/blind_sites.h"
#include "lib/file.h"
#include "lib/jiffies.h"
#include "lib/log.h"
#include "dataplane/map_info.h"
#include "dataplane/pins.h"
#include "lib/memory.h"
#include "plan/site_names.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof(*(a)))

static const char *const map_names[] = {
	"blind_sites", "blind_names", "endpoints", "sessions", "blind_waiting",
	"blind_state", "blind_totals", "blind_pairs",
};

/* ---- maps ---- */

static void *map_array(int fd, size_t size, int protection)
{
	void *at = mmap(NULL, size, protection, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

void sites_close(struct sites *s)
{
	if (s->mapped)
		munmap(s->mapped, s->room * sizeof(*s->mapped));
	if (s->buckets)
		munmap((void *)s->buckets, s->n_buckets * sizeof(*s->buckets));
	s->mapped = NULL;
	s->buckets = NULL;
	for (size_t i = 0; i < BLIND_MAPS; i++)
		fd_close(s->fds[i]);
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
	s->n_buckets = map_entries(s->fds[BLIND_MAP_sessions]);
	s->buckets = map_array(s->fds[BLIND_MAP_sessions], s->n_buckets * sizeof(*s->buckets),
			       PROT_READ);
	s->mapped = map_array(s->fds[BLIND_MAP_sites], s->room * sizeof(*s->mapped),
			      PROT_READ | PROT_WRITE);
	if (s->mapped && s->buckets)
		return 0;
	sites_close(s);
	return -ENOMEM;
}

struct blind_session sites_entry(const struct sites *s, size_t i)
{
	const struct blind_session *from = &s->buckets[i / BLIND_WAYS].way[i % BLIND_WAYS];
	struct blind_session e;

	e.key = __atomic_load_n(&from->key, __ATOMIC_ACQUIRE);
	e.value = __atomic_load_n(&from->value, __ATOMIC_ACQUIRE);
	/* a writer sets the key to 0 while it replaces the value */
	if (__atomic_load_n(&from->key, __ATOMIC_RELAXED) != e.key || !e.key)
		return (struct blind_session){ 0 };
	return e;
}

bool sites_are_others(const struct sites *s)
{
	int fd = pin_get(s->instance, "%s", map_names[BLIND_MAP_sites]);
	bool others = fd < 0 || map_entries(fd) != s->room;

	fd_close(fd);
	return others;
}

/* ---- which sites there are ---- */

void sites_list(struct sites *s)
{
	const struct blind_config *c = &s->config->blind;

	s->rename = true;
	free(s->listed);
	s->n_listed = c->n_sites ?: 2 * c->n_pairs;
	s->listed = xcalloc(s->n_listed, sizeof(*s->listed));
	for (size_t i = 0; i < s->n_listed; i++)
		strcpy(s->listed[i].name, c->n_sites ? c->sites[i].name :
		       c->pairs[i / 2].name[i % 2]);
	site_names_sort(s->listed, s->n_listed);
}

/* Returns whether the configuration lists this name, or makes all peers sites. */
static bool is_site(const struct sites *s, const char *name)
{
	return !s->config->blind.n_sites || site_names_have(s->listed, s->n_listed, name);
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
	s->unused = 1;
	for (__u32 n = 1; n < s->room; n++)
		if (!wg_key_is_none(&s->known[n].key)) {
			s->by_key[key_place(s, &s->known[n].key)] = n;
			s->n_by_key++;
			s->unused = n + 1;
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

/* ---- names ---- */

struct names {			/* names of the peers; zeros: they were not read yet */
	struct wg_names list;
	bool read, in_file;		/* in_file: WireGuard's file has names */
	struct site_name *sorted;	/* the names of `list`, sorted; NULL: not sorted yet */
};

/* Reads the names before their first use: with many peers this takes long. */
static void read_names(const struct sites *s, struct names *names)
{
	if (!names->read)
		names->in_file = site_names_read(s->config, &names->list);
	names->read = true;
}

/* Returns whether a peer has this name in the configuration or in WireGuard's file. */
static bool is_taken(struct names *names, const char *name)
{
	size_t n = names->list.n;

	if (!names->sorted) {
		names->sorted = xcalloc(n, sizeof(*names->sorted));
		for (size_t i = 0; i < n; i++)
			strcpy(names->sorted[i].name, names->list.list[i].name);
		site_names_sort(names->sorted, n);
	}
	return site_names_have(names->sorted, n, name);
}

#define SETTLED_MS 1000 /* a file that changed later may be incomplete */

/* Returns whether to compare the names of all sites: the configuration or WireGuard's file has
 * changed. */
static bool names_are_due(struct sites *s)
{
	long long time = wg_names_time(s->config->blind.device);
	bool settled = sites_time() - time > SETTLED_MS;	/* or the clock was set back */

	if (!s->rename && (!settled || time == s->names_time))
		return false;
	s->rename = false;
	s->names_time = settled ? time : 0;
	return true;
}

static void write_name(const struct sites *s, __u32 number)
{
	const struct blind_known *k = &s->known[number];
	struct peer_name name = { 0 };

	strcpy(name.name, k->name);
	memcpy(name.key, &k->key, sizeof(name.key));
	bpf_map_update_elem(s->fds[BLIND_MAP_names], &number, &name, BPF_ANY);
}

/* Writes to the maps whether every site may send to every other one, and a number above all that
 * are in use. The pairs of a list are in the map endpoints. */
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
	n = state.sites > s->unused ? state.sites : s->unused;
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
	struct blind_total *cpus = xcalloc(AT_ONCE * n_cpus, sizeof(*cpus));
	__u32 keys[AT_ONCE], count = AT_ONCE, next;
	static const struct blind_waiting none;
	int rc = 0;

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

/* Returns whether no message between the two sites has used their entry as long as a session lasts.
 * Their sessions have ended then, and the entry is not needed. */
static bool pair_is_idle(const struct blind_pair *p, __u64 now)
{
	__s64 since = (now << GUARD_TICK) - p->limit;

	return since > (__s64)(BLIND_SECONDS + 10) * jiffies_a_second() << GUARD_TICK;
}

void sites_forget_pairs(struct sites *s)
{
	int map = s->fds[BLIND_MAP_pairs];
	__u32 count = map_entries(map) / 32 + AT_ONCE;	/* all after 32 calls */
	__u64 *keys = xmalloc(count * sizeof(*keys)), now = jiffies_now();
	struct blind_pair *pairs = xmalloc(count * sizeof(*pairs));
	/* the call also fails with the last entries */
	int rc = bpf_map_lookup_batch(map, s->pairs_begun ? &s->pairs_next : NULL,
				      &s->pairs_next, keys, pairs, &count, NULL);

	for (__u32 i = 0; (!rc || rc == -ENOENT) && i < count; i++)
		if (pair_is_idle(&pairs[i], now))
			bpf_map_delete_elem(map, &keys[i]);
	s->pairs_begun = !rc;
	free(keys);
	free(pairs);
}

/* Adds a site. If it was removed before, for example with its device, it gets its old number
 * back. */
static bool add_site(struct sites *s, const struct wg_peer *p, const char *name)
{
	__u32 former = sites_number(s, &p->key, true);
	__u32 n = former < s->room ? former : free_number(s);

	if (n == s->room) {
		s->full = n < BLIND_SITES_MAX;
		if (!s->full)
			log_warning("blind: there is no room for site %s besides %u others: remove some peers",
				    name, n - 1);
		return false;
	}
	if (n != former) {
		if (!wg_key_is_none(&s->known[n].key))
			forget_number(s, n);
		s->known[n] = (struct blind_known){ .key = p->key };
		s->unused = n >= s->unused ? n + 1 : s->unused;
		index_site(s, n);
	}
	strcpy(s->known[n].name, name);
	blake2s_mac1(s->mapped[n].mac1, p->key.b);
	write_name(s, n);
	if (s->room <= NAMED_SITES)
		log_event("blind: site %s", name);
	return true;
}

/* Removes a site. Its key and its last endpoint stay, because it may be added again. */
static void remove_site(struct sites *s, __u32 n)
{
	if (s->room <= NAMED_SITES)
		log_event("blind: site %s was removed", s->known[n].name);
	*s->known[n].name = '\0';
	s->known[n].endpoint.family = 0;
	s->known[n].proven = false;
	s->mapped[n].place[s->mapped[n].now & 1].family = 0;
	write_name(s, n);
}

/* Adds the peers that are sites and are not known yet. Returns whether there were any. */
static bool add_sites(struct sites *s, const struct wg_device *d, struct names *names)
{
	size_t added = 0;

	s->full = false;
	for (size_t i = 0; i < d->n_peers; i++) {
		char name[NAME_LEN];

		if (sites_number(s, &d->peers[i].key, false) < s->room)
			continue;
		read_names(s, names);
		wg_name_of(&names->list, &d->peers[i].key, name);
		added += is_site(s, name) && add_site(s, &d->peers[i], name);
	}
	if (added && s->room > NAMED_SITES)
		log_event("blind: %zu sites were added", added);
	return added;
}

/* Returns whether a site keeps its name although its peer has another one now: while WireGuard's
 * file has no names, or while only the configuration still uses the former name. */
static bool keeps_name(const struct sites *s, const struct blind_known *k, const char *name,
		       struct names *names)
{
	if (!names->in_file && !wg_name_find(&names->list, &k->key) && is_site(s, k->name))
		return true;
	return site_names_have(s->listed, s->n_listed, k->name) &&
	       !site_names_have(s->listed, s->n_listed, name) && !is_taken(names, k->name);
}

/* Gives a site the name that its peer has now, or removes it if that one is not in the
 * configuration. Returns whether the site has changed. */
static bool rename_site(struct sites *s, __u32 n, struct names *names)
{
	struct blind_known *k = &s->known[n];
	char name[NAME_LEN];

	read_names(s, names);
	wg_name_of(&names->list, &k->key, name);
	if ((!strcmp(k->name, name) && is_site(s, name)) || keeps_name(s, k, name, names))
		return false;
	if (!is_site(s, name)) {
		remove_site(s, n);
		return true;
	}
	if (s->room <= NAMED_SITES)
		log_event("blind: the name of site %s is %s now", k->name, name);
	strcpy(k->name, name);
	write_name(s, n);
	return true;
}

bool sites_follow_peers(struct sites *s, const struct wg_device *d)
{
	struct names names = { 0 };
	bool changed = add_sites(s, d, &names), rename = names_are_due(s);

	memset(s->marked, 0, s->room * sizeof(*s->marked));
	for (size_t i = 0; i < d->n_peers; i++) {
		__u32 n = sites_number(s, &d->peers[i].key, false);

		if (n == s->room)
			continue;
		s->marked[n] = true;
		s->known[n].tunnel = wg_inside(&d->peers[i]);
	}
	for (__u32 n = 1; n < s->room; n++) {
		if (!*s->known[n].name)
			continue;
		if (!s->marked[n]) {
			remove_site(s, n);
			s->full = false;	/* the next call may have room */
			changed = true;
		} else if (rename) {
			changed |= rename_site(s, n, &names);
		}
	}
	wg_names_free(&names.list);
	free(names.sorted);
	return changed;
}

void sites_take_key(struct sites *s, const struct wg_key *key)
{
	__u32 mac1[8];

	s->known[0].key = *key;
	blake2s_mac1(mac1, key->b);
	if (memcmp(s->mapped[0].mac1, mac1, sizeof(mac1)))
		memcpy(s->mapped[0].mac1, mac1, sizeof(mac1));
}

void sites_read_running(struct sites *s)
{
	for (__u32 n = 1; n < s->room; n++) {
		const struct blind_place *place = &s->mapped[n].place[s->mapped[n].now & 1];
		struct blind_known *k = &s->known[n];
		struct peer_name name;

		*k->name = '\0';	/* a removed site stays in `known`, without a name */
		k->endpoint.family = 0;	/* the maps may be new and have no place for it */
		if (bpf_map_lookup_elem(s->fds[BLIND_MAP_names], &n, &name))
			continue;
		if (!*name.name) {	/* a daemon before this one has removed the site */
			if (wg_key_is_none(&k->key))
				memcpy(&k->key, name.key, sizeof(k->key));
			continue;
		}
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
			if (!k->read)
				k->owned = sites_clock();
		}
	}
	index_all(s);
}

static __u64 ms_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

__u64 sites_clock(void)
{
	static __u64 ahead;

	ahead = ahead ?: sites_time() - ms_of(CLOCK_BOOTTIME);
	return ms_of(CLOCK_BOOTTIME) + ahead;
}

__u64 sites_time(void)
{
	return ms_of(CLOCK_REALTIME);
}
