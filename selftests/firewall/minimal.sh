#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 3600
# A build without optional parts (every WITH_*=0 of the Makefile) forwards, says what it lacks, and opens no optional
# library. It checks a configuration and forwards, also with its daemon. It refuses gen and configurations that need a
# missing part, with the reason. BREAK=1 builds everything.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

optional='microhttpd|sodium'
mapfile -t without < <(sed -n 's/^\(WITH_[A-Z]*\) ?= 1$/\1=0/p' Makefile)
expect 'optional parts in the Makefile' "${#without[@]}" == 3
minimal=$work/build
if [[ ! ${BREAK:-} ]]; then
	MAKEFLAGS='' make O="$minimal" "${without[@]}" "$minimal/wgxdp" > "$work/log" 2>&1 || fail "it does not build: $(tail "$work/log")"
	wgxdp=$minimal/wgxdp
fi

said=$("$wgxdp" --version)
for library in ${optional//|/ } generator; do
	[[ $said == *without*$library* ]] || fail "--version does not say that it is without $library: $said"
done
say "ok $said"
readelf -d "$wgxdp" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' > "$work/needed"
! grep -E "$optional" "$work/needed" || fail 'it needs what it was built without'
! grep -aoE "lib($optional)[a-z]*\.so\.[0-9]+" "$wgxdp" || fail 'it would open what it was built without'
say "ok it needs $(paste -sd ' ' "$work/needed")"

firewall_network
count_arrivals wg-end all_of_them "udp dport $port"
quiet wg-end
sent=0
all_arrived() { [[ $(arrived wg-end all_of_them) == "$sent" ]]; }
forwards() { # WHEN
	inside client "$udptool" send -n 100 -r 2000 uplink "$(mac firewall wan)" 198.51.100.7:4000 "198.51.100.1:$port" > /dev/null
	sent=$((sent + 100))
	wait_for 5 "100 more forwarded, $1" all_arrived
	say "ok 100 of 100 forwarded, $1"
}
service_file dnat
inside firewall "$wgxdp" check -c "$work/wgxdp.yaml" > "$work/out" 2>&1 || fail "check: $(< "$work/out")"
inside firewall "$wgxdp" up -c "$work/wgxdp.yaml" > "$work/out" 2>&1 || fail "up: $(< "$work/out")"
forwards 'up'
start_daemon -c "$work/wgxdp.yaml"
forwards 'with a daemon'
end_daemon
inside firewall "$wgxdp" down > /dev/null

refuses() { # LIBRARY LINES COMMAND [OPTION]...
	printf '%s\n' "$2" > "$work/more"
	cat "$work/wgxdp.yaml" "$work/more" > "$work/more.yaml"
	! inside firewall "$wgxdp" "${@:3}" -c "$work/more.yaml" > "$work/out" 2>&1 || fail "${*:3} takes what needs $1"
	grep -q "built without $1" "$work/out" || fail "a part that needs $1: $(< "$work/out")"
	say "ok refused: $(grep -o "this program was built without $1.*" "$work/out" | head -n 1)"
}
for command in check up; do
	refuses libsodium "    wireguard: { public-key: \"$(wg genkey | wg pubkey)\", challenge: { above: 100/s } }" "$command"
done
status=0
"$wgxdp" gen nft -c "$work/wgxdp.yaml" > "$work/out" 2>&1 || status=$?
expect 'status of gen' $status == 2
grep -q 'built without the generator' "$work/out" || fail "gen: $(< "$work/out")"
say 'ok gen says that it was left out'
