// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See host_plane.h.
 */
#include <stdio.h>
#include <stdlib.h>
#define WGXDP_HOST
#include "pipeline.h"
#include "host_path.h"
#include "host_plane.h"

static struct host_map *map_by_name(const char *name)
{
	static struct host_map *const all[] = {
		&links, &table, &sources, &source_trie, &nexthops, &choices, &frags, &totals, &reasons, &control,
		&flow_table, &flow_index, &flow_shares, &pools, &flow_totals, &blind_sites, &endpoints, &sessions, &hints, &blind_pairs,
		&blind_totals, &blind_waiting, &blind_state, &failed, &icmp_limits, &uniform, &guards, &guard_keys, &guard_state,
		&budgets, &guard_sources, &answered, &indices, &replays, &handshakes, &challenged, &cookies, &health, &peers,
		&peer_totals, &subnets, &routes, &own, &policy, &allowed, &lists, &list_hints, &service_lists,
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	fprintf(stderr, "host plane: no map %s\n", name);
	exit(1);
}

void host_plane_resize(const char *map, __u32 max)
{
	host_map_reset(map_by_name(map), max);
}

void host_plane_write(const char *map, const void *key, const void *value)
{
	if (bpf_map_update_elem(map_by_name(map), key, value, BPF_ANY)) {
		fprintf(stderr, "host plane: no room in %s\n", map);
		exit(1);
	}
}

const void *host_plane_read(const char *map, const void *key)
{
	return bpf_map_lookup_elem(map_by_name(map), key);
}

bool host_plane_entry(const char *map, __u32 i, const void **ret_key, const void **ret_value)
{
	const struct host_map *m = map_by_name(map);

	if (i >= m->n)
		return false;
	*ret_key = m->entries[i].key;
	*ret_value = m->entries[i].value;
	return true;
}

static __u64 sum_over(__u64 sum, const void *from, size_t size)
{
	for (const __u8 *b = from; size--; b++)
		sum = (sum ^ *b) * 0x100000001b3ULL;
	return sum;
}

__u64 host_plane_sum(const char *name)
{
	const struct host_map *m = map_by_name(name);
	__u64 sum = 0;

	if (m->kind == HOST_ARRAY)
		return m->values ? sum_over(1, m->values, (size_t)m->max * m->value_size) : 0;
	for (__u32 i = 0; i < m->n; i++)
		sum += sum_over(sum_over(1, m->entries[i].key, m->key_size), m->entries[i].value, m->value_size);
	return sum;
}

size_t host_plane_bytes(const char *name)
{
	const struct host_map *m = map_by_name(name);

	return m->kind == HOST_ARRAY ? (size_t)m->max * m->value_size : 0;
}

void host_plane_start(void)
{
	table_mask = table.max - 1;
	flow_mask = flow_table.max - 1;
	flow_index_mask = flow_index.max - 1;
	flow_share_mask = flow_shares.max - 1;
	gateway_slots = nexthops.max - NEXTHOP_GATEWAYS;
	uniform_slots = gateway_slots - NEXTHOP_UNIFORM;
	with_choices = true;
	with_source_trie = true;
	with_lists = true;
	with_followed_lists = list_hints.max > 1;
	list_hints_mask = list_hints.max - 1;
}

void host_plane_start_blind(__be16 port)
{
	blind_port = port;
	blind_mask = sessions.max - 1;
	blind_totals_mask = blind_totals.max - 1;
	endpoints_mask = endpoints.max - 1;
	blind_slots = nexthops.max - 2 * blind_sites.max;
	gateway_slots = blind_slots - NEXTHOP_GATEWAYS;
	uniform_slots = gateway_slots - NEXTHOP_UNIFORM;
}

void host_plane_switch(const char *name, const void *value)
{
	static const struct { const char *name; void *to; size_t size; } all[] = {
#define IS(name) { #name, (void *)&name, sizeof(name) },
		HOST_SWITCHES(IS)
#undef IS
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!strcmp(all[i].name, name)) {
			memcpy(all[i].to, value, all[i].size);
			return;
		}
	fprintf(stderr, "host plane: no switch %s\n", name);
	exit(1);
}

void host_plane_fib(long (*ask)(struct bpf_fib_lookup *fib, __u32 flags))
{
	host_fib = ask;
}

static bool parse_addr(const char *text, struct addr *ret)
{
	*ret = addr_from4(0);
	return strchr(text, ':') ? inet_pton(AF_INET6, text, ret) == 1 : inet_pton(AF_INET, text, &ret->w[3]) == 1;
}

static bool parse_prefix(char *text, struct addr *addr, struct addr *mask)
{
	char *slash = strchr(text, '/');
	int len;

	if (!slash)
		return false;
	*slash = 0;
	len = atoi(slash + 1) + (strchr(text, ':') ? 0 : 96);
	memset(mask, 0, sizeof(*mask));
	for (int i = 0; i < len; i++)
		mask->b[i / 8] |= 0x80 >> i % 8;
	return parse_addr(text, addr);
}

static bool parse_mac(const char *text, __u8 *mac)
{
	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) == 6;
}

