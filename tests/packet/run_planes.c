// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * run_planes INSTANCE CASES SECONDS SEED [SEQUENCE]: runs random sequences of packets, made from those in CASES,
 * through the programs of a running instance, which it loads again, and through the host plane. Verdict, bytes and
 * counters must be the same. Packets that xdp sends or drops must end as with tc alone. SEQUENCE: run only this one,
 * packet by packet. $KEYS is a file of public keys, in hexadecimal, for messages with a right mac1. $SITES is a file
 * for run_blind.h.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "host/host_plane.h"
#include "fuzz/mutate_change.h"
#include "fuzz/mutate_talk.h"
#include "run_pins.h"
#include "run_rules.h"
#include "tests/fib.skel.h"

enum { STEPS = 32, SEEDS = 8192 };


#include "run_live.h"			/* with these */
#include "run_states.h"
#include "run_blind.h"

static struct frame *seeds[SEEDS], steps[STEPS];
static struct end chain_ends[STEPS], tc_ends[STEPS], live, model;
static int n_seeds, n_steps, programs[2], fib_program;
static struct link links[LINKS];
static struct wgxdp *skeleton;
static struct fib *fib;
static bool explain;			/* print each packet */
static bool may_segment;		/* the kernel does not change the family of test-run's GSO packets: not for flows that do */
static char why[512];
static int again[STEPS];			/* how often each step's packet is repeated */
static bool express;			/* the express path remembers decisions */
static unsigned long n_packets, n_sequences, n_runs, n_sent, n_ended, n_unsteady, n_express;

/* ---- the host plane uses the kernel's routes ---- */

static long ask_kernel(struct bpf_fib_lookup *fib, __u32 flags)
{
	__u8 in[18 + sizeof(*fib)] = { 0 }, back[sizeof(in)];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = sizeof(in), .data_out = back, .data_size_out = sizeof(back), .repeat = 1);

	memcpy(in + 14, &flags, sizeof(flags));
	memcpy(in + 18, fib, sizeof(*fib));
	if (bpf_prog_test_run_opts(fib_program, &opts))
		die("fib");
	memcpy(fib, back + 18, sizeof(*fib));
	return (__s32)opts.retval;
}

/* ---- a packet on a plane ---- */

static int run_model(const struct frame *f)
{
	const void *from;

	model.verdict = host_plane_run(tc ? PLANE_TC : PLANE_XDP, f->ifindex, f->b, f->len, f->len, f->gso_segs, f->gso_size, model.b, &model.len);
	from = host_plane_clones(&model.n_clones, &model.clones_size);
	memcpy(model.clones, from, model.clones_size < sizeof(model.clones) ? model.clones_size : 0);
	return model.verdict;
}

static int run_program(const struct frame *f)
{
	struct case_head c = { .ifindex = f->ifindex, .len = f->len, .gso_segs = f->gso_segs, .gso_size = f->gso_size, .room = ~0U };
	__u32 raw;

	memcpy(packet, f->b, f->len);
	program = programs[tc];
	if (express && !tc)
		n_express += new_express_hits(bpf_map__fd(skeleton->maps.bss));
	live.verdict = run_live(&c, f->len, 0, &raw);
	if (live.verdict == ODD)
		snprintf(why, sizeof(why), "verdict %u", raw);
	if (live.verdict == ODD && raw == EINVAL)
		return -EINVAL;
	n_clones = clones_size = 0;
	if (tc)
		take_clones();
	live.len = out_len;
	memcpy(live.b, out, out_len < sizeof(live.b) ? out_len : sizeof(live.b));
	live.n_clones = n_clones;
	live.clones_size = clones_size;
	memcpy(live.clones, clones, clones_size < sizeof(live.clones) ? clones_size : 0);
	return live.verdict;
}

static const char *const verdicts[] = { "passed", "dropped", "sent", "odd" };

