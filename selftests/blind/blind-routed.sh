#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# Blind and routed sites share a relay and a port, and reach each other as each kind should. a and b reach each other
# without the relay's key. c has the relay as its only peer, and reaches a and b through the relay's WireGuard and
# policy. The network is that of sites.sh.
#
#     198.51.100.11 nat-a --+        a - b: blind, on any port
#     198.51.100.12 nat-b --+--- 198.51.100.1, 2001:db8::1 relay
#     2001:db8::c  edge-c --+        c - a, c - b: routed, by the policy's ports (c is behind a NAT where mixes_families is false)
#
# BREAK=1 does not make b a blind site.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"

on=relay
choose_wireguard
if mixes_families; then blind_network a b; else blind_network a b c; fi
for s in a b; do
	forgets $s wgb-c
	inside "edge-$s" ip route del "$overlay:c::/64"
	inside "edge-$s" wg set "wgb-$s" peer "$(key $relay)" allowed-ips "$tunnels::1/128,$overlay::/48"
	inside "edge-$s" ip route add "$overlay::/48" dev "wgb-$s" src "$overlay:$s::1"
	forgets c wgb-$s
	inside edge-c ip route del "$overlay:$s::/64"
done
inside edge-c wg set wgb-c peer "$(key $relay)" allowed-ips "$tunnels::1/128,$overlay::/48"
inside edge-c ip route add "$overlay::/48" dev wgb-c src "$overlay:c::1"
for s in a b c; do
	inside relay wg set $relay peer "$(key "wgb-$s")" allowed-ips "$tunnels::$s/128,$overlay:$s::/64"
	inside relay ip route add "$overlay:$s::/64" dev $relay
done
blind_file "sites: [ site-a${BREAK:-, site-b} ]"
sed -i 's/site-a1/site-a/' "$work/wgxdp.yaml"
printf '%s\n' "follow: { wireguard: [ $relay ] }" "policy: { overlay: \"$overlay::/48\" }" >> "$work/wgxdp.yaml"
start_daemon -c "$work/wgxdp.yaml"
wait_for 30 'both blind sites' all_authenticated $((2 - ${BREAK:-0}))

asks() { # SITE OTHER PORT: prints how many of 5 datagrams are answered
	start_listener "server-$2" answers -e "[$overlay:$2::10]:$3"
	inside "server-$1" "$udptool" ask -n 5 -r 50 -w 3000 "[$overlay:$1::10]:$3" "[$overlay:$2::10]:$3" > "$work/asked" || :
	stop $!
	said asked answered
}

ping_between a b -c 3 -i 0.2 -W 10 > /dev/null
before=$(decrypted)
expect 'blind: of 40 pings lost' "$(($(ping_between a b -c 20 -i 0.05 -W 6 -s 1000) + $(ping_between b a -c 20 -i 0.05 -W 6 -s 1000)))" == 0
expect 'bytes that the relay decrypted of them' $(($(decrypted) - before)) '<=' 600
ping_between c a -c 3 -i 0.2 -W 10 > /dev/null # c has a session with the relay
forwarded=$(shown get services.blind.original.forwarded)
before=$(decrypted)
for pair in a-c c-a b-c c-b; do
	expect "routed, $pair: of 10 pings lost" "$(ping_between "${pair%-*}" "${pair#*-}" -c 10 -i 0.05 -W 6 -s 1000)" == 0
done
expect 'bytes that the relay decrypted of them' $(($(decrypted) - before)) '>=' 80000
expect 'and blind packets meanwhile' $(($(shown get services.blind.original.forwarded) - forwarded)) '<=' 4
expect 'blind, port 22: answers' "$(asks a b 22)" == 5
expect 'routed, port 58000: answers' "$(asks c b 58000)" == 5
expect 'routed, port 22: answers' "$(asks c b 22)" == 0
expect_sums
