/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of dataplane.h that reads maps and sums counters over CPUs.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include "dataplane/dataplane.h"
#include "dataplane/dataplane_programs.h"
#include "lib/grow.h"
#include "dataplane/map_info.h"
#include "dataplane/table.h"

const char *const dataplane_map_names[MAP_COUNT] = {
#define X(name) #name,
	DATAPLANE_MAPS(X)
#undef X
};

const char *const dataplane_program_names[PROGRAM_COUNT] = {
#define X(name) #name,
	DATAPLANE_PROGRAMS(X)
#undef X
};

/* Opens a map or program at its first use: most commands need only a few of the many. */
static int open_once(int *fd, const char *instance, const char *directory, const char *name)
{
	if (*fd == PIN_UNOPENED)
		*fd = pin_get(instance, "%s%s", directory, name);
	return *fd;
}

int map_fd(const struct dataplane *dp, enum dataplane_map m)
{
	return open_once((int *)&dp->maps[m], dp->instance, "", dataplane_map_names[m]);
}

int program_fd(const struct dataplane *dp, enum dataplane_program p)
{
	return open_once((int *)&dp->programs[p], dp->instance, "progs/",
			 dataplane_program_names[p]);
}

int dataplane_express(const struct dataplane *dp, __u64 *ret_hits, __u64 *ret_misses)
{
	struct express_cpu *cpu = xcalloc(EXPRESS_CPUS, sizeof(*cpu));
	__u32 zero = 0;
	int rc = 0;

	if (bpf_map_lookup_elem(map_fd(dp, MAP_express_cpus), &zero, cpu))
		rc = -errno;
	*ret_hits = *ret_misses = 0;
	for (int i = 0; i < EXPRESS_CPUS && !rc; i++) {
		*ret_hits += express_hits(&cpu[i]);
		*ret_misses += cpu[i].misses;
	}
	free(cpu);
	return rc;
}

int dataplane_xdp(const struct dataplane *dp)
{
	int express = program_fd(dp, PROGRAM_wgxdp_express);

	return express >= 0 ? express : program_fd(dp, PROGRAM_wgxdp_xdp);
}

__u32 dataplane_entries(const struct dataplane *dp, enum dataplane_map m)
{
	return map_entries(map_fd(dp, m));
}

int dataplane_sum(int map, const void *key, size_t n, __u64 *ret)
{
	int cpus = libbpf_num_possible_cpus(), rc;
	__u64 *values = xcalloc(cpus, n * sizeof(*values));

	memset(ret, 0, n * sizeof(*ret));
	rc = bpf_map_lookup_elem(map, key, values);
	for (size_t i = 0; i < cpus * n && !rc; i++)
		ret[i % n] += values[i];
	free(values);
	return rc;
}

int dataplane_total(const struct dataplane *dp, __u32 id, __u32 direction, __u32 plane,
		    struct total *ret)
{
	__u32 index = total_index(id, direction, plane);

	return dataplane_sum(map_fd(dp, MAP_totals), &index, sizeof(*ret) / 8, (__u64 *)ret);
}

int dataplane_clear(const struct dataplane *dp, enum dataplane_map m, __u32 first, __u32 n)
{
	int map = map_fd(dp, m), rc = 0;
	void *zero = xcalloc(1, map_value_size(map));
	__u32 entries = map_entries(map);

	for (__u32 i = first; i < first + n && i < entries && !rc; i++)
		rc = bpf_map_update_elem(map, &i, zero, BPF_ANY);
	free(zero);
	return rc;
}

int dataplane_write(const struct dataplane *dp, enum dataplane_map m, __u32 index, const void *new,
		    const void *old, size_t size, int *changes)
{
	if (!memcmp(new, old, size))
		return 0;
	++*changes;
	return bpf_map_update_elem(map_fd(dp, m), &index, new, BPF_ANY);
}

static int compare_reasons(const void *a, const void *b)
{
	const struct reason_key *x = a, *y = b;
	__s64 d = (__s64)x->id - y->id ?: x->direction - y->direction ?: x->reason - y->reason ?:
		  x->plane - y->plane;

	return d < 0 ? -1 : d > 0;
}

void dataplane_reasons(const struct dataplane *dp, struct dataplane_reason **ret, size_t *ret_n)
{
	struct dataplane_reason *list = NULL;
	struct reason_key key, next;
	size_t n = 0;
	bool more = !bpf_map_get_next_key(map_fd(dp, MAP_reasons), NULL, &next);

	while (more) {
		struct dataplane_reason *r = append(list, n);

		r->key = key = next;
		dataplane_sum(map_fd(dp, MAP_reasons), &key, 1, &r->packets);
		more = !bpf_map_get_next_key(map_fd(dp, MAP_reasons), &key, &next);
	}
	if (n)
		qsort(list, n, sizeof(*list), compare_reasons);
	*ret = list;
	*ret_n = n;
}

