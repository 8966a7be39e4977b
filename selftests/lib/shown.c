/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * shown: prints values of `wgxdp show --json`, which it reads from standard input. Tests ask so often that an
 * interpreter would take minutes.
 *
 *   shown get PATH...                      values: services.0.original.forwarded, interfaces.wan.mode, lists as JSON
 *   shown all DIRECTION KEY...             sums of counters over all services: reply forwarded
 *   shown reason DIRECTION REASON          packets of all services that were not forwarded for this reason
 *   shown sums                             checks that every packet of services and peers is accounted for, and prints a
 *                                          line
 */
#include <err.h>
#include <inttypes.h>
#include <libfyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text(struct fy_node *node)
{
	return node && fy_node_is_scalar(node) ? fy_node_get_scalar0(node) : NULL;
}

static struct fy_node *member(struct fy_node *of, const char *key)
{
	return fy_node_mapping_lookup_value_by_simple_key(of, key, strlen(key));
}

static bool member_is(struct fy_node *of, const char *key, const char *value)
{
	const char *is = text(member(of, key));

	return is && !strcmp(is, value);
}

static uint64_t number(struct fy_node *of, const char *key)
{
	const char *value = text(member(of, key));
	char *end;
	uint64_t n = value ? strtoull(value, &end, 10) : 0;

	if (!value || *end)
		errx(1, "%s is not a number", key);
	return n;
}

/* Returns the entry of a list by its place or by its name. */
static struct fy_node *entry(struct fy_node *list, const char *key)
{
	struct fy_node *e;
	void *at = NULL;

	if (strspn(key, "0123456789") == strlen(key))
		return fy_node_sequence_get_by_index(list, atoi(key));
	while ((e = fy_node_sequence_iterate(list, &at)) && !member_is(e, "name", key))
		;
	return e;
}

static const char *get(struct fy_node *at, char *path)
{
	for (char *key; at && (key = strsep(&path, "."));)
		at = fy_node_is_sequence(at) ? entry(at, key) : member(at, key);
	return !at || fy_node_is_scalar(at) ? text(at) : fy_emit_node_to_string(at, FYECF_MODE_JSON_ONELINE);
}

/* Returns the packets of all drops that agree with each given word. */
static uint64_t drops(struct fy_node *shown, const char *direction, const char *kind, const char *name,
		      const char *reason, const char *verdict)
{
	struct fy_node *drop, *list = member(shown, "drops");
	uint64_t sum = 0;
	void *at = NULL;

	while ((drop = fy_node_sequence_iterate(list, &at)))
		if (member_is(drop, "direction", direction) && (!kind || member_is(drop, kind, name)) &&
		    (!reason || member_is(drop, "reason", reason)) && (!verdict || member_is(drop, "verdict", verdict)))
			sum += number(drop, "packets");
	return sum;
}

static uint64_t sum_of(struct fy_node *list, const char *direction, const char *key)
{
	struct fy_node *e;
	uint64_t sum = 0;
	void *at = NULL;

	while ((e = fy_node_sequence_iterate(list, &at)))
		sum += number(member(e, direction), key);
	return sum;
}

enum { RECEIVED, FORWARDED, DROPPED, PASSED, KEYS };
static const char *const keys[KEYS] = { "received", "forwarded", "dropped", "passed" };

static void check(struct fy_node *shown, const char *list, const char *kind, const char *direction, uint64_t *total)
{
	struct fy_node *e;
	void *at = NULL;

	while ((e = fy_node_sequence_iterate(member(shown, list), &at))) {
		const char *name = text(member(e, "name"));
		uint64_t n[KEYS];

		for (int k = 0; k < KEYS; k++)
			total[k] += n[k] = number(member(e, direction), keys[k]);
		if (n[RECEIVED] != n[FORWARDED] + n[DROPPED] + n[PASSED])
			errx(1, "%s, %s: received is not forwarded + dropped + passed: %s", name, direction,
			     fy_emit_node_to_string(e, FYECF_MODE_JSON_ONELINE));
		for (int k = DROPPED; k <= PASSED; k++)
			if (n[k] != drops(shown, direction, kind, name, NULL, keys[k]))
				errx(1, "%s, %s: %s is not the sum of its reasons: %s, %s", name, direction, keys[k],
				     fy_emit_node_to_string(e, FYECF_MODE_JSON_ONELINE),
				     fy_emit_node_to_string(member(shown, "drops"), FYECF_MODE_JSON_ONELINE));
	}
}

static void sums(struct fy_node *shown)
{
	static const char *const both[] = { "forwarded", "bytes", "forwarded_xdp", "forwarded_tc" };
	struct fy_node *peers = member(shown, "peers");
	uint64_t total[KEYS] = { 0 };

	check(shown, "services", "service", "original", total);
	check(shown, "services", "service", "reply", total);
	check(shown, "peers", "peer", "rx", total);
	for (int i = 0; i < 4; i++) {
		uint64_t came = sum_of(peers, "rx", both[i]), went = sum_of(peers, "tx", both[i]);

		if (came != went)
			errx(1, "%" PRIu64 " %s from peers, %" PRIu64 " to peers", came, both[i], went);
	}
	for (int k = 0; k < KEYS; k++)
		printf("%s%" PRIu64 " %s", k ? ", " : "", total[k], keys[k]);
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct fy_parse_cfg cfg = { .flags = FYPCF_QUIET | FYPCF_JSON_FORCE };
	struct fy_document *document = fy_document_build_from_fp(&cfg, stdin);
	struct fy_node *shown = document ? fy_document_root(document) : NULL;
	const char *what = argc > 1 ? argv[1] : "", *value;

	if (!shown)
		errx(1, "standard input is no JSON");
	if (!strcmp(what, "sums")) {
		sums(shown);
		return 0;
	}
	if (!strcmp(what, "reason") && argc == 4) {
		printf("%" PRIu64 "\n", drops(shown, argv[2], NULL, NULL, argv[3], NULL));
		return 0;
	}
	if (strcmp(what, "get") && strcmp(what, "all"))
		errx(2, "'%s' is not get, all, reason or sums", what);
	for (int i = *what == 'g' ? 2 : 3; i < argc; i++) {
		if (*what == 'a')
			printf("%" PRIu64, sum_of(member(shown, "services"), argv[2], argv[i]));
		else if ((value = get(shown, argv[i])))
			printf("%s", value);
		else
			errx(1, "nothing is there");
		putchar(i + 1 < argc ? ' ' : '\n');
	}
	return 0;
}
