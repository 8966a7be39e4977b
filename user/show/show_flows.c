/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp show flows. There may be hundreds of thousands of flows. They are read and sorted, then
 * written one by one, without a lock and without a document in memory.
 */
#include <string.h>
#include "lib/grow.h"
#include "lib/log.h"
#include "show/show.h"
#include "show/words.h"

struct row {
	struct flow_key key;	/* key in the direction from the client to the service */
	struct addr ours, backend;
	__be16 our_port, backend_port;
	__u16 id;
	__u8 family;			/* family of `ours` and `backend` */
	/* Since the first answer, since the last packet, in units of abi_learned.h. */
	__u64 age, idle;
	__u64 packets[2], bytes[2];	/* indexed by direction */
};

struct flows {
	const struct dataplane *dp;
	struct row *rows;
	size_t n;
	__u64 now;			/* in units of abi_learned.h */
	struct service_name *names;
	size_t n_names;
	struct relay_peer *peers;	/* the relay's peers, sorted by key */
	size_t n_peers;
	const struct wg_dump *dump;	/* peers of the backend's WireGuard; NULL: not given */
};

/* Returns the time since the flow's last packet in units of abi_learned.h, exact to 8 seconds. */
static __u64 idle_units(const struct flows *f, const struct flow_entry *e)
{
	__u64 left = learned_left(e->word, f->now), timeout = FLOW_TIMEOUT;
	struct pool pool;

	if (dataplane_pool(f->dp, e->flow.id, &pool))
		timeout = pool.timeout;
	timeout = learned_units(timeout);
	return timeout > left ? timeout - left : 0;
}

static int add_row(void *data, const struct flow_entry *e)
{
	const struct flow *flow = &e->flow;
	struct flows *f = data;
	struct row *r = append(f->rows, f->n);

	*r = (struct row){
		.key = flow_key_of(flow, DIRECTION_ORIGINAL), .ours = flow->own,
		.backend = flow->backend, .our_port = flow->own_port,
		.backend_port = flow->backend_port, .id = flow->id, .family = flow->family,
		.age = (__u32)(f->now - flow->since), .idle = idle_units(f, e),
	};
	memcpy(r->packets, flow->packets, sizeof(r->packets));
	memcpy(r->bytes, flow->bytes, sizeof(r->bytes));
	return 0;
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->id - y->id ?: x->key.family - y->key.family ?:
	       memcmp(&x->key.src, &y->key.src, sizeof(x->key.src)) ?:
	       ntohs(x->key.sport) - ntohs(y->key.sport) ?:
	       memcmp(&x->key.dst, &y->key.dst, sizeof(x->key.dst)) ?:
	       ntohs(x->key.dport) - ntohs(y->key.dport);
}

/* ---- a row in words ---- */

enum { SERVICE, CLIENT, PUBLIC, OURS, BACKEND, AGE, IDLE, ORIGINAL, REPLY, WG_PEER, COLUMNS };

struct row_words {
	char column[COLUMNS][NAME_LEN + 4];
	char key[WG_KEY_STRLEN];	/* key of the peer that the client is; "": unknown */
	const char *name;		/* name of the same peer; NULL: unknown */
	__u64 age, idle;	/* seconds since the first answer, since the last packet */
};

static void format_endpoint(char *ret, const struct addr *a, __u8 family, __be16 port)
{
	endpoint_format(&(struct address){ *a, family }, port, ret);
}

static int compare_keys(const void *a, const void *b)
{
	return memcmp(((const struct relay_peer *)a)->name.key,
		      ((const struct relay_peer *)b)->name.key, WG_KEY_LEN);
}

static void find_peer(const struct flows *f, const struct row *r, struct row_words *w)
{
	const struct address ours = { r->ours, r->family };
	const struct wg_dump_peer *p = f->dump ? wg_dump_find(f->dump, &ours, r->our_port) : NULL;
	const struct relay_peer *known;
	struct relay_peer wanted = { 0 };

	w->name = NULL;
	*w->key = '\0';
	if (!p)
		return;
	wg_key_format(&p->key, w->key);
	memcpy(wanted.name.key, &p->key, sizeof(p->key));
	known = f->n_peers ? bsearch(&wanted, f->peers, f->n_peers, sizeof(wanted), compare_keys) :
		NULL;
	w->name = known && *known->name.name ? known->name.name : NULL;
}

