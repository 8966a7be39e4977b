/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What stands in a host's README besides the list of its files.
 */
#pragma once
#include "gen/gen.h"

/* Whether the host has that file, or one below, if it ends in / */
bool gen_readme_has(const struct gen *g, const struct topology_host *h, const char *path);
/* Whether its file of WireGuard names DNS servers, for which wg-quick needs resolvconf */
bool gen_readme_dns(const struct gen *g, const struct topology_host *h);

void gen_readme_head(FILE *out, const struct topology *t, const struct topology_host *h);
/* Of who keeps his private key for himself: how it is made, and where it lies */
void gen_readme_key(FILE *out, const struct gen *g, const struct topology_host *h);
void gen_readme_openwrt(FILE *out, const struct gen *g, const struct topology_host *h);
/* Of clients: phones */
void gen_readme_app(FILE *out, const struct gen *g, const struct topology_host *h);
void gen_readme_verify(FILE *out, const struct gen *g, const struct topology_host *h);
