#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# vm
# Reloads under traffic lose no packet of a service that stays, and `reload --dry-run` changes nothing. `reload
# --dry-run` prints the differences and the changes by hand, and changes nothing. An empty standard input changes
# nothing either. 20 reloads between files that differ in services, ports and interfaces lose none of 20,000 packets
# of a service that stays. Two simultaneous `up` end with the whole configuration of one of them. BREAK=1 reloads a
# file without that service.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

n=20000 # packets
rate=2200
reloads=20

stays="services:
  - name: stays
    listen: { interface: wan, ports: [ $port ] }
    backend: { ipv4: 192.168.1.10, port: $port }
    nat: dnat
    ipv6: direct"
other() { # NAME PORT
	printf '  - name: %s\n    listen: { interface: wan, ports: [ %s ] }\n    backend: { ipv4: 192.168.1.10, port: 4000 }\n' "$@"
	printf '    nat: dnat\n    ipv6: direct\n'
}
files() {
	echo "$stays" > "$work/0.yaml"
	{ echo "$stays" && other extra 443; } > "$work/1.yaml"
	{ echo 'interfaces:' && echo '  - { name: lan, role: lan, mode: auto }' && echo "$stays" && other extra 444; } > "$work/2.yaml"
	{ echo "$stays" && other another 1000-1050 && other extra 444; } > "$work/3.yaml"
	{ echo 'running: { mode: auto, by-command: true }' && cat "$work/1.yaml" && other guest 7000; } > "$work/hand.yaml"
}

refused_when_down() {
	local status=0
	wgxdp reload -c "$work/0.yaml" > "$work/out" 2>&1 || status=$?
	expect 'reload with nothing up: status' $status == 1
	grep -q 'instance default is not up' "$work/out" || fail "it says $(< "$work/out")"
	[[ ! -e /sys/fs/bpf/wgxdp/default ]] || fail 'reload brought it up'
}

# The output of another command, which failed
nothing_came() { # COMMAND
	local status=0
	as_it_is > "$work/was"
	printf ' \n' | wgxdp "$1" -c - > "$work/out" 2>&1 || status=$?
	expect "$1 from empty standard input: status" $status == 2
	grep -q 'standard input is empty' "$work/out" || fail "it says $(< "$work/out")"
	as_it_is | diff "$work/was" - || fail "$1 from empty standard input changed something"
}

as_it_is() {
	on_host firewall
	bpf_objects default
	bpftool -j map dump pinned /sys/fs/bpf/wgxdp/default/table | md5sum
	cat /run/wgxdp/default/running.yaml
}

dry_run() {
	wgxdp up -c "$work/hand.yaml" > /dev/null
	as_it_is > "$work/was"
	wgxdp reload --dry-run -c "$work/2.yaml" > "$work/out" 2> "$work/said"
	as_it_is | diff "$work/was" - || fail 'a dry run changed something'
	diff "$work/out" - << EOF || fail 'not the difference'
interface lan: added
service extra: listen ports 444, was 443
service guest: removed
EOF
	expect 'said of what was made by hand' "$(< "$work/said")" == \
		'wgxdp: warning: changes by commands would be undone, unless the file has them: interface lan: added; service extra: listen ports 444, was 443; service guest: removed'
	wgxdp reload -c "$work/2.yaml" > "$work/out" 2> "$work/said"
	grep -qx 'service guest: removed' "$work/out" || fail "reload said $(< "$work/out")"
	grep -q 'changes by commands are undone, unless the file has them: .*service guest: removed' "$work/said" || fail "reload said $(< "$work/said")"
	expect 'services' "$(shown get services.stays.nat services.extra.nat)" == 'dnat dnat'
	! shown get services.guest.nat > /dev/null 2>&1 || fail 'guest is still there'
	wgxdp reload -c "$work/2.yaml" > "$work/out"
	expect 'the same again' "$(tail -n 2 "$work/out" | xargs)" == 'the data path is up: nothing had to change the configuration is the same'
}

