/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include "lib/grow.h"
#include "lib/list_keys.h"

bool list_key_is_ipv6(const struct source_key *key)
{
	return ntohl(key->id) & 1;
}

void list_keys_add(struct list_keys *k, const struct prefix *p)
{
	struct source_key *key = append(k->list, k->n);

	key->id = htonl(p->family == FAMILY_IPV6);
	key->prefixlen = 32 + p->len + (p->family == FAMILY_IPV4 ? 96 : 0);
	key->addr = p->addr;
}

static int add_key(void *data, const struct prefix *p)
{
	list_keys_add(data, p);
	return 0;
}

void list_keys_add_range(struct list_keys *k, const struct address *first,
			 const struct address *last)
{
	range_each(first, last, add_key, k);
}

int list_key_compare(const void *a, const void *b)
{
	const struct source_key *x = a, *y = b;

	return memcmp(&x->id, &y->id, sizeof(x->id) + sizeof(x->addr)) ?:
	       (int)x->prefixlen - (int)y->prefixlen;
}

void list_keys_sort(struct list_keys *k)
{
	size_t n = 0;

	if (k->n)
		qsort(k->list, k->n, sizeof(*k->list), list_key_compare);
	for (size_t i = 0; i < k->n; i++)
		if (!n || list_key_compare(&k->list[n - 1], &k->list[i]))
			k->list[n++] = k->list[i];
	k->n = n;
}

void list_keys_free(struct list_keys *k)
{
	free(k->list);
	*k = (struct list_keys){ 0 };
}

/* ---- the text form ---- */

static char *trim(char *s)
{
	char *end = s + strlen(s);

	while (isspace((unsigned char)*s))
		s++;
	while (end > s && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return s;
}

/* Returns 0, or -EINVAL if the line is wrong. */
static int add_line(struct list_keys *k, char *line)
{
	char *dash = strchr(line, '-');
	struct address first, last;
	struct prefix p;

	if (dash) {
		*dash = '\0';
		if (address_parse(trim(line), &first) || address_parse(trim(dash + 1), &last) ||
		    first.family != last.family ||
		    memcmp(&first.addr, &last.addr, sizeof(first.addr)) > 0)
			return -EINVAL;
		list_keys_add_range(k, &first, &last);
		return 0;
	}
	if (network_parse(line, &p))
		return -EINVAL;
	list_keys_add(k, &p);
	return 0;
}

void list_keys_parse(struct list_keys *k, char *text, size_t n, struct list_wrong *ret)
{
	char *end = text + n, *line = text, copy[sizeof(ret->text)];

	*ret = (struct list_wrong){ 0 };
	for (size_t number = 1; line < end; number++) {
		char *next = memchr(line, '\n', end - line), *word = line;
		bool wrong;

		if (next)
			*next = '\0';
		/* a zero byte within the line makes it wrong */
		wrong = strlen(line) < (size_t)((next ?: end) - line);
		line[strcspn(line, "#;")] = '\0';
		word = trim(line);
		snprintf(copy, sizeof(copy), "%s", word);
		for (char *c = copy; *c; c++)
			*c = isgraph((unsigned char)*c) || *c == ' ' ? *c : '?';
		if (!wrong && *word)
			wrong = add_line(k, word);
		if (wrong && !ret->lines++) {
			ret->first = number;
			memcpy(ret->text, copy, sizeof(copy));
		}
		line = next ? next + 1 : end;
	}
}
