/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of dataplane.h for the blind relay: the sizes of its maps, and the program at
 * the egress of its interface that sees packets of this host's own WireGuard.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "dataplane/attach.h"
#include "dataplane/dataplane.h"
#include "dataplane/dataplane_programs.h"
#include "dataplane/map_info.h"
#include "lib/file.h"
#include "lib/log.h"
#include "dataplane/table.h"
#include "wgxdp.skel.h"

#define PIN_EGRESS "progs/wgxdp_tc_egress"
/* Room for pairs of sites that communicate, at least. Each has two entries, one in either
 * direction; the map has no memory for pairs that do not communicate. */
#define ROOM_PAIRS 65536
/* So many that the handshakes of one site with our own WireGuard, which are at most 50 a second, do
 * not fill them. */
#define LEAST_BUCKETS 8192
#define ROOM_BUCKETS 65536		/* buckets for the sessions of up to 8,192 sites */
/* Most pairs of sites whose packets are counted apart; each CPU has its own counters. */
#define COUNTED_PAIRS (1 << 20)

static __u32 larger(__u32 a, __u32 b)
{
	return a > b ? a : b;
}

/* Returns the number of buckets for session indices. Half of the entries hold the indices of two
 * sessions for each pair of sites; the other half is spare, for sessions that are being renewed.
 * With many sites, each has room for sessions with a few others. */
static __u32 session_buckets(__u32 room)
{
	__u64 n = (__u64)room * room / 2, most = larger(ROOM_BUCKETS, 8 * room);

	return n < LEAST_BUCKETS ? LEAST_BUCKETS : n > most ? most : n;
}

void dataplane_size_blind(const struct dataplane *dp, struct load_settings *set,
			  const struct plan *p)
{
	const struct plan_blind *b = &p->blind;
	__u32 room = b->on ? b->room : 1, buckets = b->on ? session_buckets(room) : 1;

	dataplane_size_map(dp, set, MAP_blind_sites, room);
	dataplane_size_map(dp, set, MAP_blind_names, room);
	dataplane_size_map(dp, set, MAP_blind_waiting, room);
	/* A pair has at least one entry of sessions, usually several. */
	dataplane_size_map(dp, set, MAP_blind_totals, !b->on ? 1 :
			   BLIND_WAYS * buckets < COUNTED_PAIRS ? BLIND_WAYS * buckets :
								  COUNTED_PAIRS);
	dataplane_size_map(dp, set, MAP_blind_pairs, b->on ? larger(2 * ROOM_PAIRS, 16 * room) : 1);
	dataplane_size_map(dp, set, MAP_sessions, buckets);
	dataplane_size_map(dp, set, MAP_hints, buckets);
	dataplane_size_map(dp, set, MAP_endpoints, b->on ? table_size(room + b->n_pairs) : 1);
	/* Sources of messages with a wrong mac1 share a small budget, as at a guard. */
	if (b->on)
		dataplane_size_map(dp, set, MAP_failed, FAILED_PLACES);
	set->rodata->blind_port = b->port;
	set->rodata->blind_mask = set->entries[MAP_sessions] - 1;
	set->rodata->blind_totals_mask = set->entries[MAP_blind_totals] - 1;
	set->rodata->endpoints_mask = set->entries[MAP_endpoints] - 1;
}

void dataplane_carry_endpoints(const struct dataplane *dp)
{
	struct table t = { .n = dataplane_entries(dp, MAP_endpoints), .grace = table_grace };
	size_t n = 0, size = t.n * sizeof(struct table_bucket);
	struct table_entry *entries = NULL;

	t.buckets = map_memory(map_fd(dp, MAP_endpoints), size, PROT_READ | PROT_WRITE);
	if (t.buckets && !table_read(dp->former[MAP_endpoints], &entries, &n))
		table_sync(&t, entries, n);
	free(entries);
	if (t.buckets)
		munmap(t.buckets, size);
}

/* Removes our egress links and filters at all interfaces except this one. */
static void drop_others(const struct dataplane *dp, __u32 ifindex)
{
	char path[PIN_LEN];
	struct dirent *e;
	__u32 is;
	DIR *dir;

	pin_path(path, dp->instance, "", "attach");
	dir = opendir(path);
	while (dir && (e = readdir(dir)))
		if (sscanf(e->d_name, "egress-%u", &is) == 1 && is != ifindex)
			pin_remove(dp->instance, "attach/egress-%u", is);
	if (dir)
		closedir(dir);
	/* Without the pin, this instance has had no filter since it last loaded programs. */
	for (size_t i = 0; i < dp->n_ports && pin_exists(dp->instance, PIN_EGRESS); i++)
		if (dp->ports[i].ifindex != ifindex && !(dp->ports[i].flags & LINK_TCX))
			detach_egress(dp->ports[i].ifindex);
}

/* Returns an fd of the program that was just loaded, or else of the pinned one; negative if there
 * is none. */
static int egress_program(const struct dataplane *dp)
{
	return dp->reloaded ? dup(bpf_program__fd(dp->skeleton->progs.wgxdp_tc_egress)) :
			      pin_get(dp->instance, PIN_EGRESS);
}

static int attach_at(struct dataplane *dp, __u32 ifindex, int program, const char *suffix)
{
	int link = pin_get(dp->instance, "attach/egress-%u", ifindex), rc = -ENOENT;
	char name[32];

	if (link >= 0) {
		rc = bpf_link_update(link, program, NULL);
		close(link);
	}
	if (!rc)
		return 0;
	pin_remove(dp->instance, "attach/egress-%u", ifindex);
	rc = attach_egress(ifindex, program, &link);
	if (rc || link < 0)
		return rc;
	snprintf(name, sizeof(name), "attach/egress-%u", ifindex);
	rc = pin_set(link, dp->instance, suffix, name);
	close(link);
	return rc;
}

void dataplane_pin_egress(struct dataplane *dp, const struct plan *p, const char *suffix)
{
	__u32 ifindex = p->blind.on ? p->blind.ifindex : 0;
	int program, rc;

	drop_others(dp, ifindex);
	if (!p->blind.on)
		return;
	program = egress_program(dp);
	/* The pin shows which filter is ours. The first pin comes before the filter, so that a
	 * killed `up` leaves no unknown filter. A later one replaces the running program's. */
	if (!dp->running)
		pin_set(program, dp->instance, suffix, PIN_EGRESS);
	rc = program < 0 ? program : ifindex ? attach_at(dp, ifindex, program, suffix) : 0;
	/* Pin the program even if its interface does not exist yet: when the interface appears,
	 * nothing is loaded again. */
	if (dp->running && dp->reloaded)
		pin_set(program, dp->instance, suffix, PIN_EGRESS);
	fd_close(program);
	if (rc)
		log_warning("blind: cannot watch the packets of this host's WireGuard: %s: a site whose address changes may be unreachable for some minutes",
			    strerror(-rc));
}