static void format_row(const struct flows *f, const struct row *r, struct row_words *w)
{
	if (r->id < f->n_names && *f->names[r->id].name)
		strcpy(w->column[SERVICE], f->names[r->id].name);
	else
		/* The service has no name any more, because it is being removed. */
		sprintf(w->column[SERVICE], "(%u)", r->id);
	format_endpoint(w->column[CLIENT], &r->key.src, r->key.family, r->key.sport);
	format_endpoint(w->column[PUBLIC], &r->key.dst, r->key.family, r->key.dport);
	format_endpoint(w->column[OURS], &r->ours, r->family, r->our_port);
	format_endpoint(w->column[BACKEND], &r->backend, r->family, r->backend_port);
	w->age = learned_seconds(r->age);
	w->idle = learned_seconds(r->idle);
	sprintf(w->column[AGE], "%llus", w->age);
	sprintf(w->column[IDLE], "%llus", w->idle);
	for (int d = DIRECTION_ORIGINAL; d <= DIRECTION_REPLY; d++)
		sprintf(w->column[d == DIRECTION_ORIGINAL ? ORIGINAL : REPLY], "%llu/%llu",
			r->packets[d], r->bytes[d]);
	find_peer(f, r, w);
	strcpy(w->column[WG_PEER], w->name ?: *w->key ? w->key : "-");
}

/* ---- for people ---- */

static const char *const headings[COLUMNS] = {
	"SERVICE", "CLIENT", "PUBLIC", "OURS", "BACKEND", "AGE", "IDLE", "ORIGINAL", "REPLY",
	"PEER",
};

static void print_columns(const struct row_words *w, const int *widths, int n, FILE *out)
{
	for (int i = 0; i < n; i++)
		fprintf(out, "%-*s%s", i + 1 < n ? widths[i] : 0, w->column[i],
			i + 1 < n ? "  " : "\n");
}

static void print_table(const struct flows *f, FILE *out)
{
	int widths[COLUMNS], n = f->dump ? COLUMNS : WG_PEER;
	struct row_words w;

	for (int i = 0; i < n; i++)
		widths[i] = strlen(strcpy(w.column[i], headings[i]));
	for (size_t r = 0; r < f->n; r++) {
		struct row_words wide;

		format_row(f, &f->rows[r], &wide);
		for (int i = 0; i < n; i++)
			widths[i] = (int)strlen(wide.column[i]) > widths[i] ?
				    (int)strlen(wide.column[i]) : widths[i];
	}
	if (f->n)
		print_columns(&w, widths, n, out);
	else
		fputs("flows: none\n", out);
	for (size_t r = 0; r < f->n && !ferror(out); r++) {
		format_row(f, &f->rows[r], &w);
		print_columns(&w, widths, n, out);
	}
}

/* ---- for programs ---- */

/* Prints a member of a JSON object. text needs no escapes: it is a name, a key or an address. */
static void print_member(FILE *out, const char *key, const char *text)
{
	fprintf(out, text ? ", \"%s\": \"%s\"" : ", \"%s\": null", key, text);
}

static void print_json(const struct flows *f, FILE *out)
{
	static const char *const keys[] = { [CLIENT] = "client", [PUBLIC] = "public",
					    [OURS] = "ours", [BACKEND] = "backend" };
	struct row_words w;

	fprintf(out, "{\n  \"version\": \"%s\",\n  \"instance\": \"%s\",\n  \"flows\": [", VERSION, f->dp->instance);
	for (size_t i = 0; i < f->n && !ferror(out); i++) {
		const struct row *r = &f->rows[i];

		format_row(f, r, &w);
		fprintf(out, "%s\n    { \"service\": \"%s\"", i ? "," : "", w.column[SERVICE]);
		for (int k = CLIENT; k <= BACKEND; k++)
			print_member(out, keys[k], w.column[k]);
		fprintf(out, ", \"age\": %llu, \"idle\": %llu, \"packets\": %llu, \"bytes\": %llu",
			w.age, w.idle, r->packets[0] + r->packets[1], r->bytes[0] + r->bytes[1]);
		for (int d = DIRECTION_ORIGINAL; d <= DIRECTION_REPLY; d++)
			fprintf(out, ", \"%s\": { \"packets\": %llu, \"bytes\": %llu }",
				direction_name(d), r->packets[d], r->bytes[d]);
		print_member(out, "wg_peer", *w.key ? w.key : NULL);
		print_member(out, "wg_peer_name", w.name);
		fputs(" }", out);
	}
	fprintf(out, "%s]\n}\n", f->n ? "\n  " : "");
}

int show_flows(const struct dataplane *dp, bool json, const struct wg_dump *dump, FILE *out)
{
	struct flows f = { .dp = dp, .now = learned_now(), .dump = dump };
	int rc = dataplane_names(dp, &f.names, &f.n_names) ?:
		 dataplane_peers(dp, &f.peers, &f.n_peers) ?:
		 dataplane_flows_counted(dp, add_row, &f);

	if (f.n_peers)
		qsort(f.peers, f.n_peers, sizeof(*f.peers), compare_keys);
	if (rc)
		log_error("cannot read the maps of instance %s: %s", dp->instance, strerror(-rc));
	if (!rc && f.n)
		qsort(f.rows, f.n, sizeof(*f.rows), compare_rows);
	if (!rc && json)
		print_json(&f, out);
	else if (!rc)
		print_table(&f, out);
	if (!rc && (fflush(out) || ferror(out)))
		rc = -EIO;
	free(f.rows);
	free(f.names);
	free(f.peers);
	return rc;
}