void host_plane_wait(__u32 ms)
{
	host_jiffies += (__u64)ms * tick_rate / 1000;
}

bool host_plane_route(const char *line)
{
	struct host_route *r = &host_routes[host_n_routes];
	char copy[512], *word, *rest = copy;

	if (host_n_routes == HOST_ROUTES)
		return false;
	snprintf(copy, sizeof(copy), "%s", line);
	copy[strcspn(copy, "\n")] = 0;
	while ((word = strsep(&rest, " "))) {
		char *value = strchr(word, '=');
		bool ok = true;

		if (!value)
			return false;
		*value++ = 0;
		if (!strcmp(word, "prefix"))
			ok = parse_prefix(value, &r->dst, &r->mask);
		else if (!strcmp(word, "from"))
			ok = parse_prefix(value, &r->src, &r->src_mask);
		else if (!strcmp(word, "via"))
			ok = parse_addr(value, &r->gateway);
		else if (!strcmp(word, "dmac"))
			ok = parse_mac(value, r->dmac);
		else if (!strcmp(word, "smac"))
			ok = parse_mac(value, r->smac);
		else
			*(!strcmp(word, "rc") ? &r->answer : !strcmp(word, "dev") ? &r->ifindex :
			  !strcmp(word, "iif") ? &r->iif : &r->mtu) = atoi(value);
		if (!ok)
			return false;
	}
	host_n_routes++;
	return true;
}

static __u8 clones[1 << 20];
static __u32 n_clones, clones_size;

static void cloned(const struct host_packet *packet, __u32 egress)
{
	struct clone_head head = { egress, packet->len };

	if (clones_size + sizeof(head) + packet->len > sizeof(clones))
		abort();
	memcpy(clones + clones_size, &head, sizeof(head));
	memcpy(clones + clones_size + sizeof(head), packet->data, packet->len);
	clones_size += sizeof(head) + packet->len;
	n_clones++;
}

const void *host_plane_clones(__u32 *ret_n, __u32 *ret_size)
{
	*ret_n = n_clones;
	*ret_size = clones_size;
	return clones;
}

enum plane_verdict host_plane_run(enum plane plane, __u32 ifindex, const void *frame, __u32 len, __u32 linear,
				  __u32 gso_segs, __u32 gso_size, void *out, __u32 *ret_len)
{
	__u8 *memory = malloc(len + 2 + (with_flows ? HOST_ROOM : 0));		/* aligns IP headers as in the kernel */
	struct host_packet packet = { .data = memory + 2, .len = len, .linear = linear < len ? linear : len,
				      .gso_segs = gso_segs, .gso_size = gso_size };
	int rc;

	memcpy(memory + 2, frame, len);
	host_cloned = cloned;
	n_clones = clones_size = 0;
	/* No step may rely on what an earlier packet left in the state */
	memset(state_find(), 0xa5, sizeof(struct pkt_state));
	state_find()->busy = false;
	rc = path_pipeline(&packet, plane, ifindex, false);
	*ret_len = packet.len;
	memcpy(out, memory + 2, packet.len);
	free(memory);
	return rc == HOST_SENT ? PLANE_SENT : rc == HOST_PASS ? PLANE_PASSED : PLANE_DROPPED;
}
