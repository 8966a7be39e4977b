/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The measuring process: it holds the bench's BPF programs, does what scripts/bench asks line by line, and answers
 * every line with one line of JSON. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "job.h"

#define MAX_ARGS 32

/* a request: WORD key=value … */
struct request {
	const char *word;
	int n;
	struct { const char *key, *value; } args[MAX_ARGS];
};

struct addr;

struct meter {
	struct bench *skel;
	volatile struct bench_job *job;		/* in the skeleton's .bss */
	int home;				/* the network namespace this process began in */
	int ksoftirqd;				/* its pid, on the CPU of the bench */
};

const char *arg(const struct request *r, const char *key, const char *otherwise);
long arg_number(const struct request *r, const char *key, long otherwise);
int enter(const struct meter *b, const char *netns);	/* NULL: back home */

/* frame.c */
int frame_build(const struct request *r, __u8 *frame, size_t room, struct bench_job *ret_job);

/* measure.c */
int measure_live(struct meter *b, const struct request *r);
int measure_target(struct meter *b, const struct request *r);
int measure_test(struct meter *b, const struct request *r);
double cpu_spent(const struct meter *b);	/* seconds, by this process and by ksoftirqd */

/* tun.c */
int tun_make(struct meter *b, const struct request *r);
int measure_tunnel(struct meter *b, const struct request *r);

/* flows.c */
int flows_newcomers(struct meter *b, const struct request *r);
int flows_write(struct meter *b, const struct request *r);
int flows_lru(struct meter *b, const struct request *r);

#define MAP_BATCH 4096			/* entries written by one system call */
#define SCATTER 611953			/* a prime: neighbours in the map's memory are not neighbours in the sender's order */
int parse_end(const struct request *r, const char *name, const char *port_name, struct addr *a, __be16 *port, __u8 *family);

/* guard.c */
int guard_answered(struct meter *b, const struct request *r);
int guard_lookup(struct meter *b, const struct request *r);

/* blind.c */
int blind_sessions(struct meter *b, const struct request *r);

/* inspect.c */
int inspect_program(struct meter *b, const struct request *r);
int inspect_object(struct meter *b, const struct request *r);
