/*
 * fuzz_wire_diag.c - any bytes printed in diagnostic notation.
 *
 * Target: rind_diag_print. Bounded output, no crash, and never more input than there is.
 */
#include <stdlib.h>

#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[65536];
    struct rind_buffer out;
    rind_buffer_init(&out, text, sizeof(text));
    size_t used = rind_diag_print(&out, rind_slice_make(data, size));
    if (used > size || out.length > sizeof(text)) {
        abort();
    }
    return 0;
}