static bool differ(const char *what, const struct end *a, const struct end *b)
{
	__u32 i = 0;

	if (a->verdict != b->verdict) {
		snprintf(why, sizeof(why), "%s: %s and %s", what, verdicts[a->verdict], verdicts[b->verdict]);
		return true;
	}
	if (a->verdict == PLANE_DROPPED)
		return false;
	if (a->len != b->len || memcmp(a->b, b->b, a->len)) {
		while (i < a->len && i < b->len && a->b[i] == b->b[i])
			i++;
		snprintf(why, sizeof(why), "%s: %u and %u bytes, other from byte %u on", what, a->len, b->len, i);
		return true;
	}
	if (a->n_clones == b->n_clones && a->clones_size == b->clones_size &&
	    (a->clones_size > sizeof(a->clones) || !memcmp(a->clones, b->clones, a->clones_size)))
		return false;
	snprintf(why, sizeof(why), "%s: %u and %u fragments before the last, or other ones", what, a->n_clones, b->n_clones);
	return true;
}

static void show_bytes(const char *name, const __u8 *b, __u32 n)
{
	fprintf(stderr, "  %-8s", name);
	for (__u32 i = 0; i < n; i++)
		fprintf(stderr, "%02x", b[i]);
	fputc('\n', stderr);
}

static void show(const struct frame *f)
{
	fprintf(stderr, "%s, link %u, gso %u:\n", tc ? "tc" : "xdp", f->ifindex, f->gso_size);
	show_bytes("came", f->b, f->len);
	show_bytes(verdicts[live.verdict], live.b, live.len);
	show_bytes(verdicts[model.verdict], model.b, model.len);
}

/* Runs the packet on one plane. Returns -EINVAL if the kernel cannot run it, 1 if the result differs, else 0 with
 * live set */
static int both(const struct frame *f, bool on_tc)
{
	bool bad;

	tc = on_tc;
	n_runs++;
	if (run_program(f) == -EINVAL)
		return -EINVAL;
	if (live.verdict == ODD)
		return 1;
	run_model(f);
	same_ident(&live, &model);
	if (tc && is_told(&live, &model, f)) {
		/* The host plane sends no errors. So it does not know that a source has got too many. */
		zero_array(state_of("icmp_limits"));
		no_ident(&live);
		model = live;
	}
	bad = differ(tc ? "tc and the host's" : "xdp and the host's", &live, &model);
	if (explain)
		show(f);
	return bad;
}

#include "run_counts.h"

/* ---- sequences ---- */

static const struct link *link_by_mac(const __u8 *mac)
{
	for (int i = 0; i < LINKS; i++)
		if (links[i].ifindex && !memcmp(links[i].macs, mac, ETH_ALEN))
			return &links[i];
	return NULL;
}

/* Makes the frame an answer to an earlier packet's result, or an ICMP error about it */
static bool say_back(struct frame *f)
{
	const struct end *e = &chain_ends[any(n_steps ?: 1)];
	const struct link *l;

	if (!n_steps || e->verdict != PLANE_SENT || e->len > FRAME_MAX || e->len < ETH_HLEN + 40)
		return false;
	l = link_by_mac(e->b + 6);
	if (!l)
		return false;
	f->ifindex = l->ifindex;
	f->len = e->len;
	memcpy(f->b, e->b, e->len);
	if (any(3))
		turn_around(f);
	else
		complain(f);
	mend(f);
	return true;
}

static void make_step(struct frame *f, int at, bool gso)
{
	__u32 kind = any(8);

	if (kind < 4 || !n_steps)
		*f = *seeds[(at + n_steps) % n_seeds];
	else if (kind == 4)
		*f = *seeds[any(n_seeds)];
	else if (kind == 5 || !say_back(f))
		*f = steps[any(n_steps)];
	f->gso_segs = f->gso_size = 0;
	if (gso && any(2)) {
		f->gso_size = 16 + any(600);
		f->gso_segs = any(2) ? (f->len - 42) / f->gso_size + 1 : 0;
	}
	if (express && any(2) && f->len < 96) {		/* the express path has only packets that may be WireGuard data */
		resize(f, 96);
		mend(f);
	}
	for (__u32 n = any(5) > 1 ? any(4) : 0; n; n--) {
		change(f, seeds[any(n_seeds)]);
		if (any(4))
			mend_wireguard(f);
		if (any(4))
			mend(f);
	}
}

