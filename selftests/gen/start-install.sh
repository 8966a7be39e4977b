#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# The commands of docs/guides/install.md for a host run, and `make install` installs the units and manual pages. make
# knows the page's targets, and wgxdp has the commands that the guides and README.md name.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/start-pages.sh"
page=docs/guides/install.md

start_hosts host
follow_page guides/install host

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
done < <(grep -ohE '(^    |sudo |[`])wgxdp [a-z]+' docs/guides/*.md README.md | awk '{print $NF}' | sort -u)

# `make uninstall` removes what `make install` wrote, and nothing else
mkdir -p "$work/there/usr/share/wgxdp"
(cd "$work/there" && : > usr/sbin/own && : > usr/share/wgxdp/own)
make -s uninstall O="${O:-build}" DESTDIR="$work/there" PREFIX=/usr
[[ $(cd "$work/there" && find . ! -type d | sort | xargs) == './usr/sbin/own ./usr/share/wgxdp/own' ]] || fail "make uninstall: $(find "$work/there" ! -type d)"
