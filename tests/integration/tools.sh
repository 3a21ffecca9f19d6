# SPDX-License-Identifier: Apache-2.0
# procps, util-linux and coreutils that look at the system.
cd /data
exec 2>/dev/null # bash names process ids there
ps -o pid,ppid,comm -p 1 | tr -s ' '
sleep 30 & sleep 0.3; ps -o comm,stat --no-headers -p $! | awk '{ print $1, substr($2, 1, 1) }'; pgrep -c sleep; pkill sleep; wait 2>/dev/null
free | awk 'NR == 2 { print ($2 > 0) }'
uptime >/dev/null; echo "uptime $?"
top -b -n1 | head -1 | grep -c load
mount | grep -c ' / '; findmnt -n -o FSTYPE /tmp; df /tmp | awk 'NR == 2 { print $6 }'
flock lock -c 'echo locked'; flock -n lock -c 'flock -n lock -c true || echo busy'
(flock 9; sleep 0.1; echo first) 9>lock2 & sleep 0.03; (flock 9; echo second) 9>lock2; wait
setsid sh -c 'echo session'; nice -n 5 nice; ionice -c3 true; echo $?
prlimit --nofile --noheadings -o RESOURCE; ipcmk -M 1000 >/dev/null; ipcs -m | grep -c 0x; ipcrm --all
script -qec 'tty | sed s/[0-9]*$/N/; stty size; test -t 0 && echo terminal' /dev/null | tr -d '\r'
timeout -s KILL 0.1 sleep 5; echo "killed $?"; env -i A=1 env; nproc --all >/dev/null; id; who; logname 2>&1 | head -1; hostname
stat -c '%a %F' /tmp /dev/null /proc/1; readlink -f /proc/self/exe; realpath /usr/../etc; mktemp -d /tmp/x.XXXX | wc -c
unshare --help >/dev/null; lscpu >/dev/null; echo $?; dmesg >/dev/null 2>&1; cal 1 2020 2>/dev/null | head -1; getconf PAGESIZE; taskset -c 0 echo pinned; chrt -m | head -1
truncate -s 1G sparse; stat -c '%s %b' sparse; shuf -i 1-5 -n 5 | sort | tr -d '\n'; echo; tac /etc/passwd | tail -1
