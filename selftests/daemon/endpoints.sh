#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 900
# vm
# The daemon chooses the endpoint of a peer by handshakes, and moves to a better one without a lost packet. The daemon
# chooses an endpoint by handshakes, while pings go through its tunnel:
# - IPv6 is broken but routed: it takes IPv4.
# - IPv6 works again: it takes IPv6, without a lost packet.
# - IPv6 breaks on the path: after 135 s without a handshake it takes IPv4.
# - The record changes to another address of the same host: it moves there, without a lost packet.
# - IPv6 answers pings but carries no WireGuard: it keeps IPv4.
# - The record changes to an address that fails and another that works: it finds the latter.
# - The file has another name: it moves there, although the former address works.
# - With `together`, another peer of the same host moves with it.
# BREAK=1 breaks IPv6 again as soon as the daemon takes it.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/laptop.sh"

six='[2001:db8:2::1]:51820'
ttl=1

# Pings 20 times a second until stopped. Then $sent were sent, and $lost of them had no answer. The answers of the last
# second may still be under way.
pings_begin() {
	start laptop ping -i 0.05 -W 5 10.78.0.1 > "$work/pings"
	pings=$!
}
pings_end() {
	sleep 0.5
	kill -INT "$pings"
	wait "$pings" || :
	sent=$(awk '/packets transmitted/ {print $1}' "$work/pings")
	last=$(awk -F icmp_seq= '/bytes from/ && $2 + 0 > last {last = $2 + 0} END {print last + 0}' "$work/pings")
	lost=$(unanswered_in $((sent - last > 20 ? sent : last)) < "$work/pings")
}

says_good() { tail -n 1 "$work/daemon" | holds "${six//[[\]]/.}.* works"; }

laptop_network
broken add gone 2001:db8:2::-2001:db8:2::7f
name 2001:db8:2::1 203.0.113.1
cat > "$work/wgxdp.yaml" << EOF
endpoints:
  - { interface: wgl, peer: "$peer", host: vpn.example.net, port: 51820 }
EOF
start_daemon -c "$work/wgxdp.yaml"
wait_for 40 'a tunnel over IPv4' handshaken laptop wgl
is_at 203.0.113.1:51820
say 'ok IPv6 broken but routed: IPv4'

pings_begin
broken delete gone 2001:db8:2::-2001:db8:2::7f
wait_for 150 'IPv6 is taken' is_there "$six"
[[ ! ${BREAK:-} ]] || broken add gone 2001:db8:2::-2001:db8:2::7f
wait_for 15 'it is good' says_good
sleep 1
pings_end
is_at "$six"
expect "server sees" "$(address_seen server wgs wgl)" == '[2001:db8:1::7]'
expect "lost of $sent while IPv6 was taken" "$lost" == 0

pings_begin
broken add gone 2001:db8:2::-2001:db8:2::7f
began=$SECONDS
wait_for 200 'IPv4 again' is_there 203.0.113.1:51820
pings_end
expect 'seconds until it is IPv4 again' $((SECONDS - began)) '<' "$(($(at_most 160000) / 1000))"
wait_for 10 'IPv4 carries, when WireGuard asks again' inside laptop ping -q -c 1 -W 1 10.78.0.1

pings_begin
name 203.0.113.2
wait_for 15 'the record is followed' is_there 203.0.113.2:51820
sleep 2
pings_end
is_at 203.0.113.2:51820
expect "lost of $sent while the record changed" "$lost" == 0

# 2001:db8:2::2 answers pings, but carries no WireGuard
inside server nft -f - << EOF
table inet mute { chain input { type filter hook input priority 0; ip6 daddr 2001:db8:2::2 udp dport 51820 drop; }; }
EOF
broken delete gone 2001:db8:2::-2001:db8:2::7f
name 2001:db8:2::2 203.0.113.2
pings_begin
wait_for 150 'IPv6 is tried' grep -q '\[2001:db8:2::2\]:51820 (vpn.example.net): this address answers again, and is tried now' "$work/daemon"
sleep 15
pings_end
is_at 203.0.113.2:51820
inside laptop ping -q -c 2 -i 0.2 -W 5 10.78.0.1 > /dev/null || fail 'the working path fails'
expect "lost of $sent, at 20/s, by a trial in vain" "$lost" '<' 60

# the record changes, and the first of its addresses is again the one without WireGuard; the former one works
name 2001:db8:2::2 203.0.113.1
wait_for 60 'the second address of the record' is_there 203.0.113.1:51820
grep -q '\[2001:db8:2::2\]:51820 (vpn.example.net): this address is tried, because the name has it now' "$work/daemon" ||
	fail "the first address was not tried: $(< "$work/daemon")"
wait_for 10 'it carries' inside laptop ping -q -c 1 -W 1 10.78.0.1

# the file has another name, while the former one works
names 'vpn.example.net 5 203.0.113.1' 'other.example.net 5 203.0.113.2'
sed -i 's/vpn.example.net/other.example.net/' "$work/wgxdp.yaml"
kill -HUP "$daemon"
wait_for 30 'the address of the other name' is_there 203.0.113.2:51820

# a peer behind the same host follows, although the name's former address is no longer known then
second=$(wg genkey | wg pubkey)
inside laptop wg set wgl peer "$second" endpoint 203.0.113.2:51820 allowed-ips 10.99.0.0/16
sed -i 's/ }$/, within: 10s, together: true }/' "$work/wgxdp.yaml"
kill -HUP "$daemon"
sleep 2
names 'other.example.net 5 203.0.113.1'
wait_for 30 'its new address' is_there 203.0.113.1:51820
expect 'endpoint of the peer behind it' "$(inside laptop wg show wgl endpoints | awk -v key="$second" '$1 == key {print $2}')" == 203.0.113.1:51820
end_daemon
say 'ok by handshake alone'
