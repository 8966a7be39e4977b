/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Explains why a text is not valid YAML. libfyaml only says which of its rules a text breaks
 * ("invalid multiline plain key"). This file looks at the lines around that place to find the
 * user's mistake.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/yaml.h"

static const char *line_start(const struct yaml *y, int line)
{
	const char *s = y->text, *end;

	for (; line > 0 && (end = strchr(s, '\n')); line--)
		s = end + 1;
	return s;
}

static const char *line_end(const char *s)
{
	return s + strcspn(s, "\r\n");
}

/* Returns the first character of a line after its indentation. */
static const char *text_of(const char *line)
{
	return line + strspn(line, " ");
}

static bool has_content(const char *line)
{
	return !strchr("#\r\n", *text_of(line));
}

/* Returns the first character of a line after its indentation and any "- ". */
static const char *entry_of(const char *line)
{
	const char *s = text_of(line);

	while (s[0] == '-' && s[1] == ' ')
		s = text_of(s + 1);
	return s;
}

/* Returns the nearest line above that has content; `line` itself if there is none. */
static const char *line_before(const struct yaml *y, const char *line)
{
	const char *s = line;

	while (s > y->text) {
		for (s--; s > y->text && s[-1] != '\n';)
			s--;
		if (has_content(s))
			return s;
	}
	return line;
}

/* Returns the nearest line below `line` that has content, or NULL. */
static const char *line_behind(const char *line)
{
	while ((line = strchr(line, '\n')))
		if (*++line && has_content(line))
			return line;
	return NULL;
}

/* Sets the fault's text and place, which may be on another line than where the parser failed. */
static void explain(const struct yaml *y, struct yaml_fault *f, const char *at, const char *format,
		    ...) __attribute__((format(printf, 4, 5)));
static void explain(const struct yaml *y, struct yaml_fault *f, const char *at, const char *format,
		    ...)
{
	va_list args;

	f->at = at - y->text;
	f->line = f->column = 0;
	for (const char *s = y->text; s < at; s++) {
		if (*s == '\n') {
			f->line++;
			f->column = 0;
		} else if ((*s & 0xc0) != 0x80) {
			f->column++;
		}
	}
	va_start(args, format);
	vsnprintf(f->text, sizeof(f->text), format, args);
	va_end(args);
}

static bool is_entry(const char *line)
{
	return text_of(line)[0] == '-' && text_of(line)[1] == ' ';
}

static void explain_indentation(const struct yaml *y, const char *line, struct yaml_fault *f)
{
	int is = text_of(line) - line + 1, was = 0;
	const char *key = "";

	/* The user most likely meant the nearest column at which a line above begins; for a '-',
	 * that of another '-'. */
	for (const char *above = line, *s; (s = line_before(y, above)) != above; above = s) {
		const char *text = is_entry(line) && is_entry(s) ? text_of(s) : entry_of(s);
		int column = text - s + 1;

		if (is_entry(line) && !is_entry(s))
			continue;
		if (column != is && (!was || abs(column - is) < abs(was - is))) {
			was = column;
			key = text;
		}
	}
	explain(y, f, text_of(line), "this line begins in column %d, but '%.*s' above it in column %d: %s %d space%s before it",
		is, (int)strcspn(key, ": \r\n"), key, was,
		is < was ? "add" : "remove", abs(is - was), abs(is - was) == 1 ? "" : "s");
}

/* Explains a line that should be a key: it lacks the colon, or the space behind it, or the next
 * line is indented as if the value continued. */
static void explain_key(const struct yaml *y, const char *line, const char *at,
			struct yaml_fault *f)
{
	const char *s = text_of(line), *end = line_end(at), *colon, *next = line_behind(line),
		   *value = memmem(line, at - line, ": ", 2);
	int word = strcspn(at, " \r\n"), rest;

