#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# Documents say what the program has, and the program what they say: commands and options in the help texts and in the manual
# page, reasons in include/reasons.def, in the manual page and in the guides, maps in bpf/maps.h and in the design, keys and their
# values in the configuration's grammar and in its manual page, the examples of which are valid, drivers that transmit from XDP in
# user/plan/transmit.c and in the hardware page. Then the same on copies with one thing missing or too much, each of which must be found.
# shellcheck disable=SC2016 # backquotes and dollars are sed's
set -euo pipefail
cd "$(dirname "$0")/../.."
wgxdp=$(realpath "${O:-build}")/wgxdp

# --- what they say, one a line

copy=$(mktemp -d)
trap 'rm -rf "$copy" "$copy".*' EXIT
mkdir "$copy.help"
help_of() { # [COMMAND]: asked once
	local text=$copy.help/${1:-wgxdp}
	[[ -e $text ]] || "$wgxdp" "$@" --help > "$text"
	cat "$text"
}
options_in_help() { help_of "$@" | grep -oE '(^|[^-[:alnum:]])--?[a-z][a-z0-9-]*' | grep -oE -- '--?[a-z][a-z0-9-]*$' | sort -u; }
commands_in_help() { help_of | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'; }

# The manual page between a line and the next heading
section() { awk -v from="$1" '$0 == from {inside = 1; next} /^\.S[hs] / {inside = 0} inside' docs/wgxdp.8; }
# Behind each Fl its words, up to the next macro: `Fl c , Fl -config Ar FILE` is -c and --config
flags() {
	awk '{
		is_flag = 0
		for (i = 1; i <= NF; i++)
			if ($i == "Fl" || $i == ".Fl") is_flag = 1
			else if ($i ~ /^[A-Z][a-z]$/) is_flag = 0
			else if (is_flag && $i ~ /^-?[a-z][-a-z0-9]*$/) print "-" $i
	}' | sort -u
}
reasons() { sed -n "s/^REASON($1, \([a-z0-9_]*\),.*/\1/p" include/reasons.def | sort; }
reasons_in_page() { section ".Ss Reasons for $1" | sed -n 's/^\.It Cm //p' | sort; }
reasons_in_guide() { sed -n 's/^ *| \(`[^|]*`\) |.*/\1/p' docs/guide-firewall.md | grep -oE '[a-z0-9_]+' | sort; }
maps() { sed -nE 's/^(MAP|RING)\(([a-z_]+), ([A-Z_]+),.*/\2 \3/p' bpf/maps.h | sort; }
maps_in_design() {
	sed -n '/^Every map of `bpf\/maps.h`/,/^Planned maps:/p' docs/design.md |
		sed -nE 's/^\| ([a-z_]+) \| ([A-Z_]+).*/\1 \2/p' | sort
}

metrics() { sed -nE 's/.*[a-z]_family\((&s[.>-]+text|s|t|t, &v), "(wgxdp_[a-z_]+)".*/\2/p' user/show/metrics.c user/show/show_guard.c user/show/show_sites.c | sort; }
metrics_in_page() { sed -n 's/^| \(`wgxdp[^|]*\) |.*/\1/p' docs/metrics.md | grep -oE 'wgxdp_[a-z_]+' | sort; }

