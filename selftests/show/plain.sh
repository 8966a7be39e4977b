#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# The plain form of `show` has readable times, the forwarded bytes, no empty line after a colon, and `none` for
# missing things. It names differences from the file, a backend that never answers, and the meaning of reasons.
# BREAK=1 asks for JSON.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#                                      wgs, with a peer
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

shows() { wgxdp show "$@" ${BREAK:+--json} > "$work/shown" || fail "show $*"; }
line() { # PATTERN
	grep -qxE -- "$1" "$work/shown" || fail "no line '$1': $(< "$work/shown")"
	say "ok $1"
}

choose_wireguard
firewall_network
echo '{}' > "$work/nothing.yaml"
wgxdp up -c "$work/nothing.yaml" > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
shows
line 'no service and no peer is configured, so nothing is forwarded'
for noun in interfaces services peers routes sites drops flows; do
	shows $noun
	[[ $(< "$work/shown") == "$noun: none" ]] || fail "show $noun: $(< "$work/shown")"
done
wgxdp down

tunnel firewall wgs$$ fd12:3456:7899::1/128 $port
tunnel client wgc$$ fd12:3456:7899::a/128
inside firewall wg set wgs$$ peer "$(key wgc$$)" allowed-ips fd12:3456:7899::a/128
inside client wg set wgc$$ peer "$(key wgs$$)" endpoint 198.51.100.1:$port allowed-ips fd12:3456:7899::1/128
inside client ip route add fd12:3456:7899::1/128 dev wgc$$
inside firewall ip route add fd12:3456:7899::a/128 dev wgs$$
cat > "$work/wgxdp.yaml" << YAML
services:
  - name: wg-end
    listen: { interface: wan, ports: [ 51821 ] }
    backend: { ipv4: 192.168.1.10, port: 51820 }
  - name: waits
    listen: { interface: nowhere, ports: [ 51822 ] }
    backend: { ipv4: 192.168.1.10, port: 51820 }
follow: { wireguard: [ wgs$$ ] }
policy: { overlay: "fd12:3456:789a::/48" }
YAML
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
shows
line '  latest_handshake: never'
line '  original: 0 received, 0 forwarded, 0 dropped, 0 passed, 0 bytes forwarded, .*'
line '  tx: 0 forwarded, 0 bytes forwarded, .*'
! grep -nE ':[[:space:]]*$' "$work/shown" || fail 'a line says nothing'
inside client ping -q -c 1 -W 10 fd12:3456:7899::1 > "$work/ping" || fail "no handshake: $(< "$work/ping")"
shows peers
line "  latest_handshake: $(date +%F) [0-9:]{8} \([0-9]+ s ago\)"
wgxdp show peers --json > "$work/json"
grep -qE '"latest_handshake": 1[0-9]{9},?$' "$work/json" || fail "JSON: $(< "$work/json")"

# Changes by commands, and a backend that answers nothing
inside wg-end nft 'add table inet mute; add chain inet mute input_all { type filter hook input priority 0; policy drop; }'
inside client "$udptool" send -n 30 -r 3000 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:51821 > /dev/null
wgxdp service deny add wg-end 203.0.113.0/24 > /dev/null
shows
line '    service wg-end: deny 203.0.113.0/24 added'
line '  warning: the backend has answered none of 30 packets: .*'
wgxdp show --json > "$work/json"
grep -q '"service wg-end: deny 203.0.113.0/24 added"' "$work/json" || fail "JSON: $(< "$work/json")"
inside client "$udptool" send -n 5 -r 3000 uplink "$(mac firewall wan)" 203.0.113.9:4000 198.51.100.1:51821 > /dev/null
shows drops
line '  SERVICE +DIRECTION +REASON +PACKETS +VERDICT +MEANING'
line '  wg-end +original +denied +5 +dropped +the service.s allow and deny lists do not admit this client'
