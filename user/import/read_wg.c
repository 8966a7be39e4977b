/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads WireGuard interfaces and peers: files of wg-quick(8), the dump of wg(8), and this host. It
 * stores no private or preshared key.
 */
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include "config/config_check.h"
#include "import/read.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "net/wireguard.h"

enum { INTERFACE_FIELDS = 5, PEER_FIELDS = 9 };	/* fields of `wg show all dump` */

static struct import_device *add_device(struct import_devices *d, const char *name,
					const char *origin)
{
	struct import_device *device = append(d->list, d->n);

	snprintf(device->name, sizeof(device->name), "%s", name);
	device->origin = xstrdup(origin);
	return device;
}

static struct import_peer *add_peer(struct import_device *d, const char *origin)
{
	struct import_peer *p = append(d->peers, d->n_peers);

	p->origin = xstrdup(origin);
	return p;
}

/* Adds the prefixes of a list with commas. Names other texts, unless `lost` is NULL. */
static void add_allowed(struct import_peer *p, char *list, struct import_lost *lost,
			const char *origin)
{
	struct prefix prefix;
	char *word;

	while ((word = strsep(&list, ", \t")))
		if (!network_parse(word, &prefix))
			*append(p->allowed, p->n_allowed) = prefix;
		else if (*word && lost)
			import_lose(lost, "%s: AllowedIPs: %s is not a prefix", origin, word);
}

/* Stores an endpoint whose host is a name. An address needs no entry in the configuration. Returns
 * false if the text is neither. */
static bool set_endpoint(struct import_peer *p, const char *text)
{
	const char *colon = strrchr(text, ':');
	const struct servent *service;
	char host[sizeof(p->host)];
	struct address a;
	__be16 port;

	if (!endpoint_parse(text, &a, &port))
		return true;
	if (!colon || colon - text >= sizeof(host))
		return false;
	if (port_parse(colon + 1, &port)) {
		service = getservbyname(colon + 1, "udp");
		if (!service)
			return false;
		port = service->s_port;
	}
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	if (!address_parse(host, &a))
		return true;
	if (address_wrong(host, 0, DNS_NAMES))
		return false;
	strcpy(p->host, host);
	p->port = port;
	return true;
}

static void set_names(struct import_device *d, const struct wg_names *names)
{
	for (size_t i = 0; i < d->n_peers; i++)
		wg_name_of(names, &d->peers[i].key, d->peers[i].name);
}

/* ---- wg-quick ---- */

struct quick {
	struct import_device *device;
	struct import_peer *peer;	/* NULL: outside a section [Peer] */
	struct import_devices *devices;
	struct import_lost *lost;
	const char *origin;
	const char *private;		/* private key, in the text that is read; NULL: none */
};

/* Reads a number from 1 on, or a range such as "5-10". Returns false if it is none. */
static bool parse_header(const char *text, __u32 *ret_first, __u32 *ret_last)
{
	char *end;
	unsigned long long first = strtoull(text, &end, 10), last = first;

	if (*text < '0' || *text > '9')
		return false;
	if (*end == '-' && end[1] >= '0' && end[1] <= '9')
		last = strtoull(end + 1, &end, 10);
	*ret_first = first;
	*ret_last = last;
	return !*end && first && first <= last && last <= UINT32_MAX;
}

/* Reads H1 to H4, or S1 to S4. Returns false if the value is wrong. */
static bool read_amneziawg(struct import_amneziawg *a, const char *key, const char *value)
{
	size_t i = key[1] - '1';
	char *end;

	if (strchr("hH", *key)) {
		for (size_t j = 0; j < MESSAGES && !a->n_headers; j++)
			a->headers[j] = a->header_ends[j] = j + 1;	/* those of WireGuard */
		a->n_headers = MESSAGES;
		return parse_header(value, &a->headers[i], &a->header_ends[i]);
	}
	if (a->n_junk < MESSAGES)
		a->n_junk = i < 2 ? 2 : MESSAGES;
	a->junk[i] = strtoul(value, &end, 10);
	return *value >= '0' && *value <= '9' && !*end;
}

static bool is_amneziawg(const char *key)
{
	return *key && strchr("hHsS", *key) && key[1] >= '1' && key[1] < '1' + MESSAGES && !key[2];
}

