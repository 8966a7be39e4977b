/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Copies the tables of iptables-legacy, each as one block. The rule that drops a packet is the one
 * whose counter rose.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/grow.h"
#include "net/host.h"
#include "rehearsal/parts.h"

static int level_of(__u8 family)
{
	return family == FAMILY_IPV4 ? IPPROTO_IP : IPPROTO_IPV6;
}

static int open_info(__u8 family, const char *name, struct ipt_getinfo *info)
{
	int fd = socket(family == FAMILY_IPV4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC,
			IPPROTO_RAW);
	socklen_t n = sizeof(*info);

	memset(info, 0, sizeof(*info));
	snprintf(info->name, sizeof(info->name), "%s", name);
	if (fd >= 0 && getsockopt(fd, level_of(family), IPT_SO_GET_INFO, info, &n)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Reads a table. struct ip6t_replace and struct ipt_replace differ in their entries only. */
static struct ipt_replace *read_block(__u8 family, const char *name)
{
	struct ipt_getinfo info;
	int fd = open_info(family, name, &info);
	struct ipt_get_entries *get;
	struct ipt_replace *r = NULL;
	socklen_t n = sizeof(*get) + info.size;

	if (fd < 0)
		return NULL;
	get = xcalloc(1, n);
	memcpy(get->name, info.name, sizeof(get->name));
	get->size = info.size;
	if (!getsockopt(fd, level_of(family), IPT_SO_GET_ENTRIES, get, &n)) {
		r = xcalloc(1, sizeof(*r) + info.size);
		memcpy(r->name, info.name, sizeof(r->name));
		r->valid_hooks = info.valid_hooks;
		r->num_entries = info.num_entries;
		r->size = info.size;
		memcpy(r->hook_entry, info.hook_entry, sizeof(r->hook_entry));
		memcpy(r->underflow, info.underflow, sizeof(r->underflow));
		memcpy(r->entries, get->entrytable, info.size);
	}
	free(get);
	close(fd);
	return r;
}

struct entry {				/* an entry of a block, of either family */
	size_t at, next;		/* offsets in the block */
	__u64 packets;
	struct xt_standard_target *target;
};

/* Reads the entry at this offset. Returns false behind the last one, and without a block. */
static bool entry_at(struct ipt_replace *r, __u8 family, size_t at, struct entry *ret)
{
	char *place = r ? (char *)r->entries + at : NULL;
	const struct ip6t_entry *six = (const void *)place;
	const struct ipt_entry *four = (const void *)place;
	bool is_four = family == FAMILY_IPV4;
	size_t target = 0;

	if (r && at < r->size)
		target = is_four ? four->target_offset : six->target_offset;
	if (!target)
		return false;
	ret->at = at;
	ret->next = at + (is_four ? four->next_offset : six->next_offset);
	ret->packets = is_four ? four->counters.pcnt : six->counters.pcnt;
	ret->target = (void *)(place + target);
	return ret->next > at;
}

#define each_entry(e, r, family)                                                                  \
	(struct entry e = { 0 }; entry_at(r, family, e.next, &e);)

void legacy_read(struct rehearsal *r)
{
	static const char *const names[] = { "/proc/net/ip_tables_names",
					     "/proc/net/ip6_tables_names" };
	struct rules *rules = &r->parts->rules;
	char name[32];

	for (int i = 0; i < 2; i++) {
		FILE *in = fopen(names[i], "re");

		while (in && fscanf(in, "%31s", name) == 1) {
			struct legacy_table *t = append(rules->legacy, rules->n_legacy);

			t->family = i ? FAMILY_IPV6 : FAMILY_IPV4;
			snprintf(t->name, sizeof(t->name), "%s", name);
			t->rules = read_block(t->family, name);
		}
		if (in)
			fclose(in);
	}
	r->rules |= rules->n_legacy;
	if (!rules->n_legacy)
		return;
	rules->saved[2] = output_of("iptables-legacy-save 2> /dev/null");
	rules->saved[3] = output_of("ip6tables-legacy-save 2> /dev/null");
}

/* Returns the name of a target that may not be loaded, because its state belongs to the whole
 * kernel; NULL: the table has none. */
static const char *outside(const struct legacy_table *t)
{
	static const char *const targets[] = { "IDLETIMER", "LED", "AUDIT", "LOG" };
	bool logs = host_sysctl("/proc/sys/net/netfilter/nf_log_all_netns") == 0;

	for each_entry(e, t->rules, t->family)
		for (int i = 0; i < 4 - logs; i++)
			if (!strcmp(e.target->target.u.user.name, targets[i]))
				return targets[i];
	return NULL;
}

static int load(const struct legacy_table *t)
{
	struct ipt_getinfo info;
	int fd = open_info(t->family, t->name, &info), rc = 0;

	if (fd < 0)
		return -errno;
	t->rules->num_counters = info.num_entries;
	t->rules->counters = xcalloc(info.num_entries, sizeof(struct xt_counters));
	if (setsockopt(fd, level_of(t->family), IPT_SO_SET_REPLACE, t->rules,
		       sizeof(*t->rules) + t->rules->size))
		rc = -errno;
	free(t->rules->counters);
	close(fd);
	return rc;
}

/* ---- the rules ---- */

const char *saved_rule(const char *saved, const char *table, const char *chain, size_t n,
		       int *ret_len)
{
	char head[160], want[160];
	const char *line;

	snprintf(head, sizeof(head), "*%s\n", table);
	snprintf(want, sizeof(want), "-A %s ", chain);
	line = saved ? strstr(saved, head) : NULL;
	for (size_t i = 0; line && strncmp(line, "COMMIT", 6);) {
		if (!strncmp(line, want, strlen(want)) && ++i == n) {
			*ret_len = strcspn(line, "\n");
			return line;
		}
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return NULL;
}

static bool drops(const struct entry *e)
{
	return !strcmp(e->target->target.u.user.name, "REJECT") ||
	       (!*e->target->target.u.user.name && e->target->verdict == -NF_DROP - 1);
}

/* Finds the name of a chain that begins at the entry, and its number of rules so far. */
static void follow_chain(const struct ipt_replace *r, const struct entry *e, char chain[64],
			 size_t *n)
{
	static const char *const hooks[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					     "POSTROUTING" };

	++*n;
	for (int h = 0; h < 5; h++)
		if (r->valid_hooks >> h & 1 && r->hook_entry[h] == e->at) {
			snprintf(chain, 64, "%s", hooks[h]);
			*n = 1;
		}
	if (!strcmp(e->target->target.u.user.name, XT_ERROR_TARGET)) {
		snprintf(chain, 64, "%s", (const char *)e->target->target.data);
		*n = 0;
	}
}

static void name_rule(const struct rules *rules, const struct legacy_table *t, const char *chain,
		      size_t n, struct decision *ret)
{
	const char *six = t->family == FAMILY_IPV4 ? "" : "6", *line;
	int len = 0;

	line = saved_rule(rules->saved[2 + !!*six], t->name, chain, n, &len);
	*ret = (struct decision){ .by = DECIDED_BY_LEGACY, .position = n, .policy = !line };
	snprintf(ret->table, sizeof(ret->table), "%s", t->name);
	snprintf(ret->chain, sizeof(ret->chain), "%s", chain);
	if (line)
		snprintf(ret->text, sizeof(ret->text), "the rule `%.*s` of ip%stables-legacy %s",
			 len, line, six, t->name);
	else
		snprintf(ret->text, sizeof(ret->text), "the policy of ip%stables-legacy %s %s",
			 six, t->name, chain);
}

/* Returns the name of a condition of the entry that a sample cannot know; NULL: it has none. */
static const char *unknown_in(struct ipt_replace *r, __u8 family, const struct entry *e)
{
	char *at = (char *)r->entries + e->at + (family == FAMILY_IPV4 ? sizeof(struct ipt_entry) :
						 sizeof(struct ip6t_entry));

	while (at < (char *)e->target) {
		const struct xt_entry_match *m = (const void *)at;

		if (name_is_unknown(m->u.user.name))
			return m->u.user.name;
		if (!m->u.match_size)
			break;
		at += m->u.match_size;
	}
	return NULL;
}

/* Notes the rules for forwarded packets that depend on such a condition. */
static void note_uncertain(struct rehearsal *r, const struct legacy_table *t)
{
	struct decision d;
	char chain[64] = "?";
	size_t n = 0;

	for each_entry(e, t->rules, t->family) {
		const char *name = e.target->target.u.user.name, *why;

		follow_chain(t->rules, &e, chain, &n);
		why = unknown_in(t->rules, t->family, &e);
		if (!why || !strcmp(chain, "INPUT") || !strcmp(chain, "OUTPUT") ||
		    strstr(name, "LOG"))
			continue;
		name_rule(&r->parts->rules, t, chain, n, &d);
		*append(r->uncertain, r->n_uncertain) =
			xasprintf("the condition '%s' of %s", why, d.text);
	}
}

void legacy_before(struct rehearsal *r)
{
	struct rules *rules = &r->parts->rules;

	for (size_t i = 0; i < rules->n_legacy; i++) {
		free(rules->legacy[i].before);
		rules->legacy[i].before = read_block(rules->legacy[i].family,
						     rules->legacy[i].name);
	}
}

static void look_at_table(struct rules *rules, size_t i, struct decision *ret)
{
	struct legacy_table *t = &rules->legacy[i];
	struct ipt_replace *now = read_block(t->family, t->name);
	char chain[64] = "?";
	struct entry old;
	size_t n = 0;

	for each_entry(e, now, t->family) {
		follow_chain(now, &e, chain, &n);
		if (!t->before || !entry_at(t->before, t->family, e.at, &old) ||
		    e.packets <= old.packets || !drops(&e))
			continue;
		name_rule(rules, t, chain, n, ret);
		ret->family = t->family == FAMILY_IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
		ret->at = i;
		ret->handle = e.at;
	}
	free(t->before);
	t->before = now;
}

void legacy_after(struct rehearsal *r, struct decision *ret)
{
	for (size_t i = 0; i < r->parts->rules.n_legacy; i++)
		look_at_table(&r->parts->rules, i, ret);
}

/* Makes a jump to the next entry of a rule, which is how a rule without a target looks. A policy
 * becomes ACCEPT. */
int legacy_forgive(struct rehearsal *r, const struct decision *d)
{
	struct legacy_table *t = &r->parts->rules.legacy[d->at];
	struct entry e;
	int rc;

	if (!t->rules || !entry_at(t->rules, t->family, d->handle, &e))
		return -ENOENT;
	memset(e.target->target.u.user.name, 0, sizeof(e.target->target.u.user.name));
	e.target->target.u.user.revision = 0;
	e.target->verdict = e.next;
	for (int h = 0; h < NF_INET_NUMHOOKS; h++)
		if (t->rules->valid_hooks >> h & 1 && t->rules->underflow[h] == e.at)
			e.target->verdict = -NF_ACCEPT - 1;
	rc = load(t);
	legacy_before(r);
	return rc;
}

void legacy_load(struct rehearsal *r)
{
	struct rules *rules = &r->parts->rules;

	for (size_t i = 0; i < rules->n_legacy; i++) {
		struct legacy_table *t = &rules->legacy[i];
		const char *why = t->rules ? outside(t) : "it cannot be read";
		int rc = why ? 0 : load(t);

		if (!why && !rc)
			note_uncertain(r, t);
		if (why || rc)
			lacks(r, "the table %s of ip%stables-legacy: %s%s", t->name,
			      t->family == FAMILY_IPV4 ? "" : "6", why ? why : strerror(-rc),
			      why && t->rules ? " acts outside of a namespace" : "");
	}
}
