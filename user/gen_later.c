/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What is not there yet says so.
 */
#include "gen.h"

__attribute__((weak)) unsigned int gen_tunnel_mtu(const struct topology *t, const struct topology_host *h)
{
	return h->mtu - 80;
}
