/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The probes. Each makes the findings of one row of findings.def.
 */
#pragma once
#include "findings/facts.h"
#include "lib/memory.h"

#define FINDING(name, check, state, consumers) \
	void probe_##name(struct facts *f, struct findings *to);
#include "findings/findings.def"
#undef FINDING

#define EACH_INTERFACE(f, i) \
	for (const struct interface_fact *i = (f)->interfaces; \
	     i < (f)->interfaces + (f)->n_interfaces; i++)
#define EACH_BACKEND(f, b) \
	for (const struct backend_fact *b = (f)->backends; b < (f)->backends + (f)->n_backends; b++)
