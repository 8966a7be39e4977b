/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of yaml.h that reads mappings, lists and values by tables of keys.
 */
#include <ctype.h>
#include <string.h>
#include "lib/grow.h"
#include "lib/text.h"
#include "lib/yaml.h"

const char *const yaml_flag_names[] = { "false", "true", NULL };

/* ---- values ---- */

static struct yaml_node *resolve_alias(struct yaml *y, struct yaml_node *node)
{
	if (yaml_is_empty(node) || node->type != YAML_ALIAS)
		return node;
	if (!node->to)
		yaml_error(y, node, "the YAML alias '*%s' has no anchor '&%s': write the value itself",
			   node->text, node->text);
	return node->to;
}

static void error_of_type(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			  enum yaml_type type)
{
	static const char *const names[] = {
		[YAML_SCALAR] = "a single value", [YAML_LIST] = "a list", [YAML_MAP] = "a mapping",
	};
	const char *is = names[value->type], *belongs = names[type];
	const struct yaml_node *name = value->type == YAML_MAP ? value->first : NULL;
	const struct yaml_key *below = key->below;

	if (type == YAML_LIST && below && name && name->text && name->next->type == YAML_MAP)
		yaml_error(y, value, "%s: this must be a list: replace '%s:' with '- %s: %s'",
			   key->name, name->text, below->name, name->text);
	else if (type == YAML_LIST && below && name && name->text && name->next->text)
		yaml_error(y, value, "%s: this must be a list: write '- %s: %s' here, and indent the lines below it by 2 more spaces",
			   key->name, name->text, name->next->text);
	else if (type == YAML_LIST && value->type == YAML_MAP && below)
		yaml_error(y, value, "%s: this is %s, and must be %s: begin each entry with '- %s: %s'",
			   key->name, is, belongs, below->name, below->like);
	else if (type == YAML_MAP && value->text && value->parent &&
		 value->parent->type == YAML_LIST && below)
		yaml_error(y, value, "%s: this entry must be a mapping: write { %s: %s, … } with its other keys, as in %s",
				     key->name, below->name, value->text, key->like);
	else if (type == YAML_SCALAR && *key->like == '"' &&
		 !(value->type == YAML_LIST && value->n && value->first->at &&
		   y->text[value->first->at - 1] == '"'))
		yaml_error(y, value, "%s: this value needs quotes: write it as in %s", key->name,
			   key->like);
	else if (type == YAML_LIST && value->type == YAML_SCALAR && !key->below &&
		 *key->like != '"')
		yaml_error(y, value, "%s: this is %s, and must be %s: write [ %.*s ]", key->name,
			   is, belongs, (int)value->len, y->text + value->at);
	else if (type == YAML_LIST)
		yaml_error(y, value, "%s: this is %s, and must be %s: write [ %s ]", key->name, is,
			   belongs, key->like);
	else
		yaml_error(y, value, "%s: this is %s, and must be %s: write %s", key->name, is,
			   belongs, key->like);
}

/* Returns the value, after following an alias, if it has this type. Otherwise prints an error and
 * returns NULL. */
static struct yaml_node *value_of_type(struct yaml *y, const struct yaml_key *key,
				       struct yaml_node *value, enum yaml_type type)
{
	const char *open = type == YAML_LIST ? "[ " : "", *close = type == YAML_LIST ? " ]" : "";

	value = resolve_alias(y, value);
	if (!value)
		return NULL;
	if (value->type == type && !yaml_is_empty(value))
		return value;
	if (yaml_is_empty(value))
		yaml_error(y, value, "%s: a value is missing: add %s%s%s", key->name, open,
			   key->like, close);
	else
		error_of_type(y, key, value, type);
	return NULL;
}

const char *yaml_text(struct yaml *y, const struct yaml_key *key, struct yaml_node *value)
{
	const char *name, *type;

	value = value_of_type(y, key, value, YAML_SCALAR);
	if (!value)
		return NULL;
	type = *value->text == '/' ? NULL : yaml_typographic(value->text, &name);
	if (type) {
		yaml_error(y, value, "%s: '%s' has %s: %s", key->name, value->text, name, type);
		return NULL;
	}
	if (value->n && value->n == strlen(value->text))
		return value->text;
	if (value->n)
		yaml_error(y, value, "%s: the value has a zero byte: write text, such as %s",
			   key->name, key->like);
	else
		yaml_error(y, value, "%s: a value is missing: add %s", key->name, key->like);
	return NULL;
}

void yaml_set_text(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		   void *object)
{
	const char *text = yaml_text(y, key, value);

	if (!text)
		return;
	if (strlen(text) < key->size)
		strcpy((char *)object + key->offset, text);
	else
		yaml_error(y, value, "%s: '%s' is longer than %zu characters, the limit: write one such as %s",
			   key->name, text, key->size - 1, key->like);
}

/* Appends a name to a list of names as text, which is cut off at `size` bytes. */
static void add_name(char *list, size_t size, const char *separator, const char *name)
{
	size_t n = strlen(list);

	snprintf(list + n, size - n, "%s%s", n ? separator : "", name);
}

