/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements nft_text.h. Statements that it does not know become their keyword.
 */
#include <stdio.h>
#include <string.h>
#include "import/nft_text.h"
#include "lib/memory.h"

#define TEXT_MAX 400			/* bytes after which the text is cut */

static void put(FILE *out, struct yaml_node *n);

static struct yaml_node *at(struct yaml_node *n, const char *path)
{
	return n && n->type == YAML_MAP ? yaml_by_path(n, path) : NULL;
}

static void put_key(FILE *out, struct yaml_node *n, const char *path, const char *before)
{
	if (!at(n, path))
		return;
	fputs(before, out);
	put(out, at(n, path));
}

static void put_list(FILE *out, struct yaml_node *n, const char *between)
{
	for (n = n && n->type == YAML_LIST ? n->first : NULL; n && ftell(out) < TEXT_MAX;
	     n = n->next) {
		if (n->type == YAML_LIST)
			put_list(out, n, " : ");	/* an element of a map */
		else
			put(out, n);
		fputs(n->next ? between : "", out);
	}
}

static void put_nat(FILE *out, const char *word, struct yaml_node *n)
{
	fputs(word, out);
	put_key(out, n, "/family", " ");
	if (at(n, "/addr") || at(n, "/port"))
		fputs(" to ", out);
	put_key(out, n, "/addr", "");
	put_key(out, n, "/port", ":");
}

static void put_map(FILE *out, struct yaml_node *n, const char *word)
{
	put_key(out, n, "/key", "");
	fputs(word, out);
	put_key(out, n, "/data", "");
}

static void put_match(FILE *out, struct yaml_node *n)
{
	struct yaml_node *op = at(n, "/op");
	bool plain = !op || !op->text || !strcmp(op->text, "==") || !strcmp(op->text, "in");

	put_key(out, n, "/left", "");
	fputc(' ', out);
	if (!plain)
		fprintf(out, "%s ", op->text);
	put_key(out, n, "/right", "");
}

/* Writes the value of a mapping with a single key. */
static void put_object(FILE *out, const char *key, struct yaml_node *n)
{
	static const char *const nats[] = { "dnat", "snat", "masquerade", "redirect", NULL };

	for (size_t i = 0; nats[i]; i++)
		if (!strcmp(key, nats[i])) {
			put_nat(out, key, n);
			return;
		}
	if (!strcmp(key, "match")) {
		put_match(out, n);
	} else if (!strcmp(key, "payload")) {
		put_key(out, n, "/protocol", "");
		put_key(out, n, "/field", " ");
	} else if (!strcmp(key, "meta")) {
		put_key(out, n, "/key", "");
	} else if (!strcmp(key, "ct")) {
		put_key(out, n, "/dir", "ct ");
		put_key(out, n, "/key", at(n, "/dir") ? " " : "ct ");
	} else if (!strcmp(key, "fib")) {
		fputs("fib ", out);
		put_list(out, at(n, "/flags"), " . ");
		put_key(out, n, "/result", " ");
	} else if (!strcmp(key, "set") && n->type == YAML_MAP) {
		put_key(out, n, "/op", "");
		put_key(out, n, "/set", " ");
		put_key(out, n, "/elem", " { ");
		put_key(out, n, "/stmt", " ");
		fputs(" }", out);
	} else if (!strcmp(key, "set")) {
		fputs("{ ", out);
		put_list(out, n, ", ");
		fputs(" }", out);
	} else if (!strcmp(key, "range")) {
		put_list(out, n, "-");
	} else if (!strcmp(key, "concat")) {
		put_list(out, n, " . ");
	} else if (!strcmp(key, "prefix")) {
		put_key(out, n, "/addr", "");
		put_key(out, n, "/len", "/");
	} else if (!strcmp(key, "elem")) {
		put_key(out, n, "/val", "");
	} else if (!strcmp(key, "map") || !strcmp(key, "vmap")) {
		put_map(out, n, !strcmp(key, "map") ? " map " : " vmap ");
	} else if (!strcmp(key, "jump") || !strcmp(key, "goto")) {
		fputs(key, out);
		put_key(out, n, "/target", " ");
	} else if (!strcmp(key, "limit")) {
		put_key(out, n, "/rate", at(n, "/inv") ? "limit rate over " : "limit rate ");
		put_key(out, n, "/per", "/");
	} else if (!strcmp(key, "xt")) {
		put_key(out, n, "/name", "xt ");
	} else {
		fputs(key, out);
	}
}

static void put(FILE *out, struct yaml_node *n)
{
	if (ftell(out) >= TEXT_MAX)
		return;
	if (n->type == YAML_SCALAR && n->text)
		fputs(n->text, out);
	else if (n->type == YAML_LIST)
		put_list(out, n, ", ");
	else if (n->type == YAML_MAP && n->first && n->first->text && n->first->next)
		put_object(out, n->first->text, n->first->next);
}

char *nft_rule_text(struct yaml_node *statements)
{
	char text[TEXT_MAX + 100] = "";
	FILE *out = memory_there(fmemopen(text, sizeof(text), "w"));

	for (struct yaml_node *s = statements && statements->type == YAML_LIST ?
				   statements->first : NULL;
	     s && ftell(out) < TEXT_MAX; s = s->next) {
		if (at(s, "/counter"))
			continue;
		fputs(ftell(out) ? " " : "", out);
		put(out, s);
	}
	fclose(out);
	return xstrdup(text);
}
