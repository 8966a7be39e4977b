/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of wireguard.h about names. WireGuard itself has no names for peers, but
 * people write them as comments into the file of wg-quick(8).
 */
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include "lib/file.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "net/wireguard.h"

/* Settings in files of wg-quick(8) and awg-quick(8). A comment that begins with one is a disabled
 * setting, not a name. */
static const char *const settings[] = {
	"PrivateKey", "ListenPort", "FwMark", "PublicKey", "PresharedKey", "AllowedIPs",
	"Endpoint", "PersistentKeepalive", "Address", "DNS", "MTU", "Table",
	"PreUp", "PostUp", "PreDown", "PostDown", "SaveConfig",
	"Jc", "Jmin", "Jmax", "S1", "S2", "S3", "S4", "H1", "H2", "H3", "H4",
	"I1", "I2", "I3", "I4", "I5", "J1", "J2", "J3", "Itime", "AdvancedSecurity",
	"HeaderProtectionKey", "ContentPaddingAddition", "RekeyAfterTime", "RekeyTimeout",
	"RejectAfterTime", "KeepaliveTimeout", "MaxHandshakeAttempts", "RandomTrailers",
	"DisableCookies",
};

bool wg_quick_has(const char *key)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		if (!strcasecmp(settings[i], key))
			return true;
	return false;
}

struct reader {
	struct wg_names *names;
	/* Names in comments that came after the last other line. */
	char friendly[NAME_LEN], above[NAME_LEN];
	char name[NAME_LEN];		/* name of this section's peer, if read already */
	struct wg_key key;		/* key of this section's peer, if read already */
};

/* Converts a text to a valid name. Letters, digits and "-_.+/" stay, and each run of other
 * characters between them becomes one '-'. */
static void to_name(const char *text, char ret[NAME_LEN])
{
	size_t n = 0;
	bool gap = false;

	for (; *text && n + 2 < NAME_LEN; text++) {
		bool good = isascii(*text) &&
			    (isalnum((unsigned char)*text) || (n && strchr("-_.+/", *text)));

		if (good && gap && n)
			ret[n++] = '-';
		if (good)
			ret[n++] = *text;
		gap = !good;
	}
	while (n && strchr("-_.+/", ret[n - 1]))
		n--;
	ret[n] = '\0';
}

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t\r");
}

/* Returns the value if the line is "KEY = VALUE" with this key, otherwise NULL. */
static const char *value_of(const char *line, const char *key)
{
	size_t n = strlen(key);

	line = skip_blanks(line);
	if (strncasecmp(line, key, n))
		return NULL;
	line = skip_blanks(line + n);
	return *line == '=' ? skip_blanks(line + 1) : NULL;
}

static bool is_setting(const char *comment)
{
	char key[32];

	snprintf(key, sizeof(key), "%.*s", (int)strcspn(comment, " \t="), comment);
	return *comment == '[' || (wg_quick_has(key) && value_of(comment, key));
}

static bool is_word(const char *name, size_t n, const char *word)
{
	return n == strlen(word) && !strncasecmp(name, word, n);
}

/* Removes the mark of an installer from a name, such as "begin-site-a", "BEGIN_PEER-site-a" or
 * "site-a-start". The mark of a section's end leaves no name. */
static void remove_mark(const struct reader *r, char name[NAME_LEN])
{
	size_t n = strcspn(name, "-"), last = strrchr(name, '-') ? strrchr(name, '-') - name : n;

	if (is_word(name, n, "end") || is_word(name, n, "END_PEER") ||
	    (!strcasecmp(name + last, "-end") && is_word(name, last, r->name)))
		*name = '\0';
	else if (name[n] && (is_word(name, n, "begin") || is_word(name, n, "BEGIN_PEER")))
		memmove(name, name + n + 1, strlen(name + n));
	else if (!strcasecmp(name + last, "-start"))
		name[last] = '\0';
}

static void read_comment(struct reader *r, const char *text)
{
	const char *friendly;

	text = skip_blanks(text + strspn(text, "#"));
	friendly = value_of(text, "friendly_name");
	if (friendly)
		to_name(friendly, r->friendly);
	else if (is_setting(text))
		*r->above = '\0';
	else if (*text) {
		to_name(text, r->above);
		remove_mark(r, r->above);
	}
}

static void end_section(struct reader *r)
{
	struct wg_name *place;

	if (wg_key_is_none(&r->key) || !*r->name)
		return;
	place = append(r->names->list, r->names->n);
	place->key = r->key;
	place->position = r->names->n;
	strcpy(place->name, r->name);
}

