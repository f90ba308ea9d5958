#include "common/door_process.hpp"

#include <dirent.h>
#include <fstream>
#include <sys/resource.h>
#include <unistd.h>

namespace weir {
namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

void append_memory(metrics_text& out) {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t virtual_pages = 0;
  std::uint64_t resident_pages = 0;
  if (!(statm >> virtual_pages >> resident_pages)) return;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  out.family("process_resident_memory_bytes", metric_type::gauge, "Resident memory in bytes.")
      .sample({}, resident_pages * page);
  out.family("process_virtual_memory_bytes", metric_type::gauge, "Virtual memory in bytes.")
      .sample({}, virtual_pages * page);
}

void append_descriptors(metrics_text& out) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    out.family("process_max_fds", metric_type::gauge, "Most file descriptors that may be open.")
        .sample({}, std::uint64_t{limit.rlim_cur});
  }
  DIR* const folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return;
  std::uint64_t entries = 0;
  while (::readdir(folder) != nullptr) ++entries;
  ::closedir(folder);
  // Without ".", ".." and the descriptor of the folder itself.
  out.family("process_open_fds", metric_type::gauge, "Open file descriptors.")
      .sample({}, entries < 3 ? 0 : entries - 3);
}

}  // namespace

void append_process_metrics(metrics_text& out, std::chrono::system_clock::time_point started) {
  rusage used{};
  if (::getrusage(RUSAGE_SELF, &used) == 0) {
    out.family("process_cpu_seconds_total", metric_type::counter, "CPU time, user and system.")
        .sample({}, seconds_of(used.ru_utime) + seconds_of(used.ru_stime));
  }
  append_memory(out);
  append_descriptors(out);
  const std::chrono::duration<double> since_epoch = started.time_since_epoch();
  out.family("process_start_time_seconds", metric_type::gauge, "Start of the process, Unix time.")
      .sample({}, since_epoch.count());
}

}  // namespace weir
