#include "token/crypto_error.h"

#include <openssl/err.h>

bool crypto_ran_out_of_memory(void)
{
    bool ran_out = false;
    unsigned long error;

    while ((error = ERR_get_error()) != 0) {
        ran_out = ran_out || ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
    }
    return ran_out;
}
