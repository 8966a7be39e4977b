#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
# vm
# One instance with one configuration has every kind of service, a deny list, endpoint learning with a knock, the relay with a policy, and
# the blind relay. A WireGuard tunnel through each of them carries pings, and wgxdp's counters show that wgxdp forwarded the packets: the
# kernel's own forwarding is closed on this host, and counts what it refuses. BREAK=1 leaves out the relay's peers and its policy.
#
#     edge-a .11 nat-a --+              eth0     wan                          uplink
#     edge-b .12 nat-b --+-- 198.51.100.1  relay  203.0.113.1 ------ 203.0.113.7, .66  client
#     edge-d .14 --------+                  |  lan 192.168.1.1 ------ 192.168.1.11 … .16  wg-end
#     edge-e .15 --------+             wgr-one: blind relay (a, b)
#                                      wgs-one: relay (d, e), endpoint learning
#
#     service     port at 203.0.113.1   backend               client's tunnel
#     dnat        51821                 192.168.1.11          wgc1
#     masquerade  51822                 192.168.1.12          wgc2
#     guarded     51823                 192.168.1.13          wgc3
#     choice      51824                 192.168.1.14, .15     wgc4 (key of wge), wgc5 (key of wgz)
#     direct      none: 192.168.1.16:51820                    wgc6
source "${BASH_SOURCE[0]%/*}/lib.sh"
source "${BASH_SOURCE[0]%/*}/sites.sh"
source "${BASH_SOURCE[0]%/*}/blind-sites.sh"

on=relay
site_port=51830 # of the relay's tunnels to its sites
sites=(a b)
every_pair=(a-b b-a)
pinged=10

client_tunnel() { # NUMBER SERVER'S-DEVICE ENDPOINT
	tunnel client "wgc$1" "10.77.0.$1/32"
	inside wg-end wg set "$2" peer "$(key "wgc$1")" allowed-ips "10.77.0.$1/32"
	inside wg-end ip route add "10.77.0.$1/32" dev "$2"
	inside client wg set "wgc$1" peer "$(key "$2")" allowed-ips 10.78.0.0/24 endpoint "$3"
	inside client ip route add "10.78.0.$1/32" dev "wgc$1" src "10.77.0.$1"
	addresses wg-end "$2" "10.78.0.$1/32"
}
pings() { inside client ping -q -c "${2:-1}" -i 0.1 -W 6 "10.78.0.$1"; } # NUMBER [COUNT]
forwarded() { shown get "services.$1.original.forwarded" "services.$1.reply.forwarded"; } # SERVICE
refused_by_kernel() { inside relay nft list counter inet shut refused | awk '$1 == "packets" {print $2}'; }
denied() { shown reason original denied; }
all_denied() { (($(denied) == pinged)); }
stranger_ended() { (($(shown reason original guard_stranger) == 1)); }
has_knocked() { [[ -s $work/knocked ]]; }

of_peers() { shown get peers.site-d.rx.forwarded peers.site-e.rx.forwarded; }
of_pairs() { wgxdp show sites --json | /usr/bin/python3 -IS -c 'import json, sys
print(*(p["packets"] for p in sorted(json.load(sys.stdin)["site_pairs"], key=lambda p: p["from"])))'; }
refused_by_policy() { shown reason rx refused; }
policy_refused() { (($(refused_by_policy) == $1)); }
ends() { # prints where wg-end sees the client, for each of its tunnels
	local n
	for n in 1 2 3 4 6; do echo "$n:$(address_seen wg-end wge "wgc$n")"; done | tr '\n' ' '
	echo "5:$(address_seen wg-end wgz wgc5)"
}

counted() { # WHAT BEFORE AFTER: each has two counters, one for each direction, and both must have counted the pings
	local old new i
	read -ra old <<< "$2"
	read -ra new <<< "$3"
	for i in 0 1; do expect "$1: forwarded, direction $((i + 1))" $((new[i] - old[i])) '>=' $pinged; done
}

configuration() {
	local wanted='listen: { interface: wan, ports:'
	blind_file
	sed -i 's/{ name: eth0, role: wan }/&, { name: wan, role: wan }, { name: lan, role: lan }/' "$work/wgxdp.yaml"
	cat >> "$work/wgxdp.yaml" <<- YAML
		services:
		  - { name: dnat, nat: dnat, $wanted [ 51821 ] }, backend: { ipv4: 192.168.1.11, port: $port }, deny: [ 203.0.113.66 ] }
		  - { name: masquerade, nat: masquerade, $wanted [ 51822 ] }, backend: { ipv4: 192.168.1.12, port: $port } }
		  - { name: guarded, $wanted [ 51823 ] }, backend: { ipv4: 192.168.1.13, port: $port },
		      wireguard: { public-key: "$(key wge)", strict: true } }
		  - name: choice
		    $wanted [ 51824 ] }
		    backends:
		      - { name: alpha, ipv4: 192.168.1.14, port: $port, public-key: "$(key wge)" }
		      - { name: beta, ipv4: 192.168.1.15, port: 51825, public-key: "$(key wgz)" }
		  - { name: direct, nat: none, backend: { ipv4: 192.168.1.16, port: $port } }
		learn: [ { interface: wgs-one, peer: "$(key wgr-d)", knock: { port: 19000, command: [ $work/knock ], user: root } } ]
	YAML
	[[ ${BREAK:-} ]] || cat >> "$work/wgxdp.yaml" <<- YAML
		follow: { wireguard: [ wgs-one ] }
		policy: { overlay: "$overlay::/48" }
	YAML
}

