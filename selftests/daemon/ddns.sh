#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# `wgxdp ddns` sets all names to wg-end's new prefix by signed updates to a real name server, Knot DNS or BIND, and sends
# none if nothing differs. Keys are of hmac-sha256 and hmac-sha512. Temporary, deprecated, tentative, private and ULA
# addresses are never published. A wrong key, a server that is down or unsigned, and a CNAME are errors. No output
# contains a secret. BREAK=1 lets another client write in between.
#
#     published:  ens18 wg-end mgmt -- fd53::/64 -- eth dns
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/ddns-said.sh"
source "$root/selftests/lib/knot.sh"

knot_network
(umask 077 && tsig_key other > "$work/other.key")
sed 's/ other/ wgxdp/; s/:other:/:wgxdp:/' "$work/other.key" > "$work/wrong.key"
chmod 644 "$work/wrong.key"

# --- no address to publish
configuration > "$work/ddns.yaml"
ddns 2 -c "$work/ddns.yaml"
says 'interface ens18 has no address that can be published' 'fe80::' 'fqdn=wg-end.example.net' 'fqdn=firewall.example.net'
inside wg-end sysctl -qw net.ipv6.conf.ens18.use_tempaddr=2
address add fd12::10/64
address add 2001:db8:9::10/64 preferred_lft 0
inside wg-end sysctl -qw net.ipv6.conf.ens18.accept_dad=1 net.ipv6.conf.ens18.dad_transmits=200
inside wg-end ip address add 2001:db8:8::10/64 dev ens18
ddns 2 -c "$work/ddns.yaml"
says 'fd12::10 is a ULA' '2001:db8:9::10 is deprecated' '2001:db8:8::10 is tentative'
expect 'updates without an address that may be published' "$(arrived dns updates)" == 0

# --- written once, and not again without a difference
inside wg-end sysctl -qw net.ipv6.conf.ens18.dad_transmits=0
address add 2001:db8:1::10/64 valid_lft 7000 preferred_lft 3000 mngtmpaddr
temporary() { inside wg-end ip -6 address show dev ens18 temporary -tentative | holds 2001:db8:1:; }
wait_for 5 'a temporary address' temporary
ddns 0 -c "$work/ddns.yaml" --dry-run
says 'DRY RUN: would write AAAA 2001:db8:1::10 ttl=300 fqdn=wg-end.example.net'
expect 'updates of a dry run' "$(arrived dns updates)" == 0
ddns 0 -c "$work/ddns.yaml"
says 'AAAA 2001:db8:1::10 written ttl=300 fqdn=wg-end.example.net' 'AAAA 2001:db8:1::10 written ttl=300 fqdn=firewall.example.net'
expect 'wg-end' "$(ask wg-end.example.net AAAA)" == '2001:db8:1::10 300'
expect 'firewall' "$(ask firewall.example.net AAAA)" == '2001:db8:1::10 300'
expect 'updates for two names' "$(arrived dns updates)" == 2
[[ ! ${BREAK:-} ]] || other_update 'add wg-end.example.net. 300 AAAA 2001:db8::bad'
was=$(serial)
before=$(arrived dns updates)
ddns 0 -c "$work/ddns.yaml"
expect 'updates where nothing differs' $(($(arrived dns updates) - before)) == 0
expect "the zone's serial" "$(serial)" == "$was"
says 'AAAA 2001:db8:1::10 unchanged fqdn=wg-end.example.net'

