/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Changes to the running relay.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "instance/apply.h"
#include "config/config_check.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "cmd/peer_edit.h"
#include "instance/running.h"
#include "config/service_args.h"
#include "instance/state.h"

int peer_add_prefix(struct peer_config *p, const struct prefix *prefix)
{
	struct prefix *place = append(p->prefixes, p->n_prefixes);

	if (place)
		*place = *prefix;
	return place ? 0 : -ENOMEM;
}

int peer_parse_prefix(const char *what, const char *text, struct prefix *ret)
{
	const char *why = prefix_wrong(text);

	if (why)
		log_error("%s: '%s' %s", what, text, why);
	return why ? -EINVAL : prefix_parse(text, ret);
}

/* Reports an error of the configuration by the option of `peer` that caused it */
static void tell_argument(void *data, const struct config_place *place, const char *text)
{
	const struct peer_edit *e = data;
	const char *option = strcmp(e->command, "peer") ? "" :
			     strstr(place->path, "/prefixes") ? "--prefix: " :
			     strstr(place->path, "/public-key") ? "--public-key: " :
			     strstr(place->path, "/device") ? "--device: " : "";

	log_error("%s %s %s: %s%s", e->command, e->verb, e->name, option, without_key(text));
}

int peer_edit(const struct global *g, struct peer_edit *e)
{
	struct config *c = NULL;
	int lock = state_lock(g->instance), status = EXIT_FAILED;

	if (lock < 0 || running_read(g->instance, &c) || e->edit(e, c, g->instance))
		goto cleanup;
	status = EXIT_USAGE;
	if (config_check_each(c, 0, tell_argument, e))
		goto cleanup;
	status = apply(g->instance, c) ? EXIT_FAILED : EXIT_DONE;
cleanup:
	if (lock >= 0)
		close(lock);
	config_free(c);
	return status;
}
