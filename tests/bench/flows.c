// SPDX-License-Identifier: GPL-2.0-or-later
/* Flows for the bench. newcomers: clients that were never heard of, each answered by the other end. flows: very many of them, written
 * into wgxdp's own map, as user space may, with service and link of one that the data path has made. lru: the program that all this
 * is compared with, and an LRU_HASH with the same entries. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/if_link.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "abi.h"
#include "bench.h"
#include "bench.skel.h"

struct tuples {				/* of client 0; the others differ in the last four bytes of `client` and `ours` */
	struct addr client, local, ours, backend;
	__be16 client_port, local_port, ours_port, backend_port;
	__u8 family, leaves;
};

static struct bench *reference;		/* a second instance of the programs, with room in its map */

static int attach(__u32 ifindex, const struct bpf_program *prog)
{
	return bpf_xdp_attach(ifindex, bpf_program__fd(prog), XDP_FLAGS_DRV_MODE, NULL);
}

/* newcomers FRAME netns= dev= clients= count=      as `live`; what arrives at dev is answered, and the answers are counted */
int flows_newcomers(struct meter *b, const struct request *r)
{
	__u32 ifindex = if_nametoindex(arg(r, "dev", ""));
	int err = attach(ifindex, b->skel->progs.bench_answer);

	err = err ?: measure_live(b, r);
	return attach(ifindex, b->skel->progs.bench_sink) ?: err;
}

/* ---- entries ---- */

int parse_end(const struct request *r, const char *name, const char *port_name, struct addr *a, __be16 *port, __u8 *family)
{
	const char *text = arg(r, name, "");

	*family = strchr(text, ':') ? FAMILY_IPV6 : FAMILY_IPV4;
	*port = htons(arg_number(r, port_name, 0));
	memset(a, 0, sizeof(*a));
	if (*family == FAMILY_IPV4)
		a->w[2] = htonl(0xffff);
	return inet_pton(*family, text, *family == FAMILY_IPV4 ? a->b + 12 : a->b) == 1 ? 0 : -EINVAL;
}

static int parse_tuples(const struct request *r, struct tuples *t)
{
	return parse_end(r, "client", "client-port", &t->client, &t->client_port, &t->family) ?:
	       parse_end(r, "local", "local-port", &t->local, &t->local_port, &t->family) ?:
	       parse_end(r, "ours", "ours-port", &t->ours, &t->ours_port, &t->leaves) ?:
	       parse_end(r, "backend", "backend-port", &t->backend, &t->backend_port, &t->leaves);
}

static __u16 delta_of(const struct flow_key *key, const struct flow *flow)
{
	const __u16 *old[] = { (void *)&key->src, (void *)&key->dst }, *new[] = { (void *)&flow->src, (void *)&flow->dst };
	__u32 sum = 0;

	for (int i = 0; i < 16; i++)
		sum += (__u16)~old[i / 8][i % 8] + new[i / 8][i % 8];
	sum = (sum & 0xffff) + (sum >> 16);
	return sum + (sum >> 16);
}

/* Both directions of client n, without a timer, but as if it were armed */
static void make_entries(const struct tuples *t, const struct flow *like, __u32 n, struct flow_key *key, struct flow *flow)
{
	key[0] = (struct flow_key){ .src = t->client, .dst = t->local, .sport = t->client_port, .dport = t->local_port,
				    .family = t->family, .direction = DIRECTION_ORIGINAL };
	key[0].src.w[3] = htonl(ntohl(t->client.w[3]) + n);
	flow[0] = (struct flow){ .src = t->ours, .dst = t->backend, .sport = t->ours_port, .dport = t->backend_port, .id = like->id,
				 .seen = like->seen, .since = like->since, .ifindex = like->ifindex, .family = t->leaves, .armed = 1 };
	flow[0].src.w[3] = htonl(ntohl(t->ours.w[3]) + n);
	flow[0].delta = delta_of(key, flow);
	key[1] = flow_reverse(key, flow);
	flow[1] = flow[0];
	flow[1].src = key[0].dst;
	flow[1].dst = key[0].src;
	flow[1].sport = key[0].dport;
	flow[1].dport = key[0].sport;
	flow[1].family = t->family;
	flow[1].delta = ~flow[0].delta;
}

static int write_entries(int map, const struct tuples *t, const struct flow *like, __u32 clients)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	struct flow_key *keys = calloc(MAP_BATCH, sizeof(*keys));
	struct flow *flows = calloc(MAP_BATCH, sizeof(*flows));
	int err = keys && flows ? 0 : -ENOMEM;
	__u32 used = 0;

	for (__u32 i = 0; i < clients && !err; i++) {
		make_entries(t, like, (__u64)i * SCATTER % clients, keys + used, flows + used);
		used += 2;
		if (used < MAP_BATCH && i + 1 < clients)
			continue;
		err = bpf_map_update_batch(map, keys, flows, &used, &opts);
		used = 0;
	}
	free(keys);
	free(flows);
	return err;
}

/* The entry that the data path has of some client of that listener */
static int find_like(int map, const struct tuples *t, struct flow *like)
{
	struct flow_key key, *last = NULL;

	for (; !bpf_map_get_next_key(map, last, &key); last = &key)
		if (key.direction == DIRECTION_ORIGINAL && key.dport == t->local_port && !memcmp(&key.dst, &t->local, sizeof(key.dst)))
			return bpf_map_lookup_elem(map, &key, like);
	return -ENOENT;
}

/* flows pin= clients= client= client-port= local= … ours= … backend= …      a flow for each client */
int flows_write(struct meter *b, const struct request *r)
{
	int map = bpf_obj_get(arg(r, "pin", "")), err;
	struct tuples t;
	struct flow like;

	if (map < 0)
		return map;
	err = parse_tuples(r, &t) ?: find_like(map, &t, &like) ?: write_entries(map, &t, &like, arg_number(r, "clients", 0));
	close(map);
	return err;
}

/* ---- the reference ---- */

static int make_reference(const struct request *r, __u32 from, __u32 to)
{
	__u32 clients = arg_number(r, "clients", 1);
	const struct flow like = { 0 };
	struct tuples t;
	int err = parse_tuples(r, &t);

	reference = bench__open();
	if (err || !reference)
		return err ?: -errno;
	bpf_map__set_max_entries(reference->maps.lru, arg_number(r, "entries", 0));
	return bench__load(reference) ?:
	       bpf_map__update_elem(reference->maps.crossings, &from, sizeof(from), &to, sizeof(to), BPF_ANY) ?:
	       write_entries(bpf_map__fd(reference->maps.lru), &t, &like, clients);
}

/* lru netns= dev= to= entries= clients= client= …      made once, attached at dev */
int flows_lru(struct meter *b, const struct request *r)
{
	__u32 from = if_nametoindex(arg(r, "dev", "")), to = if_nametoindex(arg(r, "to", ""));
	int err;

	err = reference ? 0 : make_reference(r, from, to);
	if (!err)
		return attach(from, reference->progs.bench_lru);
	bench__destroy(reference);
	reference = NULL;
	return err;
}
