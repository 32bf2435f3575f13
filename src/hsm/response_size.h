/* response_size.h - bounds of what one request can make us build and send. */
#ifndef RIND_HSM_RESPONSE_SIZE_H
#define RIND_HSM_RESPONSE_SIZE_H

#include "hsm/hsm.h"

/* Bytes of the work arena: the largest answer as structs, and encoded. */
size_t rind_hsm_work_size_bytes(const struct rind_hsm_config *config);

#endif
