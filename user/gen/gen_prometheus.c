/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * DIR/prometheus/wgxdp.yaml: Prometheus' targets, for its file_sd_configs.
 */
#include <arpa/inet.h>
#include "gen/gen_host.h"

static void target(FILE *out, const struct topology_host *h)
{
	static const char *const roles[] = { [ROLE_RELAY] = "relay", [ROLE_GATEWAY] = "gateway",
					     [ROLE_FIREWALL] = "firewall" };
	struct address at = gen_exporter(h);
	char text[ADDRESS_STRLEN];

	if (at.family)
		fprintf(out, "- targets: [ \"%s\" ]\n  labels: { host: \"%s\", role: %s }\n",
			endpoint_format(&at, htons(GEN_EXPORTER_PORT), text), h->name,
			roles[h->role]);
	else
		fprintf(out, "# %s has no address inside: its metrics are on that host alone, at "
			"127.0.0.1:%d\n", h->name, GEN_EXPORTER_PORT);
}

void gen_prometheus(const struct gen *g)
{
	const struct topology *t = g->t;
	bool any = false;
	FILE *out = NULL;

	for_each_host(h, t) {
		if (!gen_runs_wgxdp(t, h))
			continue;
		if (!out) {
			out = gen_file(g->files, 0644, "prometheus/wgxdp.yaml");
			fputs("# made by `wgxdp gen hosts`: file_sd_configs: [ { files: [ "
			      "…/wgxdp.yaml ] } ]\n", out);
		}
		target(out, h);
		any |= gen_exporter(h).family;
	}
	if (out && !any)
		fputs("[]\n", out);
}
