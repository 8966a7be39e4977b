#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# timeout: 300
# `cppcheck` warns about nothing in the program's sources, except the lines of tests/lint/cppcheck.suppress, which
# have reasons. It skips no file for unknown syntax, and finds a mistake in a copy of a file. BREAK=1 puts that
# mistake into the sources.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mapfile -t defines < <(sed -nE 's/^WITH_([A-Z]+) \?= 1$/-DWITH_\1/p' Makefile)
((${#defines[@]} >= 3)) || { echo "only ${#defines[@]} optional libraries in the Makefile"; exit 1; }
look() { # FOLDER FILE...: cppcheck keeps its results below FOLDER, and analyses only files that changed since
	mkdir -p "$1"
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --library=gnu --suppressions-list=tests/lint/cppcheck.suppress \
		--include=tests/lint/cppcheck.h -Iinclude -Iuser -D_GNU_SOURCE -DVERSION='""' "${defines[@]}" --cppcheck-build-dir="$1" \
		--template='{file}:{line}: {severity} {id}: {message}' "${@:2}"
}

cp user/lib/addr.c "$work/addr.c"
look "$work/kept" "$work/addr.c" || { echo 'it finds something in the copy'; exit 1; }
sed -i 's/^#include "lib.addr.h"/&\nstatic const char *none(int n) { char t[4]; t[n] = 0; t[4] = 0; return t; }/' "$work/addr.c"
! cmp -s user/lib/addr.c "$work/addr.c" || { echo 'the mistake is not in the copy'; exit 1; }
for time in first second; do # the second time, nothing has changed
	! look "$work/kept" "$work/addr.c" > "$work/said" 2>&1 || { echo "it does not find a mistake the $time time"; exit 1; }
	grep -q arrayIndexOutOfBounds "$work/said" || { echo "it finds another mistake: $(< "$work/said")"; exit 1; }
done

sources=(user/*/*.c) kept=${O:-build}/cppcheck
[[ ! ${BREAK:-} ]] || sources=("$work/addr.c" user/lib/addr.c) kept=$work/kept
[[ $kept -nt tests/lint/cppcheck.sh ]] || rm -rf "$kept" # its options may have changed
look "$kept" "${sources[@]}"
echo "${#sources[@]} files, and nothing found"
