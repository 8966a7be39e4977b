/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The tree of a document's nodes, built from libfyaml's events. libfyaml's own trees hold more than
 * a configuration needs, and would double the reading time of a configuration with 100,000 values.
 * yaml.h includes it.
 */
#pragma once
#include <libfyaml.h>
#include <stdbool.h>
#include <stddef.h>

enum yaml_type { YAML_SCALAR, YAML_LIST, YAML_MAP, YAML_ALIAS };

struct yaml_node {
	enum yaml_type type;
	/* Position of the node's beginning, counted from 0. The column counts characters. */
	int line, column;
	/* The value of a scalar, zero-terminated, or NULL if it has none. For an alias: its
	 * name. */
	const char *text;
	/* For a scalar: the number of bytes of `text`, which may contain zeros. For a list: the
	 * number of items. For a mapping: the number of pairs. */
	size_t n;
	/* Offset and length in the source, in bytes: of a scalar, or of the token that begins the
	 * list or mapping. */
	size_t at, len;
	struct yaml_node *parent, *next;
	/* Items of the list. In a mapping, keys and values alternate. */
	struct yaml_node *first, *last;
	struct yaml_node *to;	/* for an alias: its target; NULL: there is no such anchor */
};

struct yaml_block;
struct yaml_anchor;
struct yaml_tree {
	/* Root of the document, and the list or mapping that is being read. */
	struct yaml_node *root, *open;
	struct yaml_anchor *anchors;	/* anchors, the latest first */
	struct yaml_block *blocks;	/* the memory of all nodes and texts */
	unsigned int depth;
	/* Number of the first line that is nested deeper than YAML_DEPTH, from 1; 0: none. */
	int too_deep;
	int second;	/* number of the line at which a second document begins, from 1; 0: none */
	bool no_memory;
};

/* Deepest nesting. A configuration needs 8, a ruleset of nft 20. */
#define YAML_DEPTH 100
/* Adds the nodes of the document. Stops at its end, at a parser error, at a second document, or at
 * nesting deeper than YAML_DEPTH. */
void yaml_tree_build(struct yaml_tree *t, struct fy_parser *parser);
void yaml_tree_free(struct yaml_tree *t);
/* Returns the node at a path of keys and item numbers, such as "/services/0/listen", and follows
 * aliases. Returns NULL if there is no such node. */
struct yaml_node *yaml_by_path(struct yaml_node *node, const char *path);
/* Returns the next node within `root` in the order of the source, or NULL after the last one. */
struct yaml_node *yaml_following(struct yaml_node *node, const struct yaml_node *root);
