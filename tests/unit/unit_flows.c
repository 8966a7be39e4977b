/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `show flows` lists the flows in this kernel's maps, a command ends only the named ones, and the default number of
 * flows is handled in time. Without root: exit 77.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "few.h"
#include "dataplane/dataplane_programs.h"
#include "dataplane/map_info.h"
#include "show/show.h"

#define KEY "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="
#define OTHER "MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0dXY="
#define LIST_SECONDS 10			/* CPU seconds, under ASan, for FLOWS */

static __u32 n_flows;			/* in the largest table of a test */

static struct dataplane dp;
static struct flow_table table;
static __u32 n_buckets;
static const struct learned_secret secret = LEARNED_NO_SECRET;

/* ---- replacements of the kernel's part ---- */

/* Ages would depend on how fast this runs */
int clock_gettime(clockid_t clock, struct timespec *ret)
{
	static struct timespec first;

	if (clock != CLOCK_MONOTONIC)
		return syscall(SYS_clock_gettime, clock, ret);
	if (!first.tv_sec)
		syscall(SYS_clock_gettime, clock, &first);
	*ret = first;
	return 0;
}

int __wrap_pin_get(const char *instance, const char *format, ...)
{
	return strstr(format, "flow_end") ? open("/dev/null", O_RDONLY) : -ENOENT;
}

/* Does what wgxdp_flow_end does */
int __wrap_bpf_prog_test_run_opts(int program, struct bpf_test_run_opts *o)
{
	struct flow_end wish;
	struct flow *f;
	__u64 *word, *index;

	memcpy(&wish, (const char *)o->data_in + ETH_HLEN, sizeof(wish));
	word = &table.buckets[wish.place / LEARNED_WAYS].line.word[wish.place % LEARNED_WAYS];
	f = &table.buckets[wish.place / LEARNED_WAYS].flow[wish.place % LEARNED_WAYS];
	o->retval = *word == wish.word ? FLOW_ENDED : FLOW_CHANGED;
	if (o->retval == FLOW_CHANGED)
		return 0;
	index = &table.index[f->place / LEARNED_WAYS].word[f->place % LEARNED_WAYS];
	assert_int_equal((__u32)*index, wish.place);
	*index = 0;
	*word = learned_word_free(*word);
	return 0;
}

static int map(enum bpf_map_type type, size_t key, size_t value, __u32 n, __u32 flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);
	int fd = bpf_map_create(type, "test", key, value, n, &options);

	if (fd < 0)
		fail_msg("a map of %u: %s", n, strerror(errno));
	return fd;
}

static int set_up(void **state)
{
	static const char *const names[] = { "many", "", "more" };
	struct service_name name = { .nat = 2 };
	struct peer_name peer = { .name = "site-a" };

	strcpy(dp.instance, "test");
	for (int i = 0; i < MAP_COUNT; i++)
		dp.maps[i] = dp.former[i] = -1;
	n_flows = takes_few() ? FLOWS / 4 : FLOWS;
	n_buckets = flow_table_buckets(n_flows);
	dp.maps[MAP_flow_table] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct flow_bucket), n_buckets, BPF_F_MMAPABLE);
	dp.maps[MAP_flow_index] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct learned_line), 2 * n_buckets, BPF_F_MMAPABLE);
	dp.maps[MAP_secrets] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(secret), 1, 0);
	bpf_map_update_elem(dp.maps[MAP_secrets], &(__u32){ 0 }, &secret, 0);
	assert_int_equal(flow_table_open_new(dp.maps[MAP_flow_table], dp.maps[MAP_flow_index], n_buckets, &secret, &table), 0);
	dp.maps[MAP_names] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(name), 8, 0);
	dp.maps[MAP_peers] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct peer), 4, 0);
	dp.maps[MAP_peer_names] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(peer), 4, 0);
	dp.maps[MAP_pools] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct pool), 8, 0);
	dp.maps[MAP_flow_totals] = map(BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct flow_total), 8, 0);
	dp.maps[MAP_flows_deleted] = map(BPF_MAP_TYPE_ARRAY, 4, 8, 8, 0);
	for (__u32 i = 0; i < 3; i++) {
		strcpy(name.name, names[i]);
		bpf_map_update_elem(dp.maps[MAP_names], &i, &name, 0);
	}
	wg_key_parse(KEY, (struct wg_key *)peer.key);
	bpf_map_update_elem(dp.maps[MAP_peer_names], &(__u32){ 1 }, &peer, 0);
	return 0;
}

