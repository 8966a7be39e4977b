/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes the configuration with comments: where each entry comes from, which rules have no
 * counterpart, and which rules the kernel still carries out.
 */
#include <errno.h>
#include <string.h>
#include "config/config_diff.h"
#include "config/config_endpoints.h"
#include "import/import.h"
#include "lib/log.h"

#define FORWARDS (1U << HOOK_INGRESS | 1U << HOOK_PREROUTING | 1U << HOOK_FORWARD | \
		  1U << HOOK_POSTROUTING)

/* Writes text of another program within a comment. Bytes that could end the line, or control a
 * terminal, become '?'. */
static void put_plain(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(*text >= ' ' && *text <= '~' ? *text : '?', out);
}

static void put_rule(FILE *out, const char *indent, const struct rule *rule)
{
	fprintf(out, "%s# ", indent);
	put_plain(out, rule->origin);
	fputs(": ", out);
	put_plain(out, rule->text);
	fputc('\n', out);
}

static bool same_rule(const struct rule *a, const struct rule *b)
{
	return !strcmp(a->origin, b->origin) && !strcmp(a->text, b->text);
}

/* Writes rules, and those that came from the same rule once. */
static void put_rules(FILE *out, const struct import *im, const size_t *rules, size_t n,
		      const char *indent)
{
	for (size_t i = 0; i < n; i++)
		if (!i || !same_rule(&im->rules.list[rules[i - 1]], &im->rules.list[rules[i]]))
			put_rule(out, indent, &im->rules.list[rules[i]]);
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

/* Returns whether the rule may decide about a forwarded UDP packet. */
static bool may_forward(const struct import *im, const struct rule *rule)
{
	if (rule->never || !rule->families ||
	    !(im->rules.chains[rule->chain].hooks & FORWARDS))
		return false;
	switch (rule->verdict) {
	case RULE_CONTINUES:
	case RULE_RETURN:
		return false;
	case RULE_JUMP:
	case RULE_GOTO:
		return rule->to_chain == NONE;
	default:
		return true;
	}
}

/* Returns whether an earlier rule in the list has the same origin and fate. */
static bool is_repeated(const struct import *im, size_t i)
{
	const struct rule *list = im->rules.list;

	return i && same_rule(&list[i - 1], &list[i]) && list[i - 1].fate == list[i].fate;
}

static void put_left(FILE *out, const struct import *im, enum rule_fate fate, const char *head)
{
	for (size_t i = 0; i < im->rules.n; i++) {
		const struct rule *rule = &im->rules.list[i];

		if (rule->fate != fate || is_repeated(im, i) ||
		    (fate == RULE_STAYS && !may_forward(im, rule)))
			continue;
		fputs(head, out);
		head = "";
		put_rule(out, "", rule);
		if (rule->why) {
			fputs("#     ", out);
			put_plain(out, rule->why);
			fputc('\n', out);
		}
	}
}

static void put_lost(FILE *out, const struct import *im)
{
	put_left(out, im, RULE_NAMED, "\n# wgxdp has no counterpart for these:\n");
	if (im->lost.n)
		fputs("\n# The configuration lacks these, or has them in another form:\n", out);
	for (size_t i = 0; i < im->lost.n; i++) {
		fputs("# ", out);
		put_plain(out, im->lost.list[i]);
		fputc('\n', out);
	}
	if (!im->live)
		put_left(out, im, RULE_STAYS, "\n# These rules are for other packets, and the "
			 "kernel still carries them out:\n");
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
	return fflush(out) || ferror(out) ? -EIO : 0;
}

bool import_is_empty(const struct import *im)
{
	return !im->n_services && !im->config->n_peers && !im->config->n_endpoints;
}

size_t import_warn_lost(const struct import *im)
{
	for (size_t i = 0; i < im->lost.n; i++)
		log_warning("%s", im->lost.list[i]);
	return im->lost.n;
}

size_t import_warn(const struct import *im)
{
	size_t n = 0;

	for (size_t i = 0; i < im->rules.n; i++) {
		const struct rule *rule = &im->rules.list[i];

		if (rule->fate != RULE_NAMED || is_repeated(im, i))
			continue;
		log_warning("%s: %s: %s", rule->origin, rule->text, rule->why ?: "");
		n++;
	}
	return n + import_warn_lost(im);
}