	if (*s == '-' && isalnum((unsigned char)s[1])) {
		explain(y, f, s, "a space is missing after '-': write '- %.*s'",
			(int)(line_end(s) - s - 1), s + 1);
		return;
	}
	if (value && next) {
		explain_indentation(y, next, f);
		return;
	}
	colon = memchr(at, ':', word);
	s = colon ? colon + 1 : text_of(at + word);
	rest = end > s ? end - s : 0;
	explain(y, f, at, colon ?
		"a space is missing after the colon of '%.*s': write '%.*s:%s%.*s'" :
		"a colon is missing after '%.*s': write '%.*s:%s%.*s'",
		colon ? (int)(colon + 1 - at) : word, at, colon ? (int)(colon - at) : word, at,
		rest ? " " : "", rest, s);
}

/* Returns the innermost bracket that is not closed before `upto`, or NULL. */
static const char *open_bracket(const struct yaml *y, const char *upto)
{
	const char *open[YAML_DEPTH];
	size_t n = 0;

	for (const char *s = y->text; s < upto; s++) {
		bool begins = s == y->text || strchr(" \n[{,", s[-1]);

		if (*s == '#' && begins)
			s = line_end(s) - 1;
		else if (strchr("\"'", *s) && begins)
			for (char quote = *s++; s < upto && *s != quote && *s != '\n';)
				s += 1 + (quote == '"' && *s == '\\');
		else if (strchr("[{", *s) && n < YAML_DEPTH)
			open[n++] = s;
		else if (strchr("]}", *s) && n)
			n--;
	}
	return n ? open[n - 1] : NULL;
}

/* Returns the last word before `at` if another value precedes it, as for a key after a missing
 * comma: "{ interface: eth0 token: 10 }". Otherwise returns NULL. */
static const char *second_word(const struct yaml *y, const char *at)
{
	const char *word = at, *before;

	while (word > y->text && !strchr(" \t\n[{,", word[-1]))
		word--;
	before = word;
	while (before > y->text && strchr(" \t", before[-1]))
		before--;
	return word < at && before < word && before > y->text && !strchr("\n:,[{-", before[-1]) ?
	       word : NULL;
}

static void explain_bracket(const struct yaml *y, const char *at, const char *said,
			    struct yaml_fault *f)
{
	const char *open = open_bracket(y, at);
	char close = open && *open == '[' ? ']' : '}';

	if (strstr(said, "comma") && *at == ':' && second_word(y, at))
		at = second_word(y, at);
	if (strstr(said, "extra closing"))
		explain(y, f, at, "the closing '%c' has no opening bracket: remove it", *at);
	else if (strstr(said, "comma") && *at == ':')
		explain(y, f, at, "this value ends in a colon: write it in quotes");
	else if (strstr(said, "comma"))
		explain(y, f, at, "a comma is missing before this: add one");
	else if (open && strchr("]}", *at) && *at)
		explain(y, f, at, "the bracket '%c' comes before '%c' is closed: write '%c' before it",
			*at, *open, close);
	else if (open)
		explain(y, f, open, "the bracket '%c' is not closed: write '%c' after its last value", *open, close);
	else
		explain(y, f, at, "this is not valid YAML: %s", said);
}

/* Explains that a value needs quotes, because YAML takes it for something else. */
static void explain_quotes(const struct yaml *y, const char *at, const char *why,
			   struct yaml_fault *f)
{
	explain(y, f, at, "%s: put it in quotes, \"%.*s\"", why, (int)strcspn(at, " ,]}\r\n"), at);
}

/* Explains a second ': ' in a line. value: the text after the first one. */
static void explain_nested(const struct yaml *y, const char *line, const char *value,
			   struct yaml_fault *f)
{
	const char *key = entry_of(line), *colon = key + strcspn(key, ": \r\n");
	int n = line_end(line) - value;

	if (*colon == ':' && strchr("{[\"'", colon[1]))
		explain(y, f, key, "a space is missing after the colon of '%.*s': write '%.*s: %c'",
			(int)(colon + 1 - key), key, (int)(colon - key), key, colon[1]);
	else
		explain(y, f, value, "the value has ': ' in it: write it in quotes, \"%.*s\", or a key in braces, { %.*s }",
			n, value, n, value);
}

