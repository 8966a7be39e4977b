// SPDX-License-Identifier: GPL-2.0-or-later
/* The verifier's statistics about a program. It reads those of a live one by its pin (as loaded, with its switches set). For every program of an object file, it loads again with the verifier's statistics on. Only those include
 * the stack. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "bench.h"

#define LOG_SIZE (1 << 16)
#define MAX_PROGRAMS 40

/* program pin= */
int inspect_program(struct meter *b, const struct request *r)
{
	int fd = bpf_obj_get(arg(r, "pin", "")), err;
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	if (fd < 0)
		return fd;
	err = bpf_obj_get_info_by_fd(fd, &info, &len);
	close(fd);
	if (!err)
		printf("{\"verified_insns\": %u, \"translated_insns\": %zu, \"jited_bytes\": %u}\n", info.verified_insns,
		       info.xlated_prog_len / sizeof(struct bpf_insn), info.jited_prog_len);
	return err;
}

static long word_after(const char *log, const char *label)
{
	const char *at = log ? strstr(log, label) : NULL;

	return at ? strtol(at + strlen(label), NULL, 10) : 0;
}

/* "stack depth 96+176+32": one number a frame */
static long stack_depth(const char *log)
{
	const char *at = log ? strstr(log, "stack depth ") : NULL;
	long sum = 0;

	for (char *end; at && (at = strpbrk(at, "0123456789")); at = *end == '+' ? end : NULL)
		sum += strtol(at, &end, 10);
	return sum;
}

static void print_program(const struct bpf_program *prog, const char *log, bool first)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len);
	printf("%s\"%s\": {\"processed_insns\": %ld, \"verified_insns\": %u, \"translated_insns\": %zu, \"stack\": %ld}",
	       first ? "" : ", ", bpf_program__name(prog), word_after(log, "processed "), info.verified_insns,
	       info.xlated_prog_len / sizeof(struct bpf_insn), stack_depth(log));
}

/* object file= */
int inspect_object(struct meter *b, const struct request *r)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_level = 4);
	struct bpf_object *obj = bpf_object__open_file(arg(r, "file", ""), &opts);
	char *logs[MAX_PROGRAMS] = { 0 };
	struct bpf_program *prog;
	struct bpf_map *map;
	int n = 0, err = 0;

	if (!obj)
		return -errno;
	bpf_object__for_each_map(map, obj)
		bpf_map__set_pin_path(map, NULL);
	bpf_object__for_each_program(prog, obj)
		if (n < MAX_PROGRAMS && (logs[n] = calloc(1, LOG_SIZE)))
			bpf_program__set_log_buf(prog, logs[n++], LOG_SIZE);
	err = bpf_object__load(obj);
	if (err)
		goto cleanup;
	n = 0;
	putchar('{');
	bpf_object__for_each_program(prog, obj) {
		print_program(prog, n < MAX_PROGRAMS ? logs[n] : NULL, !n);
		n++;
	}
	puts("}");
cleanup:
	for (n = 0; n < MAX_PROGRAMS; n++)
		free(logs[n]);
	bpf_object__close(obj);
	return err;
}
