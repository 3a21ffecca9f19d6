/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of a signal handler, and the way back. As on Linux x86-64, from high to low addresses:
 *
 *   interrupted stack, less its 128-byte red zone; or the top of the alternate stack
 *   vector state: XSAVE image, 64-aligned, FP_XSTATE_MAGIC2 after it; its software bytes say how large it is
 *   struct signal_frame: return address (the restorer), ucontext, siginfo      <- rsp, as after a call
 *
 * The handler starts with rdi = signal, rsi = siginfo, rdx = ucontext and vector state in its initial form.
 * rt_sigreturn takes nothing on trust: an image that the processor would refuse is SIGSEGV.
 */
#include <asm/signal.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>
#include <linux/signal.h>

#include "kernel/arch/x86_64/fpu.h"
#include "include/abi/layout.h"
#include "kernel/arch/x86_64/patch.h"
#include "kernel/mm/alloc.h"
#include "kernel/mm/mm.h"
#include "kernel/task/signal.h"

struct signal_frame {
	u64 return_address;
	struct ucontext uc;
	siginfo_t info;
};

#define RED_ZONE 128
#define USER_CS 0x33
#define USER_SS 0x2b

#define TRAP_GENERAL_PROTECTION 13
#define TRAP_PAGE_FAULT 14

#define FLAG_TF 0x100UL
#define FLAG_DF 0x400UL
#define FLAG_RF 0x10000UL
/* CF PF AF ZF SF TF DF OF RF: what a program may set. Not AC: the kernel, entered by a jump, would fault on unaligned data. */
#define FLAGS_OF_USER 0x10dd5UL
#define FLAGS_FIXED 0x202UL

/* Offsets in an XSAVE image. */
#define FX_TAGS 4
#define FX_MXCSR 24
#define FX_MXCSR_MASK 28
#define FX_REGISTERS 32
#define FX_XMM 160
#define FX_SOFTWARE 464
#define FX_SIZE 512
#define XSAVE_HEADER_SIZE 64
#define XFEATURES_LEGACY 3UL
#define MXCSR_MASK_DEFAULT 0xffbfU
#define FCW_INITIAL 0x37f

struct xsave_header {
	u64 in_use;
	u64 compacted;
	u64 reserved[6];
};

/* The way back to user mode is a jump: one to an address that cannot be would fault in the kernel, one into it would run it. */
void check_resume_address(const struct pt_regs *regs)
{
	if (regs->rip >> 47)
		force_signal_fault(SIGSEGV, SI_KERNEL, 0, TRAP_GENERAL_PROTECTION);
	else if (regs->rip >= KERNEL_RANGE_START && regs->rip < KERNEL_RANGE_END && !patch_is_trampoline(regs->rip) &&
		 !(regs->rip >= LAYOUT_HOST_VDSO && regs->rip < LAYOUT_HOST_VDSO_END)) /* a program reads a clock there */
		force_signal_fault(SIGSEGV, SEGV_MAPERR, regs->rip, TRAP_PAGE_FAULT);
}

static bool on_altstack_address(u64 sp)
{
	return sp > current->sas_sp && sp - current->sas_sp <= current->sas_size;
}

/* An SS_AUTODISARM stack counts as unused: it is disarmed while the handler runs on it. */
static bool on_altstack(u64 sp)
{
	return !(current->sas_flags & SS_AUTODISARM) && on_altstack_address(sp);
}

/* Parts in their initial state may be left unwritten by the processor; the legacy parts are always shown. */
static void complete_legacy_image(u8 *image)
{
	struct xsave_header *header = (struct xsave_header *)(image + FX_SIZE);

	if (!(header->in_use & 1)) {
		memset(image, 0, FX_MXCSR);
		*(u16 *)image = FCW_INITIAL;
		memset(image + FX_REGISTERS, 0, FX_XMM - FX_REGISTERS);
	}
	if (!(header->in_use & 2))
		memset(image + FX_XMM, 0, FX_SOFTWARE - FX_XMM - 48);
	header->in_use |= XFEATURES_LEGACY;
}

