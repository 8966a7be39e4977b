/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes the configuration with comments: where each entry comes from, and what
 * it lacks.
 */
#include <errno.h>
#include <string.h>
#include "config/config_diff.h"
#include "config/config_sections.h"
#include "import/import.h"
#include "lib/log.h"

/* Writes text of another program within a comment. Bytes that could end the line, or control a
 * terminal, become '?'. */
static void put_plain(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(*text >= ' ' && *text <= '~' ? *text : '?', out);
}

static void put_rules(FILE *out, const struct import *im, const size_t *rules, size_t n,
		      const char *indent)
{
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "%s# ", indent);
		put_plain(out, im->rules[rules[i]].origin);
		fputs(": ", out);
		put_plain(out, im->rules[rules[i]].text);
		fputc('\n', out);
	}
}

static void put_services(FILE *out, const struct import *im)
{
	if (im->n_services)
		fputs("services:\n", out);
	for (size_t i = 0; i < im->n_services; i++) {
		const struct import_service *s = &im->services[i];

		put_rules(out, im, s->rules, s->n_rules, "  ");
		if (s->server) {
			fputs("  # ", out);
			put_plain(out, s->server->origin);
			fputs(": H1 to S4. The guard drops packets that are not such messages, "
			      "and limits handshakes.\n", out);
		}
		if (s->narrows && (s->s.n_allow || s->s.n_allow_lists))
			fputs("  # The rules do not translate packets of other clients. wgxdp "
			      "drops these packets.\n", out);
		config_put_service(out, &s->s);
	}
}

/* Writes the origin of the first peer that has the key. */
static void put_origin(FILE *out, const struct import *im, const struct wg_key *key)
{
	for (size_t i = 0; i < im->devices.n; i++)
		for (size_t j = 0; j < im->devices.list[i].n_peers; j++) {
			const struct import_peer *p = &im->devices.list[i].peers[j];

			if (wg_key_compare(&p->key, key))
				continue;
			fputs("  # ", out);
			put_plain(out, p->origin);
			fputc('\n', out);
			return;
		}
}

static void put_wireguard(FILE *out, const struct import *im)
{
	const struct config *c = im->config;

	if (c->n_peers)
		fputs("peers:\n", out);
	for (size_t i = 0; i < c->n_peers; i++) {
		put_origin(out, im, &c->peers[i].key);
		config_put_peer(out, &c->peers[i]);
	}
	put_rules(out, im, im->policy_rules, im->n_policy_rules, "");
	if (c->n_peers && !im->n_policy_rules)
		fputs("# No rule says which ports may pass: these are wgxdp's own\n", out);
	config_put_policy(out, c);
	if (c->n_endpoints)
		fputs("endpoints:\n", out);
	for (size_t i = 0; i < c->n_endpoints; i++) {
		put_origin(out, im, &c->endpoints[i].peer);
		config_put_endpoint(out, &c->endpoints[i]);
	}
}

/* ---- what is left ---- */

static void put_lost(FILE *out, const struct import *im)
{
	if (im->lost.n)
		fputs("\n# The configuration lacks these, or has them in another form:\n", out);
	for (size_t i = 0; i < im->lost.n; i++) {
		fputs("# ", out);
		put_plain(out, im->lost.list[i]);
		fputc('\n', out);
	}
}

void import_write_assumed(const struct import *im, const char *before, FILE *out)
{
	if (!im->assumed || !*im->assumed)
		return;
	fprintf(out, "%sNo file describes the network, so import assumed: ", before);
	put_plain(out, im->assumed);
	fputs(". To be sure, add the output of `ip -j addr` and `ip -j route`.\n", out);
}

int import_write(const struct import *im, FILE *out)
{
	const struct config *c = im->config;

	if (c->n_interfaces)
		fputs("interfaces:\n", out);
	for (size_t i = 0; i < c->n_interfaces; i++)
		config_put_interface(out, &c->interfaces[i]);
	put_services(out, im);
	put_wireguard(out, im);
	put_lost(out, im);
	import_write_assumed(im, "\n# ", out);
	return fflush(out) || ferror(out) ? -EIO : 0;
}

bool import_is_empty(const struct import *im)
{
	return !im->n_services && !im->config->n_peers && !im->config->n_endpoints;
}

size_t import_warn(const struct import *im)
{
	for (size_t i = 0; i < im->lost.n; i++)
		log_warning("%s", im->lost.list[i]);
	return im->lost.n;
}