# --- the prefix changes; a published address stays while it is as good as another
address add 2001:db8:2::10/64
ddns 0 -c "$work/ddns.yaml"
says 'AAAA 2001:db8:1::10 unchanged fqdn=firewall.example.net'
address change 2001:db8:1::10/64 preferred_lft 0
ddns 0 -c "$work/ddns.yaml"
expect 'after the prefix changed' "$(ask wg-end.example.net AAAA), $(ask firewall.example.net AAAA)" == '2001:db8:2::10 300, 2001:db8:2::10 300'
# Knot 3.5 keeps a TTL if nothing else of the set changes, for any client
other_update 'add probe.example.net. 300 AAAA 2001:db8::1'
other_update 'del probe.example.net.' 'add probe.example.net. 60 AAAA 2001:db8::1'
short=$(ask probe.example.net AAAA)
short=${short#* }
say "knot takes another TTL alone: $([[ $short == 60 ]] && echo yes || echo no)"
configuration 'ttl: 60' > "$work/short.yaml"
ddns 0 -c "$work/short.yaml"
expect 'another TTL' "$(ask wg-end.example.net AAAA)" == "2001:db8:2::10 $short"
other_update 'del wg-end.example.net.' 'add wg-end.example.net. 0 AAAA 2001:db8:2::10'
ddns 0 -c "$work/short.yaml"
expect 'in the place of a TTL of 0' "$(ask wg-end.example.net AAAA)" == "2001:db8:2::10 $short"
configuration 'host: "::99"' > "$work/host.yaml"
ddns 0 -c "$work/host.yaml"
expect 'another host behind the prefix' "$(ask firewall.example.net AAAA)" == '2001:db8:2::99 300'
many=()
for i in {1..40}; do many+=("add many.example.net. 300 AAAA 2001:db8:5::$i"); done
other_update "${many[@]}"
names=many.example.net configuration > "$work/many.yaml"
ddns 0 -c "$work/many.yaml"
expect 'in the place of 40 (by TCP)' "$(ask many.example.net AAAA)" == '2001:db8:2::10 300'

# --- IPv4
was=$(serial)
configuration 'records: [ A ]' > "$work/four.yaml"
addresses wg-end ens18 100.64.1.2/10 192.168.1.10/24 169.254.1.1/16
inside wg-end ip address add 10.1.1.1 peer 203.0.113.1 dev ens18
ddns 2 -c "$work/four.yaml"
says '100.64.1.2 is shared by a provider' '192.168.1.10 is private' '10.1.1.1 is private'
expect 'the serial, with no public IPv4' "$(serial)" == "$was"
configuration 'records: [ A, AAAA ]' > "$work/both.yaml"
ddns 2 -c "$work/both.yaml"
says 'A: interface ens18 has no address' 'AAAA 2001:db8:2::10 written'
addresses wg-end ens18 203.0.113.5/24
ddns 0 -c "$work/both.yaml"
expect 'A and AAAA of firewall' "$(ask firewall.example.net A), $(ask firewall.example.net AAAA)" == '203.0.113.5 300, 2001:db8:2::10 300'

# --- what fails
was=$(serial)
address del 2001:db8:2::10/64
address add 2001:db8:3::10/64
key=$work/wrong.key configuration > "$work/wrong.yaml"
ddns 1 -c "$work/wrong.yaml"
says "key-file $work/wrong.key: BADSIG: the server has another secret for this key: correct one of the two fqdn=wg-end.example.net" 'other users may read this secret'
key=$work/other.key configuration > "$work/unknown.yaml"
ddns 1 -c "$work/unknown.yaml"
says ' does not know this key' # Knot 3.4 sends no BADKEY, which it would have to sign
printf '%s\n' 'example.net 300' 'cut.example.net 300 truncated' > "$work/zone"
start wg-end "$root/selftests/lib/dns.py" 127.0.0.1 "$work/zone" > "$work/dns"
wait_for 5 'a name server without keys' grep -q listening "$work/dns"
server=127.0.0.1 configuration > "$work/unsigned.yaml"
ddns 1 -c "$work/unsigned.yaml"
says 'server 127.0.0.1: the answer is not signed with this key'
server=127.0.0.1 names=cut.example.net configuration > "$work/cut.yaml"
ddns 1 -c "$work/cut.yaml"
says "server 127.0.0.1: the server's answer is truncated, even over TCP fqdn=cut.example.net"
inside wg-end nft 'add table inet closed; add chain inet closed out { type filter hook output priority 0; }; add rule inet closed out tcp dport 53 reject with tcp reset'
ddns 1 -c "$work/cut.yaml"
says 'server 127.0.0.1: Connection refused fqdn=cut.example.net'
inside wg-end nft delete table inet closed
names=mail.example.net configuration > "$work/cname.yaml"
ddns 1 -c "$work/cname.yaml"
says 'the name has a CNAME' 'fqdn=mail.example.net'
expect 'the serial after failures' "$(serial)" == "$was"
kill -STOP "$knot"
start wg-end "$wgxdp" ddns -c "$work/ddns.yaml" > "$work/said"
pid=$!
asks() { inside wg-end ss -Huan | holds '\[fd53::53\]:53'; }
wait_for 5 'it waits for an answer' asks
kill -CONT "$knot"
wait $pid || fail "ddns with a slow server: $(< "$work/said")"
says 'AAAA 2001:db8:3::10 written'
stop "$knot"
ddns 1 -c "$work/ddns.yaml"
says 'server fd53::53: Connection refused fqdn=wg-end.example.net'
sed -n 's/^ *secret: *//p' "$work"/{tsig,other}.key > "$work/secrets"
expect 'secrets there are' "$(wc -l < "$work/secrets")" == 2
! grep -qFf "$work/secrets" "$work/all" || fail 'a secret was said'
ddns 64 -c "$work/ddns.yaml" --print
ddns 64 -c /dev/null
ddns 64 --bogus
say 'ok what fails says why'

# --- two AAAA and one A, by keys of both algorithms, on both servers
two_and_one() { # KEY
	key=$1 configuration | sed 's/^  \([a-z]\)/    \1/; s/^    interface/  - interface/'
	key=$1 names=firewall.example.net configuration 'records: [ A ]' | sed '1d; s/^  \([a-z]\)/    \1/; s/^    interface/  - interface/'
}
writes_once() { # SERVER KEY ADDRESS
	two_and_one "$2" > "$work/three.yaml"
	address add "$3/64"
	before=$(arrived dns updates)
	ddns 0 -c "$work/three.yaml"
	says "AAAA $3 written" 'A 203.0.113.5 '
	expect "$1: the records" "$(ask wg-end.example.net AAAA), $(ask firewall.example.net AAAA), $(ask firewall.example.net A)" \
		== "$3 300, $3 300, 203.0.113.5 300"
	expect "$1: updates" $(($(arrived dns updates) - before)) '>=' 2
	before=$(arrived dns updates)
	ddns 0 -c "$work/three.yaml"
	expect "$1: updates where nothing differs" $(($(arrived dns updates) - before)) == 0
	address del "$3/64"
}
address del 2001:db8:3::10/64
start_knot
writes_once 'knot, hmac-sha256' "$work/tsig.key" 2001:db8:4::10
writes_once 'knot, hmac-sha512' "$work/long.key" 2001:db8:5::10
stop "$knot"
mkdir "$work/bind"
cp "$work/knot/zone" "$work/bind"
for bits in 256 512; do (umask 077 && tsig-keygen -a hmac-sha$bits key-$bits > "$work/bind/$bits.key"); done
cat > "$work/named.conf" << EOF
include "$work/bind/256.key";
include "$work/bind/512.key";
options { directory "$work/bind"; pid-file none; session-keyfile none; listen-on { none; }; listen-on-v6 { $name_server; }; recursion no; };
controls { };
zone "example.net" { type primary; file "zone"; update-policy { grant key-256 zonesub ANY; grant key-512 zonesub ANY; }; };
EOF
start dns named -g -c "$work/named.conf" > "$work/named" 2>&1
wait_for 10 'BIND answers' knot_answers
writes_once 'BIND, hmac-sha256' "$work/bind/256.key" 2001:db8:6::10
writes_once 'BIND, hmac-sha512' "$work/bind/512.key" 2001:db8:7::10
sed 's/secret "....../secret "AAAAAA/' "$work/bind/256.key" > "$work/wrong.key"
address add 2001:db8:8::11/64
two_and_one "$work/wrong.key" > "$work/three.yaml"
ddns 1 -c "$work/three.yaml"
says "key-file $work/wrong.key: BADSIG" fqdn=wg-end.example.net fqdn=firewall.example.net
