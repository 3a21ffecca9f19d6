/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that only children make are patched in the text of their parent after a while: the parent, which is about to return from such
 * a site, goes on, and children no longer trap.
 */
#include "../conformance/test.h"

#define CHILDREN 40
#define STRING(x) #x
#define VALUE(x) STRING(x)

/* name(number, a): a call whose number the site does not know, with instructions that have to move; name_at is its syscall. */
#define SITE(name)                                                                                                         \
	__asm__(".text\n" #name ":\nmov %edi, %eax\nmov %rsi, %rdi\nxor %esi, %esi\nxor %edx, %edx\nxor %r10d, %r10d\n"             \
		"xor %r8d, %r8d\n" #name "_at:\nsyscall\nmov %rax, %rcx\nadd $1, %rcx\nlea 1(%rcx), %rcx\nsub $2, %rcx\n"          \
		"cmp %rax, %rcx\njne 1f\nret\n1: mov $-1, %rax\nret\n");                                                        \
	long name(long number, long a);                                                                                    \
	extern unsigned char name##_at[]
SITE(fork_here);
SITE(only_in_children);

/* The same with the number in front. */
__asm__(".text\nend_of_child: mov $" VALUE(__NR_exit_group) ", %eax\nsyscall\nhlt\n");
void end_of_child(int status);
extern unsigned char end_of_child_at[] __asm__("end_of_child");

static int patched(const unsigned char *at) { return memcmp(at, "\xff\x24\x25", 3) == 0; }

int main(void)
{
	int status, masks = 0;

	for (int i = 0; i < CHILDREN; i++) {
		long pid = fork_here(SYS_fork, 0);

		if (pid == 0) {
			long before = only_in_children(SYS_umask, i & 0777);

			end_of_child(only_in_children(SYS_umask, before) == (i & 0777) && only_in_children(SYS_getppid, 0) != getpid() ? 7 : 1);
		}
		if (pid < 0 || waitpid((pid_t)pid, &status, 0) != pid || WEXITSTATUS(status) != 7) {
			printf("child %d: pid %ld, status %x\n", i, pid, status);
			return 1;
		}
		masks++;
	}
	if (!patched(only_in_children_at) || !patched(end_of_child_at) || !patched(fork_here_at)) {
		printf("not patched: %d %d %d\n", patched(only_in_children_at), patched(end_of_child_at), patched(fork_here_at));
		return 1;
	}
	/* And the parent uses them as well. */
	if (only_in_children(SYS_getppid, 0) != getppid() || masks != CHILDREN)
		return 1;
	return 0;
}
