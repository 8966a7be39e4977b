#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# first
# vm
# timeout: 200
# A service's clients follow lists that other programs keep. They are sets of nftables (single addresses, ranges, with
# timeouts), and a file. The daemon follows them; without it they are as of the last `up` or `reload`. A client that
# the express path remembers is denied as soon as a set has it. A list that vanishes keeps its contents. Reading a long
# list locks out no command. A client that a set gets while the daemon runs is denied within a second. BREAK=1 adds
# another address to the set.
#
#     client  .7, .8, .9 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#             ::7, ::8      2001:db8:1::/64                              2001:db8:2::/64    ::10
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

nft() { inside firewall nft "$@"; }
from() { # CLIENT: sends ten packets, and prints how many arrive
	local before to=198.51.100.1
	[[ $1 != *:* ]] || to='[2001:db8:2::10]'
	before=$(arrived wg-end clients)
	inside client "$udptool" send -n 10 -r 10000 uplink "$wan_mac" "$1:4000" "$to:$port" > /dev/null
	echo $(($(arrived wg-end clients) - before))
}
none_from() { [[ $(from "$1") == 0 ]]; }
all_from() { [[ $(from "$1") == 10 ]]; }
denied() { for client; do wait_for 4 "$client is denied" none_from "$client"; done; }
admitted() { for client; do wait_for 4 "$client is admitted" all_from "$client"; done; }
list() { shown get "lists.$1" | tr -d "'"; } # NUMBER.KEY

list_is() { [[ $(list "$1") == "$2" ]]; }

firewall_network
addresses client uplink 198.51.100.8/24 198.51.100.9/24 2001:db8:1::8/64
wan_mac=$(mac firewall wan)
quiet wg-end
count_arrivals wg-end clients "udp sport 4000 udp dport $port"
nft add table inet filter
nft add set inet filter hosts '{ type ipv4_addr; }'
nft add set inet filter six '{ type ipv6_addr; flags interval; }'
nft add set inet filter pairs '{ type ipv4_addr . inet_service; }'
nft add element inet filter hosts '{ 198.51.100.9 }'
file=$work/blocklist
printf '# a list from the web\n; another comment\n203.0.113.0/24 ; SBL1\r\n198.51.100.200-198.51.100.203\nnonsense\n192.0.2.7/99\n' > "$file"
cat > "$work/config.yaml" << END
interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]
services:
  - name: wg-end
    listen: { interface: wan, ports: [ $port ] }
    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
    deny:
      - { nft-set: "inet filter hosts" }
      - 192.0.2.99
      - { nft-set: "inet filter six" }
      - { nft-set: "inet filter ranges" }
      - { nft-set: "inet filter pairs" }
      - { file: $file }
END
# --- without the daemon
wgxdp up -c "$work/config.yaml" > "$work/out" 2> "$work/said" || fail "up: $(< "$work/said")"
grep -q "$file:5: 'nonsense' is not an address or a prefix, so this line and 1 others are skipped" "$work/said" || fail "$(< "$work/said")"
grep -q 'inet filter ranges: there is no such set' "$work/said" || fail "$(< "$work/said")"
grep -q 'inet filter pairs: the keys of this set are not addresses alone' "$work/said" || fail "$(< "$work/said")"
denied 198.51.100.9
admitted 198.51.100.7 198.51.100.8 '[2001:db8:1::8]'
expect 'prefixes of the file' "$(list 4.prefixes)" == 2
expect 'skipped lines' "$(list 4.skipped)" == 2
expect 'the set that is missing' "$(list 2.state)" == waiting
expect 'without a daemon: the file' "$(list 4.state)" == 'read once'
grep -q 'no daemon runs, and a list that another program keeps needs one' "$work/said" || fail "up says $(< "$work/said")"
wgxdp show lists > "$work/out"
grep -q 'why: no daemon runs, so later changes of this list have no effect' "$work/out" || fail "show lists: $(< "$work/out")"
wgxdp doctor > "$work/out" 2>&1 || :
grep -q 'no daemon runs, and a list that another program keeps needs one' "$work/out" || fail "doctor: $(< "$work/out")"
expect 'metrics: lists that are followed' "$(wgxdp show metrics | grep -c '^wgxdp_list_readable.* 1$')" == 0
expect 'dropped as denied' "$(shown reason original denied)" == 10
echo 198.51.100.8 > "$file"
all_from 198.51.100.8 || fail 'the file is followed without a daemon'
wgxdp up -c "$work/config.yaml" > /dev/null 2>&1
denied 198.51.100.8
wgxdp save > "$work/saved"
cmp "$work/config.yaml" "$work/saved" || fail "saved $(< "$work/saved")"
wgxdp save | wgxdp up -c - 2> /dev/null > "$work/out"
[[ $(tail -n 1 "$work/out") == 'the data path is up: nothing had to change' ]] || fail "save | up: $(tail -n 1 "$work/out")"

