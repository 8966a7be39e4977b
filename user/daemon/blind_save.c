/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads and writes the file of the blind relay, whose lines blind_link.h describes. SECONDS of
 * sessions count from the time in its first line.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>
#include <unistd.h>
#include "daemon/blind_sites.h"
#include "lib/file.h"
#include "lib/jiffies.h"
#include "lib/memory.h"
#include "lib/log.h"
#include "dataplane/pins.h"
#include "lib/timer.h"

/* ---- entries of the maps ---- */

/* Makes the entry line of an entry, whose key is not 0. Returns whether the entry is valid. */
static bool make_line(const struct blind_session *e, struct blind_line *ret)
{
	__u64 now = jiffies_now(), a_second = jiffies_a_second();
	__u64 left = BLIND_UNTIL(e->value) <= now ? 0 : (BLIND_UNTIL(e->value) - now) / a_second;

	*ret = (struct blind_line){
		.word = BLIND_WORD_ENTRY, .user_number = BLIND_USER(e->key),
		.origin_number = BLIND_ORIGIN(e->value), .index = e->key, .seconds = left,
		.flags = e->value & (BLIND_CONFIRMED | BLIND_INITIATED),
	};
	return left && left <= BLIND_LONGEST_SECONDS;
}

bool blind_line_of(const struct blind_known *known, const struct blind_session *e,
		   struct blind_line *ret)
{
	if (!e->key || !make_line(e, ret))
		return false;
	ret->word = BLIND_WORD_SESSION;
	ret->user = known[ret->user_number].key;
	ret->origin = known[ret->origin_number].key;
	return ret->user_number && ret->origin_number && !wg_key_is_none(&ret->user) &&
	       !wg_key_is_none(&ret->origin);
}

/* Makes the entry of a session or entry line, whose sites have these numbers. elapsed: age of the
 * line in seconds. Returns false if the line is invalid. */
static bool make_put(const struct sites *s, const struct blind_line *l, __u32 user, __u32 origin,
		     int64_t elapsed, struct blind_put *ret)
{
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

bool sites_put_session(struct sites *s, const struct blind_line *l)
{
	struct blind_put new;

	if (!make_put(s, l, sites_number(s, &l->user, false), sites_number(s, &l->origin, false), 0,
		      &new))
		return false;
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

		if (e.key && make_line(&e, &l))
			write_line(out, &l);
	}
}

static void write_text(FILE *out, const struct sites *s)
{
	write_line(out, &(struct blind_line){ .word = BLIND_WORD_TIME, .number = time(NULL) });
	for (__u32 n = 1; n < s->room; n++) {
		const struct blind_known *k = &s->known[n];

		if (!wg_key_is_none(&k->key))
			write_line(out, &(struct blind_line){
				.word = BLIND_WORD_KEY, .user_number = n, .user = k->key });
		if (*k->name && k->last.family)
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
	return file_replace_sync(out, path);
}

/* Saves endpoints and sessions to a file that outlives a restart. Returns 0, or -errno after
 * printing an error. */
static int sites_save(const struct sites *s)
{
	char path[VAR_STATE_PATH_LEN];
	int rc;

	var_state_prepare(s->instance);
	var_state_path(path, s->instance, "blind");
	rc = write_file(s, path);
	if (rc)
		log_warning("blind: cannot save the sites' addresses in %s: %s", path, strerror(-rc));
	return rc;
}

/* ---- reading ---- */

struct restoring {			/* a file that is read */
	struct sites *sites;
	int64_t written;		/* in seconds since 1970; 0: unknown */
	bool lacks;			/* the file has a site that is not known now */
	/* Numbers of the sites, by their numbers in the file; sites->room: there is none. */
	__u32 number[BLIND_SITES_MAX];
};

static void restore_site(struct restoring *r, const struct blind_line *l)
{
	struct sites *s = r->sites;
	__u32 n = sites_number(s, &l->user, false);

	r->lacks |= n == s->room;
	if (n == s->room || s->known[n].restored || s->known[n].proven)
		return;
	s->known[n].last = l->endpoint;
	s->known[n].last_port = l->port;
	s->known[n].owned = sites_clock();
}

/* Restores an entry. Returns whether it is still valid, and one of its sites is new. */
static bool restore_entry(struct restoring *r, const struct blind_line *l)
{
	__u32 user = r->number[l->user_number], origin = r->number[l->origin_number];
	const struct blind_known *known = r->sites->known;
	int64_t elapsed = time(NULL) - r->written;
	struct blind_put new;

	if (!l->seconds || !r->written || elapsed < 0 || elapsed >= BLIND_SECONDS ||
	    !make_put(r->sites, l, user, origin, elapsed, &new) ||
	    (known[user].restored && known[origin].restored))
		return false;
	put(r->sites, &new);
	return true;
}

/* Restores one line. Returns whether it was an entry that was put. */
static bool restore_line(struct restoring *r, const struct blind_line *l)
{
	if (l->word == BLIND_WORD_KEY)
		r->number[l->user_number] = sites_number(r->sites, &l->user, false);
	if (l->word == BLIND_WORD_SITE)
		restore_site(r, l);
	return l->word == BLIND_WORD_ENTRY && restore_entry(r, l);
}

bool sites_restore(struct sites *s, bool all)
{
	char path[VAR_STATE_PATH_LEN], line[512];
	struct restoring *r = xcalloc(1, sizeof(*r));
	__u64 began = sites_clock();
	struct blind_line l;
	size_t n = 0;
	bool lacks;
	FILE *in;

	r->sites = s;
	for (__u32 i = 1; i < BLIND_SITES_MAX; i++)
		r->number[i] = s->room;
	for (__u32 i = 0; i < s->room; i++)
		s->known[i].restored = s->known[i].restored && !all;
	var_state_path(path, s->instance, "blind");
	in = fopen(path, "re");
	for (bool first = true; in && fgets(line, sizeof(line), in); first = false) {
		line[strcspn(line, "\n")] = '\0';
		if (blind_line_parse(line, &l))
			continue;
		if (first && l.word == BLIND_WORD_TIME)
			r->written = l.number;
		n += restore_line(r, &l);
	}
	lacks = r->lacks;
	free(r);
	for (__u32 i = 0; i < s->room; i++)
		s->known[i].restored = !i || *s->known[i].name;
	if (!in)
		return lacks;
	fclose(in);
	sites_write_sessions(s);
	log_event("blind: restored %zu entries of sessions in %llu ms", n,
		 (unsigned long long)(sites_clock() - began));
	return lacks;
}

/* ---- when to save ---- */

static int save(void *data)
{
	const struct saver *s = data;

	child_yields();
	return sites_save(s->sites);
}

static void on_saved(void *data, bool done)
{
	struct saver *s = data;

	s->child = NULL;
	s->ended = clock_ms();
}

/* Children use at most a twentieth of the time. */
void saver_begin(struct saver *s)
{
	s->due = s->child || clock_ms() - s->ended < 19 * (s->ended - s->began);
	if (s->due)
		return;
	s->began = clock_ms();
	s->child = child_run(s->loop, save, on_saved, s);
}

void saver_tick(struct saver *s)
{
	if (s->due)
		saver_begin(s);
}

int saver_now(struct saver *s)
{
	if (s->child)
		child_stop(s->child);
	s->due = false;
	return sites_save(s->sites);
}
