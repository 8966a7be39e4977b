/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A hundred thousand routes of ten thousand peers get from a configuration into this kernel's maps in time, and a
 * change of ten writes ten. Three kinds of overlay: a /48 (its 65,536 subnets), a /40 (/64s in the table), and
 * prefixes that are for the longest match. Built as the program is, without sanitizers. Without root: exit 77.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "plan/resolved_backends.h"
#include "dataplane/dataplane.h"
#include "dataplane/table.h"

#define PEERS 10000
#define LOAD_MS 500			/* CPU time, because other programs' time must not count */
#define RELOAD_MS 200

/* This device exists in every network namespace: the map devices accepts no other */
static struct nl_link links[] = { { .ifindex = 1, .name = "wg0", .kind = "wireguard", .mtu = 1420, .up = true } };
static struct nl_address addresses[] = { { .ifindex = 1, .local = { { .b = { 0xfd, 1 } }, FAMILY_IPV6 }, .prefix_len = 128 } };
static struct host host = { .links = links, .n_links = 1, .addresses = addresses, .n_addresses = 1 };

__u64 netns_inode(void)			/* replaces dataplane.c's, which needs the programs */
{
	return 1;
}

void dataplane_keep_modes(struct dataplane *dp)	/* replaces dataplane_ports.c's, for the same reason */
{
}

/* ---- the configuration ---- */

enum overlay { SLASH_48, SLASH_40, LONGEST };

static struct prefix site(enum overlay kind, size_t n)
{
	struct prefix p = { .addr.b = { 0xfd, 0x12, 0x34, 0x56, 0x78 }, .family = FAMILY_IPV6, .len = kind == LONGEST ? 80 : 64 };

	if (kind == SLASH_40)
		p.addr.b[5] = n >> 16;
	p.addr.b[6] = (kind == LONGEST ? n >> 4 : n) >> 8;
	p.addr.b[7] = kind == LONGEST ? n >> 4 : n;
	if (kind == LONGEST)
		p.addr.b[9] = n & 15;
	return p;
}

static struct config *configuration(enum overlay kind, size_t n)
{
	struct config *c = calloc(1, sizeof(*c));

	c->policy.overlay = (struct prefix){ .addr = site(kind, 0).addr, .family = FAMILY_IPV6, .len = kind == SLASH_40 ? 40 : 48 };
	c->peers = calloc(PEERS, sizeof(*c->peers));
	c->n_peers = PEERS;
	for (size_t i = 0; i < PEERS; i++) {
		struct peer_config *p = &c->peers[i];

		snprintf(p->name, sizeof(p->name), "site-%zu", i);
		strcpy(p->device, "wg0");
		p->prefixes = calloc(n / PEERS + 1, sizeof(*p->prefixes));
		for (size_t at = i; at < n; at += PEERS)
			p->prefixes[p->n_prefixes++] = site(kind, at);
	}
	assert_int_equal(config_check(c, "test"), 0);
	return c;
}

/* ---- maps ---- */

static int map(enum bpf_map_type type, size_t key, size_t value, __u32 n, __u32 flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);
	int fd = bpf_map_create(type, "test", key, value, n, &options);

	if (fd < 0)
		fail_msg("a map of %u: %s", n, strerror(errno));
	return fd;
}