# --- with the daemon
start_daemon -c "$work/config.yaml"
denied 198.51.100.9 198.51.100.8
added=198.51.100.7
[[ ! ${BREAK:-} ]] || added=198.51.100.77
nft add element inet filter hosts "{ $added }"
denied 198.51.100.7
nft delete element inet filter hosts '{ 198.51.100.7, 198.51.100.9 }'
admitted 198.51.100.7 198.51.100.9
expect 'prefixes of an empty set' "$(list 0.prefixes)" == 0
nft add element inet filter six '{ 2001:db8:1::6-2001:db8:1::9, 2001:db8:ff00::/40 }'
denied '[2001:db8:1::8]' '[2001:db8:1::7]'
nft delete element inet filter six '{ 2001:db8:1::6-2001:db8:1::9 }'
admitted '[2001:db8:1::8]' '[2001:db8:1::7]'
nft flush set inet filter six
wait_for 4 'the set is empty' list_is 1.prefixes 0

# The express path remembers a client for a second. It forgets the client when the set gets it.
start client "$udptool" send -n 4000 -r 1000 uplink "$wan_mac" "198.51.100.9:4000" "198.51.100.1:$port" > "$work/sent"
sender=$!
was=$(arrived wg-end clients)
many_came() { (($(arrived wg-end clients) > was + 1000)); }
wait_for 4 'a thousand packets' many_came
banned=$(arrived wg-end clients)
nft add element inet filter hosts '{ 198.51.100.9 }'
wait_for 4 'the set has the client' list_is 0.prefixes 1
sleep 0.02
was=$(arrived wg-end clients)
sleep 0.3
expect 'packets of a client that was remembered' $(($(arrived wg-end clients) - was)) == 0
wait "$sender"
expect 'packets that arrive after the ban, of 1000 a second' $(($(arrived wg-end clients) - banned)) '<' 1000
# a rule that drops the set too does not concern doctor
nft add chain inet filter forward '{ type filter hook forward priority 0; }'
nft add rule inet filter forward ip saddr @hosts drop
wgxdp doctor --json > "$work/doctor" 2>&1 || :
! grep -q 198.51.100.9 "$work/doctor" || fail "doctor: $(< "$work/doctor")"
nft add rule inet filter forward ip saddr 198.51.100.10 drop
wgxdp doctor --json > "$work/doctor" 2>&1 || :
grep -q 198.51.100.10 "$work/doctor" || fail "doctor does not find the rule: $(< "$work/doctor")"
nft flush chain inet filter forward
nft delete element inet filter hosts '{ 198.51.100.9 }'
admitted 198.51.100.9

# a set that comes later, with a range up to the last address, and elements that time out without a notification
nft add set inet filter ranges '{ type ipv4_addr; flags interval, timeout; }'
nft add element inet filter ranges '{ 198.51.100.9-198.51.100.9 timeout 6s, 224.0.0.0-255.255.255.255 }'
denied 198.51.100.9
expect 'the set that came' "$(list 2.state)" == followed
admitted 198.51.100.9

# a file that is replaced, written in place, and removed
printf '198.51.100.9\n2001:db8:1::/120\n' > "$file.new"
mv "$file.new" "$file"
denied 198.51.100.9 '[2001:db8:1::8]'
admitted 198.51.100.8
echo 198.51.100.7/31 > "$file"
denied 198.51.100.7
admitted 198.51.100.8 198.51.100.9 '[2001:db8:1::8]'
grep -q "$file: the list has 1 prefixes" "$work/daemon" || fail "no word about the file's new size: $(< "$work/daemon")"

# a file to which another program appends all the time
/usr/bin/python3 -ISc 'import sys, time
while True:
    with open(sys.argv[1], "a") as file: file.write("198.51.100.9\n")
    time.sleep(0.005)' "$file" &
writer=$!
wait_for 9 'a file that goes on changing is read' none_from 198.51.100.9
kill -0 $writer || fail 'the writer has ended'
kill $writer
wait $writer || :

# an empty file is one whose writer has not finished, or failed
: > "$file"
wait_for 4 'show tells that the file is empty' list_is 4.state unreadable
grep -q "$file: this file has no address" "$work/daemon" || fail "$(< "$work/daemon")"
denied 198.51.100.7
echo '# none' > "$file"
admitted 198.51.100.7
echo 198.51.100.7 > "$file"
denied 198.51.100.7

