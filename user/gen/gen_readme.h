/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The parts of a host's README besides its list of files. For gen_readme.c.
 */
#pragma once
#include "gen/gen.h"

/* Whether the host has that file, or a file below it if it ends in / */
bool gen_readme_has(const struct gen *g, const struct topology_host *h, const char *path);
/* Whether its WireGuard file names DNS servers: then wg-quick needs resolvconf */
bool gen_readme_dns(const struct gen *g, const struct topology_host *h);

void gen_readme_head(FILE *out, const struct topology *t, const struct topology_host *h);
/* For a host that keeps its private key itself: how to make it, and where to put it */
void gen_readme_key(FILE *out, const struct gen *g, const struct topology_host *h);
void gen_readme_openwrt(FILE *out, const struct gen *g, const struct topology_host *h);
/* For clients: phones */
void gen_readme_app(FILE *out, const struct gen *g, const struct topology_host *h);
void gen_readme_verify(FILE *out, const struct gen *g, const struct topology_host *h);