# Keys of the configuration, each behind its section; the sections themselves have none
keys() {
	awk -F '"' '/^(static )?const struct yaml_key / {
			split($0, word, "[ _]"); section = word[6]; sub("s$", "", section); next
		}
		/^}/ {section = ""}
		section && /^\t\{ (\.name = )?"/ {print (section == "config" ? "section" : section), $2}' user/config/config.c user/config/config_relay.c user/config/config_flows.c user/config/config_guard.c user/config/config_blind.c \
		user/config/config_endpoints.c user/config/config_learn.c user/config/config_ddns.c | sort
}
keys_in_page() {
	awk '/^\.S[hs] / {section = ""} /^\.Ss / {section = $2; sub("s$", "", section)}
		/^\.It Cm / && section {print section, $3}
		/^\.Ss / && $2 ~ /^(interfaces|services|peers|follow|announce|policy|blind|endpoints|learn|exporter|ddns|running)$/ {print "section", $2}' docs/wgxdp.yaml.5 | sort
}
# Words that a value may be: `origin hand`
values() {
	sed -nE '/_names\[\] = \{$/{N;N;s/\n\t?/ /g}; s/^(static )?const char \*const (config_|yaml_)?([a-z0-9]+)_names\[\] = \{ (.*) NULL \};/\3 \4/p' user/lib/yaml_map.c user/config/config.c user/config/config_relay.c user/config/config_guard.c user/config/config_endpoints.c |
		awk '{gsub("[\",]", ""); for (i = 2; i <= NF; i++) print ($1 == "flag" ? "shared" : $1), $i}' | sort
}
values_in_page() {
	awk '/^\.S[hs] / {key = ""} /^\.It / {key = $3}
		key ~ /^(mode|nat|role|ipv6|df|shared|origin|reject|profile|strict|by|page)$/ && /^\.Cm / {print key, $2}' docs/wgxdp.yaml.5 |
		grep -vxE 'mode up|origin (running|save)' | sort -u # other words than values
}
# Each is valid, whatever this host lacks for it
check_examples() {
	local n=0 status text file
	while IFS= read -r -d '' text; do
		n=$((n + 1)) status=0
		"$wgxdp" check -c - <<< "$text" > "$copy.said" 2>&1 || status=$?
		((status == 0 || status == 3)) || { bad=1; echo "example $n of the configuration: $(< "$copy.said")"; }
	done < <(for file in docs/wgxdp.yaml.5 docs/guide-{firewall,relay,relays,masquerade,blind,dns,endpoint,road-warrior,vps}.md; do
		[[ ${changed:-$file} != "$file" ]] || configurations_in "$file"
	done)
	[[ ${changed:-} ]] || ((n >= 7)) || { bad=1; echo "only $n examples of a configuration"; }
}
# What the guide has of an example means the same as the example: files made from the one are those of the other
check_topology() {
	local said
	rm -rf "$copy.hosts"
	awk '/^    dns:/ {inside = 1} inside && !/^    / {exit} inside {print substr($0, 5)}' docs/guide-vps.md > "$copy.topology"
	said=$("$wgxdp" gen hosts "$copy.topology" -o "$copy.hosts" 2>&1 && "$wgxdp" gen hosts docs/examples/vps.yaml -o "$copy.hosts" --check 2>&1) ||
		{ bad=1; echo "the topology of guide-vps.md: $said"; }
}
relay_reasons() { # those that only packets between sites have
	sed -nE 's/^REASON\(DROP, (refused|unrouted|same_site|invalid),.*/\1/p' include/reasons.def
}
reasons_in_relay_guide() { sed -n 's/^ *| \(`[^|]*`\) |.*/\1/p' docs/guide-relay.md | grep -oE '[a-z_]+' | sort; }
# Configurations in a guide or a manual page, each with a NUL behind it
configurations_in() { # FILE
	[[ $1 != *.5 ]] || awk '/^\.Sh EXAMPLES/ {inside = 1} inside && /^\.Ed/ {printf "%s%c", text, 0; text = ""; literal = 0}
		literal {gsub(/\\\(dq/, "\""); text = text $0 "\n"} inside && /^\.Bd -literal/ {literal = 1}' "$1"
	awk '/^    (interfaces|services|peers|follow|policy|blind|endpoints|learn|exporter|ddns):/ && !inside {inside = 1}
		inside && !/^    / {printf "%c", 0; inside = 0}
		inside {print substr($0, 5)}' "$1"
	awk '/^```yaml$/ {inside = 1; text = ""; next}
		/^```$/ && inside {if (text ~ /^(interfaces|services|peers|follow|policy|blind|endpoints|learn|exporter|ddns):/) printf "%s%c", text, 0; inside = 0}
		inside {text = text $0 "\n"}' "$1"
}
# Drivers that transmit from XDP in Linux 6.1: in the columns below `driver` and `transmits`. veth and bonds are known by their kind
drivers() { sed -n '/^static const char \*const known\[\] = {$/,/^};$/p' user/plan/transmit.c | grep -oE '"[^"]+"' | tr -d '"' | sort; }
drivers_in_page() {
	awk -F ' *[|] *' '/^[|] driver /{for (i = 2; i < NF; i++) if ($i == "transmits") column = i}
		/^[|] `/ && column && $column ~ /^6\.1( |$)/ {print $2}
		/^$/ {column = 0}' docs/hardware.md | grep -oE '`[^`]+`' | tr -d '`' | grep -vxE 'veth|bonding' | sort
}
drop_in() { grep -v '^#' scripts/systemd/shared.conf | sort; }
drop_in_in_guide() { sed -n '/^It is this:$/,/^#/s/^    //p' docs/guide-firewall.md | sort; }

# To build from the source; behind these are those to run the demo
packages() { scripts/deps -l demo | sed '/^iproute2$/,$d' | sort; }
packages_in_guide() { sed -n '/^    sudo apt install/,/^    make$/{s/.*apt install//; s/^    make$//; p}' docs/guide-firewall.md | grep -oE '[a-z0-9-]+' | sort; }

