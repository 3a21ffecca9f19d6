# SPDX-License-Identifier: Apache-2.0
# perl: fork and pipes.
cd /data
perl -e '
use strict; use warnings; use POSIX ":sys_wait_h"; use IO::Select;
$| = 1;
my %sum;
for my $n (1 .. 10) {
	pipe(my $r, my $w) or die;
	my $pid = fork();
	if ($pid == 0) { close $r; print $w join(",", map { $_ * $n } 1 .. 100), "\n"; exit $n; }
	close $w; my $line = <$r>; my @v = split /,/, $line; my $t = 0; $t += $_ for @v;
	waitpid($pid, 0); print "$n: $t status ", $? >> 8, "\n";
}
open(my $sort, "|-", "sort -n | head -3") or die; print $sort "$_\n" for reverse 1 .. 500; close $sort;
open(my $ls, "-|", "ls /etc | head -2") or die; print while <$ls>; close $ls;
local $SIG{CHLD} = sub { 1 while waitpid(-1, WNOHANG) > 0 };
local $SIG{ALRM} = sub { print "alarm\n" }; alarm 1; select undef, undef, undef, 3;
my $out = `echo backticks; exit 3`; print $out;
print "kill ", kill(0, $$), "\n";
my @stat = stat("/etc/passwd"); print scalar(@stat), " ", $stat[7] > 0 ? "sized" : "empty", "\n";
open(my $f, "+>", "perl.txt") or die; print $f "line $_\n" for 1 .. 1000; seek $f, 0, 0; my $c = () = <$f>; print "$c lines\n";
flock($f, 2) or die; print "locked\n"; printf "%s\n", join ",", sort map { s/.*\///r } glob("/usr/bin/per*");
'
echo "status $?"
