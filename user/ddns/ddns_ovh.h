/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How OVH's API wants a request signed.
 */
#pragma once
#include "ddns/ddns_import.h"

#define OVH_SIGNATURE_LEN 44		/* "$1$", 40 digits, and the zero */

int ovh_sign(const struct ovh_credentials *keys, const char *method, const char *url, const char *body, long when,
	     char ret[OVH_SIGNATURE_LEN]);
