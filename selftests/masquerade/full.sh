#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# A configuration that is too large for the maps is refused by `up`, `reload` and a daemon's SIGHUP, with the cause. No
# entry, name or counter changes, and the running configuration keeps forwarding. A configuration that just fits is
# accepted. BREAK=1 makes it fit: it leaves out the last list.
#
#     client uplink ---- wan firewall lan ---- eth wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

lists=9 # lists of 8,192 prefixes each; the maps have room for 65,536

service() { # NAME PORT [LIST]
	echo "  - { name: $1, listen: { interface: wan, ports: [ $2 ] }, backend: { ipv4: 192.168.1.10, port: $2 }${3:+, deny: $3} }"
}
prefixes() { # NUMBER: 8,192 of them
	awk -v n="$1" 'BEGIN {
		for (i = 0; i < 8192; i++) printf "%s%d.%d.%d.0/24", i ? ", " : "[ ", 20 + n, int(i / 256), i % 256
		print " ]"
	}'
}
small() { echo 'services:' && service stays 1000 && service leaves $port; }
large() { # LISTS
	echo 'services:' && service stays 1001
	for ((i = 0; i < $1; i++)); do service "list$i" $((2000 + i)) "$(prefixes $i)"; done
}
as_it_is() {
	local map
	on_host firewall
	for map in names totals reasons table links sources source_trie; do
		echo "$map: $(bpftool -j map dump pinned /sys/fs/bpf/wgxdp/default/$map | md5sum)"
	done
	wgxdp show services
	cat /run/wgxdp/default/running.yaml
	find /run/wgxdp/default -name 'running*' | sort
}
refused() { # WHAT COMMAND...
	local status=0
	as_it_is > "$work/was"
	"${@:2}" > "$work/out" 2>&1 || status=$?
	expect "$1: status" $status == 1
	grep -q 'no room for .* prefixes' "$work/out" || fail "$1 says $(< "$work/out")"
	as_it_is | diff "$work/was" - || fail "$1: something changed"
}
forwards() { # WHEN
	local before
	before=$(arrived wg-end all_of_them)
	inside client "$udptool" send -n 10 -r 10000 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port > /dev/null
	expect "$1: forwarded" $(($(arrived wg-end all_of_them) - before)) == 10
}

firewall_network
count_arrivals wg-end all_of_them "udp dport $port"
small > "$work/small.yaml"
large $((lists - ${BREAK:-0})) > "$work/large.yaml"
large $((lists - 2)) > "$work/fits.yaml"
on_host firewall > "$work/before"
! wgxdp up -c "$work/large.yaml" > "$work/out" 2>&1 || fail 'a first up with too much succeeds'
grep -q 'no room for .* prefixes' "$work/out" || fail "a first up says $(< "$work/out")"
on_host firewall | diff "$work/before" - || fail 'a first up with too much left something'

wgxdp up -c "$work/small.yaml"
forwards 'before'
refused up wgxdp up -c "$work/large.yaml"
refused reload wgxdp reload -c "$work/large.yaml"
rm /run/wgxdp/default/failed
cp "$work/small.yaml" "$work/followed.yaml"
start_daemon -c "$work/followed.yaml"
as_it_is > "$work/was"
cp "$work/large.yaml" "$work/followed.yaml"
kill -HUP "$daemon"
wait_for 20 'the daemon refuses' grep -q 'no room for .* prefixes' "$work/daemon"
wait_for 5 'a failed reload is noted' test -e /run/wgxdp/default/failed
as_it_is | diff "$work/was" - || fail 'a hangup changed something'
end_daemon
forwards 'refused three times'
wgxdp up -c "$work/fits.yaml" > "$work/out"
expect 'prefixes that fit' "$(bpftool -j map dump pinned /sys/fs/bpf/wgxdp/default/source_trie | grep -o '"formatted":' | wc -l)" == $(((lists - 2) * 8192))
# More services than fit at first: the maps become larger, and the counters continue
wgxdp up -c "$work/small.yaml" > /dev/null
forwards 'with two services'
{ small && for i in {1..80}; do service "many$i" $((4000 + i)); done; } > "$work/many.yaml"
wgxdp up -c "$work/many.yaml" > /dev/null
forwards 'with 82 services'
expect 'forwarded by the one that was there before' "$(shown get services.leaves.original.forwarded)" == 20
say 'ok what there is no room for is refused, and nothing changes'
