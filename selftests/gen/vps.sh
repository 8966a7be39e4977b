#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# A VPS with one interface brings IPv4 and IPv6 clients to a home that has only IPv6, after one line that brings it
# up. IPv4 and IPv6 clients reach wg-end through it, by XDP in and out of the same device, each with a real WireGuard
# tunnel and a transfer. The VPS forwards nothing else. BREAK=1 leaves the VPS without its IPv6 default route.
#
#     client .7 -- 198.51.100.0/24 -- .1 net .1 -- 203.0.113.0/24 -- .2 eth0 vps
#                  2001:db8:7::/64     |           2001:db8:1::/64
#                                      `---------- 2001:db8:9::/64 -- ::10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

# on the VPS
on=vps

namespaces client net vps wg-end
routers net vps
cable client uplink net clients
cable vps eth0 net vps
cable wg-end eth net home
takes_xdp net vps
addresses client uplink 198.51.100.7/24 2001:db8:7::7/64
addresses net clients 198.51.100.1/24 2001:db8:7::1/64
addresses net vps 203.0.113.1/24 2001:db8:1::1/64
addresses vps eth0 203.0.113.2/24 2001:db8:1::2/64
addresses net home 2001:db8:9::1/64
addresses wg-end eth 2001:db8:9::10/64
gateways client 198.51.100.1 2001:db8:7::1
gateways vps 203.0.113.1 2001:db8:1::1
[[ ! ${BREAK:-} ]] || inside vps ip -6 route del default
gateways wg-end 2001:db8:9::1
inside vps nft add table inet shut
inside vps nft add chain inet shut forward '{ type filter hook forward priority 0; policy drop; }'

choose_wireguard
wgxdp up --wan eth0 --to 2001:db8:9::10 --nat masquerade > "$work/up" 2> "$work/warned" || fail "up: $(< "$work/up")"
[[ ! -s $work/warned ]] || [[ ${BREAK:-} ]] || fail "a warning: $(< "$work/warned")"
wgxdp save > "$work/wgxdp.yaml"
inside vps "$wgxdp" check -c "$work/wgxdp.yaml" || [[ ${BREAK:-} ]] || fail 'the running configuration is not valid on this host'
expect 'mode' "$(shown get interfaces.eth0.mode)" == native
tunnel wg-end wge 10.77.0.1/32 51820
for way in '4 203.0.113.2' '6 [2001:db8:1::2]'; do
	read -r family public <<< "$way"
	tunnel client "wgc$family" "10.77.0.$family/32"
	inside wg-end wg set wge peer "$(key "wgc$family")" allowed-ips "10.77.0.$family/32"
	inside wg-end ip route add "10.77.0.$family/32" dev wge
	addresses wg-end wge "10.78.$family.1/32"
	inside client wg set "wgc$family" peer "$(key wge)" allowed-ips "10.78.$family.1/32" endpoint "$public:51820"
	inside client ip route add "10.78.$family.1/32" dev "wgc$family" src "10.77.0.$family"
	handshake() { inside client ping -q -c 1 -W 1 "10.78.$family.1"; }
	wait_for 15 "a tunnel over IPv$family" handshake
	expect 'wg-end sees' "$(address_seen wg-end wge "wgc$family")" == '[2001:db8:1::2]'
	size=$((10 << 20))
	head -c $size /dev/urandom > "$work/file"
	transfer "over IPv$family" client wg-end "10.78.$family.1"
done
expect 'flows' "$(wgxdp show flows | awk 'NR > 1 {print $2}' | sed 's/:[0-9]*$//' | sort | tr '\n' ' ')" == '198.51.100.7 [2001:db8:7::7] '

# A client whose port is the service's own: answers to it do not count as packets to the service
inside client wg set wgc4 listen-port "$port" peer "$(key wge)" remove
inside client wg set wgc4 peer "$(key wge)" allowed-ips 10.78.4.1/32 endpoint "203.0.113.2:$port"
family=4
wait_for 15 'a tunnel from the port of the service' handshake

# Nor does a client get a port of the VPS's own WireGuard, whose peer is wg-end too: the device is newer than the instance
tunnel vps wgv 10.77.0.9/32 51821
inside wg-end wg set wge peer "$(key wgv)" allowed-ips 10.77.0.9/32
inside wg-end ip route add 10.77.0.9/32 dev wge
inside vps wg set wgv peer "$(key wge)" allowed-ips 10.77.0.1/32 endpoint "[2001:db8:9::10]:$port"
inside vps ip route add 10.77.0.1/32 dev wgv src 10.77.0.9
own_tunnel() { inside vps ping -q -c 1 -W 1 10.77.0.1; }
wait_for 15 'the tunnel of the VPS' own_tunnel
takes() { inside client "$udptool" send -n 3 -r 10 -c 1 uplink "$(mac net clients)" "198.51.100.7:$1" "203.0.113.2:$port" > /dev/null; }
takes 51821
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
wait_for 15 'the tunnel of the VPS, whose port a client had' own_tunnel
takes 51821
own_tunnel || fail 'a client took the port of the VPS'"'"'s own tunnel'
say 'ok ports of listeners and tunnels stay theirs'

expect 'by XDP, of both directions' "$(shown get services.wg-end.original.forwarded_xdp)" '>' $((size / 1400))
expect_sums