# --- whether they agree

bad=0
same() { # WHAT ONE-SIDE ITS-WORDS OTHER-SIDE ITS-WORDS
	local word
	while IFS= read -r word; do
		bad=1
		echo "$1 $word: in $2, not in $4"
	done < <(comm -23 <(echo "$3") <(echo "$5"))
	while IFS= read -r word; do
		bad=1
		echo "$1 $word: in $4, not in $2"
	done < <(comm -13 <(echo "$3") <(echo "$5"))
}

check_commands() {
	local command
	same command '--help' "$(commands_in_help | sort)" 'the manual page' \
		"$(sed -n '/^\.Sh DESCRIPTION/,/^\.Sh MODES/s/^\.Ss //p' docs/wgxdp.8 | sort)"
	same option '--help' "$(options_in_help)" 'the manual page, DESCRIPTION' \
		"$(section '.Sh DESCRIPTION' | grep '^\.It' | flags)"
	for command in $(commands_in_help); do
		same option "$command --help" "$(options_in_help "$command")" "the manual page, $command" \
			"$(section ".Ss $command" | grep '^\.It' | flags)"
	done
	same option 'wgxdp-etcd --help' "$(scripts/wgxdp-etcd --help | sed -nE 's/^  (-[a-z]), (-.*)/  \1\n  \2/; s/^  (-[-a-z]+).*/\1/mgp' | sort)" \
		'its manual page' "$(grep '^\.It Fl' docs/wgxdp-etcd.8 | flags)"
	# in the synopsis the long name of -c stands for itself
	same option 'the SYNOPSIS' "$(section '.Sh SYNOPSIS' | flags)" 'help texts' \
		"$({ options_in_help; for command in $(commands_in_help); do options_in_help "$command"; done; } |
			grep -vx -- --config | sort -u)"
}

# What formats it says nothing; where neither is installed, that remains to be seen
check_format() {
	local page said=''
	for page in docs/*.[58]; do
		if command -v mandoc > /dev/null; then
			said=$(mandoc -T lint -W warning "$page" 2>&1 || :)
		elif command -v groff > /dev/null; then
			said=$(groff -mandoc -ww -Tutf8 -z "$page" 2>&1 || :)
		fi
		[[ ! $said ]] || { bad=1; echo "$page: $said"; }
	done
}

check_reasons() {
	same 'reason to pass' reasons.def "$(reasons PASS)" 'the manual page' "$(reasons_in_page passing)"
	same 'reason to drop' reasons.def "$(reasons DROP)" 'the manual page' "$(reasons_in_page dropping)"
	same reason reasons.def "$({ reasons PASS; reasons DROP; } | grep -vx send_failed | sort)" \
		"the guide's table" "$(reasons_in_guide)"
	same reason 'those of a relay' "$(relay_reasons | sort)" "the relay guide's table" \
		"$(reasons_in_relay_guide | grep -xE 'refused|unrouted|same_site|invalid')"
	same 'reason of the relay guide' 'the table' "$(reasons_in_relay_guide)" reasons.def \
		"$({ reasons PASS; reasons DROP; } | sort | grep -xF "$(reasons_in_relay_guide)")"
}
check_maps() { same map bpf/maps.h "$(maps)" "the design's table" "$(maps_in_design)"; }
check_keys() {
	same key 'the grammar' "$(keys)" wgxdp.yaml.5 "$(keys_in_page)"
	same value 'the grammar' "$(values)" wgxdp.yaml.5 "$(values_in_page)"
}
check_drop_in() { same line scripts/systemd/shared.conf "$(drop_in)" 'the guide' "$(drop_in_in_guide)"; }
check_packages() { same package scripts/deps "$(packages)" 'the guide' "$(packages_in_guide)"; }
check_drivers() { same driver user/plan/transmit.c "$(drivers)" docs/hardware.md "$(drivers_in_page)"; }
check_metrics() { same metric user/show/metrics.c "$(metrics)" docs/metrics.md "$(metrics_in_page)"; }

check() { # ASPECT...
	local aspect
	for aspect; do "check_$aspect"; done
	((!bad))
}

# --- whether this finds what it is for

# ASPECT FILE SED-SCRIPT: a copy with this changed must be found wrong
must_find() {
	rm -rf "${copy:?}"/*
	cp -r --parents docs include/reasons.def bpf/maps.h user/lib/yaml_map.c user/config/config.c user/config/config_relay.c user/config/config_flows.c user/config/config_guard.c user/config/config_blind.c user/config/config_endpoints.c user/config/config_learn.c user/config/config_ddns.c user/show/metrics.c user/show/show_guard.c user/show/show_sites.c user/plan/transmit.c scripts/systemd scripts/wgxdp-etcd scripts/deps "$copy"
	sed -i "$3" "$copy/$2"
	! cmp -s "$2" "$copy/$2" || { echo "'$3' changes nothing in $2"; exit 1; }
	! (cd "$copy" && changed=$2 && check "$1" > /dev/null) || { echo "nothing was found wrong after '$3' in $2"; exit 1; }
}

check_format
check commands reasons maps keys examples topology drop_in packages metrics drivers || exit 1
make -s install DESTDIR="$copy" PREFIX=/usr
for page in docs/*.[58]; do
	cmp "$page" "$copy/usr/share/man/man${page##*.}/${page##*/}" || { echo "make install leaves out $page"; exit 1; }
