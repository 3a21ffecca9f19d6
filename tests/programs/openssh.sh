# SPDX-License-Identifier: Apache-2.0
# sshd with its client: commands, a terminal, copies, git, forwarded ports.
set -e
mkdir -p /run/sshd /tmp/s ~/.ssh 2>/dev/null || :
cd /tmp/s
ssh-keygen -q -t ed25519 -N '' -f host_key
ssh-keygen -q -t ed25519 -N '' -f key
cp key.pub authorized_keys
chmod 600 authorized_keys
cat >sshd_config <<'END'
Port 2222
ListenAddress 127.0.0.1
ListenAddress ::1
HostKey /tmp/s/host_key
AuthorizedKeysFile /tmp/s/authorized_keys
StrictModes no
UsePAM no
PidFile /run/sshd.pid
Subsystem sftp /usr/lib/openssh/sftp-server
END
cat >config <<'END'
Host *
Port 2222
User root
IdentityFile /tmp/s/key
StrictHostKeyChecking no
UserKnownHostsFile /tmp/s/known_hosts
LogLevel ERROR
END
/usr/sbin/sshd -f /tmp/s/sshd_config -E /tmp/s/log
s="ssh -F /tmp/s/config"
until nc -z 127.0.0.1 2222; do sleep 0.05; done
$s 127.0.0.1 'echo "from a shell"; echo $SSH_CONNECTION | cut -d" " -f1,3,4; exit 3' || echo "status $?"
$s ::1 'cat | wc -c' < <(head -c 3000000 /dev/zero)
$s -tt 127.0.0.1 'tty | cut -c1-9; stty size; test -t 0 && echo terminal' </dev/null | tr -d '\r'
$s 127.0.0.1 'kill -9 $$' || echo "status $?"
seq 100000 >numbers
scp -q -F config numbers 127.0.0.1:/tmp/s/copy
cmp numbers copy && echo copied
printf 'get /tmp/s/numbers got\nls /tmp/s/got\n' | sftp -q -b - -F config 127.0.0.1 | tail -1
echo "== git"
git init -q --bare /tmp/s/r.git
git init -q work
cd work
git config user.email a@b
git config user.name n
for i in 1 2 3; do seq $i 1000 >file; git add file; GIT_COMMITTER_DATE="2026-01-0$i 00:00:00 +0000" git commit -q --date "2026-01-0$i 00:00:00 +0000" -m $i; done
export GIT_SSH_COMMAND="$s"
git push -q ssh://127.0.0.1/tmp/s/r.git HEAD:refs/heads/main
git clone -q -b main ssh://127.0.0.1/tmp/s/r.git ../cloned
git -C ../cloned log --format=%H%s
cd ..
echo "== forwarding"
(cd /tmp/s && exec python3 -m http.server -b 127.0.0.1 8001) >/dev/null 2>&1 &
http=$!
until nc -z 127.0.0.1 8001; do sleep 0.05; done
$s -f -N -M -S /tmp/s/master -L 8002:127.0.0.1:8001 127.0.0.1
curl -s http://127.0.0.1:8002/numbers | cmp - numbers && echo forwarded
for i in 1 2 3 4 5 6; do $s -S /tmp/s/master 127.0.0.1 "echo shared $i"; done
$s -S /tmp/s/master -O exit 127.0.0.1 2>&1
kill $http
wait $http 2>/dev/null || :
$s -o PubkeyAuthentication=no 127.0.0.1 true 2>&1 | sed 's/.*: //'
kill "$(cat /run/sshd.pid)"
until ! nc -z 127.0.0.1 2222; do sleep 0.05; done
echo down
