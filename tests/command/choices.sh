#!/bin/bash
# What is chosen and why, on a registry made here: tree, why, outdated, pin, upgrade --latest, --min-age, and the derivation of a failure.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/releases.sh"
setup_registry
release base 1.0.0
release base 1.1.0
release base 2.0.0
release left 1.0.0 base ^1.0
release right 1.0.0 base '>=1'
release right 1.1.0 base ^2
release top 1.0.0 left '*' right '*'
versions() { host list --json | jq -r '[.modules[] | "\(.name) \(.version) \(.requirement)"] | join(", ")'; }

says "outdated where nothing is" "newest there is" host outdated
says "tree where nothing is" "Nothing is installed" host tree
check "an older release on purpose" host install base@=1.0.0 --no-load
check "what needs it" host install top@^1 --no-load
equal "fits the older" "$(versions)" "base 1.0.0 =1.0.0, left 1.0.0 null, right 1.0.0 null, top 1.0.0 ^1"

LC_ALL=C host tree >"$tmp/tree"
cat >"$tmp/expected" <<'END'
base 1.0.0 (=1.0.0)
top 1.0.0 (^1)
|-- left 1.0.0 (*)
|   `-- base 1.0.0 (^1.0)
`-- right 1.0.0 (*)
    `-- base 1.0.0 (>=1)
END
check "tree draws who needs whom" diff "$tmp/expected" "$tmp/tree"
says "with lines where the terminal has them" "└── base 1.0.0 (>=1)" env LC_ALL=C.UTF-8 "$IOVPKG" --root "$tmp/host" tree
equal "tree for programs names each module once" "$(host tree --json | jq -c '[.roots, (.modules | map(.needs | length))]')" '[["base","top"],[0,1,1,2]]'
equal "why finds every chain" "$(host why base --json | jq -c '[.chains[] | map(.module) | join(">")]')" '["base","top>left>base","top>right>base"]'
says "and tells it" "left 1.0.0 (*) -> base 1.0.0 (^1.0)" env LC_ALL=C "$IOVPKG" --root "$tmp/host" why base
refuses "why of what is not there" 4 "iovpkg list" host why nothing

equal "outdated tells what fits and what is newest" "$(host outdated --json | jq -c '[.modules[] | [.name, .installed, .fits, .newest]]')" \
	'[["base","1.0.0","1.0.0","2.0.0"],["right","1.0.0","1.0.0","1.1.0"]]'
says "and what is in the way of one" "base is held back: 'base' =1.0.0 is wanted" host outdated
also "and of the other" "'right' 1.1.0 needs 'base' ^2"

refuses "a wish that does not fit" 5 "'left' 1.0.0 needs 'base' ^1.0" host install base@^2 --no-load
host install base@^2 --no-load --json >"$tmp/error" 2>/dev/null
equal "its derivation ends with nothing" "$(jq -r '.error.derivation[-1].text' "$tmp/error")" "nothing fits"
equal "its facts are those of the text" "$(jq -c '[.error.derivation[] | select(.fact) | .fact]' "$tmp/error")" '["wish","wish","dependency","dependency"]'
equal "every conclusion follows from earlier steps" "$(jq '[.error.derivation[] | select(.because) | .number > (.because | max)] | all' "$tmp/error")" true
equal "other errors have none" "$(host why nothing --json 2>/dev/null | jq 'has("derivation")')" false

check "a wish that does" host upgrade base@^1.0 --no-health
equal "goes as far as the others let it" "$(versions)" "base 1.1.0 ^1.0, left 1.0.0 null, right 1.0.0 null, top 1.0.0 ^1"
check "remove what holds it" host remove top --yes
check "without --latest the wish holds" host upgrade
equal "at 1.1.0" "$(versions)" "base 1.1.0 ^1.0"
refuses "--latest chooses the version itself" 2 "leave '@^2'" host upgrade base@^2 --latest
check "--latest goes beyond it" host upgrade base --latest
equal "and wishes for that from now on" "$(versions)" "base 2.0.0 ^2.0.0"
equal "a second time there is nothing to do" "$(host upgrade --latest --json | jq .changed)" false

check "any version will do" host install 'base@>=1' --no-load
check "pin to an older one goes there" host pin base@1.0.0
equal "the pin is recorded" "$(host list --json | jq -c '[.modules[] | select(.pinned) | .name]')" '["base"]'
says "the tree shows it" "pinned" host tree
says "an upgrade of everything passes it over, and says so" "'iovpkg unpin base' lets it go" host upgrade
refuses "an upgrade by name is refused" 5 "iovpkg unpin base" host upgrade base
refuses "what needs another version is refused" 5 "is wanted (it is pinned)" host install right@1.1.0 --no-load
also "and the pin is named" "'iovpkg unpin base' lets 'base' go"
says "outdated names the pin" "it is pinned" host outdated
check "what fits the pin comes" host install left --no-load
check "a pin moves" host pin base@1.1.0 --no-health
equal "to where it was told" "$(host list --json | jq -c '[.modules[] | select(.pinned) | [.name, .version]]')" '[["base","1.1.0"]]'
refuses "pin to what does not fit" 5 "'base' =2.0.0 is wanted" host pin base@2.0.0
refuses "pin to a range" 2 "is no version" host pin base@^1
refuses "pin what is not installed" 4 "iovpkg list" host pin top
equal "a pin outlives a dry run of its end" "$(host unpin base --dry-run --json | jq -c .changed),$(host list --json | jq '[.modules[].pinned] | any')" "true,true"
check "rollback knows nothing of a later pin" host rollback
equal "as it was" "$(host list --json | jq -c '[.modules[] | select(.pinned) | [.name, .version]]')" '[["base","1.0.0"]]'
check "unpin" host unpin base
check "and it moves again" host upgrade
equal "as far as the others let it" "$(host list --json | jq -r '.modules[] | select(.name == "base") | .version')" 1.1.0
check "remove the other" host remove left

refuses "too young" 5 "too young: it was published" host install right --min-age 1h --no-load
check "what is installed stays, however young" host upgrade --min-age 1h
says "outdated tells the age" "later than --min-age allows" host outdated --min-age 1h
refuses "an age that is none" 2 "7d" host upgrade --min-age soon
sleep 2
check "old enough" host install right --min-age 1s --no-load
