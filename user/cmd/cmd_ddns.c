/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp ddns: addresses of this host into DNS, once. No BPF, and no instance, has a part in it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "cmd/command.h"
#include "ddns/ddns.h"
#include "ddns/ddns_import.h"
#include "lib/log.h"

const char ddns_help[] =
	"[-c FILE | --import FILE [--print]] [--dry-run]\n\n"
	"Writes the addresses of an interface into DNS, as section ddns says, where something else is there. Nothing need be up.\n"
	"Exit status: 0 written, or nothing to write; 1 failed; 2 there is no address that may be published, and no record of it\n"
	"was touched; 64 usage, or a file that cannot be read or is invalid.\n\n"
	"  -c, --config FILE  default " CONFIG_DEFAULT "; - is standard input\n"
	"      --import FILE  instead: a shell-style file with OVH_*, RECORD_FQDNS, TTL and IFACE, which is read, not run\n"
	"      --print        only print the section ddns that says the same as that file\n"
	"      --dry-run      say what would be written\n";

struct arguments {
	const char *file, *import;
	bool print, dry_run;
};

enum { OPT_IMPORT = 256, OPT_PRINT, OPT_DRY_RUN };

static int take_option(struct arguments *a, int option, char **argv)
{
	switch (option) {
	case 'c':
		a->file = optarg;
		return 0;
	case OPT_IMPORT:
		a->import = optarg;
		return 0;
	case OPT_PRINT:
		a->print = true;
		return 0;
	case OPT_DRY_RUN:
		a->dry_run = true;
		return 0;
	}
	option_error("ddns", option, argv);
	return -EINVAL;
}

static int parse(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "import", required_argument, NULL, OPT_IMPORT },
		{ "print", no_argument, NULL, OPT_PRINT }, { "dry-run", no_argument, NULL, OPT_DRY_RUN }, { 0 },
	};
	int option, rc = 0;

	opterr = 0;
	while (!rc && (option = getopt_long(argc, argv, ":c:", options, NULL)) != -1)
		rc = take_option(a, option, argv);
	if (rc)
		return rc;
	if (optind < argc)
		log_error("ddns: %s: not an option; a file is named by -c or --import", argv[optind]);
	else if (a->file && a->import)
		log_error("ddns: -c and --import: one of them is wanted");
	else if (a->print && !a->import)
		log_error("ddns: --print: it prints what --import reads, which is missing");
	else
		return 0;
	return -EINVAL;
}

static enum ddns_status carry_out(const struct config *c, bool dry_run)
{
	enum ddns_status status = DDNS_DONE;

	for (size_t i = 0; i < c->n_ddns; i++) {
		struct ddns_run run = { .config = &c->ddns[i], .dry_run = dry_run };

		ddns_carry_out(&run);
		ddns_tell(&run);
		if (run.status == DDNS_FAILED || status == DDNS_DONE)
			status = run.status;
		ddns_free(&run);
	}
	return status;
}

static enum ddns_status print(const struct config *c)
{
	config_put_ddns(stdout, c);
	return fflush(stdout) || ferror(stdout) ? DDNS_FAILED : DDNS_DONE;
}

int cmd_ddns(const struct global *g, int argc, char **argv)
{
	struct arguments a = { 0 };
	struct config *c = NULL;
	enum ddns_status status = DDNS_USAGE;
	const char *file;

	if (parse(&a, argc, argv))
		return DDNS_USAGE;
	file = a.import ?: a.file ?: CONFIG_DEFAULT;
	if (a.import ? ddns_import(file, &c) : config_read(file, &c))
		return DDNS_USAGE;
	if (!c->n_ddns)
		log_error("%s: it has no section ddns, as ddns: { interface: ens18, names: [ wg-end.example.net ], provider: … }", file);
	else if (a.print)
		status = print(c);
	else
		status = carry_out(c, a.dry_run);
	config_free(c);
	return status;
}