static int choice_index(const char *const *names, const char *text)
{
	int i;

	for (i = 0; names && names[i]; i++)
		if (!strcmp(names[i], text))
			return i;
	return -1;
}

void yaml_set_choice(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     void *object)
{
	const char *text = yaml_text(y, key, value);
	char list[256] = "";
	int i;

	if (!text)
		return;
	i = choice_index(key->choices, text);
	if (i >= 0) {
		*(int *)((char *)object + key->offset) = i;
		return;
	}
	for (i = 0; key->choices[i]; i++)
		if (*key->choices[i])
			add_name(list, sizeof(list), key->choices[i + 1] ? ", " : " or ",
				 key->choices[i]);
	yaml_error(y, value, "%s: '%s' is unknown: write %s", key->name, text, list);
}

void yaml_set_flag(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		   void *object)
{
	struct yaml_key one = *key;
	int choice = -1;

	one.offset = 0;
	yaml_set_choice(y, &one, value, &choice);
	if (choice >= 0)
		*(bool *)((char *)object + key->offset) = choice;
}

void yaml_set_number(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     void *object)
{
	const char *text = yaml_text(y, key, value), *unit = key->unit ?: "";
	bool digits = text && isdigit((unsigned char)*text);
	char *end = NULL;
	unsigned long long n = text ? strtoull(text, &end, 10) : 0;

	if (!text)
		return;
	if (digits && !strcmp(end, unit) && n >= key->least && n <= key->most)
		*(unsigned int *)((char *)object + key->offset) = n;
	else if (*unit)
		yaml_error(y, value, "%s: '%s' is not a number %s from %lu%s to %lu%s: write one such as %s",
			   key->name, text, *unit == '/' ? "per second" :
			   "of seconds", key->least, unit, key->most, unit, key->like);
	else
		yaml_error(y, value, "%s: '%s' %s: write a number from %lu to %lu", key->name, text,
			   !digits || *end ? "has characters that are not digits" :
			   n > key->most ? "is too large" : "is too small", key->least, key->most);
}

void yaml_set_map(struct yaml *y, const struct yaml_key *key, struct yaml_node *value, void *object)
{
	value = value_of_type(y, key, value, YAML_MAP);
	if (value)
		yaml_map(y, value, key->below, key->name, (char *)object + key->offset);
}

void yaml_set_list(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		   void *object)
{
	const struct yaml_node *is = value && value->to ? value->to : value;
	struct yaml_node *item;

	if (key->alone && is && is->type != YAML_LIST && (key->below || is->type == YAML_SCALAR)) {
		key->item(y, key, value, object);
		return;
	}
	value = value_of_type(y, key, value, YAML_LIST);
	for (item = value ? value->first : NULL; item; item = item->next)
		key->item(y, key, item, object);
}

static void read_row(struct yaml *y, const struct yaml_key *key, struct yaml_node *item,
		     void *object)
{
	struct yaml_key one = *key;
	void *place = grow((char *)object + key->offset,
			   (size_t *)((char *)object + key->count), key->size);

	one.offset = 0;
	yaml_set_map(y, &one, item, place);
}

/* A section whose entries are all commented out is no empty list: it would remove what runs. */
void yaml_set_rows(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		   void *object)
{
	struct yaml_key rows = *key;

	rows.item = key->item ?: read_row;
	if (yaml_is_empty(value))
		yaml_error(y, value, "%s: there are no entries below this line: add some, or remove the line",
			   key->name);
	else
		yaml_set_list(y, &rows, value, object);
}

/* ---- mappings ---- */

static const struct yaml_key *find_key(const struct yaml_key *keys, const char *name)
{
	for (; keys && keys->name; keys++)
		if (!strcmp(keys->name, name))
			return keys;
	return NULL;
}

/* Prints that a key is unknown, and proposes another one. Returns that one's row, or NULL if no key
 * is similar. */
static const struct yaml_key *unknown_key(struct yaml *y, struct yaml_node *node,
					  const struct yaml_key *keys, const char *what)
{
	const char *name = node->text;
	unsigned int least = strlen(name) < 5 ? 2 : 3, d;
	const char *typographic, *type = yaml_typographic(name, &typographic);
	size_t colon = strcspn(name, ":");
	const struct yaml_key *k, *nearest = NULL, *under = NULL;
	char known[160] = "";

	for (k = keys; k->name; k++) {
		if (k->unlisted)
			continue;
		if (k->set && find_key(k->below, name))
			under = under ?: k;
		if (k->set)
			add_name(known, sizeof(known), ", ", k->name);
		d = name[colon] && colon == strlen(k->name) && !strncmp(name, k->name, colon) ?
		    0 : text_distance(name, k->name);
		if (d < least) {
			least = d;
			nearest = k;
		}
	}
	if (least == 1)			/* 'service' means `services`, not a key of `rates` */
		under = NULL;
	if (type)
		yaml_error(y, node, "there is %s in the key '%s': %s", typographic, name, type);
	else if (nearest && name[colon] && !least)
		yaml_error(y, node, "unknown key '%s' in %s: a space is missing after the colon: write '%s: %s'",
			   name, what, nearest->name, name + colon + 1);
	else if (under && under->set != yaml_set_rows)
		yaml_error(y, node, "unknown key '%s' in %s: it belongs under '%s': write %s: { %s: … }",
			   name, what, under->name, under->name, name);
	else if (under)
		yaml_error(y, node, "unknown key '%s' in %s: it belongs under '%s'", name, what,
			   under->name);
	else if (nearest)
		yaml_error(y, node, "unknown key '%s' in %s: did you mean '%s'?", name, what,
			   nearest->name);
	else
		yaml_error(y, node, "unknown key '%s' in %s: remove it, or write one of %s", name, what, known);
	return nearest;
}

