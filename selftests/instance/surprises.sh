#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# Commands as people type them: each does what is meant, or says exactly how it is written.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

# STATUS WORDS COMMAND...: so it ends, and these words are in what it says
says() {
	local status=0
	wgxdp "${@:3}" > "$work/out" 2>&1 < /dev/null || status=$?
	[[ $status == "$1" ]] || fail "${*:3}: status $status, expected $1: $(< "$work/out")"
	grep -qF -- "$2" "$work/out" || fail "${*:3}: '$2' is not in: $(< "$work/out")"
}

interfaces() {
	says 0 'interface wna: not there yet: waiting; there is wan, lan' up --wan wna --to 192.168.1.10
	wgxdp down
	wgxdp up --wan wan --to 192.168.1.10 > /dev/null
	says 0 'interface wna: not there yet: waiting; there is wan, lan' service add a --listen wna --backend 192.168.1.10
	wgxdp service del a > /dev/null
	says 1 'peer import wga: there is no such interface: there is wan, lan' peer import wga
	says 1 'trace: --in wna: there is no such interface: there is wan, lan' trace --in wna --from 198.51.100.7:4000 --to 198.51.100.1:$port
	says 1 'there is no such interface: there is wan, lan' mtu 192.168.1.10 --through wna
	start firewall "$wgxdp" monitor --in wna > "$work/monitor" 2>&1
	local monitor=$!
	wait_for 5 'monitor names what there is' grep -q 'no such interface now: there is wan, lan' "$work/monitor"
	stop $monitor
	say 'ok a mistyped interface: those that are there are named'
}

# What became of a file when an editor failed, or when all of it was commented out
empty_file() {
	local text command
	wgxdp up --wan wan --to 192.168.1.10 > /dev/null
	wgxdp save > "$work/saved"
	for text in '' '# services:' $'services:\n#  - name: wg-end' '---'; do
		echo "$text" > "$work/empty.yaml"
		for command in check reload 'reload --dry-run' up; do
			# shellcheck disable=SC2086 # words
			says 2 'error: the file configures nothing, and would remove everything that runs: if that is meant, write {}' $command -c "$work/empty.yaml"
		done
	done
	wgxdp save | cmp - "$work/saved" || fail 'an empty file changed something'
	for text in '{}' 'services: [ ]'; do
		echo "$text" > "$work/empty.yaml"
		says 0 '- name: wg-end' reload --dry-run -c "$work/empty.yaml"
	done
	says 0 'no service and no peer is configured' up -c "$work/empty.yaml"
	say 'ok an empty file is refused, {} is not'
}

firewall_network
interfaces
empty_file