# nor is a file a list that has lines, but no address
printf '<html>\n404 not found\n' > "$file"
wait_for 4 'show tells that the file is no list' list_is 4.state unreadable
denied 198.51.100.7
echo 198.51.100.7 > "$file"
wait_for 4 'show tells that the file is a list again' list_is 4.state followed
denied 198.51.100.7
rm "$file"
wait_for 4 'show tells that the file is gone' list_is 4.state unreadable
grep -q "$file: there is no such file" "$work/daemon" || fail "$(< "$work/daemon")"
denied 198.51.100.7
echo 198.51.100.8 > "$file"
denied 198.51.100.8
admitted 198.51.100.7

# after a table is deleted, its prefixes stay until the set is made again
nft add element inet filter hosts '{ 198.51.100.9 }'
denied 198.51.100.9
nft delete table inet filter
wait_for 4 'show tells that the set is gone' list_is 0.state unreadable
denied 198.51.100.9
nft -f - << END
add table inet filter
add set inet filter hosts { type ipv4_addr; }
add element inet filter hosts { 198.51.100.7 }
END
denied 198.51.100.7
admitted 198.51.100.9

# changes that come while the instance cannot be locked are written later
until mkdir /run/wgxdp/default/lock 2> "$work/mkdir"; do # the daemon may make the file again in between
	mv /run/wgxdp/default/lock "$work/lock"
done
nft add element inet filter hosts '{ 198.51.100.9 }'
wait_for 4 'the daemon cannot lock the instance' grep -q 'cannot lock' "$work/daemon"
echo 198.51.100.200 > "$file"
sleep 0.5 # it tries to read the file
rmdir /run/wgxdp/default/lock
mv "$work/lock" /run/wgxdp/default/lock
admitted 198.51.100.8
denied 198.51.100.9
echo 198.51.100.8 > "$file"
denied 198.51.100.8

# while a child reads a list, a command can lock the instance
# Stops the child that reads a list, which takes some milliseconds at least, and prints its process
stop_reader() {
	/usr/bin/python3 -IS -c '
import os, signal, sys
def has_list(process):
    try:
        return any("memfd:wgxdp-list" in os.readlink(f"/proc/{process}/fd/{fd}") for fd in os.listdir(f"/proc/{process}/fd"))
    except OSError:
        return False
print("looks", file=sys.stderr, flush=True)
while True:
    for child in open(f"/proc/{sys.argv[1]}/task/{sys.argv[1]}/children").read().split():
        if has_list(child):
            os.kill(int(child), signal.SIGSTOP)
            sys.exit(child)' "$daemon" 2> "$work/reader"
}
awk 'BEGIN { for (i = 0; i < 500000; i++) print "198.51.100.8" }' > "$file.new"
stop_reader &
looker=$!
wait_for 4 'the one that looks for the child' grep -q looks "$work/reader"
mv "$file.new" "$file"
wait $looker || :
reader=$(sed -n 2p "$work/reader")
flock -w 2 /run/wgxdp/default/lock true || fail 'the instance is locked while a list is read'
kill -CONT "$reader"
echo 198.51.100.7 > "$file"
wait_for 9 'the list is read again' all_from 198.51.100.8
echo 198.51.100.8 > "$file"
denied 198.51.100.8

# a user who may write the list can neither stop the daemon nor make it quote a file that not every user may read
(umask 077 && echo 'secret words' > "$work/secret")
ln -s "$work/secret" "$file.new"
mv "$file.new" "$file"
wait_for 4 'the daemon skips the lines of the other file' grep -q "$file:1: '…' is not an address" "$work/daemon"
! grep -q 'secret words' "$work/daemon" || fail 'the daemon said the secret words'
denied 198.51.100.8
mkfifo "$file.new"
mv "$file.new" "$file"
wait_for 4 'the daemon refuses a FIFO' grep -q "$file: this is not a plain file" "$work/daemon"
echo 198.51.100.8 > "$file.new"
mv "$file.new" "$file"
denied 198.51.100.8

# the daemon ends, and the lists stay; a configuration without lists has no prefixes
end_daemon
denied 198.51.100.7 198.51.100.8
expect_sums
sed -i '/deny:/,$d' "$work/config.yaml"
wgxdp up -c "$work/config.yaml" > "$work/out" 2>&1
grep -qx "service wg-end: deny file $file removed" "$work/out" || fail "up: $(< "$work/out")"
admitted 198.51.100.7 198.51.100.8
[[ $(bpftool -j map dump pinned /sys/fs/bpf/wgxdp/default/lists) == '[]' ]] || fail 'prefixes of lists that no service has'
