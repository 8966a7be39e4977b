/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements quick_service.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "config/config_check.h"
#include "lib/grow.h"
#include "config/quick_service.h"
#include "lib/log.h"
#include "config/service_args.h"

static void create_service(struct quick_service *l)
{
	l->config = xcalloc(1, sizeof(*l->config));
	l->service = append(l->config->services, l->config->n_services);
	strcpy(l->service->name, "wg-end");
	l->service->backend.port = htons(51820);
}

static int add_interface(struct quick_service *l, const char *name, enum link_role role)
{
	struct interface_config *i;

	if (!*name || strlen(name) >= IFNAMSIZ) {
		log_error("--%s %s: this cannot be the name of an interface: write one such as "
			  "eth0", role_name(role), name);
		return -EINVAL;
	}
	i = append(l->config->interfaces, l->config->n_interfaces);
	strcpy(i->name, name);
	i->role = role;
	return 0;
}

int quick_service_option(struct quick_service *l, enum quick_service_option option, char *argument)
{
	if (!l->config)
		create_service(l);
	switch (option) {
	case QUICK_WAN:
		return add_interface(l, argument, ROLE_WAN);
	case QUICK_LAN:
		return add_interface(l, argument, ROLE_LAN);
	case QUICK_TO:
		return service_backend(&l->service->backend, "--to", argument);
	case QUICK_PORT:
		l->port_said = true;
		return service_ports(l->service, argument);
	case QUICK_NAT:
		return service_nat(l->service, argument);
	case QUICK_OPTIONS:
		break;
	}
	return -EINVAL;
}

struct option_errors {
	const struct config *config;
	const char *command;
	unsigned int reported;
};

/* Reports an error of config_check_each() with the option that caused it. Skips errors of further
 * services and of listen interfaces, which repeat an earlier error. */
static void report_by_option(void *data, const struct config_place *place, const char *text)
{
	struct option_errors *e = data;
	const char *argument = e->command;
	size_t i;

	if (e->reported &&
	    (strstr(place->path, "/listen/interface") ||
	     (!strncmp(place->path, "/services/", 10) && strncmp(place->path, "/services/0/", 12))))
		return;
	e->reported++;
	if (sscanf(place->path, "/interfaces/%zu", &i) == 1)
		argument = e->config->interfaces[i].role == ROLE_WAN ? "--wan" : "--lan";
	else if (strstr(place->path, "/backend"))
		argument = "--to";
	else if (strstr(place->path, "/listen/ports"))
		argument = "--port";
	log_error("%s: %s", argument, without_key(text));
}

int quick_service_finish(struct quick_service *l, const char *command)
{
	struct config *c = l->config;
	struct option_errors errors = { .config = c, .command = command };
	size_t wans = 0;

	if (!*l->service->backend.ipv4 && !*l->service->backend.ipv6) {
		log_error("%s: --to is missing: add the backend's address, --to 192.168.1.10",
			  command);
		return -EINVAL;
	}
	if (l->service->nat != NAT_NONE && !l->port_said)
		*append(l->service->ports, l->service->n_ports) = htons(51820);
	for (size_t i = 0; i < c->n_interfaces; i++) {
		struct service_config *s;
		__be16 *ports;

		if (c->interfaces[i].role != ROLE_WAN)
			continue;
		if (!wans++) {
			strcpy(l->service->listen_interface, c->interfaces[i].name);
			continue;
		}
		s = append(c->services, c->n_services);
		ports = xcalloc(c->services->n_ports + 1, sizeof(*ports));
		*s = c->services[0];
		s->ports = memcpy(ports, s->ports, s->n_ports * sizeof(*ports));
		snprintf(s->name, sizeof(s->name), "wg-end-%zu", wans);
		strcpy(s->listen_interface, c->interfaces[i].name);
	}
	if (!wans) {
		log_error("%s: --wan is missing: add the interface on which clients arrive, --wan "
			  "eth0", command);
		return -EINVAL;
	}
	return config_check_each(c, 0, report_by_option, &errors) ? -EINVAL : 0;
}
