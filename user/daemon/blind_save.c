/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads and writes the file of the blind relay. Its first line is "time SECONDS". Lines "site KEY
 * ENDPOINT" follow. Lines "session KEY KEY INDEX SECONDS FLAGS" have the site that sends with the
 * index, and the site that chose it; - is this host. Lines "hint - KEY INDEX SECONDS FLAGS" have
 * the site that sends with it. SECONDS count from that time. The keys are public ones.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "daemon/blind_sites.h"
#include "lib/file.h"
#include "lib/jiffies.h"
#include "lib/paths.h"
#include "lib/log.h"
#include "dataplane/dataplane.h"
#include "dataplane/map_info.h"

static void key_text(const struct blind_known *known, __u32 number, char ret[WG_KEY_STRLEN])
{
	strcpy(ret, "-");
	if (number)
		wg_key_format(&known[number].key, ret);
}

static void write_sessions(FILE *out, const struct blind_bucket *buckets, size_t n,
			   const char *word, const struct blind_known *known)
{
	__u64 now = jiffies_now(), a_second = jiffies_a_second();

	for (size_t i = 0; i < n * BLIND_WAYS; i++) {
		__u64 key = buckets[i / BLIND_WAYS].way[i % BLIND_WAYS].key;
		__u64 value = buckets[i / BLIND_WAYS].way[i % BLIND_WAYS].value;
		int left = BLIND_UNTIL(value) <= now ? 0 : (BLIND_UNTIL(value) - now) / a_second;
		char user[WG_KEY_STRLEN], origin[WG_KEY_STRLEN];

		if (!key || !left || left > BLIND_LONGEST_SECONDS)
			continue;
		key_text(known, key >> 32 & (BLIND_SITES_MAX - 1), user);
		key_text(known, BLIND_ORIGIN(value), origin);
		fprintf(out, "%s %s %s %08x %d %u\n", word, user, origin, (__u32)key, left,
			(unsigned int)(value & 0xff));
	}
}

static void write_text(FILE *out, const struct sites *s)
{
	char text[ADDRESS_STRLEN], key[WG_KEY_STRLEN];

	fprintf(out, "time %" PRId64 "\n", (int64_t)time(NULL));
	for (__u32 n = 1; n < s->room; n++)
		if (*s->known[n].name && s->known[n].last.family)
			fprintf(out, "site %s %s\n", wg_key_format(&s->known[n].key, key),
				endpoint_format(&s->known[n].last, s->known[n].last_port, text));
}

static int write_file(const struct sites *s, const char *path)
{
	struct blind_bucket *sessions = NULL, *hints = NULL;
	size_t n_sessions, n_hints;
	FILE *out = NULL;
	int rc = array_read(s->fds[BLIND_MAP_sessions], sizeof(*sessions), &sessions,
			    &n_sessions) ?:
		 array_read(s->fds[BLIND_MAP_hints], sizeof(*hints), &hints, &n_hints);

	if (!rc) {
		out = file_replace_begin(path, 0600);
		rc = out ? 0 : -errno;
	}
	if (out) {
		write_text(out, s);
		write_sessions(out, sessions, n_sessions, "session", s->known);
		write_sessions(out, hints, n_hints, "hint", s->known);
		rc = file_replace_end(out, path);
	}
	free(sessions);
	free(hints);
	return rc;
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

/* Parses a site's key. Returns its number: 0 for this host, s->room if no site has the key. */
static __u32 parse_number(const struct sites *s, const char *text)
{
	struct wg_key key;

	if (!strcmp(text, "-"))
		return 0;
	return wg_key_parse(text, &key) ? s->room : sites_number(s, &key, false);
}

static bool restore_site(struct sites *s, const char *line)
{
	char key[64], endpoint[ADDRESS_STRLEN];
	__u32 n;

	if (sscanf(line, "site %63s %63s", key, endpoint) != 2)
		return false;
	n = parse_number(s, key);
	return n && n < s->room &&
	       !endpoint_parse(endpoint, &s->known[n].last, &s->known[n].last_port);
}

/* Inserts a session in either of its two buckets, as bpf/blind/sessions.h does. */
static int insert_session(int map, __u64 key, __u64 value)
{
	__u32 mask = map_entries(map) - 1;
	struct blind_bucket bucket;

	for (int home = 0; home < 2; home++) {
		__u32 i = blind_home(blind_hash(key), home, mask);

		for (int w = 0; !bpf_map_lookup_elem(map, &i, &bucket) && w < BLIND_WAYS; w++)
			if (!bucket.way[w].key) {
				bucket.way[w] = (struct blind_session){ key, value };
				return bpf_map_update_elem(map, &i, &bucket, BPF_ANY);
			}
	}
	return -ENOSPC;
}

static bool restore_session(const struct sites *s, const char *line, int64_t elapsed)
{
	char word[8], user[64], origin[64];
	unsigned int index, flags;
	__u32 u, o;
	int left, map;

	if (sscanf(line, "%7s %63s %63s %x %d %u",
		   word, user, origin, &index, &left, &flags) != 6 ||
	    (strcmp(word, "session") && strcmp(word, "hint")))
		return false;
	map = s->fds[*word == 's' ? BLIND_MAP_sessions : BLIND_MAP_hints];
	u = parse_number(s, user);
	o = parse_number(s, origin);
	if (u >= s->room || o >= s->room || left <= elapsed || left > BLIND_LONGEST_SECONDS)
		return false;
	return !insert_session(map, BLIND_KEY(u, index),
			       BLIND_VALUE(jiffies_now() + (left - elapsed) * jiffies_a_second(), o,
					   flags & 0xff));
}

void sites_restore(struct sites *s)
{
	char path[VAR_STATE_PATH_LEN], line[512];
	int64_t then = 0, elapsed;
	FILE *in;

	var_state_path(path, s->instance, "blind");
	in = fopen(path, "re");
	if (!in)
		return;
	if (!fgets(line, sizeof(line), in) || sscanf(line, "time %" SCNd64, &then) != 1)
		then = 0;
	elapsed = time(NULL) - then;
	while (fgets(line, sizeof(line), in))
		if (!restore_site(s, line) && then && elapsed >= 0 && elapsed < BLIND_SECONDS)
			restore_session(s, line, elapsed);
	fclose(in);
}
