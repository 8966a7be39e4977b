/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The signature of a request to OVH's API. For ddns_ovh.c and unit tests.
 */
#pragma once
#include "ddns/ddns_import.h"

#define OVH_SIGNATURE_LEN 44		/* "$1$", 40 digits and '\0' */

/* when: the API's time, in seconds since 1970. 0, -ENOMEM or -ENOTSUP */

int ovh_sign(const struct ovh_credentials *keys, const char *method, const char *url,
	     const char *body, long when, char ret[OVH_SIGNATURE_LEN]);
