// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * timeout: 300
 *
 * What each BPF program costs, held against tests/bpf-limits: instructions as loaded, the stack of its deepest chain of calls as 6.1 counts
 * it (callbacks are not in it), and what the verifier of the kernel named there walks; with every switch on. `unit_limits --now` prints the
 * list's lines as they would be now.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include "../user/dataplane_programs.h"
#include "wgxdp.skel.h"

/* SUBPROGS, FRAME: the kernel's */
enum { PROGRAMS = 64, SUBPROGS = 256, FRAME = 32, LOG = 1 << 16, MAP_SMALL = 64 };

struct cost {
	char program[64];
	unsigned int instructions, stack, verified;
};

static const char *list = "tests/bpf-limits";
static struct cost now[PROGRAMS], limits[PROGRAMS];
static int n_now, n_limits;
static char kernel[16];			/* whose verifier is meant: as uname -r begins */

/* ---- the stack ---- */

struct calls {
	const struct bpf_insn *code;
	int n, starts, start[SUBPROGS], depth[SUBPROGS];
};

/* Where an instruction calls to; -1: nowhere */
static int callee(const struct calls *c, int i)
{
	const struct bpf_insn *insn = &c->code[i];

	return insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL ? i + insn->imm + 1 : -1;
}

/* Likewise, or whose address it takes, for a callback */
static int begins(const struct calls *c, int i)
{
	const struct bpf_insn *insn = &c->code[i];

	return insn->code == (BPF_LD | BPF_IMM | BPF_DW) && insn->src_reg == BPF_PSEUDO_FUNC ? i + insn->imm + 1 : callee(c, i);
}

static int ascending(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int number_of(const struct calls *c, int start)
{
	const int *found = bsearch(&start, c->start, c->starts, sizeof(start), ascending);

	return found ? found - c->start : -1;
}

static void find_starts(struct calls *c)
{
	int n = 1;

	c->start[0] = 0;
	c->starts = 1;
	for (int i = 0; i < c->n && n < SUBPROGS; i++) {
		int to = begins(c, i);
		bool known = to < 0;

		for (int j = 0; j < n && !known; j++)
			known = c->start[j] == to;
		if (!known)
			c->start[n++] = to;
	}
	c->starts = n;
	qsort(c->start, n, sizeof(*c->start), ascending);
}

/* Of the deepest chain that begins with a function: each frame is a multiple of 32 bytes */
static int chain(const struct calls *c, int f)
{
	int end = f + 1 < c->starts ? c->start[f + 1] : c->n, own = (c->depth[f] > 1 ? c->depth[f] : 1), deepest = 0;

	for (int i = c->start[f]; i < end; i++) {
		int to = callee(c, i);
		int below = to < 0 ? 0 : chain(c, number_of(c, to));

		deepest = below > deepest ? below : deepest;
	}
	return (own + FRAME - 1) / FRAME * FRAME + deepest;
}

/* "stack depth 96+176+32": one number a function, in their order; what follows another plus sign is the deepest chain in new kernels */
static unsigned int stack(const struct bpf_program *program, const char *log)
{
	struct calls c = { .code = bpf_program__insns(program), .n = bpf_program__insn_cnt(program) };
	const char *at = strstr(log, "stack depth ");
	int n = 0;

	find_starts(&c);
	for (char *end; at && n < SUBPROGS && (at = strpbrk(at, "0123456789")); at = *end == '+' ? end : NULL)
		c.depth[n++] = strtol(at, &end, 10);
	if (n < c.starts)
		fail_msg("%s: %d functions, %d of them in the verifier's log", bpf_program__name(program), c.starts, n);
	return chain(&c, 0);
}

/* ---- loading ---- */

/* Everything on, but that an overlay is either a /48, with subnets, or not, which is more; and numbers that the verifier cannot take for nothing */
static void switch_on(struct wgxdp *s)
{
	bool *const all[] = {
		(bool *)&s->rodata->with_choices, (bool *)&s->rodata->with_vlans, (bool *)&s->rodata->with_bridges, (bool *)&s->rodata->with_routers,
		(bool *)&s->rodata->with_source_trie, (bool *)&s->rodata->with_hearing, (bool *)&s->rodata->with_lists,
		(bool *)&s->rodata->with_routes64, (bool *)&s->rodata->with_routes,
	};
	struct bpf_map *map;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		*all[i] = true;
	s->rodata->table_mask = s->rodata->allowed_mask = s->rodata->blind_mask = s->rodata->endpoints_mask = MAP_SMALL - 1;
	s->rodata->gateway_slots = s->rodata->blind_slots = s->rodata->uniform_slots = 1;
	s->rodata->overlay_mask_hi = ~0ULL;
	s->rodata->device_ifindex = s->rodata->device_net = s->rodata->net_inum = 8;
	bpf_object__for_each_map(map, s->obj)
		if (!strchr(bpf_map__name(map), '.') && bpf_map__type(map) != BPF_MAP_TYPE_RINGBUF && bpf_map__max_entries(map) > MAP_SMALL)
			bpf_map__set_max_entries(map, MAP_SMALL);
}

static void cost_of(const struct bpf_program *program, const char *log)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	struct cost *c = &now[n_now++];

	assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len), 0);
	snprintf(c->program, sizeof(c->program), "%s", bpf_program__name(program));
	c->instructions = bpf_program__insn_cnt(program);
	c->stack = stack(program, log);
	c->verified = info.verified_insns;
}

