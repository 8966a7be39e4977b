/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks JSON, as a recursive-descent parser. JSON_DEPTH limits its recursion.
 */
#include <ctype.h>
#include <string.h>
#include "lib/yaml.h"

struct reader {
	const char *at, *end;
	unsigned int depth;
	const char *wrong;
};

static bool fail(struct reader *r, const char *wrong)
{
	r->wrong = wrong;
	return false;
}

/* Returns the next byte without consuming it; 0 at the end. A NUL in the text gives 0 as well,
 * because it is an error too. */
static char next_char(const struct reader *r)
{
	return r->at < r->end ? *r->at : '\0';
}

static bool skip_char(struct reader *r, char c)
{
	if (next_char(r) != c)
		return false;
	r->at++;
	return true;
}

static void skip_blanks(struct reader *r)
{
	while (next_char(r) == ' ' || next_char(r) == '\t' || next_char(r) == '\n' ||
	       next_char(r) == '\r')
		r->at++;
}

static bool read_digits(struct reader *r)
{
	const char *start = r->at;

	while (isdigit((unsigned char)next_char(r)))
		r->at++;
	return r->at > start || fail(r, "the number has no digit here: add one");
}

static bool read_number(struct reader *r)
{
	skip_char(r, '-');
	if (!skip_char(r, '0') && !read_digits(r))
		return false;
	if (skip_char(r, '.') && !read_digits(r))
		return false;
	if (!skip_char(r, 'e') && !skip_char(r, 'E'))
		return true;
	if (!skip_char(r, '+'))
		skip_char(r, '-');
	return read_digits(r);
}

static bool read_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if (r->end - r->at < n || memcmp(r->at, word, n))
		return fail(r, "a JSON value is missing or misspelled here");
	r->at += n;
	return true;
}

/* Reads an escape in a string from behind its backslash. Returns false if it is invalid. */
static bool read_escape(struct reader *r)
{
	unsigned int code = 0;
	char c = next_char(r);

	if (!c || !strchr("\"\\/bfnrtu", c))
		return fail(r, "the string has an unknown escape after '\\'");
	r->at++;
	for (int i = 0; c == 'u' && i < 4; i++) {
		if (!isxdigit((unsigned char)next_char(r)))
			return fail(r, "the string has an unknown escape after '\\'");
		code = code << 4 | (isdigit((unsigned char)*r->at) ? *r->at - '0' :
				    tolower((unsigned char)*r->at) - 'a' + 10);
		r->at++;
	}
	if (c == 'u' && (!code || (code >= 0xd800 && code < 0xe000)))
		return fail(r, "the escape \\u stands for a zero or half a character: write another");
	return true;
}

static bool read_string(struct reader *r)
{
	size_t n;

	if (!skip_char(r, '"'))
		return fail(r, "a key or string in quotes is missing here");
	while (!skip_char(r, '"')) {
		if (skip_char(r, '\\')) {
			if (!read_escape(r))
				return false;
			continue;
		}
		n = r->at < r->end ? yaml_character((const unsigned char *)r->at, r->end - r->at)
				   : 0;
		if (!n || (unsigned char)*r->at < ' ')
			return fail(r, r->at < r->end ? "the string has a byte that is not UTF-8"
						      : "the string has no closing quote");
		r->at += n;
	}
	return true;
}

static bool read_value(struct reader *r);

/* Reads an object or array from behind its opening bracket. Returns false if it is invalid. */
static bool read_members(struct reader *r, bool is_object)
{
	char close = is_object ? '}' : ']';

	skip_blanks(r);
	if (skip_char(r, close))
		return true;
	do {
		skip_blanks(r);
		if (is_object && !read_string(r))
			return false;
		skip_blanks(r);
		if (is_object && !skip_char(r, ':'))
			return fail(r, "a colon is missing after the key");
		if (!read_value(r))
			return false;
		skip_blanks(r);
	} while (skip_char(r, ','));
	return skip_char(r, close) || fail(r, is_object ? "the object has no closing '}'" :
					   "the array has no closing ']'");
}

static bool read_value(struct reader *r)
{
	bool good;

	skip_blanks(r);
	switch (next_char(r)) {
	case '{':
	case '[':
		if (++r->depth > JSON_DEPTH)
			return fail(r, "nested too deep");
		good = read_members(r, *r->at++ == '{');
		r->depth--;
		return good;
	case '"':
		return read_string(r);
	case 't':
		return read_word(r, "true");
	case 'f':
		return read_word(r, "false");
	case 'n':
		return read_word(r, "null");
	default:
		return next_char(r) == '-' || isdigit((unsigned char)next_char(r)) ?
		       read_number(r) : fail(r, "a JSON value is missing or misspelled here");
	}
}

const char *json_wrong(const char *text, size_t n, size_t *ret_at)
{
	struct reader r = { .at = text, .end = text + n };

	if (n > YAML_FILE_LIMIT) {
		fail(&r, "too long");
	} else if (read_value(&r)) {
		skip_blanks(&r);
		if (r.at < r.end)
			fail(&r, "there is more text after the JSON value: remove it");
	}
	if (ret_at)
		*ret_at = r.at - text;
	return r.wrong;
}

size_t yaml_character(const unsigned char *s, size_t n)
{
	size_t len = *s < 0x80 ? 1 : *s >= 0xc2 && *s < 0xe0 ? 2 : (*s & 0xf0) == 0xe0 ? 3 :
		     *s >= 0xf0 && *s < 0xf5 ? 4 : 0;
	size_t i;

	if (len > n || (*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] >= 0xa0) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] >= 0x90) ||
	    (*s < ' ' && !strchr("\t\r\n", *s)) || !*s || *s == 0x7f)
		return 0;
	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return len;
}
