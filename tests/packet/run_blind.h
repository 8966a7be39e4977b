/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sites of the blind relay in the maps of a running instance, and nothing of what handshakes left there; for the host plane too. Part of
 * run_packets.c, for which the environment names a file of them in $SITES.
 */
#ifndef RUN_BLIND_H
#define RUN_BLIND_H

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "blake2s.h"
#include "host/blind_maps.h"
#include "host/host_plane.h"

/* Sets each entry to zeros */
static inline void blind_empty(const char *name)
{
	int fd = pinned(name);
	__u32 n = map_entries(fd);
	void *none = calloc(1, map_info(fd).value_size);

	for (__u32 i = 0; i < n; i++)
		if (!none || bpf_map_update_elem(fd, &i, none, BPF_ANY))
			die(name);
	free(none);
	close(fd);
}

static inline __u8 blind_addr(const char *text, struct addr *ret)
{
	bool ipv6 = strchr(text, ':');

	*ret = (struct addr){ .w = { 0, 0, htonl(0xffff), 0 } };
	if (inet_pton(ipv6 ? AF_INET6 : AF_INET, text, ipv6 ? (void *)ret : &ret->w[3]) != 1)
		die(text);
	return ipv6 ? FAMILY_IPV6 : FAMILY_IPV4;
}

/* NUMBER NAME KEY MAY OURS ADDRESS PORT: the key and MAY in hexadecimal. MAY has a bit for each site to which it may
 * talk. OURS is the address from which the relay sends to it. ADDRESS -: it is nowhere yet. Number 0 is the relay. */
static inline bool blind_read_site(const struct blind_maps *m, const char *line, __u32 *ret_number)
{
	char name[32], key[65], ours[64], address[64];
	struct peer_name peer = { 0 };
	struct blind_site site = { 0 };
	struct addr local, to;
	unsigned long long may;
	unsigned int port;
	int names = pinned("blind_names"), rc = 0;

	if (sscanf(line, "%u %31s %64s %llx %63s %63s %u", ret_number, name, key, &may, ours, address, &port) != 7)
		return false;
	for (int i = 0; i < 32; i++)
		sscanf(key + 2 * i, "%2hhx", (unsigned char *)peer.key + i);
	blake2s_mac1(site.mac1, (const __u8 *)peer.key);
	if (*address != '-') {
		__u8 family = blind_addr(address, &to);

		blind_addr(ours, &local);
		rc = blind_place(m, &to, htons(port), family, &local, &site.place[0]) ?:
		     blind_put_endpoint(m, *ret_number, &to, htons(port), family);
	}
	for (__u32 other = 1; other < 64 && !rc; other++)
		if (may >> other & 1)
			rc = blind_put_pair(m, *ret_number, other);
	strcpy(peer.name, name);
	rc = rc ?: bpf_map_update_elem(m->sites, ret_number, &site, BPF_ANY) ?: bpf_map_update_elem(names, ret_number, &peer, BPF_ANY);
	close(names);
	return !rc;
}

static inline void blind_setup_host(const struct blind_maps *m)
{
	static const char *const copied[] = { "blind_sites", "endpoints", "sessions", "hints", "blind_state", "blind_waiting" };
	static const char *const own[] = { "blind_totals", "blind_pairs", "failed" };
	struct table_entry listener;

	if (blind_listener(m->table, &listener))
		die("blind relay");
	for (size_t i = 0; i < sizeof(copied) / sizeof(*copied); i++)
		copy_array(copied[i]);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		int fd = pinned(own[i]);

		host_plane_resize(own[i], map_entries(fd));
		close(fd);
	}
	host_plane_start_blind(listener.key.word >> 16);
}

/* Also resets the limit for messages of unknown senders */
static inline void blind_setup(const char *file, bool on_host)
{
	static const char *const emptied[] = { "sessions", "hints", "blind_waiting", "failed" };
	struct blind_state state;
	struct blind_maps m;
	int fd = pinned("blind_state");
	FILE *in = fopen(file, "r");
	__u32 zero = 0, number = 0;
	char path[128], line[512];

	snprintf(path, sizeof(path), "/sys/fs/bpf/wgxdp/%s", instance);
	if (!in || blind_maps_open(&m, path) || bpf_map_lookup_elem(fd, &zero, &state))
		die(file);
	for (size_t i = 0; i < sizeof(emptied) / sizeof(*emptied); i++)
		blind_empty(emptied[i]);
	forget("blind_pairs");
	while (fgets(line, sizeof(line), in))
		if (!blind_read_site(&m, line, &number))
			die(line);
	state.sites = number + 1;
	state.may_all = false;
	state.limit = 0;
	if (bpf_map_update_elem(fd, &zero, &state, BPF_ANY))
		die("blind_state");
	fclose(in);
	close(fd);
	if (on_host)
		blind_setup_host(&m);
}

#endif