size_t dataplane_reasons_from(const struct dataplane_reason *list, size_t n, __u32 id)
{
	size_t first = 0;

	while (first < n) {
		size_t middle = first + (n - first) / 2;

		if (list[middle].key.id < id)
			first = middle + 1;
		else
			n = middle;
	}
	return first;
}

void dataplane_forget_reasons(const struct dataplane *dp, __u32 id)
{
	struct dataplane_reason *list;
	size_t n;

	dataplane_reasons(dp, &list, &n);
	for (size_t i = 0; i < n; i++)
		if (list[i].key.id == id)
			bpf_map_delete_elem(map_fd(dp, MAP_reasons), &list[i].key);
	free(list);
}

int dataplane_transmit_failed(const struct dataplane *dp, __u32 ifindex, __u64 tx_dropped,
			      __u64 *ret)
{
	__u32 place = ifindex % LINKS;
	__u64 before;
	int rc = dataplane_sum(map_fd(dp, MAP_transmit_failed), &place, 1, ret);

	if (bpf_map_lookup_elem(map_fd(dp, MAP_tx_dropped), &place, &before) || before > tx_dropped)
		before = tx_dropped;
	if (!rc && *ret < tx_dropped - before)
		*ret = tx_dropped - before;
	return rc;
}

int dataplane_array(const struct dataplane *dp, enum dataplane_map m, size_t size, void *ret,
		    size_t *ret_n)
{
	int map = map_fd(dp, m), rc = 0;
	__u32 n = map_entries(map), count = n, next;
	__u32 *keys = xcalloc(n + 1, sizeof(*keys));
	char *list = xcalloc(n + 1, size);

	/* A batch is in the order of indexes. At the end of the map the kernel returns ENOENT. */
	if (n && bpf_map_lookup_batch(map, NULL, &next, keys, list, &count, NULL) &&
	    errno != ENOENT)
		rc = -errno;
	if (!rc && count != n)
		rc = -EIO;
	free(keys);
	if (rc) {
		free(list);
		return rc;
	}
	*(void **)ret = list;
	*ret_n = n;
	return 0;
}

int dataplane_names(const struct dataplane *dp, struct service_name **ret, size_t *ret_n)
{
	return dataplane_array(dp, MAP_names, sizeof(**ret), ret, ret_n);
}

const struct link *dataplane_link_of(const struct link *links, size_t n, __u32 ifindex)
{
	for (size_t i = 0; i < n; i++)
		if (links[i].ifindex == ifindex)
			return &links[i];
	return NULL;
}

int dataplane_links(const struct dataplane *dp, struct link **ret, size_t *ret_n)
{
	struct link *all;
	size_t n, used = 0;
	int rc = dataplane_array(dp, MAP_links, sizeof(*all), &all, &n);

	if (rc)
		return rc;
	for (size_t i = 0; i < n; i++)
		if (all[i].ifindex)
			all[used++] = all[i];
	*ret = all;
	*ret_n = used;
	return 0;
}

int dataplane_table(const struct dataplane *dp, struct table_entry **ret, size_t *ret_n)
{
	return table_read(map_fd(dp, MAP_table), ret, ret_n);
}

void dataplane_slots(const struct table_entry *table, size_t n, struct slot **ret, size_t *ret_n)
{
	struct slot *list = NULL;
	size_t used = 0;

	for (const struct table_entry *e = table; e < table + n; e++) {
		__u8 kind = e->key.word, family = e->key.word >> 8;

		if (kind != KEY_SERVICE && kind != KEY_OLD && kind < KEY_BACKEND)
			continue;
		*append(list, used) = (struct slot){
			.local = { kind == KEY_OLD ? old_addr(&e->key.addr, &e->service.to) :
				   e->key.addr, family },
			.backend = entry_backend(e), .ifindex = e->service.ifindex,
			.slot = e->service.slot,
			.masquerade = e->service.flags & SERVICE_MASQUERADE,
		};
	}
	*ret = list;
	*ret_n = used;
}

int dataplane_batches(int map, size_t key_size, size_t value_size, __u32 step, map_batch *each,
		      void *data)
{
	char *keys = xmalloc(step * key_size), *values = xmalloc(step * value_size);
	__u64 at[8];			/* the kernel's position in the map: a bucket, or a key */
	bool more = map >= 0;
	int rc = 0;

	for (bool first = true; more && !rc; first = false) {
		__u32 n = step;

		more = !bpf_map_lookup_batch(map, first ? NULL : at, at, keys, values, &n, NULL);
		rc = more || errno == ENOENT ? each(data, keys, values, n) : -errno;
	}
	free(keys);
	free(values);
	return rc;
}
