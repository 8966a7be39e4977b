#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every fuzz target runs its corpus and then random changes of it for a second of CPU time ($FUZZ_SECONDS) without
# an error. The targets have gcc's sanitizers and no libFuzzer, so that the core tier builds few objects for them
# (tests/fuzz/corpus.c).
#
#   fuzz_corpus.sh [TARGET]...      $SEED: default: the time
#
# timeout: 300
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/../.."
build=${O:-build} seed=${SEED:-$(date +%s)}
(($#)) || { targets=(tests/fuzz/fuzz_*.c) && targets=("${targets[@]##*/}") && set -- "${targets[@]%.c}"; }
for target; do
	echo -n "$target, seed $seed: "
	"$build/tests/corpus_$target" "${FUZZ_SECONDS:-1}" "$seed" tests/corpus/"$target"/*
done
