#define _GNU_SOURCE
#include "CDTMLinux.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The flag is one load from the thread's own block: no call, no allocation, which `free` could not have.
static __thread int wipes __attribute__((tls_model("initial-exec")));
static __thread int silent __attribute__((tls_model("initial-exec")));

void dtm_wipe_what_this_thread_frees(int wanted) { wipes = wanted; }

void dtm_silence_diagnostics_of_this_thread(int wanted) { silent = wanted; }

// What fprintf becomes in libraries that are built as Debian builds them, with _FORTIFY_SOURCE.
extern int __vfprintf_chk(FILE *stream, int flag, const char *format, va_list arguments);

__attribute__((visibility("default"))) int __fprintf_chk(FILE *stream, int flag, const char *format, ...) {
    if (silent && stream == stderr) return 0;
    va_list arguments;
    va_start(arguments, format);
    int written = __vfprintf_chk(stream, flag, format, arguments);
    va_end(arguments);
    return written;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define DTM_FOREIGN_ALLOCATOR 1
#endif
#endif

#ifdef DTM_FOREIGN_ALLOCATOR

// A sanitizer has an allocator of its own, and what it frees goes through that.
int dtm_wipes_freed_memory(void) { return 0; }

#else

int dtm_wipes_freed_memory(void) { return 1; }

// glibc exports its own under these names, for exactly this.
extern void __libc_free(void *memory);
extern void *__libc_realloc(void *memory, size_t size);

// An executable's definition comes first for every library that it loads, librnp, Botan and operator delete among them: see
// "Replacing malloc" in glibc's manual.
__attribute__((visibility("default"))) void free(void *memory) {
    if (__builtin_expect(wipes, 0) && memory != NULL) explicit_bzero(memory, malloc_usable_size(memory));
    __libc_free(memory);
}

__attribute__((visibility("default"))) void *realloc(void *memory, size_t size) {
    if (__builtin_expect(!wipes, 1) || memory == NULL) return __libc_realloc(memory, size);
    if (size == 0) {
        free(memory);
        return NULL;
    }
    // glibc's would leave the old place, or the tail that it cuts off, as they are.
    size_t held = malloc_usable_size(memory);
    if (size <= held) return memory;
    void *larger = malloc(size);
    if (larger == NULL) return NULL;
    memcpy(larger, memory, held);
    free(memory);
    return larger;
}

#endif
