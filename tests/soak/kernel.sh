# shellcheck shell=bash
# What the soak tests ask of the kernel and of the state when all is over. Used after tests/lib/test.sh; `inside` is the test's own.
#   tool_needed NAME...    skips the whole file when a tool is missing
#   kernel_before          remembers what is there
#   kernel_orphans         fails, and says which, when programs or maps of ours stay that nothing pins
#   kernel_clean NAME      passes when nothing of ours is there that was not
#   store_collected NAME   passes when the store drops what no kept generation names, and the state has no half-made names
# Other tests may be at work with the same modules: what is pinned below another root is theirs, and what is there for a moment too.
tool_needed() {
	local tool
	for tool in "$@"; do command -v "$tool" >/dev/null || skip_all "$tool is not installed"; done
}

# iov_slots is missing on purpose: kernels keep a program array for good, empty, when any tool opens it by its id just when its last user is gone
# (prog_array_map_clear takes a reference for a work item that is queued already). What uses an array, its entry program, is in the list.
soak_names='^(on_egress|on_sendmsg|on_netfilter|on_probe|on_return|on_typed|on_kprobe|on_fentry|on_lsm|count_in|count_out|guard|trace_exec|count_switch|report_top|stack_tp|stack_raw|iov_entry|iov_runs|iov_index|step|flows|totals|protocols|blocked|verdicts|execs|switches|seen)$'
# kernel_ids PINNED: "KIND ID NAME" of our programs and maps; PINNED: a jq condition on `$pins`, the paths that pin one. Links have no names, but
# keep their program, and entry programs are pinned by their links alone.
kernel_ids() {
	local kind tied
	tied=$(bpftool -jf link show | jq -c 'map(select(.prog_id) | {key: "\(.prog_id)", value: (.pinned // [])}) | from_entries')
	for kind in prog map; do
		bpftool -jf $kind show 2>/dev/null | jq -r --arg kind $kind --arg names "$soak_names" --arg root "$tmp/" --argjson tied "${tied:-{\}}" '
			.[] | ((.pinned // []) + (if $kind == "prog" then $tied["\(.id)"] // [] else [] end)) as $pins |
			select((.name // "") | test($names)) | select('"$1"') | "\($kind) \(.id) \(.name)"'
	done | sort
}
kernel_new() { kernel_ids "$1" | comm -13 "$tmp/kernel-before" -; }
# kernel_none PINNED: what is there all the time, for as long as the kernel may take to free it; fails when that is something.
kernel_none() {
	local left
	left=$(kernel_new "$1")
	for _ in {1..60}; do
		[ -n "$left" ] || return 0
		sleep 0.25
		left=$(comm -12 <(echo "$left") <(kernel_new "$1"))
	done
	echo "$left"
	return 1
}
kernel_before() { kernel_ids true >"$tmp/kernel-before"; }
kernel_orphans() { kernel_none '$pins == []'; }
kernel_clean() { if kernel_none '$pins | all(startswith($root))' >"$out"; then pass "$1"; else fail "$1"; fi; }

# Generations that name nothing, as many as are kept.
store_collected() {
	local state=$tmp/host/var/lib/iovpkg
	for _ in {1..6}; do
		inside install flow-table --no-load --quiet >"$out" 2>&1 && inside remove flow-table --quiet >"$out" 2>&1 || { fail "$1: install and remove"; return; }
	done
	find "$state/store" -mindepth 1 -maxdepth 1 | wc -l >"$out"
	[ "$(cat "$out")" -le 2 ] || { fail "$1"; return; }
	find "$state" -name 'new*' -o -name old -o -name '*.new' -o -name journal >"$out"
	if [ -s "$out" ]; then fail "$1"; else pass "$1"; fi
}