static int by_position(const struct wg_name *a, const struct wg_name *b)
{
	return (a->position > b->position) - (a->position < b->position);
}

static int by_name(const void *a, const void *b)
{
	const struct wg_name *x = a, *y = b;

	return strcmp(x->name, y->name) ?: by_position(x, y);
}

static int by_key(const void *a, const void *b)
{
	const struct wg_name *x = a, *y = b;

	return wg_key_compare(&x->key, &y->key) ?: by_position(x, y);
}

/* Removes entries with the name of an earlier entry, and sorts the others. */
static void sort_names(struct wg_names *names)
{
	size_t n = 0;

	if (!names->n)
		return;
	qsort(names->list, names->n, sizeof(*names->list), by_name);
	for (size_t i = 0; i < names->n; i++)
		if (!i || strcmp(names->list[i].name, names->list[n - 1].name))
			names->list[n++] = names->list[i];
	names->n = n;
	qsort(names->list, n, sizeof(*names->list), by_key);
}

static void read_setting(struct reader *r, const char *line)
{
	const char *value = value_of(line, "PublicKey");
	char key[WG_KEY_STRLEN + 1];

	if (*r->friendly)
		strcpy(r->name, r->friendly);
	if (!value)
		return;
	snprintf(key, sizeof(key), "%.*s", (int)strcspn(value, " \t\r#"), value);
	wg_key_parse(key, &r->key);
}

/* Reads one line of the file. A comment directly above a section's header belongs to that section.
 * A friendly_name above a setting belongs to the section of the setting. */
static void read_line(struct reader *r, const char *line)
{
	line = skip_blanks(line);
	if (*line == '#')
		read_comment(r, line);
	if (!*line || *line == '#')
		return;
	if (*line == '[') {
		end_section(r);
		strcpy(r->name, *r->friendly ? r->friendly : r->above);
		memset(&r->key, 0, sizeof(r->key));
	} else {
		read_setting(r, line);
	}
	*r->friendly = *r->above = '\0';
}

void wg_names_parse(const char *text, struct wg_names *ret)
{
	struct reader r = { .names = ret };
	char *copy = xstrdup(text), *rest = copy, *line;

	*ret = (struct wg_names){ 0 };
	while ((line = strsep(&rest, "\n")))
		read_line(&r, line);
	if (*r.friendly)
		strcpy(r.name, r.friendly);
	end_section(&r);
	free(copy);
	sort_names(ret);
}

#define FILE_PATH_LEN (sizeof(WG_QUICK_DIR) + IFNAMSIZ + 8)

static void file_path(const char *device, char ret[FILE_PATH_LEN])
{
	snprintf(ret, FILE_PATH_LEN, WG_QUICK_DIR "/%s.conf", device);
}

long long wg_names_time(const char *device)
{
	char path[FILE_PATH_LEN];
	struct stat st;

	file_path(device, path);
	if (stat(path, &st))
		return 0;
	return st.st_ctim.tv_sec * 1000LL + st.st_ctim.tv_nsec / 1000000;
}

void wg_names_read(const char *device, struct wg_names *ret)
{
	char path[FILE_PATH_LEN], *text;
	size_t n;

	memset(ret, 0, sizeof(*ret));
	file_path(device, path);
	if (file_read(path, SIZE_MAX, &text, &n))
		return;
	wg_names_parse(text, ret);		/* reads up to a NUL, if the file has one */
	free(text);
}

void wg_names_prefer(struct wg_names *names, const struct wg_name *list, size_t n)
{
	struct wg_name *all = xreallocarray(names->list, names->n + n + 1, sizeof(*all));

	for (size_t i = 0; i < names->n; i++)
		all[i].position += n;
	for (size_t i = 0; i < n; i++) {
		all[names->n + i] = list[i];
		all[names->n + i].position = i;
	}
	names->list = all;
	names->n += n;
	sort_names(names);
}

void wg_names_free(struct wg_names *names)
{
	free(names->list);
	memset(names, 0, sizeof(*names));
}

