#ifndef CDTM_TEST_SUPPORT_H
#define CDTM_TEST_SUPPORT_H

#include <stddef.h>
#include <stdint.h>

/// Counts how often each of `count` needles begins in the first `starts` of `length` bytes, in one pass: a build for debugging
/// would take minutes for it in Swift. Needles have at least two bytes, and lie one after another in `needles`, `lengths[i]` bytes each.
void dtm_test_count(const uint8_t *bytes, size_t length, size_t starts, const uint8_t *needles, const ptrdiff_t *lengths,
                    size_t count, ptrdiff_t *counts);

#endif
