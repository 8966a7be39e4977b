// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * run_packets INSTANCE xdp|tc|host-xdp|host-tc CASES RESULTS [ROUTES [VLANS]]: runs each packet through the programs that a running
 * instance has attached (BPF_PROG_TEST_RUN), or through the host plane with that instance's maps, and writes what came of it:
 * verdict, packet, and what the counters gained. It judges nothing but truncations; tests/packets.py does.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "host_plane.h"
#include "../user/map_info.h"

/* RUN_ROOM: what XDP's test-run leaves in front of a packet, less struct xdp_frame */
enum { PACKET_MAX = 70000, IDS = 64, CPUS = 256, RUN_ROOM = 256 - 40 };
#ifndef BPF_F_TEST_SKB_CHECKSUM_COMPLETE
#define BPF_F_TEST_SKB_CHECKSUM_COMPLETE (1U << 2)
#endif

struct case_head {			/* then len bytes */
	__u32 ifindex, len, runs, gso_segs, gso_size;
	__u32 whole;			/* cut shorter, it may not be sent */
	__u32 cuts;			/* CUTS: run every truncation too; SHORTENED: the kernel forgets the sum of what it cuts */
	__u32 linear;			/* host: bytes in reach */
	__u32 wait;			/* milliseconds before it comes */
	__u32 room;			/* xdp: bytes in front of it, in fours; more than RUN_ROOM: as many as there are */
};

struct result_head {			/* then len bytes, n counters and n clones */
	__u32 verdict;			/* enum plane_verdict, or ODD */
	__u32 raw;			/* retval or errno */
	__u32 len, n_counters, cuts, bad_cuts, n_clones;
};
#define ODD 3
#define CUTS 1
#define SHORTENED 2

struct counter {
	__u32 id;
	__u8 direction, plane;
	__u16 what;			/* RECEIVED …, or REASONS + reason */
	__u64 n;
};
enum { RECEIVED, FORWARDED, BYTES, REASONS };
enum { COUNTERS = IDS * 4 * (REASONS + REASON_MAX) };

static const char *instance;
static bool tc, host;
static int program, totals, reasons;
static __u32 n_ids;
static __u64 before[COUNTERS], after[COUNTERS];
static __u8 room[RUN_ROOM + PACKET_MAX], out[PACKET_MAX], *const packet = room + RUN_ROOM;
static __u32 out_len;
static __u8 clones[1 << 20];
static __u32 n_clones, clones_size;
static int tap = -1;

