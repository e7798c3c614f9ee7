# shellcheck shell=bash
# What a host is, and whether all that tells of it agrees: bpffs, kernel, status, lock, journal. Used after tests/lib/test.sh; `inside` is the test's
# own, and names the root $host_root (default: $tmp/host).
#   facts     asks the host; sets list, status_json and later (generation, generations, modules, instances, pending); fails when it does not answer
#   agrees    after facts, when no command is at work: fails, and says what does not agree
state=${host_root:-$tmp/host}/var/lib/iovpkg bpffs=${host_root:-$tmp/host}/sys/fs/bpf/iovpkg

# What the host is: its generation, what is installed, what runs.
facts() {
	list=$(inside list --json 2>"$out") && status_json=$(inside status --json 2>"$out") || return 1
	later=$(jq -cn --argjson list "$list" --argjson status "$status_json" '{
		generation: $list.generation, generations: $list.generations, pending: $status.pending,
		modules: [$list.modules[] | "\(.name)=\(.version)"] | sort,
		instances: [$status.instances[] | "\(.name)=\(.module)=\(.version)"] | sort}')
}
# Every object with the paths of its pins. bpftool stumbles when another test takes away what it is about to open.
shown() {
	local text
	for _ in {1..10}; do text=$(bpftool -jf "$1" show 2>/dev/null) && echo "$text" && return; done
	return 1
}
# What must agree when no command is at work, after facts(); says what does not.
agrees() {
	local programs maps links problems
	problems=$(
		[ ! -e "$state/journal" ] || echo "a journal is left"
		[ -z "$(ls -A "$bpffs/staging" 2>/dev/null)" ] || echo "staging is left: $(ls -A "$bpffs/staging")"
		flock -n "$state/lock" true || echo "somebody holds the lock"
	)
	programs=$(shown prog) && maps=$(shown map) && links=$(shown link) || { echo "bpftool failed"; return 1; }
	problems+=$(
		jq -rn --arg live "$bpffs/live/" --argjson status "$status_json" --argjson programs "$programs" --argjson maps "$maps" --argjson links "$links" \
			--argjson lock "$([ -e "$state/current" ] && cat "$state/current/lock.json" || echo '{"releases":[]}')" \
			--argjson meant "$([ -e "$state/current" ] && cat "$state/current/instances.json" || echo '{"instances":[]}')" \
			--argjson list "$list" --argjson net "$(in_b bpftool -j net show)" '
			def pins(all): [all[] | . as $object | (.pinned // [])[] | select(startswith($live)) | ltrimstr($live) | {key: ., value: $object}] | from_entries;
			def tell(bad; text): if bad then text else empty end;
			pins($programs) as $progs | pins($maps) as $held | pins($links) as $tied |
			tell($status.pending; "status says pending"),
			tell(([$lock.releases[] | "\(.name)=\(.version)"] | sort) != ([$list.modules[] | "\(.name)=\(.version)"] | sort); "the lock and list differ"),
			tell(([$meant.instances[].name] | sort) != ([$status.instances[].name] | sort); "instances.json and status differ"),
			tell(([$progs, $held, $tied | keys[] | sub("/.*"; "")] | unique) != ([$status.instances[].name] | unique); "bpffs has other instances than status"),
			($status.instances[] | . as $instance |
				(.hooks[] | "\($instance.name)/\(.program)" as $name |
					tell(.attached | not; "\($name) is not attached"),
					tell($progs["\($instance.name)/progs/\(.program)"].id != .prog_id; "\($name): another program is pinned than runs"),
					tell(.link_id != null and ($tied["\($instance.name)/links/\(.program)"].id != .link_id); "\($name): another link is pinned")),
				(.maps[] | tell($held["\($instance.name)/maps/\(.name | sub("^\\."; "") | gsub("\\."; "_"))"].id != .id; "\($instance.name)/\(.name): another map is pinned"))),
			([$status.instances[].hooks[] | select(.hook | test("^(xdp|tcx)")) | .prog_id] | sort) as $ours |
			([$net[] | (.xdp[]?, .tc[]?) | .prog_id // .id] | sort) as $there |
			tell($ours != $there; "the interfaces run \($there), status says \($ours)")' ||
			echo "the facts could not be compared"
	)
	problems+=$(find "$bpffs/live" -mindepth 2 -maxdepth 2 2>/dev/null | grep -vE '/(progs|maps|links|slots|runs)$')
	# Links exist below, so a folder without pins would go unseen.
	problems+=$(find "$bpffs/live" -mindepth 1 -maxdepth 1 ! -name 'generation_*' -printf '%f\n' 2>/dev/null | sort | comm -3 - <(jq -r '.instances[].name' <<<"$status_json" | sort))
	[ "$(find "$bpffs/live" -maxdepth 1 -name 'generation_*' -printf '%f ' 2>/dev/null)" = "generation_$(jq .generation <<<"$status_json") " ] ||
		jq -e '.instances == []' <<<"$status_json" >/dev/null || problems+="live carries another mark: $(ls "$bpffs/live")"
	[ -z "$problems" ] || { echo "$problems"; return 1; }
}
