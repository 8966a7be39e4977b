/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Keys are read from DIR/state/keys or made by wg(8). New keys are written with the other files, or
 * not at all.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "gen/gen_files.h"
#include "gen/gen_host.h"
#include "gen/gen_keys.h"
#include "lib/gen_run.h"
#include "lib/grow.h"
#include "lib/log.h"

#define DIRECTORY GEN_STATE "keys/"
#define REMOVED GEN_STATE "removed/"

struct key {
	char *name, *text;
};

struct gen_keys {
	struct key *list;
	size_t n;
	int dir;
	const char *directory;
	bool make;
	int failed;			/* the first error, which was printed already */
};

/* stands in for keys not made yet */
static const struct wg_key stand_in = { "the key does not exist " };

bool gen_key_is_to_be(const char *text)
{
	struct wg_key key;

	return !wg_key_parse(text, &key) && !wg_key_compare(&key, &stand_in);
}

/* ---- one key ---- */

/* Runs `wg WORD` with the text as its input, and returns the key that it prints in `ret`. */
static int ask_wg(char *word, const char *text, char ret[WG_KEY_STRLEN])
{
	int in = run_text(text, strlen(text)), out = run_text("", 0);
	int rc = run_program((char *[]){ "wg", word, NULL }, in, out, -1);
	char said[WG_KEY_STRLEN] = "";
	struct wg_key key;

	if (!rc && (pread(out, said, WG_KEY_STRLEN - 1, 0) != WG_KEY_STRLEN - 1 ||
		    wg_key_parse(said, &key)))
		rc = -EINVAL;
	if (rc)
		log_error("`wg %s` printed no key%s", word,
			  rc == -ENOENT ? ": install wireguard-tools" : "");
	else
		memcpy(ret, said, sizeof(said));
	close(in);
	close(out);
	return rc > 0 ? -EIO : rc;
}

/* Reads a file that holds only a key. Returns 0, -ENOENT if it does not exist, or another
 * -errno. */
static int read_key(const struct gen_keys *k, const char *path, char ret[WG_KEY_STRLEN])
{
	struct tree_file is = { 0 };
	struct wg_key key;
	int rc = gen_files_read(k->dir, k->directory, path, &is);

	if (rc)
		return rc;
	is.text[strcspn(is.text, "\n")] = '\0';
	if (wg_key_parse(is.text, &key)) {
		log_error("%s/%s: the file has no WireGuard key (44 characters of base64): remove "
			  "the file, and a new key is created", k->directory, path);
		rc = -EINVAL;
	} else {
		memcpy(ret, is.text, WG_KEY_STRLEN);
	}
	return rc;
}

static int take_key(struct gen_keys *k, const char *name, char *word, char ret[WG_KEY_STRLEN])
{
	char path[sizeof(REMOVED) + 2 * TOPOLOGY_NAME + 16];
	int rc;

	snprintf(path, sizeof(path), DIRECTORY "%s", name);
	rc = read_key(k, path, ret);
	if (rc == -ENOENT) { /* the host may be back in the topology */
		snprintf(path, sizeof(path), REMOVED "%s", name);
		rc = read_key(k, path, ret);
	}
	if (rc != -ENOENT)
		return rc;
	if (k->make)
		return ask_wg(word, "", ret);
	wg_key_format(&stand_in, ret);
	return 0;
}

/* Returns the key with this name. At first use it is read from its file, or `wg WORD` makes it.
 * Returns NULL after printing an error. */
static const char *key_named(struct gen_keys *k, const char *name, char *word)
{
	char text[WG_KEY_STRLEN];
	struct key *key;
	int rc;

	for (size_t i = 0; i < k->n; i++)
		if (!strcmp(k->list[i].name, name))
			return k->list[i].text;
	rc = take_key(k, name, word, text);
	if (rc) {
		k->failed = k->failed ?: rc;
		return NULL;
	}
	key = append(k->list, k->n);
	key->name = xstrdup(name);
	key->text = xstrdup(text);
	return key->text;
}

/* ---- a topology's ---- */

/* Returns the name of the key's owner. Several hosts may share the key of the routing tunnel: its
 * owner is then a site or topology.shared. */
static const char *owner_of(const struct topology *t, const struct topology_host *h,
			    const char *device, bool *ret_given)
{
	bool routing = !strcmp(device, WG_ROUTING);

	if (h->role == ROLE_EDGE && routing) {
		*ret_given = t->sites[h->site].key_given;
		return t->sites[h->site].name;
	}
	if (h->shares && routing) {
		*ret_given = t->shared.key_given;
		return t->shared.name;
	}
	*ret_given = h->shares ? false : !strcmp(device, WG_MESH) ? h->mesh_key_given :
		h->key_given;
	return h->name;
}

