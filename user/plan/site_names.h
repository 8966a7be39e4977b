/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The names of the peers of the blind relay's device. The daemon, `check` and doctor must agree
 * about them, so all of them include this file.
 */
#pragma once
#include "config/config.h"
#include "net/wireguard.h"

/* Reads the names: from `peers` in the configuration, else from WireGuard's file. wg_name_of()
 * finds the name of a peer. Returns whether the file has names: while another program writes the
 * file, there may be none. */
bool site_names_read(const struct config *c, struct wg_names *ret);
/* Sorts a list of names for site_names_have(). n may be 0. */
void site_names_sort(struct site_name *list, size_t n);
/* Returns whether a sorted list has this name. sorted: NULL for an empty list. */
bool site_names_have(const struct site_name *sorted, size_t n, const char *name);