/* Runs it by xdp and, if that passes it up, by tc. Returns 0 with the result in *e */
static int run_chain(const struct frame *f, struct end *e)
{
	const struct link *l = &links[f->ifindex % LINKS];
	int rc = both(f, false);

	if (!rc && live.verdict == PLANE_PASSED && l->flags & LINK_TC)
		rc = both(f, true);
	if (!rc)
		*e = live;
	return rc;
}

/* Returns the result of both() */
static int run_step(int i, bool chain)
{
	struct end *e = chain ? &chain_ends[i] : &tc_ends[i];
	int rc = 0;

	for (int n = 0; n <= again[i] && !rc; n++)
		rc = chain ? run_chain(&steps[i], e) : both(&steps[i], true);
	if (rc)
		return rc;
	if (!chain)
		*e = live;
	n_sent += e->verdict == PLANE_SENT;
	n_ended += e->verdict == PLANE_DROPPED;
	if (explain && counters_differ())
		return 1;
	return 0;
}

/* Runs xdp and then tc, or tc alone. Returns false if the result differs, at *ret_step or at the end */
static bool run_pass(bool chain, int at, bool gso, int *ret_step)
{
	states_reset();
	decisions_forget(!express);
	for (int i = 0; i < STEPS; i++) {
		int rc = -EINVAL;

		while (rc == -EINVAL) {
			if (chain || gso)
				make_step(&steps[i], at, gso);
			if (chain || gso)
				again[i] = express && any(2) ? 2 + any(3) : 0;
			rc = run_step(i, chain);
			if (!chain && !gso && rc == -EINVAL)
				return true;		/* tc cannot run this packet */
		}
		*ret_step = i;
		if (rc)
			return false;
		n_steps = chain || gso ? i + 1 : n_steps;
	}
	if (counters_differ())
		return false;
	totals_of("totals", chain ? chain_totals : live_totals, false);
	return true;
}

/* If xdp did everything, there is nothing to compare */
static bool ends_differ(int *ret_step)
{
	bool all = true;

	for (int i = 0; i < STEPS; i++) {
		const struct frame *f = &steps[i];

		*ret_step = i;
		if (!(links[f->ifindex % LINKS].flags & LINK_TC)) {
			all = false;
			continue;
		}
		same_macs(&chain_ends[i], &tc_ends[i], f);
		same_macs(&tc_ends[i], &chain_ends[i], f);
		if (differ("xdp, then tc, and tc alone", &chain_ends[i], &tc_ends[i]))
			return true;
	}
	return all && sums_differ();
}

static bool run_sequence(__u64 seed, __u64 number)
{
	int step = 0, at;
	bool gso, good;

	random_state = (seed * 0x9e3779b97f4a7c15ULL ^ (number + 1) * 0xff51afd7ed558ccdULL) | 1;
	for (int i = 0; i < 8; i++)
		any(1);
	express = number & 1;
	at = any(n_seeds);
	gso = !any(8) && may_segment;
	n_steps = 0;
	good = (gso || run_pass(true, at, false, &step)) && run_pass(false, at, gso, &step) && (gso || !ends_differ(&step));
	n_sequences++;
	n_packets += good ? STEPS : step;
	if (!good)
		fprintf(stderr, "packet %d: %s\n", step, why);
	return good;
}

/* A difference that does not repeat comes from timing: it is counted, and there are few */
static bool confirmed(__u64 seed, __u64 number)
{
	for (int i = 0; i < 2; i++)
		if (run_sequence(seed, number)) {
			n_unsteady++;
			return false;
		}
	explain = true;
	run_sequence(seed, number);
	return true;
}

/* ---- beginning ---- */

