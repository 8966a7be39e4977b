// SPDX-License-Identifier: GPL-2.0-or-later
/* For the bench of the guard: clients that the backend has answered, written into wgxdp's own map, as user space may; and the
 * program beside it, which has them in an LRU_HASH of its own. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>
#include <linux/if_link.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "abi.h"
#include "bench.h"
#include "bench.skel.h"

static struct bench *reference;		/* a second instance of the programs, with room in its map */

/* Each is good for ever */
static int write_answered(int map, const struct request *r, __u16 id)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	struct client_key first = { .id = id }, *keys = calloc(MAP_BATCH, sizeof(*keys));
	struct answered *answered = calloc(MAP_BATCH, sizeof(*answered));
	__u32 clients = arg_number(r, "clients", 1), used = 0;
	__u8 family;
	int err = keys && answered ? parse_end(r, "client", "client-port", &first.addr, &first.port, &family) : -ENOMEM;

	for (__u32 i = 0; i < clients && !err; i++) {
		keys[used] = first;
		keys[used].addr.w[3] = htonl(ntohl(first.addr.w[3]) + (__u64)i * SCATTER % clients);
		answered[used++] = (struct answered){ .until = ~0ULL };
		if (used < MAP_BATCH && i + 1 < clients)
			continue;
		err = bpf_map_update_batch(map, keys, answered, &used, &opts);
		used = 0;
	}
	free(keys);
	free(answered);
	return err;
}

/* The id of the only service that has a guard */
static int find_guard(int guards)
{
	struct guard guard;

	for (__u32 id = 0; !bpf_map_lookup_elem(guards, &id, &guard); id++)
		if (guard.flags & GUARD_ON)
			return id;
	return -ENOENT;
}

/* answered guards= answered= clients= client= client-port=      these clients, in the maps pinned there */
int guard_answered(struct meter *b, const struct request *r)
{
	int guards = bpf_obj_get(arg(r, "guards", "")), map = bpf_obj_get(arg(r, "answered", ""));
	int id = guards < 0 || map < 0 ? -ENOENT : find_guard(guards), err;

	err = id < 0 ? id : write_answered(map, r, id);
	if (guards >= 0)
		close(guards);
	if (map >= 0)
		close(map);
	return err;
}

static int make_reference(const struct request *r, __u32 from, __u32 to)
{
	reference = bench__open();
	if (!reference)
		return -errno;
	bpf_map__set_max_entries(reference->maps.lru_clients, arg_number(r, "entries", 0));
	return bench__load(reference) ?:
	       bpf_map__update_elem(reference->maps.crossings, &from, sizeof(from), &to, sizeof(to), BPF_ANY);
}

/* lookup netns= dev= to= entries= clients= client= client-port=      made once, attached at dev */
int guard_lookup(struct meter *b, const struct request *r)
{
	__u32 from = if_nametoindex(arg(r, "dev", "")), to = if_nametoindex(arg(r, "to", ""));
	int err = (reference ? 0 : make_reference(r, from, to)) ?: write_answered(bpf_map__fd(reference->maps.lru_clients), r, 0);

	return err ?: bpf_xdp_attach(from, bpf_program__fd(reference->progs.bench_lookup), XDP_FLAGS_DRV_MODE, NULL);
}