static int write_vector_state(u64 at)
{
	struct _fpx_sw_bytes software;
	u64 size = fpu_size();
	u8 *image;

	fpu_save_current();
	image = fpu_buffer(current);
	complete_legacy_image(image);
	fpu_mark_loaded_from_buffer();
	memset(&software, 0, sizeof(software));
	software.magic1 = FP_XSTATE_MAGIC1;
	software.extended_size = size + FP_XSTATE_MAGIC2_SIZE;
	software.xfeatures = fpu_mask();
	software.xstate_size = size;
	if (copy_to_user(user_ptr_at(at), image, FX_SOFTWARE) ||
	    copy_to_user(user_ptr_at(at + FX_SOFTWARE), &software, sizeof(software)) ||
	    copy_to_user(user_ptr_at(at + FX_SIZE), image + FX_SIZE, size - FX_SIZE) ||
	    put_user_u32(user_ptr_at(at + size), FP_XSTATE_MAGIC2))
		return -EFAULT;
	return 0;
}

static void fill_context(struct sigcontext *sc, const struct pt_regs *regs, sigmask_t old_mask)
{
	sc->r8 = regs->r8;
	sc->r9 = regs->r9;
	sc->r10 = regs->r10;
	sc->r11 = regs->r11;
	sc->r12 = regs->r12;
	sc->r13 = regs->r13;
	sc->r14 = regs->r14;
	sc->r15 = regs->r15;
	sc->rdi = regs->rdi;
	sc->rsi = regs->rsi;
	sc->rbp = regs->rbp;
	sc->rbx = regs->rbx;
	sc->rdx = regs->rdx;
	sc->rax = regs->rax;
	sc->rcx = regs->rcx;
	sc->rsp = regs->rsp;
	sc->rip = patch_present_address(regs->rip);
	sc->eflags = regs->rflags;
	sc->cs = USER_CS;
	sc->ss = USER_SS;
	sc->err = current->fault_error;
	sc->trapno = current->fault_trap;
	sc->cr2 = current->fault_address;
	sc->oldmask = old_mask;
}

/* Where the frame goes: *ret_vector is the place of the XSAVE image above it. -EFAULT: it does not fit the alternate stack. */
static int place_frame(const struct pt_regs *regs, u64 action_flags, u64 *ret_frame, u64 *ret_vector)
{
	u64 sp = regs->rsp - RED_ZONE;
	bool on_alternate = on_altstack(sp), entering = false;

	if ((action_flags & SA_ONSTACK) && current->sas_size && !on_alternate) {
		sp = current->sas_sp + current->sas_size;
		entering = true;
	}
	sp = ALIGN_DOWN(sp - (fpu_size() + FP_XSTATE_MAGIC2_SIZE), 64);
	*ret_vector = sp;
	sp -= sizeof(struct signal_frame);
	sp = ALIGN_DOWN(sp, 16) - 8;
	if ((on_alternate || entering) && !on_altstack_address(sp))
		return -EFAULT;
	*ret_frame = sp;
	return 0;
}

int setup_signal_frame(struct pt_regs *regs, int sig, const struct k_sigaction *action, const siginfo_t *info, sigmask_t old_mask)
{
	struct signal_frame frame;
	u64 at, vector;

	if (!(action->flags & SA_RESTORER))
		return -EFAULT;
	if (place_frame(regs, action->flags, &at, &vector))
		return -EFAULT;
	memset(&frame, 0, sizeof(frame));
	frame.return_address = action->restorer;
	frame.uc.uc_flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	frame.uc.uc_stack.ss_sp = (void *)current->sas_sp;
	frame.uc.uc_stack.ss_size = current->sas_size;
	frame.uc.uc_stack.ss_flags = current->sas_flags;
	fill_context(&frame.uc.uc_mcontext, regs, old_mask);
	frame.uc.uc_mcontext.fpstate = (void *)vector;
	frame.uc.uc_sigmask = old_mask;
	memcpy(&frame.info, info, sizeof(frame.info));
	if (write_vector_state(vector) || put_user_object(user_ptr_at(at), &frame))
		return -EFAULT;

	regs->rdi = sig;
	regs->rsi = at + offsetof(struct signal_frame, info);
	regs->rdx = at + offsetof(struct signal_frame, uc);
	regs->rax = 0;
	regs->rsp = at;
	regs->rip = action->handler;
	regs->rflags = (regs->rflags & ~(FLAG_DF | FLAG_RF | FLAG_TF)) | FLAGS_FIXED;
	regs->orig_rax = -1;
	regs->entry = ENTRY_INTERRUPT;
	fpu_reset_current();
	return 0;
}

