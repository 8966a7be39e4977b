// SPDX-License-Identifier: GPL-2.0-or-later
/* The measuring process: request lines on standard input, a line of JSON for each on standard output.
 * Pinned to one CPU, at nice -20; scripts/bench starts it and drives it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/if_link.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "bench.h"
#include "bench.skel.h"

const char *arg(const struct request *r, const char *key, const char *otherwise)
{
	for (int i = 0; i < r->n; i++)
		if (!strcmp(r->args[i].key, key))
			return r->args[i].value;
	return otherwise;
}

long arg_number(const struct request *r, const char *key, long otherwise)
{
	const char *value = arg(r, key, NULL);

	return value ? strtol(value, NULL, 0) : otherwise;
}

int enter(const struct meter *b, const char *netns)
{
	int fd = netns ? open(netns, O_RDONLY | O_CLOEXEC) : b->home;
	int err = fd < 0 || setns(fd, CLONE_NEWNET) ? -errno : 0;

	if (netns && fd >= 0)
		close(fd);
	if (err)
		fprintf(stderr, "bench: network namespace %s: %s\n", netns ?: "(home)", strerror(-err));
	return err;
}

static int device(const struct request *r, const char *key, __u32 *ret_ifindex)
{
	const char *name = arg(r, key, "");

	*ret_ifindex = if_nametoindex(name);
	if (*ret_ifindex)
		return 0;
	fprintf(stderr, "bench: %s: no interface '%s' there\n", key, name);
	return -ENODEV;
}

static int attach(const struct bpf_program *prog, __u32 ifindex)
{
	int err = bpf_xdp_attach(ifindex, bpf_program__fd(prog), XDP_FLAGS_DRV_MODE, NULL);

	if (err)
		fprintf(stderr, "bench: XDP on interface %u: %s\n", ifindex, strerror(-err));
	return err;
}

/* sink netns= dev=      the end of a path */
static int do_sink(struct meter *b, const struct request *r)
{
	__u32 ifindex;

	return device(r, "dev", &ifindex) ?: attach(b->skel->progs.bench_sink, ifindex);
}

/* port netns= dev= slot=      where the sender transmits */
static int do_port(struct meter *b, const struct request *r)
{
	__u32 ifindex, slot = arg_number(r, "slot", 0);

	return device(r, "dev", &ifindex) ?:
	       bpf_map__update_elem(b->skel->maps.ports, &slot, sizeof(slot), &ifindex, sizeof(ifindex), BPF_ANY);
}

/* hold netns= dev=      Attaches the runner of test-runs there. A program that is attached nowhere enters
 * the kernel's dispatcher for each test-run, and leaves it after that: both wait for RCU. */
static int do_hold(struct meter *b, const struct request *r)
{
	__u32 ifindex;

	return device(r, "dev", &ifindex) ?: attach(b->skel->progs.bench_fresh, ifindex);
}

/* cross netns= dev= to= [bare=1]      a redirect of our own between two devices; bare: attach it too */
static int do_cross(struct meter *b, const struct request *r)
{
	__u32 from, to;
	int err;

	err = device(r, "dev", &from) ?: device(r, "to", &to);
	err = err ?: bpf_map__update_elem(b->skel->maps.crossings, &from, sizeof(from), &to, sizeof(to), BPF_ANY);
	return err || !arg_number(r, "bare", 0) ? err : attach(b->skel->progs.bench_bare, from);
}

static bool read_mac(const struct request *r, const char *key, volatile __u8 *ret)
{
	struct ether_addr mac;

	if (!ether_aton_r(arg(r, key, ""), &mac))
		return false;
	memcpy((void *)ret, &mac, sizeof(mac));
	return true;
}

/* hop dev= to= dmac= smac=      the bare redirect to another machine, by its MAC. The other device gets
 * a program too, because some drivers transmit for XDP only with one. */
static int do_hop(struct meter *b, const struct request *r)
{
	volatile __u8 *macs = b->skel->bss->hop_macs;
	__u32 from, to;
	int err = device(r, "dev", &from) ?: device(r, "to", &to);

	if (!err && (!read_mac(r, "dmac", macs) || !read_mac(r, "smac", macs + ETH_ALEN)))
		err = -EINVAL;
	err = err ?: bpf_map__update_elem(b->skel->maps.crossings, &from, sizeof(from), &to, sizeof(to), BPF_ANY);
	err = err ?: attach(b->skel->progs.bench_hop, from);
	return err || from == to ? err : attach(b->skel->progs.bench_bare, to);
}