static void explain_alias(const struct yaml *y, const char *at, struct yaml_fault *f)
{
	if (at[0] == '*' && strchr(" ,]}\r\n", at[1]))
		explain(y, f, at, "'*' does not stand for any name here: write a whole name, such as eth0");
	else
		explain_quotes(y, at, "a YAML value cannot begin with '*'", f);
}

/* Returns the first line if it begins a section of a wg-quick(8) file, else NULL. */
static const char *wg_quick_section(const struct yaml *y)
{
	const char *line = has_content(y->text) ? y->text : line_behind(y->text);

	return line && (!strncasecmp(line, "[Interface]", 11) || !strncasecmp(line, "[Peer]", 6)) ?
	       line : NULL;
}

void yaml_explain(const struct yaml *y, int line, int column, const char *said,
		  struct yaml_fault *ret)
{
	const char *start = line_start(y, line), *at = start, *value,
		   *section = wg_quick_section(y);

	for (; column > 0 && *at && *at != '\n'; column--)
		for (at++; (*at & 0xc0) == 0x80;)
			at++;
	value = memmem(start, line_end(start) - start, ": ", 2);
	if (section)
		explain(y, ret, section, "this is a wg-quick(8) file, not a configuration of wgxdp: write one with a section such as services:, see wgxdp.yaml(5)");
	else if (strstr(said, "multiline plain key") || strstr(said, "expected ':'") ||
		 strstr(said, "value after mapping"))
		explain_key(y, start, at, ret);
	else if (strstr(said, "quot") && !strstr(said, "trailing") && !strstr(said, "escape"))
		explain(y, ret, at, "the quote is not closed: write %c after the value",
			*at == '\'' ? '\'' : '"');
	else if (strstr(said, "invalid comment"))
		explain(y, ret, at, "a space is missing before '#': add one");
	else if (strstr(said, "trailing") && strstr(said, "quot"))
		explain(y, ret, at, "the value ends at the quote before this: write %s for a quote within the value",
			strstr(said, "single") ? "''" : "\\\"");
	else if (strstr(said, "end of block sequence"))
		explain(y, ret, at, "this line is in a list, whose entries begin with '- ': write '- %.*s'",
			(int)(line_end(at) - at), at);
	else if (strstr(said, "flow") || strstr(said, "clos") || strstr(said, "comma"))
		explain_bracket(y, at, said, ret);
	else if (strstr(said, "expected '-'") || strstr(said, "indent"))
		explain_indentation(y, start, ret);
	else if (strstr(said, "cannot start with"))
		explain_quotes(y, at, *at == '@' ? "a YAML value cannot begin with '@'" :
			       "a YAML value cannot begin with this character", ret);
	else if (strstr(said, "alias") && at > y->text)
		explain_alias(y, at - (at[-1] == '*'), ret);
	else if (strstr(said, "nested block mapping") && value)
		explain_nested(y, start, text_of(value + 1), ret);
	else if (strstr(said, "same line as previous key"))
		explain(y, ret, at, "this line has a second key: write it on its own line");
	else
		explain(y, ret, at, "this is not valid YAML: %s", said);
}

const char *yaml_typographic(const char *text, const char **ret)
{
	static const struct {
		const char *character, *name, *remedy;
	} table[] = {
		{ "\u00a0", "a no-break space", "replace it with an ordinary space" },
		{ "\u200b", "an invisible space", "remove it" },
		{ "“", "a typographic quote, “", "replace it with \"" },
		{ "”", "a typographic quote, ”", "replace it with \"" },
		{ "„", "a typographic quote, „", "replace it with \"" },
		{ "‘", "a typographic quote, ‘", "replace it with '" },
		{ "’", "a typographic quote, ’", "replace it with '" },
		{ "–", "a typographic dash, –", "replace it with -" },
		{ "—", "a typographic dash, —", "replace it with -" },
		{ "−", "a minus sign, −", "replace it with -" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		if (!strstr(text, table[i].character))
			continue;
		*ret = table[i].name;
		return table[i].remedy;
	}
	return NULL;
}