static int tear_down(void **state)
{
	flow_table_close(&table);
	for (int i = 0; i < MAP_COUNT; i++)
		if (dp.maps[i] >= 0)
			close(dp.maps[i]);
	return 0;
}

static struct addr addr(const char *text, __be16 *ret_port, __u8 *ret_family)
{
	struct address a;

	assert_int_equal(endpoint_parse(text, &a, ret_port), 0);
	*ret_family = a.family;
	return a.addr;
}

struct tuple {
	__u16 id;
	const char *client, *public, *ours, *backend;
};

/* age, idle: seconds */
static struct flow flow_like(const struct tuple *t, __u64 age, __u64 packets)
{
	struct flow f = { .id = t->id, .since = learned_now() - learned_units(age), .reply = DIRECTION_REPLY,
			  .packets = { packets, packets - 1 }, .bytes = { 100 * packets, 100 * packets - 50 } };

	f.client = addr(t->client, &f.client_port, &f.client_family);
	f.local = addr(t->public, &f.local_port, &f.client_family);
	f.own = addr(t->ours, &f.own_port, &f.family);
	f.backend = addr(t->backend, &f.backend_port, &f.family);
	return f;
}

static void add_flow(const struct tuple *t, __u64 age, __u64 idle, __u64 packets)
{
	struct flow f = flow_like(t, age, packets);

	assert_true(flow_table_put(&table, &f, LEARNED_LIVE, learned_now() + learned_units(FLOW_TIMEOUT) - learned_units(idle)));
}

/* Used places in the table and in its index */
static size_t entries(void)
{
	size_t n = 0, n_index = 0;

	for (__u32 i = 0; i < n_buckets * LEARNED_WAYS; i++)
		n += learned_word_tag(table.buckets[i / LEARNED_WAYS].line.word[i % LEARNED_WAYS]) != 0;
	for (__u32 i = 0; i < 2 * n_buckets * LEARNED_WAYS; i++)
		n_index += table.index[i / LEARNED_WAYS].word[i % LEARNED_WAYS] != 0;
	assert_int_equal(n, n_index);
	return n;
}

static const struct tuple tuples[] = {
	{ 2, "203.0.113.7:51820", "198.51.100.1:51820", "[2001:db8:1::1]:51820", "[2001:db8:2::10]:51820" },
	{ 0, "[2001:db8:9::9]:1024", "[2001:db8:5::1]:443", "192.168.1.1:20000", "192.168.1.10:51820" },
	{ 0, "203.0.113.9:5", "198.51.100.1:443", "192.168.1.1:20001", "192.168.1.10:51820" },
	{ 0, "203.0.113.9:5", "198.51.100.1:51820", "192.168.1.1:20002", "192.168.1.10:51820" },
	{ 0, "203.0.113.9:4", "198.51.100.1:51820", "192.168.1.1:20003", "192.168.1.10:51820" },
	{ 0, "203.0.113.10:1", "198.51.100.1:51820", "192.168.1.1:20004", "192.168.1.10:51820" },
	{ 1, "203.0.113.1:1", "198.51.100.1:51820", "192.168.1.1:20005", "192.168.1.10:51820" },	/* a removed service */
};

static char *shown(bool json, const struct wg_dump *dump)
{
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	assert_int_equal(show_flows(&dp, json, dump, out), 0);
	fclose(out);
	return text;
}

