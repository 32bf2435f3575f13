/* configuration.c - see configuration.h. */
#include "hsm/configuration.h"

bool rind_hsm_configuration_is_valid(const struct rind_hsm_id_list *configuration,
                                     const struct rind_hsm_id *own_id)
{
    if (configuration->count < 1 || configuration->count > RIND_CONFIGURATION_LIMIT) {
        return false;
    }
    bool has_own = false;
    for (size_t i = 0; i < configuration->count; i++) {
        const struct rind_hsm_id *id = &configuration->items[i];
        if (i > 0 && rind_hsm_id_compare(&configuration->items[i - 1], id) >= 0) {
            return false;
        }
        has_own = has_own || rind_hsm_id_equal(id, own_id);
    }
    return has_own;
}
