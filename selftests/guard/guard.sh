#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# A service's strict guard lets a real WireGuard client through, and keeps scans, forged handshakes, replays and
# strangers' data from wg-end. A real WireGuard client handshakes, transfers, and roams to another address within its
# session. Scans, forged handshakes, replays and strangers' data do not reach wg-end. BREAK=1 leaves out the guard.
#
#     client  .7, .8, .9 --- .1 firewall .1 ------- .10 wg-end
#       wgc                wan          lan              wge
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

public=198.51.100.1:$port
ping_through() { inside client ping -q -c 2 -i 0.2 -W 5 10.77.0.1; }
configuration() { # PUBLIC-KEY...
	cat > "$work/wgxdp.yaml" <<- EOF
		interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]
		services:
		  - name: wg-end
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, port: $port }
		    wireguard: { public-keys: [ $(printf '"%s", ' "$@") ], strict: true }
	EOF
	[[ ! ${BREAK:-} ]] || sed -i '/wireguard:/d' "$work/wgxdp.yaml"
}
dropped() { shown reason original "$1"; } # REASON

last_stranger() { (($(dropped guard_stranger) == $(said strange stranger))); }

firewall_network
choose_wireguard
tunnel wg-end wge 10.77.0.1/24 $port
tunnel client wgc 10.77.0.2/24
inside wg-end wg set wge peer "$(key wgc)" allowed-ips 10.77.0.2/32
inside client wg set wgc peer "$(key wge)" allowed-ips 10.77.0.0/24 endpoint "$public"
inside client ip address del 2001:db8:1::7/64 dev uplink
addresses client uplink 198.51.100.8/24
count_arrivals wg-end strangers "ip saddr 198.51.100.8 udp dport $port"
configuration "$(key wge)"
wgxdp up -c "$work/wgxdp.yaml"

wait_for 10 'a handshake and an answer' ping_through
say "ok a client of the service's"
inside client "$root/selftests/lib/strange.py" 198.51.100.8 198.51.100.1 $port "$(key wge)" > "$work/strange"
wait_for 5 'the last stranger' last_stranger
for kind in shape mac1 replay stranger; do
	expect "ended as guard_$kind" "$(dropped guard_$kind)" == "$(said strange $kind)"
done
expect "strangers' packets that wg-end got" "$(arrived wg-end strangers)" == "$(said strange right)"
inside client ip address flush dev uplink scope global
addresses client uplink 198.51.100.9/24
gateways client 198.51.100.1
inside client wg set wgc peer "$(key wge)" endpoint "$public" # otherwise wireguard-go would keep the removed address
sessions_settle
handshake=$(inside client wg show wgc latest-handshakes | cut -f 2)
wait_for 5 'an answer at another address' ping_through
expect "the handshake is still that of before" "$(inside client wg show wgc latest-handshakes | cut -f 2)" == "$handshake"
expect_sums
