#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `wgxdp ddns --import` prints the same section for each way in which a shell can write the settings of a DynDNS script,
# and never runs the file. A file that only a shell could read, or whose settings are wrong, is an error with its line.
# A truncated file is an error too. No message contains a secret. BREAK=1 imports a name more.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/ddns-said.sh"

namespaces firewall
credentials=$'OVH_APP_KEY=aaaa\nOVH_APP_SECRET=SeCrEt\nOVH_CONSUMER_KEY=cccc\n'
settings=$credentials$'OVH_ENDPOINT=ovh-ca\nOVH_ZONE=example.net\nRECORD_FQDNS=( a.example.net B.EXAMPLE.NET. )\nIFACE=ens18\n'
section="ddns:
  - interface: ens18
    names: [ a.example.net, B.EXAMPLE.NET ]
    records: [ AAAA ]
    ttl: 300
    provider: { ovh: { zone: example.net, endpoint: ovh-ca, credentials: \"$work/script\" } }"
import() { # STATUS TEXT
	printf %s "$2" > "$work/script"
	chmod 600 "$work/script"
	ddns "$1" --import "$work/script" --print
}

good=(
	'' 'TTL=300' $'\t# the end\nTTL=\'300\'   # seconds\n' $'RECORD_FQDNS=\'a.example.net B.EXAMPLE.NET\'\n' $'IFACE=eth1;IFACE=ens18\n'
	$'X=\'$(reboot)\'\nY="\\$x"' $'export  OVH_APP_KEY=\'aa\'\'a\'"a"; export OVH_APP_SECRET=SeCr\\Et\r\nOVH_ENDPOINT=ovh-ca \\\n\n'
	$'OVH_ZONE="example".net\nRECORD_FQDNS=(\n\ta.example.net\t# one\n\n   \'B.EXAMPLE.NET.\' )\nexport UNKNOWN=(1 2)\n'
)
[[ ! ${BREAK:-} ]] || good+=('RECORD_FQDNS=( a.example.net b.example.net c.example.net )')
for text in "${good[@]}"; do
	import 0 "$settings$text"
	[[ $(< "$work/said") == "$section" ]] || fail "$text: $(< "$work/said")"
done
say "ok ${#good[@]} ways to write the settings"

# shellcheck disable=SC2016 # nothing may expand
bad=( # line 8, after the settings, and its message
	'TTL=$X' 'this needs a shell' 'TTL=`x`' 'this needs a shell' 'TTL="$(x)"' 'this needs a shell' 'TTL=3 reboot' 'there is more than'
	'TTL=3; reboot' 'this is not an assignment' reboot 'this is not an assignment' 'source /etc/x' 'this is not an assignment'
	'TTL+=3' 'this is not an assignment' 'if true; then' 'this is not an assignment' "TTL='3" 'the quotes' $'TTL="3\n"' 'the quotes'
	$'RECORD_FQDNS=(\n\n a' 'the list' 'RECORD_FQDNS=( a$x )' 'this needs a shell' 'X=~' 'this needs a shell' 'X=<(x)' 'this needs a shell'
	'X=a&' 'this needs a shell' 'X=a|b' 'this needs a shell' $'X=a\\\nb' 'the value continues' ')' 'this is not an assignment'
	$'X=\x01' 'the value has a control character' 'TTL=0' "TTL: '0' is not a number" 'TTL=-1' 'TTL: ' 'TTL=( 1 2 )' 'TTL: exactly one'
	'IFACE=a/b' 'IFACE: ' 'IFACE=' 'IFACE: exactly one' 'OVH_ENDPOINT=ovh-xy' 'OVH_ENDPOINT: ' 'OVH_ENDPOINT=http://192.0.2.1' 'OVH_ENDPOINT: '
	'RECORD_FQDNS=( a.example.org )' "RECORD_FQDNS: 'a.example.org' is not in the zone" 'OVH_ZONE=192.0.2.1' "OVH_ZONE: '192.0.2.1' is not a domain"
	'RECORD_FQDNS=( a.example.net A.example.net )' "RECORD_FQDNS: 'A.example.net' is listed twice" 'OVH_APP_SECRET=' 'OVH_APP_SECRET is missing'
	"OVH_APP_SECRET='SeCrEt SeCrEt'" 'the value is not a key' "OVH_CONSUMER_KEY='a\"'" 'the value is not a key'
)
for ((i = 0; i < ${#bad[@]}; i += 2)); do
	import 64 "$settings${bad[i]}"
	says "$work/script:8: ${bad[i + 1]}"
done
import 64 "$credentials"$'OVH_ZONE=example.net\nIFACE=a\n'
says 'RECORD_FQDNS: the names are missing'
import 64 ''
says 'is missing'
for ((n = ${#settings} - 7; n > 0; n -= 13)); do import 64 "${settings::n}"; done
ddns 64 --import /nowhere/at/all
says 'cannot read /nowhere/at/all'
! grep -q SeCr "$work/all" || fail 'a secret was said'
say "ok $((${#bad[@]} / 2)) wrong files, and truncated ones"
