/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the parts of import.h that read texts and check the configuration.
 */
#include <errno.h>
#include <string.h>
#include "config/config_check.h"
#include "config/config_diff.h"
#include "config/config_sections.h"
#include "import/service.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "lib/text.h"
#include "lib/yaml.h"

/* ---- reading ---- */

enum kind { KIND_JSON, KIND_IP, KIND_LINES, KIND_QUICK, KIND_UCI, KIND_NFT, KIND_IPSET, KIND_DUMP,
	    KIND_OTHER };

static enum kind kind_of_line(const char *line)
{
	static const struct {
		enum kind kind;
		const char *const words[14];
	} kinds[] = {
		{ KIND_JSON, { "{" } },
		{ KIND_IP, { "[{", "[]" } },
		{ KIND_NFT, { "#!/usr/sbin/nft", "#!/sbin/nft", "table ", "flush ruleset",
			      "add table", "define " } },
		{ KIND_LINES, { "#!", "*filter", "*nat", "*mangle", "*raw", "iptables ",
				"ip6tables ", "sudo ", "/sbin/ip", "/usr/sbin/ip", "*security",
				"nft ", "ipset " } },
		{ KIND_IPSET, { "create " } },
		{ KIND_QUICK, { "[Interface]", "[Peer]" } },
		{ KIND_UCI, { "firewall.", "network." } },
	};
	size_t tabs = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		for (const char *const *word = kinds[i].words; *word; word++)
			if (!strncmp(line, *word, strlen(*word)))
				return kinds[i].kind;
	for (; *line && *line != '\n'; line++)
		tabs += *line == '\t';
	return tabs >= 4 ? KIND_DUMP : KIND_OTHER;
}

/* Returns the kind of the first line that tells it. */
static enum kind kind_of(const char *text)
{
	enum kind kind = KIND_OTHER;

	while (*text && kind == KIND_OTHER) {
		text += strspn(text, " \t\r\n");
		kind = *text == '#' && text[1] != '!' ? KIND_OTHER : kind_of_line(text);
		text += strcspn(text, "\n");
	}
	return kind;
}

static int refuse(const struct import_text *t)
{
	log_error("%s: this is none of the formats that import reads: see `wgxdp import --help`",
		  t->name);
	return -EINVAL;
}

static int read_uci(struct import *im, const struct import_text *t)
{
	struct import_text nft = { .name = t->name, .kind = IMPORT_NFT };
	FILE *out = text_open(&nft.text, &nft.n);
	int rc = translate_uci(&im->network, out, &im->lost, t, im->wan);

	fclose(out);
	*append(im->texts, im->n_texts) = nft;
	return rc;
}

static int read_text(struct import *im, const struct import_text *t, enum kind kind)
{
	switch (kind) {
	case KIND_QUICK:
		return read_wg_quick(&im->devices, &im->lost, t);
	case KIND_DUMP:
		return read_wg_dump(&im->devices, t);
	case KIND_UCI:
		return read_uci(im, t);
	case KIND_IP:
		return read_ip(&im->network, t);
	default:
		return refuse(t);
	}
}

int import_text(struct import *im, struct import_text *t)
{
	static const enum import_kind kinds[] = {
		[KIND_JSON] = IMPORT_NFT_JSON, [KIND_NFT] = IMPORT_NFT, [KIND_LINES] = IMPORT_LINES,
		[KIND_IPSET] = IMPORT_IPSET,
	};
	enum kind kind = kind_of(t->text);
	int rc;

	if (memchr(t->text, '\0', t->n)) {
		log_error("%s: this file has a zero byte: write a file of text", t->name);
		rc = -EINVAL;
	} else if (kind == KIND_JSON || kind == KIND_NFT || kind == KIND_LINES ||
		   kind == KIND_IPSET) {
		t->kind = kinds[kind];
		*append(im->texts, im->n_texts) = *t;
		return 0;
	} else {
		rc = read_text(im, t, kind);
	}
	free(t->text);
	return rc;
}

int import_file(struct import *im, const char *name)
{
	struct import_text t = { .name = yaml_file_name(name) };
	int rc = yaml_read(name, &t.text, &t.n);

	return rc ?: import_text(im, &t);
}

int import_host(struct import *im)
{
	im->live = true;
	return read_wg_host(&im->devices);
}

/* ---- the configuration ---- */

static void add_interface(struct import *im, const char *name)
{
	struct config *c = im->config;
	struct interface_config *place;

	if (config_interface_entry(c, name))
		return;
	place = append(c->interfaces, c->n_interfaces);
	strcpy(place->name, name);
	place->role = ROLE_WAN;
}

