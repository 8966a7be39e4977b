#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 300
# Without room for its files, wgxdp refuses a change with the cause, and what runs keeps running without a lost
# packet. The folders /run/wgxdp and /var/lib/wgxdp are on a file system that is full, has no room for another file,
# or is read-only (only for a first up). `up` from nothing is refused with the cause, and leaves nothing. A change is
# refused too, and the running configuration stays without a lost packet. A daemon keeps following changes. When there
# is room again, everything works. BREAK=1 leaves room: nothing is refused.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

run=/run/wgxdp
# Makes so many services that their text does not fit into the rest of a page
services() { # NUMBER
	local k
	echo 'services:'
	echo "  - { name: stays, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port } }"
	for ((k = 0; k < $1; k++)); do
		echo "  - { name: s$k, listen: { interface: wan, ports: [ $((1000 + k)) ] }, backend: { ipv4: 192.168.1.10, port: $((1000 + k)) } }"
	done
}

fill() { # HOW: fills both directories, so that writes fail from now on
	[[ ! ${BREAK:-} ]] || return 0
	local at
	for at in $run "$STATE_DIRECTORY"; do
		case $1 in
		full) dd if=/dev/zero of="$at/filler" bs=4k 2> /dev/null || : ;;
		inodes) while : > "$at/filler$fillers"; do fillers=$((fillers + 1)); done 2> /dev/null ;;
		read-only) mount -o remount,ro "$at" ;;
		esac
	done
}
fillers=0
make_room() {
	local at
	for at in $run "$STATE_DIRECTORY"; do
		mount -o remount,rw "$at"
		rm -f "$at"/filler*
	done
}

refused() { # WHAT COMMAND...
	local status=0
	"${@:2}" > "$work/out" 2>&1 || status=$?
	expect "$1: status" $status == 1
	grep -qE "cannot (write|lock) $run/default/.*: (No space left|Read-only)" "$work/out" || fail "$1 says $(< "$work/out")"
}
as_it_is() {
	on_host firewall
	bpf_objects default
	bpftool -j map dump pinned /sys/fs/bpf/wgxdp/default/table | md5sum
	wgxdp save
	find $run/default -name 'running*' | sort
}
here() { traces firewall | grep -v filler; }
listens() { wgxdp show services | holds "listen: .*$1:$port"; } # ADDRESS

firewall_network
for ns in client wg-end; do inside $ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1; done # IPv6 sends packets by itself
count_arrivals wg-end all_of_them "udp dport $port"
mkdir -p $run "$STATE_DIRECTORY"
for at in $run "$STATE_DIRECTORY"; do mount -t tmpfs -o size=256k,nr_inodes=64 none "$at"; done
services 0 > "$work/small.yaml"
services 60 > "$work/large.yaml"
wgxdp up -c "$work/small.yaml" > /dev/null
wgxdp down
here > "$work/nothing"

for how in full inodes read-only; do
	fill $how
	refused "$how: a first up" wgxdp up -c "$work/large.yaml"
	here | diff "$work/nothing" - || fail "$how: a first up that is refused left something"
	wgxdp show > "$work/out" 2>&1 && fail "$how: show says that it is up"
	make_room
	[[ $how != read-only ]] || break # the daemon has files open there

	cp "$work/small.yaml" "$work/followed.yaml"
	start_daemon -c "$work/followed.yaml"
	before=$(arrived wg-end all_of_them)
	sent=0
	sends 6000 -r 3000 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port
	as_it_is > "$work/was"
	fill $how
	refused "$how: a change" wgxdp up -c "$work/large.yaml"
	refused "$how: reload" wgxdp reload -c "$work/large.yaml"
	cp "$work/large.yaml" "$work/followed.yaml"
	kill -HUP "$daemon"
	wait_for 10 'the daemon says it too' grep -q 'cannot write' "$work/daemon"
	as_it_is | diff "$work/was" - || fail "$how: something changed"
	inside firewall ip address add 198.51.100.9/24 dev wan
	wait_for 5 "$how: the daemon follows all the same" listens 198.51.100.9
	inside firewall ip address del 198.51.100.9/24 dev wan
	make_room
	kill -HUP "$daemon"
	wait_for 10 "$how: with room the file is taken" grep -q s59 $run/default/running.yaml
	wait "$sender"
	expect "$how: lost of $sent" $((sent - $(arrived wg-end all_of_them) + before)) == 0
	fill $how
	wgxdp down || fail "$how: down"
	wait "$daemon" || fail "$how: the daemon ended with status $?"
	make_room
	no_traces firewall "$work/nothing" "$how: down"
done

# A file that may be read, but becomes longer when it is written
inside firewall ip tuntap add w mode tun
awk 'BEGIN {
	print "policy: { overlay: \"fd00::/24\" }\npeers:"
	for (i = 0; i < 188000; i++) printf "- {name: p%d, device: w, public-key: \"%043d=\"}\n", i, i * 10
}' > "$work/long.yaml"
traces firewall > "$work/nothing"
! wgxdp up -c "$work/long.yaml" > "$work/out" 2>&1 || fail 'a configuration that is too long to be kept is up'
grep -q 'this configuration is too large: it has .* and the limit is' "$work/out" || fail "too long: up says $(< "$work/out")"
no_traces firewall "$work/nothing" 'too long: up'
say ok
