/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Computes rates from two readings of the maps, which contain only counters.
 */
#include <string.h>
#include <strings.h>
#include <time.h>
#include "show/site_view.h"
#include "lib/grow.h"
#include "show/top.h"
#include "show/words.h"

const char *const top_unit_names[] = { "bits", "bytes", "packets", NULL };
const char *const top_kind_names[] = { "services", "peers", "site pairs", "reasons", NULL };

/* ---- reading ---- */

struct maps {				/* everything that rows are made from */
	const struct dataplane *dp;
	struct dataplane_reason *reasons;
	struct service_name *names;
	struct relay_view relay;
	size_t n_reasons, n_names;
};

static struct top_row *row_of(struct top *t, enum top_kind kind, const char *name)
{
	struct top_row *r = append(t->rows, t->n);

	r->kind = kind;
	snprintf(r->name, sizeof(r->name), "%s", name);
	return r;
}

static void add_reasons(struct top_row *r, const struct maps *m, __u32 id)
{
	r->count.dropped = reasons_sum(m->reasons, m->n_reasons, id, ANY, ANY, true);
	r->count.passed = reasons_sum(m->reasons, m->n_reasons, id, ANY, ANY, false);
}

static int read_services(struct top *t, const struct maps *m)
{
	for (__u32 id = 0; id < m->n_names; id++) {
		struct total total;
		struct top_row *r;

		if (!*m->names[id].name)
			continue;
		r = row_of(t, TOP_SERVICE, m->names[id].name);
		for (int i = 0; i < 4; i++) {
			bool back = i / 2 == DIRECTION_REPLY;
			int rc = dataplane_total(m->dp, id, i / 2, i % 2, &total);

			if (rc)
				return rc;
			*(back ? &r->count.packets_back : &r->count.packets_to) += total.forwarded;
			*(back ? &r->count.bytes_back : &r->count.bytes_to) += total.bytes;
		}
		add_reasons(r, m, id);
	}
	return 0;
}

static void read_peers(struct top *t, const struct maps *m)
{
	for (__u32 id = 1; id < m->relay.n_peers; id++) {
		struct total rx = relay_view_total(&m->relay, id, PEER_RX),
			     tx = relay_view_total(&m->relay, id, PEER_TX);
		struct top_row *r;

		if (!*m->relay.peers[id].name.name)
			continue;
		r = row_of(t, TOP_PEER, m->relay.peers[id].name.name);
		r->count = (struct top_count){
			.packets_to = rx.forwarded, .bytes_to = rx.bytes,
			.packets_back = tx.forwarded, .bytes_back = tx.bytes,
		};
		add_reasons(r, m, PEER_ID | id);
	}
}

static int read_pairs(struct top *t, const struct dataplane *dp)
{
	struct blind_view v;
	int rc = blind_view_read(dp, &v);

	for (size_t i = 0; i < v.n_pairs; i++) {
		const struct blind_view_pair *p = &v.pairs[i];
		char name[3 * NAME_LEN];
		struct top_row *r;

		if (!p->packets)
			continue;
		snprintf(name, sizeof(name), "%s > %s", v.sites[p->from].name, v.sites[p->to].name);
		r = row_of(t, TOP_PAIR, name);
		r->count = (struct top_count){ .packets_to = p->packets, .bytes_to = p->bytes };
	}
	blind_view_free(&v);
	return rc;
}

static void read_reasons(struct top *t, const struct maps *m)
{
	struct dataplane_reason reason;

	for (size_t at = 0; reasons_next(m->reasons, m->n_reasons, &at, &reason);) {
		const struct reason_key *k = &reason.key;
		__u32 id = k->id & ~PEER_ID;
		bool peer = k->id & PEER_ID;
		char name[3 * NAME_LEN];
		struct top_row *r;

		if (k->reason >= REASON_MAX || id >= (peer ? m->relay.n_peers : m->n_names))
			continue;
		snprintf(name, sizeof(name), "%s of %s, %s", reason_name(k->reason),
			 !peer ? m->names[id].name : id ? m->relay.peers[id].name.name : "no peer",
			 peer ? "rx" : direction_name(k->direction));
		r = row_of(t, TOP_REASON, name);
		*(reason_drops(k->reason) ? &r->count.dropped : &r->count.passed) = reason.packets;
	}
}

