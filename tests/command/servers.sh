#!/bin/bash
# Registries on real servers: git over https (nginx, fcgiwrap, git http-backend), over ssh (sshd), and a file:// URL. Without a kernel.
. "$(dirname "$0")/../lib/test.sh"
. "$(dirname "$0")/../lib/servers.sh"
need_tools jq sshd ssh-keygen
need_git_backend

registry=$tmp/registry.git

# ---- what is asked of each of them

said() { if grep -qF -- "$2" "$out"; then pass "$1"; else fail "$1: expected '$2'"; fi; } # NAME WORDS: of the command before

patch=0
next_release() { # prints a folder with flow-table in a version that nobody has yet
	cp -r "$top/bpf-samples/flow-table" "$tmp/flow-table.$1"
	sed -i "s/^version: .*/version: 1.0.$1/" "$tmp/flow-table.$1/iov.yaml"
}
client() { "$IOVPKG" --root "$tmp/$transport" "$@"; }
incoming() { git -C "$registry" for-each-ref --format='%(refname)' refs/heads/incoming; }

reads() { # URL
	check "$transport: registry add" client registry add far "$1" --yes
	says "$transport: search" flow-table client search flow
	check "$transport: install" client install flow-table --no-load
	equal "$transport: it is there" "$(client list --json | jq -r '.modules[].name')" flow-table
	patch=$((patch + 1)); next_release $patch
	check "$transport: the host publishes another release" author publish "$tmp/flow-table.$patch" --registry "$registry" --key test
	check "$transport: registry update" client registry update
	check "$transport: the new release can be installed" client install "flow-table@=1.0.$patch" --no-load
	equal "$transport: and is" "$(client list --json | jq -r '.modules[].version')" "1.0.$patch"
}
submits() { # URL: a publisher elsewhere has a key that the registry knows, and is no host of it
	patch=$((patch + 1)); next_release $patch
	rm -rf "$tmp/$transport/etc/iovpkg/keys" && cp -r "$tmp/author/etc/iovpkg/keys" "$tmp/$transport/etc/iovpkg/keys"
	says "$transport: publish" submitted client publish "$tmp/flow-table.$patch" --registry "$1" --key test
	equal "$transport: the submission waits" "$(incoming | grep -cE '^refs/heads/incoming/[0-9a-f]{64}$')" 1
	refuses "$transport: until then it is in no index" 5 "1.0.$patch" client install "flow-table@=1.0.$patch" --no-load
	says "$transport: registry accept" "1.0.$patch" author registry accept "$registry"
	equal "$transport: none waits" "$(incoming)" ""
	check "$transport: the client sees it" client install "flow-table@=1.0.$patch" --no-load
}

check "registry init" author registry init "$registry" --origin test.example/modules --key test --plain
check "the first release" publish flow-table

# ---- https

