/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Services of a configuration as nftables rules, one function for each chain of `gen nft`. If
 * nftables cannot do something, that becomes a comment and a warning on standard error.
 * gen_config_nft.c includes it.
 */
#pragma once
#include "plan/resolved_backends.h"
#include "gen/nft.h"

struct nft_config {
	const struct config *config;
	const struct resolved_backends *answers; /* addresses of all backends */
	/* Interfaces with the role wan or lan, as config_interface() returns them. */
	struct nft_devices wans, lans;
};

/* Write a service's part of the ruleset: nft_service_notes() comments about what nftables cannot
 * do, the other functions one rule for each path by which packets of the service arrive. */
void nft_service_notes(FILE *out, const struct nft_config *n, const struct service_config *s);
void nft_service_sets(FILE *out, const struct nft_config *n, const struct service_config *s);
void nft_service_clients(FILE *out, const struct nft_config *n, const struct service_config *s);
void nft_service_prerouting(FILE *out, const struct nft_config *n, const struct service_config *s);
void nft_service_forward(FILE *out, const struct nft_config *n, const struct service_config *s);
void nft_service_postrouting(FILE *out, const struct nft_config *n, const struct service_config *s);

/* Writes what nftables cannot do as a comment in the ruleset, and prints it as a warning. service:
 * the name of the service that needs it; NULL: no single service does. */
void nft_cannot(FILE *out, const char *service, const char *text);
