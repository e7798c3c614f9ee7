#!/bin/bash
# What a person at a terminal sees, and what a pipe gets: colour, questions, progress, quiet, JSON, completion.
. "$(dirname "$0")/../lib/test.sh"
for tool in jq script; do command -v $tool >/dev/null || skip_all "$tool is not installed"; done
unset NO_COLOR
export TERM=xterm LC_ALL=C.UTF-8
escape=$'\033[' cr=$'\r'
terminal() { script -qec "$*" /dev/null </dev/null; }
answering() { printf '%s\n' "$1" | script -qec "${*:2}" /dev/null; }
lacks() {
	local name=$1 words=$2; shift 2
	if "$@" >"$out" 2>&1 && ! grep -qF -- "$words" "$out"; then pass "$name"; else fail "$name: expected no '$words'"; fi
}
modules() { host list --json | jq -c '[.modules[].name]'; }
setup_registry flow-table flow-count
me="'$IOVPKG' --root '$tmp/host'"

# Colour.
says "colour on a terminal" "$escape" terminal "$me search flow"
lacks "none with NO_COLOR" "$escape" terminal "NO_COLOR=1 $me search flow"
lacks "none with --no-color" "$escape" terminal "$me search flow --no-color"
lacks "none on a dumb terminal" "$escape" terminal "TERM=dumb $me search flow"
lacks "none in a pipe" "$escape" host search flow
refuses "errors are red" 4 "${escape}31merror:" terminal "$me info nothing"

# Questions, before a plan that does more than was named.
refuses "no" 16 "nothing was changed, as you chose" answering n "$me install flow-count --no-load"
also "the plan stands before the question" "(needed by flow-count)"
also "the question" "Go ahead? [Y/n]"
equal "no means no" "$(modules)" "[]"
says "yes" "Go ahead?" answering y "$me install flow-count --no-load"
equal "yes means yes" "$(modules)" '["flow-count","flow-table"]'
check "back to nothing" host remove flow-count flow-table
says "Enter is what the question says in capitals" "Go ahead? [Y/n]" answering "" "$me install flow-count --no-load"
equal "here yes" "$(modules)" '["flow-count","flow-table"]'
check "back to nothing once more" host remove flow-count flow-table
lacks "no question with --yes" "Go ahead?" terminal "$me install flow-count --no-load --yes"
check "back to nothing at last" host remove flow-count flow-table
lacks "no question for what was named" "Go ahead?" terminal "$me install flow-table --no-load"
lacks "no question where nobody can answer" "Go ahead?" host install flow-count --no-load
refuses "trust is no without a word" 16 "Trust it? [y/N]" answering "" "'$IOVPKG' --root '$tmp/other' registry add test '$registry'"
also "the fingerprint is there to compare" "fingerprint"

# Progress: a source that takes the compiler more than a moment.
slow=$tmp/slow
mkdir -p "$slow/src"
sed 's/^name: .*/name: slow/; s#src/.*]#src/slow.bpf.c]#; /^maps:/,$d' "$top/bpf-samples/flow-table/iov.yaml" >"$slow/iov.yaml"
{
	printf '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\nchar LICENSE[] SEC("license") = "GPL";\n'
	for ((i = 0; i < 700; i++)); do echo "SEC(\"xdp\") int slow_$i(struct xdp_md *ctx) { return ctx->data_end - ctx->data > $i ? XDP_PASS : XDP_DROP; }"; done
} >"$slow/src/slow.bpf.c"
build="'$IOVPKG' --root '$tmp/author' build '$slow' -o '$tmp/object'"
says "a line of progress" "${cr}building slow" terminal "$build"
also "which is erased" "$cr${escape}K"
if [[ "$(tr -d '\n' <"$out")" == *"building slow"*"$cr${escape}K"* ]]; then pass "in that order"; else fail "in that order"; fi
says "a plain line elsewhere" "building slow" bash -c "$build"
if grep -q "$cr" "$out"; then fail "and no control characters"; else pass "and no control characters"; fi

# Quiet, and JSON.
author build "$slow" -o "$tmp/object" --quiet >"$out" 2>&1
equal "--quiet says nothing" "$(cat "$out")" ""
check "remove all" host remove flow-count flow-table
host install flow-count --no-load --yes --quiet >"$out" 2>&1
equal "--quiet says nothing of an install either" "$(cat "$out")" ""
equal "which was made" "$(modules)" '["flow-count","flow-table"]'
refuses "but errors are told" 4 "nothing" host info nothing --quiet
for words in "list" "search flow" "info flow-count" "status" "verify" "registry list" "registry update" "key list" "remove flow-count --yes" "install flow-count --no-load --yes"; do
	# shellcheck disable=SC2086
	host $words --json >"$out" 2>/dev/null
	equal "one JSON document from $words" "$(jq -s length "$out" 2>&1)" 1
done
terminal "$me list --json >'$tmp/json'" >"$out"
equal "also from a terminal, without colour" "$(jq -r '.modules[0].name' "$tmp/json")" flow-count
equal "and nothing beside it" "$(cat "$out")" ""

# Completion, as bash calls it.
complete_line() (
	. <("$IOVPKG" --generate completion)
	COMP_WORDS=("$IOVPKG" --root "$tmp/host" "$@")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_iovpkg
	echo "${COMPREPLY[*]}"
)
equal "completion: a command" "$(complete_line upg)" upgrade
equal "completion: commands that begin alike" "$(complete_line re | tr ' ' '\n' | sort | xargs)" "registry remove restore"
equal "completion: a command of a family" "$(complete_line registry a | tr ' ' '\n' | grep -x add)" add
equal "completion: modules of the registries" "$(complete_line install flow-)" "flow-count flow-table"
equal "completion: one of them" "$(complete_line install flow-c)" flow-count
equal "completion: installed modules" "$(complete_line remove "" | tr ' ' '\n' | sort | xargs)" "flow-count flow-table"
equal "completion: registries" "$(complete_line registry rm "")" test
equal "completion: options" "$(complete_line install --dry)" --dry-run
equal "completion: nothing where nothing fits" "$(complete_line install no-such)" ""
