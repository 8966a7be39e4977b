#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# An idle daemon takes no CPU time and less than 10 MB, and `up` takes at most 300 ms. `up` from nothing takes at most
# 300 ms, on a firewall with two ports and a few services. Then no thread of the daemon runs for ten seconds. It takes
# less than 10 MB, with its names resolved and its exporter listening. BREAK=1: up waits for a missing name server.
# BREAK=2: a TTL of 2 s.
#
#     client uplink ---- wan firewall lan ---- eth wg-end
#                             name server
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
[[ ${BREAK:-} != 1 ]] || WGXDP_STRICT=1 # otherwise slow machines would get longer time limits

rounds=9

configuration() { # BACKEND: five services
	local n
	echo 'services:'
	for n in {1..4}; do
		echo "  - { name: s$n, listen: { interface: wan, ports: [ $((1000 + n)) ] }, backend: { ipv4: 192.168.1.10, port: 9 } }"
	done
	echo "  - name: wg-end"
	echo "    listen: { interface: wan, ports: [ $port ] }"
	echo "    backend: { ipv4: $1, ipv6: \"2001:db8:2::10\", port: $port }"
	echo 'exporter: { listen: [ "127.0.0.1:9851" ] }'
}

comes_up() { # FILE: sets ms to the median
	local began took=()
	for ((round = 0; round < rounds; round++)); do
		began=${EPOCHREALTIME/./}
		wgxdp up -c "$work/$1.yaml" > /dev/null 2>&1
		took+=($(((${EPOCHREALTIME/./} - began) / 1000)))
		wgxdp down
	done
	say "up took ${took[*]} ms"
	ms=$(printf '%s\n' "${took[@]}" | sort -n | sed -n "$((rounds / 2 + 1))p")
	expect "ms for up, median of $rounds" "$ms" '<=' "$(at_most 300)"
}

switches() { cat "/proc/$daemon/task/"*/status | awk '/ctxt_switches/ {n += $2} END {print n}'; }
resolved() { wgxdp show services | holds "backend: .*192.168.1.10:$port"; }
rested() { local before; before=$(switches); sleep 1; [[ $(switches) == "$before" ]]; }

rests() {
	local before
	wait_for 20 'rest' rested
	before=$(switches)
	sleep 10
	woken=$(($(switches) - before)) kb=$(awk '$1 == "VmRSS:" {print $2}' "/proc/$daemon/status")
	pss=$(awk '$1 == "Pss:" {print $2}' "/proc/$daemon/smaps_rollup")
	expect 'times that a thread of it ran in 10 s' $woken == 0
	expect 'kB in memory' "$kb" '<=' 10240
}

firewall_network
for ns in client wg-end; do inside $ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1; done # IPv6 sends packets by itself
ttl=3600
[[ ${BREAK:-} != 2 ]] || ttl=2
server=127.0.0.1
[[ ${BREAK:-} != 1 ]] || server=192.168.1.99
echo "nameserver $server" > "$work/resolv.conf"
mount --bind "$work/resolv.conf" "$(realpath /etc/resolv.conf)"
echo "wg-end.example.net $ttl 192.168.1.10" > "$work/zone"
configuration 192.168.1.10 > "$work/addresses.yaml"
configuration wg-end.example.net > "$work/names.yaml"

if [[ ${BREAK:-} == 1 ]]; then comes_up names; else comes_up addresses; fi
start firewall "$root/selftests/lib/dns.py" 127.0.0.1 "$work/zone" > "$work/dns"
wait_for 5 'the name server listens' grep -q listening "$work/dns"
start_daemon -c "$work/names.yaml"
wait_for 5 'the name resolves' resolved
inside firewall curl -sf -o /dev/null http://127.0.0.1:9851/metrics || fail 'the exporter does not answer'
rests
end_daemon
say "ok up $ms ms; daemon $kb kB ($pss kB of its own and of what it shares), woken $woken times in 10 s"
