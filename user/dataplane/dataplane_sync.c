/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements dataplane_sync() of dataplane.h: makes the maps match a plan and writes only the
 * differences. Values that a program could see half written (entries of the table, lists of
 * sources) are written beside the old value, and then published with one store.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <arpa/inet.h>
#include <net/if.h>
#include "dataplane/control.h"
#include "dataplane/dataplane.h"
#include "dataplane/dataplane_programs.h"
#include "dataplane/followed_lists.h"
#include "dataplane/map_info.h"
#include "lib/log.h"
#include "dataplane/table.h"
#include "lib/memory.h"
#include "plan/transmit.h"

/* Returns whether the plan withdraws ports from flows that they may have now. */
static bool takes_ports(const struct table *t, const struct plan *p)
{
	for (size_t i = 0; i < p->n_entries; i++)
		if ((p->entries[i].key.word & 0xff) == KEY_OWN_PORT &&
		    !table_lookup(t, &p->entries[i].key))
			return true;
	return false;
}

static int sync_table(struct dataplane *dp, struct plan *p)
{
	struct table t = { .n = dataplane_entries(dp, MAP_table), .grace = table_grace };
	size_t size = t.n * sizeof(struct table_bucket);
	bool takes;
	int rc;

	t.buckets = map_memory(map_fd(dp, MAP_table), size, PROT_READ | PROT_WRITE);
	if (!t.buckets)
		return -errno;
	takes = takes_ports(&t, p);
	rc = table_sync(&t, p->entries, p->n_entries);
	if (rc >= 0 && takes)
		dataplane_flows_end_taken(dp, &t);
	munmap(t.buckets, size);
	if (rc == -ENOSPC)
		log_error("the configuration needs %zu table entries (listen addresses and ports, and routes of peers), and the limit is %u: remove some",
			  p->n_entries, t.n * TABLE_WAYS);
	return rc;
}

/* Returns the running link of this device. Returns zeros if its place in the map is free or belongs
 * to another device. */
static struct link running_link(const struct dataplane *dp, __u32 ifindex)
{
	struct link link = { 0 };
	__u32 place = ifindex % LINKS;

	if (bpf_map_lookup_elem(map_fd(dp, MAP_links), &place, &link) || link.ifindex != ifindex)
		memset(&link, 0, sizeof(link));
	return link;
}

/* Returns the first list of sources from `from` on that no running link uses; n if there is
 * none. */
static __u32 free_sources(const bool *used, __u32 n, __u32 from)
{
	while (from < n && used[from])
		from++;
	return from;
}

static int trie_write(const struct dataplane *dp, const struct plan *p, __u32 port, __u32 list)
{
	__u8 one = 1;
	int rc = 0;

	for (size_t i = 0; i < p->n_trie && !rc; i++) {
		struct source_key key = p->trie[i];

		if (key.id != htonl(port))
			continue;
		key.id = htonl(list);
		rc = bpf_map_update_elem(map_fd(dp, MAP_source_trie), &key, &one, BPF_ANY);
	}
	return rc;
}

/* Removes from the trie the prefixes of all lists that no link uses any more. */
static void trie_clean(const struct dataplane *dp, const bool *used, __u32 n, int *changes)
{
	struct source_key key, next;
	bool more = !bpf_map_get_next_key(map_fd(dp, MAP_source_trie), NULL, &next);

	while (more) {
		key = next;
		more = !bpf_map_get_next_key(map_fd(dp, MAP_source_trie), &key, &next);
		if (ntohl(key.id) & SERVICE_LIST || (ntohl(key.id) < n && used[ntohl(key.id)]))
			continue;
		bpf_map_delete_elem(map_fd(dp, MAP_source_trie), &key);
		++*changes;
	}
}

static int compare_source_keys(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct source_key));
}

/* Returns whether the trie has exactly the prefixes that the plan has for this list of the port. */
static bool same_trie(const struct dataplane *dp, const struct plan *p, __u32 port, __u32 list)
{
	struct source_key *wanted = xcalloc(p->n_trie + 1, sizeof(*wanted)), key, next;
	bool more = !bpf_map_get_next_key(map_fd(dp, MAP_source_trie), NULL, &next), same = true;
	size_t n = 0, found = 0;

	for (size_t i = 0; i < p->n_trie; i++) {
		if (p->trie[i].id != htonl(port))
			continue;
		wanted[n] = p->trie[i];
		wanted[n++].id = htonl(list);
	}
	if (n)
		qsort(wanted, n, sizeof(*wanted), compare_source_keys);
	for (; more && same;
	     more = !bpf_map_get_next_key(map_fd(dp, MAP_source_trie), &key, &next)) {
		key = next;
		if (key.id != htonl(list))
			continue;
		found++;
		same = n && bsearch(&key, wanted, n, sizeof(*wanted), compare_source_keys);
	}
	free(wanted);
	return same && found == n;
}

