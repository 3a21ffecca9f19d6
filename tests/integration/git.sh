# SPDX-License-Identifier: Apache-2.0
# timeout: 180
# git init, commit, clone, gc, fsck.
cd /data
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q -b main repo && cd repo
git config gc.auto 0
for i in $(seq 1 30); do
	mkdir -p d$((i % 5)); seq $i $((i + 200)) >d$((i % 5))/f$i; git add -A; git commit -q -m "commit $i"
done
git log --oneline | tail -3
git rev-parse HEAD
git branch side HEAD~10; git checkout -q side; echo side >side; git add side; git commit -q -m side; git checkout -q main
git merge -q -m merge side && git rev-parse HEAD
git gc -q && git fsck --full --strict; echo "fsck $?"
git count-objects -v | grep -E 'count|in-pack'
cd .. && git clone -q repo copy && git -C copy rev-parse HEAD && diff -r --exclude=.git repo copy && echo same
git -C copy diff HEAD~3 --stat | tail -1
git clone -q --bare --no-local "file:///data/repo" bare.git && git -C bare.git fsck; echo "fsck $?"
cd copy; echo change >>side; git stash -q; git stash pop -q; git status --short; git grep -c 100 | wc -l
git archive HEAD | sha256sum
