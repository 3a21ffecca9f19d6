# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# make -j2 with a jobserver, gcc with every stage, and the program that comes out.
mkdir -p /data/p && cd /data/p
for i in $(seq 1 12); do echo "int f$i(int x) { int s = 0; for (int i = 0; i < x; i++) s += i * $i; return s; }" >f$i.c; done
{ echo '#include <stdio.h>'; for i in $(seq 1 12); do echo "int f$i(int);"; done; echo 'int main(void) { int s = 0;'
for i in $(seq 1 12); do echo "s += f$i($i);"; done; echo 'printf("%d\n", s); return s & 0x3f; }'; } >main.c
printf 'OBJ = $(patsubst %%.c,%%.o,$(wildcard *.c))\nprog: $(OBJ)\n\tgcc -o $@ $^\n%%.o: %%.c\n\tgcc -O2 -g -c -o $@ $<\nclean:\n\trm -f *.o prog\n' >Makefile
make -j2 2>&1 | sort
./prog; echo "status $?"
make -j2
touch f3.c; make -j2 2>&1 | sort
sha256sum f*.o main.o
gcc -O2 -flto -static -pipe -o static *.c && ./static
gcc -S -O1 -o - f1.c | sha256sum
echo 'int main(void) { return x; }' | gcc -x c - ; echo "error status $?"
