#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# `make docs` makes a site of the book and the manual pages, and every link in it leads somewhere. Then a link of the site is broken, which
# must be found. BREAK=1 breaks one in the sources: mkdocs refuses that.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -r Makefile VERSION bpf docs include scripts tests user "$work"
cd "$work"
[[ ! ${BREAK:-} ]] || sed -i 's/(state\.md)/(stat.md)/' docs/design.md docs/inside/*.md
scripts/book "$work/book" > said 2>&1 || { cat said; exit 1; }
cat said
grep -q '<h1 id="the-design-of-wgxdp">' book/site/design.html
grep -q 'id="ENVIRONMENT"\|<h1[^>]*>ENVIRONMENT' book/site/reference/wgxdp.8.html
sed -i 's/href="guides\/index.html"/href="guides\/nowhere.html"/' book/site/index.html
! tests/lint/book.py --links book/site > said || { echo 'a broken link was not found'; exit 1; }
grep -q 'guides/nowhere.html' said
echo 'a broken link is found'
