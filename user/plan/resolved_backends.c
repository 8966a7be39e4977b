/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The files have one line for each backend: "TEXT FAMILY ADDRESS TIME INTERFACE LENGTH", with "-"
 * if there is no interface.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include "plan/resolved_backends.h"
#include "lib/file.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "lib/paths.h"

bool resolved_backend_is_name(const struct resolved_backend *a)
{
	struct address address;

	return address_parse(a->text, &address);
}

static bool parse_line(const char *line, struct resolved_backend *a)
{
	char family[8], address[INET6_ADDRSTRLEN], interface[IFNAMSIZ];
	unsigned int len;

	memset(a, 0, sizeof(*a));
	if (sscanf(line, "%255s %7s %45s %" SCNd64 " %15s %u", a->text, family, address,
		   (int64_t *)&a->resolved, interface, &len) != 6 || len > 128)
		return false;
	a->family = !strcmp(family, "ipv4") ? FAMILY_IPV4 :
		    !strcmp(family, "ipv6") ? FAMILY_IPV6 : 0;
	a->len = len;
	strcpy(a->interface, interface);
	return a->family && !address_parse(address, &a->address) && a->address.family == a->family;
}

static void read_file(const char *path, struct resolved_backends *ret)
{
	FILE *in = fopen(path, "re");
	char line[512];
	struct resolved_backend a;

	while (in && fgets(line, sizeof(line), in))
		if (parse_line(line, &a) && !resolved_backends_find(ret, a.text, a.family))
			*append(ret->list, ret->n) = a;
	if (in)
		fclose(in);
}

void resolved_backends_read(const char *instance, struct resolved_backends *ret)
{
	char path[VAR_STATE_PATH_LEN];

	*ret = (struct resolved_backends){ 0 };
	run_state_path(path, instance, "names");
	read_file(path, ret);
	var_state_path(path, instance, "names");
	read_file(path, ret);
}

static int write_file(const char *path, const struct resolved_backends *a)
{
	FILE *out = file_replace_begin(path, 0666);
	char text[ADDRESS_STRLEN];

	if (!out)
		return -errno;
	for (size_t i = 0; i < a->n; i++) {
		const struct resolved_backend *is = &a->list[i];

		if (is->address.family)
			fprintf(out, "%s %s %s %" PRId64 " %s %u\n", is->text,
				is->family == FAMILY_IPV4 ? "ipv4" : "ipv6",
				address_format(&is->address, text), (int64_t)is->resolved,
				*is->interface ? is->interface : "-", is->len);
	}
	return file_replace_end(out, path);
}

int resolved_backends_write(const char *instance, const struct resolved_backends *a, bool moved)
{
	char path[VAR_STATE_PATH_LEN];
	int rc;

	run_state_path(path, instance, "names");
	if (!a->n && access(path, F_OK))
		return 0;
	rc = write_file(path, a);
	if (!rc && moved) {
		var_state_prepare(instance);
		var_state_path(path, instance, "names");
		rc = write_file(path, a);
	}
	if (rc)
		log_warning("cannot store the addresses of names in %s: %s", path, strerror(-rc));
	return rc;
}

void resolved_backends_free(struct resolved_backends *a)
{
	free(a->list);
	*a = (struct resolved_backends){ 0 };
}

const struct resolved_backend *resolved_backends_find(const struct resolved_backends *a,
						      const char *text, __u8 family)
{
	for (size_t i = 0; a && i < a->n; i++)
		if (a->list[i].family == family && !strcmp(a->list[i].text, text))
			return &a->list[i];
	return NULL;
}

bool resolved_backends_address(const struct resolved_backends *a, const char *text, __u8 family,
			       struct address *ret)
{
	const struct resolved_backend *is = *text ? resolved_backends_find(a, text, family) : NULL;

	*ret = (struct address){ 0 };
	if (is && is->address.family)
		*ret = is->address;
	else if (*text && address_parse(text, ret))
		ret->family = 0;
	return ret->family;
}

static void ask_for(struct resolved_backends *new, const struct resolved_backends *known,
		    const char *text, __u8 family)
{
	const struct resolved_backend *old = resolved_backends_find(known, text, family);
	struct address address;
	struct resolved_backend *place;

	/* A configured IPv4 address stays as it is, so it needs no entry. */
	if (!*text || resolved_backends_find(new, text, family) ||
	    (family == FAMILY_IPV4 && !address_parse(text, &address)))
		return;
	place = append(new->list, new->n);
	if (old)
		*place = *old;
	strcpy(place->text, text);
	place->family = family;
}

