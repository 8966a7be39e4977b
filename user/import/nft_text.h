/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes a rule in nft's JSON as nft(8) writes it, for comments and messages. Only read_nft.c
 * includes it.
 */
#pragma once
#include "lib/yaml_tree.h"

/* Returns the text of a list of statements, cut after some hundred characters, for the caller to
 * free. */
char *nft_rule_text(struct yaml_node *statements);
