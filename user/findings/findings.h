/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A finding says what is wrong with one object of the configuration on this host. Small functions,
 * the probes, make findings from the facts. `check`, `up`, the states of `show`, the daemon's log
 * and doctor print them: they decide nothing themselves.
 */
#pragma once
#include <stdbool.h>
#include "config/config.h"

enum state {
	STATE_OK,			/* only doctor prints these */
	STATE_WARNING,			/* packets pass */
	STATE_WAITING,			/* no packet passes until this host changes */
	STATE_PROBLEM,			/* no packet passes until the user corrects something */
	STATE_REFUSED			/* the same, and `up` refuses the configuration */
};

/* The consumers. A probe runs for those that its row of findings.def names. */
enum consumer {
	CHECK = 1 << 0,
	UP = 1 << 1,
	HEALTH = 1 << 2,		/* show, metrics, page, and the daemon's log */
	DOCTOR = 1 << 3
};

enum finding_id {
	FINDING_none,			/* doctor's own */
#define FINDING(name, check, state, consumers) FINDING_##name,
#include "findings/findings.def"
#undef FINDING
	FINDING_IDS
};

/* The object of a finding, and where the configuration names it. */
struct subject {
	const char *kind;		/* word before the name in a sentence, such as "backend " */
	char name[256];
	char path[96];			/* such as /services/1/backend/ipv4; "": nowhere */
	const struct service_config *service;	/* service that it belongs to, or NULL */
	/* The packets that it concerns: those on this interface, or to this backend. */
	__u32 ifindex;			/* 0: not an interface; FINDING_EVERYWHERE */
	struct address backend;		/* family 0: not a backend */
};
#define FINDING_EVERYWHERE (~0U)

struct finding {
	enum finding_id id;
	const char *check;		/* one word, such as "route" or "forwarding" */
	enum state state;
	struct subject about;
	__u8 family;			/* it concerns only this family; 0: both */
	/* The fault, as the end of a sentence that begins with the subject: "is down". */
	char *text;
	char *advice;			/* for a person to do, or NULL */
	char *fix;			/* shell command that does it, or NULL */
	bool whole;			/* `text` is a sentence of its own */
};

struct findings {
	struct finding *list;
	size_t n;
	enum consumer to;		/* consumer for which the findings are made */
	enum finding_id now;		/* row whose probe runs */
};

/* Returns whether a fix still has its effect after a reboot: it only writes files or units. */
bool fix_lasts(const char *fix);
/* Returns commands that give a file the output of `command`: owner and mode stay, and the former
 * file gets the name FILE.~1~, FILE.~2~ and so on. No file is overwritten. */
char *fix_file(const char *file, const char *command);

struct facts;
/* Runs the probes of one consumer. */
void findings_make(struct facts *f, enum consumer to, struct findings *ret);
void findings_free(struct findings *l);

/* Adds a finding with the check word and state of the row whose probe runs. fix: allocated, freed
 * with the finding; NULL: none. advice: NULL: none. */
struct finding *finding_add(struct findings *l, const struct subject *about, char *fix,
			    const char *advice, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Returns whether a consumer's findings have this one. */
bool finding_is_for(enum finding_id id, enum consumer to);
/* Returns the first finding that stops all packets which arrive on the interface, or which go to
 * the backend; NULL: none. s NULL: any service. */
const struct finding *finding_on(const struct findings *l, __u32 ifindex, __u8 family);
const struct finding *finding_to(const struct findings *l, const struct service_config *s,
				 const struct address *backend);
/* Returns the first such finding about the interface with this name, which the host may lack. */
const struct finding *finding_at(const struct findings *l, const char *interface);

/* How a text names the subject: "it is down", "10.0.0.1 has no route", "backend 10.0.0.1 has no
 * route", "service wg-end: backend 10.0.0.1 has no route". */
enum finding_style { FINDING_IT, FINDING_NAME, FINDING_KIND, FINDING_LINE };

#define FINDING_LEN 1024
/* Writes the text. advice: adds the advice, after a colon. Returns buf. */
const char *finding_print(const struct finding *f, enum finding_style style, bool advice,
			  char buf[FINDING_LEN]);
/* Writes what `check` prints: the key of the place in the file, the text, and the advice. */
const char *finding_print_at(const struct finding *f, char buf[FINDING_LEN]);