static bool same_sources(const struct dataplane *dp, const struct plan *p,
			 const struct plan_port *port, __u32 list)
{
	struct sources now;

	return !bpf_map_lookup_elem(map_fd(dp, MAP_sources), &list, &now) &&
	       !memcmp(&now, &p->sources[port->sources], sizeof(now)) &&
	       same_trie(dp, p, port->sources, list);
}

/* Writes each port's list of sources, if it changed, to an unused list and sets link->sources to
 * that one. used, now: n flags each, whether a list is in use before and after this. */
static int sync_sources(struct dataplane *dp, struct plan *p, const bool *used, bool *now, __u32 n,
			int *changes)
{
	__u32 list = 0;
	int rc = 0;

	for (size_t i = 0; i < p->n_links && !rc; i++) {
		struct link *link = &p->links[i], old = running_link(dp, link->ifindex);
		const struct plan_port *port = plan_port(p, link->ifindex);

		if (!port)
			continue;
		if (old.role && same_sources(dp, p, port, old.sources)) {
			link->sources = old.sources;	/* the list stays */
		} else {
			list = free_sources(used, n, list);
			rc = list >= n ? -ENOSPC :
			     bpf_map_update_elem(map_fd(dp, MAP_sources), &list,
						 &p->sources[port->sources], 0) ?:
			     trie_write(dp, p, port->sources, list) ?:
			     bpf_map_update_elem(map_fd(dp, MAP_source_hints), &list,
						 &p->hints[port->sources], 0);
			link->sources = list++;
			++*changes;
		}
		if (!rc)
			now[link->sources] = true;
	}
	if (rc == -ENOSPC)
		log_error("there is no room for the source lists of %zu interfaces: use fewer interfaces", p->n_ports);
	return rc;
}

/* Returns how the device is attached. Programs that the plan no longer has there are still attached
 * now: dataplane_commit() detaches them later. */
static const struct dataplane_port *attached_port(const struct dataplane *dp, __u32 ifindex)
{
	static const struct dataplane_port none;

	for (size_t i = 0; i < dp->n_ports; i++)
		if (dp->ports[i].ifindex == ifindex)
			return &dp->ports[i];
	return &none;
}

/* Returns whether the device has native XDP and keeps it. */
static bool keeps_native(const struct dataplane *dp, const struct plan *p, __u32 ifindex)
{
	return plan_nic(p, ifindex) && attached_port(dp, ifindex)->flags & LINK_NATIVE;
}

/* Lets XDP send to the device. Looks for the entry first, because the kernel removes it when the
 * device moves to another network namespace, and does not add it when the device comes back. A
 * device that has vanished since the host was read is no error: forget_links() removes its link
 * later. */
static int write_device(const struct dataplane *dp, __u32 ifindex, int *changes)
{
	char name[IF_NAMESIZE];
	__u32 is;
	int rc;

	if (!bpf_map_lookup_elem(map_fd(dp, MAP_devices), &ifindex, &is))
		return 0;
	rc = bpf_map_update_elem(map_fd(dp, MAP_devices), &ifindex, &ifindex, BPF_ANY);
	*changes += !rc;
	return rc && if_indextoname(ifindex, name) ? rc : 0;
}

static int write_link(struct dataplane *dp, const struct link *link, __u64 tx_dropped, int *changes)
{
	struct link old = running_link(dp, link->ifindex);
	__u32 place = link->ifindex % LINKS;
	int rc, counted = 0;	/* a link and its device count once */

	if (!memcmp(&old, link, sizeof(old)))
		return write_device(dp, link->ifindex, changes);
	++*changes;
	if (!old.ifindex &&
	    bpf_map_update_elem(map_fd(dp, MAP_tx_dropped), &place, &tx_dropped, BPF_ANY))
		return -errno;
	rc = bpf_map_update_elem(map_fd(dp, MAP_links), &place, link, BPF_ANY);
	return rc ?: write_device(dp, link->ifindex, &counted);
}

