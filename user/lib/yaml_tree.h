/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The nodes of a document, built from libfyaml's events. libfyaml's own documents know more than a
 * configuration needs and double the time of reading: a configuration may have a hundred thousand
 * values. yaml.h includes it.
 */
#pragma once
#include <libfyaml.h>
#include <stdbool.h>
#include <stddef.h>

enum yaml_type { YAML_SCALAR, YAML_LIST, YAML_MAP, YAML_ALIAS };

struct yaml_node {
	enum yaml_type type;
	int line, column;		/* of its beginning, from 0; a column is a character */
	/* the value of a scalar, zero-terminated, NULL if there is none; the name of an alias */
	const char *text;
	/* bytes of text, which may hold zeros; items of a list; pairs of a mapping */
	size_t n;
	/* bytes in the source: of a scalar, or of what begins the list or mapping */
	size_t at, len;
	struct yaml_node *parent, *next;
	struct yaml_node *first, *last;	/* items; in a mapping keys and values in turn */
	struct yaml_node *to;		/* alias: its target; NULL: no such anchor */
};

struct yaml_block;
struct yaml_anchor;
struct yaml_tree {
	struct yaml_node *root, *open;	/* open: the list or mapping being read */
	struct yaml_anchor *anchors;	/* the latest first */
	struct yaml_block *blocks;	/* all memory of the tree */
	unsigned int depth;
	int too_deep;	/* first line nested deeper than YAML_DEPTH, from 1; 0: none */
	int second;	/* the line of a second document, from 1; 0: there is none */
	bool no_memory;
};

#define YAML_DEPTH 100			/* a configuration needs 8, a ruleset of nft 20 */
/* Adds all nodes up to the end, a parser's error, a second document, or nesting that is too
 * deep. */
void yaml_tree_build(struct yaml_tree *t, struct fy_parser *parser);
void yaml_tree_free(struct yaml_tree *t);
/* Resolves a path such as "/services/0/listen" of keys and numbers of items, through aliases. NULL:
 * no such node. */
struct yaml_node *yaml_by_path(struct yaml_node *node, const char *path);
/* Returns the next node in the order of the source, within root. */
struct yaml_node *yaml_following(struct yaml_node *node, const struct yaml_node *root);
