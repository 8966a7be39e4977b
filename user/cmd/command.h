/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The commands of wgxdp, one file a group; main.c has their table. A command gets what follows its name and returns the
 * program's exit code.
 */
#pragma once
#include "dataplane/pins.h"
#include "lib/exit.h"

struct global {
	const char *instance;		/* --instance, valid */
};

struct command {
	const char *name;
	int (*run)(const struct global *g, int argc, char **argv);	/* argv[0] is the name */
	const char *summary;
	const char *help;		/* what follows "Usage: wgxdp NAME " */
};

int cmd_up(const struct global *g, int argc, char **argv);
int cmd_ddns(const struct global *g, int argc, char **argv);
int cmd_down(const struct global *g, int argc, char **argv);
int cmd_daemon(const struct global *g, int argc, char **argv);
int cmd_show(const struct global *g, int argc, char **argv);
int cmd_check(const struct global *g, int argc, char **argv);
int cmd_doctor(const struct global *g, int argc, char **argv);
int cmd_reload(const struct global *g, int argc, char **argv);
int cmd_service(const struct global *g, int argc, char **argv);
int cmd_peer(const struct global *g, int argc, char **argv);
int cmd_route(const struct global *g, int argc, char **argv);
int cmd_endpoint(const struct global *g, int argc, char **argv);
int cmd_flow(const struct global *g, int argc, char **argv);
int cmd_gen(const struct global *g, int argc, char **argv);
int cmd_knock(const struct global *g, int argc, char **argv);
int cmd_mtu(const struct global *g, int argc, char **argv);
int cmd_monitor(const struct global *g, int argc, char **argv);
int cmd_trace(const struct global *g, int argc, char **argv);
int cmd_save(const struct global *g, int argc, char **argv);
int cmd_top(const struct global *g, int argc, char **argv);

/* Tells what getopt_long() refused: it returned ':' or '?', with opterr 0 and a short list that begins with ':' */
void option_error(const char *command, int returned, char **argv);

extern const char up_help[], daemon_help[], down_help[], show_help[], check_help[], reload_help[], save_help[], service_help[],
	endpoint_help[], peer_help[], route_help[], flow_help[], monitor_help[], knock_help[], ddns_help[],
	gen_help[], mtu_help[], top_help[], trace_help[], doctor_help[];
