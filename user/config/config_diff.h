/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The difference between two configurations for a person: the lines of config_write() that go and
 * that come. Commands that change the running configuration include it. It also declares the
 * writers of single entries.
 */
#pragma once
#include "config/config.h"

/* Prints the difference. False: there is none. */
bool config_diff(const struct config *old, const struct config *new, FILE *out);
/* The same in sentences, a line each: "service wg-end: backend ipv4 192.168.1.99, was
 * 192.168.1.10". A mark of a change by hand is no difference. */
bool config_changes(const struct config *old, const struct config *new, FILE *out);
/* The same of the services and peers that `old` has, or has removed, by hand */
bool config_undoes(const struct config *old, const struct config *new, FILE *out);

struct service_config *config_service(const struct config *c, const char *name);
struct peer_config *config_peer(const struct config *c, const char *name);

/* Write one entry as config_write() does. */
void config_put_interface(FILE *out, const struct interface_config *i);
void config_put_service(FILE *out, const struct service_config *s);
void config_put_peer(FILE *out, const struct peer_config *p);
void config_put_follow(FILE *out, const struct config *c);
void config_put_announce(FILE *out, const struct config *c);
void config_put_policy(FILE *out, const struct config *c);
void config_put_exporter(FILE *out, const struct config *c);
