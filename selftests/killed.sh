#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# An `up` that is killed, at 13 moments between its beginning and its end, leaves nothing that `down` does not remove, and
# nothing that the next `up` does not mend.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/lib.sh"

up=(up --wan wan --lan lan --to 192.168.1.10)

forwards() {
	local before
	before=$(arrived wg-end all_of_them)
	inside client "$udptool" send -n 10 -r 10000 uplink "$(mac firewall wan)" 198.51.100.7:4000 "198.51.100.1:$port" > /dev/null
	(($(arrived wg-end all_of_them) == before + 10)) || fail "$1: not forwarded"
}

as_before() { on_host firewall | cmp -s "$work/before" -; }

firewall_network
count_arrivals wg-end all_of_them "udp dport $port"
on_host firewall > "$work/before"
begin=$(date +%s%N)
wgxdp "${up[@]}" > /dev/null
whole=$(($(date +%s%N) - begin))
wgxdp down
for ((n = 1; n < 14; n++)); do
	after=$(awk -v whole=$whole -v n=$n 'BEGIN {print whole * n / 14 / 1e9}')
	(timeout -s KILL "$after" nsenter --net=/run/netns/firewall "$wgxdp" "${up[@]}" || :) > /dev/null 2>&1
	if ((n % 2)); then
		wgxdp "${up[@]}" > /dev/null
		forwards "up, killed after $after s, and up"
	fi
	wgxdp down
	wait_for 5 "up, killed after $after s, and down: all is gone" as_before # the kernel lets go of links in its own time
done
say "ok an up of $((whole / 1000000)) ms that is killed leaves nothing behind"