static void die(const char *what)
{
	fprintf(stderr, "run_packets: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int pinned(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/sys/fs/bpf/wgxdp/%s/%s", instance, name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		die(path);
	return fd;
}

#include "run_vlans.h"			/* with these */

/* ---- counters: before[] and after[], one number for each id, direction, plane and kind ---- */

static __u64 *number(__u64 *all, __u32 id, __u32 direction, __u32 plane, __u32 what)
{
	return &all[(id * 4 + plane * 2 + direction) * (REASONS + REASON_MAX) + what];
}

static void read_total(__u64 *all, __u32 id, __u32 direction, __u32 plane)
{
	__u32 index = total_index(id, direction, plane);
	struct total cpus[CPUS] = { 0 };
	const struct total *from = cpus;
	int n = host ? 1 : libbpf_num_possible_cpus();

	if (host)
		from = host_plane_read("totals", &index);
	else if (bpf_map_lookup_elem(totals, &index, cpus))
		die("totals");
	for (int i = 0; i < n; i++) {
		*number(all, id, direction, plane, RECEIVED) += from[i].received;
		*number(all, id, direction, plane, FORWARDED) += from[i].forwarded;
		*number(all, id, direction, plane, BYTES) += from[i].bytes;
	}
}

static void read_reasons(__u64 *all)
{
	struct reason_key key, *last = NULL;
	__u64 cpus[CPUS];

	for (; !bpf_map_get_next_key(reasons, last, &key); last = &key) {
		if (bpf_map_lookup_elem(reasons, &key, cpus))
			continue;
		for (int i = 0; i < libbpf_num_possible_cpus(); i++)
			*number(all, key.id, key.direction, key.plane, REASONS + key.reason) += cpus[i];
	}
}

static void read_counters(__u64 *all)
{
	const struct reason_key *key;
	const __u64 *n;

	memset(all, 0, sizeof(before));
	for (__u32 i = 0; i < n_ids * 4; i++)
		read_total(all, i / 4, i & 1, i >> 1 & 1);
	if (!host) {
		read_reasons(all);
		return;
	}
	for (__u32 i = 0; host_plane_entry("reasons", i, (const void **)&key, (const void **)&n); i++)
		*number(all, key->id, key->direction, key->plane, REASONS + key->reason) = *n;
}

static __u32 write_gains(FILE *to)
{
	__u32 n = 0;

	for (__u32 i = 0; i < n_ids * 4; i++)
		for (__u32 what = 0; what < REASONS + REASON_MAX; what++) {
			struct counter c = { .id = i / 4, .direction = i & 1, .plane = i >> 1 & 1, .what = what };

			c.n = *number(after, c.id, c.direction, c.plane, what) - *number(before, c.id, c.direction, c.plane, what);
			if (c.n && to)
				fwrite(&c, sizeof(c), 1, to);
			n += !!c.n;
		}
	return n;
}

/* ---- one packet ---- */

static int run_live(const struct case_head *c, __u32 len, __u32 flags, __u32 *raw)
{
	__u32 taken = tc || c->room > RUN_ROOM ? 0 : RUN_ROOM - c->room;	/* by metadata, which is no room */
	struct xdp_md xdp = { .data = taken, .data_end = taken + len, .ingress_ifindex = c->ifindex };
	struct __sk_buff skb = { .ifindex = c->ifindex, .gso_segs = c->gso_segs, .gso_size = c->gso_size };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet - taken, .data_size_in = taken + len, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = 1, .flags = flags);
	int rc;

	opts.ctx_in = tc ? (void *)&skb : &xdp;
	opts.ctx_size_in = tc ? sizeof(skb) : sizeof(xdp);
	rc = bpf_prog_test_run_opts(program, &opts);
	*raw = rc ? -rc : opts.retval;
	out_len = opts.data_size_out - (rc ? 0 : taken);
	memmove(out, out + taken, out_len);
	if (!rc && out_len != len && opts.retval == (tc ? TC_ACT_SHOT : XDP_DROP))
		return PLANE_DROPPED;		/* its header had been changed for the other family */
	if (rc || (out_len != len && opts.retval != (tc ? (__u32)TC_ACT_REDIRECT : XDP_REDIRECT)))
		return ODD;
	if (tc)
		return opts.retval == (__u32)TC_ACT_UNSPEC ? PLANE_PASSED : opts.retval == TC_ACT_REDIRECT ? PLANE_SENT :
		       opts.retval == TC_ACT_SHOT ? PLANE_DROPPED : ODD;
	return opts.retval == XDP_PASS ? PLANE_PASSED : opts.retval == XDP_REDIRECT ? PLANE_SENT :
	       opts.retval == XDP_DROP ? PLANE_DROPPED : ODD;
}

/* IPv4, or a fragment of IPv6: what else there is a kernel says of its own */
static bool may_be_piece(const struct sockaddr_ll *from, const __u8 *frame, size_t n)
{
	return from->sll_pkttype == PACKET_OUTGOING && (from->sll_protocol == htons(ETH_P_IP) ||
	       (from->sll_protocol == htons(ETH_P_IPV6) && n > 20 && frame[20] == IPPROTO_FRAGMENT));
}

