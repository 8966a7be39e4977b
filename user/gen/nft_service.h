/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Services of a configuration as rules of nftables: what each chain of `gen nft` says of one. What cannot be said in nftables
 * stands in a comment, and in a warning on standard error.
 */
#pragma once
#include "plan/answers.h"
#include "gen/nft.h"

struct nft_config {
	const struct config *config;
	const struct answers *answers;		/* every backend has an address */
	struct nft_devices wans, lans;		/* as config_interface() knows them */
};

/* What clients' packets may be before anything is translated: so many rules for each service as there are ways in */
void nft_service_notes(FILE *out, const struct nft_config *n, const struct service_config *s);
void nft_service_sets(FILE *out, const struct nft_config *n, const struct service_config *s);
void nft_service_clients(FILE *out, const struct nft_config *n, const struct service_config *s);
void nft_service_prerouting(FILE *out, const struct nft_config *n, const struct service_config *s);
void nft_service_forward(FILE *out, const struct nft_config *n, const struct service_config *s);
void nft_service_postrouting(FILE *out, const struct nft_config *n, const struct service_config *s);

/* In a comment, and as a warning about what; NULL: of no service */
void nft_cannot(FILE *out, const char *service, const char *text);
