#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 900
# alone
# A blind relay with 100,000 sites and a million sessions takes at most 20 % of a CPU, and has its saved table after
# at most two seconds. A blind relay with 100,000 sites and a million sessions. A program plays the relay's WireGuard
# and the sites (lib/blind_many.py). The test reports the memory of the BPF maps and of the daemon, and the daemon's
# share of a CPU. It also measures how long the relay needs for the saved table at its start. Sites that have
# handshakes reach each other.
#
# BREAK=1 sends handshakes with a wrong mac1: then nothing may arrive.
#
#     100,000 sites 10.0.0.2 … -- sites ----- relay 198.51.100.1
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

sites=${SITES:-100000} sessions=${SESSIONS:-1000000} on=relay
many=$root/selftests/lib/blind_many.py
namespaces sites relay
routers relay
cable sites out relay eth0
takes_xdp sites out
addresses relay eth0 198.51.100.1/24
addresses sites out 198.51.100.254/24
inside relay ip route add 10.0.0.0/8 via 198.51.100.254
inside sites sysctl -qw net.ipv4.ip_forward=0
need_tun
inside relay ip tuntap add wgmany mode tun
inside relay ip link set wgmany up
start relay "$many" wireguard wgmany "$sites" > "$work/wireguard"
cat > "$work/wgxdp.yaml" <<- EOF
	interfaces: [ { name: eth0, role: wan } ]
	blind: { listen: { interface: eth0, port: $port }, device: wgmany }
EOF
export STATE_DIRECTORY=$work/state
state=$STATE_DIRECTORY/default/blind
mkdir -p "${state%/*}"
"$many" state "$state" "$sites" "$sessions"
say "the saved state has $(($(stat -c %s "$state") >> 20)) MB"
wait_for 60 'the device answers' grep -q ready "$work/wireguard"

cpu() { awk '{print $14 + $15 + $16 + $17}' "/proc/$daemon/stat"; } # in ticks, with ended children
begin=$(ms)
start_daemon -c "$work/wgxdp.yaml"
wait_for 120 "$sites sites" grep -q "$sites sites have new places" "$work/daemon"
say "after $(($(ms) - begin)) ms all sites have their places; the daemon has needed $(cpu) ticks of CPU time"

wait_for 60 'the sessions' grep -q restored "$work/daemon"
say "$(grep restored "$work/daemon")"
expect 'time until the saved sessions are in the maps, in ms' "$(sed -n 's/.*entries of sessions in \([0-9]*\) ms/\1/p' "$work/daemon")" '<=' 2000
before=$(cpu)
sleep 60
share=$((($(cpu) - before) * 100 / 6000))
expect 'CPU time of the daemon and its children, in percent of one CPU' $share '<=' 20
say "resident memory of the daemon: $(awk '/VmRSS/ {print int($2 / 1024)}' "/proc/$daemon/status") MB, BPF maps: $(bpftool -j map show | /usr/bin/python3 -IS -c 'import json, sys
print(sum(int(m.get("bytes_memlock", 0)) for m in json.load(sys.stdin)) >> 20)') MB"
count_arrivals sites forwarded "udp sport $port ip saddr 198.51.100.1"

# handshakes between pairs of sites, and data of their sessions
pairs=20 times=50 broken=''
[[ ! ${BREAK:-} ]] || broken=broken
start sites "$many" send out "$(mac relay eth0)" "$sites" $pairs $times $broken > "$work/sent"
wait $!
sleep 1
say "$(< "$work/sent")"
expect "messages that the relay forwarded of $((4 * pairs * times))" "$(arrived sites forwarded)" '>=' $((4 * pairs * times * 9 / 10))
