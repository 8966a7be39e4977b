/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Maps the arrays of a running instance into memory, for programs that read learned tables.
 */
#ifndef PINNED_ARRAY_H
#define PINNED_ARRAY_H

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "abi.h"
#include "dataplane/map_info.h"

/* Returns the values of the map that is pinned in the directory, for reading and writing, and their number in
 * *ret_n. If that fails, the program ends with a message. */
static inline void *pinned_array(const char *directory, const char *name, __u32 *ret_n)
{
	struct bpf_map_info info = { 0 };
	void *memory = NULL;
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = bpf_obj_get(path);
	if (fd >= 0) {
		info = map_info(fd);
		memory = map_memory(fd, (size_t)info.max_entries * info.value_size, PROT_READ | PROT_WRITE);
	}
	if (!memory) {
		fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, path, strerror(errno));
		exit(1);
	}
	*ret_n = info.max_entries;
	return memory;
}

/* Returns the way (0 to 15) of the entry that gives way to a new one in these two buckets, if none has expired. Returns -1
 * if a place is free or all entries are LIVE. bpf/learned.h has the order */
static inline int first_to_go(const struct learned_line *a, const struct learned_line *b)
{
	__u64 base = a->word[0] - LEARNED_UNTIL / 2, best = -1;
	int found = -1;

	for (int i = 0; i < 2 * LEARNED_WAYS; i++) {
		__u64 word = *(volatile const __u64 *)&(i < LEARNED_WAYS ? a : b)->word[i % LEARNED_WAYS];
		__u64 rank = ((word - base) & LEARNED_UNTIL) | (__u64)(learned_word_state(word) != LEARNED_SPARE) << 32;

		if (!learned_word_tag(word))
			return -1;
		if (learned_word_state(word) == LEARNED_LIVE || rank >= best)
			continue;
		best = rank;
		found = i;
	}
	return found;
}

/* Returns the secret by which the programs of this instance hash the keys of learned tables */
static inline struct learned_secret pinned_secret(const char *directory)
{
	struct learned_secret secret;
	char path[256];
	__u32 zero = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/secrets", directory);
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_map_lookup_elem(fd, &zero, &secret)) {
		fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, path, strerror(errno));
		exit(1);
	}
	return secret;
}

#endif