done
[[ $(keys | wc -l) -ge 25 && $(values | wc -l) -ge 15 ]] || { echo 'hardly any key was compared'; exit 1; }
[[ $(maps | wc -l) -ge 10 && $(reasons PASS | wc -l) -ge 10 && $(options_in_help up | wc -l) -ge 8 ]] ||
	{ echo 'hardly anything was compared'; exit 1; }
must_find commands docs/wgxdp.8 '/^\.It Fl -lan/d'
must_find commands docs/wgxdp.8 's/^\.It Fl j , Fl -json/.It Fl -json/'
must_find commands docs/wgxdp.8 's/^\.It Fl -version/.It Fl -release/'
must_find commands docs/wgxdp.8 's/^\.Op Fl -mode.*//'
must_find commands docs/wgxdp.8 's/^\.Ss down/.Ss off/'
must_find commands docs/wgxdp-etcd.8 '/^\.It Fl -once/d'
must_find reasons docs/wgxdp.8 '/^\.It Cm martian/d'
must_find reasons docs/wgxdp.8 's/^\.It Cm send_failed/.It Cm send_refused/'
must_find keys docs/wgxdp.yaml.5 '/^\.It Cm shared/d'
must_find keys docs/wgxdp.yaml.5 's/^\.Cm report :/.Cm tell :/'
must_find examples docs/wgxdp.yaml.5 's/role: lan }/role: dmz }/'
must_find keys docs/wgxdp.yaml.5 '/^\.It Cm pairs/d'
must_find keys docs/wgxdp.yaml.5 '/^\.It Cm credentials/d'
must_find examples docs/guide-dns.md 's/      names: \[/      name: [/'
must_find examples docs/guide-road-warrior.md 's/knock: { port/knock: { ports/'
must_find examples docs/guide-endpoint.md 's/interface: wg0, peer/device: wg0, peer/'
must_find examples docs/guide-vps.md 's/^        ipv6: off/        ipv6: of/'
must_find topology docs/guide-vps.md 's/inbound: established, proxy/inbound: open, proxy/'
must_find examples docs/guide-firewall.md 's/^    listen: { interface/    listen: { device/'
must_find examples docs/guide-blind.md 's/      pairs: \[/      pair: [/'
must_find keys user/config/config.c 's/{ "df", yaml_set_choice/{ "frob", yaml_set_text, "x" },\n\t&/'
must_find reasons docs/guide-firewall.md 's/`hop_limit`/hop limit/'
must_find reasons docs/guide-relay.md 's/`unrouted`/`unroutable`/'
must_find reasons docs/guide-relay.md 's/`same_site`/same site/'
must_find examples docs/guide-relay.md 's/    follow: { wireguard/    follow: { wire/'
must_find maps docs/design.md '/^| states |/d'
must_find maps docs/design.md 's/^| choices | LRU_HASH/| choices | HASH/'
must_find maps docs/design.md 's/^| names | /| titles | /'
must_find metrics docs/metrics.md 's/`wgxdp_map_entries`/`wgxdp_map_rows`/'
must_find packages docs/guide-firewall.md 's/ libldns-dev//'
must_find drivers user/plan/transmit.c 's/"mana",//'
must_find drivers docs/hardware.md '/^| `ena` /d'
must_find drivers docs/hardware.md 's/^| `igb` | 5.10 | 6.1 |/| `igb` | 5.10 | 6.12 |/'
must_find drop_in scripts/systemd/shared.conf 's/ADMIN$/& CAP_KILL/'
must_find reasons include/reasons.def '$aREASON(PASS, frobbed, "text")'
must_find maps bpf/maps.h '$aMAP(frobs, HASH, __u32, __u32, 1, 0);'
must_find commands docs/wgxdp.8 '/^\.Ss up/,/^\.Ss /s/^\.It Fl -mode/.It Fl -frob/'
echo "help texts, manual pages, guide, design, reasons, maps and keys say the same"