/* What the program itself sent, by bpf_clone_redirect(), before it returned */
static void take_clones(void)
{
	static __u8 frame[PACKET_MAX];
	struct sockaddr_ll from;
	socklen_t from_len;
	ssize_t n;

	n_clones = clones_size = 0;
	while (from_len = sizeof(from), (n = recvfrom(tap, frame, sizeof(frame), 0, (void *)&from, &from_len)) >= 0) {
		struct clone_head head = { from.sll_ifindex, n };

		if (!may_be_piece(&from, frame, n) || clones_size + sizeof(head) + n > sizeof(clones))
			continue;
		memcpy(clones + clones_size, &head, sizeof(head));
		memcpy(clones + clones_size + sizeof(head), frame, n);
		clones_size += sizeof(head) + n;
		n_clones++;
	}
}

static int run(const struct case_head *c, __u32 len, __u32 flags, __u32 *raw)
{
	int verdict;

	*raw = 0;
	out_len = len;
	if (host)
		return host_plane_run(tc ? PLANE_TC : PLANE_XDP, c->ifindex, packet, len, c->linear, c->gso_segs, c->gso_size, out,
				      &out_len);
	verdict = run_live(c, len, flags, raw);
	take_clones();
	return verdict;
}

static __u32 write_clones(FILE *to)
{
	const void *from = clones;
	__u32 n = n_clones, size = clones_size;

	if (host)
		from = host_plane_clones(&n, &size);
	if (to)
		fwrite(from, 1, size, to);
	return n;
}

/* Cut anywhere, a packet stays as it was, unless only padding is gone and it is sent */
static void run_cuts(const struct case_head *c, struct result_head *result)
{
	for (__u32 len = host ? 0 : 14; len < c->len; len++) {
		__u32 raw;
		int verdict;

		if (len > 400 && c->len - len > 40)
			continue;
		verdict = run(c, len, 0, &raw);
		if (verdict == ODD && raw == EINVAL)
			continue;			/* too short for the kernel's own test-run */
		result->cuts++;
		if (verdict == PLANE_SENT ? len < c->whole : verdict != PLANE_PASSED || memcmp(packet, out, len)) {
			result->bad_cuts++;
			fprintf(stderr, "cut to %u of %u bytes: verdict %d (%u)\n", len, c->len, verdict, raw);
		}
	}
}

static void run_case(const struct case_head *c, FILE *to)
{
	static bool complete = true;		/* whether the kernel checks CHECKSUM_COMPLETE; with every second run */

	if (host)
		host_plane_wait(c->wait);
	else
		usleep(c->wait * 1000);
	for (__u32 i = 0; i < c->runs; i++) {
		struct result_head result = { .len = c->len };
		__u32 flags = tc && complete && i & 1 && !(c->cuts & SHORTENED) ? BPF_F_TEST_SKB_CHECKSUM_COMPLETE : 0;

		read_counters(before);
		result.verdict = run(c, c->len, flags, &result.raw);
		if (flags && result.verdict == ODD && result.raw == EINVAL) {
			complete = false;
			result.verdict = run(c, c->len, 0, &result.raw);
		}
		read_counters(after);
		result.n_counters = write_gains(NULL);
		result.len = out_len;
		result.n_clones = write_clones(NULL);
		fwrite(&result, sizeof(result), 1, to);
		fwrite(out, 1, out_len, to);
		write_gains(to);
		write_clones(to);
	}
	if (c->cuts & CUTS) {
		struct result_head result = { 0 };

		read_counters(before);
		run_cuts(c, &result);
		read_counters(after);
		result.n_counters = write_gains(NULL);
		fwrite(&result, sizeof(result), 1, to);
		write_gains(to);
	}
}

/* ---- the host plane gets the instance's maps ---- */

static void copy_array(const char *name)
{
	int fd = pinned(name);
	__u32 n = map_entries(fd);
	void *value = calloc(1, map_info(fd).value_size);

	host_plane_resize(name, n);
	for (__u32 i = 0; i < n; i++) {
		if (bpf_map_lookup_elem(fd, &i, value))
			die(name);
		host_plane_write(name, &i, value);
	}
	free(value);
	close(fd);
}

