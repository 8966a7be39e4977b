// SPDX-License-Identifier: GPL-2.0-or-later
/* For the bench of the guard: writes the answered clients into wgxdp's own map, as user space may. The program to
 * compare with has them in an LRU_HASH of its own. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/if_link.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "dataplane/learned_table.h"
#include "bench.h"
#include "bench.skel.h"

static struct bench *reference;		/* a second instance of the programs, with room in its map */

static int first_client(const struct request *r, __u16 id, struct client_key *ret)
{
	__u8 family;

	*ret = (struct client_key){ .id = id };
	return parse_end(r, "client", "client-port", &ret->addr, &ret->port, &family);
}

static struct client_key nth_client(const struct client_key *first, __u32 i, __u32 clients)
{
	struct client_key key = *first;

	key.addr.w[3] = htonl(ntohl(first->addr.w[3]) + (__u64)i * SCATTER % clients);
	return key;
}

/* Replaces all entries; each is valid for the time of a session */
static int write_answered(int map, const struct learned_secret *secret, const struct request *r, __u16 id)
{
	__u64 until = learned_now() + learned_units(SESSION_SECONDS - 20);	/* the time may be some seconds ahead */
	__u32 clients = arg_number(r, "clients", 1);
	struct learned_entry entry = { 0 };
	struct client_key first;
	struct learned_table t;
	int err = first_client(r, id, &first) ?: learned_table_open(map, true, &t);

	if (err)
		return err;
	memset(t.buckets, 0, t.n * sizeof(*t.buckets));
	for (__u32 i = 0; i < clients && !err; i++) {
		entry.key.client = nth_client(&first, i, clients);
		err = learned_table_put(&t, secret, &entry, LEARNED_LIVE, until) ? 0 : -ENOSPC;
	}
	learned_table_close(&t);
	return err;
}

/* Each is valid for ever */
static int write_lru(int map, const struct request *r)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	struct client_key first, *keys = calloc(MAP_BATCH, sizeof(*keys));
	__u64 *values = calloc(MAP_BATCH, sizeof(*values));
	__u32 clients = arg_number(r, "clients", 1), used = 0;
	int err = keys && values ? first_client(r, 0, &first) : -ENOMEM;

	for (__u32 i = 0; i < clients && !err; i++) {
		keys[used] = nth_client(&first, i, clients);
		values[used++] = ~0ULL;
		if (used < MAP_BATCH && i + 1 < clients)
			continue;
		err = bpf_map_update_batch(map, keys, values, &used, &opts);
		used = 0;
	}
	free(keys);
	free(values);
	return err;
}

/* Returns the id of the only service with a guard */
static int find_guard(int guards)
{
	struct guard guard;

	for (__u32 id = 0; !bpf_map_lookup_elem(guards, &id, &guard); id++)
		if (guard.flags & GUARD_ON)
			return id;
	return -ENOENT;
}

static int secret_of(int secrets, struct learned_secret *ret)
{
	__u32 zero = 0;

	return secrets < 0 || bpf_map_lookup_elem(secrets, &zero, ret) ? -errno : 0;
}

/* answered guards= answered= secrets= clients= client= client-port=      these clients, in the maps pinned there */
int guard_answered(struct meter *b, const struct request *r)
{
	int guards = bpf_obj_get(arg(r, "guards", "")), map = bpf_obj_get(arg(r, "answered", ""));
	int secrets = bpf_obj_get(arg(r, "secrets", ""));
	int id = guards < 0 || map < 0 ? -ENOENT : find_guard(guards), err;
	struct learned_secret secret;

	err = (id < 0 ? id : secret_of(secrets, &secret)) ?: write_answered(map, &secret, r, id);
	if (guards >= 0)
		close(guards);
	if (map >= 0)
		close(map);
	if (secrets >= 0)
		close(secrets);
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
	int err = (reference ? 0 : make_reference(r, from, to)) ?: write_lru(bpf_map__fd(reference->maps.lru_clients), r);

	return err ?: bpf_xdp_attach(from, bpf_program__fd(reference->progs.bench_lookup), XDP_FLAGS_DRV_MODE, NULL);
}
