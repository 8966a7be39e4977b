#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# `wgxdp endpoint` chooses, prints and exits as documented for a changed record, a dead address, broken IPv6, no
# answer, and wrong arguments. The dead address is one of several, and IPv6 is broken but routed. With a real
# WireGuard device with several peers. BREAK=1 leaves IPv6 whole.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/laptop.sh"

# WHAT STATUS ARGUMENT...: runs wgxdp endpoint; standard input is the expected output
says() {
	local status=0
	inside laptop "$wgxdp" endpoint "${@:3}" > "$work/said" 2> "$work/errors" || status=$?
	cat > "$work/expected"
	diff -u "$work/expected" "$work/said" >&2 || fail "$1: it says something else; errors: $(< "$work/errors")"
	expect "$1: exit status" $status == "$2"
}

laptop_network
other=$(wg genkey | wg pubkey)
inside laptop wg set wgl peer "$other" endpoint 198.51.100.9:1000 allowed-ips 10.79.0.1/32
name 203.0.113.1
arguments=(--interface wgl --peer "$peer" --host vpn.example.net --port 51820)

# a changed record: first without a known endpoint, then with another one
says 'no endpoint yet' 0 "${arguments[@]}" << EOF
Candidate addresses: ['203.0.113.1']
203.0.113.1 is reachable
All reachable addresses: ['203.0.113.1']
Chosen endpoint is 203.0.113.1:51820
Existing endpoint is (none)
Executing wg set wgl peer $peer endpoint 203.0.113.1:51820
Done executing wg set wgl peer $peer endpoint 203.0.113.1:51820
EOF
is_at 203.0.113.1:51820
name 203.0.113.2
for dry in --dryrun --dry-run; do
	says "a changed record, $dry" 0 "${arguments[@]}" $dry << EOF
Candidate addresses: ['203.0.113.2']
203.0.113.2 is reachable
All reachable addresses: ['203.0.113.2']
Chosen endpoint is 203.0.113.2:51820
Existing endpoint is 203.0.113.1:51820
DRY RUN: Would have executed wg set wgl peer $peer endpoint 203.0.113.2:51820
EOF
	is_at 203.0.113.1:51820
done
says 'a changed record' 0 "${arguments[@]}" << EOF
Candidate addresses: ['203.0.113.2']
203.0.113.2 is reachable
All reachable addresses: ['203.0.113.2']
Chosen endpoint is 203.0.113.2:51820
Existing endpoint is 203.0.113.1:51820
Executing wg set wgl peer $peer endpoint 203.0.113.2:51820
Done executing wg set wgl peer $peer endpoint 203.0.113.2:51820
EOF
is_at 203.0.113.2:51820
says 'the same again' 0 "${arguments[@]}" << EOF
Candidate addresses: ['203.0.113.2']
203.0.113.2 is reachable
All reachable addresses: ['203.0.113.2']
Chosen endpoint is 203.0.113.2:51820
Existing endpoint is 203.0.113.2:51820
Nothing to do: endpoint is already 203.0.113.2:51820
EOF

# one of several addresses is dead; duplicates and IPv4-mapped addresses do not count
name 203.0.113.1 203.0.113.1 2001:db8:2::1 ::ffff:203.0.113.2 2001:db8:2::2
broken add gone 2001:db8:2::1
says 'one of several dead' 0 "${arguments[@]}" << EOF
Candidate addresses: ['2001:db8:2::1', '2001:db8:2::2', '203.0.113.1']
2001:db8:2::1 is not reachable
2001:db8:2::2 is reachable
203.0.113.1 is reachable
All reachable addresses: ['2001:db8:2::2', '203.0.113.1']
Chosen endpoint is [2001:db8:2::2]:51820
Existing endpoint is 203.0.113.2:51820
Executing wg set wgl peer $peer endpoint [2001:db8:2::2]:51820
Done executing wg set wgl peer $peer endpoint [2001:db8:2::2]:51820
EOF
is_at '[2001:db8:2::2]:51820'

