#include "CDTMTestSupport.h"

#include <stdlib.h>
#include <string.h>

void dtm_test_count(const uint8_t *bytes, size_t length, size_t starts, const uint8_t *needles, const ptrdiff_t *lengths,
                    size_t count, ptrdiff_t *counts) {
    // For each pair of first bytes the first needle that begins with it, and for each needle the next one; by number from 1.
    uint32_t *first = calloc(65536, sizeof *first);
    uint32_t *next = calloc(count + 1, sizeof *next);
    const uint8_t **places = calloc(count + 1, sizeof *places);
    if (first == NULL || next == NULL || places == NULL) abort();
    for (size_t index = 0; index < count; index++) {
        places[index] = needles;
        uint32_t *slot = &first[needles[0] << 8 | needles[1]];
        next[index] = *slot;
        *slot = (uint32_t)index + 1;
        needles += lengths[index];
    }
    for (const uint8_t *place = bytes, *end = bytes + length; place + 1 < end && place < bytes + starts; place++) {
        uint32_t number = first[place[0] << 8 | place[1]];
        for (; number != 0; number = next[number - 1]) {
            size_t size = (size_t)lengths[number - 1];
            if ((size_t)(end - place) >= size && memcmp(place, places[number - 1], size) == 0) counts[number - 1]++;
        }
    }
    free(places);
    free(next);
    free(first);
}