static const struct command {
	const char *word;
	int (*run)(struct meter *b, const struct request *r);
	bool answers;			/* prints its own JSON */
} commands[] = {
	{ "sink", do_sink, false }, { "port", do_port, false }, { "cross", do_cross, false },
	{ "hold", do_hold, false }, { "hop", do_hop, false },
	{ "target", measure_target, false }, { "live", measure_live, true }, { "test", measure_test, true },
	{ "tun", tun_make, false }, { "tunnel", measure_tunnel, true },
	{ "newcomers", flows_newcomers, true }, { "flows", flows_write, false }, { "lru", flows_lru, false },
	{ "answered", guard_answered, false }, { "lookup", guard_lookup, false },
	{ "sessions", blind_sessions, false },
	{ "program", inspect_program, true }, { "object", inspect_object, true },
};

static int split(char *line, struct request *ret_request)
{
	struct request r = { 0 };
	char *save, *word = strtok_r(line, " \n", &save);

	if (!word)
		return -EINVAL;
	r.word = word;
	while ((word = strtok_r(NULL, " \n", &save)) && r.n < MAX_ARGS) {
		char *value = strchr(word, '=');

		if (!value)
			return -EINVAL;
		*value++ = 0;
		r.args[r.n].key = word;
		r.args[r.n++].value = value;
	}
	*ret_request = r;
	return 0;
}

static int obey(struct meter *b, const struct request *r)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		const struct command *c = &commands[i];
		int err;

		if (strcmp(c->word, r->word))
			continue;
		if (c->answers && !b->ksoftirqd) {
			fprintf(stderr, "bench: no ksoftirqd in /proc, whose time counts: run me outside of a PID namespace\n");
			return -ESRCH;
		}
		err = enter(b, arg(r, "netns", NULL)) ?: c->run(b, r);
		enter(b, NULL);
		if (!err && !c->answers)
			puts("{}");
		return err;
	}
	return -EINVAL;
}

static int find_ksoftirqd(int cpu)
{
	char path[280], name[32], want[32];
	DIR *proc = opendir("/proc");
	struct dirent *e;
	int pid = 0;

	snprintf(want, sizeof(want), "ksoftirqd/%d", cpu);
	while (proc && !pid && (e = readdir(proc))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fscanf(f, "%31s", name) == 1 && !strcmp(name, want))
			pid = atoi(e->d_name);
		fclose(f);
	}
	if (proc)
		closedir(proc);
	return pid;
}

/* hop_only: loads only the programs that `hop` attaches, because older kernels refuse the others */
static struct bench *load_programs(bool hop_only)
{
	struct bench *skel = bench__open();
	struct bpf_program *prog;

	if (!skel)
		return NULL;
	bpf_object__for_each_program(prog, skel->obj)
		if (hop_only && prog != skel->progs.bench_hop && prog != skel->progs.bench_bare)
			bpf_program__set_autoload(prog, false);
	if (!bench__load(skel))
		return skel;
	bench__destroy(skel);
	return NULL;
}

static int start(struct meter *b, int cpu, bool hop_only)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		fprintf(stderr, "bench: CPU %d: %s\n", cpu, strerror(errno));
		return -errno;
	}
	if (nice(-20) == -1 && errno)
		perror("bench: nice");
	b->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	b->ksoftirqd = find_ksoftirqd(cpu);
	b->skel = load_programs(hop_only);
	if (!b->skel || b->home < 0)
		return -EINVAL;
	b->job = &b->skel->bss->job;
	return 0;
}

int main(int argc, char **argv)
{
	struct meter b = { 0 };
	struct request r;
	char line[4096];

	if (argc < 2 || argc > 3 || (argc == 3 && strcmp(argv[2], "hop"))) {
		fputs("usage: bench CPU [hop] < requests\n", stderr);
		return 2;
	}
	if (start(&b, atoi(argv[1]), argc == 3))
		return 1;
	setlinebuf(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		int err = split(line, &r) ?: obey(&b, &r);

		if (err)
			printf("{\"error\": \"%s\"}\n", strerror(-err));
	}
	bench__destroy(b.skel);
	return 0;
}
