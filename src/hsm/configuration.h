/* configuration.h - what a group's membership must look like (spec 02 section 9.6). */
#ifndef RIND_HSM_CONFIGURATION_H
#define RIND_HSM_CONFIGURATION_H

#include "base/base.h"
#include "wire/wire.h"

/* True for 1 to 9 ids, strictly ascending (hence unique), `own_id` among them. */
bool rind_hsm_configuration_is_valid(const struct rind_hsm_id_list *configuration,
                                     const struct rind_hsm_id *own_id);

#endif
