/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds the interface by which packets to a backend leave. trial.c and compare_rules.c include it.
 */
#pragma once
#include "import/import.h"

/* Writes the interface that the kernel, if the rules are this host's, or WireGuard's AllowedIPs
 * give. Leaves *ret as it is if neither knows one. */
void way_out_find(const struct import *im, const struct address *to, char ret[IFNAMSIZ]);
/* Adds the interface by which a rule that accepts a packet says that it leaves. *several: rules
 * have said more than one, or a wildcard. */
void way_out_note(const struct rule *rule, char out[IFNAMSIZ], bool *several);
/* Returns a rule's condition that names the interfaces by which its packets leave; NULL: it has
 * none, or one with a wildcard. OpenWrt's rules that translate destinations have one too. */
const struct rule_match *way_out_named(const struct rule *rule);
/* Returns whether the address is private, and so not behind a wan. */
bool is_private(const struct address *a);
