// SPDX-License-Identifier: GPL-2.0-or-later
/* Flows for the bench. newcomers: new clients, each answered by the other end. flows: very many flows, written into
 * wgxdp's own tables while its programs are idle, with the service and link of a flow that the data path made. lru:
 * the program that all this is compared with, and an LRU_HASH with an entry for each. */
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
#include "dataplane/learned_table.h"
#include "dataplane/map_info.h"

struct tuples {				/* for client 0; other clients differ in the last four bytes of `client` and `ours` */
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

static __u16 delta_of(const struct flow *f)
{
	const __u16 *old[] = { (void *)&f->client, (void *)&f->local }, *new[] = { (void *)&f->own, (void *)&f->backend };
	__u32 sum = 0;

	for (int i = 0; i < 16; i++)
		sum += (__u16)~old[i / 8][i % 8] + new[i / 8][i % 8];
	sum = (sum & 0xffff) + (sum >> 16);
	return sum + (sum >> 16);
}

/* Returns the flow of client n */
static struct flow make_flow(const struct tuples *t, const struct flow *like, __u32 n)
{
	struct flow f = { .client = t->client, .local = t->local, .own = t->ours, .backend = t->backend, .client_port = t->client_port,
			  .local_port = t->local_port, .own_port = t->ours_port, .backend_port = t->backend_port, .client_family = t->family,
			  .family = t->leaves, .reply = DIRECTION_REPLY, .id = like->id, .since = like->since, .ifindex = like->ifindex,
			  .epoch = like->epoch };

	f.client.w[3] = htonl(ntohl(t->client.w[3]) + n);
	f.own.w[3] = htonl(ntohl(t->ours.w[3]) + n);
	f.delta = delta_of(&f);
	return f;
}

/* ---- the table of an instance ---- */

static int open_pin(const char *directory, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return bpf_obj_get(path);
}

static int open_table(const char *directory, struct flow_table *ret)
{
	int flows = open_pin(directory, "flow_table"), index = open_pin(directory, "flow_index"), secrets = open_pin(directory, "secrets");
	struct learned_secret secret;
	__u32 zero = 0;
	int err = flows < 0 || index < 0 || secrets < 0 || bpf_map_lookup_elem(secrets, &zero, &secret) ? -errno :
		  flow_table_open_new(flows, index, map_entries(flows), &secret, ret);

	close(flows);
	close(index);
	close(secrets);
	return err;
}

/* Finds a flow of that listener that the data path made */
static int find_like(const struct flow_table *table, const struct tuples *t, struct flow_entry *like)
{
	for (__u32 place = 0; place < table->n * LEARNED_WAYS; place++)
		if (flow_table_read(table, place, like) && like->flow.local_port == t->local_port &&
		    !memcmp(&like->flow.local, &t->local, sizeof(t->local)))
			return 0;
	return -ENOENT;
}

/* The programs must be idle meanwhile */
static int write_flows(const struct flow_table *table, const struct tuples *t, const struct flow_entry *like, __u32 clients)
{
	__u32 n = 0;

	for (__u32 i = 0; i < clients; i++) {
		struct flow f = make_flow(t, &like->flow, (__u64)i * SCATTER % clients);

		n += flow_table_put(table, &f, LEARNED_LIVE, like->word);
	}
	return n + n / 1000 + 1 < clients ? -E2BIG : 0;
}

/* flows pins= clients= client= client-port= local= … ours= … backend= …      a flow for each client */
int flows_write(struct meter *b, const struct request *r)
{
	struct flow_table table = { 0 };
	struct flow_entry like;
	struct tuples t;
	int err = open_table(arg(r, "pins", ""), &table) ?: parse_tuples(r, &t) ?: find_like(&table, &t, &like) ?:
		  write_flows(&table, &t, &like, arg_number(r, "clients", 0));

	flow_table_close(&table);
	return err;
}

/* ---- the reference ---- */

static int write_reference(int map, const struct tuples *t, __u32 clients)
{
	const struct flow none = { 0 };

	for (__u32 i = 0; i < clients; i++) {
		struct flow f = make_flow(t, &none, (__u64)i * SCATTER % clients);
		struct flow_key key = flow_key_of(&f, DIRECTION_ORIGINAL);

		if (bpf_map_update_elem(map, &key, &f, BPF_ANY))
			return -errno;
	}
	return 0;
}

static int make_reference(const struct request *r, __u32 from, __u32 to)
{
	__u32 clients = arg_number(r, "clients", 1);
	struct tuples t;
	int err = parse_tuples(r, &t);

	reference = bench__open();
	if (err || !reference)
		return err ?: -errno;
	bpf_map__set_max_entries(reference->maps.lru, arg_number(r, "entries", 0));
	return bench__load(reference) ?:
	       bpf_map__update_elem(reference->maps.crossings, &from, sizeof(from), &to, sizeof(to), BPF_ANY) ?:
	       write_reference(bpf_map__fd(reference->maps.lru), &t, clients);
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
