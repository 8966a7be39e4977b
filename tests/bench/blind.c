// SPDX-License-Identifier: GPL-2.0-or-later
/* For the bench of the blind relay: writes sites and sessions into wgxdp's maps, like the daemon and the data path.
 * Site 1 is at the backend. The senders are the sites from 2 on, one for each source address; or a single site,
 * whose packets each have another index. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "abi.h"
#include "bench.h"
#include "dataplane/control.h"
#include "job.h"
#include "host/blind_maps.h"
#include "lib/jiffies.h"

#define INDEX htonl(0x626e6368)		/* MARK's index, in the packet's byte order */
#define TO 1
#define FROM 2

static int put_site(const struct blind_maps *m, __u32 number, const struct addr *a, __be16 port, __u8 family, const struct addr *local)
{
	struct blind_site site = { 0 };
	int err = blind_place(m, a, port, family, local, &site.place[0]);

	return err ?: bpf_map_update_elem(m->sites, &number, &site, BPF_ANY);
}

/* Valid for longer than a round. all: the whole table, written at once at the end. As blind_find_place() in
 * bpf/blind/sessions.h, it leaves the last place of the first bucket if the second one has more. */
static int put_session(const struct blind_maps *m, struct blind_bucket *all, __u32 number, __u32 index)
{
	__u64 until = jiffies_now() + BLIND_SECONDS * jiffies_a_second();
	__u64 key = BLIND_KEY(number, index);
	struct blind_bucket *to[2];
	int used[2] = { 0 }, home;

	for (home = 0; home < 2; home++) {
		to[home] = &all[blind_home(blind_hash(key), home, m->n_sessions - 1)];
		while (used[home] < BLIND_WAYS && to[home]->way[used[home]].key)
			used[home]++;
	}
	home = used[0] == BLIND_WAYS || (used[0] == BLIND_WAYS - 1 && used[1] < BLIND_WAYS - 1);
	if (used[home] == BLIND_WAYS)
		return -ENOSPC;
	to[home]->way[used[home]] = (struct blind_session){ key, BLIND_VALUE(until, TO, BLIND_CONFIRMED) };
	return 0;
}

static int write_all(const struct request *r, const struct blind_maps *m, struct blind_bucket *all)
{
	__u32 clients = arg_number(r, "clients", 1), by_index = arg_number(r, "by-index", 0), sites = by_index ? 1 : clients;
	struct addr from, to, in, out;
	__be16 sport, port, ignored;
	__u8 family, back;
	int err = parse_end(r, "client", "client-port", &from, &sport, &family) ?: parse_end(r, "backend", "backend-port", &to, &port, &back) ?:
		  parse_end(r, "local", "client-port", &in, &ignored, &family) ?: parse_end(r, "ours", "client-port", &out, &ignored, &back) ?:
		  put_site(m, TO, &to, port, back, &out);

	for (__u32 i = 0; i < sites && !err; i++) {
		struct addr a = from;

		a.w[3] = htonl(ntohl(from.w[3]) + i);
		err = put_site(m, FROM + i, &a, sport, family, &in) ?: blind_put_endpoint(m, FROM + i, &a, sport, family) ?:
		      put_session(m, all, FROM + i, INDEX);
	}
	for (__u32 i = 1; i < clients && by_index && !err; i++)
		err = put_session(m, all, FROM, htonl(ntohl(INDEX) + i));
	for (__u32 i = 0; i < m->n_sessions && !err; i++)
		err = bpf_map_update_elem(m->sessions, &i, &all[i], BPF_ANY);
	return err;
}

/* Invalidates what the express path remembers of the former sites, as the daemon does when a site moves. */
static int forget(const char *pins)
{
	int fd = blind_map(pins, "control");
	struct control *c = fd < 0 ? NULL : control_map(fd);
	int err = c ? 0 : -errno;

	if (c)
		control_forget_nexthops(c);
	control_unmap(c);
	if (fd >= 0)
		close(fd);
	return err;
}

/* sessions pins= clients= [by-index=1] client= client-port= local= ours= backend= backend-port= */
int blind_sessions(struct meter *b, const struct request *r)
{
	struct blind_maps m;
	struct blind_bucket *all;
	int err;

	err = blind_maps_open(&m, arg(r, "pins", ""));
	all = calloc(m.n_sessions + 1, sizeof(*all));
	err = err ?: all ? write_all(r, &m, all) : -ENOMEM;
	err = err ?: forget(arg(r, "pins", ""));
	free(all);
	close(m.table);
	close(m.sites);
	close(m.endpoints);
	close(m.sessions);
	return err;
}
