#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 240
# vm
# The names of scenario F follow the WAN's IPv4 and wg-end's prefix within two seconds, and a client that resolves again
# gets its tunnel back. There is a real name server, and a resolver in front of it. The firewall's daemon keeps A at
# its WAN's address, and wg-end's daemon keeps AAAA of both names at its own address, each within two seconds of the
# change. The WAN's IPv4 and wg-end's prefix change. A client that resolves again gets its tunnel back, by XDP. dig
# prints the expected records. A second run writes nothing. A WAN in 100.64.0.0/10 is never published. BREAK=1 stops
# the firewall's daemon while the WAN's address changes.
#
#     client uplink -- 192.0.2.0/24, 2001:db8:1::/64 -- net wan -- wan firewall lan -- eth wg-end
#       wgc              dns fd53::53, resolver 192.0.2.53   |                               wge, 51820
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/knot.sh"
export on=firewall

namespaces client net firewall wg-end dns
routers net firewall
cable client uplink net clients
cable net eth dns eth
cable net out firewall wan
cable firewall lan wg-end eth
takes_xdp net out
takes_xdp wg-end eth
addresses client uplink 192.0.2.7/24 2001:db8:1::7/64
addresses net clients 192.0.2.1/24 2001:db8:1::1/64
addresses net eth 198.51.100.1/24 fd53::1/64
addresses dns eth 198.51.100.53/24 fd53::53/64
addresses net out 203.0.113.254/24 100.64.0.1/10 2001:db8:f::1/64
addresses firewall wan 203.0.113.5/24 2001:db8:f::2/64
addresses firewall lan 192.168.1.1/24 2001:db8:2::1/64
addresses wg-end eth 192.168.1.10/24 2001:db8:2::10/64
gateways client 192.0.2.1 2001:db8:1::1
gateways dns 198.51.100.1 fd53::1
gateways firewall 203.0.113.254 2001:db8:f::1
gateways wg-end 192.168.1.1 2001:db8:2::1
for prefix in 2 3; do inside net ip route add 2001:db8:$prefix::/64 via 2001:db8:f::2; done

knot_begins
# a resolver whose time runs three hundred times as fast
cat > "$work/named.conf" << EOF
options { directory "$work"; pid-file none; session-keyfile none; listen-on { 198.51.100.53; }; listen-on-v6 { none; };
	recursion yes; allow-query { any; }; allow-recursion { any; }; dnssec-validation no; max-cache-ttl 1; max-ncache-ttl 1; };
controls { };
zone "example.net" { type forward; forward only; forwarders { fd53::53; }; };
EOF
start dns named -g -c "$work/named.conf" > "$work/named" 2>&1
resolves() { [[ $(inside client dig +short +tries=1 +time=1 @198.51.100.53 mail.example.net CNAME) == ns.example.net. ]]; }
wait_for 10 'the resolver answers' resolves
echo 'nameserver 198.51.100.53' > "$work/resolv.conf"
mount --bind "$work/resolv.conf" "$(realpath /etc/resolv.conf)"

choose_wireguard
tunnel client wgc 10.77.0.1/32
tunnel wg-end wge 10.77.0.2/32 51820
inside client wg set wgc peer "$(key wge)" allowed-ips 10.77.0.2/32
inside client ip route add 10.77.0.2/32 dev wgc
inside wg-end wg set wge peer "$(key wgc)" allowed-ips 10.77.0.1/32
inside wg-end ip route add 10.77.0.1/32 dev wge

provider="provider: { rfc2136: { server: \"fd53::53\", zone: example.net, key-file: $work/tsig.key } }"
cat > "$work/wgxdp.yaml" << EOF
services:
  - name: wg-end
    listen: { interface: wan, ports: [ 51820 ] }
    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: 51820 }
ddns: { interface: wan, names: [ firewall.example.net ], records: [ A ], $provider }
EOF
echo "ddns: { interface: eth, names: [ wg-end.example.net, firewall.example.net ], $provider }" > "$work/wg-end.yaml"

