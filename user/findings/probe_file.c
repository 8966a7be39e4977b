/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon, and the libraries and files that it needs for the configuration.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "ddns/ddns.h"
#include "findings/probes.h"
#include "lib/library.h"
#include "plan/lists.h"

static void look_at_library(struct findings *to, const struct library *l, const char *name,
			    const char *path)
{
	struct subject about = { 0 };
	char why[LIBRARY_WHY_LEN];

	if (!library_open(l, NULL, 0, NULL, why))
		return;
	strcpy(about.name, name);
	strcpy(about.path, path);
	finding_add(to, &about, NULL, NULL, "%s", why)->whole = true;
}

void probe_library(struct facts *f, struct findings *to)
{
	char path[96];

	if (f->config->n_exporter)
		look_at_library(to, &library_mhd, "exporter", "/exporter");
	for (size_t i = 0; i < f->config->n_services; i++) {
		snprintf(path, sizeof(path), "/services/%zu/wireguard/challenge", i);
		if (f->config->services[i].guard.challenge_above)
			look_at_library(to, &library_sodium, f->config->services[i].name, path);
	}
}

/* Checks the files with keys and credentials, which perhaps only root can read. */
void probe_secret(struct facts *f, struct findings *to)
{
	for (size_t i = 0; i < f->config->n_ddns; i++) {
		const struct ddns_config *d = &f->config->ddns[i];
		struct subject about = { 0 };
		char why[DDNS_WHY_LEN];
		int rc = ddns_check(d, why);

		if (!rc || (rc == -EACCES && geteuid()))
			continue;
		snprintf(about.name, sizeof(about.name), "%s", d->secret);
		snprintf(about.path, sizeof(about.path), "/ddns/%zu/provider/%s/%s", i,
			 d->by == DDNS_OVH ? "ovh" : "rfc2136", ddns_secret_key(d));
		finding_add(to, &about, NULL, NULL, "%s", why)->whole = true;
	}
}

/* Checks a list that another program keeps. */
static void look_at_list(struct findings *to, const struct service_config *s, size_t service,
			 const char *key, const struct list_config *l)
{
	struct subject about = { .service = s };
	struct list_content content;
	struct nft_set_kind kind;
	int rc = list_read(l, &content, &kind);

	list_keys_free(&content.keys);
	if (!rc || (geteuid() && (rc == -EACCES || rc == -EPERM)))
		return;
	strcpy(about.name, l->name);
	snprintf(about.path, sizeof(about.path), "/services/%zu/%s/%zu", service, key, l->at);
	finding_add(to, &about, NULL, NULL, "cannot be read: %s", list_unread(l, rc));
}

void probe_list(struct facts *f, struct findings *to)
{
	for (size_t i = 0; i < f->config->n_services; i++) {
		const struct service_config *s = &f->config->services[i];

		for (size_t j = 0; j < s->n_allow_lists; j++)
			look_at_list(to, s, i, "allow", &s->allow_lists[j]);
		for (size_t j = 0; j < s->n_deny_lists; j++)
			look_at_list(to, s, i, "deny", &s->deny_lists[j]);
	}
}

void probe_daemon(struct facts *f, struct findings *to)
{
	struct subject about = { .kind = "instance " };

	if (!f->unfollowed)
		return;
	snprintf(about.name, sizeof(about.name), "%s", f->instance);
	finding_add(to, &about, f->start ? xstrdup(f->start) : NULL, "start it (`wgxdp daemon`)",
		    "no daemon runs, and %s needs one", f->unfollowed)->whole = true;
}
