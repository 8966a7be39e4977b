/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * flowtable DIRECTORY [break | age N]: reads the table of flows that is pinned in DIRECTORY (include/abi_flow.h), and prints
 *
 *     flows N half_open N wrong N
 *
 * Flows and half-open flows include expired ones. wrong: flows whose word in the index names another place, words of the
 * index that name no flow, flows with the same port at the same backend, and BUSY places. break: removes the first
 * flow's word from the index, as if half of the flow were lost. age: makes each flow N units older.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "abi.h"
#include "pinned_array.h"

static int compare_replies(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct flow_key));
}

int main(int argc, char **argv)
{
	unsigned int flows = 0, half_open = 0, wrong = 0, n = 0, n_words = 0;
	__u32 n_buckets, n_lines;
	struct flow_bucket *buckets;
	struct learned_line *lines;
	struct flow_key *replies;

	if (argc < 2)
		return 2;
	buckets = pinned_array(argv[1], "flow_table", &n_buckets);
	lines = pinned_array(argv[1], "flow_index", &n_lines);
	replies = calloc(n_buckets * LEARNED_WAYS, sizeof(*replies));
	for (__u32 i = 0; i < n_buckets * LEARNED_WAYS; i++) {
		__u64 word = buckets[i / LEARNED_WAYS].line.word[i % LEARNED_WAYS], *index;
		const struct flow *f = &buckets[i / LEARNED_WAYS].flow[i % LEARNED_WAYS];

		if (!learned_word_tag(word))
			continue;
		if (learned_word_state(word) == LEARNED_BUSY || f->place >= n_lines * LEARNED_WAYS) {
			wrong++;
			continue;
		}
		flows += learned_word_state(word) != LEARNED_HALF;
		half_open += learned_word_state(word) == LEARNED_HALF;
		if (argc > 3)
			buckets[i / LEARNED_WAYS].line.word[i % LEARNED_WAYS] = (word & ~LEARNED_UNTIL) | ((word - strtoul(argv[3], NULL, 0)) & LEARNED_UNTIL);
		index = &lines[f->place / LEARNED_WAYS].word[f->place % LEARNED_WAYS];
		if (argc == 3 && learned_word_state(word) == LEARNED_LIVE) {
			*index = 0;
			return 0;
		}
		wrong += (__u32)*index != i || !*index;
		replies[n++] = flow_key_of(f, DIRECTION_REPLY);
	}
	for (__u32 i = 0; i < n_lines * LEARNED_WAYS; i++)
		n_words += lines[i / LEARNED_WAYS].word[i % LEARNED_WAYS] != 0;
	wrong += n_words > n ? n_words - n : 0;
	qsort(replies, n, sizeof(*replies), compare_replies);
	for (__u32 i = 1; i < n; i++)
		wrong += !memcmp(&replies[i - 1], &replies[i], sizeof(*replies));
	printf("flows %u half_open %u wrong %u\n", flows, half_open, wrong);
	return 0;
}
