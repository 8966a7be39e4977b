/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files made from a topology: a set in memory, which is then compared with a directory. One generator a kind of file.
 */
#pragma once
#include <stdio.h>
#include <sys/stat.h>
#include "gen/topology.h"

struct gen_files;

/* Begins a file, "HOST/etc/radvd.conf", and ends the one before; what is written to the stream is its text. Never NULL: memory that runs
 * out shows at the end. */
FILE *gen_file(struct gen_files *f, mode_t mode, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* What is written is not whole, for memory ran out */
void gen_no_memory(struct gen_files *f);

struct gen {				/* what generators get */
	const struct topology *t;
	struct gen_files *files;
	/* base64; NULL where there is none (given by public-key, or no preshared keys) */
	const char *(*private_key)(const struct gen *g, const struct topology_host *h, const char *device);
	const char *(*preshared_key)(const struct gen *g, const char *one, const char *other);
	struct wg_key (*public_key)(const struct gen *g, const struct topology_host *h, const char *device);	/* of a private one that there is */
	void *data;
};

#define WG_ROUTING "wgvpnr01"		/* WireGuard devices: of relays and edges, */
#define WG_MESH "wgvpn01"		/* from server to server, */
#define WG_CLIENTS "wg0"		/* of gateways, clients and roaming routers */

/* MTU of the routing tunnel, or of a gateway's or client's, and of the mesh in the former: the interface's - 80 for each layer, never below
 * 1280. Of who has one device for several ways that of the narrowest. */
unsigned int gen_tunnel_mtu(const struct topology *t, const struct topology_host *h);
unsigned int gen_mesh_mtu(const struct topology *t, const struct topology_host *h);
unsigned int gen_between_mtu(const struct topology_host *one, const struct topology_host *other);	/* of relays' own tunnel */

/* Called for every host; makes nothing for one that has no such file */
typedef void gen_kind(const struct gen *g, const struct topology_host *h);
gen_kind gen_wireguard, gen_bird, gen_nft, gen_radvd, gen_keepalived, gen_networkd, gen_sysctl, gen_wgxdp, gen_units, gen_readme, gen_qr, gen_uci;
void gen_zone(const struct gen *g);
void gen_prometheus(const struct gen *g);

/* wgxdp gen hosts and wgxdp gen nft: their exit codes */
enum gen_how { GEN_WRITE, GEN_CHECK, GEN_DIFF };
int gen_hosts(const char *topology, const char *directory, enum gen_how how);
int gen_config_nft(const char *instance, const char *file);
