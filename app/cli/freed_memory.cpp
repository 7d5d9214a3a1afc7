#include "app/cli/freed_memory.h"

#include <cstdlib>

#ifdef __GLIBC__  // defined by any header of the C library
#include <malloc.h>
#endif

namespace endorm {

void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);         // no block of its own mapping, which a free would unmap
  mallopt(M_TRIM_THRESHOLD, -1);  // nothing at the end of the heap goes back
#endif
}

}  // namespace endorm
