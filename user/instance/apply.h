/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * apply: from a checked configuration to the running instance, and what to say of it.
 */
#pragma once
#include "config/config.h"

/* Loads, attaches and fills, or brings what runs to the configuration, and writes that to running.yaml: all of it or nothing. What is not there yet waits, and
 * is told as a warning. The caller holds the instance's lock (state_lock). Says on standard output which port got what. 0 or
 * -errno, told. */
int apply(const char *instance, const struct config *c);

/* The same where a daemon follows what changes from now on: answers are what it knows of the configuration's names, and only
 * those of which nothing is known are waited for */
struct answers;
int apply_followed(const char *instance, const struct config *c, struct answers *answers);

/* The daemon's passes, on the kernel's word: a service or a device that this host has brought into contradiction (an address
 * that two services now listen on, a device that another program has) is told and left out, and all others go on. */
int apply_follow(const char *instance, const struct config *c, struct answers *answers);

/* Seconds until another apply() would take away what answers of former backends are translated by; 0: there is none */
unsigned int apply_due(const char *instance);

/* Now and then, by the daemon: dataplane_sweep_flows() */
void apply_sweep(const char *instance);

/* rc, which is told where it is -ENOMEM */
int apply_memory(const char *instance, int rc);
