/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VLANs on kernels that have none: the maps of a running instance name some links as VLANs on others. Its XDP programs
 * are loaded again, with the same switches and with_vlans. Part of run_packets.c.
 */
#ifndef RUN_VLANS_H
#define RUN_VLANS_H

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "dataplane/map_info.h"
#include "dataplane/table.h"
#include "wgxdp.skel.h"

struct vlan_line {			/* a link that is a VLAN: its port, its tags, whether it has a tc plane */
	__u32 ifindex, port, protocol, outer, inner, tc;
};

static inline void vlan_link(int links, const struct vlan_line *v)
{
	__u32 place = v->ifindex % LINKS;
	struct link link;

	if (bpf_map_lookup_elem(links, &place, &link) || link.ifindex != v->ifindex)
		die("VLANs: link");
	link.port = v->port;
	link.tags[0] = htons(v->outer);
	link.tags[1] = htons(v->inner);
	link.flags |= v->protocol == ETH_P_8021AD ? LINK_OUTER_AD : 0;
	link.flags &= v->tc ? ~0 : ~LINK_TC;
	if (bpf_map_update_elem(links, &place, &link, BPF_ANY))
		die("VLANs: table");
}

/* Adds this to all entries of the table */
static inline void vlan_entry(struct table *t, const struct vlan_line *v)
{
	struct table_entry *all = calloc(t->n * TABLE_WAYS + 1, sizeof(*all));
	struct table_key key = { .addr = { .q = { vlan_key(v->protocol, htons(v->outer), htons(v->inner)) } },
				 .word = table_word(KEY_VLAN, 0, 0, v->port) };
	size_t n = 0;

	if (!all)
		die("VLANs: file of VLANs");
	for (__u32 i = 0; i < t->n * TABLE_WAYS; i++)
		if (t->buckets[i / TABLE_WAYS].entry[i % TABLE_WAYS].tag)
			all[n++] = t->buckets[i / TABLE_WAYS].entry[i % TABLE_WAYS];
	if (!table_lookup(t, &key)) {
		all[n].key = key;
		all[n++].vlan = (struct vlan){ .ifindex = v->ifindex };
		if (table_sync(t, all, n) < 0)
			die("VLANs: program");
	}
	free(all);
}

static inline void vlans_read(const char *file, int links, int table, __u32 buckets)
{
	struct table t = { .n = buckets, .grace = table_grace };
	struct vlan_line v;
	FILE *in = fopen(file, "r");

	t.buckets = mmap(NULL, t.n * sizeof(*t.buckets), PROT_READ | PROT_WRITE, MAP_SHARED, table, 0);
	if (!in || t.buckets == MAP_FAILED)
		die("VLANs");
	while (fscanf(in, "%u %u %x %u %u %u", &v.ifindex, &v.port, &v.protocol, &v.outer, &v.inner, &v.tc) == 6) {
		vlan_link(links, &v);
		vlan_entry(&t, &v);
	}
	fclose(in);
	munmap(t.buckets, t.n * sizeof(*t.buckets));
}

/* Reads the switches of a running program from its map .rodata */
static inline void switches_of(int program, void *ret, size_t size)
{
	__u32 ids[64], len = sizeof(struct bpf_prog_info), zero = 0;
	struct bpf_prog_info info = { .nr_map_ids = 64, .map_ids = (__u64)(unsigned long)ids };
	__u64 value[64];
	bool found = false;

	if (size > sizeof(value) || bpf_obj_get_info_by_fd(program, &info, &len))
		die("VLANs: the running program");
	for (__u32 i = 0; i < info.nr_map_ids && i < 64 && !found; i++) {
		struct bpf_map_info map = { 0 };
		int fd = bpf_map_get_fd_by_id(ids[i]);

		len = sizeof(map);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &map, &len))
			die("VLANs: its maps");
		found = strstr(map.name, ".rodata") && (map.value_size + 7) / 8 == (size + 7) / 8 && !bpf_map_lookup_elem(fd, &zero, value);
		close(fd);
	}
	if (!found)
		die("VLANs: its switches");
	memcpy(ret, value, size);
}

/* Loads the running programs again, with with_vlans; returns the express path, which calls the pipeline */
static inline int with_vlans_too(int running)
{
	struct wgxdp *s = wgxdp__open();
	struct bpf_program *program;
	__u32 zero = 0, pipeline;
	struct bpf_map *map;
	int fd;

	if (!s)
		die("VLANs: wgxdp.bpf.o");
	switches_of(running, s->rodata, sizeof(*s->rodata));
	s->rodata->icmp_errors_cpu = ~0U;	/* no limit: more than fifty are answered within a jiffy here */
	s->rodata->with_vlans = true;
	s->rodata->express_uses = USES_ALL;
	bpf_object__for_each_map(map, s->obj) {
		const char *pin = pin_of(map);

		if (pin && map != s->maps.xdp_way && bpf_map__reuse_fd(map, pinned(pin)))
			die("VLANs: reuse");
	}
	bpf_object__for_each_program(program, s->obj)
		bpf_program__set_autoload(program, program == s->progs.wgxdp_xdp || program == s->progs.wgxdp_express);
	if (wgxdp__load(s))
		die("VLANs: load");
	pipeline = bpf_program__fd(s->progs.wgxdp_xdp);
	if (dup(bpf_map__fd(s->maps.xdp_way)) < 0 ||	/* without a reference the kernel empties it */
	    bpf_map_update_elem(bpf_map__fd(s->maps.xdp_way), &zero, &pipeline, BPF_ANY))
		die("VLANs: xdp_way");
	fd = dup(bpf_program__fd(s->progs.wgxdp_express));
	wgxdp__destroy(s);
	return fd;
}

#endif
