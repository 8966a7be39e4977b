#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# The tree keeps the project's rules that a program can check: an SPDX line in every file, the length of files,
# functions and lines, seeded bugs that apply.
set -euo pipefail
cd "$(dirname "$0")/../.."

bad=0
complain() { bad=1; echo "$*"; }

sources() { find . \( -name .git -o -path "./${O:-build}" -o -name 'build*' -o -name __pycache__ \) -prune -o -type f -print; }

# The files that need an SPDX line
with_head() {
	sources | grep -vE '^\./(COPYING|VERSION|\.gitignore|debian/(changelog|control|copyright|source/format)|tests/corpus/.*)$|\.(pcap|png|bin|json)$'
}

# awk sees no line of an empty file. An empty test does nothing, and passes.
while IFS= read -r file; do
	complain "$file: empty"
done < <(with_head | tr '\n' '\0' | xargs -0 sh -c 'find "$@" -maxdepth 0 -empty' sh)

while IFS= read -r line; do
	complain "$line"
done < <(with_head | tr '\n' '\0' | xargs -0 awk '
		function ends() {
			if (file && !licensed) print file ": no SPDX line at its head"
			if (most && lines > most) print file ": " lines " lines, " most " are allowed"
		}
		FNR == 1 {
			ends()
			file = FILENAME; licensed = start = 0
			most = file ~ /\.c$/ ? 800 : file ~ /\.h$/ ? 300 : 0
		}
		{lines = FNR}
		FNR <= 3 && /SPDX-License-Identifier: GPL-2.0-or-later/ {licensed = 1}
		FNR > 3 && !most {nextfile}
		/^{/ {start = FNR}
		/^}/ {
			if (start && FNR - start > 60) print file ":" start ": a function of " FNR - start " lines, 60 are allowed"
			start = 0
		}
		END {ends()}')
# The text of a string does not count, because a message is never broken over lines: a search must find it.
wide=$(find bpf user include -name '*.[ch]' -exec perl -CSD -ne 'chomp; 1 while s/\t/" " x (8 - $-[0] % 8)/e;
	s/"(?:[^"\\]|\\.)*"/""/g if length > 100;
	print "$ARGV:$.: ", length, " columns without strings, 100 are allowed\n" if length > 100; close ARGV if eof' {} +)
[[ ! $wide ]] || complain "$wide"
# A writer that continues after grep's match gets SIGPIPE, and with pipefail the line fails now and then
while IFS= read -r line; do
	complain "$line: a pipe into grep -q; selftests/lib/lib.sh has holds, elsewhere a file does"
done < <(grep -nE '[^|]\| *grep -[a-zA-Z]*q' selftests/*/*.sh tests/*/*.sh scripts/* 2> /dev/null | grep -vE 'head -n [0-9]+ "|dpkg-query|tests/lint/style.sh')
# A seeded bug that no longer applies is noticed with the change that moves its place, not when the mutants run
for file in tests/mutants/*.patch; do
	patch -p1 --fuzz=0 --dry-run -s < "$file" > /dev/null || complain "$file: does not apply"
done
((!bad)) || exit 1
echo "every file keeps the rules"
