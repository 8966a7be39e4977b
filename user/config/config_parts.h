/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reports errors of a configuration with their place in the file: at() sets the place, and tell()
 * reports an error there. Files of config/ include it.
 */
#pragma once
#include <stdarg.h>
#include "config/config.h"
#include "config/config_check.h"
#include "lib/yaml.h"

struct check {
	const struct config *c;
	config_tell *tell;
	void *data;
	unsigned int errors;
	struct config_place place;
};

static inline void __attribute__((format(printf, 3, 4)))
at(struct check *k, __be16 port, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(k->place.path, sizeof(k->place.path), format, args);
	va_end(args);
	k->place.port = port;
}

static inline void __attribute__((format(printf, 2, 3)))
tell(struct check *k, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	k->tell(k->data, &k->place, text);
	k->errors++;
}

/* ---- blind ---- */

extern const struct yaml_key config_blind_keys[];
yaml_set config_set_port;		/* reads a port into a __be16 at key->offset */

void config_check_blind_values(struct check *k);
void config_check_blind(struct check *k);
void config_put_blind(FILE *out, const struct config *c);

/* ---- flows of a service ---- */

#define SECONDS_MAX 86400

extern const struct yaml_key config_flows_keys[];
/* Appends an address to a list. For invalid text it appends family 0, so that indexes in the list
 * and in the file stay the same: errors of config_check.c use them. */
yaml_set config_add_address;
void config_put_flows(FILE *out, const struct flows_config *f);

/* ---- guard and backends of a service ---- */

#define GUARD_RATE_MAX 1000000 /* highest limit that can be configured, in initiations per second */
#define GUARD_JUNK_MAX 1280		/* most junk bytes in front of a message */

extern const struct yaml_key config_backend_keys[], config_backends_keys[], config_wireguard_keys[];
yaml_set config_set_wireguard;
/* Writes the key wireguard of the service, and the key backends if the service has several
 * backends. */
void config_put_guard(FILE *out, const struct service_config *s);
/* Writes those parts of "ipv4: …, ipv6: …, port: …" that are set: `before`, the first part, and ",
 * " before each further part. */
void config_put_place(FILE *out, const char *before, const char *ipv4, const char *ipv6,
		      __be16 port);
void config_put_standby(FILE *out, const struct backend_config *b);

/* Parts of config_check(): the first checks each value of service i, the second looks for
 * contradictions. */
void config_check_backend_values(struct check *k, size_t i);
void config_check_guard(struct check *k, size_t i);
/* Makes the next error point to "/services/1/backend" or "/services/1/backends/2" and the key
 * `below` in it. */
void config_at_backend(struct check *k, size_t i, size_t backend, const char *below);

/* These are defined in config_check.c and config_write.c. */
void config_check_host(struct check *k, const char *key, const char *text, __u8 family, bool names);
void config_put_text(FILE *out, const char *text);
/* Writes the service's ports, such as "443, 20000-20010": three or more in a row as a range. */
void config_put_ports(FILE *out, const struct service_config *s);

/* ---- the relay: peers, follow, announce and policy ---- */

extern const struct yaml_key config_peer_keys[], config_follow_keys[], config_announce_keys[],
	config_policy_keys[];
yaml_set config_set_policy;		/* sets the defaults of policy, then reads the section */
/* Appends a prefix to a list. For invalid text it appends an empty prefix, so that indexes in the
 * list and in the file stay the same. */
yaml_set config_add_prefix;
yaml_set config_add_ports;	/* appends a range to a list of ports that has none of them */
/* UDP ports that policy allows by default: those of the WireGuard mesh between sites */
extern const struct port_range config_mesh_ports;
/* reads a public key into a struct wg_key at key->offset */
yaml_set config_set_key;

#define TABLE_STRLEN 12
const char *table_format(__u32 table, char buf[TABLE_STRLEN]);

/* Parts of config_check_each(): the first checks each value, the second looks for
 * contradictions. */
void config_check_relay_values(struct check *k);
void config_check_relay(struct check *k);
void config_check_device(struct check *k, const char *key, const char *name, const char *like);
/* Returns false after an error if a peer cannot have this name. "": no name, which is valid. */
bool config_check_peer_name(struct check *k, const char *key, const char *name);

/* ---- dynamic DNS, for the topology too ---- */

extern const struct yaml_key config_ddns_keys[], config_provider_keys[];
yaml_set config_add_ddns;	/* appends an entry of the section ddns */
yaml_set config_set_provider;	/* sets members of a struct ddns_config */
/* appends a struct ddns_text to a list, without a dot at its end */
yaml_set config_add_host_name;
yaml_set config_set_domain;	/* sets a char[256], without a dot at its end */

/* ---- patterns for struct yaml_key ----
 * `wgxdp schema` prints them for texts that a function of their own reads. A pattern matches
 * every text that the function accepts, and few others. */

#define PATTERN_OCTET "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define PATTERN_IPV4 "(" PATTERN_OCTET "[.]){3}" PATTERN_OCTET
#define PATTERN_IPV6 "[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*"
#define PATTERN_ADDRESS PATTERN_IPV4 "|" PATTERN_IPV6
#define PATTERN_PREFIX4 PATTERN_IPV4 "(/([12]?[0-9]|3[0-2]))?"
#define PATTERN_PREFIX6 PATTERN_IPV6 "(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?"
#define PATTERN_PREFIX PATTERN_PREFIX4 "|" PATTERN_PREFIX6
#define PATTERN_LABEL "[0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?"
/* The last label of a name has a character that is not a digit. */
#define PATTERN_DOMAIN "(" PATTERN_LABEL "[.])*" \
	"[0-9]*([A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?|[0-9]-[0-9A-Za-z-]*[0-9A-Za-z])[.]?"
/* An address, or a name with '_' too. */
#define PATTERN_HOST PATTERN_ADDRESS "|([0-9A-Za-z_]([0-9A-Za-z_-]{0,61}[0-9A-Za-z_])?[.])*" \
	"[0-9]*([A-Za-z_]([0-9A-Za-z_-]*[0-9A-Za-z_])?|[0-9]-[0-9A-Za-z_-]*[0-9A-Za-z_])[.]?"
#define PATTERN_ENDPOINT "(" PATTERN_IPV4 "|\\[" PATTERN_IPV6 "\\]):[1-9][0-9]{0,4}"
/* The last character of a key has only four bits of it. */
#define PATTERN_KEY "[0-9A-Za-z+/]{42}[048AEIMQUYcgkosw]="
#define PATTERN_INTERFACE "[!-.0-9;-~]{1,15}"
#define PATTERN_SERVICE "[0-9A-Za-z][0-9A-Za-z_.-]*"
#define PATTERN_PEER "[0-9A-Za-z+/][0-9A-Za-z_.+/-]*"
/* A number, or a range of numbers. */
#define PATTERN_RANGE "0*[1-9][0-9]{0,9}(-0*[1-9][0-9]{0,9})?"
#define PATTERN_PATH "/.*"

/* Members of a row for a port, and for a port or range. */
#define IS_PORT .least = 1, .most = 65535
#define IS_PORTS IS_PORT, .pattern = "[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?"