is() { # A-OF-FIREWALL AAAA
	[[ "$(ask firewall.example.net A), $(ask firewall.example.net AAAA), $(ask wg-end.example.net AAAA)" == "$1 300, $2 300, $2 300" ]]
}
worst=0
follow() { # A-OF-FIREWALL AAAA: measures from the kernel's event on
	local began took
	began=$(ms)
	wait_for 10 "names follow: $(ask firewall.example.net A), $(ask firewall.example.net AAAA), $(ask wg-end.example.net AAAA)" is "$1" "$2"
	took=$(($(ms) - began))
	((took <= worst)) || worst=$took
}
again() { inside client "$wgxdp" endpoint --interface wgc --peer "$(key wge)" --host firewall.example.net --port 51820 > "$work/endpoint"; }
back() { # ENDPOINT CLIENT'S-ADDRESS WHEN: the client resolves again, and has its tunnel
	sleep 1.1 # the time in the resolver's cache
	again || fail "$3: $(< "$work/endpoint")"
	expect "the client's endpoint, $3" "$(endpoint_seen client wgc wge)" == "$1"
	wait_for 8 "the tunnel carries, $3" inside client ping -q -c 1 -W 1 10.77.0.2
	expect "wg-end sees the client, $3" "$(address_seen wg-end wge wgc)" == "$2"
}
ipv6_is() { # add|delete: blocks or allows it between the client and all others
	inside net nft "$1" table ip6 gone
	[[ $1 == delete ]] || inside net nft 'add chain ip6 gone forward { type filter hook forward priority 0; };
		add rule ip6 gone forward ip6 saddr 2001:db8:1::/64 drop'
}

start wg-end "$wgxdp" --instance wg-end daemon -c "$work/wg-end.yaml" > "$work/wg-end.daemon" 2>&1
other=$!
start_daemon -c "$work/wgxdp.yaml"
wait_for 10 'the names, at the beginning' is 203.0.113.5 2001:db8:2::10
[[ ! -d /sys/fs/bpf/wgxdp/wg-end ]] || fail 'wg-end has a data path'
back '[2001:db8:2::10]:51820' '[2001:db8:1::7]' 'by IPv6'
ipv6_is add
back 203.0.113.5:51820 192.0.2.7 'by IPv4'

[[ ! ${BREAK:-} ]] || kill -STOP "$daemon"
inside firewall ip address del 203.0.113.5/24 dev wan
inside firewall ip address add 203.0.113.6/24 dev wan
inside firewall ip route replace default via 203.0.113.254
follow 203.0.113.6 2001:db8:2::10
back 203.0.113.6:51820 192.0.2.7 "after the WAN's IPv4 changed"
ipv6_is delete
back '[2001:db8:2::10]:51820' '[2001:db8:1::7]' 'by IPv6 again'

inside firewall ip -6 address add 2001:db8:3::1/64 dev lan nodad
inside firewall ip -6 address del 2001:db8:2::1/64 dev lan
inside wg-end ip -6 address add 2001:db8:3::10/64 dev eth nodad
inside wg-end ip -6 route replace default via 2001:db8:3::1
inside wg-end ip -6 address del 2001:db8:2::10/64 dev eth
follow 203.0.113.6 2001:db8:3::10
back '[2001:db8:3::10]:51820' '[2001:db8:1::7]' 'after the prefix changed'
expect 'ms until all names followed, at worst' $worst '<=' "$(at_most 2000)"

# the admin's own look at the records
for question in 'firewall A' 'firewall AAAA' 'wg-end AAAA' 'wg-end A'; do
	# shellcheck disable=SC2086
	set -- $question
	echo "$1 $2 $(inside client dig +short @198.51.100.53 "$1.example.net" "$2" | xargs)"
done > "$work/dig"
diff "$work/dig" - << EOF || fail 'dig prints something else'
firewall A 203.0.113.6
firewall AAAA 2001:db8:3::10
wg-end AAAA 2001:db8:3::10
wg-end A 
EOF
say 'ok dig'
forwarded() { shown all "$1" forwarded_xdp; }
was=$(forwarded original)
inside client ping -q -c 20 -i 0.05 10.77.0.2 > /dev/null || fail 'the tunnel carries nothing'
expect "packets of the client's 20 that XDP forwarded" $(($(forwarded original) - was)) '>=' 18

before=$(arrived dns updates)
inside wg-end "$wgxdp" ddns -c "$work/wg-end.yaml" > "$work/said"
wgxdp ddns -c "$work/wgxdp.yaml" >> "$work/said"
expect 'names that were looked at once more' "$(grep -c 'unchanged fqdn=' "$work/said")" == 3
expect 'updates by a second run' $(($(arrived dns updates) - before)) == 0

inside firewall ip address add 100.64.0.5/10 dev wan
inside firewall ip address del 203.0.113.6/24 dev wan
sleep 1
status=0
wgxdp ddns -c "$work/wgxdp.yaml" > "$work/said" 2>&1 || status=$?
expect 'exit status of a WAN in 100.64.0.0/10' $status == 2
grep -q '100.64.0.5 is .*fqdn=firewall.example.net' "$work/said" || fail "not said why: $(< "$work/said")"
expect 'updates for it' $(($(arrived dns updates) - before)) == 0
expect 'A of the firewall, as it was' "$(ask firewall.example.net A)" == '203.0.113.6 300'
kill "$other"
wait "$other" || fail "wg-end's daemon: $(< "$work/wg-end.daemon")"
end_daemon
wgxdp down
say "ok names and tunnel followed; $worst ms at worst"