static int sync_links(struct dataplane *dp, struct plan *p, const struct host *h, int *changes)
{
	int rc = 0;

	dataplane_keep_modes(dp);
	/* First write the links by which packets only leave, then the ports: as soon as a port has
	 * an entry, its packets use the other links. */
	for (int ports = 0; ports < 2; ports++)
		for (size_t i = 0; i < p->n_links && !rc; i++) {
			struct link *link = &p->links[i];
			const struct nl_link *is = host_link(h, link->ifindex), *nic;
			const struct dataplane_port *attached = attached_port(dp, link->ifindex);
			const struct plan_port *port = plan_port(p, link->ifindex);
			bool has_nic = plan_nic(p, link->ifindex);
			const char *hint;
			int sends;

			if ((link->role || has_nic) != ports)
				continue;
			link->flags |= attached->flags;
			link->refused = has_nic ? attached->refused : 0;
			nic = link->port ? host_link(h, link->port) : is;
			sends = port && port->by_qdisc ? LINK_TC_SENDS :
				transmit_flags(h, nic, keeps_native(dp, p, nic->ifindex), &hint);
			link->flags |= sends < 0 ? 0 : sends;
			rc = sends < 0 ? sends : write_link(dp, link, is->tx_dropped, changes);
		}
	return rc;
}

/* Removes the links of interfaces that do not exist any more. */
static int forget_links(struct dataplane *dp, const struct host *h, int *changes)
{
	struct link *links = NULL, none = { 0 };
	size_t n = 0;
	int rc = dataplane_links(dp, &links, &n);

	for (size_t i = 0; i < n && !rc; i++) {
		__u32 place = links[i].ifindex % LINKS;

		if (host_link(h, links[i].ifindex))
			continue;
		++*changes;
		rc = bpf_map_update_elem(map_fd(dp, MAP_links), &place, &none, BPF_ANY);
		bpf_map_delete_elem(map_fd(dp, MAP_devices), &links[i].ifindex);
	}
	free(links);
	return rc;
}

/* The former contents of maps, to restore them if there is no room. */
struct before {
	struct service_name *names;
	struct list_entry *lists;
	struct service_lists *service_lists;
	/* n flags: whether the list of sources with this index is in use */
	bool *used;
	size_t n_names, n_lists, n_service_lists;
	__u32 n;
};

static int read_before(const struct dataplane *dp, struct before *b)
{
	struct link *running = NULL;
	size_t n = 0;
	int rc;

	b->n = dataplane_entries(dp, MAP_sources);
	b->used = xcalloc(b->n + 1, sizeof(*b->used));
	rc = dataplane_links(dp, &running, &n);
	for (size_t i = 0; i < n; i++)
		if (running[i].role && running[i].sources < b->n)
			b->used[running[i].sources] = true;
	free(running);
	dataplane_lists(dp, &b->lists, &b->n_lists);
	return rc ?: dataplane_names(dp, &b->names, &b->n_names) ?:
	       dataplane_service_lists(dp, &b->service_lists, &b->n_service_lists);
}

static int write_name(const struct dataplane *dp, __u32 id, const struct service_name *name,
		      bool another)
{
	int rc = 0;

	if (another) {
		dataplane_forget_reasons(dp, id);
		rc = dataplane_clear(dp, MAP_totals, total_index(id, 0, 0), 4) ?:
		     dataplane_clear(dp, MAP_flow_totals, id, 1) ?:
		     dataplane_clear(dp, MAP_flows_deleted, id, 1) ?:
		     dataplane_clear(dp, MAP_guard_state, id, 1) ?:
		     dataplane_clear(dp, MAP_health, id * GUARD_BACKENDS_MAX, GUARD_BACKENDS_MAX);
	}
	return rc ?: bpf_map_update_elem(map_fd(dp, MAP_names), &id, name, BPF_ANY);
}

/* Writes new names of services by id, before the table has entries with the ids, and sets the ids'
 * counters to 0. those_that_go: instead removes the names of services that are gone, after the
 * table has no such entries. */
static int sync_names(const struct dataplane *dp, const struct plan *p, const struct before *b,
		      bool those_that_go, int *changes)
{
	static const struct service_name none;
	int rc = 0;

	for (__u32 id = 0; id < b->n_names && !rc; id++) {
		const struct service_name *new = id < p->n_services ? &p->services[id] : &none;

		if (!*new->name != those_that_go || !memcmp(new, &b->names[id], sizeof(*new)))
			continue;
		++*changes;
		rc = write_name(dp, id, new, strcmp(new->name, b->names[id].name));
	}
	return rc;
}

/* Restores lists and names after a failure. The data path has not used the new ones yet. */
static void restore_before(const struct dataplane *dp, const struct plan *p, const struct before *b)
{
	struct plan was = { .lists = b->lists, .n_lists = b->n_lists };
	int ignored = 0;

	dataplane_lists_write(dp, &was, &ignored);
	dataplane_lists_clean(dp, &was, &ignored);
	dataplane_service_lists_write(dp, b->service_lists, b->n_service_lists, &ignored);
	trie_clean(dp, b->used, b->n, &ignored);
	for (__u32 id = 0; id < b->n_names && id < p->n_services; id++)
		if (*p->services[id].name)
			bpf_map_update_elem(map_fd(dp, MAP_names), &id, &b->names[id], BPF_ANY);
}

