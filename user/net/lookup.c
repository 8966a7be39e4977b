/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements lookup.h: asks for AAAA and A records and combines the answers.
 */
#include "net/dns.h"
#include "lib/grow.h"
#include "net/lookup.h"

struct lookup {
	struct dns *dns;
	lookup_done *done;
	void *data;
	struct half {			/* answer for one family, IPv6 or IPv4 */
		struct lookup *lookup;
		struct address *list;
		size_t n;
		unsigned int ttl;
		const char *failed;
		char why[DNS_WHY_LEN];	/* from dns_take() */
	} halves[2];
	unsigned int open;
};

static const int families[2] = { AF_INET6, AF_INET };

static void add_node(struct half *h, const struct ares_addrinfo_node *node)
{
	struct address a;

	if (!dns_take(node, families[h - h->lookup->halves], &a, h->why) ||
	    address_find(h->list, h->n, &a) < h->n)
		return;
	*append(h->list, h->n) = a;
	h->ttl = node->ai_ttl < h->ttl ? node->ai_ttl : h->ttl;
}

static void on_answer(void *data, int status, int timeouts, struct ares_addrinfo *info)
{
	struct half *h = data;

	h->lookup->open--;
	h->ttl = LOOKUP_TTL_MAX;
	if (status == ARES_SUCCESS) {
		for (const struct ares_addrinfo_cname *c = info->cnames; c; c = c->next)
			h->ttl = c->ttl < h->ttl ? c->ttl : h->ttl;
		for (const struct ares_addrinfo_node *a = info->nodes; a; a = a->ai_next)
			add_node(h, a);
		h->failed = !h->n && *h->why ? h->why : NULL;
	} else if (status != ARES_ENODATA && status != ARES_ENOTFOUND) {
		h->failed = ares_strerror(status);
	}
	if (info)
		ares_freeaddrinfo(info);
}

static void free_lookup(struct lookup *l)
{
	free(l->halves[0].list);
	free(l->halves[1].list);
	free(l);
}

static bool on_progress(void *data)
{
	struct lookup *l = data;
	struct lookup_answer answer = { .ttl = LOOKUP_TTL_MAX };

	if (l->open)
		return true;
	dns_close(l->dns);
	for (int i = 0; i < 2; i++) {
		const struct half *h = &l->halves[i];

		for (size_t j = 0; j < h->n; j++)
			*append(answer.list, answer.n) = h->list[j];
		answer.failed[i] = h->failed;
		answer.ttl = h->ttl < answer.ttl ? h->ttl : answer.ttl;
	}
	answer.ttl = answer.ttl ?: LOOKUP_TTL_HOSTS;
	l->done(l->data, &answer);
	free(answer.list);
	free_lookup(l);
	return false;
}

int lookup_start(uv_loop_t *loop, const char *name, lookup_done *done, void *data,
		 struct lookup **ret)
{
	struct lookup *l = xcalloc(1, sizeof(*l));
	struct address literal;
	int only = address_parse(name, &literal) ? AF_UNSPEC :
		   literal.family == FAMILY_IPV4 ? AF_INET : AF_INET6;
	int rc = dns_open(loop, false, on_progress, l, &l->dns);

	if (rc) {
		free(l);
		return rc;
	}
	*ret = l;			/* set it before done() can be called */
	l->done = done;
	l->data = data;
	for (int i = 0; i < 2; i++) {
		l->halves[i].lookup = l;
		l->halves[i].ttl = LOOKUP_TTL_MAX;
		if (only && only != families[i])
			continue;
		l->open++;
		dns_ask(l->dns, name, families[i], on_answer, &l->halves[i]);
	}
	dns_go(l->dns);
	return 0;
}

void lookup_cancel(struct lookup *l)
{
	dns_close(l->dns);
	free_lookup(l);
}
