// SPDX-License-Identifier: GPL-2.0-or-later
/* The two measurements. live: the sender's packets go through the whole chain (sender, forwarder, sink in one
 * softirq on this CPU), and the CPU time of all processes is divided by the sink's count. test: a single program by
 * test-run, each repeat with a fresh head. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <net/if.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "bench.h"
#include "bench.skel.h"

static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Any task, also a kernel thread: the first number in its file is its CPU time in ns */
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

struct clocks { double own, softirq, helper; };

static struct clocks read_clocks(const struct meter *b, int helper)
{
	return (struct clocks){ cpu_now(), cpu_of(b->ksoftirqd), cpu_of(helper) };
}

double cpu_spent(const struct meter *b)
{
	return cpu_now() + cpu_of(b->ksoftirqd);
}

/* waits until all sent packets have arrived, or none has for 50 ms */
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

/* In one long call: each call first waits for RCU, which takes 10-20 ms, and many times that on a busy machine. */
static int send_all(struct meter *b, const __u8 *frame, int len, long count)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = len, .batch_size = 64, .repeat = count,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	return bpf_prog_test_run_opts(bpf_program__fd(b->skel->progs.bench_send), &opts);
}

/* live FRAME slot= clients= expect= expect-port= count= [helper=PID] */
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
	err = send_all(b, frame, len, arg_number(r, "count", 1));
	if (err)
		return err;
	settle(b);
	to = read_clocks(b, helper);
	cpu = to.own - from.own + to.softirq - from.softirq + to.helper - from.helper;
	printf("{\"sent\": %llu, \"sunk\": %llu, \"other\": %llu, \"cpu\": %.9f, \"softirq\": %.9f, \"helper\": %.9f, "
	       "\"ns\": %.3f}\n", b->job->sent, b->job->sunk, b->job->other, cpu,
	       to.softirq - from.softirq, to.helper - from.helper,
	       b->job->sunk ? cpu * 1e9 / b->job->sunk : 0.0);
	return 0;
}

static int set_target(struct meter *b, __u32 target, int fd)
{
	return bpf_map__update_elem(b->skel->maps.targets, &target, sizeof(target), &fd, sizeof(fd), BPF_ANY);
}

static int target_of(const struct request *r)
{
	static const char *const names[TARGETS] = { [TARGET_REDIRECT] = "redirect", [TARGET_PARSE] = "parse",
						    [TARGET_WGXDP] = "wgxdp", [TARGET_OTHER] = "other" };
	const char *name = arg(r, "target", "wgxdp");

	for (int i = 0; i < TARGETS; i++)
		if (!strcmp(name, names[i]))
			return i;
	return -EINVAL;
}

/* target pin= [target=other]      the live program that `test` runs. A change waits for RCU. */
int measure_target(struct meter *b, const struct request *r)
{
	int fd = bpf_obj_get(arg(r, "pin", "")), target = target_of(r), err;

	if (fd < 0)
		return fd;
	err = target < 0 ? target :
	      set_target(b, TARGET_REDIRECT, bpf_program__fd(b->skel->progs.bench_redirect)) ?:
	      set_target(b, TARGET_PARSE, bpf_program__fd(b->skel->progs.bench_parse)) ?: set_target(b, target, fd);
	close(fd);
	return err;
}

static void print_test(double cpu, long repeat, const struct bpf_test_run_opts *opts)
{
	const __u8 *frame = opts->data_out;

	printf("{\"ns\": %.3f, \"verdict\": %u, \"repeat\": %ld, \"frame\": \"", cpu * 1e9 / repeat, opts->retval, repeat);
	for (__u32 i = 0; i < opts->data_size_out && repeat == 1; i++)
		printf("%02x", frame[i]);
	puts("\"}");
}

/* test FRAME netns= dev= target=redirect|parse|wgxdp|other repeat= [at=]
 * ns of one run on a packet that came in by dev. The next client is the one after the last run's, or number `at`. If
 * repeat is 1, the answer contains the frame that the program left. */
int measure_test(struct meter *b, const struct request *r)
{
	struct xdp_md md = { .ingress_ifindex = if_nametoindex(arg(r, "dev", "")) };
	long repeat = arg_number(r, "repeat", 1000000);
	__u8 frame[2048] = { 0 }, out[2048];
	struct bench_job job;
	int len, target = target_of(r), err;
	double cpu;

	len = target < 0 ? target : frame_build(r, frame, sizeof(frame), &job);
	if (len < 0)
		return len;
	job.target = target;
	job.length = len;
	job.moves = job.arrives != job.family;
	job.at = arg_number(r, "at", b->job->at) % job.clients;
	memcpy((void *)b->job, &job, sizeof(job));
	md.data_end = len;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = len, .data_out = out,
		    .data_size_out = sizeof(out), .ctx_in = &md, .ctx_size_in = sizeof(md), .repeat = repeat);
	cpu = cpu_now();
	err = bpf_prog_test_run_opts(bpf_program__fd(b->skel->progs.bench_fresh), &opts);
	cpu = cpu_now() - cpu;
	if (!err)
		print_test(cpu, repeat, &opts);
	return err;
}
