/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * DIR/prometheus/wgxdp.yaml: whom Prometheus asks, for its file_sd_configs.
 */
#include <arpa/inet.h>
#include "gen_host.h"

void gen_prometheus(const struct gen *g)
{
	static const char *const roles[] = { [ROLE_RELAY] = "relay", [ROLE_GATEWAY] = "gateway", [ROLE_FIREWALL] = "firewall" };
	const struct topology *t = g->t;
	FILE *out = gen_file(g->files, 0644, "prometheus/wgxdp.yaml");
	char text[ADDRESS_STRLEN];
	bool any = false;

	fputs("# made by `wgxdp gen hosts`: file_sd_configs: [ { files: [ …/wgxdp.yaml ] } ]\n", out);
	for (const struct topology_host *h = t->hosts; h < t->hosts + t->n_hosts; h++) {
		struct address at = gen_exporter(h);

		if (!gen_runs_wgxdp(t, h))
			continue;
		if (!at.family) {
			fprintf(out, "# %s has no address inside: its metrics are on that host alone, at 127.0.0.1:%d\n", h->name, GEN_EXPORTER_PORT);
			continue;
		}
		fprintf(out, "- targets: [ \"%s\" ]\n  labels: { host: \"%s\", role: %s }\n", endpoint_format(&at, htons(GEN_EXPORTER_PORT), text),
			h->name, roles[h->role]);
		any = true;
	}
	if (!any)
		fputs("[]\n", out);
}
