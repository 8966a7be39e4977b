/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The parts of wg-quick's files.
 */
#include <string.h>
#include "gen/gen_wireguard.h"

/* ---- endpoints ---- */

const struct topology_host *gen_front(const struct topology *t, const struct topology_host *h)
{
	for (size_t i = 0; i < t->n_hosts; i++)
		if (gen_serves(t, &t->hosts[i], h))
			return &t->hosts[i];
	return h;
}

void gen_endpoint(const struct topology *t, const struct topology_host *h, char ret_host[GEN_NAME],
		  __be16 *ret_port)
{
	const struct topology_host *at = gen_front(t, h);
	const struct address *a = at->exit.there ? gen_public_address(at, FAMILY_IPV6) : NULL;

	if (!a && !*t->domain && at->n_addresses)
		a = &at->addresses[0];
	if (a)
		address_format(a, ret_host);
	else
		gen_host_name(t, at, ret_host);
	*ret_port = at->port ?: h->port;
}

bool gen_is_global6(const struct address *a)
{
	return a->family == FAMILY_IPV6 && (a->addr.b[0] & 0xfe) != 0xfc;
}

struct address gen_lan_address(const struct topology_host *h)
{
	struct address first = { .addr = h->prefix.addr, .family = FAMILY_IPV6 };

	if (h->prefix.family != FAMILY_IPV6)
		return (struct address){};
	first.addr.b[15] |= 1;
	return first;
}

/* ---- lines of a file ---- */

void conf_text(struct conf_list *l, const char *text)
{
	if (l->more)
		fprintf(l->out, ", %s", text);
	else
		fprintf(l->out, "%s = %s", l->key, text);
	l->more = true;
}

void conf_prefix(struct conf_list *l, const struct prefix *p)
{
	char text[ADDRESS_STRLEN];

	conf_text(l, prefix_format(p, text));
}

void conf_address(struct conf_list *l, const struct address *a)
{
	struct prefix p = { .addr = a->addr, .family = a->family,
			    .len = a->family == FAMILY_IPV4 ? 32 : 128 };

	if (a->family)
		conf_prefix(l, &p);
}

void conf_end(const struct conf_list *l)
{
	if (l->more)
		fputc('\n', l->out);
}

FILE *conf_begin(const struct gen *g, const struct topology_host *h, const char *device,
		 struct conf_list *ret_addresses)
{
	const char *key = h->role == ROLE_CLIENT ? g->private_key(g, h, device) : NULL;
	FILE *out = gen_host_file(g, h, 0600, "#", "etc/wireguard/%s.conf", device);

	fputs("[Interface]\n", out);
	if (key)
		fprintf(out, "PrivateKey = %s\n", key);
	*ret_addresses = (struct conf_list){ .out = out, .key = "Address" };
	return out;
}

void conf_settings(const struct gen *g, const struct topology_host *h, const char *device,
		   FILE *out, __be16 port, unsigned int mtu)
{
	if (port)
		fprintf(out, "ListenPort = %u\n", ntohs(port));
	fprintf(out, "MTU = %u\n", mtu);
	if (h->role != ROLE_CLIENT || !g->private_key(g, h, device))
		fputs("PostUp = wg set %i private-key /etc/wireguard/%i-privatekey\n", out);
}

struct conf_list conf_peer(const struct gen *g, FILE *out, const struct conf_peer *p)
{
	char key[WG_KEY_STRLEN], host[GEN_NAME], endpoint[ADDRESS_STRLEN];
	__be16 port;

	fprintf(out, "\n# %s\n[Peer]\nPublicKey = %s\n", p->name, wg_key_format(p->key, key));
	if (p->preshared)
		fprintf(out, "PresharedKey = %s\n", p->preshared);
	if (p->at) {
		gen_endpoint(g->t, p->at, host, &port);
		port = p->port ?: port;
		fprintf(out, strchr(host, ':') ? "Endpoint = [%s]:%u\n" : "Endpoint = %s:%u\n",
			host, ntohs(port));
	} else if (p->where) {
		fprintf(out, "Endpoint = %s\n", endpoint_format(p->where, p->port, endpoint));
	}
	if (p->keepalive)
		fprintf(out, "PersistentKeepalive = %u\n", p->keepalive);
	return (struct conf_list){ .out = out, .key = "AllowedIPs" };
}

void conf_keys(const struct gen *g, const struct topology_host *h, const char *device,
	       const struct wg_key *public)
{
	const char *private = g->private_key(g, h, device);
	char key[WG_KEY_STRLEN];

	if (private && h->role != ROLE_CLIENT)
		fprintf(gen_file(g->files, 0600, "%s/etc/wireguard/%s-privatekey", h->name, device),
			"%s\n", private);
	fprintf(gen_file(g->files, 0644, "%s/etc/wireguard/%s-publickey", h->name, device), "%s\n",
		wg_key_format(public, key));
}