static int load(void **state)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_level = 4);
	struct wgxdp *s = wgxdp__open_opts(&opts);
	static char logs[PROGRAMS][LOG];
	struct bpf_program *program;
	int n = 0;

	assert_non_null(s);
	switch_on(s);
	dataplane_program_flags(s);
	bpf_object__for_each_program(program, s->obj)
		if (n < PROGRAMS && strncmp(bpf_program__section_name(program), "tp/", 3))
			bpf_program__set_log_buf(program, logs[n++], LOG);
		else
			bpf_program__set_autoload(program, false);	/* of a kernel without BTF */
	assert_int_equal(wgxdp__load(s), 0);
	n = 0;
	bpf_object__for_each_program(program, s->obj)
		if (bpf_program__autoload(program))
			cost_of(program, logs[n++]);
	wgxdp__destroy(s);
	return 0;
}

/* ---- the list ---- */

static bool is_this_kernel(void)
{
	struct utsname name;

	return !uname(&name) && *kernel && !strncmp(name.release, kernel, strlen(kernel)) && name.release[strlen(kernel)] == '.';
}

static void read_list(void)
{
	FILE *in = fopen(list, "r");
	char line[256];

	if (!in)
		fail_msg("%s: is not there; tests run in the project's root", list);
	while (fgets(line, sizeof(line), in)) {
		struct cost *c = &limits[n_limits];

		if (*line == '#' || *line == '\n' || sscanf(line, "kernel %15s", kernel) == 1)
			continue;
		if (n_limits == PROGRAMS || sscanf(line, "%63s %u %u %u", c->program, &c->instructions, &c->stack, &c->verified) != 4)
			fail_msg("%s: not `kernel VERSION`, nor PROGRAM INSTRUCTIONS STACK WALKED: %s", list, line);
		n_limits++;
	}
	fclose(in);
}

static const struct cost *limit_of(const char *program)
{
	for (int i = 0; i < n_limits; i++)
		if (!strcmp(limits[i].program, program))
			return &limits[i];
	return NULL;
}

static int over(const char *program, const char *what, unsigned int is, unsigned int limit)
{
	if (is <= limit)
		return 0;
	fprintf(stderr, "%s: %u %s, limit %u\n", program, is, what, limit);
	return 1;
}

static void advice(void)
{
	fprintf(stderr, "If it has to be more: say in the commit what for, and what scripts/bench-compare says of the time that it takes; the new line of %s\n"
			"is what `build/tests/unit_limits --now` prints. Above 512 bytes of stack 6.1 refuses it: then a frame must shrink.\n", list);
}

static void none_is_over_its_limit(void **state)
{
	int bad = 0;

	for (int i = 0; i < n_now; i++) {
		const struct cost *limit = limit_of(now[i].program);

		if (!limit) {
			fprintf(stderr, "%s: no line in %s\n", now[i].program, list);
			bad++;
			continue;
		}
		bad += over(now[i].program, "instructions", now[i].instructions, limit->instructions);
		bad += over(now[i].program, "bytes of stack in its deepest chain of calls", now[i].stack, limit->stack);
		if (is_this_kernel())
			bad += over(now[i].program, "instructions walked by the verifier", now[i].verified, limit->verified);
	}
	if (bad)
		advice();
	assert_int_equal(bad, 0);
}

static bool is_far_below(unsigned int is, unsigned int limit)
{
	return is < limit - limit / 4 && limit > 200;
}

/* A limit that is far away holds nothing; nor does the line of a program that has gone */
static void no_limit_is_loose(void **state)
{
	int bad = n_limits - n_now;

	for (int i = 0; i < n_now; i++) {
		const struct cost *limit = limit_of(now[i].program);

		if (!limit || !(is_far_below(now[i].instructions, limit->instructions) ||
				(is_this_kernel() && is_far_below(now[i].verified, limit->verified))))
			continue;
		fprintf(stderr, "%s: %u instructions, %u walked: less than three quarters of the limit in %s; lower it\n", now[i].program,
			now[i].instructions, now[i].verified, list);
		bad++;
	}
	assert_int_equal(bad, 0);
}

static unsigned int with_air(unsigned int n, int part)
{
	unsigned int more = n + n / part, step = more > 1000 ? 100 : 10;

	return n ? (more + step - 1) / step * step : 0;
}

static int print_now(void)
{
	load(NULL);
	for (int i = 0; i < n_now; i++)
		printf("%-24s %6u %4u %7u\n", now[i].program, with_air(now[i].instructions, 50), now[i].stack, with_air(now[i].verified, 10));
	return 0;
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_is_over_its_limit),
		cmocka_unit_test(no_limit_is_loose),
	};

	if (argc > 1)
		return print_now();
	read_list();
	return cmocka_run_group_tests_name("limits", tests, load, NULL);
}
