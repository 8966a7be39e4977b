/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Services of a configuration as nftables rules, one function for each chain of `gen nft`. What
 * nftables cannot do becomes a comment and a warning on standard error. For gen_config_nft.c.
 */
#pragma once
#include "plan/resolved_backends.h"
#include "gen/nft.h"

struct nft_config {
	const struct config *config;
	const struct resolved_backends *answers; /* has an address for every backend */
	struct nft_devices wans, lans;		/* as config_interface() returns them */
};

/* Writes one rule for each way that the service's packets come in */
void nft_service_notes(FILE *out, const struct nft_config *n, const struct service_config *s);
void nft_service_sets(FILE *out, const struct nft_config *n, const struct service_config *s);
void nft_service_clients(FILE *out, const struct nft_config *n, const struct service_config *s);
void nft_service_prerouting(FILE *out, const struct nft_config *n, const struct service_config *s);
void nft_service_forward(FILE *out, const struct nft_config *n, const struct service_config *s);
void nft_service_postrouting(FILE *out, const struct nft_config *n, const struct service_config *s);

/* Writes a comment and a warning; service may be NULL */
void nft_cannot(FILE *out, const char *service, const char *text);
