#include "app/server/spare_memory.h"

#include <cstdlib>

#ifdef __GLIBC__  // defined by any header of the C library
#include <malloc.h>
#endif

namespace endorm {

void give_back_freed_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace endorm