/* Copies the services into the configuration, with the wans of those that list addresses. */
static void fill_config(struct import *im)
{
	struct config *c = im->config;

	free(c->services);
	free(c->interfaces);
	c->interfaces = NULL;
	c->n_interfaces = 0;
	c->services = xcalloc(im->n_services, sizeof(*c->services));
	c->n_services = im->n_services;
	for (size_t i = 0; i < c->n_services; i++) {
		const struct import_service *s = &im->services[i];

		c->services[i] = s->s;
		if (s->s.n_listen_addresses && *s->in)
			add_interface(im, s->in);
	}
}

struct refusal {			/* the first error of config_check_each() */
	char path[96], text[512];
};

static void note_refusal(void *data, const struct config_place *place, const char *text)
{
	struct refusal *r = data;

	if (*r->path)
		return;
	snprintf(r->path, sizeof(r->path), "%s", place->path);
	snprintf(r->text, sizeof(r->text), "%s", text);
}

static void drop_service(struct import *im, size_t i, const char *why)
{
	struct import_service *s = &im->services[i];

	for (size_t j = 0; j < s->n_rules && j < 1; j++)
		import_lose(&im->lost, "%s: %s: a service for it would be refused: %s",
			    im->rules[s->rules[j]].origin, im->rules[s->rules[j]].text, why);
	service_free(s);
	memmove(s, s + 1, (--im->n_services - i) * sizeof(*s));
}

/* Removes the entry that the check refuses. Returns false if it is none of ours. */
static bool drop_entry(struct import *im, const struct refusal *r)
{
	struct config *c = im->config;
	size_t i;

	if (sscanf(r->path, "/services/%zu", &i) == 1 && i < im->n_services &&
	    strstr(r->path, "/wireguard") && im->services[i].server) {
		import_lose(&im->lost, "%s: the settings of AmneziaWG: %s",
			    im->services[i].server->origin, r->text);
		im->services[i].s.guard = (struct guard_config){ .on = false };
		im->services[i].s.backend.n_keys = 0;
		free(im->services[i].s.backend.keys);
		im->services[i].s.backend.keys = NULL;
		im->services[i].server = NULL;
	} else if (sscanf(r->path, "/services/%zu", &i) == 1 && i < im->n_services) {
		drop_service(im, i, r->text);
	} else if (sscanf(r->path, "/peers/%zu", &i) == 1 && i < c->n_peers) {
		import_lose(&im->lost, "peer %s of %s: %s", c->peers[i].name, c->peers[i].device,
			    r->text);
		config_free_peer(&c->peers[i]);
		memmove(&c->peers[i], &c->peers[i + 1],
			(--c->n_peers - i) * sizeof(*c->peers));
	} else if (sscanf(r->path, "/endpoints/%zu", &i) == 1 && i < c->n_endpoints) {
		import_lose(&im->lost, "endpoint %s of %s: %s", c->endpoints[i].host,
			    c->endpoints[i].interface, r->text);
		memmove(&c->endpoints[i], &c->endpoints[i + 1],
			(--c->n_endpoints - i) * sizeof(*c->endpoints));
	} else {
		return false;
	}
	return true;
}

/* Removes entries until the configuration is valid. */
static int make_valid(struct import *im)
{
	for (;;) {
		struct refusal r = { .path = "" };

		fill_config(im);
		if (!config_check_each(im->config, 0, note_refusal, &r))
			return 0;
		if (!drop_entry(im, &r)) {
			log_error("import: the result would not be valid: %s", r.text);
			return -EINVAL;
		}
	}
}

int import_begin(struct import *im)
{
	return im->live ? import_rehearse(im) :
	       im->n_texts || im->devices.n_commands ? import_green(im) : 0;
}

int import_make(struct import *im)
{
	int rc = import_begin(im);

	if (rc)
		return rc;
	im->config = xcalloc(1, sizeof(*im->config));
	if (im->rehearsal)
		import_live(im);
	import_amneziawg(im);
	import_relay(im);
	return make_valid(im);
}

void import_free(struct import *im)
{
	for (size_t i = 0; i < im->n_services; i++)
		service_free(&im->services[i]);
	free(im->services);
	if (im->config) {
		free(im->config->services);
		im->config->services = NULL;
		im->config->n_services = 0;
	}
	config_free(im->config);
	for (size_t i = 0; i < im->n_texts; i++)
		free(im->texts[i].text);
	free(im->texts);
	for (size_t i = 0; i < im->n_rules; i++) {
		free(im->rules[i].origin);
		free(im->rules[i].text);
	}
	free(im->rules);
	for (size_t i = 0; i < im->lost.n; i++)
		free(im->lost.list[i]);
	free(im->lost.list);
	free(im->network.addresses);
	free(im->network.routes);
	free(im->assumed);
	free(im->policy_rules);
	devices_free(&im->devices);
}