const char *wg_name_find(const struct wg_names *names, const struct wg_key *key)
{
	size_t low = 0, high = names->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (wg_key_compare(&names->list[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == names->n || wg_key_compare(&names->list[low].key, key))
		return NULL;
	return names->list[low].name;
}

void wg_name_of(const struct wg_names *names, const struct wg_key *key, char ret[NAME_LEN])
{
	const char *name = wg_name_find(names, key);
	char text[WG_KEY_STRLEN];

	if (name)
		strcpy(ret, name);
	else
		snprintf(ret, NAME_LEN, "%.8s", wg_key_format(key, text));
}

/* ---- the output of wg show dump ----
 * It has a line for each interface (private key, public key, port, mark) and for each peer
 * (public key, preshared key, endpoint, allowed IPs, latest handshake, bytes received and sent,
 * keepalive). Tabs separate the fields. With `all`, each line begins with the interface's name. */

enum { INTERFACE_FIELDS = 4, PEER_FIELDS = 8 };

/* Splits the line at its tabs and returns the number of fields. Only the first `max` are stored. */
static size_t split_line(char *line, char **fields, size_t max)
{
	size_t n = 0;

	for (char *field; (field = strsep(&line, "\t")); n++)
		if (n < max)
			fields[n] = field;
	return n;
}

static int add_peer(struct wg_dump *d, char **field)
{
	struct wg_dump_peer p = { 0 };
	char *end;

	if (wg_key_parse(field[0], &p.key))
		return -EINVAL;
	p.handshake = strtoull(field[4], &end, 10);
	if (*end || end == field[4])
		return -EINVAL;
	if (!strcmp(field[2], "(none)"))
		return 0;
	if (endpoint_parse(field[2], &p.endpoint, &p.port))
		/* link-local: it has a zone, and is skipped */
		return strchr(field[2], '%') ? 0 : -EINVAL;
	*append(d->peers, d->n) = p;
	return 0;
}

/* Reads one line of `wg show dump`. Lines of AmneziaWG have more fields, none of which is used. */
static int add_line(struct wg_dump *d, char *line)
{
	char *field[PEER_FIELDS + 1];
	size_t n = split_line(line, field, PEER_FIELDS + 1);

	if (n == PEER_FIELDS || n == PEER_FIELDS + 1)
		return add_peer(d, field + (n - PEER_FIELDS));
	return n >= INTERFACE_FIELDS ? 0 : -EINVAL;
}

static int by_endpoint(const void *a, const void *b)
{
	const struct wg_dump_peer *x = a, *y = b;

	return memcmp(&x->endpoint.addr, &y->endpoint.addr, sizeof(x->endpoint.addr)) ?:
	       ntohs(x->port) - ntohs(y->port);
}

static int by_handshake(const void *a, const void *b)
{
	const struct wg_dump_peer *x = a, *y = b;

	return by_endpoint(a, b) ?: (x->handshake < y->handshake) - (x->handshake > y->handshake);
}

int wg_dump_parse(FILE *in, const char *name, struct wg_dump *ret)
{
	struct wg_dump d = { 0 };
	unsigned int number = 0;
	size_t room = 0, kept = 0;
	char *line = NULL;
	ssize_t n;
	int rc = 0;

	while (!rc && (n = getline(&line, &room, in)) >= 0) {
		number++;
		if (n && line[n - 1] == '\n')
			line[--n] = '\0';
		if (n && strlen(line) == (size_t)n)
			rc = add_line(&d, line);
		else if (n)
			rc = -EINVAL;
	}
	/* The error must not show the line, which may have a private key. */
	if (rc == -EINVAL)
		log_error("%s:%u: this is not a line of `wg show IF dump` or `wg show all dump`", name, number);
	else if (rc || ferror(in))
		log_error("cannot read %s: %s", name, strerror(rc ? -rc : EIO));
	rc = rc ?: ferror(in) ? -EIO : 0;
	free(line);
	if (d.n)
		qsort(d.peers, d.n, sizeof(*d.peers), by_handshake);
	for (size_t i = 0; i < d.n; i++)
		if (!kept || by_endpoint(&d.peers[kept - 1], &d.peers[i]))
			d.peers[kept++] = d.peers[i];
	d.n = kept;
	if (rc)
		wg_dump_free(&d);
	else
		*ret = d;
	return rc;
}

int wg_dump_read(const char *file, struct wg_dump *ret)
{
	bool is_stdin = !strcmp(file, "-");
	FILE *in = is_stdin ? stdin : fopen(file, "re");
	int rc = in ? 0 : -errno;

	if (rc) {
		log_error("cannot read %s: %s", file, strerror(-rc));
		return rc;
	}
	rc = wg_dump_parse(in, is_stdin ? "<stdin>" : file, ret);
	if (!is_stdin)
		fclose(in);
	return rc;
}

void wg_dump_free(struct wg_dump *d)
{
	free(d->peers);
	d->peers = NULL;
	d->n = 0;
}

const struct wg_dump_peer *wg_dump_find(const struct wg_dump *d, const struct address *endpoint,
					__be16 port)
{
	struct wg_dump_peer key = { .endpoint = *endpoint, .port = port };

	return d->n ? bsearch(&key, d->peers, d->n, sizeof(key), by_endpoint) : NULL;
}
