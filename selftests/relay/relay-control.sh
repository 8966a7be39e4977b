#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# first
# vm
# The relay's peers and routes follow commands, files, WireGuard and the daemon within a second, and so does the
# traffic. Other tests cover the rest of the relay.
#
#     relay   wg-one: peers by follow      wg-two: peers by import      eth2: a site on a cable
#       eth1                 \                                           |
#         far, a peer that wg set adds and removes                      site
#
# nft drops everything, so only wgxdp can forward. BREAK=1 does not follow wg-one: then its peers must be missing.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

one=wgo$$ two=wgt$$ far=wgf$$ # wireguard-go's sockets belong to no namespace
overlay=fd12:3456:789a
on=relay

routes() { wgxdp show routes --json | /usr/bin/python3 -ISc 'import json, sys
print(" ".join(r["prefix"] + "=" + r["peer"] for r in json.load(sys.stdin)["routes"]))'; }
field() { # PEER KEY
	wgxdp show peers --json | /usr/bin/python3 -ISc 'import json, sys
print(*[p[sys.argv[2]] for p in json.load(sys.stdin)["peers"] if p["name"] == sys.argv[1]])' "$@"
}
names() { wgxdp show peers --json | /usr/bin/python3 -ISc 'import json, sys
print(" ".join(sorted(p["name"] for p in json.load(sys.stdin)["peers"])))'; }
has_route() { [[ " $(routes) " == *" $1 "* ]]; }
has_no_route() { ! has_route "$1"; }
written() { sed -n 's/^the data path is up:.* \([0-9]*\) map .* written$/\1/p; s/.*: nothing had to change$/0/p' <<< "$1"; }
in_time() { expect 'ms until then' $((($(date +%s%N) - from) / 1000000)) '<=' "$(at_most 1000)"; }
new_key() { wg genkey | wg pubkey; }

network() { # with the far peer's tunnel, unknown to the relay yet
	choose_wireguard
	namespaces relay site far
	routers relay
	cable relay eth1 far eth0
	cable relay eth2 site eth0
	takes_xdp site eth0
	addresses relay eth1 198.51.100.1/24
	addresses far eth0 198.51.100.7/24
	addresses relay eth2 fd12:3456:7898::1/64
	addresses site eth0 fd12:3456:7898::2/64 "$overlay:e::10/128"
	inside relay ip route add "$overlay:e::/64" via fd12:3456:7898::2
	inside site ip route add "$overlay::/48" via fd12:3456:7898::1 src "$overlay:e::10"
	inside relay nft 'add table ip6 t; add chain ip6 t c { type filter hook forward priority filter; policy drop; }'
	tunnel relay "$one" fd12:3456:7899::1/128 "$port"
	tunnel far "$far" "$overlay:b::1/64"
	addresses far "$far" "$overlay:bb::1/64"
	inside far wg set "$far" peer "$(key "$one")" endpoint "198.51.100.1:$port" allowed-ips "$overlay::/48"
	inside far ip route add "$overlay::/48" dev "$far"
}

answered() { inside far ping -q -c 1 -W 0.2 -I "$1" "$overlay:e::10"; } # AN-ADDRESS-OF-FAR'S
unreachable() { # ADDRESS
	inside site ping -c 1 -W 0.2 "$1" > "$work/ping" || :
	grep -q 'From fd12:3456:7898::1 .*Administratively prohibited' "$work/ping"
}

network
tunnel relay "$two" fd12:3456:7899::2/128
a=$(new_key) b=$(key "$far") c=$(new_key) d=$(new_key)
inside relay wg set "$one" peer "$a" allowed-ips fd12:3456:7899::a/128,$overlay:a::/64,10.1.0.1/32
inside relay wg set "$two" peer "$c" allowed-ips fd12:3456:7899::c/128,$overlay:c00::/56 peer "$d" allowed-ips $overlay:d::/64

followed="$one"
[[ ! ${BREAK:-} ]] || followed="$two"
cat > "$work/wgxdp.yaml" << EOF
peers:
  - { name: cable, device: eth2, prefixes: [ "$overlay:e::/64" ] }
  - { name: absent, device: wg-absent, prefixes: [ "$overlay:f::/64", "$overlay:e::7" ] }
follow: { wireguard: [ $followed ] }
policy: { overlay: "$overlay::/48" }
EOF

wgxdp up -c "$work/wgxdp.yaml" > /dev/null 2> "$work/errors" || fail "up: $(< "$work/errors")"
grep -q 'wg-absent: it does not exist: this host has' "$work/errors" || fail 'nothing is said of a device that is not there'
expect "a peer named by its key's first 8 characters" "$(field "${a:0:8}" public_key)" == "$a"
expect 'routes of the file and of WireGuard' "$(routes)" == "fd12:3456:7899::a/128=${a:0:8} $overlay:a::/64=${a:0:8} $overlay:e::/64=cable $overlay:e::7/128=absent $overlay:f::/64=absent"
expect 'states' "$(field cable state) $(field absent state) $(field "${a:0:8}" followed)" == 'attached waiting yes'

# the output of save runs unchanged
again=$(wgxdp save | wgxdp up -c - 2> /dev/null)
expect 'entries that save and up write' "$(written "$again")" == 0
wgxdp up -c "$work/wgxdp.yaml" > /dev/null 2>&1

# commands
wgxdp peer add hand --device eth2 --prefix $overlay:1::/64 2> /dev/null > /dev/null || fail 'peer add'
has_route "$overlay:1::/64=hand" || fail "peer add: $(routes)"
said=$(wgxdp peer set hand --prefix $overlay:2::/64 2> /dev/null)
expect 'a prefix for another' "$said" == "peer hand: prefixes $overlay:2::/64, was $overlay:1::/64"
wgxdp route add $overlay:3::/64 --peer hand > /dev/null 2>&1 || fail 'route add'
expect 'routes by hand' "$(routes | tr ' ' '\n' | grep -c =hand)" == 2
wgxdp route add $overlay:b::/64 --peer "${a:0:8}" > /dev/null 2>&1 || fail 'route add of a followed peer'
[[ $(routes) == *" $overlay:a::/64=${a:0:8} $overlay:b::/64=${a:0:8} "* ]] || fail "a followed peer's: $(routes)"
wgxdp route del $overlay:b::/64 > /dev/null 2>&1 || fail 'route del'
has_no_route "$overlay:b::/64=${a:0:8}" || fail 'route del left it'
! wgxdp peer add hand --device eth2 2> /dev/null || fail 'a second peer of one name'
! wgxdp peer add other --device eth2 --prefix $overlay:2::/64 2> "$work/errors" || fail 'one prefix of two peers'
grep -q "is also listed at peer 'hand'" "$work/errors" || fail "said: $(< "$work/errors")"
! wgxdp route add 2001:db8::/32 --peer hand 2> /dev/null || fail 'a prefix outside of the overlay'
# the names in wg-quick's file, in a mount namespace with an /etc/wireguard of its own
mkdir "$work/etc"
printf '# Site C\n[Peer]\nPublicKey = %s\n' "$c" > "$work/etc/$two.conf"
# shellcheck disable=SC2016 # the inner shell's
inside relay unshare -m sh -c 'mount --bind "$1" /etc/wireguard && shift && exec "$@"' - "$work/etc" "$wgxdp" peer import "$two" \
	> /dev/null 2>&1 || fail 'peer import'
has_route "$overlay:c00::/56=Site-C" || fail "import: $(routes)"
has_route "$overlay:d::/64=${d:0:8}" || fail "import: $(routes)"
wgxdp peer del hand > /dev/null 2>&1 || fail 'peer del'
has_no_route "$overlay:2::/64=hand" || fail 'peer del left its routes'
wgxdp show metrics > "$work/metrics"
grep -q '^wgxdp_peer_packets_total{peer="cable",direction="rx",verdict="forwarded"} 0' "$work/metrics" || fail 'no metrics of peers'
wgxdp reload -c "$work/wgxdp.yaml" > /dev/null 2>&1 || fail 'reload'
expect 'peers after reload' "$(names)" == "$(printf '%s\n' "${a:0:8}" absent cable | LC_ALL=C sort | xargs)"

# the daemon follows
start_daemon -c "$work/wgxdp.yaml"
from=$(date +%s%N)
inside relay wg set "$one" peer "$b" allowed-ips $overlay:b::/64
wait_for 10 'an answer to a peer that wg set has added' answered $overlay:b::1
in_time
has_route "$overlay:b::/64=${b:0:8}" || fail "its route is not shown: $(routes)"
! unreachable $overlay:b::1 || fail 'it is unreachable'
from=$(date +%s%N)
inside relay wg set "$one" peer "$b" allowed-ips $overlay:bb::/64
wait_for 10 'an answer to it at its other AllowedIPs' answered $overlay:bb::1
in_time
has_route "$overlay:bb::/64=${b:0:8}" || fail "its other route is not shown: $(routes)"
has_no_route "$overlay:b::/64=${b:0:8}" || fail 'the former ones are there'
from=$(date +%s%N)
inside relay wg set "$one" peer "$b" remove
wait_for 10 'refusals of what is sent to it' unreachable $overlay:bb::1
in_time
has_no_route "$overlay:bb::/64=${b:0:8}" || fail 'its route is still shown'
! answered $overlay:bb::1 || fail 'it is still answered'
end_daemon
inside relay sysctl -qw net.ipv6.conf.all.forwarding=0 net.ipv4.ip_forward=0
wgxdp up -c "$work/wgxdp.yaml" > /dev/null 2> "$work/errors"
expect 'links that up wants to forward' "$(grep -o 'this host has IPv[46] forwarding off' "$work/errors" | xargs)" == 'this host has IPv6 forwarding off'
expect 'states without forwarding, of a peer on Ethernet and of one in a tunnel' "$(field cable state) $(field "${a:0:8}" state)" == 'waiting attached'
wgxdp check -c "$work/wgxdp.yaml" > "$work/errors" 2>&1 || :
expect 'links that check wants to forward' "$(grep -o 'this host has IPv[46] forwarding off' "$work/errors" | xargs)" == 'this host has IPv6 forwarding off'
wgxdp down
say 'ok'
