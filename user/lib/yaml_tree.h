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
	int line, column; /* Beginning of the node, counted from 0; the column in characters. */
	/* Value of a scalar with a NUL; NULL: it has none. For an alias: its name. */
	const char *text;
	/* Scalar: bytes of `text`, which may include NULs. List: its items. Mapping: its pairs. */
	size_t n;
	/* Place in the source, in bytes: of a scalar, or of the token that begins a list or
	 * mapping. 0 for an empty scalar, which has no place. */
	size_t at, len;
	struct yaml_node *parent, *next;
	/* Items of a list, or keys and values of a mapping in turn. */
	struct yaml_node *first, *last;
	struct yaml_node *to;	/* alias: its target; NULL: no node has this anchor */
};

struct yaml_block;
struct yaml_anchor;
struct yaml_tree {
	/* root: of the document. open: list or mapping that is being read. */
	struct yaml_node *root, *open;
	struct yaml_anchor *anchors;	/* the latest one first */
	struct yaml_block *blocks;	/* memory of all nodes and texts */
	unsigned int depth;
	int too_deep; /* First line, from 1, that is nested deeper than YAML_DEPTH; 0: none. */
	int second;	/* line, from 1, where a second document begins; 0: none */
};

/* Deepest nesting. A configuration needs 8, a ruleset of nft 20. */
#define YAML_DEPTH 100
/* Adds all nodes of the document. Stops at its end, an error, a second document, or YAML_DEPTH. */
void yaml_tree_build(struct yaml_tree *t, struct fy_parser *parser);
void yaml_tree_free(struct yaml_tree *t);
/* Returns the node at a path of keys and item numbers, such as "/services/0/listen", and follows
 * aliases. Returns NULL if there is no such node. */
struct yaml_node *yaml_by_path(struct yaml_node *node, const char *path);
/* Returns the next node within `root` in the order of the source, or NULL after the last one. */
struct yaml_node *yaml_following(struct yaml_node *node, const struct yaml_node *root);
