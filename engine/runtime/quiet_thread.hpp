#pragma once

#include <pthread.h>
#include <signal.h>
#include <string>
#include <thread>
#include <utility>

namespace weir {

/// A thread with a name (at most 15 bytes are kept) that takes no signals: they go to the program's
/// own threads. Throws std::system_error when the system has no more threads.
template <class Body>
std::thread quiet_thread(std::string name, Body body) {
  sigset_t all, before;
  ::sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS})
    ::sigdelset(&all, fault);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);

  struct restore {
    const sigset_t& mask;

    ~restore() { ::pthread_sigmask(SIG_SETMASK, &mask, nullptr); }
  } on_exit{before};

  return std::thread([name = std::move(name), body = std::move(body)]() mutable {
    ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
    body();
  });
}

}  // namespace weir
