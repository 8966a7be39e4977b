/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include "config/config_lists.h"
#include "plan/lists.h"
#include "lib/file.h"
#include "lib/grow.h"
#include "lib/log.h"

#define LIST_FILE_LIMIT (256 << 20)	/* longest file that is read, in bytes */

/* Does not quote a file that not every user may read: whoever writes the list could have put a link
 * to it there. */
static void warn_lines(const char *path, struct list_wrong *wrong, bool open)
{
	if (!open)
		strcpy(wrong->text, "…");
	if (wrong->lines == 1)
		log_warning("%s:%zu: '%s' is not an address or a prefix, so this line is skipped: "
			    "correct it, or put a '#' before it", path, wrong->first, wrong->text);
	else if (wrong->lines)
		log_warning("%s:%zu: '%s' is not an address or a prefix, so this line and %zu "
			    "others are skipped: correct them, or put a '#' before each", path,
			    wrong->first, wrong->text, wrong->lines - 1);
}

static int read_file(const char *path, struct list_content *ret)
{
	struct list_wrong wrong;
	bool open;
	char *text;
	size_t n;
	int rc = file_read_plain(path, LIST_FILE_LIMIT, &text, &n, &open);

	if (rc)
		return rc;
	if (strspn(text, " \t\r\n") == n) { /* its writer has cut it, and may have failed */
		free(text);
		return -ENODATA;
	}
	list_keys_parse(&ret->keys, text, n, &wrong);
	free(text);
	list_keys_sort(&ret->keys);
	warn_lines(path, &wrong, open);
	ret->skipped = wrong.lines;
	/* It is no list, such as a page of a web server that reports an error. */
	return wrong.lines && !ret->keys.n ? -ENODATA : 0;
}

int list_read(const struct list_config *from, struct list_content *ret,
	      struct nft_set_kind *ret_kind)
{
	int rc;

	*ret = (struct list_content){ .from = *from };
	rc = from->source == LIST_FILE ? read_file(from->name, ret) :
	     nft_set_read(from->name, ret_kind, &ret->keys, &ret->skipped);
	if (rc)
		list_keys_free(&ret->keys);
	ret->read = !rc;
	return rc;
}

const char *list_unread(const struct list_config *from, int rc)
{
	if (rc == -EOPNOTSUPP && from->source == LIST_NFT_SET)
		return "the keys of this set are not addresses alone: name a set of the type "
		       "ipv4_addr or ipv6_addr";
	if (rc == -EINVAL && from->source == LIST_FILE)
		return "this is not a plain file: write one";
	if (rc == -ENODATA && from->source == LIST_FILE)
		return "this file has no address: write the list, or only a comment such as "
		       "'# none' for a list without addresses";
	if (rc == -ENOENT)
		return from->source == LIST_FILE ? "there is no such file: write it" :
						   "there is no such set: create it";
	return strerror(-rc);
}

void list_warn(const struct list_config *from, int rc)
{
	log_warning("%s: %s; until then, wgxdp keeps the last contents", from->name,
		    list_unread(from, rc));
}

size_t lists_of(const struct config *c, const struct list_config ***ret)
{
	const struct list_config **seen = NULL;
	size_t n = 0;

	for (size_t i = 0; i < c->n_services; i++) {
		const struct service_config *s = &c->services[i];

		for (size_t j = 0; j < s->n_deny_lists + s->n_allow_lists; j++) {
			const struct list_config *l = j < s->n_deny_lists ? &s->deny_lists[j] :
						      &s->allow_lists[j - s->n_deny_lists];
			size_t k = 0;

			while (k < n && !config_list_equal(seen[k], l))
				k++;
			if (k == n)
				*append(seen, n) = l;
		}
	}
	*ret = seen;
	return n;
}

void lists_read(const struct config *c, struct list_content **ret, size_t *ret_n)
{
	const struct list_config **all;
	struct nft_set_kind kind;

	*ret_n = lists_of(c, &all);
	*ret = xcalloc(*ret_n, sizeof(**ret));
	for (size_t i = 0; i < *ret_n; i++) {
		int rc = list_read(all[i], &(*ret)[i], &kind);

		if (rc)
			list_warn(all[i], rc);
	}
	free(all);
}

void lists_free(struct list_content *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		list_keys_free(&list[i].keys);
	free(list);
}
