#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 600
# Ansible, cloud-init and libnm accept the extra files of `wgxdp gen hosts` for all examples, and these do what they
# should. cloud-init's user-data has each file of its host, and cloud-init accepts it, if it is installed (its package
# starts services at boot, so scripts/deps leaves it out). Ansible accepts the playbook. Run for one host, in an /etc
# of its own, the playbook brings that host's files and starts the services once; a second run changes nothing. libnm
# imports the files of clients without a loss. BREAK=1 changes a file of the host.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

export LC_ALL=C.UTF-8 ANSIBLE_HOME=$work/ansible ANSIBLE_LOCAL_TEMP=$work/ansible ANSIBLE_REMOTE_TEMP=$work/ansible ANSIBLE_NOCOLOR=1
extra=$root/selftests/lib/extra_files.py
cloud=''
[[ ! $(type -P cloud-init) ]] || cloud=1

accepted() { # FILE: by cloud-init
	[[ ! $cloud ]] || cloud-init schema -c "$1" > "$work/said" 2>&1
}

declare -A count=([user-data]=0 [playbooks]=0 [clients]=0)
for example in docs/examples/topology/*.yaml; do
	name=$(basename "$example" .yaml)
	dir=$work/$name
	{ cat "$example"; echo 'extra-files: [ ansible, cloud-init ]'; } > "$work/$name.yaml"
	"$wgxdp" gen hosts "$work/$name.yaml" -o "$dir" > "$work/said" 2>&1 || fail "gen hosts $name: $(< "$work/said")"
	[[ ! ${BREAK:-} ]] || find "$dir" -path '*/etc/*' -name '*.conf' -exec sed -i '$s/.*/&x/' {} +
	for file in "$dir"/*/cloud-init.yaml; do
		"$extra" cloud-init "${file%/*}" > "$work/said" 2>&1 || fail "$file: $(< "$work/said")"
		accepted "$file" || fail "cloud-init: $(< "$work/said")"
		[[ $(stat -c %a "$file") == 600 ]] || fail "$file: others may read it"
		count[user-data]=$((count[user-data] + 1))
	done
	ansible-playbook -i "$dir/ansible/inventory.yml" "$dir/ansible/site.yml" --syntax-check > "$work/said" 2>&1 ||
		fail "ansible, $name: $(< "$work/said")"
	count[playbooks]=$((count[playbooks] + 1))
	while read -r file; do
		"$extra" client "$file" > "$work/said" 2>&1 || fail "$file: $(< "$work/said")"
		count[clients]=$((count[clients] + 1))
	done < <(grep -lsx 'PrivateKey = .*' "$dir"/*/etc/wireguard/wg0.conf)
done

# Words that YAML takes for something else are names of hosts
sed 's/\bserver-a1\b/on/; s/\bserver-a2\b/123/' docs/examples/topology/two-sites.yaml > "$work/words.yaml"
echo 'extra-files: [ ansible ]' >> "$work/words.yaml"
"$wgxdp" gen hosts "$work/words.yaml" -o "$work/words" > "$work/said" 2>&1 || fail "gen hosts: $(< "$work/said")"
ansible-inventory -i "$work/words/ansible/inventory.yml" --list > "$work/said" 2>&1 || fail "ansible-inventory: $(< "$work/said")"
for name in on 123; do
	grep -q "\"$name\"" "$work/said" || fail "ansible knows no host $name: $(< "$work/said")"
done

for what in "${!count[@]}"; do expect "$what accepted" "${count[$what]}" '>=' 3; done
[[ $cloud ]] || say 'cloud-init is not installed, so it did not check its user-data'

# --- the playbook at work

mkdir "$work/bin" "$work/etc"
cat > "$work/bin/systemctl" <<- EOF
	#!/bin/sh
	echo "\$*" >> "$work/started"
EOF
for command in sysctl networkctl; do ln -s systemctl "$work/bin/$command"; done
chmod 755 "$work/bin/systemctl"
mount -t tmpfs none "$work/etc"
mkdir "$work/etc/upper" "$work/etc/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$work/etc/upper,workdir=$work/etc/work" /etc
play() {
	PATH=$work/bin:$PATH ansible-playbook -c local -l edge-a1 -e '{ "wgxdp_packages": [] }' -i "$work/two-sites/ansible/inventory.yml" \
		"$work/two-sites/ansible/site.yml" > "$work/said" 2>&1 || fail "ansible-playbook: $(< "$work/said")"
}
modes() { (cd "$1" && find . -type f -printf '%P %m\n' | sort); }
play
expect 'edge-a1: files as generated' "$(diff -r "$work/two-sites/edge-a1/etc" "$work/etc/upper")" == ''
expect 'edge-a1: other modes' "$(diff <(modes "$work/etc/upper") <(modes "$work/two-sites/edge-a1/etc"))" == ''
expect 'edge-a1: commands of start' "$(grep -c . "$work/started")" == "$(grep -cE '^(systemctl|sysctl|networkctl)' "$work/two-sites/edge-a1/start")"
commands=$(grep -c . "$work/started")
play
expect 'the second run: changes' "$(grep -o 'changed=[0-9]*' "$work/said")" == changed=0
expect 'the second run: commands, all of the first' "$(grep -c . "$work/started")" == "$commands"