static int by_name(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;

	return (int)x->kind - (int)y->kind ?: strcmp(x->name, y->name);
}

static double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

int top_read(const struct dataplane *dp, struct top *ret)
{
	struct maps m = { .dp = dp };
	struct top t = { .at = now_seconds() };
	int rc = dataplane_names(dp, &m.names, &m.n_names) ?: relay_view_read(dp, false, &m.relay);

	dataplane_reasons(dp, &m.reasons, &m.n_reasons);
	rc = rc ?: read_services(&t, &m) ?: read_pairs(&t, dp);
	if (!rc) {
		read_peers(&t, &m);
		read_reasons(&t, &m);
	}
	free(m.reasons);
	free(m.names);
	relay_view_free(&m.relay);
	if (rc) {
		top_free(&t);
		return rc;
	}
	if (t.n)
		qsort(t.rows, t.n, sizeof(*t.rows), by_name);
	*ret = t;
	return 0;
}

void top_free(struct top *t)
{
	free(t->rows);
	*t = (struct top){ 0 };
}

/* ---- rates ---- */

static double rate(double now, double before, double seconds)
{
	return now < before || seconds <= 0 ? 0 : (now - before) / seconds;
}

void top_rates(struct top *now, const struct top *before)
{
	double s = now->at - before->at;

	for (size_t i = 0; i < now->n; i++) {
		struct top_row *r = &now->rows[i];
		const struct top_row *was = !before->n ? NULL :
			bsearch(r, before->rows, before->n, sizeof(*r), by_name);
		const struct top_count *c = &r->count, none = { 0 };
		const struct top_count *w = was ? &was->count : r->kind == TOP_REASON ? &none : c;

		r->rate = (struct top_count){
			rate(c->packets_to, w->packets_to, s), rate(c->bytes_to, w->bytes_to, s),
			rate(c->packets_back, w->packets_back, s),
			rate(c->bytes_back, w->bytes_back, s), rate(c->dropped, w->dropped, s),
			rate(c->passed, w->passed, s),
		};
	}
}

double top_in_unit(const struct top_count *r, enum top_unit unit, bool back)
{
	if (unit == TOP_PACKETS)
		return back ? r->packets_back : r->packets_to;
	return (back ? r->bytes_back : r->bytes_to) * (unit == TOP_BITS ? 8 : 1);
}

struct order {
	enum top_sort by;
	enum top_unit unit;
};

static double weight(const struct top_row *r, const struct order *o)
{
	if (o->by == TOP_BY_DROPPED || (o->by == TOP_BY_RATE && r->kind == TOP_REASON))
		return r->rate.dropped + (r->kind == TOP_REASON && o->by == TOP_BY_RATE ?
					  r->rate.passed : 0);
	return o->by == TOP_BY_PASSED ? r->rate.passed : o->by == TOP_BY_NAME ? 0 :
	       top_in_unit(&r->rate, o->unit, false) + top_in_unit(&r->rate, o->unit, true);
}

static int by_weight(const void *a, const void *b, void *order)
{
	const struct top_row *x = a, *y = b;
	double wx = weight(x, order), wy = weight(y, order);

	return (int)x->kind - (int)y->kind ?: (wx < wy) - (wx > wy) ?: strcmp(x->name, y->name);
}

void top_sort(struct top *t, enum top_sort by, enum top_unit unit, const char *filter)
{
	struct order o = { by, unit };
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (!filter || !*filter || strcasestr(t->rows[i].name, filter))
			t->rows[n++] = t->rows[i];
	t->n = n;
	if (n)
		qsort_r(t->rows, n, sizeof(*t->rows), by_weight, &o);
}

void top_format(char ret[16], double rate)
{
	static const char *const steps[] = { "", " k", " M", " G", " T" };
	size_t i = 0;

	for (; rate >= 999.5 && i < 4; i++)
		rate /= 1000;
	snprintf(ret, 16, "%.*f%s", rate >= 99.95 || !rate || (!i && rate >= 9.95) ? 0 :
		 rate >= 9.995 || !i ? 1 : 2, rate, steps[i]);
}
