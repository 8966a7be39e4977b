# shellcheck shell=bash disable=SC2154 # what lib.sh sets
# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced: runs `wgxdp ddns` and checks its output. $work/all has the output of all runs.

ddns() { # STATUS OPTION...: the output is in $work/said
	local status=0
	wgxdp ddns "${@:2}" > "$work/said" 2>&1 || status=$?
	cat "$work/said" >> "$work/all"
	[[ $status == "$1" ]] || fail "ddns ${*:2}: status $status, not $1: $(< "$work/said")"
}
says() { # TEXT...: lines of the output
	local text
	for text; do grep -qF -- "$text" "$work/said" || fail "not said: $text, but: $(< "$work/said")"; done
}
