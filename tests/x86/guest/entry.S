// From 32-bit mode to the kernel's C++, and from user mode into it and back.
  .set KERNEL, 0xffffffff80000000  // where the first GiB of memory is seen (guest.ld)
  .set KERNEL_CODE, 0x08
  .set KERNEL_DATA, 0x10
  .set USER_DATA, 0x23
  .set USER_CODE, 0x2b
  .set TASK, 0x30

  .section .start, "ax"
  .code32
  .global start32
start32:
  movl $(bss_begin - KERNEL), %edi
  movl $(bss_end - KERNEL), %ecx
  subl %edi, %ecx
  xorl %eax, %eax
  rep stosb
  // The first GiB in pages of 2 MiB, at 0 for the jump and at KERNEL for ever.
  movl $(directory - KERNEL), %edi
  movl $0x83, %eax
1:
  movl %eax, (%edi)
  addl $0x200000, %eax
  addl $8, %edi
  cmpl $(directory - KERNEL + 0x1000), %edi
  jne 1b
  movl $(directory - KERNEL + 3), (pointers - KERNEL)
  movl $(directory - KERNEL + 3), (pointers - KERNEL + 510 * 8)
  movl $(pointers - KERNEL + 3), (page_table - KERNEL)
  movl $(pointers - KERNEL + 3), (page_table - KERNEL + 511 * 8)
  movl $(page_table - KERNEL), %eax
  movl %eax, %cr3
  movl $0x40620, %eax  // PAE, OSFXSR, OSXMMEXCPT, OSXSAVE
  movl %eax, %cr4
  movl $0xc0000080, %ecx  // EFER
  movl $0x101, %eax       // SCE, LME
  xorl %edx, %edx
  wrmsr
  movl $0x80010033, %eax  // PG, WP, NE, ET, MP, PE
  movl %eax, %cr0
  lgdt (gdt_pointer_low - KERNEL)
  ljmp $KERNEL_CODE, $(start64 - KERNEL)

  .code64
start64:
  movabsq $start_high, %rax
  jmp *%rax

  .text
start_high:
  lgdt gdt_pointer(%rip)
  movl $KERNEL_DATA, %eax
  movl %eax, %ss
  movl %eax, %ds
  movl %eax, %es
  leaq kernel_stack_end(%rip), %rsp
  movq $0, page_table(%rip)
  // The task segment's base is scattered over its descriptor.
  leaq task(%rip), %rax
  movq %rsp, 4(%rax)  // the stack that exceptions take
  leaq gdt_task(%rip), %rdx
  movw %ax, 2(%rdx)
  shrq $16, %rax
  movb %al, 4(%rdx)
  movb %ah, 7(%rdx)
  shrq $16, %rax
  movl %eax, 8(%rdx)
  movl $TASK, %eax
  ltr %ax
  call kernel_main

// One way in: the registers in the order of struct Registers (machine.h), enter(), and back with what it left there.
  .global system_call
system_call:
  movq %rsp, user_stack(%rip)
  leaq kernel_stack_end(%rip), %rsp
  pushq $USER_DATA
  pushq user_stack(%rip)
  pushq %r11  // the flags
  pushq $USER_CODE
  pushq %rcx  // where to go back
  pushq $0
  pushq $0x100  // kSystemCall
into_the_kernel:
  pushq %r15
  pushq %r14
  pushq %r13
  pushq %r12
  pushq %r11
  pushq %r10
  pushq %r9
  pushq %r8
  pushq %rbp
  pushq %rdi
  pushq %rsi
  pushq %rdx
  pushq %rcx
  pushq %rbx
  pushq %rax
  cld
  movq %rsp, %rdi
  call enter
  .global to_user
to_user:
  popq %rax
  popq %rbx
  popq %rcx
  popq %rdx
  popq %rsi
  popq %rdi
  popq %rbp
  popq %r8
  popq %r9
  popq %r10
  popq %r11
  popq %r12
  popq %r13
  popq %r14
  popq %r15
  addq $16, %rsp
  iretq

// start_user(registers)
  .global start_user
start_user:
  movq %rdi, %rsp
  jmp to_user

  .macro exception number
  .balign 16
  // These push an error code themselves (Intel SDM vol. 3, table 6-1).
  .if !(\number == 8 || (\number >= 10 && \number <= 14) || \number == 17 || \number == 21)
  pushq $0
  .endif
  pushq $\number
  jmp into_the_kernel
  .endm

// An instruction of the program was executed while the trap flag was set (steps.h): its counter is that of the address
// to go back to, which is the next one's. The first of a section is missed, and the call that ends it is in.
step:
  pushq %rax
  pushq %rcx
  movq 16(%rsp), %rax
  subq step_begin(%rip), %rax
  cmpq step_bytes(%rip), %rax
  jae 1f
  movq step_counters(%rip), %rcx
  incl (%rcx,%rax,4)
1:
  popq %rcx
  popq %rax
  iretq

  .balign 16
  .global exceptions
exceptions:
  .set number, 0
  .rept 32
  .if number == 1
  .balign 16
  jmp step
  .else
  exception number
  .endif
  .set number, number + 1
  .endr

  .data
  .balign 8
gdt:
  .quad 0
  .quad 0x00af9a000000ffff  // KERNEL_CODE
  .quad 0x00cf92000000ffff  // KERNEL_DATA
  .quad 0                   // SYSRET's 32-bit code: none
  .quad 0x00cff2000000ffff  // USER_DATA
  .quad 0x00affa000000ffff  // USER_CODE
gdt_task:
  .quad 0x0000890000000067, 0
gdt_end:
gdt_pointer:
  .word gdt_end - gdt - 1
  .quad gdt
gdt_pointer_low:
  .word gdt_end - gdt - 1
  .long gdt - KERNEL

  .bss
  .balign 4096
  .global page_table
page_table:
  .skip 4096
pointers:
  .skip 4096
directory:
  .skip 4096
kernel_stack:
  .skip 16384
kernel_stack_end:
task:
  .skip 104
user_stack:
  .skip 8