struct resolved_backends resolved_backends_of(const struct resolved_backends *known,
					      const struct config *c)
{
	struct resolved_backends new = { 0 };

	for (size_t i = 0; i < c->n_services; i++)
		for (size_t j = 0; j < backends_of(&c->services[i]); j++) {
			const struct backend_config *b = backend_at(&c->services[i], j);

			ask_for(&new, known, b->ipv4, FAMILY_IPV4);
			ask_for(&new, known, b->ipv6, FAMILY_IPV6);
			ask_for(&new, known, b->standby.ipv4, FAMILY_IPV4);
			ask_for(&new, known, b->standby.ipv6, FAMILY_IPV6);
		}
	return new;
}

void resolved_backends_match(struct resolved_backends *a, const struct config *c)
{
	struct resolved_backends new = resolved_backends_of(a, c);

	resolved_backends_free(a);
	*a = new;
}

void resolved_backends_add(struct resolved_backends *a, const char *name)
{
	struct address address;

	if (!address_parse(name, &address))
		return;
	ask_for(a, a, name, FAMILY_IPV4);
	ask_for(a, a, name, FAMILY_IPV6);
}

void resolved_backends_merge(struct resolved_backends *a, const char *instance)
{
	struct resolved_backends file;

	resolved_backends_read(instance, &file);
	for (size_t i = 0; i < a->n; i++) {
		const struct resolved_backend *theirs =
			resolved_backends_find(&file, a->list[i].text, a->list[i].family);

		if (theirs &&
		    (!a->list[i].address.family || theirs->resolved >= a->list[i].resolved))
			a->list[i] = *theirs;
	}
	resolved_backends_free(&file);
}

/* ---- prefixes ---- */

static bool is_global(const struct address *a)
{
	return a->family == FAMILY_IPV6 && (a->addr.b[0] & 0xe0) == 0x20;
}

/* Returns the on-link prefix that comes with this address of an interface. */
static struct prefix prefix_of(const struct nl_address *a)
{
	return (struct prefix){ .addr = a->local.addr, .family = a->local.family,
				.len = a->prefix_len };
}

static bool is_prefix(const struct nl_address *a)
{
	return is_global(&a->local) && !a->tentative && a->prefix_len && a->prefix_len < 128;
}

/* Returns an address of an interface whose prefix contains a, preferably one that is not
 * deprecated; NULL: there is none. */
static const struct nl_address *on_link(const struct host *h, const struct address *a)
{
	const struct nl_address *found = NULL;

	for (size_t i = 0; i < h->n_addresses; i++) {
		struct prefix p = prefix_of(&h->addresses[i]);

		/* The interface may be newer than the list of links. */
		if (is_prefix(&h->addresses[i]) && prefix_covers(&p, a) &&
		    (!found || found->deprecated) && host_link(h, h->addresses[i].ifindex))
			found = &h->addresses[i];
	}
	return found;
}

/* Returns an address of the stored interface whose prefix replaces the stored one: it has the same
 * length and is not deprecated. A prefix that contains the stored address is preferred. */
static const struct nl_address *in_its_place(const struct host *h, const struct resolved_backend *a)
{
	const struct nl_link *link = host_link_by_name(h, a->interface);
	const struct nl_address *found = NULL;

	for (size_t i = 0; link && i < h->n_addresses; i++) {
		const struct nl_address *n = &h->addresses[i];
		struct prefix p = prefix_of(n);

		if (n->ifindex == link->ifindex && is_prefix(n) && !n->deprecated &&
		    n->prefix_len == a->len && (!found || prefix_covers(&p, &a->address)))
			found = n;
	}
	return found;
}

static struct address moved_to(const struct nl_address *prefix, const struct address *host)
{
	struct prefix p = prefix_of(prefix);
	struct addr mask = prefix_mask(&p);
	struct address a = *host;

	for (int i = 0; i < 2; i++)
		a.addr.q[i] = (p.addr.q[i] & mask.q[i]) | (host->addr.q[i] & ~mask.q[i]);
	return a;
}

bool resolved_backends_follow_prefixes(struct resolved_backends *a, const struct host *h)
{
	char text[ADDRESS_STRLEN];
	bool any = false;

	for (size_t i = 0; i < a->n; i++) {
		struct resolved_backend *is = &a->list[i], was = *is;
		const struct nl_address *here, *there;
		struct address said;

		if (address_parse(is->text, &said) || !is_global(&said))
			continue;
		here = on_link(h, &said);
		if (here) {
			strcpy(is->interface, host_link(h, here->ifindex)->name);
			is->len = here->prefix_len;
		}
		there = is->len && (!here || here->deprecated) ? in_its_place(h, is) : NULL;
		if (there)
			is->address = moved_to(there, &said);
		else if (here || !is->address.family)
			is->address = said;
		if (was.address.family && !address_equal(&was.address, &is->address))
			log_event("the address of backend %s is %s now, because the prefix of %s has changed", is->text,
				 address_format(&is->address, text), is->interface);
		any |= memcmp(&was, is, sizeof(was)) != 0;
	}
	return any;
}
