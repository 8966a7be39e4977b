/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Plans the lists of clients that other programs keep: which lists each service has, and the id of
 * each list. Services that name the same list share it. A running list keeps its id.
 */
#include <string.h>
#include "config/config_lists.h"
#include "lib/grow.h"
#include "plan/plan_make.h"

bool followed_list_is(const struct followed_list *l, const struct list_config *from)
{
	return l->source == from->source && !strcmp(l->name, from->name);
}

/* Returns the id of the running list. For a new list, returns a free id: neither a running list nor
 * the plan uses it. There are twice as many ids as lists. */
static __u32 choose_id(const struct plan_builder *m, const struct list_config *from)
{
	bool used[LIST_IDS] = { false };
	__u32 id = 0;

	for (size_t i = 0; i < m->in->n_lists && i < LIST_IDS; i++) {
		if (followed_list_is(&m->in->lists[i], from))
			return i;
		used[i] = m->in->lists[i].source;
	}
	for (size_t i = 0; i < m->plan->n_followed; i++)
		used[m->plan->followed[i].id] = true;
	while (id + 1 < LIST_IDS && used[id])
		id++;
	return id;
}

static const struct list_content *content_of(const struct plan_builder *m,
					     const struct list_config *from)
{
	for (size_t i = 0; i < m->in->n_contents; i++)
		if (config_list_equal(&m->in->contents[i].from, from))
			return &m->in->contents[i];
	return NULL;
}

/* Adds the list to the plan, unless it is there, and to the service's lists. */
static void add_list(struct plan_builder *m, const struct list_config *from,
		     struct service_lists *l)
{
	struct plan *p = m->plan;
	struct plan_followed *f;
	size_t i = 0;
	__u32 id;

	while (i < p->n_followed && !config_list_equal(&p->followed[i].from, from))
		i++;
	if (i == p->n_followed) {
		id = choose_id(m, from);
		f = append(p->followed, p->n_followed);
		*f = (struct plan_followed){ .id = id, .from = *from,
					     .content = content_of(m, from) };
		p->followed_prefixes += f->content && f->content->read ? f->content->keys.n :
					id < m->in->n_lists ? m->in->lists[id].prefixes : 0;
	}
	if (l->n < LISTS_EACH)
		l->id[l->n++] = p->followed[i].id;
}

void plan_followed(struct plan_builder *m, const struct service_config *s, __u32 id)
{
	struct service_lists *l = &m->plan->service_lists[id];

	for (size_t i = 0; i < s->n_deny_lists; i++)
		add_list(m, &s->deny_lists[i], l);
	l->n_deny = l->n;
	for (size_t i = 0; i < s->n_allow_lists; i++)
		add_list(m, &s->allow_lists[i], l);
}
