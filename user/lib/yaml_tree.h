/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The nodes of a document, made of libfyaml's events. Its own documents know more than a configuration needs, and take as long
 * again as reading does: ours may have a hundred thousand values.
 */
#pragma once
#include <libfyaml.h>
#include <stdbool.h>
#include <stddef.h>

enum yaml_type { YAML_SCALAR, YAML_LIST, YAML_MAP, YAML_ALIAS };

struct yaml_node {
	enum yaml_type type;
	int line, column;		/* where it begins, from 0; a column is a character */
	const char *text;		/* scalar: its value, ended by a zero, NULL where nothing is written; alias: its name */
	size_t n;			/* bytes of text, which may hold zeros; items of a list, pairs of a mapping */
	size_t at, len;			/* bytes in the source: the scalar, or what begins the list or mapping */
	struct yaml_node *parent, *next;
	struct yaml_node *first, *last;	/* items; in a mapping keys and values by turns */
	struct yaml_node *to;		/* alias: what it stands for, NULL: no such anchor */
};

struct yaml_block;
struct yaml_anchor;
struct yaml_tree {
	struct yaml_node *root, *open;	/* open: the list or mapping that is being read */
	struct yaml_anchor *anchors;	/* the latest first */
	struct yaml_block *blocks;	/* memory of it all */
	unsigned int depth;
	int too_deep;			/* the line in which lists and mappings are nested more than YAML_DEPTH deep, from 1; 0: nowhere */
	int second;			/* the line of a second document, from 1; 0: there is none */
	bool no_memory;
};

#define YAML_DEPTH 100			/* a configuration has 8, and a ruleset of nft's 20 */
/* All that the parser reads, up to the end, an error of the parser's, a second document, or what is nested too deep */
void yaml_tree_build(struct yaml_tree *t, struct fy_parser *parser);
void yaml_tree_free(struct yaml_tree *t);
/* "/services/0/listen": keys, and numbers of items; through aliases. NULL: not there */
struct yaml_node *yaml_by_path(struct yaml_node *node, const char *path);
/* The next one in the order of the source, within all that is in root */
struct yaml_node *yaml_following(struct yaml_node *node, const struct yaml_node *root);
