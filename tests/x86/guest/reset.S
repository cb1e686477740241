// Where the processor begins: the last 64 KiB below 4 GiB, in 16-bit mode. Goes to 32-bit mode and to the kernel,
// which the emulator has put at 1 MiB; the bundle is at 16 MiB.
  .code16
rom:
start:
  cli
  movb $2, %al  // address line 20, which PCs mask at first
  outb %al, $0x92
  lgdtl %cs:(gdt_pointer - rom)
  movl %cr0, %eax
  orb $1, %al
  movl %eax, %cr0
  ljmpl $8, $protected

  .code32
protected:
  movw $16, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  // Bochs 2.7 reads a memory image into the blocks that it hands out next, whatever their addresses: the image is whole
  // where they are asked for in its order, before any others. (Its length is the second word of its header, bundle.h.)
  movl $0x1000000, %esi
  movl %esi, %edi
  addl 8(%esi), %edi
1:
  movb (%esi), %al
  addl $0x1000, %esi
  cmpl %edi, %esi
  jb 1b
  movl $0x100000, %eax
  jmp *%eax

  .balign 8
gdt:
  .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff  // nothing; all of memory as code, as data
gdt_pointer:
  .word . - gdt - 1
  .long gdt

  .org 0xfff0
  .code16
  jmp start
  .org 0x10000