/* How much of the image at `at` is there, and of which parts; only the legacy part if the software bytes do not add up. */
static int read_image_extent(u64 at, u64 *ret_size, u64 *ret_features)
{
	struct _fpx_sw_bytes software;
	u32 magic;

	*ret_size = FX_SIZE;
	*ret_features = XFEATURES_LEGACY;
	if (get_user_object(&software, user_ptr_at(at + FX_SOFTWARE)))
		return -EFAULT;
	if (software.magic1 != FP_XSTATE_MAGIC1 || software.xstate_size < FX_SIZE + XSAVE_HEADER_SIZE ||
	    software.xstate_size > fpu_size() || software.xstate_size > software.extended_size)
		return 0;
	if (get_user_u32(&magic, user_ptr_at(at + software.xstate_size)))
		return -EFAULT;
	if (magic != FP_XSTATE_MAGIC2)
		return 0;
	*ret_size = software.xstate_size;
	*ret_features = software.xfeatures & fpu_mask();
	return 0;
}

/* What would make the processor refuse to load it. */
static bool image_is_valid(const u8 *image)
{
	const struct xsave_header *header = (const struct xsave_header *)(image + FX_SIZE);
	u32 mxcsr_mask = *(const u32 *)((const u8 *)fpu_buffer(current) + FX_MXCSR_MASK);

	if (*(const u32 *)(image + FX_MXCSR) & ~(mxcsr_mask ? mxcsr_mask : MXCSR_MASK_DEFAULT))
		return false;
	if (header->in_use & ~fpu_mask())
		return false;
	if (header->compacted)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(header->reserved); i++) {
		if (header->reserved[i])
			return false;
	}
	return true;
}

static int restore_vector_state(u64 at)
{
	u64 size, features;
	u8 *image;
	int error;

	if (!at) {
		fpu_reset_current();
		return 0;
	}
	error = read_image_extent(at, &size, &features);
	if (error)
		return error;
	image = kzalloc(fpu_size());
	if (!image)
		return -ENOMEM;
	fpu_save_current();
	error = copy_from_user(image, user_ptr_at(at), size);
	if (!error) {
		struct xsave_header *header = (struct xsave_header *)(image + FX_SIZE);

		if (size == FX_SIZE)
			header->in_use = XFEATURES_LEGACY;
		error = image_is_valid(image) ? 0 : -EINVAL;
		header->in_use &= features;
	}
	if (!error) {
		memcpy(fpu_buffer(current), image, fpu_size());
		fpu_mark_loaded_from_buffer();
	}
	kfree(image);
	return error;
}

static void restore_context(struct pt_regs *regs, const struct sigcontext *sc)
{
	regs->r8 = sc->r8;
	regs->r9 = sc->r9;
	regs->r10 = sc->r10;
	regs->r11 = sc->r11;
	regs->r12 = sc->r12;
	regs->r13 = sc->r13;
	regs->r14 = sc->r14;
	regs->r15 = sc->r15;
	regs->rdi = sc->rdi;
	regs->rsi = sc->rsi;
	regs->rbp = sc->rbp;
	regs->rbx = sc->rbx;
	regs->rdx = sc->rdx;
	regs->rax = sc->rax;
	regs->rcx = sc->rcx;
	regs->rsp = sc->rsp;
	regs->rip = patch_fix_resume_address(sc->rip);
	regs->rflags = (sc->eflags & FLAGS_OF_USER) | FLAGS_FIXED;
}

static void restore_altstack(const stack_t *stack, u64 sp)
{
	unsigned mode = stack->ss_flags & ~SS_AUTODISARM;

	if (on_altstack(sp) || (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0))
		return;
	if (mode == SS_DISABLE) {
		sigaltstack_reset(current);
	} else if (stack->ss_size >= MINSIGSTKSZ) {
		current->sas_sp = (u64)stack->ss_sp;
		current->sas_size = stack->ss_size;
		current->sas_flags = stack->ss_flags;
	}
}

long restore_signal_frame(struct pt_regs *regs)
{
	struct signal_frame frame;

	/* The restorer popped the return address. */
	if (get_user_object(&frame.uc, user_ptr_at(regs->rsp - 8 + offsetof(struct signal_frame, uc))))
		goto bad_frame;
	set_current_blocked(frame.uc.uc_sigmask);
	if (restore_vector_state((u64)frame.uc.uc_mcontext.fpstate))
		goto bad_frame;
	restore_context(regs, &frame.uc.uc_mcontext);
	restore_altstack(&frame.uc.uc_stack, regs->rsp);
	current->restart_block.restart = NULL;
	regs->orig_rax = -1;
	regs->entry = ENTRY_INTERRUPT;
	check_resume_address(regs);
	return regs->rax;

bad_frame:
	force_signal(SIGSEGV);
	regs->orig_rax = -1;
	return 0;
}