/* Returns whether the guard knows the messages of a server with this setting. */
static bool is_known(const char *key, const char *value)
{
	if (!strcasecmp(key, "RandomTrailers"))
		return !strcasecmp(value, "off") || !strcasecmp(value, "false") ||
		       !strcmp(value, "0");
	return wg_quick_has(key) && strcasecmp(key, "HeaderProtectionKey");
}

/* Names a setting without its value, which may be a secret, as may a long key. */
static void lose_guard(struct quick *q, const char *key)
{
	import_lose(q->lost, "%s: the guard does not know the messages of a server with the "
		    "setting %s: no service gets a guard from this file", q->origin,
		    strlen(key) < 32 ? key : "in this line");
	q->device->is_unknown = true;
}

static void add_command(struct quick *q, const char *line)
{
	struct import_command *c = append(q->devices->commands, q->devices->n_commands);

	c->origin = xstrdup(q->origin);
	c->line = xstrdup(line);
	strcpy(c->device, q->device->name);
	q->device->here |= strstr(line, "tables ") || !strncmp(line, "nft ", 4);
}

/* Reads a setting. Returns 0, or -EINVAL if its value is wrong. */
static int read_setting(struct quick *q, const char *key, char *value)
{
	if (!strcasecmp(key, "PublicKey") && q->peer) {
		value[strcspn(value, " \t")] = '\0';
		return wg_key_parse(value, &q->peer->key);
	}
	if (!strcasecmp(key, "AllowedIPs") && q->peer)
		add_allowed(q->peer, value, q->lost, q->origin);
	if (!strcasecmp(key, "Endpoint") && q->peer && !set_endpoint(q->peer, value))
		import_lose(q->lost, "%s: import cannot use the endpoint %s", q->origin, value);
	if (!strcasecmp(key, "ListenPort") && !q->peer)
		return port_parse(value, &q->device->port);
	if (is_amneziawg(key) && !q->peer)
		return read_amneziawg(&q->device->amneziawg, key, value) ? 0 : -EINVAL;
	if (!strcasecmp(key, "PrivateKey") && !q->peer)
		q->private = value;
	if (!strcasecmp(key, "PreUp") || !strcasecmp(key, "PostUp"))
		add_command(q, value);
	if (!is_known(key, value))
		lose_guard(q, key);
	return 0;
}

/* Reads a line without blanks around it. */
static int read_quick_line(struct quick *q, char *line)
{
	char *value = strchr(line, '='), *end;

	if (!strcasecmp(line, "[Interface]")) {
		q->peer = NULL;
		return 0;
	}
	if (!strcasecmp(line, "[Peer]")) {
		q->peer = add_peer(q->device, q->origin);
		return 0;
	}
	if (!value)
		return -EINVAL;
	for (end = value; end > line && strchr(" \t", end[-1]); end--)
		;
	*end = '\0';
	value++;
	return read_setting(q, line, value + strspn(value, " \t"));
}

/* Sets the public key of a device with settings of AmneziaWG, for the guard. Stores no private
 * key. */
static void set_public_key(const struct quick *q)
{
	const struct import_amneziawg *a = &q->device->amneziawg;
	struct wg_key private;

	if ((a->n_headers || a->n_junk) && q->private && !wg_key_parse(q->private, &private))
		wg_public_key(&private, &q->device->key);
	explicit_bzero(&private, sizeof(private));
}

/* Writes the interface's name: that of the file without ".conf", or "wg0". */
static void device_name(const char *file, char ret[IFNAMSIZ])
{
	const char *name = strrchr(file, '/');
	size_t n;

	name = name ? name + 1 : file;
	n = strlen(name);
	if (n > 5 && !strcmp(name + n - 5, ".conf"))
		n -= 5;
	snprintf(ret, IFNAMSIZ, "%.*s", n < IFNAMSIZ ? (int)n : 0, name);
	if (!is_interface_name(ret))
		strcpy(ret, "wg0");
}