static const char *private_key_of(struct gen_keys *k, const char *owner, const char *device)
{
	char name[TOPOLOGY_NAME + 17];

	snprintf(name, sizeof(name), "%s-%s", owner, device);
	return key_named(k, name, "genkey");
}

static int fill(struct gen_keys *k, const char *owner, const char *device, struct wg_key *public)
{
	const char *private = private_key_of(k, owner, device);
	char text[WG_KEY_STRLEN];

	if (!private)
		return k->failed;
	if (gen_key_is_to_be(private))
		return wg_key_parse(private, public);
	return ask_wg("pubkey", private, text) ?: wg_key_parse(text, public);
}

/* Fills in the public key of a host that has one of its own, or of topology.shared. */
static int fill_host(struct gen_keys *k, const struct topology *t, struct topology_host *h)
{
	const char *device = gen_device(h);
	bool given, server = h->role == ROLE_SERVER;
	const char *owner = owner_of(t, h, device, &given);

	if (given || h->role == ROLE_EDGE || h->role == ROLE_FIREWALL || h->shares ||
	    (server && t->no_mesh))
		return 0;
	return fill(k, owner, device, server ? &h->mesh_key : &h->public_key);
}

int gen_keys_read(struct topology *t, int dir, const char *directory, bool make,
		  struct gen_keys **ret)
{
	struct gen_keys *k = *ret = xcalloc(1, sizeof(*k));
	int rc = 0;

	k->dir = dir;
	k->directory = directory;
	k->make = make;
	for (struct topology_site *s = t->sites; !rc && s < t->sites + t->n_sites; s++)
		rc = s->key_given ? 0 : fill(k, s->name, WG_ROUTING, &s->public_key);
	if (!rc && *t->shared.name)
		rc = fill_host(k, t, &t->shared);
	for (size_t i = 0; !rc && i < t->n_hosts; i++)
		rc = fill_host(k, t, &t->hosts[i]);
	return rc;
}

const char *gen_private_key(const struct gen *g, const struct topology_host *h, const char *device)
{
	bool given;
	const char *owner = owner_of(g->t, h, device, &given);

	return given ? NULL : private_key_of(g->keys, owner, device);
}

bool gen_key_is_given(const struct gen *g, const struct topology_host *h, const char *device)
{
	bool given;

	owner_of(g->t, h, device, &given);
	return given;
}

struct wg_key gen_public_key(const struct gen *g, const struct topology_host *h, const char *device)
{
	struct gen_keys *k = g->keys;
	struct wg_key key = {};
	int rc = fill(k, h->name, device, &key);

	k->failed = k->failed ?: rc;
	return key;
}

const char *gen_preshared_key(const struct gen *g, const char *one, const char *other)
{
	bool ordered = strcmp(one, other) < 0;
	char name[2 * TOPOLOGY_NAME + 2];

	if (!g->t->preshared_keys)
		return NULL;
	snprintf(name, sizeof(name), "%s+%s", ordered ? one : other, ordered ? other : one);
	return key_named(g->keys, name, "genpsk");
}

/* Moves a key to state/removed, unless a host has it. */
static void put_away(struct gen_keys *k, struct gen_files *f, const char *name)
{
	struct tree_file is = { 0 };
	char *path = xasprintf(DIRECTORY "%s", name);
	bool used = false;

	for (size_t i = 0; i < k->n; i++)
		used |= !strcmp(k->list[i].name, name);
	if (!used && !tree_read(k->dir, path, &is)) {
		fputs(is.text, gen_file(f, 0600, REMOVED "%s", name));
		gen_files_remove(f, DIRECTORY "%s", name);
	}
	free(is.text);
	free(path);
}

int gen_keys_keep(struct gen_keys *k, struct gen_files *f)
{
	int fd = k->dir < 0 ? -1 : openat(k->dir, DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *all = fd < 0 ? NULL : fdopendir(fd);

	for (size_t i = 0; !k->failed && i < k->n; i++) {
		fprintf(gen_file(f, 0600, DIRECTORY "%s", k->list[i].name), "%s\n",
			k->list[i].text);
		gen_files_remove(f, REMOVED "%s", k->list[i].name);
	}
	for (struct dirent *entry; all && (entry = readdir(all));)
		if (*entry->d_name != '.')
			put_away(k, f, entry->d_name);
	if (all)
		closedir(all);
	return k->failed;
}
