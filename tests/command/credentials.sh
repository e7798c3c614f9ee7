#!/bin/bash
# Credentials: what a server behind nginx and an sshd get to see, from each source, and what a second server does not. Without a kernel.
. "$(dirname "$0")/../lib/test.sh"
. "$(dirname "$0")/../lib/servers.sh"
need_tools jq sshd ssh-keygen
need_git_backend

registry=$tmp/registry.git port=$(free_port) other=$(free_port) plain=$(free_port)
etc=$tmp/client/etc/iovpkg
client() { "$IOVPKG" --root "$tmp/client" "$@"; }
mkdir -p "$etc"

# ---- a registry that is open, three doors to it, and a server that writes down what it is shown

check "registry init" author registry init "$registry" --origin test.example/modules --key test --plain
check "the first release" publish flow-table
check "certificates" make_certificates
git -C "$registry" config http.receivepack true
cp "$web/ca.pem" "$etc/ca.pem"
for door in open basic bearer team; do ln -s "$tmp" "$tmp/$door"; done
echo "me:$(openssl passwd -apr1 right-password)" >"$web/users"
web_config <<END
log_format shown '\$uri "\$http_authorization"';
server {
	$(web_listen "$port")
	access_log $web/shown shown;
	location / { $(web_git "$tmp") }
	location /basic/ { auth_basic members; auth_basic_user_file $web/users; $(web_git "$tmp") }
	location /team/ { auth_basic members; auth_basic_user_file $web/users; $(web_git "$tmp") }
	location /bearer/ { if (\$http_authorization != "Bearer right-token") { return 401; } $(web_git "$tmp") }
	location /files/ { auth_basic members; auth_basic_user_file $web/users; root $tmp; }
	location /tokens/ { if (\$http_authorization != "Bearer right-token") { return 401; } alias $tmp/files/; }
	location /hop/ { return 302 https://localhost:$other\$request_uri; }
	location /late/ { if (\$http_authorization = "") { return 401; } return 302 https://localhost:$other\$request_uri; }
	location /echo/ { if (\$http_authorization = "") { return 401; } return 302 https://localhost:$other/\$http_authorization; }
	location /aside/ { if (\$http_authorization = "") { return 401; } return 302 /open/registry.git/info/refs?service=git-upload-pack; }
}
server {
	$(web_listen "$other")
	access_log $web/other shown;
	location / { return 401; }
}
server {
	listen 127.0.0.1:$plain;
	access_log $web/other shown;
	location / { return 401; }
}
END
touch "$web/shown" "$web/other"
start_git_backend
start_web "$port"
url=https://localhost:$port

entries() { { echo "schema: 1"; echo "credentials:"; cat; } >"$etc/credentials.yaml"; }
secret() { (umask 077; printf '%s\n' "$2" >"$tmp/$1"); }
shown() { grep -cF -- "\"$1" "$web/shown"; } # how often the first server saw such a header
forget() { : >"$web/shown"; client registry rm far >/dev/null 2>&1; }
add() { client registry add far "$url/$1/registry.git" --yes; }
silent() { if grep -qE 'right-|wrong-' "$out"; then fail "$1"; else pass "$1"; fi; } # the last command told no secret

check "a registry that is open is shown nothing" add open
equal "and was not" "$(shown "B")" 0
equal "list: none" "$(client registry list --json | jq '.registries[0].credentials')" null
forget

# ---- a password file

refuses "no credential" 11 "this host has none for it; say in '$etc/credentials.yaml'" add basic
entries <<END
  - {url: '$url/basic', username: me, password_file: $tmp/password}
END
refuses "no such file" 3 "there is no password file '$tmp/password'" add basic
secret password wrong-password; chmod 640 "$tmp/password"
refuses "a file that others can read" 3 "run 'chmod 600 $tmp/password'" add basic
equal "nothing was shown so far" "$(shown B)" 0
chmod 600 "$tmp/password"
refuses "a wrong password" 11 "does not accept the credential that the password file '$tmp/password' (entry '$url/basic' of '$etc/credentials.yaml') has" add basic
silent "which the error does not tell"
equal "it was shown once" "$(shown Basic)" 1
secret password right-password
check "the right password" add basic
says "list: where it is from" password_file client registry list
equal "list: the place" "$(client registry list --json | jq -r '.registries[0].credentials | .kind + " " + .url')" "password_file $url/basic"
equal "the secret is in no file of the client" "$(grep -rlE 'right-password|bWU6' "$tmp/client")" ""
check "update" client registry update
cp -r "$tmp/author/etc/iovpkg/keys" "$etc/keys"
cp -r "$top/bpf-samples/flow-table" "$tmp/next" && sed -i 's/^version: .*/version: 1.0.1/' "$tmp/next/iov.yaml"
says "publish" submitted client publish "$tmp/next" --registry "$url/basic/registry.git" --key test
forget
refuses "a place beside it" 11 "this host has none for it" add team
equal "is shown nothing" "$(shown B)" 0
check "a place beside it, whose path the entry's begins" client registry list
refuses "a path that leads out of the place" 3 "'..'" client registry add far "$url/basic/../team/registry.git" --yes
refuses "the same, escaped" 3 "'..'" client registry add far "$url/basic/%2e%2e/team/registry.git" --yes
equal "are shown nothing" "$(shown B)" 0

# ---- tokens

entries <<END
  - {url: '$url/', token_file: $tmp/token}
  - {url: '$url/bearer/registry.git', environment: SOME_TOKEN}
END
secret token right-token
forget
refuses "a variable that is not set" 3 "'SOME_TOKEN' is not set" add bearer
SOME_TOKEN=right-token check "a variable that is named" add bearer
equal "the longer place counts" "$(client registry list --json | jq -r '.registries[0].credentials.kind')" environment
entries <<END
  - {url: '$url/', token_file: $tmp/token}
END
check "a token file" client registry update
secret token wrong-token; : >"$web/shown"
refuses "a wrong token" 11 "does not accept the credential that the token file '$tmp/token'" client registry update
silent "which the error does not tell"
equal "it was shown once" "$(shown Bearer)" 1
says "what was seen before still answers" flow-table client search flow
forget

# ---- a helper

cat >"$tmp/helper" <<END
#!/bin/sh
echo "\$*" >>$tmp/helper.log
[ "\$2" = get ] || exec cat >$tmp/helper.\$2
cat >/dev/null; echo username=me; echo password=\$(cat $tmp/password)
END
chmod 755 "$tmp/helper"
entries <<END
  - {url: '$url/team', helper: [$tmp/helper, 'an option']}
END
check "a helper" add team
equal "is asked, then told that it was right" "$(tr '\n' , <"$tmp/helper.log")" "an option get,an option store,"
equal "and for what" "$(grep -E '^(protocol|host|path|username|password)=' "$tmp/helper.store" | tr '\n' ' ')" \
	"protocol=https host=localhost:$port path=team/registry.git username=me password=right-password "
secret password wrong-password
refuses "a helper that is wrong" 11 "does not accept the credential that the credential helper '$tmp/helper'" client registry update
equal "is told so" "$(grep -c '^password=wrong-password' "$tmp/helper.erase")" 1
secret password right-password
printf '#!/bin/sh\necho nonsense\n' >"$tmp/helper"
refuses "a helper that talks nonsense" 3 "a line without '='" client registry update
printf '#!/bin/sh\nyes | head -c 5000000\n' >"$tmp/helper"
refuses "a helper that talks without end" 3 "64 KiB" client registry update
forget

# ---- netrc

rm "$etc/credentials.yaml"
printf 'machine elsewhere login me password wrong-password\nmachine localhost\n\tlogin me\n\tpassword right-password\n' >"$etc/netrc"
refuses "a netrc that others can read" 3 "run 'chmod 600 $etc/netrc'" add basic
chmod 600 "$etc/netrc"
check "netrc" add basic
says "list: netrc" netrc client registry list
forget

# ---- over sparse HTTP

sparse() { client registry add far "sparse+$url/$1" --yes; }
check "the static tree" author registry serve "$registry" --write "$tmp/files"
rm -f "$etc/credentials.yaml" "$etc/netrc"
refuses "sparse: no credential" 11 "asks for a credential" sparse files
entries <<END
  - {url: '$url/files', username: me, password_file: $tmp/password}
  - {url: '$url/tokens', token_file: $tmp/token}
END
check "sparse: a password" sparse files
check "sparse: install" client install flow-table --no-load
says "sparse: list" password_file client registry list
secret password wrong-password; : >"$web/shown"
rm -rf "$tmp/client/var/cache"
refuses "sparse: a wrong password" 11 "does not accept the credential that the password file '$tmp/password'" client registry update
silent "which the error does not tell"
secret password right-password; secret token right-token
forget
check "sparse: a token" sparse tokens
forget
refuses "sparse: a redirect to another port" 11 "leads to" client registry add far "sparse+$url/hop" --yes

# ---- nothing goes elsewhere

entries <<END
  - {url: '$url/', username: me, password_file: $tmp/password}
  - {url: 'https://localhost:$other/nowhere', username: me, password_file: $tmp/password}
END
rm -f "$etc/netrc"
refuses "a redirect to another port" 11 "leads elsewhere, to 'https://localhost:$other/hop/" add hop
refuses "a redirect after the password" 11 "leads elsewhere, to 'https://localhost:$other/late/" add late
refuses "a redirect within the host" 11 "leads elsewhere, to 'https://localhost:$port/open/" add aside
refuses "a server that says the password back" 11 "repeats the credential that it was shown" add echo
if grep -q "bWU6" "$out"; then fail "whose words are left out"; else pass "whose words are left out"; fi
refuses "the same over sparse HTTP" 11 "repeats the credential that it was shown" client registry add far "sparse+$url/echo" --yes
refuses "http" 11 "none is ever sent over http://" client registry add far "http://localhost:$plain/registry.git" --yes
equal "the other server was shown nothing" "$(grep -c '"Basic\|"Bearer' "$web/other")" 0
equal "and was asked once, in clear" "$(wc -l <"$web/other")" 1
for bad in "https://me:right-password@localhost:$port/basic/registry.git" "https://right-token@localhost:$port/x" "http://me:right-password@localhost/x"; do
	refuses "a secret in ${bad%%:*} URL" 2 "leave that out" client registry add far "$bad" --yes
	silent "which the error does not repeat"
done
equal "and is in no file" "$(grep -rlE 'right-(password|token)' "$tmp/client")" ""
entries <<END
  - {url: 'http://localhost:$plain/', token_file: $tmp/token}
END
refuses "an entry for http" 3 "needs https:// or ssh://" add open
chmod 666 "$etc/credentials.yaml"
refuses "entries that others can write" 3 "chmod go-w" add open
rm -f "$etc/credentials.yaml"

# ---- ssh

can_log_in || { skip "ssh" "the user $(id -un) cannot log in"; exit; }
ssh_port=$(free_port)
mkdir -p "$etc/.ssh" "$tmp/keys"
for key in named "unknown"; do ssh-keygen -q -t ed25519 -N "" -C test -f "$tmp/keys/$key"; done
ssh-keygen -q -t ed25519 -N "a phrase" -C test -f "$tmp/keys/locked"
start_sshd "$ssh_port"
echo "[127.0.0.1]:$ssh_port $(cut -d' ' -f1,2 "$shell/host.pub")" >"$etc/.ssh/known_hosts"
cp "$tmp/keys/named.pub" "$shell/authorized"
ssh_key() { entries <<<"  - {url: 'ssh://127.0.0.1:$ssh_port/', ssh_key: $tmp/keys/$1}"; }
add_ssh() { client registry add far "ssh://$(id -un)@127.0.0.1:$ssh_port$registry" --yes; }
refuses "ssh: no key" 11 "accepts none of your keys" add_ssh
ssh_key locked
refuses "ssh: a key with a passphrase" 3 "'$tmp/keys/locked' has a passphrase" add_ssh
ssh_key unknown
refuses "ssh: a key that the server does not know" 11 "does not accept the credential that the ssh key '$tmp/keys/unknown'" add_ssh
ssh_key named
check "ssh: the key that is named" add_ssh
says "list: ssh key" ssh_key client registry list
