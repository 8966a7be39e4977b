/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes a grammar as JSON Schema.
 */
#include <regex.h>
#include "lib/text.h"
#include "lib/yaml.h"

struct schema {
	FILE *out;
	yaml_about *about;
	int depth;
};

static void put_mapping(struct schema *s, const struct yaml_key *keys, const char *section);

/* Begins a member of an object, behind `separator`. */
static void put_name(struct schema *s, const char *separator, const char *name)
{
	fprintf(s->out, "%s\n%*s", separator, 2 * s->depth, "");
	text_print_json(s->out, name);
	fputs(": ", s->out);
}

static void put_text(struct schema *s, const char *name, const char *text)
{
	put_name(s, ",", name);
	text_print_json(s->out, text);
}

static void put_words(struct schema *s, const char *const *words)
{
	const char *separator = "[ ";

	put_name(s, ",", "enum");
	for (; *words; words++) {
		if (!**words)
			continue;
		fputs(separator, s->out);
		text_print_json(s->out, *words);
		separator = ", ";
	}
	fputs(" ]", s->out);
}

static bool matches(const char *pattern, const char *text)
{
	regex_t regex;
	bool found = !regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) &&
		     !regexec(&regex, text, 0, NULL, 0);

	regfree(&regex);
	return found;
}

static void put_pattern(struct schema *s, const char *pattern, const char *like)
{
	char text[256];

	put_text(s, "pattern", pattern);
	snprintf(text, sizeof(text), "this value is wrong: write one such as %s", like);
	put_text(s, "patternErrorMessage", text);	/* for yaml-language-server */
}

/* Writes a scalar. An editor takes 10 and true, without quotes, for values that are no strings, and
 * yaml_map() reads them as texts. */
static void put_scalar(struct schema *s, const struct yaml_key *key)
{
	bool is_number = key->most && !key->unit;
	char pattern[1024];

	snprintf(pattern, sizeof(pattern), "^(%s%s)$",
		 key->pattern ?: key->least ? "0*[1-9][0-9]*" : key->most ? "[0-9]+" : ".*",
		 key->pattern ? "" : key->unit ?: "");
	put_name(s, "", "type");
	fputs("[ \"string\"", s->out);
	if (key->set == yaml_set_flag && matches(*key->choices, "false")) {
		fputs(", \"boolean\" ]", s->out);
		put_text(s, "pattern", "^(false|true)$");
		return;
	}
	if (!key->choices && matches(pattern, "1"))
		fputs(is_number ? ", \"integer\"" : ", \"number\"", s->out);
	if (!key->choices && matches(pattern, "true"))
		fputs(", \"boolean\"", s->out);
	fputs(" ]", s->out);
	if (key->choices)
		put_words(s, key->choices);
	else if (key->pattern || key->most)
		put_pattern(s, pattern, key->like);
	if (key->set == yaml_set_text) {
		put_name(s, ",", "maxLength");
		fprintf(s->out, "%zu", key->size - 1);
	}
	if (is_number) {
		put_name(s, ",", "minimum");
		fprintf(s->out, "%lu", key->least);
		put_name(s, ",", "maximum");
		fprintf(s->out, "%lu", key->most);
	}
}

/* Begins an object that put_end() ends. */
static void put_begin(struct schema *s)
{
	fputc('{', s->out);
	s->depth++;
}

static void put_end(struct schema *s)
{
	fprintf(s->out, "\n%*s}", 2 * --s->depth, "");
}

/* Writes a mapping that has one key. */
static void put_pair(struct schema *s, const struct yaml_key *key)
{
	put_mapping(s, key->below, key->name);
	put_name(s, ",", "minProperties");
	fputs("1", s->out);
	put_name(s, ",", "maxProperties");
	fputs("1", s->out);
}

static bool is_text_or_pair(const struct yaml_key *key)
{
	return key->below && key->pattern;
}