/* Sizes like dataplane.c's; maps that a relay without services does not use are small */
static void make_maps(struct dataplane *dp, const struct plan *p)
{
	__u32 peers = 16384;

	for (int i = 0; i < MAP_COUNT; i++)
		dp->maps[i] = -1;
	dp->maps[MAP_links] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct link), LINKS, 0);
	dp->maps[MAP_table] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct table_bucket), table_size(p->n_entries), BPF_F_MMAPABLE);
	dp->maps[MAP_sources] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct sources), 128, 0);
	dp->maps[MAP_source_hints] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct source_hints), 128, 0);
	dp->maps[MAP_source_trie] = map(BPF_MAP_TYPE_LPM_TRIE, sizeof(struct source_key), 1, 64, BPF_F_NO_PREALLOC);
	dp->maps[MAP_totals] = map(BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct total), 256, 0);
	dp->maps[MAP_reasons] = map(BPF_MAP_TYPE_PERCPU_HASH, sizeof(struct reason_key), 8, 64, BPF_F_NO_PREALLOC);
	dp->maps[MAP_tx_dropped] = map(BPF_MAP_TYPE_ARRAY, 4, 8, LINKS, 0);
	dp->maps[MAP_names] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct service_name), 64, 0);
	dp->maps[MAP_control] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct control), 1, BPF_F_MMAPABLE);
	dp->maps[MAP_devices] = map(BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, 64, 0);
	dp->maps[MAP_peers] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct peer), peers, 0);
	dp->maps[MAP_peer_names] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct peer_name), peers, 0);
	dp->maps[MAP_peer_totals] = map(BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct total), 4 * peers, 0);
	dp->maps[MAP_subnets] = map(BPF_MAP_TYPE_ARRAY, 4, 4, p->relay.subnets ? SUBNETS : 1, BPF_F_MMAPABLE);
	dp->maps[MAP_routes] = map(BPF_MAP_TYPE_LPM_TRIE, sizeof(struct route_key), 4, 1 << 20, BPF_F_NO_PREALLOC);
	dp->maps[MAP_own] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct own), LINKS, 0);
	dp->maps[MAP_guards] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct guard), 1, BPF_F_MMAPABLE);
	dp->maps[MAP_backend_names] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct backend_name), 1, 0);
	dp->maps[MAP_rates] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct rate), 1, BPF_F_MMAPABLE);
	dp->maps[MAP_lists] = map(BPF_MAP_TYPE_LPM_TRIE, sizeof(struct source_key), 4, 1, BPF_F_NO_PREALLOC);
	dp->maps[MAP_list_hints] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct list_hints), 1, BPF_F_MMAPABLE);
	dp->maps[MAP_service_lists] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct service_lists), 1, 0);
	dp->maps[MAP_followed_lists] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct followed_list), 1, 0);
	dp->maps[MAP_policy] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct policy), 1, BPF_F_MMAPABLE);
}

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* Reads, plans and writes like apply(). Returns the number of written entries. */
static int bring(struct dataplane *dp, const struct config *c, double *ret_ms)
{
	struct resolved_backends answers = { 0 };
	struct plan_input in = { .config = c, .host = &host, .answers = &answers };
	double began = cpu_ms();
	struct plan *p;
	int written;

	if (dp->running)
		assert_int_equal(dataplane_names(dp, &in.names, &in.n_names) ?: dataplane_table(dp, &in.running, &in.n_running) ?:
				 dataplane_peers(dp, &in.peers, &in.n_peers), 0);
	dataplane_slots(in.running, in.n_running, &in.slots, &in.n_slots);
	assert_int_equal(plan_make(&in, &p), 0);
	if (!dp->running)
		make_maps(dp, p);
	written = dataplane_sync(dp, p, &host);
	*ret_ms = cpu_ms() - began;
	dp->running = true;
	plan_free(p);
	free(in.names);
	free(in.slots);
	free(in.running);
	free(in.peers);
	return written;
}

/* ---- tests ---- */

static void expect_word(struct dataplane *dp, enum overlay kind, size_t n, const char *name)
{
	struct relay_route *routes;
	struct relay_peer *peers;
	struct prefix wanted = site(kind, n);
	size_t n_routes, n_peers, found = 0;

	assert_int_equal(dataplane_peers(dp, &peers, &n_peers), 0);
	assert_int_equal(dataplane_routes(dp, &wanted, 1, &routes, &n_routes), 0);
	for (size_t i = 0; i < n_routes; i++)
		if (prefix_within(&routes[i].prefix, &wanted) && prefix_within(&wanted, &routes[i].prefix)) {
			assert_string_equal(peers[routes[i].word].name.name, name);
			found++;
		}
	assert_int_equal(found, 1);
	free(routes);
	free(peers);
}

/* Ten prefixes move from one peer to another: ten entries, for subnets, table and trie alike */
static void of_kind(enum overlay kind, size_t n, const char *what)
{
	struct config *c = configuration(kind, n);
	struct dataplane dp = { 0 };
	struct prefix first, second;
	double load, same, reload;
	int written;

	written = bring(&dp, c, &load);
	assert_uint_in_range(written, n + PEERS, n + PEERS + 10000);
	expect_word(&dp, kind, 3 * PEERS + 5, "site-5");
	assert_int_equal(bring(&dp, c, &same), 0);
	for (size_t i = 0; i < 5; i++) {
		first = c->peers[2 * i].prefixes[3];
		second = c->peers[2 * i + 1].prefixes[3];
		c->peers[2 * i].prefixes[3] = second;
		c->peers[2 * i + 1].prefixes[3] = first;
	}
	assert_int_equal(bring(&dp, c, &reload), 10);
	expect_word(&dp, kind, 3 * PEERS + 5, "site-4");
	printf("%s: %zu routes of %u peers: loaded in %.0f ms, nothing changed in %.0f ms, 10 changed in %.0f ms (of the CPU)\n",
	       what, n, PEERS, load, same, reload);
	if (getenv("WGXDP_STRICT"))	/* set by scripts/test --long: other tiers have no time limits */
		assert_true(load <= LOAD_MS && reload <= RELOAD_MS);
	for (int i = 0; i < MAP_COUNT; i++)
		if (dp.maps[i] >= 0)
			close(dp.maps[i]);
	config_free(c);
}

static void subnets(void **state)
{
	of_kind(SLASH_48, SUBNETS, "a /48");
}

static void table(void **state)
{
	of_kind(SLASH_40, 100000, "a /40");
}

static void longest(void **state)
{
	of_kind(LONGEST, 100000, "the longest match");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(subnets), cmocka_unit_test(table), cmocka_unit_test(longest) };

	if (geteuid()) {
		puts("needs root, for maps");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
