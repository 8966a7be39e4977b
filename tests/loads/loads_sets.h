/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The configurations that tests/loads/loads.c loads, each as the switches of bpf/maps.h that are on in
 * it, and how to set them in an object. user/dataplane/dataplane.c sets the same switches from a plan.
 */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

/* Entries of a map: sizes do not matter to the verifier, but large maps take time */
enum { SMALL = 64 };

#define FIREWALL "choices vlans bridges routers source_trie notify lists followed_lists rates client_rates pair_rates "

/* Names of switches without their with_. In an overlay of another length than /48, with_routes64
 * takes the place of with_subnets. */
static const struct configuration {
	const char *name, *switches;
} configurations[] = {
	{ "dnat", "express" },
	{ "dnat-lists", "express lists" },
	{ "dnat-followed-lists", "express lists followed_lists" },
	{ "dnat-rates", "express rates" },
	{ "dnat-rated-clients", "express rates client_rates" },
	{ "dnat-links", "express vlans bridges routers" },
	{ "dnat-source-trie", "express source_trie" },
	{ "dnat-choices", "express choices" },
	{ "dnat-notify", "express notify" },
	{ "masquerade", "express flows" },
	{ "masquerade-full", "express flows " FIREWALL },
	{ "guard", "express flows guards" },
	{ "guard-full", "express flows guards " FIREWALL },
	{ "blind", "express flows blind" },
	{ "relay-48", "express relay subnets routes" },
	{ "relay-other", "express relay routes64 routes source_trie rates pair_rates" },
	{ "relay-masquerade", "express relay routes64 routes source_trie flows" },
	{ "relay-guard", "express relay routes64 routes source_trie flows guards" },
	{ "relay-blind", "express relay routes64 routes source_trie flows blind" },
	{ "guard-blind", "express flows guards blind" },
	{ "everything", "express flows guards blind relay routes64 routes " FIREWALL },
	{ "everything-48", "express flows guards blind relay subnets routes " FIREWALL },
	{ "express-off", "flows guards blind relay routes64 routes " FIREWALL },
};

enum { CONFIGURATIONS = sizeof(configurations) / sizeof(*configurations) };

/* Programs that user space loads only if one of these switches is on; it loads the others always */
static const struct condition {
	const char *program, *switches;
} conditions[] = {
	{ "wgxdp_express", "express" },
	{ "wgxdp_flow_end", "flows" },
	{ "wgxdp_send", "guards blind" },
	{ "wgxdp_tc_egress", "blind" },
};

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words; (at = strstr(at, word)); at += len)
		if ((at == words || at[-1] == ' ') && (!at[len] || at[len] == ' '))
			return true;
	return false;
}

static bool have_common_word(const char *words, const char *others)
{
	char word[64];
	int len;

	for (; sscanf(words, "%63s%n", word, &len) == 1; words += len)
		if (has_word(others, word))
			return true;
	return false;
}

static bool needs_program(const struct configuration *c, const char *program)
{
	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++)
		if (!strcmp(conditions[i].program, program))
			return have_common_word(conditions[i].switches, c->switches);
	return true;
}

/* ---- an object's switches ---- */

struct switches {
	const struct btf *btf;
	const struct btf_type *section;	/* .rodata */
	unsigned char *values;
};

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && !strcmp(text + len - n, end);
}

static bool find_switches(struct bpf_object *o, struct switches *ret)
{
	struct bpf_map *map;
	size_t size;
	int id;

	*ret = (struct switches){ .btf = bpf_object__btf(o) };
	id = btf__find_by_name_kind(ret->btf, ".rodata", BTF_KIND_DATASEC);
	bpf_object__for_each_map(map, o)
		if (ends_with(bpf_map__name(map), ".rodata"))
			ret->values = (void *)bpf_map__initial_value(map, &size);
	ret->section = id > 0 ? btf__type_by_id(ret->btf, id) : NULL;
	return ret->section && ret->values;
}

static const char *switch_name(const struct switches *s, int i)
{
	__u32 type = btf_var_secinfos(s->section)[i].type;

	return btf__name_by_offset(s->btf, btf__type_by_id(s->btf, type)->name_off);
}

/* Returns the name behind with_; NULL for a number */
static const char *feature_name(const struct switches *s, int i)
{
	const char *name = switch_name(s, i);

	return strncmp(name, "with_", 5) ? NULL : name + 5;
}

/* Sets the features. A number that is 0 gets another value, because the verifier removes what a 0
 * excludes. The machine is little-endian. */
static void set_switches(const struct switches *s, const struct configuration *c)
{
	for (int i = 0; i < btf_vlen(s->section); i++) {
		const struct btf_var_secinfo *place = &btf_var_secinfos(s->section)[i];
		const char *feature = feature_name(s, i);
		unsigned long long value = place->size == 8 ? ~0ULL : SMALL - 1, zero = 0;

		if (place->size > sizeof(value))
			continue;
		if (feature)
			value = has_word(c->switches, feature);
		if (feature || !memcmp(s->values + place->offset, &zero, place->size))
			memcpy(s->values + place->offset, &value, place->size);
	}
}

static bool has_feature(const struct switches *s, const char *name)
{
	for (int i = 0; i < btf_vlen(s->section); i++)
		if (feature_name(s, i) && !strcmp(feature_name(s, i), name))
			return true;
	return false;
}

/* Returns what the configurations and the object do not have in common; NULL: nothing */
static const char *find_difference(const struct switches *s)
{
	static char said[128];
	char word[64];
	int len;

	for (int i = 0; i < btf_vlen(s->section); i++) {
		const char *feature = feature_name(s, i);
		bool known = !feature;

		for (int c = 0; c < CONFIGURATIONS && !known; c++)
			known = has_word(configurations[c].switches, feature);
		snprintf(said, sizeof(said), "no configuration has with_%s", feature ?: "");
		if (!known)
			return said;
	}
	for (int c = 0; c < CONFIGURATIONS; c++) {
		const char *at = configurations[c].switches;

		for (; sscanf(at, "%63s%n", word, &len) == 1; at += len) {
			snprintf(said, sizeof(said), "no switch with_%s, which %s needs", word,
				 configurations[c].name);
			if (!has_feature(s, word))
				return said;
		}
	}
	return NULL;
}
