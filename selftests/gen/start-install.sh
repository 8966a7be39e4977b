#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# The commands of docs/start/install.md for a host run, and `make install` installs the units and manual pages. make
# knows the page's targets. README.md, docs/start, questions and alternatives: wgxdp has their commands, links lead to
# files and headings. README.md has at most 120 lines.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/start-pages.sh"
page=docs/start/install.md

expect 'lines of README.md' "$(wc -l < README.md)" '<=' 120
start_hosts host
follow_page install host

# make -n builds nothing; make itself is up to date already
targets=0
while read -r -a words; do
	make -n O="${O:-build}" "${words[@]:1}" > "$work/make" 2>&1 || fail "$page: ${words[*]}: $(< "$work/make")"
	targets=$((targets + 1))
done < <(grep -oE '(^    (sudo )?|`(sudo )?)make( [a-z]+)?( [SA]=[a-z0-9]+)*' $page | sed 's/^[ `]*//; s/^sudo //' | sort -u)
expect 'targets of make' $targets '>=' 6

make -s install O="${O:-build}" DESTDIR="$work/there" PREFIX=/usr
while read -r unit; do
	[[ -e $work/there/usr/lib/systemd/system/$unit ]] || fail "$page: make install has no $unit"
done < <(grep -oE 'wgxdp[a-z-]*@?\.(service|timer|path|socket)' $page)
while read -r man; do
	compgen -G "$work/there/usr/share/man/man*/$man.[58]" > /dev/null || fail "$page: no manual page $man"
done < <(grep -ohE '[`]man [a-z.-]+' $page README.md | cut -d ' ' -f 2)
while read -r command; do
	"$wgxdp" "$command" --help > "$work/help" 2>&1 || fail "wgxdp has no command $command"
done < <(grep -ohE '(^    |sudo |[`])wgxdp [a-z]+' docs/start/*.md README.md | awk '{print $NF}' | sort -u)

# `make uninstall` removes what `make install` wrote, and nothing else
mkdir -p "$work/there/usr/share/wgxdp"
(cd "$work/there" && : > usr/sbin/own && : > usr/share/wgxdp/own)
make -s uninstall O="${O:-build}" DESTDIR="$work/there" PREFIX=/usr
[[ $(cd "$work/there" && find . ! -type d | sort | xargs) == './usr/sbin/own ./usr/share/wgxdp/own' ]] || fail "make uninstall: $(find "$work/there" ! -type d)"

# Configurations in the text that no other test writes. The devices that they name may be missing here (status 3)
awk -v to="$work/snippet-" '
	/^```/ {fenced = !fenced}
	!fenced && !inside && /^    +(services|interfaces|follow|policy|blind|learn|endpoints|ddns|exporter):/ {
		inside = 1
		match($0, /^ +/)
		indent = RLENGTH
		file = to (++n)
	}
	inside && !/^    / {inside = 0}
	inside {print substr($0, indent + 1) > file}' docs/start/*.md
snippets=0
for file in "$work"/snippet-*; do
	status=0
	"$wgxdp" check -c "$file" > "$work/check" 2>&1 || status=$?
	((status == 0 || status == 3)) || fail "a configuration in docs/start: $(< "$work/check")"
	snippets=$((snippets + 1))
done
expect 'configurations in the text' $snippets '>=' 3

# A linked file exists, and so does a linked heading (only its letters, digits and - remain)
heading() { sed -n 's/^#\+ //p' "$1" | tr '[:upper:] ' '[:lower:]-' | tr -cd 'a-z0-9\n-'; } # FILE
links=0
for page in README.md docs/guides/faq.md docs/reference/comparison.md docs/start/*.md; do
	while IFS='#' read -r file at; do
		[[ $file ]] && file=$(dirname "$page")/$file || file=$page
		[[ -e $file ]] || fail "$page: a link to $file, which is not there"
		[[ ! $at ]] || { heading "$file" | holds -x -- "$at"; } || fail "$page: $file has no heading #$at"
		links=$((links + 1))
	done < <(grep -oE '\]\([^)]+\)' "$page" | sed 's/^](//; s/)$//' | grep -v '^https\?:')
done
expect 'links' $links '>=' 30
