/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads and writes the file of the blind relay, whose lines blind_line.h describes. SECONDS of
 * sessions count from the time in its first line.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "daemon/blind_sites.h"
#include "lib/file.h"
#include "lib/jiffies.h"
#include "lib/paths.h"
#include "lib/log.h"
#include "dataplane/pins.h"

/* ---- entries of the maps ---- */

bool blind_line_of(const struct blind_known *known, const struct blind_session *e,
		   struct blind_line *ret)
{
	__u64 now = jiffies_now(), a_second = jiffies_a_second();
	__u64 left = BLIND_UNTIL(e->value) <= now ? 0 : (BLIND_UNTIL(e->value) - now) / a_second;
	__u32 user = BLIND_USER(e->key), origin = BLIND_ORIGIN(e->value);

	*ret = (struct blind_line){
		.word = BLIND_WORD_SESSION, .index = e->key, .seconds = left,
		.flags = e->value & (BLIND_CONFIRMED | BLIND_INITIATED),
	};
	if (user)
		ret->user = known[user].key;
	if (origin)
		ret->origin = known[origin].key;
	return e->key && left && left <= BLIND_LONGEST_SECONDS &&
	       (!user || !wg_key_is_none(&ret->user)) &&
	       (!origin || !wg_key_is_none(&ret->origin));
}

/* Returns the number of the site with this key: 0 for no key, which is this host, s->room if no
 * site has the key. */
static __u32 number_of(const struct sites *s, const struct wg_key *key)
{
	return wg_key_is_none(key) ? 0 : sites_number(s, key, false);
}

/* Makes the entry of a session line. Returns false if the line is invalid. */
static bool make_put(const struct sites *s, const struct blind_line *l, int64_t elapsed,
		     struct blind_put *ret)
{
	__u32 user = number_of(s, &l->user), origin = number_of(s, &l->origin);

	if (user >= s->room || origin >= s->room || (l->seconds && l->seconds <= elapsed))
		return false;
	*ret = (struct blind_put){
		.key = BLIND_KEY(user, l->index), .origin = origin,
	};
	if (l->seconds)
		ret->value = BLIND_VALUE(jiffies_now() +
					 (l->seconds - elapsed) * jiffies_a_second(),
					 origin, l->flags);
	return true;
}

void sites_write_sessions(struct sites *s)
{
	struct {
		__u8 header[ETH_HLEN];
		struct blind_put puts[BLIND_PUTS];
	} __attribute__((packed)) frame = { 0 };
	int fd = s->n_puts ? pin_get(s->instance, PIN_BLIND_PUT) : -1;
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = &frame, .repeat = 1,
		    .data_size_in = ETH_HLEN + s->n_puts * sizeof(*s->puts));

	if (fd >= 0) {
		memcpy(frame.puts, s->puts, s->n_puts * sizeof(*s->puts));
		bpf_prog_test_run_opts(fd, &run);
		close(fd);
	}
	s->n_puts = 0;
}

static void put(struct sites *s, const struct blind_put *new)
{
	s->puts[s->n_puts++] = *new;
	if (s->n_puts == BLIND_PUTS)
		sites_write_sessions(s);
}

bool sites_put_session(struct sites *s, const struct blind_line *l, int64_t elapsed)
{
	struct blind_put new;

	if (!make_put(s, l, elapsed, &new))
		return false;
	put(s, &new);
	return true;
}

/* Returns whether the maps have a valid and confirmed entry with this key. */
static bool has_confirmed(const struct sites *s, const struct blind_put *put)
{
	__u64 hash = blind_hash(put->key), now = jiffies_now();

	for (int i = 0; i < 2 * BLIND_WAYS; i++) {
		size_t home = blind_home(hash, i / BLIND_WAYS, s->n_buckets - 1);
		struct blind_session e = sites_entry(s, home * BLIND_WAYS + i % BLIND_WAYS);

		if (e.key == put->key && e.value & BLIND_CONFIRMED && BLIND_UNTIL(e.value) > now)
			return true;
	}
	return false;
}

bool sites_add_session(struct sites *s, const struct blind_line *l)
{
	struct blind_put new;

	if (!l->seconds || !make_put(s, l, 0, &new) || has_confirmed(s, &new))
		return false;
	new.displaces = true;
	put(s, &new);
	return true;
}

/* ---- writing ---- */

static void write_line(FILE *out, const struct blind_line *l)
{
	char text[BLIND_LINE_LEN];

	blind_line_format(l, text);
	fputs(text, out);
}

static void write_sessions(FILE *out, const struct sites *s)
{
	struct blind_line l;

	for (size_t i = 0; i < (size_t)s->n_buckets * BLIND_WAYS; i++) {
		struct blind_session e = sites_entry(s, i);

		if (e.key && blind_line_of(s->known, &e, &l))
			write_line(out, &l);
	}
}

static void write_text(FILE *out, const struct sites *s)
{
	write_line(out, &(struct blind_line){ .word = BLIND_WORD_TIME, .number = time(NULL) });
	for (__u32 n = 1; n < s->room; n++) {
		const struct blind_known *k = &s->known[n];

		if (*k->name && k->last.family && !site_is_remote(k))
			write_line(out, &(struct blind_line){
				.word = BLIND_WORD_SITE, .user = k->key, .endpoint = k->last,
				.port = k->last_port });
	}
}

static int write_file(const struct sites *s, const char *path)
{
	FILE *out = file_replace_begin(path, 0600);

	if (!out)
		return -errno;
	write_text(out, s);
	write_sessions(out, s);
	return file_replace_end(out, path);
}

int sites_save(const struct sites *s)
{
	char path[VAR_STATE_PATH_LEN];
	int rc;

	var_state_prepare(s->instance);
	var_state_path(path, s->instance, "blind");
	rc = write_file(s, path);
	if (rc)
		log_warning("blind: cannot save the sites' addresses in %s: %s",
			    path, strerror(-rc));
	return rc;
}

/* ---- reading ---- */

static void restore_site(struct sites *s, const struct blind_line *l)
{
	__u32 n = number_of(s, &l->user);

	if (n == s->room)
		return;
	s->known[n].last = l->endpoint;
	s->known[n].last_port = l->port;
}

/* Restores one line. elapsed: seconds since the file was written. Returns whether it was a
 * session's entry that is still valid. */
static bool restore_line(struct sites *s, const struct blind_line *l, int64_t elapsed)
{
	if (l->word == BLIND_WORD_SITE)
		restore_site(s, l);
	return l->word == BLIND_WORD_SESSION && l->seconds && elapsed >= 0 &&
	       elapsed < BLIND_SECONDS && sites_put_session(s, l, elapsed);
}

void sites_restore(struct sites *s)
{
	char path[VAR_STATE_PATH_LEN], line[512];
	__u64 began = sites_clock();
	int64_t then = 0;
	struct blind_line l;
	size_t n = 0;
	FILE *in;

	var_state_path(path, s->instance, "blind");
	in = fopen(path, "re");
	if (!in)
		return;
	for (bool first = true; fgets(line, sizeof(line), in); first = false) {
		line[strcspn(line, "\n")] = '\0';
		if (blind_line_parse(line, &l))
			continue;
		if (first && l.word == BLIND_WORD_TIME)
			then = l.number;
		n += restore_line(s, &l, then ? time(NULL) - then : BLIND_SECONDS);
	}
	fclose(in);
	sites_write_sessions(s);
	log_info("blind: restored %zu entries of sessions in %llu ms", n,
		 (unsigned long long)(sites_clock() - began));
}
