/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp ddns: writes addresses of this host into DNS, once. It needs no instance and no BPF.
 */
#include <errno.h>
#include "cmd/command.h"
#include "ddns/ddns.h"
#include "lib/log.h"

struct arguments {
	const char *file, *import;
	bool print, dry_run;
};

static int parse(struct arguments *a, int argc, char **argv)
{
	if (!options_parse(&ddns_command, argc, argv, a, NULL))
		return -EINVAL;
	if (a->file && a->import)
		log_error("ddns: -c cannot be used together with --import: leave out one or the other");
	else if (a->print && !a->import)
		log_error("ddns: --print works only with --import: add --import FILE");
	else
		return 0;
	return -EINVAL;
}

static enum ddns_status carry_out(const struct config *c, const char *instance, bool dry_run)
{
	enum ddns_status status = DDNS_DONE;

	for (size_t i = 0; i < c->n_ddns; i++) {
		struct ddns_run run = { .config = &c->ddns[i], .instance = instance,
					.dry_run = dry_run };

		ddns_carry_out(&run);
		ddns_tell(&run);
		if (run.status == DDNS_FAILED || status == DDNS_DONE)
			status = run.status;
	}
	return status;
}

static int run_ddns(const struct global *g, int argc, char **argv)
{
	struct arguments a = { 0 };
	struct config *c = NULL;
	const char *file;

	if (parse(&a, argc, argv))
		return DDNS_USAGE;
	file = a.import ?: a.file ?: g->config;
	if (a.import ? ddns_import(file, &c) : config_read(file, &c))
		return DDNS_USAGE;
	if (!c->n_ddns) {
		log_error("%s: the section ddns is missing: add one, such as ddns: { interface: ens18, names: [ wg-end.example.net ], provider: … }",
			  file);
		return DDNS_USAGE;
	}
	if (!a.print)
		return carry_out(c, g->instance, a.dry_run);
	config_put_ddns(stdout, c);
	return fflush(stdout) || ferror(stdout) ? DDNS_FAILED : DDNS_DONE;
}

static const struct command_option options[] = {
	CONFIG_OPTION(offsetof(struct arguments, file)),
	{ 0, "import", "FILE", offsetof(struct arguments, import),
	  "read a shell-style file with OVH_*, RECORD_FQDNS, TTL and IFACE instead of a configuration, without running it",
	  .values = "@file" },
	{ 0, "print", NULL, offsetof(struct arguments, print),
	  "only print that file as a section ddns" },
	{ 0, "dry-run", NULL, offsetof(struct arguments, dry_run),
		"print the records that would be written, and write none" },
	{ 0 },
};

const struct command ddns_command = {
	.name = "ddns",
	.summary = "write this host's addresses into DNS",
	.usage = "[-c FILE | --import FILE [--print]] [--dry-run]",
	.about = "Writes the addresses of an interface into DNS, if DNS has other ones. The section ddns of the configuration says which. Neither `up` nor the daemon needs to run.\nExit status 0: the records are right. 1: the update failed. 2: the interface has no public address, and no record was changed. 64: wrong usage, or a file that cannot be read or is invalid.",
	.run = run_ddns,
	.options = options,
};
