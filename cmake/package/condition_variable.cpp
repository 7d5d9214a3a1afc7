// Linked into the wheel's program and extension, so that they run with an older C++ library than that of the compiler:
// GCC 12 gave this one function, which the standard has since C++11, a version of its own (GLIBCXX_3.4.30), and without
// it that of GCC 11 (RHEL 9) is enough.
#include <condition_variable>
#include <mutex>

#include <pthread.h>

void std::condition_variable::wait(std::unique_lock<std::mutex>& lock) {
  pthread_cond_wait(native_handle(), lock.mutex()->native_handle());
}
