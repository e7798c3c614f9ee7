#!/bin/bash
# Key pairs with passphrases: at a terminal, from a file descriptor, plain only when asked; nothing in words, environment or output.
. "$(dirname "$0")/../lib/test.sh"
for tool in jq script; do command -v $tool >/dev/null || skip_all "$tool is not installed"; done
keys=$tmp/author/etc/iovpkg/keys
with() { local lines=$1; shift; "$@" --passphrase-fd 3 3<<<"$lines"; }
# at_terminal ANSWERS COMMAND...: types an answer at each question; $out has what the screen showed
at_terminal() {
	local answers=$1 questions=0 line screen=$tmp/screen; shift
	: >"$screen"
	mkfifo "$tmp/typing"
	script -qfec "$(printf '%q ' "$IOVPKG" --root "$tmp/author" "$@")" "$screen" <"$tmp/typing" >/dev/null 2>&1 &
	exec 4>"$tmp/typing"
	while read -r line; do
		questions=$((questions + 1))
		for _ in {1..200}; do
			[ "$(grep -o "': " "$screen" | wc -l)" -ge $questions ] && break
			kill -0 $! 2>/dev/null || break
			sleep 0.05
		done
		printf '%s\r' "$line" >&4
	done <<<"$answers"
	wait $!
	exec 4>&-
	rm "$tmp/typing"
	cp "$screen" "$out"
}

refuses "nobody to ask" 16 "--plain" setsid -w "$IOVPKG" --root "$tmp/author" key generate work
equal "and no key" "$(ls "$keys" 2>/dev/null)" ""
refuses "a descriptor that is not open" 2 "--passphrase-fd" author key generate work --passphrase-fd 77
refuses "a descriptor that is no number" 2 "--passphrase-fd" author key generate work --passphrase-fd x
refuses "an empty passphrase" 2 "is empty" with "" author key generate work
check "a passphrase from a descriptor" with "first words" author key generate work
equal "the file is encrypted" "$(cut -d+ -f1-3 "$keys/work.key")" "ENCRYPTED+KEY+work"
equal "and private" "$(stat -c %a "$keys/work.key")" 600
check "a plain key when asked" author key generate plain --plain
equal "the list tells them apart" "$(author key list --json | jq -c '[.keys[] | {name, encrypted}]')" '[{"name":"plain","encrypted":false},{"name":"work","encrypted":true}]'
says "the public half needs no passphrase" "$(cat "$keys/work.pub")" author key show work

printf '{"archive":{},"manifest":{"name":"m","version":"1.0.0"},"schema":1}\n\n' >"$tmp/m.note"
cp "$tmp/m.note" "$tmp/before"
refuses "a wrong passphrase" 10 "wrong passphrase for key 'work'" with "other words" author key sign "$tmp/m.note" --key work
check "signs nothing" cmp "$tmp/m.note" "$tmp/before"
refuses "nor does nobody" 16 "--passphrase-fd" setsid -w "$IOVPKG" --root "$tmp/author" key sign "$tmp/m.note" --key work
says "the right one" "release m 1.0.0 is signed with work; it has 1 signature now" with "first words" author key sign "$tmp/m.note" --key work
says "a second key" "2 signatures" author key sign "$tmp/m.note" --key plain
says "twice is once" "was signed before" author key sign "$tmp/m.note" --key plain
equal "two lines" "$(grep -c '^— ' "$tmp/m.note")" 2
printf 'hello\n\n' >"$tmp/hello"
refuses "what nobody can read is not signed" 3 "hello" author key sign "$tmp/hello" --key plain

refuses "no change with a wrong passphrase" 10 "wrong passphrase" with $'other words\nnew words' author key passphrase work
refuses "no change without a new one" 16 "no passphrase" with "first words" author key passphrase work
check "the old one still opens" with "first words" author key sign "$tmp/before" --key work
check "change it" with $'first words\nnew words' author key passphrase work
refuses "the old one opens no more" 10 "wrong passphrase" with "first words" author key sign "$tmp/before" --key work
check "take it away" with "new words" author key passphrase work --plain
check "now it opens by itself" author key sign "$tmp/before" --key work
check "give the plain one a passphrase" with "third words" author key passphrase plain

at_terminal $'typed words\ntyped words' key generate typed
[ -s "$keys/typed.key" ] && pass "typed twice at a terminal" || fail "typed twice at a terminal"
grep -q 'typed words' "$out" && fail "nothing typed is shown" || pass "nothing typed is shown"
at_terminal $'a\nb\nc\nd\ne\nf' key generate differs
grep -q 'they differ' "$out" && [ ! -e "$keys/differs.key" ] && pass "two that differ" || fail "two that differ"
at_terminal $'wrong\ntyped words' key sign "$tmp/before" --key typed
grep -q 'that was not it' "$out" && grep -q 'is signed with typed' "$out" && pass "asked again after a wrong one" || fail "asked again after a wrong one"

check "an encrypted registry key" with $'r1' author registry init "$tmp/r.git" --origin test.example/modules --key registry
refuses "does not refresh without it" 16 "--passphrase-fd" setsid -w "$IOVPKG" --root "$tmp/author" registry refresh "$tmp/r.git"
check "and does with it" with r1 author registry refresh "$tmp/r.git"
sed -i 's/.$/A/' "$keys/typed.key"
refuses "a damaged file is told" 3 "typed.key" with "typed words" author key sign "$tmp/before" --key typed
equal "and listed as what it is" "$(author key list --json | jq -r '.keys[] | select(.name == "typed") | has("error")')" true