static void lists(void **state)
{
	static const char dump[] =
		KEY "\t(none)\t192.168.1.1:20003\t(none)\t7\t0\t0\toff\n"
		OTHER "\t(none)\t[2001:db8:1::1]:51820\t(none)\t7\t0\t0\toff\n"
		OTHER "\t(none)\t203.0.113.10:1\t(none)\t7\t0\t0\toff\n";
	FILE *in = fmemopen((void *)dump, strlen(dump), "r");
	struct wg_dump d;
	char *text;

	assert_int_equal(wg_dump_parse(in, "dump", &d), 0);
	fclose(in);
	text = shown(false, NULL);
	assert_string_equal(text, "flows: none\n");
	free(text);
	text = shown(true, NULL);
	assert_string_equal(text, "{\n  \"version\": \"" VERSION "\",\n  \"instance\": \"test\",\n  \"flows\": []\n}\n");
	free(text);
	for (size_t i = 0; i < sizeof(tuples) / sizeof(*tuples); i++)
		add_flow(&tuples[i], 100 * i + 5, i, 10 + i);
	text = shown(false, NULL);
	assert_string_equal(text,
"SERVICE  CLIENT                PUBLIC               OURS                   BACKEND                 AGE   IDLE  ORIGINAL  REPLY\n"
"many     203.0.113.9:4         198.51.100.1:51820   192.168.1.1:20003      192.168.1.10:51820      405s  4s    14/1400   13/1350\n"
"many     203.0.113.9:5         198.51.100.1:443     192.168.1.1:20001      192.168.1.10:51820      205s  2s    12/1200   11/1150\n"
"many     203.0.113.9:5         198.51.100.1:51820   192.168.1.1:20002      192.168.1.10:51820      305s  3s    13/1300   12/1250\n"
"many     203.0.113.10:1        198.51.100.1:51820   192.168.1.1:20004      192.168.1.10:51820      505s  5s    15/1500   14/1450\n"
"many     [2001:db8:9::9]:1024  [2001:db8:5::1]:443  192.168.1.1:20000      192.168.1.10:51820      105s  1s    11/1100   10/1050\n"
"(1)      203.0.113.1:1         198.51.100.1:51820   192.168.1.1:20005      192.168.1.10:51820      605s  6s    16/1600   15/1550\n"
"more     203.0.113.7:51820     198.51.100.1:51820   [2001:db8:1::1]:51820  [2001:db8:2::10]:51820  5s    0s    10/1000   9/950\n");
	free(text);
	text = shown(false, &d);
	assert_non_null(strstr(text, "  REPLY    PEER\n"));
	assert_non_null(strstr(text, "  192.168.1.1:20003      192.168.1.10:51820      405s  4s    14/1400   13/1350  site-a\n"));
	assert_non_null(strstr(text, "  9/950    " OTHER "\n"));
	assert_non_null(strstr(text, "  12/1250  -\n"));
	free(text);
	text = shown(true, &d);
	assert_non_null(strstr(text, "  \"flows\": [\n    { \"service\": \"many\", \"client\": \"203.0.113.9:4\", "
		"\"public\": \"198.51.100.1:51820\", \"ours\": \"192.168.1.1:20003\", \"backend\": \"192.168.1.10:51820\", \"age\": 405, \"idle\": 4, "
		"\"packets\": 27, \"bytes\": 2750, \"original\": { \"packets\": 14, \"bytes\": 1400 }, \"reply\": { \"packets\": 13, \"bytes\": 1350 }, "
		"\"wg_peer\": \"" KEY "\", \"wg_peer_name\": \"site-a\" },\n"));
	assert_non_null(strstr(text, "\"wg_peer\": \"" OTHER "\", \"wg_peer_name\": null }\n  ]\n}\n"));
	assert_non_null(strstr(text, "\"wg_peer\": null, \"wg_peer_name\": null },\n"));
	free(text);
	wg_dump_free(&d);
}

/* show flows lists only flows that the backend has answered and that have not expired */
static void lists_flows_alone(void **state)
{
	struct flow f = flow_like(&tuples[0], 1, 1);
	char *text;

	assert_true(flow_table_put(&table, &f, LEARNED_HALF, learned_now() + learned_units(10)));
	f = flow_like(&tuples[1], 1, 1);
	assert_true(flow_table_put(&table, &f, LEARNED_LIVE, learned_now()));
	f = flow_like(&tuples[2], 1, 1);
	assert_true(flow_table_put(&table, &f, LEARNED_SPARE, learned_now() + learned_units(10)));
	text = shown(false, NULL);
	assert_non_null(strstr(text, tuples[2].ours));
	assert_null(strstr(text, tuples[0].ours));
	assert_null(strstr(text, tuples[1].ours));
	free(text);
	assert_int_equal(dataplane_used(&dp, MAP_flow_table), 1);
}

