/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Computes the signature of a request to OVH's API. ddns_ovh.c and unit tests include it.
 */
#pragma once
#include "ddns/ddns_import.h"

#define OVH_SIGNATURE_LEN 44		/* "$1$", 40 hexadecimal digits and '\0' */

/* Signs a request to OVH's API. when: seconds since 1970 by the API's clock. Returns 0, -ENOMEM or
 * -ENOTSUP. */

int ovh_sign(const struct ovh_credentials *keys, const char *method, const char *url,
	     const char *body, long when, char ret[OVH_SIGNATURE_LEN]);
