/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements yaml_tree.h: adds a node for each event. Nodes and texts are allocated from large
 * blocks, so that freeing a tree is a few calls of free().
 */
#include <string.h>
#include "lib/memory.h"
#include "lib/yaml_tree.h"

#define BLOCK (64 << 10)

struct yaml_block {
	struct yaml_block *next;
	size_t used, size;
	max_align_t memory[];
};

struct yaml_anchor {
	struct yaml_anchor *next;
	const char *name;
	struct yaml_node *node;
};

/* ---- memory ---- */

/* Allocates n bytes from the tree's blocks. */
static void *allocate(struct yaml_tree *t, size_t n)
{
	struct yaml_block *b = t->blocks;
	size_t size = n > BLOCK ? n : BLOCK;
	void *memory;

	n = (n + sizeof(void *) - 1) & -sizeof(void *);
	if (!b || n > b->size - b->used) {
		b = xmalloc(sizeof(*b) + size + sizeof(void *));
		*b = (struct yaml_block){ .next = t->blocks, .size = size + sizeof(void *) };
		t->blocks = b;
	}
	memory = (char *)b->memory + b->used;
	b->used += n;
	return memory;
}

void yaml_tree_free(struct yaml_tree *t)
{
	struct yaml_block *next;

	for (; t->blocks; t->blocks = next) {
		next = t->blocks->next;
		free(t->blocks);
	}
	*t = (struct yaml_tree){ 0 };
}

static const char *token_text(struct yaml_tree *t, struct fy_token *token, size_t *ret_n)
{
	const char *text = fy_token_get_text(token, ret_n);
	char *copy = text ? allocate(t, *ret_n + 1) : NULL;

	if (!copy)
		return NULL;
	memcpy(copy, text, *ret_n);
	copy[*ret_n] = '\0';
	return copy;
}

/* ---- building ---- */

static struct yaml_anchor *find_anchor(const struct yaml_tree *t, const char *name)
{
	struct yaml_anchor *a = t->anchors;

	while (a && strcmp(a->name, name))
		a = a->next;
	return a;
}

static void add_anchor(struct yaml_tree *t, struct fy_token *token, struct yaml_node *node)
{
	struct yaml_anchor *a = token ? allocate(t, sizeof(*a)) : NULL;
	size_t n;

	if (!a)
		return;
	*a = (struct yaml_anchor){ t->anchors, token_text(t, token, &n), node };
	if (a->name)
		t->anchors = a;
}

/* Adds a node to the list or mapping that is open. token: where it is in the source, for errors;
 * NULL: unknown. anchor: its name for aliases; NULL: none. */
static struct yaml_node *add_node(struct yaml_tree *t, enum yaml_type type, struct fy_token *token,
				  struct fy_token *anchor)
{
	const struct fy_mark *start = token ? fy_token_start_mark(token) : NULL,
			     *end = token ? fy_token_end_mark(token) : NULL;
	struct yaml_node *node = allocate(t, sizeof(*node));

	*node = (struct yaml_node){ .type = type, .parent = t->open };
	if (start) {
		node->line = start->line;
		node->column = start->column;
		node->at = start->input_pos;
		node->len = end && end->input_pos > start->input_pos
				  ? end->input_pos - start->input_pos
				  : 0;
	}
	if (!t->open)
		t->root = node;
	else if (t->open->last)
		t->open->last->next = node;
	else
		t->open->first = node;
	if (t->open) {
		t->open->last = node;
		t->open->n++;
	}
	add_anchor(t, anchor, node);
	return node;
}

/* Returns whether the file lacks a value here. libfyaml up to 0.7 then has no token, later versions
 * an empty one. */
static bool is_absent(struct fy_token *value)
{
	const struct fy_mark *start, *end;
	size_t n = 0;

	if (!value)
		return true;
	if (fy_scalar_token_get_style(value) != FYSS_PLAIN)
		return false;
	start = fy_token_start_mark(value);
	end = fy_token_end_mark(value);
	fy_token_get_text(value, &n);
	return !n && (!start || !end || start->input_pos == end->input_pos);
}

static void add_scalar(struct yaml_tree *t, struct fy_token *value, struct fy_token *anchor)
{
	struct yaml_node *node;

	if (is_absent(value))
		value = NULL;
	node = add_node(t, YAML_SCALAR, value, anchor);
	if (value)
		node->text = token_text(t, value, &node->n);
}

static void add_alias(struct yaml_tree *t, struct fy_token *name)
{
	struct yaml_node *node = add_node(t, YAML_ALIAS, name, NULL);
	const struct yaml_anchor *anchor;

	node->text = token_text(t, name, &node->n);
	anchor = node->text ? find_anchor(t, node->text) : NULL;
	if (anchor)
		node->to = anchor->node;
}

static void open_node(struct yaml_tree *t, enum yaml_type type, struct fy_token *start,
		      struct fy_token *anchor)
{
	struct yaml_node *node = add_node(t, type, start, anchor);

	t->open = node;
	if (++t->depth > YAML_DEPTH)
		t->too_deep = node->line + 1;
}

static void close_node(struct yaml_tree *t)
{
	if (t->open->type == YAML_MAP)
		t->open->n /= 2;
	t->open = t->open->parent;
	t->depth--;
}

static void add_event(struct yaml_tree *t, struct fy_event *e)
{
	switch (e->type) {
	case FYET_DOCUMENT_START:
		if (t->root)
			t->second = fy_event_start_mark(e) ? fy_event_start_mark(e)->line + 1 : 1;
		break;
	case FYET_SCALAR:
		add_scalar(t, e->scalar.value, e->scalar.anchor);
		break;
	case FYET_ALIAS:
		add_alias(t, e->alias.anchor);
		break;
	case FYET_SEQUENCE_START:
		open_node(t, YAML_LIST, e->sequence_start.sequence_start, e->sequence_start.anchor);
		break;
	case FYET_MAPPING_START:
		open_node(t, YAML_MAP, e->mapping_start.mapping_start, e->mapping_start.anchor);
		break;
	case FYET_SEQUENCE_END:
	case FYET_MAPPING_END:
		close_node(t);
		break;
	default:
		break;
	}
}

void yaml_tree_build(struct yaml_tree *t, struct fy_parser *parser)
{
	struct fy_event *e;

	while (!t->second && !t->too_deep && (e = fy_parser_parse(parser))) {
		add_event(t, e);
		fy_parser_event_free(parser, e);
	}
}

/* ---- walking ---- */

struct yaml_node *yaml_following(struct yaml_node *node, const struct yaml_node *root)
{
	if (node->first)
		return node->first;
	while (node != root && !node->next)
		node = node->parent;
	return node == root ? NULL : node->next;
}

static struct yaml_node *find_child(const struct yaml_node *node, const char *name, size_t n)
{
	struct yaml_node *item = node->first;
	size_t i;

	if (node->type == YAML_LIST)
		for (i = strtoul(name, NULL, 10); item && i; i--)
			item = item->next;
	while (node->type == YAML_MAP && item &&
	       (item->type != YAML_SCALAR || item->n != n || memcmp(item->text, name, n)))
		item = item->next->next;
	return item && node->type == YAML_MAP ? item->next : item;
}

struct yaml_node *yaml_by_path(struct yaml_node *node, const char *path)
{
	while (node && *path) {
		size_t n = strcspn(++path, "/");

		node = find_child(node, path, n);
		if (node && node->type == YAML_ALIAS)
			node = node->to;
		path += n;
	}
	return node;
}
