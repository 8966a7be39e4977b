#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 180
# The daemon keeps a peer's last good endpoint while DNS fails or lies, and takes a new one only after a handshake.
# The daemon follows the names of endpoints, without a data path. It skips a first address that answers pings but runs
# no WireGuard, because only a handshake counts. Then each name fails in another way: SERVFAIL, REFUSED, NXDOMAIN,
# truncated, silent, slow, garbage, a loop of CNAMEs, a hundred records. The last good endpoint stays, and each name
# recovers by itself. BREAK=1 lets them fail for ever.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/laptop.sh"

lies=(servfail refused nxdomain truncated silent garbage slow loop hundred)
declare -A peers

entry() { # NAME KEY BY
	echo "  - { interface: wgl, peer: \"$2\", host: $1.example.net, port: 51820, by: $3 }"
}
endpoint_of() { inside laptop wg show wgl endpoints | awk -v key="${peers[$1]}" '$1 == key {print $2}'; }
all_at() { # ENDPOINT: checks the endpoints of all lying names
	local lie
	for lie in "${lies[@]}"; do [[ $(endpoint_of "$lie") == "$1" ]] || return 1; done
}
not_alive() { ! kill -0 "$1" 2> /dev/null; }
zone() { # LINE-FOR-A-LIE...: sets all names to one line, or each to its own lie
	local lie lines=("vpn.example.net 5 2001:db8:2::2 203.0.113.1")
	for lie in "${lies[@]}"; do
		case ${1-$lie} in
		loop) lines+=("loop.example.net 1 cname:pool.example.net" "pool.example.net 1 cname:loop.example.net") ;;
		hundred) lines+=("hundred.example.net 1 203.0.113.2 $(printf '203.0.113.%d ' {3..52}) $(printf '2001:db8:9::%x ' {1..50})") ;;
		slow) lines+=("slow.example.net 1 slow 203.0.113.2") ;;
		*) lines+=("$lie.example.net 1 ${1-$lie}") ;;
		esac
	done
	names "${lines[@]}"
}

laptop_network
zone 203.0.113.1
{
	echo 'endpoints:'
	entry vpn "$peer" handshake
	for lie in "${lies[@]}"; do
		peers[$lie]=$(wg genkey | wg pubkey)
		inside laptop wg set wgl peer "${peers[$lie]}"
		entry "$lie" "${peers[$lie]}" echo
	done
} > "$work/wgxdp.yaml"
# that address answers pings, but the server's WireGuard does not answer there
inside server nft -f - << EOF
table inet mute { chain input { type filter hook input priority 0; ip6 daddr 2001:db8:2::2 udp dport 51820 drop; }; }
EOF

start_daemon -c "$work/wgxdp.yaml"
[[ ! -d /sys/fs/bpf/wgxdp/default ]] || fail 'a data path was loaded'
inside laptop "$wgxdp" up -c "$work/wgxdp.yaml" > "$work/up" || fail 'up'
grep -q 'nothing to load' "$work/up" || fail "up says: $(< "$work/up")"
wait_for 10 'the first endpoints' all_at 203.0.113.1:51820
zone
lied=$(elapsed)
wait_for 30 'the handshake' handshaken laptop wgl "$peer"
wait_for 5 'its endpoint' is_there 203.0.113.1:51820
inside laptop ping -q -c 2 -i 0.2 10.78.0.1 > /dev/null || fail 'the tunnel carries nothing'
wait_for 5 'the daemon says so' grep -q '203.0.113.1:51820 (vpn.example.net): this address works: WireGuard got an answer from it' "$work/daemon"
grep -q '\[2001:db8:2::2\]:51820 (vpn.example.net): this address is tried' "$work/daemon" || fail 'the one that is better was not tried first'
say 'ok a host that answers pings and runs no WireGuard is skipped'
inside laptop "$wgxdp" show metrics > "$work/metrics" || fail 'no metrics where no data path runs'
promtool check metrics < "$work/metrics" > "$work/checked" 2>&1 || fail "promtool: $(head "$work/checked")"
# to the address that does not carry, and on from it
expect 'changes of that peer, as counted' "$(awk -v peer="$peer" '/^wgxdp_endpoint_changes_total/ && index($0, peer) {print $2}' "$work/metrics")" '>=' 2

wait_for 10 'they have lied for a while' awk -v a="$lied" -v b="$(elapsed)" 'BEGIN {exit b - a < 6}'
for lie in "${lies[@]}"; do
	case $lie in
	# right, but slow or many: the first address that answers
	slow | hundred) expect "$lie" "$(endpoint_of "$lie")" == 203.0.113.2:51820 ;;
	*) expect "$lie" "$(endpoint_of "$lie")" == 203.0.113.1:51820 ;;
	esac
done
for lie in servfail refused nxdomain truncated silent garbage loop; do
	wait_for 20 "the daemon says what is wrong with $lie" grep -q "warning.*: $lie.example.net: " "$work/daemon"
	expect "times that the daemon says what is wrong with $lie" "$(grep -c "warning.*: $lie.example.net: " "$work/daemon")" == 1
done
[[ ${BREAK:-} ]] || zone 203.0.113.2
wait_for 40 'they recover' all_at 203.0.113.2:51820
say 'ok each recovered alone'
inside laptop "$wgxdp" down
wait_for 5 'the daemon ends with down' not_alive "$daemon"