static void load(void)
{
	struct bpf_program *p;
	struct wgxdp *s = skeleton = wgxdp__open();
	__u32 zero = 0;
	int way;

	fib = fib__open_and_load();
	if (!s || !fib)
		die("wgxdp.bpf.o, fib.bpf.o");
	fib_program = bpf_program__fd(fib->progs.fib_ask);
	switches_of(pinned("progs/wgxdp_xdp"), s->rodata, sizeof(*s->rodata));
	s->rodata->icmp_errors_cpu = ~0U;	/* no limit: more than fifty are answered within a jiffy here */
	choose_maps(s);
	bpf_object__for_each_program(p, s->obj)
		bpf_program__set_autoload(p, p == s->progs.wgxdp_express || p == s->progs.wgxdp_xdp || p == s->progs.wgxdp_tc);
	if (wgxdp__load(s))
		die("load");
	way = bpf_program__fd(s->progs.wgxdp_xdp);
	if (bpf_map_update_elem(bpf_map__fd(s->maps.xdp_way), &zero, &way, BPF_ANY))
		die("xdp_way");
	programs[0] = bpf_program__fd(s->progs.wgxdp_express);
	programs[1] = bpf_program__fd(s->progs.wgxdp_tc);
	states_open(s);
	copy_settings();
#define SET(name) host_plane_switch(#name, (const void *)&s->rodata->name);
	HOST_SWITCHES(SET)
#undef SET
	may_segment = !s->rodata->with_flows && !s->rodata->with_relay;
	host_plane_fib(ask_kernel);
	no_probes(bpf_map__fd(s->maps.nexthops));
}

static void read_seeds(const char *path)
{
	FILE *in = fopen(path, "rb");
	struct case_head c;
	static __u8 frame[PACKET_MAX];

	if (!in)
		die(path);
	while (fread(&c, sizeof(c), 1, in) == 1) {
		if (c.len > PACKET_MAX || fread(frame, 1, c.len, in) != c.len)
			die(path);
		if (c.len > FRAME_MAX || c.len < ETH_HLEN + 1 || n_seeds == SEEDS)
			continue;
		seeds[n_seeds] = calloc(1, sizeof(**seeds));
		seeds[n_seeds]->ifindex = c.ifindex;
		seeds[n_seeds]->len = c.len;
		memcpy(seeds[n_seeds++]->b, frame, c.len);
	}
	fclose(in);
	if (!n_seeds)
		die("no packet");
}

static void read_keys(const char *path)
{
	FILE *in = path ? fopen(path, "r") : NULL;
	char word[65];

	while (in && n_wg_keys < 64 && fscanf(in, "%64s", word) == 1) {
		for (int i = 0; i < 32; i++)
			sscanf(word + 2 * i, "%2hhx", &wg_keys[n_wg_keys][i]);
		n_wg_keys++;
	}
	if (in)
		fclose(in);
}

static void read_links(void)
{
	int fd = pinned("links");

	for (__u32 i = 0; i < LINKS; i++)
		if (bpf_map_lookup_elem(fd, &i, &links[i]))
			die("links");
	close(fd);
}

int main(int argc, char **argv)
{
	__u64 seed, number = 0;
	time_t end;
	bool good = true;

	if (argc < 5) {
		fprintf(stderr, "usage: run_planes INSTANCE CASES SECONDS SEED [SEQUENCE]\n");
		return 2;
	}
	instance = argv[1];
	seed = strtoull(argv[4], NULL, 0);
	stay_on_cpu(getpid() % 2 && libbpf_num_possible_cpus() > 1);
	read_seeds(argv[2]);
	read_keys(getenv("KEYS"));
	if (getenv("SITES"))
		blind_setup(getenv("SITES"), false);
	load();
	read_links();
	open_tap();
	if (argc > 5) {
		explain = true;
		return !run_sequence(seed, strtoull(argv[5], NULL, 0));
	}
	end = time(NULL) + atoi(argv[3]);	/* without the time for loading */
	for (; good && time(NULL) < end; number++)
		good = run_sequence(seed, number) || !confirmed(seed, number);
	wgxdp__destroy(skeleton);
	fib__destroy(fib);
	printf("%lu packets in %lu sequences: %lu runs of a program beside the host plane, %lu by the express path, %lu sent, %lu dropped, %lu not the same twice\n",
	       n_packets, n_sequences, n_runs, n_express, n_sent, n_ended, n_unsteady);
	if (!good)
		fprintf(stderr, "run_planes: %s: seed %llu, sequence %llu: see above\n", instance, (unsigned long long)seed, (unsigned long long)(number - 1));
	return !good || n_unsteady > n_sequences / 1000 + 1;
}