struct yaml_node *yaml_first_key(struct yaml_node *map, const char *const *names)
{
	for (struct yaml_node *name = map->first; name; name = name->next->next)
		if (!yaml_is_empty(name) && name->type == YAML_SCALAR &&
		    choice_index(names, name->text) >= 0)
			return name;
	return NULL;
}

/* Bit n of a member stands for row n of the table. keys: rows whose key the mapping has. meant:
 * rows whose key an unknown key of the mapping probably misspells. */
struct seen {
	unsigned long long keys, meant;
};

static void read_pair(struct yaml *y, struct yaml_node *name, const struct yaml_key *keys,
		      const char *what, void *object, struct seen *seen)
{
	struct yaml_node *value = name->next;
	const struct yaml_key *key;
	unsigned long long bit;

	if (yaml_is_empty(name) || name->type != YAML_SCALAR) {
		yaml_error(y, yaml_is_empty(name) ? value : name, "a key in %s is not a name: write one such as %s:",
			   what, keys->name);
		return;
	}
	if (!strcmp(name->text, "<<")) {
		yaml_error(y, name, "'<<' in %s: YAML merge keys are not supported: write out the keys of '%s' here",
			   what, value->type == YAML_ALIAS ? value->text : "<<");
		/* A merged mapping (<<) may have any key, so report none as missing. */
		seen->meant = -1ULL;
		return;
	}
	key = find_key(keys, name->text);
	if (!key) {
		key = unknown_key(y, name, keys, what);
		seen->meant |= key ? 1ULL << (key - keys) : 0;
		return;
	}
	bit = 1ULL << (key - keys);
	if (seen->keys & bit)
		yaml_error(y, name, "%s: this key is given twice in %s: remove one of the two", key->name, what);
	else
		key->set(y, key, value, object);
	seen->keys |= bit;
}

/* Returns whether the mapping has the key `unless`, so that another one is not required. */
static bool is_replaced(const struct yaml_key *keys, const char *unless, unsigned long long seen)
{
	for (size_t i = 0; unless && keys[i].name; i++)
		if (!strcmp(keys[i].name, unless))
			return seen & 1ULL << i;
	return false;
}

/* Prints which required keys are missing. A list entry without its first key, the name, is mostly
 * the rest of the entry above, with a '-' too many. */
static void tell_missing(struct yaml *y, struct yaml_node *node, const struct yaml_key *keys,
			 const char *what, unsigned long long missing)
{
	const struct yaml_node *list = node->parent;
	bool is_item = list && list->type == YAML_LIST;

	if (missing & 1 && is_item && list->first != node) {
		yaml_error(y, node, "%s: this entry has no %s: if it belongs to the entry above, replace its '-' with a space; otherwise add %s: %s",
			   what, keys->name, keys->name, keys->like);
		return;
	}
	/* The next entry may be the rest of this one, because it has no name: its error says so. */
	if (is_item && keys->required && node->next && node->next->type == YAML_MAP &&
	    !yaml_first_key(node->next, (const char *[]){ keys->name, NULL }))
		return;
	for (size_t i = 0; keys[i].name; i++)
		if (missing & 1ULL << i)
			yaml_error(y, node, keys[i].set == yaml_set_list ?
				   "%s: '%s' is missing: add %s: [ %s ]" :
				   "%s: '%s' is missing: add %s: %s",
				   what, keys[i].name, keys[i].name, keys[i].like);
}

void yaml_map(struct yaml *y, struct yaml_node *node, const struct yaml_key *keys, const char *what,
	      void *object)
{
	unsigned long long missing = 0;
	struct seen seen = {};
	struct yaml_node *name;
	size_t i;

	for (name = node->first; name; name = name->next->next)
		read_pair(y, name, keys, what, object, &seen);
	for (i = 0; keys[i].name; i++)
		if (keys[i].required && !((seen.keys | seen.meant) & 1ULL << i) &&
		    !is_replaced(keys, keys[i].unless, seen.keys | seen.meant))
			missing |= 1ULL << i;
	tell_missing(y, node, keys, what, missing);
}