static int find_id(void *data, const struct flow_entry *e)
{
	struct flow_entry *ret = data;

	if (e->flow.id == ret->flow.id)
		*ret = *e;
	return 0;
}

static struct flow_entry entry_of(__u16 id)
{
	struct flow_entry e = { .flow.id = id };

	assert_int_equal(dataplane_flow_entries(&dp, find_id, &e), 0);
	assert_int_not_equal(e.word, 0);
	return e;
}

static __u64 deleted(__u32 id)
{
	struct flow_numbers n;

	assert_int_equal(dataplane_flow_numbers(&dp, id, 0, &n), 0);
	return n.deleted;
}

/* The flow is removed and counted once. Also if its time changed since it was read, but not if another flow has its
 * place */
static void deletes(void **state)
{
	struct flow_entry e;
	__u64 *word;

	add_flow(&tuples[0], 1, 1, 1);
	add_flow(&tuples[2], 1, 1, 1);
	e = entry_of(tuples[0].id);
	assert_true(dataplane_flow_delete(&dp, &e));
	assert_int_equal(entries(), 1);
	assert_int_equal(deleted(2), 1);
	assert_false(dataplane_flow_delete(&dp, &e));
	assert_int_equal(deleted(2), 1);

	e = entry_of(tuples[2].id);
	word = &table.buckets[e.place / LEARNED_WAYS].line.word[e.place % LEARNED_WAYS];
	*word += 1 << 24;			/* its version */
	assert_false(dataplane_flow_delete(&dp, &e));
	assert_int_equal(entries(), 1);
	*word = e.word + 5;			/* its time */
	assert_true(dataplane_flow_delete(&dp, &e));
	assert_int_equal(entries(), 0);
	assert_int_equal(deleted(0), 1);
}

static void numbers(void **state)
{
	int cpus = libbpf_num_possible_cpus();
	struct flow_total *t = calloc(cpus, sizeof(*t));
	struct flow_numbers n;
	__u32 id = 2, *counts;
	__u64 one = 1;

	for (int i = 0; i < cpus; i++)
		t[i] = (struct flow_total){ .created = 10, .moved = 2 };
	bpf_map_update_elem(dp.maps[MAP_flow_totals], &id, t, 0);
	bpf_map_update_elem(dp.maps[MAP_flows_deleted], &id, &one, 0);
	assert_int_equal(dataplane_flow_numbers(&dp, id, 5 * cpus, &n), 0);
	assert_int_equal(n.created, 10 * cpus);
	assert_int_equal(n.moved, 2 * cpus);
	assert_int_equal(n.deleted, 1);
	assert_int_equal(n.now, 5 * cpus);
	assert_int_equal(n.expired, 3 * cpus - 1);
	/* counted in between: no flow is no underflow */
	assert_int_equal(dataplane_flow_numbers(&dp, id, 1000, &n), 0);
	assert_int_equal(n.expired, 0);
	assert_int_not_equal(dataplane_flow_numbers(&dp, 8, 0, &n), 0);
	add_flow(&tuples[0], 1, 1, 1);
	add_flow(&tuples[2], 1, 1, 1);
	assert_int_equal(dataplane_flow_counts(&dp, &counts), 0);
	assert_int_equal(counts[0], 1);
	assert_int_equal(counts[1], 0);
	assert_int_equal(counts[2], 1);
	free(counts);
	free(t);
}

