/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The files that a topology generates: generators fill a set in memory, and the set is then
 * compared with a directory. Every generator includes this header, and so does cmd/cmd_gen.c.
 */
#pragma once
#include <stdio.h>
#include <sys/stat.h>
#include "gen/topology.h"

struct gen_files;
struct gen_keys;

/* Ends the previous file of the set and begins a new one, such as "HOST/etc/radvd.conf", whose
 * content the caller writes to the returned stream. */
FILE *gen_file(struct gen_files *f, mode_t mode, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

struct gen { /* argument of every generator */
	const struct topology *t;
	struct gen_files *files;
	struct gen_keys *keys;
};

/* Return keys in base64. gen_private_key() returns NULL if the topology gives the public key.
 * gen_preshared_key() returns NULL if the topology has no preshared keys. */
const char *gen_private_key(const struct gen *g, const struct topology_host *h, const char *device);
const char *gen_preshared_key(const struct gen *g, const char *one, const char *other);
bool gen_key_is_given(const struct gen *g, const struct topology_host *h, const char *device);
/* Returns the public key of an existing private key. */
struct wg_key gen_public_key(const struct gen *g, const struct topology_host *h,
			     const char *device);

#define WG_ROUTING "wgvpnr01"	/* name of the WireGuard device of relays and edge routers */
#define WG_MESH "wgvpn01"		/* name of the WireGuard device between servers */
#define WG_CLIENTS "wg0" /* name of the WireGuard device of gateways, clients and roaming routers */

/* Returns the MTU of a WireGuard device: the interface's MTU less 80 for each layer, at least 1280.
 * A device with several paths gets the MTU of the narrowest path. gen_mesh_mtu() is for the mesh
 * inside the routing tunnel. */
unsigned int gen_tunnel_mtu(const struct topology *t, const struct topology_host *h);
unsigned int gen_mesh_mtu(const struct topology *t, const struct topology_host *h);
/* Returns the MTU of the WireGuard device between two relays, in bytes. */
unsigned int gen_between_mtu(const struct topology_host *one, const struct topology_host *other);

/* A generator of files. It is called for every host, and writes nothing for a host that needs none
 * of its files. */
typedef void gen_kind(const struct gen *g, const struct topology_host *h);
gen_kind gen_wireguard, gen_bird, gen_nft, gen_radvd, gen_keepalived, gen_networkd, gen_sysctl,
	gen_wgxdp, gen_units, gen_readme, gen_uci;
void gen_zone(const struct gen *g);
void gen_prometheus(const struct gen *g);
void gen_rollout(const struct gen *g);

/* Modes of gen_hosts(). It and gen_config_nft() return the exit codes of `wgxdp gen hosts` and
 * `wgxdp gen nft`. */
enum gen_how {
	GEN_WRITE,	/* writes files; gen_files_bring() says what it does with edits by hand */
	GEN_REPLACE,			/* writes files, and undoes edits by hand */
	GEN_CHECK, GEN_DIFF,		/* print what would change, and write nothing */
};
#define GEN_WRITES(how) ((how) <= GEN_REPLACE)
int gen_hosts(const char *topology, const char *directory, enum gen_how how);
int gen_config_nft(const char *instance, const char *file);