# A slow reader of the difference blocks neither other commands nor the daemon
pager() {
	{
		echo 'services:'
		seq 1 900 | sed "s/.*/  - { name: s&, listen: { addresses: [ 203.0.113.1 ], ports: [ 1& ] }, backend: { ipv4: 192.168.1.10, port: & } }/"
	} > "$work/many.yaml"
	mkfifo "$work/pager"
	exec 8<> "$work/pager"
	/usr/bin/python3 -ISc 'import fcntl; fcntl.fcntl(8, fcntl.F_SETPIPE_SZ, 4096)'
	wgxdp reload "$@" -c "$work/many.yaml" > "$work/pager" 2> "$work/said" 8<&- &
	local reload=$!
	exec 7< "$work/pager" 8<&-
	read -r -n 1 -u 7 # it has begun to tell
	timeout 20 nsenter --net=/run/netns/firewall "$wgxdp" save > "$work/saved" || fail "reload $* holds up others while it is read"
	cat <&7 > "$work/out"
	exec 7<&-
	wait $reload || fail "reload $*: $(< "$work/said")"
	rm "$work/pager"
	[[ $(wc -c < "$work/out") -gt 12000 ]] || fail "too little to fill a pipe: $(wc -c < "$work/out")"
}

under_traffic() {
	local k before
	[[ ! ${BREAK:-} ]] || other extra 443 | sed '1i services:' > "$work/2.yaml"
	wgxdp up -c "$work/0.yaml" > /dev/null
	before=$(arrived wg-end all_of_them)
	sends $n -r $rate uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port
	for ((k = 1; k <= reloads; k++)); do
		still_sends $k $((reloads + 1))
		wgxdp reload -c "$work/$((k % 4)).yaml" > "$work/out"
		grep -q '^service .*: ' "$work/out" || fail "reload $k changed nothing: $(< "$work/out")"
	done
	wait "$sender"
	expect_sums
	lost=$((sent - $(arrived wg-end all_of_them) + before))
	expect "lost of $sent during $reloads reloads" $lost == 0
}

# More interfaces than the first maps have room for: each further one makes larger maps
many_interfaces() {
	local k before
	for ((k = 1; k <= 68; k += 2)); do echo "link add many$k type veth peer name many$((k + 1))"; done | inside firewall ip -b -
	for ((k = 65; k <= 68; k++)); do
		{ echo 'interfaces:' && seq -f '  - { name: many%g, role: lan, mode: tc }' $k && echo "$stays"; } > "$work/many$k.yaml"
	done
	wgxdp up -c "$work/many65.yaml" > /dev/null
	before=$(arrived wg-end all_of_them)
	sent=0
	sends 8000 -r 2000 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port
	for ((k = 66; k <= 68; k++)); do
		still_sends $k 70
		wgxdp reload -c "$work/many$k.yaml" > "$work/out"
	done
	wait "$sender"
	lost=$((sent - $(arrived wg-end all_of_them) + before))
	expect "lost of $sent during 3 reloads that made more room for interfaces" $lost == 0
	wgxdp down
}

two_at_once() {
	local k pids status
	for ((k = 0; k < 6; k++)); do
		pids=()
		for file in 1 3; do
			start firewall "$wgxdp" up -c "$work/$file.yaml" > /dev/null
			pids+=($!)
		done
		for pid in "${pids[@]}"; do wait "$pid" || fail 'one of two at once failed'; done
		wgxdp save > "$work/saved"
		cmp -s "$work/saved" "$work/1.yaml" || cmp -s "$work/saved" "$work/3.yaml" || fail "a mixture: $(< "$work/saved")"
		wgxdp up -c "$work/saved" > "$work/out"
		[[ $(tail -n 1 "$work/out") == 'the data path is up: nothing had to change' ]] || fail "the running configuration differs from the saved one: $(< "$work/out")"
	done
	say "ok two up at once, $k times: what runs is what one of them asked for"
}

firewall_network
count_arrivals wg-end all_of_them "udp dport $port"
files
refused_when_down
dry_run
nothing_came reload
nothing_came up
wgxdp up -c - <<< '{}' > /dev/null 2>&1
expect 'the saved empty configuration' "$(wgxdp save)" == '{}'
pager --dry-run
pager
say 'ok a pager blocks no other command'
two_at_once
under_traffic
many_interfaces
