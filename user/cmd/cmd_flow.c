/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp flow: ends flows of masquerading services. A client that continues to send gets a new flow,
 * perhaps with another port.
 */
#include <errno.h>
#include "cmd/command.h"
#include "dataplane/dataplane.h"
#include "lib/file.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "instance/run_state.h"

struct endpoint {
	struct address address;		/* the client's address; family 0: not given */
	__be16 port;			/* the client's port; 0: any */
};

struct arguments {
	const char *service;
	struct endpoint client, ours;
	bool all;
};

static int parse_client(void *member, const struct command_option *o, char *value)
{
	struct endpoint *e = member;

	return !address_parse(value, &e->address) ||
	       !endpoint_parse(value, &e->address, &e->port) ? 0 :
	       option_wrong(o, value, "this is neither an address nor an address and port: write 203.0.113.7 or [2001:db8::7]:51820");
}

static int parse_ours(void *member, const struct command_option *o, char *value)
{
	struct endpoint *e = member;

	return !endpoint_parse(value, &e->address, &e->port) ? 0 :
	       option_wrong(o, value, "this is not an address and a port: write both, 192.168.1.1:20000 or [2001:db8::1]:20000");
}

static int parse(struct arguments *a, int argc, char **argv)
{
	int n;
	char **words = options_parse(&flow_command, argc, argv, a, &n);
	bool chosen = a->service || a->client.address.family || a->ours.address.family;

	if (!words || !command_word(&flow_command, words))
		return -EINVAL;
	if (n > 1)
		log_error("flow del: %s: this is not an option: `wgxdp flow --help` lists the options", words[1]);
	else if (!chosen && !a->all)
		log_error("flow del: say which flows to delete: --service NAME, --client ADDRESS, --ours ADDRESS:PORT, or --all");
	else if (chosen && a->all)
		log_error("flow del: --all cannot be used together with other options");
	else
		return 0;
	return -EINVAL;
}

/* ---- deletion ---- */

struct found {
	const struct arguments *a;
	__u32 id;			/* id of the service that the user named */
	struct flow_entry *entries;
	size_t n;
};

static bool endpoint_matches(const struct endpoint *e, const struct addr *a, __u8 family,
			     __be16 port)
{
	return !e->address.family || (address_equal(&e->address, &(struct address){ *a, family }) &&
				      (!e->port || e->port == port));
}

static int collect_flow(void *data, const struct flow_entry *e)
{
	const struct flow *flow = &e->flow;
	struct found *f = data;

	if ((f->a->service && flow->id != f->id) ||
	    !endpoint_matches(&f->a->client, &flow->client, flow->client_family,
			      flow->client_port) ||
	    !endpoint_matches(&f->a->ours, &flow->own, flow->family, flow->own_port))
		return 0;
	*append(f->entries, f->n) = *e;
	return 0;
}

static int find_service(const struct dataplane *dp, const char *name, __u32 *ret)
{
	struct service_name *names = NULL;
	size_t n = 0, id = 0;
	int rc = dataplane_names(dp, &names, &n);

	if (rc) {
		log_error("cannot read the maps of instance %s: %s", dp->instance, strerror(-rc));
		return rc;
	}
	while (id < n && strcmp(names[id].name, name))
		id++;
	if (!*name || id == n) {
		log_error("flow del --service %s: there is no such service: `wgxdp show services` lists the services",
			  name);
		rc = -ENOENT;
	}
	*ret = id;
	return rc;
}

static int delete_flows(const struct dataplane *dp, const struct arguments *a)
{
	struct found f = { .a = a };
	size_t deleted = 0;
	int rc = a->service ? find_service(dp, a->service, &f.id) : 0;

	if (rc)
		return rc;
	rc = dataplane_flows(dp, collect_flow, &f);
	if (rc)
		log_error("cannot read the maps of instance %s: %s", dp->instance, strerror(-rc));
	for (size_t i = 0; i < f.n && !rc; i++)
		deleted += dataplane_flow_delete(dp, &f.entries[i]);
	if (!rc && !deleted) {
		log_error("flow del: no flow matches: `wgxdp show flows` lists the flows");
		rc = -ENOENT;
	}
	if (!rc)
		log_info("%zu %s deleted", deleted, deleted == 1 ? "flow" : "flows");
	return rc;
}

static int run_flow(const struct global *g, int argc, char **argv)
{
	struct dataplane *dp = NULL;
	struct arguments a = { 0 };
	int lock, rc;

	if (parse(&a, argc, argv))
		return EXIT_USAGE;
	lock = run_state_lock(g->instance);
	rc = lock < 0 ? lock : running_open(g->instance, &dp) ?: delete_flows(dp, &a);
	fd_close(lock);
	return rc ? EXIT_FAILED : EXIT_DONE;
}

static const struct command_option options[] = {
	{ 0, "service", "NAME", offsetof(struct arguments, service),
	  "only flows of this service", .values = "@service" },
	{ 0, "client", "ADDRESS[:PORT]", offsetof(struct arguments, client),
	  "only flows of this client; put an IPv6 address with a port in brackets", parse_client },
	{ 0, "ours", "ADDRESS:PORT", offsetof(struct arguments, ours),
	  "only the flow to which the backend replies at this address and port", parse_ours },
	{ 0, "all", NULL, offsetof(struct arguments, all), "all flows" },
	{ 0 },
};

const struct command flow_command = {
	.name = "flow",
	.summary = "end flows of clients of services with nat: masquerade",
	.usage = "del [--service NAME] [--client ADDRESS[:PORT]] [--ours ADDRESS:PORT]\ndel --all",
	.about = "Ends the flows that match all options, and prints how many. A client that continues to send gets a new flow.",
	.run = run_flow,
	.options = options,
	.words = (const struct command_word[]){ { "del" }, { 0 } },
};