/* Writes the map `control` field by field: a process without the lock may increment its next-hop
 * generation at the same time. */
static int sync_control(struct dataplane *dp, const struct plan *p, bool changed)
{
	__u32 flags = (p->ask_always ? CONTROL_ASK_ALWAYS : 0) |
		      (__u32)p->locked_mtu << CONTROL_MTU_SHIFT |
		      (dp->choices && !dp->later ? CONTROL_WITH_CHOICES : 0) |
		      (dp->source_trie ? CONTROL_WITH_SOURCE_TRIE : 0);
	struct control *c = control_map(map_fd(dp, MAP_control));

	if (!c)
		return -errno;
	if (c->abi_version != ABI_VERSION || c->flags != flags || changed) {
		c->abi_version = ABI_VERSION;
		c->netns = netns_inode();
		c->flags = flags;
		control_forget_nexthops(c);
	}
	control_unmap(c);
	return 0;
}

/* Replaces the pinned text of the configuration. From then on this configuration counts as the
 * running one, even if the command is killed. A first `up` pins the text later, with all other
 * pins. */
static int sync_config(const struct dataplane *dp, const struct plan *p)
{
	return !dp->running || !p->config_text ? 0 :
	       pin_set(p->config_text, dp->instance, "", CONFIG_PIN);
}

int dataplane_sync(struct dataplane *dp, struct plan *p, const struct host *h)
{
	struct before b = { 0 };
	int changes = 0, rc = read_before(dp, &b);
	bool *now = xcalloc(b.n + 1, sizeof(*now));

	if (rc)
		goto cleanup;
	rc = sync_names(dp, p, &b, false, &changes) ?:
	     sync_sources(dp, p, b.used, now, b.n, &changes) ?:
	     dataplane_lists_write(dp, p, &changes) ?:
	     dataplane_followed_write(dp, p, &changes) ?: dataplane_pools_write(dp, p, &changes) ?:
	     dataplane_keys_write(dp, p, &changes) ?: dataplane_relay_write(dp, p, &changes) ?:
	     dataplane_blind_write(dp, p, &changes);
	if (!rc) {
		/* This is the last step that may find no room, so it comes before the links
		 * change. */
		rc = sync_table(dp, p);
		changes += rc > 0 ? rc : 0;
		rc = rc < 0 ? rc : 0;
	}
	if (rc) {
		restore_before(dp, p, &b);
		/* The express path may remember decisions from entries that were withdrawn. */
		control_forget(map_fd(dp, MAP_control), true, false);
		goto cleanup;
	}
	rc = dataplane_guards_write(dp, p, &changes) ?: dataplane_rates_write(dp, p, &changes) ?:
	     sync_links(dp, p, h, &changes) ?:
	     forget_links(dp, h, &changes);
	if (!rc) {
		trie_clean(dp, now, b.n, &changes);
		dataplane_lists_clean(dp, p, &changes);
		rc = dataplane_followed_clean(dp, p, &changes) ?:
		     dataplane_relay_clean(dp, p, &changes) ?:
		     sync_names(dp, p, &b, true, &changes) ?: sync_control(dp, p, changes) ?:
		     sync_config(dp, p);
	}
	if (rc) {
		log_error("cannot write all maps: %s: run `wgxdp up` again", strerror(-rc));
		control_forget(map_fd(dp, MAP_control), true, false);
	}
cleanup:
	free(b.names);
	free(b.lists);
	free(b.service_lists);
	free(b.used);
	free(now);
	return rc ?: changes;
}

/* ---- uniform ---- */

int dataplane_uniform(int map, int control, const struct uniform *u, __u32 block, bool *written)
{
	size_t size = sizeof(u->rows), first = (size_t)block * UNIFORM_ROWS;
	size_t n = UNIFORM_ROWS * UNIFORM_ROW;
	const __u16 *from = u->rows[first].slot;
	struct uniform_row *rows = map_memory(map, size, PROT_READ | PROT_WRITE);
	__u16 *to = rows ? rows[first].slot : NULL;

	if (!to)
		return -errno;
	for (size_t i = 0; i < n; i++) {
		if (to[i] == from[i])
			continue;
		if (!*written)
			control_forget(control, false, true);
		*written = true;
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
	}
	munmap(rows, size);
	return 0;
}