static void copy_trie(void)
{
	struct source_key key, *last = NULL;
	int fd = pinned("source_trie");
	__u8 value;

	host_plane_resize("source_trie", 1024);
	for (; !bpf_map_get_next_key(fd, last, &key); last = &key)
		if (!bpf_map_lookup_elem(fd, &key, &value))
			host_plane_write("source_trie", &key, &value);
	close(fd);
}

static void host_setup(const char *routes)
{
	FILE *f = fopen(routes, "r");
	char line[512];
	int fd = pinned("nexthops");

	copy_array("links");
	copy_array("table");
	copy_array("sources");
	copy_array("control");
	copy_trie();
	copy_array("pools");
	host_plane_resize("flows", 1024);
	host_plane_resize("embryos", 1024);
	host_plane_resize("embryo_limits", 1024);
	host_plane_resize("flow_totals", n_ids);
	host_plane_resize("nexthops", map_entries(fd));
	close(fd);
	host_plane_resize("totals", n_ids * 4);
	host_plane_resize("choices", 1024);
	host_plane_start();
	if (!f)
		die(routes);
	while (fgets(line, sizeof(line), f))
		if (!host_plane_route(line)) {
			fprintf(stderr, "run_packets: %s: bad route: %s", routes, line);
			exit(1);
		}
	fclose(f);
}

/* What an earlier run left */
static void forget(const char *map)
{
	__u8 key[64];
	int fd = pinned(map);

	while (!bpf_map_get_next_key(fd, NULL, key))
		if (bpf_map_delete_elem(fd, key) && errno != ENOENT)	/* a flow's timer was faster */
			die(map);
	close(fd);
}

#include "run_blind.h"			/* with these */

static void setup(const char *plane, const char *routes, const char *vlans)
{
	int room = 16 << 20;
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);			/* next hops are remembered per CPU */
	sched_setaffinity(0, sizeof(cpu), &cpu);
	host = !strncmp(plane, "host-", 5);
	tc = strstr(plane, "tc");
	totals = pinned("totals");
	reasons = pinned("reasons");
	n_ids = map_entries(totals) / 4;
	n_ids = n_ids < IDS ? n_ids : IDS;
	program = pinned(tc ? "progs/wgxdp_tc" : "progs/wgxdp_xdp");
	if (host) {
		host_setup(routes);
		if (getenv("SITES"))
			blind_setup(getenv("SITES"), true);
		return;
	}
	if (*vlans) {
		int table = pinned("table");

		vlans_read(vlans, pinned("links"), table, map_entries(table));
		program = tc ? program : with_vlans_too(program);
	}
	forget("frags");
	if (!getenv("KEEP_FLOWS")) {
		forget("flows");
		forget("embryos");
		forget("embryo_limits");
	}
	if (getenv("SITES"))
		blind_setup(getenv("SITES"), false);
	tap = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
	if (tap < 0 || setsockopt(tap, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		die("packet socket");
}

int main(int argc, char **argv)
{
	struct case_head c;
	FILE *from, *to;
	int n = 0;

	if (argc < 5) {
		fprintf(stderr, "usage: run_packets INSTANCE xdp|tc|host-xdp|host-tc CASES RESULTS [ROUTES [VLANS]]\n");
		return 2;
	}
	instance = argv[1];
	setup(argv[2], argc > 5 ? argv[5] : "", argc > 6 ? argv[6] : "");
	from = fopen(argv[3], "rb");
	to = fopen(argv[4], "wb");
	if (!from || !to)
		die(from ? argv[4] : argv[3]);
	for (; fread(&c, sizeof(c), 1, from) == 1; n++) {
		if (c.len > PACKET_MAX || fread(packet, 1, c.len, from) != c.len)
			die("cases");
		run_case(&c, to);
	}
	fclose(from);
	return fclose(to) ? 1 : 0;
}
