/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the lists of clients that other programs keep: files, and sets of nftables. apply.c,
 * daemon/ and findings/ include it.
 */
#pragma once
#include "net/nft_set.h"
#include "plan/plan.h"

/* Reads one list. Warns about lines that it skips. *ret_kind: kind of a set; unchanged for a file.
 * Returns 0, -ENOENT if there is no such file or set, -ENODATA if the file has no byte, -EOPNOTSUPP
 * if the set has other keys than addresses, or another -errno. */
int list_read(const struct list_config *from, struct list_content *ret,
	      struct nft_set_kind *ret_kind);
/* Returns why a list could not be read, in words that follow its name. */
const char *list_unread(const struct list_config *from, int rc);
/* Warns that a list could not be read. */
void list_warn(const struct list_config *from, int rc);
/* Reads all lists of a configuration, and warns about those that it cannot read. The caller calls
 * lists_free(). */
void lists_read(const struct config *c, struct list_content **ret, size_t *ret_n);
void lists_free(struct list_content *list, size_t n);
/* Returns how many lists a configuration has, and in *ret each of them once. The caller frees the
 * array. */
size_t lists_of(const struct config *c, const struct list_config ***ret);
