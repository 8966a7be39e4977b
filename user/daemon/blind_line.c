/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "daemon/blind_link.h"

static const char *const words[BLIND_WORDS] = {
	"time", "pair", "active", "standby", "site", "session", "key", "entry",
};

/* ---- parsing ---- */

/* Moves *at to the end of its word, and behind one space there. Returns false if the word does not
 * end there. */
static bool end_word(const char **at, const char *end)
{
	if (*end && *end != ' ')
		return false;
	*at = *end && end[1] ? end + 1 : end;
	return true;
}

/* Copies the next word of the text to `ret`, and moves *at behind it and one space. Returns false
 * if there is no word, or if it has no room. */
static bool next_word(const char **at, char *ret, size_t room)
{
	size_t n = strcspn(*at, " ");

	if (!n || n >= room)
		return false;
	memcpy(ret, *at, n);
	ret[n] = '\0';
	return end_word(at, *at + n);
}

/* A file may have two million entries, so the slow functions of the C library do not read its
 * numbers. */
static bool next_number(const char **at, uint64_t most, uint64_t *ret)
{
	const char *end = *at;
	uint64_t number = 0;

	while (*end >= '0' && *end <= '9' && end < *at + 19)
		number = 10 * number + (*end++ - '0');
	if (end == *at || (**at == '0' && end > *at + 1) || !end_word(at, end))
		return false;
	*ret = number;
	return number <= most;
}

static bool next_key(const char **at, struct wg_key *ret)
{
	char text[WG_KEY_STRLEN];

	return next_word(at, text, sizeof(text)) && !wg_key_parse(text, ret) &&
	       !wg_key_is_none(ret);
}

/* Reads the number of a site, or 0. */
static bool next_site(const char **at, __u32 *ret)
{
	uint64_t number;

	if (!next_number(at, BLIND_SITES_MAX - 1, &number))
		return false;
	*ret = number;
	return true;
}

static bool next_index(const char **at, __u32 *ret)
{
	static const char digits[] = "0123456789abcdef";
	const char *end = *at;
	__u32 index = 0;

	for (const char *digit; *end && (digit = strchr(digits, *end)) && end < *at + 8; end++)
		index = index << 4 | (digit - digits);
	if (end != *at + 8 || !end_word(at, end))
		return false;
	*ret = htole32(index);
	return true;
}

static bool next_endpoint(const char **at, struct blind_line *l)
{
	char text[ADDRESS_STRLEN];

	return next_word(at, text, sizeof(text)) && !endpoint_parse(text, &l->endpoint, &l->port);
}

/* Reads the index, seconds and flags of a session. */
static bool next_validity(const char **at, struct blind_line *l)
{
	uint64_t seconds, flags;

	if (!next_index(at, &l->index) || !next_number(at, BLIND_LONGEST_SECONDS, &seconds) ||
	    !next_number(at, BLIND_CONFIRMED | BLIND_INITIATED, &flags))
		return false;
	l->seconds = seconds;
	l->flags = flags;
	return true;
}

static bool parse_rest(const char **at, struct blind_line *l)
{
	uint64_t number = 0;

	switch (l->word) {
	case BLIND_WORD_TIME:
	case BLIND_WORD_PAIR:
		if (!next_number(at, INT64_MAX, &number))
			return false;
		l->number = number;
		return true;
	case BLIND_WORD_SITE:
		return next_key(at, &l->user) && next_endpoint(at, l);
	case BLIND_WORD_SESSION:
		return next_key(at, &l->user) && next_key(at, &l->origin) && next_validity(at, l);
	case BLIND_WORD_KEY:
		return next_site(at, &l->user_number) && l->user_number && next_key(at, &l->user);
	case BLIND_WORD_ENTRY:
		return next_site(at, &l->user_number) && next_site(at, &l->origin_number) &&
		       next_validity(at, l);
	default:
		return true;
	}
}

int blind_line_parse(const char *text, struct blind_line *ret)
{
	struct blind_line l = { .word = BLIND_WORD_TIME };
	char word[9];

	if (!next_word(&text, word, sizeof(word)))
		return -EINVAL;
	while (l.word < BLIND_WORDS && strcmp(word, words[l.word]))
		l.word++;
	if (l.word == BLIND_WORDS || !parse_rest(&text, &l) || *text)
		return -EINVAL;
	*ret = l;
	return 0;
}

/* ---- writing ---- */

size_t blind_line_format(const struct blind_line *l, char buf[BLIND_LINE_LEN])
{
	char user[WG_KEY_STRLEN], origin[WG_KEY_STRLEN], endpoint[ADDRESS_STRLEN];
	const char *word = words[l->word];

	switch (l->word) {
	case BLIND_WORD_TIME:
	case BLIND_WORD_PAIR:
		return snprintf(buf, BLIND_LINE_LEN, "%s %" PRId64 "\n", word, l->number);
	case BLIND_WORD_SITE:
		return snprintf(buf, BLIND_LINE_LEN, "%s %s %s\n", word,
				wg_key_format(&l->user, user),
				endpoint_format(&l->endpoint, l->port, endpoint));
	case BLIND_WORD_SESSION:
		return snprintf(buf, BLIND_LINE_LEN, "%s %s %s %08x %u %u\n", word,
				wg_key_format(&l->user, user), wg_key_format(&l->origin, origin),
				le32toh(l->index), l->seconds, l->flags);
	case BLIND_WORD_KEY:
		return snprintf(buf, BLIND_LINE_LEN, "%s %u %s\n", word, l->user_number,
				wg_key_format(&l->user, user));
	case BLIND_WORD_ENTRY:
		return snprintf(buf, BLIND_LINE_LEN, "%s %u %u %08x %u %u\n", word, l->user_number,
				l->origin_number, le32toh(l->index), l->seconds, l->flags);
	default:
		return snprintf(buf, BLIND_LINE_LEN, "%s\n", word);
	}
}

/* ---- the stream ---- */

/* Returns whether the line may follow the earlier lines of the stream. */
static bool is_in_place(struct blind_stream *s, const struct blind_line *l)
{
	switch (l->word) {
	case BLIND_WORD_PAIR:
		if (s->greeted || l->number != BLIND_STREAM_VERSION)
			return false;
		s->greeted = true;
		return true;
	case BLIND_WORD_ACTIVE:
	case BLIND_WORD_STANDBY:
		s->active = l->word == BLIND_WORD_ACTIVE;
		return s->greeted;
	case BLIND_WORD_SESSION:
	case BLIND_WORD_SITE:
		return s->active;
	default:
		return false;
	}
}

int blind_stream_take(struct blind_stream *s, const char *bytes, size_t n,
		      blind_stream_each *each, void *data)
{
	struct blind_line l;

	for (size_t i = 0; i < n; i++) {
		if (bytes[i] && bytes[i] != '\n' && s->n < sizeof(s->line) - 1) {
			s->line[s->n++] = bytes[i];
			continue;
		}
		s->line[s->n] = '\0';
		if (bytes[i] != '\n' || blind_line_parse(s->line, &l) || !is_in_place(s, &l))
			return -EPROTO;
		s->n = 0;
		each(data, &l);
	}
	return 0;
}
