#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A source that includes a generated header (a skeleton, the page) depends on it in the Makefile. Otherwise a parallel
# build from nothing may compile the source first.
set -euo pipefail
cd "$(dirname "$0")/../.."

wrong=0 asked=0
while IFS=: read -r file header; do
	object=${file%.c}.o
	for target in "nothing/unit/$object" "nothing/$object"; do
		[[ $target == nothing/user/* || $target == nothing/unit/* ]] || continue
		asked=$((asked + 1))
		commands=$(make -n O=nothing "$target")
		[[ $commands == *"> nothing/$header"* || $commands == *"> nothing/tests/$header"* ]] && continue
		echo "$target: $file includes $header, which make would not have made: name it in the Makefile" >&2
		wrong=$((wrong + 1))
	done
done < <(grep -oE '^#include "[a-z0-9_]+\.skel\.h"|^#include "(page|libraries|keys)\.h"' user/*/*.c tests/{unit,host,fuzz,packet,loads}/*.c | sed 's/#include //; s/"//g')
[[ $asked -ge 15 ]] || { echo "only $asked objects were asked for" >&2; exit 1; }
((!wrong))