transport=https
port=$(free_port)
mkdir -p "$tmp/https/etc/iovpkg" "$tmp/stranger"
check "certificates of an authority of our own" make_certificates
git -C "$registry" config http.receivepack true
web_config <<END
server {
	$(web_listen "$port")
	location /members/ { add_header WWW-Authenticate "Basic realm=members" always; return 401; }
	access_log $web/access;
	location /old/ { fastcgi_param HTTP_GIT_PROTOCOL ""; $(web_git "$tmp") }
	location /moved/ { return 302 https://elsewhere.invalid\$request_uri; }
	location / { $(web_git "$tmp") }
}
END
start_git_backend
start_web "$port"
url=https://localhost:$port
stranger() { "$IOVPKG" --root "$tmp/stranger" "$@"; }
stranger_trusts() { cp "$web/ca.pem" "$tmp/stranger/etc/iovpkg/ca.pem" && stranger "$@"; }

refuses "https: an authority that nobody told us of" 11 "certificate is not trusted" stranger registry add far "$url/registry.git" --yes
said "https: it says where to write it" "of its authority to '$tmp/stranger/etc/iovpkg/ca.pem'"
mkdir -p "$tmp/stranger/etc/iovpkg" && echo "no certificate" >"$tmp/stranger/etc/iovpkg/ca.pem"
refuses "https: a ca.pem that is none" 3 "$tmp/stranger/etc/iovpkg/ca.pem" stranger registry add far "$url/registry.git" --yes
cp "$web/ca.pem" "$tmp/https/etc/iovpkg/ca.pem"
refuses "https: a certificate for another name" 11 "certificate is not trusted" client registry add far "https://127.0.0.1:$port/registry.git" --yes
refuses "https: no repository there" 11 "404" client registry add far "$url/nothing.git" --yes
refuses "https: a password is asked for" 11 "this host has none for it" client registry add far "$url/members/registry.git" --yes
refuses "https: no redirect to another host" 11 "leads elsewhere, to 'https://elsewhere.invalid" client registry add far "$url/moved/registry.git" --yes
reads "$url/registry.git"
submits "$url/registry.git"

# Hundreds of releases: the server is asked for the one ref that is wanted, where it speaks version 2 of the protocol.
commit=$(git -C "$registry" rev-parse main)
for i in {1000..1500}; do echo "create refs/packages/$(printf "%s" "$i" | sha256sum | cut -d' ' -f1) $commit"; done | git -C "$registry" update-ref --stdin
told() { awk '{ n += $10 } END { print (n > 10000 ? "much" : n < 1000 ? "little" : n) }' "$web/access"; } # of the bytes of all bodies
: >"$web/access"
check "https: an update without news" client registry update
equal "https: it takes two short requests" "$(wc -l <"$web/access") $(told)" "2 little"
ln -s . "$tmp/old"
check "https: a server that speaks version 0 alone" stranger_trusts registry add far "$url/old/registry.git" --yes
: >"$web/access"
check "https: and its update without news" stranger registry update
equal "https: it tells of every ref" "$(wc -l <"$web/access") $(told)" "1 much"
check "https: and its archives" stranger install flow-table --no-load
stop_last_server
refuses "https: a server that is gone" 11 "cannot be reached" client registry update
says "https: what was seen answers" flow-table client search flow
start_web "$port"
check "https: a server that is back" client registry update
patch=$((patch + 1)); next_release $patch
check "https: the host publishes once more" author publish "$tmp/flow-table.$patch" --registry "$registry" --key test
two_updates() { client registry update & client registry update && wait $!; }
check "https: two updates at once" two_updates

# ---- file

transport="file"
reads "file://$registry"
refuses "file: no such folder" 11 "there is no such folder" client registry add gone "file://$tmp/nothing.git" --yes

# ---- ssh

transport=ssh
can_log_in || { skip "ssh" "the user $(id -un) cannot log in"; exit; }
port=$(free_port) ssh_home=$tmp/ssh/etc/iovpkg/.ssh
mkdir -p "$shell" "$ssh_home"
for key in "$shell/other" "$ssh_home/id_ed25519"; do ssh-keygen -q -t ed25519 -N "" -C test -f "$key"; done
start_sshd "$port"
url=ssh://$(id -un)@127.0.0.1:$port$registry
known() { echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 "$shell/$1.pub")" >"$ssh_home/known_hosts"; }

refuses "ssh: a host key that nobody knows" 11 "$ssh_home/known_hosts" client registry add far "$url" --yes
said "ssh: it says what to do" "compare the fingerprint"
known other
refuses "ssh: another host key than the known one" 11 "$ssh_home/known_hosts" client registry add far "$url" --yes
known host
refuses "ssh: a user key that the server does not know" 11 "accepts none of your keys" client registry add far "$url" --yes
cp "$ssh_home/id_ed25519.pub" "$shell/authorized"
refuses "ssh: no repository there" 11 "nothing.git" client registry add far "$url/nothing.git" --yes
reads "$url"
submits "$url"
stop_last_server
refuses "ssh: a server that is gone" 11 "cannot be reached" client registry update
