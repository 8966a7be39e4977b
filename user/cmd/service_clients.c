/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Changes the lists of a service: `service allow` and `service deny`.
 */
#include <errno.h>
#include <string.h>
#include <sys/types.h>
#include "cmd/service_clients.h"
#include "lib/grow.h"
#include "lib/log.h"

static ssize_t prefix_index(const struct prefix *list, size_t n, const struct prefix *p)
{
	for (size_t i = 0; i < n; i++)
		if (!prefix_compare(&list[i], p))
			return i;
	return -1;
}

/* Warns about entries of the list that contain p: adding or removing p has no effect on these
 * clients. */
static void warn_within(const char *service, const char *list, const struct prefix *in, size_t n,
			const struct prefix *p)
{
	char text[ADDRESS_STRLEN], outer[ADDRESS_STRLEN];

	for (size_t i = 0; i < n; i++)
		if (prefix_within(p, &in[i]))
			log_warning("service %s: %s is still part of %s in the list %s, so the "
				    "change of it has no effect", service,
				    prefix_format(p, text), prefix_format(&in[i], outer), list);
}

static void add_prefixes(const struct service_config *s, const char *list, struct prefix **to,
			 size_t *n, const struct prefix_list *prefixes)
{
	for (size_t i = 0; i < prefixes->n; i++) {
		const struct prefix *p = &prefixes->list[i];

		if (prefix_index(*to, *n, p) < 0)
			*append(*to, *n) = *p;
		if (*list == 'a')
			warn_within(s->name, "deny", s->deny, s->n_deny, p);
	}
}

static void del_prefixes(const struct service_config *s, const char *list, struct prefix *from,
			 size_t *n, const struct prefix_list *prefixes)
{
	char text[ADDRESS_STRLEN];

	for (size_t i = 0; i < prefixes->n; i++) {
		const struct prefix *p = &prefixes->list[i];
		ssize_t at = prefix_index(from, *n, p);

		if (at < 0)
			log_warning("service %s: the list %s does not have %s", s->name, list,
				    prefix_format(p, text));
		else
			memmove(&from[at], &from[at + 1], (--*n - at) * sizeof(*from));
	}
	for (size_t i = 0; i < prefixes->n; i++)
		warn_within(s->name, list, from, *n, &prefixes->list[i]);
}

static bool has_family_whole(const struct prefix *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!list[i].len)
			return true;
	return false;
}

int clients_change(struct service_config *s, const char *verb, const struct prefix_list *prefixes,
		   const struct clients_may *may)
{
	bool to_allow = *verb == 'a', del = strstr(verb, "del");
	bool denied = has_family_whole(s->deny, s->n_deny);
	struct prefix **list = to_allow ? &s->allow : &s->deny;
	size_t *n = to_allow ? &s->n_allow : &s->n_deny, allowed = s->n_allow + s->n_allow_lists;
	const char *name = to_allow ? "allow" : "deny", *why = NULL, *option = "--everyone";

	if (del)
		del_prefixes(s, name, *list, n, prefixes);
	else
		add_prefixes(s, name, list, n, prefixes);
	if (!allowed && s->n_allow && !may->refuse_others) {
		why = "allow is empty, so this would refuse all other clients";
		option = "--refuse-others";
	} else if (allowed && !s->n_allow && !s->n_allow_lists && !may->everyone) {
		why = "allow would be empty, so this would let every client in";
	} else if (!denied && has_family_whole(s->deny, s->n_deny) && !may->everyone) {
		why = "this would refuse every client of a family";
	}
	if (!why)
		return 0;
	log_error("service %s %s: %s: nothing was changed. If you want that, add %s", verb, s->name,
		  why, option);
	return -EPERM;
}
