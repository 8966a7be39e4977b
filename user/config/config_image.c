/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One walk over a configuration's arrays writes and reads them, in the same order.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "config/config_endpoints.h"
#include "config/config_image.h"
#include "config/config_learn.h"

struct image {
	FILE *out;			/* NULL: it is read, from at */
	const char *at;
	size_t left;
	bool wrong, no_memory;
};

/* Room is a power of two, as append() takes it to be */
static size_t room(size_t n)
{
	size_t r = 1;

	while (r < n)
		r *= 2;
	return r;
}

/* Where it cannot be read there is none, and none after it: what a read structure points at is another program's */
static void array(struct image *im, void *array, size_t *n, size_t size)
{
	void *list = NULL;

	if (im->out) {
		if (*n)
			fwrite(*(void **)array, size, *n, im->out);
		return;
	}
	im->wrong |= *n > im->left / size;
	if (*n && !im->wrong) {
		list = reallocarray(NULL, room(*n), size);
		im->wrong = im->no_memory = !list;
	}
	if (im->wrong)
		*n = 0;
	if (*n) {
		memcpy(list, im->at, *n * size);
		im->at += *n * size;
		im->left -= *n * size;
	}
	*(void **)array = list;
}
#define ARRAY(im, list, n) array(im, &(list), &(n), sizeof(*(list)))

static void walk(struct image *im, struct config *c)
{
	ARRAY(im, c->interfaces, c->n_interfaces);
	ARRAY(im, c->services, c->n_services);
	for (size_t i = 0; i < c->n_services; i++) {
		struct service_config *s = &c->services[i];

		ARRAY(im, s->backend.keys, s->backend.n_keys);
		ARRAY(im, s->backends, s->n_backends);
		for (size_t b = 0; b < s->n_backends; b++)
			ARRAY(im, s->backends[b].keys, s->backends[b].n_keys);
		ARRAY(im, s->listen_addresses, s->n_listen_addresses);
		ARRAY(im, s->ports, s->n_ports);
		ARRAY(im, s->allow, s->n_allow);
		ARRAY(im, s->deny, s->n_deny);
		ARRAY(im, s->flows.sources, s->flows.n_sources);
	}
	ARRAY(im, c->peers, c->n_peers);
	for (size_t i = 0; i < c->n_peers; i++)
		ARRAY(im, c->peers[i].prefixes, c->peers[i].n_prefixes);
	ARRAY(im, c->follow.wireguard, c->follow.n_wireguard);
	ARRAY(im, c->follow.tables, c->follow.n_tables);
	ARRAY(im, c->policy.udp_ports, c->policy.n_udp_ports);
	ARRAY(im, c->blind.sites, c->blind.n_sites);
	ARRAY(im, c->blind.pairs, c->blind.n_pairs);
	ARRAY(im, c->endpoints, c->n_endpoints);
	ARRAY(im, c->learn, c->n_learn);
	for (size_t i = 0; i < c->n_learn; i++)
		ARRAY(im, c->learn[i].command, c->learn[i].n_command);
	ARRAY(im, c->exporter, c->n_exporter);
	ARRAY(im, c->ddns, c->n_ddns);
	for (size_t i = 0; i < c->n_ddns; i++) {
		ARRAY(im, c->ddns[i].names, c->ddns[i].n_names);
		ARRAY(im, c->ddns[i].command, c->ddns[i].n_command);
	}
}

void config_image_write(const struct config *c, FILE *out)
{
	struct image im = { .out = out };

	fwrite(c, sizeof(*c), 1, out);
	walk(&im, (struct config *)c);
}

int config_image_read(const void *data, size_t n, struct config **ret)
{
	struct image im = { .at = data, .left = n };
	struct config *c = n < sizeof(*c) ? NULL : malloc(sizeof(*c));

	if (!c)
		return n < sizeof(*c) ? -EINVAL : -ENOMEM;
	memcpy(c, data, sizeof(*c));
	im.at += sizeof(*c);
	im.left -= sizeof(*c);
	walk(&im, c);
	if (im.wrong || im.left) {
		config_free(c);
		return im.no_memory ? -ENOMEM : -EINVAL;
	}
	*ret = c;
	return 0;
}