static void put_item(struct schema *s, const struct yaml_key *key)
{
	if (is_text_or_pair(key)) {
		put_name(s, "", "anyOf");
		fputs("[ ", s->out);
		put_begin(s);
		put_scalar(s, key);
		put_end(s);
		fputs(", ", s->out);
		put_begin(s);
		put_pair(s, key);
		put_end(s);
		fputs(" ]", s->out);
	} else if (key->below) {
		put_mapping(s, key->below, key->name);
	} else {
		put_scalar(s, key);
	}
}

static void put_list(struct schema *s, const struct yaml_key *key)
{
	put_name(s, "", "type");
	fputs("\"array\"", s->out);
	put_name(s, ",", "items");
	put_begin(s);
	if (*key->like == '[') {	/* each item is a list too */
		put_name(s, "", "type");
		fputs("\"array\"", s->out);
		put_name(s, ",", "items");
		put_begin(s);
		put_item(s, key);
		put_end(s);
	} else {
		put_item(s, key);
	}
	put_end(s);
}

static void put_value(struct schema *s, const struct yaml_key *key)
{
	bool is_list = key->item || key->set == yaml_set_rows;

	if (key->words || key->alone) {
		put_name(s, "", "anyOf");
		fputs("[ ", s->out);
		put_begin(s);
		if (key->alone && is_text_or_pair(key)) {
			put_pair(s, key);	/* a text must be in a list */
		} else if (key->alone) {
			put_item(s, key);
		} else {
			put_name(s, "", "type");
			fputs("\"string\"", s->out);
			put_words(s, key->words);
		}
		put_end(s);
		fputs(", ", s->out);
		put_begin(s);
	}
	if (is_list)
		put_list(s, key);
	else
		put_item(s, key);
	if (key->words || key->alone) {
		put_end(s);
		fputs(" ]", s->out);
	}
	if (key->most && key->below) {
		put_name(s, ",", "minProperties");
		fprintf(s->out, "%lu", key->least);
		put_name(s, ",", "maxProperties");
		fprintf(s->out, "%lu", key->most);
	}
}

/* Writes the keys that the mapping needs, and those that have another one in their place. */
static void put_required(struct schema *s, const struct yaml_key *keys)
{
	const char *separator = "[ ";
	const struct yaml_key *key;

	for (key = keys; key->name; key++) {
		if (!key->required || key->unless)
			continue;
		if (*separator == '[')
			put_name(s, ",", "required");
		fputs(separator, s->out);
		text_print_json(s->out, key->name);
		separator = ", ";
	}
	if (*separator == ',')
		fputs(" ]", s->out);
	for (key = keys; key->name && !key->unless;)
		key++;
	if (!key->name)
		return;
	put_name(s, ",", "anyOf");
	fputs("[ { \"required\": [ ", s->out);
	text_print_json(s->out, key->name);
	fputs(" ] }, { \"required\": [ ", s->out);
	text_print_json(s->out, key->unless);
	fputs(" ] } ]", s->out);
}

static void put_mapping(struct schema *s, const struct yaml_key *keys, const char *section)
{
	const char *separator = "";

	put_name(s, "", "type");
	fputs("\"object\"", s->out);
	put_name(s, ",", "additionalProperties");
	fputs("false", s->out);
	put_required(s, keys);
	put_name(s, ",", "properties");
	put_begin(s);
	for (const struct yaml_key *key = keys; key->name; key++) {
		const char *about = s->about(section, key->name);

		put_name(s, separator, key->name);
		separator = ",";
		put_begin(s);
		put_value(s, key);
		if (about)
			put_text(s, "description", about);
		if (key->unlisted) {
			put_name(s, ",", "doNotSuggest");	/* for yaml-language-server */
			fputs("true", s->out);
		}
		put_end(s);
	}
	put_end(s);
}

void yaml_write_schema(FILE *out, const struct yaml_key *keys, const char *title, yaml_about *about)
{
	struct schema s = { .out = out, .about = about };

	put_begin(&s);
	put_name(&s, "", "$schema");
	text_print_json(out, "http://json-schema.org/draft-07/schema#");
	put_text(&s, "title", title);
	fputs(",", out);
	put_mapping(&s, keys, "");
	put_end(&s);
	fputc('\n', out);
}
