/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Prints the difference between two configurations. Commands that change the running configuration
 * include it. It also declares the functions that write single entries as YAML.
 */
#pragma once
#include "config/config.h"

/* Prints the differences in sentences, one a line, such as "service wg-end: backend ipv4
 * 192.168.1.99, was 192.168.1.10". out NULL: only compares. Returns false if there is no
 * difference. */
bool config_changes(const struct config *old, const struct config *new, FILE *out);

/* Returns the text of a configuration file, changed so that it means the configuration `new`: all
 * that is equal keeps its comments, order and spelling. The caller frees the text. Returns NULL if
 * the text is no valid configuration, or has a form in which this is not possible. */
char *config_merge(const char *text, const struct config *new);

const struct interface_config *config_interface_entry(const struct config *c, const char *name);
struct service_config *config_service(const struct config *c, const char *name);
struct peer_config *config_peer(const struct config *c, const char *name);

/* Each config_put_ function writes one entry or section in the form of config_write(). */
void config_put_interface(FILE *out, const struct interface_config *i);
void config_put_service(FILE *out, const struct service_config *s);
void config_put_peer(FILE *out, const struct peer_config *p);
void config_put_follow(FILE *out, const struct config *c);
void config_put_announce(FILE *out, const struct config *c);
void config_put_policy(FILE *out, const struct config *c);
void config_put_exporter(FILE *out, const struct config *c);
