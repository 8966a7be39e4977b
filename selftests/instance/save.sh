#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# vm
# The command `up` with the output of `save` changes nothing that runs. `save | up -c /dev/stdin` writes no map entry,
# loads and attaches nothing, and changes by hand stay marked. If /run/wgxdp was lost, it reads the maps. `save` keeps
# the file's comments. Without --replace, `up --wan` does not replace the configuration of a file. BREAK=1
# changes a port on the way.
#
#     client  .7 -- 198.51.100.0/24 -- .1, .2 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#                   2001:db8:1::/64                                  2001:db8:2::/64
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

cat > "$work/wgxdp.yaml" << EOF
running: { mode: auto }
interfaces:
  - { name: lan, role: lan }
services:
  - name: home
    listen: { interface: wan, ports: [ $port, 443, 2000-2010 ] }
    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
  - name: static
    listen: { addresses: [ "2001:db8:1::1", 198.51.100.2 ], ports: [ 1000 ] }
    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: 4000 }
    ipv6: dnat
    df: report
  - { name: direct, nat: none, backend: { ipv4: 192.168.1.11, port: 4500 } }
EOF

# Everything that is in the maps and that only user space writes
maps() {
	local map
	for map in links table sources source_trie names control devices; do
		echo "$map: $(bpftool -j map dump pinned "/sys/fs/bpf/wgxdp/default/$map" | md5sum)"
	done
}
as_it_is() {
	on_host firewall
	bpf_objects default
	maps
}

round_trip() { # WHAT
	as_it_is > "$work/was"
	cp /run/wgxdp/default/running.yaml "$work/runs"
	wgxdp save > "$work/first" || fail "$1: save"
	wgxdp save | sed "${BREAK:+s/4500/4501/}" | wgxdp up -c /dev/stdin > "$work/out" || fail "$1: up refuses what save wrote"
	[[ $(tail -n 1 "$work/out") == 'the data path is up: nothing had to change' ]] || fail "$1: $(tail -n 1 "$work/out")"
	as_it_is | diff "$work/was" - || fail "$1: something changed"
	diff "$work/runs" /run/wgxdp/default/running.yaml || fail "$1: another configuration runs"
	say "ok $1: save | up changes nothing"
}

forwards() {
	local before
	before=$(arrived wg-end all_of_them)
	inside client "$udptool" send -n 10 -r 10000 uplink "$(mac firewall wan)" 198.51.100.7:4000 "198.51.100.1:443" > /dev/null
	expect 'forwarded' $(($(arrived wg-end all_of_them) - before)) == 10
}

firewall_network
addresses firewall wan 198.51.100.2/24
count_arrivals wg-end all_of_them "udp dport $port"
for ((n = 0; n < 40; n++)); do # more prefixes than a list has room for
	inside firewall ip route add 10.$n.0.0/16 via 192.168.1.10
	inside firewall ip route add 2001:db8:f$n::/48 via 2001:db8:2::10
done
! wgxdp save > "$work/out" 2>&1 || fail 'save with nothing up'
grep -q 'instance default is not up' "$work/out" || fail "save with nothing up says $(< "$work/out")"
for mode in auto native generic tc; do
	wgxdp up -c "$work/wgxdp.yaml" --mode $mode > /dev/null
	round_trip "mode $mode"
	[[ $mode == auto ]] || grep -qx "running: { mode: $mode }" "$work/first" || fail "mode $mode is not in what was saved"
done
wgxdp up -c - < "$work/wgxdp.yaml" > /dev/null
! wgxdp save > /dev/full 2> "$work/said" || fail 'save to a full disk'
grep -q 'cannot write the configuration to standard output: No space left on device' "$work/said" || fail "to a full disk save says $(< "$work/said")"
# the kernel has the text: what becomes of its copy below /run changes nothing
wgxdp save > "$work/first"
for lost in 'sed -i s/direct/indirect/ /run/wgxdp/default/running.yaml' 'rm -r /run/wgxdp/default' 'rm -r /run/wgxdp'; do
	bash -c "$lost"
	wgxdp save > "$work/again" 2> "$work/said" || fail "save, after $lost"
	[[ ! -s $work/said ]] || fail "after $lost save says $(< "$work/said")"
	cmp "$work/first" "$work/again" || fail "after $lost"
	wgxdp up -c "$work/again" > "$work/out"
	expect "after $lost: up" "$(tail -n 1 "$work/out")" == 'the data path is up: nothing had to change'
	forwards
done
rm -r /run/wgxdp/default
[[ ! -d /etc/wgxdp ]] || mount -t tmpfs none /etc/wgxdp
start_daemon # without a file: it keeps the running configuration, and writes it again
forwards
wgxdp save 2> "$work/said" | wgxdp up -c - > "$work/out"
[[ ! -s $work/said ]] || fail "a daemon runs, and yet save says $(< "$work/said")"
expect 'written again by a daemon, and up' "$(tail -n 1 "$work/out")" == 'the data path is up: nothing had to change'
end_daemon
wgxdp up -c "$work/wgxdp.yaml" > /dev/null
round_trip 'the file again'

# Comments, order and spelling of the file stay, and only what commands changed is different
cat > "$work/wgxdp.yaml" << EOF
# the firewall
interfaces: # both
- { name: lan, role: lan }
services:
  # Anna
  - name: home
    listen: { interface: wan, ports: [ $port ] } # everywhere
    backend: { ipv4: 192.168.1.10, port: $port }
    deny:
      - 10.9.0.0/16 # forged
      - '10.8.0.0/16'

  # Bob
  - listen: { interface: wan, ports: [ 443 ] }
    backend: { ipv4: 192.168.1.11, port: 443 }
    name: away
EOF
wgxdp up -c "$work/wgxdp.yaml" > /dev/null
wgxdp save | diff "$work/wgxdp.yaml" - || fail 'save prints another text than the file'
wgxdp service set home --backend 192.168.1.99 > /dev/null
wgxdp service deny del home 10.9.0.0/16 > /dev/null
wgxdp service del away > /dev/null
sed -e '/forged/d; s/192.168.1.10/192.168.1.99/' -e '/^$/,$d' "$work/wgxdp.yaml" > "$work/wanted"
echo >> "$work/wanted"
wgxdp save > "$work/saved"
diff "$work/wanted" "$work/saved" || fail 'save changed more than the commands did'
wgxdp up -c "$work/saved" > "$work/out"
expect 'up with the saved file' "$(tail -n 1 "$work/out")" == 'the data path is up: nothing had to change'
say 'ok comments and order stay'

# Options replace no configuration that is from a file
! wgxdp up --wan wan --to 192.168.1.10 > "$work/out" 2> "$work/said" || fail "up --wan replaced a file: $(cat $work/out $work/said; cat /run/wgxdp/default/source)"
grep -q "nothing was changed, because the configuration of $work/saved runs" "$work/said" || fail "up --wan says $(< "$work/said")"
wgxdp save | diff "$work/saved" - || fail 'up --wan changed something'
wgxdp up --wan wan --to 192.168.1.10 --replace > "$work/out"
wgxdp up --wan wan --to 192.168.1.11 > "$work/out" || fail 'up --wan does not replace itself'
say 'ok up --wan replaces no file'
