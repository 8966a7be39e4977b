// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No topology makes `gen` crash or hang, and an accepted one assigns each address once and the same in each run. An
 * input is the text of one and, behind a zero byte, the state of earlier runs. In an accepted topology, each address
 * is in its range and exists once. A second run with the first one's state assigns the same, keeps the same, and
 * needs no random numbers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fuzz_quiet.h"
#include "gen/topology.h"

/* One run */
static bool run(const char *text, struct topology_state *s, struct topology **ret)
{
	bool done;

	*ret = NULL;
	hush();
	done = !topology_parse(text, "topology", ret) && !topology_assign(*ret, s);
	speak();
	return done;
}

static __u8 rolled;

static int roll(void *to, size_t n)
{
	memset(to, ++rolled, n);
	return 0;
}

static int no_more(void *to, size_t n)
{
	MUST(false);
	return -EIO;
}

/* ---- the assigned addresses ---- */

static struct address *all;
static size_t n_all;

static void add(const struct address *a, const struct prefix *in)
{
	MUST(prefix_covers(in, a));
	all[n_all++] = *a;
}

static int compare(const void *one, const void *other)
{
	const struct address *a = one, *b = other;

	return memcmp(&a->addr, &b->addr, sizeof(a->addr));
}

static void check_host(const struct topology *t, const struct topology_host *h)
{
	const struct topology_host *gateway = &t->hosts[h->gateway];

	if (h->role == ROLE_RELAY && !h->shares)
		add(&h->tunnel, &t->tunnels);
	MUST(!h->shares || address_equal(&h->tunnel, &t->shared.tunnel));
	if (h->role == ROLE_EDGE || h->role == ROLE_SERVER)
		add(&h->lan6, &t->sites[h->site].prefix);
	if (h->role == ROLE_EDGE)
		MUST(prefix_covers(&t->tunnels, &h->tunnel));
	if (h->role == ROLE_SERVER && !t->no_mesh)
		add(&h->mesh, &t->mesh);
	MUST(h->role != ROLE_FIREWALL || gateway->role == ROLE_GATEWAY);
	if (h->role == ROLE_GATEWAY)
		gateway = h;
	for (size_t i = 0; i < h->n_inside; i++) {
		bool found = false;

		for (size_t j = 0; j < gateway->n_networks; j++)
			found |= prefix_covers(&gateway->networks[j], &h->inside[i]);
		MUST(found);
		all[n_all++] = h->inside[i];
	}
}

/* The addresses of two relays in the tunnel between them, from one /112; relays come first. Only neighbours in the
 * list, because all pairs would be many. */
static void check_between(const struct topology *t)
{
	for (size_t i = 1; i < t->n_hosts && t->hosts[i].shares; i++) {
		struct address one = topology_between(t, &t->hosts[i], &t->hosts[i - 1]), other = topology_between(t, &t->hosts[i - 1], &t->hosts[i]);

		MUST(!memcmp(&one.addr, &other.addr, 14));
		add(&one, &t->tunnels);
		add(&other, &t->tunnels);
	}
}

static void check(const struct topology *t)
{
	all = calloc(t->n_hosts * (4 + TOPOLOGY_NETWORKS) + 1, sizeof(*all));
	n_all = 0;
	MUST(all);
	for (size_t i = 0; i < t->n_sites; i++)
		MUST(prefix_within(&t->sites[i].prefix, &t->overlay) && t->sites[i].prefix.len == 64);
	if (*t->shared.name)
		add(&t->shared.tunnel, &t->tunnels);
	for (size_t i = 0; i < t->n_hosts; i++)
		check_host(t, &t->hosts[i]);
	check_between(t);
	qsort(all, n_all, sizeof(*all), compare);
	for (size_t i = 1; i < n_all; i++)
		MUST(compare(&all[i - 1], &all[i]));
	free(all);
}

/* ---- runs ---- */

static char *text_of(const struct topology_state *s)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	MUST(out);
	topology_state_write(s, out);
	fclose(out);
	return text;
}

static bool same(const struct topology *a, const struct topology *b)
{
	for (size_t i = 0; i < a->n_hosts; i++) {
		const struct topology_host *x = &a->hosts[i], *y = &b->hosts[i];

		if (!address_equal(&x->tunnel, &y->tunnel) || !address_equal(&x->lan6, &y->lan6) || !address_equal(&x->mesh, &y->mesh) ||
		    x->n_inside != y->n_inside || x->number != y->number)
			return false;
		for (size_t j = 0; j < x->n_inside; j++)
			if (!address_equal(&x->inside[j], &y->inside[j]))
				return false;
	}
	return a->n_hosts == b->n_hosts;
}

static void second_run(const char *text, const struct topology *first, const struct topology_state *kept)
{
	struct topology_state s = {};
	char *before = text_of(kept), *after;
	struct topology *t;

	MUST(!topology_state_parse(before, "kept", &s));
	s.random = no_more;
	MUST(run(text, &s, &t) && same(first, t));
	after = text_of(&s);
	MUST(!strcmp(before, after));
	free(before);
	free(after);
	topology_state_free(&s);
	topology_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 2);
	struct topology_state s = {};
	struct topology *t;
	size_t n;

	memcpy(text, data, size);
	text[size] = text[size + 1] = '\0';
	n = strlen(text);
	rolled = 0;
	hush();
	topology_state_parse(text + n + 1, "state", &s);
	speak();
	s.random = roll;
	if (run(text, &s, &t)) {
		check(t);
		second_run(text, t, &s);
	}
	topology_free(t);
	topology_state_free(&s);
	free(text);
	return 0;
}