int read_wg_quick(struct import_devices *d, struct import_lost *lost, const struct import_text *t)
{
	struct import_lines lines = { .text = t, .rest = t->text };
	struct quick q = { .devices = d, .lost = lost };
	struct wg_names names = { 0 };
	char name[IFNAMSIZ], *line;
	int rc = 0;

	wg_names_parse(t->text, &names);
	device_name(t->name, name);
	q.device = add_device(d, name, t->name);
	while (!rc && (line = import_next_line(&lines))) {
		line[strcspn(line, "#")] = '\0';
		for (size_t n = strlen(line); n && strchr(" \t", line[n - 1]); n--)
			line[n - 1] = '\0';
		q.origin = lines.origin;
		rc = *line ? read_quick_line(&q, line) : 0;
	}
	/* The message must not have the line, which may be a private key. */
	if (rc)
		log_error("%s: this is not a setting of wg-quick with a valid value: correct it",
			  lines.origin);
	if (!rc) {
		set_public_key(&q);
		set_names(q.device, &names);
	}
	wg_names_free(&names);
	free(lines.origin);
	return rc;
}

/* ---- wg show all dump ---- */

static int read_dump_line(struct import_devices *d, char *line, const char *origin)
{
	struct import_device *device = d->n ? &d->list[d->n - 1] : NULL;
	char *field[PEER_FIELDS + 1];
	struct import_peer *p;
	size_t n = 0;

	for (char *f; n <= PEER_FIELDS && (f = strsep(&line, "\t"));)
		field[n++] = f;
	if (n < INTERFACE_FIELDS || !is_interface_name(field[0]))
		return -EINVAL;
	if (n != PEER_FIELDS) {		/* AmneziaWG's interfaces have more fields */
		device = add_device(d, field[0], origin);
		device->here = true;
		port_parse(field[3], &device->port);
		return 0;
	}
	if (!device || strcmp(device->name, field[0]))
		return -EINVAL;
	p = add_peer(device, origin);
	add_allowed(p, field[4], NULL, origin);
	return wg_key_parse(field[1], &p->key);
}

int read_wg_dump(struct import_devices *d, const struct import_text *t)
{
	struct import_lines lines = { .text = t, .rest = t->text };
	char *line;
	int rc = 0;

	while (!rc && (line = import_next_line(&lines)))
		rc = strncmp(line, "# ", 2) ? read_dump_line(d, line, lines.origin) : 0;
	if (rc)
		log_error("%s: this is not a line of `wg show all dump`: write its whole output",
			  lines.origin);
	free(lines.origin);
	for (size_t i = 0; i < d->n && !rc; i++)
		set_names(&d->list[i], &(struct wg_names){ 0 });
	return rc;
}

/* ---- this host ---- */

static void copy_host_peer(struct import_device *device, const struct wg_peer *from)
{
	struct import_peer *p = add_peer(device, device->origin);

	p->key = from->key;
	for (size_t i = 0; i < from->n_allowed; i++)
		*append(p->allowed, p->n_allowed) = from->allowed[i];
}

static void add_host_device(struct import_devices *d, const char *name, const struct wg_device *wg)
{
	struct import_device *device = add_device(d, name, name);
	struct wg_names names;

	for (size_t i = 0; i < wg->n_peers; i++)
		copy_host_peer(device, &wg->peers[i]);
	device->port = wg->port;
	wg_names_read(name, &names);
	set_names(device, &names);
	wg_names_free(&names);
}

int read_wg_host(struct import_devices *d)
{
	struct if_nameindex *list = if_nameindex();
	int rc = -errno;

	if (!list) {
		log_error("cannot read the interfaces of this host: %s", strerror(-rc));
		return rc;
	}
	for (struct if_nameindex *i = list; i->if_index; i++) {
		struct wg_device wg = { 0 };

		if (wg_read(i->if_name, &wg))
			continue;
		add_host_device(d, i->if_name, &wg);
		wg_free(&wg);
	}
	if_freenameindex(list);
	return 0;
}

void devices_free(struct import_devices *d)
{
	for (size_t i = 0; i < d->n; i++) {
		for (size_t j = 0; j < d->list[i].n_peers; j++) {
			free(d->list[i].peers[j].origin);
			free(d->list[i].peers[j].allowed);
		}
		free(d->list[i].peers);
		free(d->list[i].origin);
	}
	for (size_t i = 0; i < d->n_commands; i++) {
		free(d->commands[i].origin);
		free(d->commands[i].line);
	}
	free(d->commands);
	free(d->list);
	*d = (struct import_devices){ 0 };
}
