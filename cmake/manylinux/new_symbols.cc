// What compiling against glibc 2.36 and libstdc++ 12 asks for and manylinux_2_28 does not have, each written with what
// it does have. Linked into a library, these definitions take the place of the system's newer symbols, as
// libstdc++_nonshared.a does in the toolchains of the manylinux images. hidden.map keeps them out of other libraries.
#include <pthread.h>

#include <cstring>
#include <exception>
#include <new>
#include <sstream>

extern "C" {
// GLIBC_2.32. libstdc++ counts references without atomics where this is true; false is always right.
char __libc_single_threaded = 0;

// GLIBC_2.34, where libpthread became part of libc: the same function as ever.
int old_pthread_once(pthread_once_t*, void (*)());
__asm__(".symver old_pthread_once, pthread_once@GLIBC_2.17");
int pthread_once(pthread_once_t* once, void (*function)()) { return old_pthread_once(once, function); }

// exception_ptr(void*) and ~exception_ptr(), as every libstdc++ since 4.4 and 7 exports them.
void construct_exception_ptr(void* pointer, void* exception);
__asm__(".symver construct_exception_ptr, _ZNSt15__exception_ptr13exception_ptrC1EPv@CXXABI_1.3.11");
void destroy_exception_ptr(void* pointer);
__asm__(".symver destroy_exception_ptr, _ZNSt15__exception_ptr13exception_ptrD1Ev@CXXABI_1.3.3");
}

namespace std {
// GLIBCXX_3.4.29.
void __throw_bad_array_new_length() { throw bad_array_new_length(); }

namespace __exception_ptr {
// CXXABI_1.3.13: the reference count alone. A second pointer that is never destroyed holds one reference more.
void exception_ptr::_M_addref() noexcept {
  void* second = nullptr;
  construct_exception_ptr(&second, _M_exception_object);
}

void exception_ptr::_M_release() noexcept {
  void* last = _M_exception_object;
  destroy_exception_ptr(&last);
}
}  // namespace __exception_ptr

// GLIBCXX_3.4.26.
template basic_ostringstream<char>::basic_ostringstream();
template basic_stringstream<char>::basic_stringstream();
}  // namespace std