blind_network a b
for s in d e; do
	site "$s"
	on_internet "edge-$s" wan "198.51.100.1${number[$s]}/24"
done
relay_tunnel wgs-one $site_port "$tunnels::100"
for s in d e; do
	edge_tunnel "$s" wgs-one "198.51.100.1:$site_port"
	printf '# site-%s\n[Peer]\nPublicKey = %s\n' "$s" "$(key "wgr-$s")" >> /etc/wireguard/wgs-one.conf
done
namespaces client wg-end
cable client uplink relay wan
cable relay lan wg-end eth
takes_xdp client uplink
takes_xdp wg-end eth
addresses client uplink 203.0.113.7/24 203.0.113.66/24
addresses relay wan 203.0.113.1/24
addresses relay lan 192.168.1.1/24
addresses wg-end eth 192.168.1.1{1..6}/24
gateways client 203.0.113.1
gateways wg-end 192.168.1.1
tunnel wg-end wge 10.78.0.100/32 "$port"
tunnel wg-end wgz 10.78.0.101/32 51825
for n in 1 2 3 4; do client_tunnel $n wge "203.0.113.1:5182$n"; done
client_tunnel 5 wgz 203.0.113.1:51824
client_tunnel 6 wge "192.168.1.16:$port"
inside relay nft -f - <<- EOF_NFT
	table inet shut { counter refused {}; chain forward { type filter hook forward priority 0; counter name refused drop; }; }
EOF_NFT
printf '#!/bin/sh\necho knocked >> %s/knocked\n' "$work" > "$work/knock"
chmod 755 "$work/knock"

configuration
start_daemon -c "$work/wgxdp.yaml"
for device in eth0 wan lan; do expect "mode of $device" "$(shown get "interfaces.$device.mode")" == native; done
wait_for 30 'the blind sites' all_authenticated 2
for n in 1 2 3 4 5 6; do wait_for 10 "a handshake through tunnel $n" pings $n; done
wait_for 10 'a handshake from d to the relay, and to e' inside server-d ping -q -c 1 -W 1 "$overlay:e::10"
first_pings
refused_before=$(refused_by_kernel)
say "the kernel refused $refused_before packets while neighbours and handshakes began"

# Ping through each service, then compare its counters
declare -A tunnels_of=([dnat]=1 [masquerade]=2 [guarded]=3 [choice]='4 5' [direct]=6)
for service in dnat masquerade guarded choice direct; do
	for n in ${tunnels_of[$service]}; do
		before=$(forwarded "$service")
		pings "$n" $pinged > "$work/pings" || fail "$service, tunnel $n: $(< "$work/pings")"
		counted "$service, tunnel $n" "$before" "$(forwarded "$service")"
	done
done
inside client "$root/selftests/blind_say.py" uplink "$(mac relay wan)" 203.0.113.66:4000 203.0.113.1:51823 data 7
wait_for 5 'the strict guard ends data without a session' stranger_ended
expect 'where wg-end sees the clients' "$(ends)" == '1:203.0.113.7 2:192.168.1.1 3:203.0.113.7 4:203.0.113.7 6:203.0.113.7 5:203.0.113.7'

before=$(of_peers)
inside server-d ping -q -c $pinged -i 0.1 -W 6 "$overlay:e::10" > "$work/pings" || fail "the relay: $(< "$work/pings")"
counted 'the relay, from d and from e' "$before" "$(of_peers)"
before=$(refused_by_policy)
inside server-d "$udptool" send -n $pinged eth0 "$(mac edge-d lan)" "[$overlay:d::10]:4000" "[$overlay:e::10]:22" > /dev/null
wait_for 5 'the policy refuses a port' policy_refused $((before + pinged))
say "ok packets that the policy refused: $pinged"

before=$(of_pairs)
expect "of $((2 * pinged)) pings between the blind sites lost" "$(ping_all -c $pinged -i 0.1 -W 6)" == 0
counted 'the blind relay, from a and from b' "$before" "$(of_pairs)"

# The deny list and the knock
inside client "$udptool" send -n $pinged uplink "$(mac relay wan)" 203.0.113.66:4000 203.0.113.1:51821 > /dev/null
wait_for 5 'the deny list' all_denied
say "ok packets that the deny list ended: $pinged"
inside edge-d "$wgxdp" knock send 198.51.100.1 > /dev/null
wait_for 10 'the knock' has_knocked
expect 'knocks that were heard' "$(wc -l < "$work/knocked")" == 1

expect 'packets that the kernel would have forwarded since' "$(($(refused_by_kernel) - refused_before))" == 0
! inside client ping -q -c 1 -W 1 192.168.1.16 > "$work/pings" || fail 'the kernel forwards what is no service'
expect 'and with a ping outside the tunnels' "$(($(refused_by_kernel) - refused_before))" == 1
expect_sums
end_daemon
wgxdp down
say ok
