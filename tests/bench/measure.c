// SPDX-License-Identifier: GPL-2.0-or-later
/* The two ways to measure. live: the sender's packets go through the whole chain (sender, forwarder, sink in one softirq
 * chain on this CPU) and the CPU time of all who took part is divided by what the sink counted. test: a program alone,
 * by test-run, each repeat with a fresh head. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <net/if.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "bench.h"
#include "bench.skel.h"

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* of any task, also a kernel thread: its first number is the time on a CPU in ns */
static double cpu_of(int pid)
{
	unsigned long long ns = 0;
	char path[64];
	FILE *f;

	if (pid <= 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	fclose(f);
	return ns * 1e-9;
}

struct clocks { double own, softirq, helper, wall; };

static struct clocks read_clocks(const struct meter *b, int helper)
{
	return (struct clocks){ now(CLOCK_PROCESS_CPUTIME_ID), cpu_of(b->ksoftirqd), cpu_of(helper), now(CLOCK_MONOTONIC) };
}

static void on_alarm(int signal_)
{
}

/* all packets sent have arrived, or nothing has for 50 ms */
static void settle(const struct meter *b)
{
	__u64 seen = 0;

	for (int still = 0; still < 50 && b->job->sunk + b->job->other < b->job->sent; still++) {
		if (b->job->sunk != seen)
			still = 0;
		seen = b->job->sunk;
		usleep(1000);
	}
}

/* One long call, ended by a signal: each call sleeps 10-20 ms before it begins. */
static int send_all(struct meter *b, const __u8 *frame, int len, long count, double secs)
{
	struct itimerval timer = { .it_value = { (long)secs, (long)((secs - (long)secs) * 1e6) } }, off = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = len, .batch_size = 64,
		    .repeat = count ?: 0x7fffffff, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	int err;

	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = on_alarm }, NULL);
	if (!count)
		setitimer(ITIMER_REAL, &timer, NULL);
	err = bpf_prog_test_run_opts(bpf_program__fd(b->skel->progs.bench_send), &opts);
	setitimer(ITIMER_REAL, &off, NULL);
	return err == -EINTR ? 0 : err;
}

/* live FRAME slot= clients= expect= expect-port= ms=N|count=N [helper=PID]      count: send so many, to prime a path */
int measure_live(struct meter *b, const struct request *r)
{
	int helper = arg_number(r, "helper", 0), len, err;
	__u8 frame[2048] = { 0 };
	struct clocks from, to;
	struct bench_job job;
	double cpu;

	len = frame_build(r, frame, sizeof(frame), &job);
	if (len < 0)
		return len;
	memcpy((void *)b->job, &job, sizeof(job));
	from = read_clocks(b, helper);
	err = send_all(b, frame, len, arg_number(r, "count", 0), arg_number(r, "ms", 400) / 1000.0);
	if (err)
		return err;
	settle(b);
	to = read_clocks(b, helper);
	cpu = to.own - from.own + to.softirq - from.softirq + to.helper - from.helper;
	printf("{\"sent\": %llu, \"sunk\": %llu, \"other\": %llu, \"cpu\": %.9f, \"softirq\": %.9f, \"helper\": %.9f, "
	       "\"wall\": %.9f, \"ns\": %.3f}\n", b->job->sent, b->job->sunk, b->job->other, cpu,
	       to.softirq - from.softirq, to.helper - from.helper, to.wall - from.wall,
	       b->job->sunk ? cpu * 1e9 / b->job->sunk : 0.0);
	return 0;
}

static int set_target(struct meter *b, __u32 target, int fd)
{
	return bpf_map__update_elem(b->skel->maps.targets, &target, sizeof(target), &fd, sizeof(fd), BPF_ANY);
}

/* target pin=      the live program that `test target=wgxdp` runs (set once: a change waits for RCU) */
int measure_target(struct meter *b, const struct request *r)
{
	int fd = bpf_obj_get(arg(r, "pin", "")), err;

	if (fd < 0)
		return fd;
	err = set_target(b, TARGET_REDIRECT, bpf_program__fd(b->skel->progs.bench_redirect)) ?:
	      set_target(b, TARGET_PARSE, bpf_program__fd(b->skel->progs.bench_parse)) ?: set_target(b, TARGET_WGXDP, fd);
	close(fd);
	return err;
}

static const struct bpf_program *runner_of(const struct meter *b, const char *target)
{
	return !strcmp(target, "redirect") ? b->skel->progs.bench_fresh_redirect :
	       !strcmp(target, "parse") ? b->skel->progs.bench_fresh_parse : b->skel->progs.bench_fresh_wgxdp;
}

/* test FRAME netns= dev= target=redirect|parse|wgxdp repeat=: ns of one run on a packet that came in by dev */
int measure_test(struct meter *b, const struct request *r)
{
	const struct bpf_program *runner = runner_of(b, arg(r, "target", ""));
	struct xdp_md md = { .ingress_ifindex = if_nametoindex(arg(r, "dev", "")) };
	long repeat = arg_number(r, "repeat", 1000000);
	__u8 frame[2048] = { 0 }, out[2048];
	struct bench_job job;
	int len, err;
	double cpu;

	len = frame_build(r, frame, sizeof(frame), &job);
	if (len < 0)
		return len;
	memcpy((void *)b->job, &job, sizeof(job));
	md.data_end = len;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = len, .data_out = out,
		    .data_size_out = sizeof(out), .ctx_in = &md, .ctx_size_in = sizeof(md), .repeat = repeat);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	err = bpf_prog_test_run_opts(bpf_program__fd(runner), &opts);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	if (!err)
		printf("{\"ns\": %.3f, \"verdict\": %u, \"repeat\": %ld}\n", cpu * 1e9 / repeat, opts.retval, repeat);
	return err;
}
