// Preloaded before libfaketime, which moves absolute timerfd times of every clock along with the
// wall clock it fakes: those of CLOCK_BOOTTIME must stay as they are in the kernel.

#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

extern "C" int timerfd_settime(
    int descriptor, int flags, const itimerspec* next, itimerspec* last
) noexcept {
  return static_cast<int>(::syscall(SYS_timerfd_settime, descriptor, flags, next, last));
}
