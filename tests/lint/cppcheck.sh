#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# `cppcheck` warns about nothing in the program's sources, except the lines of tests/lint/cppcheck.suppress, which
# have reasons. It skips no file for unknown syntax, and finds a mistake in a copy of a file. BREAK=1 puts that
# mistake into the sources.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mapfile -t defines < <(sed -nE 's/^WITH_([A-Z]+) \?= 1$/-DWITH_\1/p' Makefile)
((${#defines[@]} >= 7)) || { echo "only ${#defines[@]} optional libraries in the Makefile"; exit 1; }
for library in LDNS NCURSES CURL CRYPTO; do defines+=("-D${library}_SONAME=\"\""); done
look() { # FILE...
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --library=gnu --suppressions-list=tests/lint/cppcheck.suppress \
		--include=tests/lint/cppcheck.h -Iinclude -Iuser -D_GNU_SOURCE -DVERSION='""' "${defines[@]}" \
		--template='{file}:{line}: {severity} {id}: {message}' "$@"
}

sed 's/^#include "lib.addr.h"/&\nstatic const char *none(int n) { char t[4]; t[n] = 0; t[4] = 0; return t; }/' user/lib/addr.c > "$work/addr.c"
! cmp -s user/lib/addr.c "$work/addr.c" || { echo 'the mistake is not in the copy'; exit 1; }
! look "$work/addr.c" > "$work/said" 2>&1 || { echo 'it does not find a mistake'; exit 1; }
grep -q arrayIndexOutOfBounds "$work/said" || { echo "it finds another mistake: $(< "$work/said")"; exit 1; }

sources=(user/*/*.c)
[[ ! ${BREAK:-} ]] || sources=("$work/addr.c" user/lib/addr.c)
look "${sources[@]}"
echo "${#sources[@]} files, and nothing found"
