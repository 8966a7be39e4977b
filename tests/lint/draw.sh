#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# For one seed, tests/reader/draw always draws the same texts, the key names each file, and the score counts. Another
# seed draws others.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "FAIL: $*"; exit 1; }

mkdir "$work/model"
for i in {1..9}; do
	printf '/* Copyright */\n/* Comment %s returns the number of peers */\nint peers%s;\n' "$i" "$i" > "$work/model/m$i.c"
done
for kind in comments messages docs; do
	tests/reader/draw -n 5 -k "$kind" -s 7 > "$work/$kind.1"
	tests/reader/draw -n 5 -k "$kind" -s 7 > "$work/$kind.2"
	tests/reader/draw -n 5 -k "$kind" -s 8 > "$work/$kind.3"
	cmp -s "$work/$kind.1" "$work/$kind.2" || fail "$kind: the same seed draws other texts"
	! cmp -s "$work/$kind.1" "$work/$kind.3" || fail "$kind: another seed draws the same texts"
done
tests/reader/draw -n 9 -m "$work/model" -o "$work/key" > "$work/mixed"
[[ $(grep -c $'\twgxdp\t.*:' "$work/key") == 9 && $(grep -c $'\tmodel\tm.*:2' "$work/key") == 9 ]] || fail 'the key is not complete'
grep -q 'wgxdp/\|model' "$work/mixed" && fail 'the draw says whose a text is'
while IFS=$'\t' read -r number whose _; do
	if [[ $whose == wgxdp ]]; then echo "$number 3 4"; else echo "$number 5 2"; fi
done < "$work/key" > "$work/ratings"
score=$(tests/reader/draw --score "$work/key" "$work/ratings")
[[ $score == *'wgxdp: 9 rated, clarity 3.00, use 4.00, 9 below 4'*'models: 9 rated, clarity 5.00, use 2.00, 0 below 4'* ]] || fail "the score: $score"