static void put_many(void)
{
	for (__u32 i = 0; i < n_flows; i++) {
		char client[64], ours[64];

		snprintf(client, sizeof(client), "10.%u.%u.%u:4000", i >> 16, i >> 8 & 255, i & 255);
		snprintf(ours, sizeof(ours), "192.168.1.%u:%u", 1 + i / 40000, 20000 + i % 40000);
		add_flow(&(struct tuple){ 0, client, "198.51.100.1:51820", ours, "192.168.1.10:51820" }, 1, 1, 5);
	}
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* A pool of all addresses and ports that put_many() gives out, and one port more */
static struct pool pool_of_many(void)
{
	struct pool pool = { .first = 20000, .last = 60000, .timeout = 300, .n4 = 7 };

	for (__u32 i = 0; i < pool.n4; i++) {
		pool.own4[i] = addr("192.168.1.1:1", &(__be16){ 0 }, &(__u8){ 0 });
		pool.own4[i].b[15] = 1 + i;
	}
	return pool;
}

/* A pool loses half its ports, and then all: only flows on removed ports end */
static void taken_away(void **state)
{
	struct pool pool = pool_of_many();
	struct plan p = { .pools = &pool, .n_pools = 1 };
	int changes = 0;
	double before;

	assert_int_equal(dataplane_pools_write(&dp, &p, &changes), 0);
	assert_int_equal(changes, 1);
	put_many();
	before = cpu_seconds();
	pool.last = 39999;
	assert_int_equal(dataplane_pools_write(&dp, &p, &changes), 0);
	print_message("half of %u flows: %.1f s of the CPU\n", n_flows, cpu_seconds() - before);
	assert_true(cpu_seconds() - before < LIST_SECONDS);
	assert_int_equal(deleted(0), n_flows / 40000 * 20000 + (n_flows % 40000 > 20000 ? n_flows % 40000 - 20000 : 0));
	assert_int_equal(entries(), n_flows - deleted(0));
	p.n_pools = 0;
	assert_int_equal(dataplane_pools_write(&dp, &p, &changes), 0);
	assert_int_equal(changes, 3);
	assert_int_equal(entries(), 0);
	assert_int_equal(deleted(0), n_flows);
}

/* All of them, each once and in order */
static void many(void **state)
{
	struct address a, last = { 0 };
	size_t n = 0, len, room = 0;
	char *line = NULL, word[64];
	FILE *out = tmpfile();
	__be16 port;
	double before;

	put_many();
	before = cpu_seconds();
	assert_int_equal(show_flows(&dp, false, NULL, out), 0);
	print_message("%u flows: %.1f s of the CPU\n", n_flows, cpu_seconds() - before);
	assert_true(cpu_seconds() - before < LIST_SECONDS);
	rewind(out);
	while (getline(&line, &room, out) > 0) {
		if (sscanf(line, "many %63s", word) != 1)
			continue;
		len = strlen(word);
		assert_true(len && !endpoint_parse(word, &a, &port));
		assert_true(memcmp(&last.addr, &a.addr, sizeof(a.addr)) < 0);
		last = a;
		n++;
	}
	assert_int_equal(n, n_flows);
	fclose(out);
	free(line);
}

static int collect_whole(void *data, const struct flow_entry *e)
{
	struct flow_entry **to = data;

	*(*to)++ = *e;
	return 0;
}

/* The counts of a memo's entry belong to the flow at its place, if the place still has that flow. The counts of a memo that
 * is replaced are added to the table */
static void counts_of_the_memo(void **state)
{
	struct flow_entry before, after[2], *end = &before;
	struct memo_bucket *b;

	add_flow(&(struct tuple){ 0, "10.0.0.1:4000", "198.51.100.1:51820", "192.168.1.1:20001", "192.168.1.10:51820" }, 60, 1, 7);
	assert_int_equal(dataplane_flows(&dp, collect_whole, &end), 0);
	dp.maps[MAP_memo] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(*b), 2, BPF_F_MMAPABLE);
	b = map_memory(dp.maps[MAP_memo], 2 * sizeof(*b), PROT_READ | PROT_WRITE);
	assert_non_null(b);
	for (int i = 0; i < 8; i++)
		b[i / 4].way[i % 4] = (struct memo){ .from = i != 1, .place = before.place + (i == 2 ? LEARNED_WAYS : 0), .packets = 10, .bytes = 1000,
			.total = total_index(0, i & 1, 0), .flags = i == 3 ? 0 : MEMO_COUNTS | memo_version(before.word + (i == 4 ? 1 << 24 : 0)) };
	end = after;
	assert_int_equal(dataplane_flows_counted(&dp, collect_whole, &end), 0);
	assert_int_equal(end - after, 1);
	for (int d = 0; d < 2; d++) {	/* lines 0 and 6; 5 and 7 */
		assert_int_equal(after[0].flow.packets[d], before.flow.packets[d] + 20);
		assert_int_equal(after[0].flow.bytes[d], before.flow.bytes[d] + 2000);
	}
	dp.former[MAP_memo] = dp.maps[MAP_memo];
	dp.maps[MAP_memo] = -1;
	dataplane_flows_add_former(&dp);
	end = &after[1];
	assert_int_equal(dataplane_flows_counted(&dp, collect_whole, &end), 0);
	assert_memory_equal(&after[0].flow, &after[1].flow, sizeof(struct flow));
	munmap(b, 2 * sizeof(*b));
	close(dp.former[MAP_memo]);
	dp.former[MAP_memo] = -1;
}