# IPv6 is broken, but its routes remain
if [[ ${BREAK:-} ]]; then broken delete gone 2001:db8:2::1; else broken add gone 2001:db8:2::2-2001:db8:2::fe; fi
name 2001:db8:2::1 203.0.113.1
says 'IPv6 broken, but routed' 0 "${arguments[@]}" << EOF
Candidate addresses: ['2001:db8:2::1', '203.0.113.1']
2001:db8:2::1 is not reachable
203.0.113.1 is reachable
All reachable addresses: ['203.0.113.1']
Chosen endpoint is 203.0.113.1:51820
Existing endpoint is [2001:db8:2::2]:51820
Executing wg set wgl peer $peer endpoint 203.0.113.1:51820
Done executing wg set wgl peer $peer endpoint 203.0.113.1:51820
EOF
is_at 203.0.113.1:51820
handshake() { inside laptop ping -q -c 1 -W 1 10.78.0.1; }
wait_for 10 'the tunnel carries' handshake

# no answer, or no address: WireGuard stays as it is
broken add dead 203.0.113.1
began=$(elapsed)
says 'nothing reachable' 254 "${arguments[@]}" << EOF
Candidate addresses: ['2001:db8:2::1', '203.0.113.1']
2001:db8:2::1 is not reachable
203.0.113.1 is not reachable
None of the tested endpoints (['2001:db8:2::1', '203.0.113.1']) were reachable.
EOF
took=$(awk -v a="$began" -v b="$(elapsed)" 'BEGIN {print int((b - a) * 1000)}')
expect 'ms for two dead ones, side by side' "$took" '<' "$(at_most 4000)"
names
says 'nothing resolved' 255 "${arguments[@]}" <<< 'No addresses resolved for vpn.example.net.'
for address in 0.0.0.0 127.0.0.1 ::; do # a parked name, or a name server that blocks
	name $address
	says "only $address" 255 "${arguments[@]}" <<< 'No addresses resolved for vpn.example.net.'
	grep -qF "the answer is $address, which wgxdp cannot use" "$work/errors" || fail "$address is not named: $(< "$work/errors")"
done
is_at 203.0.113.1:51820
expect "the other peer's endpoint" "$(inside laptop wg show wgl endpoints | awk -v key="$other" '$1 == key {print $2}')" == 198.51.100.9:1000

# an address instead of a name; raw sockets if the kernel allows no ping sockets, and the reverse
inside home nft flush set inet broken dead
for groups in '1 0' '0 2147483647'; do
	inside laptop sysctl -qw net.ipv4.ping_group_range="$groups"
	says "an address, ping_group_range $groups" 0 --interface wgl --peer "$peer" --host 203.0.113.1 --port 51820 << EOF
Candidate addresses: ['203.0.113.1']
203.0.113.1 is reachable
All reachable addresses: ['203.0.113.1']
Chosen endpoint is 203.0.113.1:51820
Existing endpoint is 203.0.113.1:51820
Nothing to do: endpoint is already 203.0.113.1:51820
EOF
done

# a normal user, who may open ping sockets
chmod 755 "$work"
install -m 755 "$wgxdp" "$work/wgxdp"
! inside laptop setpriv --reuid 4711 --regid 4711 --clear-groups "$work/wgxdp" endpoint --interface wgl --peer "$peer" \
	--host 203.0.113.1 --port 51820 > "$work/said" 2>&1 || fail 'a normal user may change WireGuard'
grep -q -- '--interface wgl: .*: run as root$' "$work/said" || fail "a normal user: $(< "$work/said")"

# invalid arguments and states
wrong() { # WHAT STATUS ERROR ARGUMENT...
	says "$1" "$2" "${@:4}" < /dev/null
	grep -qF -- "$3" "$work/errors" || fail "$1: the error is: $(< "$work/errors")"
}
wrong 'no such interface' 1 'wgl9: this host has no such interface' --interface wgl9 --peer "$peer" --host 203.0.113.1 --port 51820
wrong 'no WireGuard interface' 1 'eth: this is not a WireGuard interface: name one, such as wg0' --interface eth --peer "$peer" --host 203.0.113.1 --port 51820
wrong 'no such peer' 1 'wgl has no peer with this public key' --interface wgl --peer "$(wg genkey | wg pubkey)" --host 203.0.113.1 --port 51820
wrong 'no key' 2 'not a public key' --interface wgl --peer abc --host 203.0.113.1 --port 51820
wrong 'no port' 2 "not a port: write a number from 1 to 65535" --interface wgl --peer "$peer" --host 203.0.113.1 --port 0
wrong 'no name' 2 'is neither an address nor a host name' --interface wgl --peer "$peer" --host 'a b' --port 51820
wrong 'a missing option' 2 '--port is missing' --interface wgl --peer "$peer" --host 203.0.113.1
wrong 'an unknown option' 2 'no such option' "${arguments[@]}" --verbose
say 'ok four cases, word for word'
