#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The page of findings lists each row of user/findings/findings.def, with its word, state and commands, in the same
# order, and no other. Then a seeded difference must be found.
# shellcheck disable=SC2016 # backquotes are Markdown's
set -euo pipefail
cd "$(dirname "$0")/../.."

rows() { # FILE: the table's findings, as the page writes them
	grep '^FINDING(' "$1" | tr '[:upper:]' '[:lower:]' |
		sed -E 's/ \| /, /g; s/health/show/; s/^finding\((\w+), "(\w+)", (\w+), (.*)\)$/| `\1` | \2 | \3 | \4 |/'
}
page() { grep -E '^\| `\w+` \| ' docs/reference/findings.md | cut -d '|' -f 1-5 | sed 's/$/|/'; }

diff <(rows user/findings/findings.def) <(page) || { echo 'findings.def and docs/reference/findings.md differ'; exit 1; }
if diff <(sed 's/HEALTH/UP/' user/findings/findings.def | rows /dev/stdin) <(page) > /dev/null; then
	echo 'a wrong consumer is not found'
	exit 1
fi
echo "$(page | wc -l) findings, all described"