static int compare_entries(const void *a, const void *b)
{
	return memcmp(a, b, offsetof(struct flow_entry, word));
}

static int collect(void *data, const struct flow_entry *e)
{
	struct flow_entry **to = data;

	**to = *e;
	(*to)->flow.place = (*to)->place = 0;
	(*to)++;
	return 0;
}

/* A new table gets all flows, with the same times and counters. Copied again, it gets those that came since */
static void grows(void **state)
{
	struct flow_entry *was = calloc(n_flows, sizeof(*was)), *is = calloc(n_flows + 1, sizeof(*is)), *end;
	struct pool pool = pool_of_many();

	bpf_map_update_elem(dp.maps[MAP_pools], &(__u32){ 0 }, &pool, 0);
	put_many();
	end = was;
	assert_int_equal(dataplane_flows(&dp, collect, &end), 0);
	assert_int_equal(end - was, n_flows);
	dp.former[MAP_flow_table] = dp.maps[MAP_flow_table];
	close(dp.maps[MAP_flow_index]);
	dp.maps[MAP_flow_table] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct flow_bucket), 2 * n_buckets, BPF_F_MMAPABLE);
	dp.maps[MAP_flow_index] = map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct learned_line), 4 * n_buckets, BPF_F_MMAPABLE);
	dataplane_carry_flows(&dp);
	add_flow(&(struct tuple){ 0, "10.200.0.1:4000", "198.51.100.1:51820", "192.168.1.1:60000", "192.168.1.10:51820" }, 1, 1, 5);
	/* the service no longer has this port */
	add_flow(&(struct tuple){ 0, "10.200.0.2:4000", "198.51.100.1:51820", "192.168.1.1:60001", "192.168.1.10:51820" }, 1, 1, 5);
	flow_table_close(&table);
	dataplane_carry_flows(&dp);
	close(dp.former[MAP_flow_table]);
	n_buckets *= 2;
	assert_int_equal(flow_table_open_new(dp.maps[MAP_flow_table], dp.maps[MAP_flow_index], n_buckets, &secret, &table), 0);
	assert_int_equal(entries(), n_flows + 1);
	end = is;
	assert_int_equal(dataplane_flows(&dp, collect, &end), 0);
	assert_int_equal(end - is, n_flows + 1);
	qsort(was, n_flows, sizeof(*was), compare_entries);
	qsort(is, n_flows + 1, sizeof(*is), compare_entries);
	for (__u32 i = 0; i < n_flows; i++) {
		assert_memory_equal(&was[i].flow, &is[i].flow, sizeof(struct flow));
		assert_int_equal(was[i].word & LEARNED_UNTIL, is[i].word & LEARNED_UNTIL);
		assert_int_equal(learned_word_state(is[i].word), LEARNED_LIVE);
	}
	free(was);
	free(is);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lists, set_up, tear_down), cmocka_unit_test_setup_teardown(deletes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(numbers, set_up, tear_down), cmocka_unit_test_setup_teardown(many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(taken_away, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lists_flows_alone, set_up, tear_down), cmocka_unit_test_setup_teardown(grows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(counts_of_the_memo, set_up, tear_down),
	};

	if (geteuid()) {
		puts("needs root");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
