/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What is not there yet says so.
 */
#include <errno.h>
#include "command.h"
#include "gen.h"
#include "log.h"

__attribute__((weak)) int topology_read(const char *file, struct topology **ret)
{
	log_error("%s: topologies are not read yet", file);
	return -EINVAL;
}

__attribute__((weak)) void topology_free(struct topology *t)
{
}

__attribute__((weak)) int topology_assign(struct topology *t, struct topology_state *s)
{
	return -EINVAL;
}

__attribute__((weak)) int topology_state_parse(const char *text, const char *name, struct topology_state *ret)
{
	return -EINVAL;
}

__attribute__((weak)) int topology_state_write(const struct topology_state *s, FILE *out)
{
	return -EINVAL;
}

__attribute__((weak)) void topology_state_free(struct topology_state *s)
{
}

__attribute__((weak)) unsigned int gen_tunnel_mtu(const struct topology *t, const struct topology_host *h)
{
	return h->mtu - 80;
}
