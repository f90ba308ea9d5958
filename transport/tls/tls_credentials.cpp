#include "tls/tls_pem.hpp"

#include <weir/engine/errc.hpp>

#include <sys/stat.h>

namespace weir {

/// What one reading of the files gave; never changed.
struct tls_credentials::set {
  tls_texts texts;
  tls_context peer_server, peer_client, server;
  system_time expires;

  static boost::system::result<std::shared_ptr<const set>, tls_error> make(
      tls_texts texts, const tls_files& files, const std::string& name
  ) {
    const auto made = std::make_shared<set>();
    made->texts = std::move(texts);
    made->expires = end_of_certificate(made->texts.cert);
    const auto fill = [&](tls_use use,
                          tls_context& into) -> boost::system::result<void, tls_error> {
      auto context = make_tls_context(use, made->texts, files);
      if (!context) return context.error();
      into = std::move(*context);
      return {};
    };
    if (auto done = fill(tls_use::server, made->server); !done) return done.error();
    const auto now = std::chrono::system_clock::now();
    if (auto fault = fault_of_own(made->texts, files, name, now); !fault.empty()) {
      return tls_error{make_error_code(errc::bad_request), std::move(fault)};
    }
    if (files.ca.empty()) return std::shared_ptr<const set>(made);
    if (auto done = fill(tls_use::peer_server, made->peer_server); !done) return done.error();
    if (auto done = fill(tls_use::peer_client, made->peer_client); !done) return done.error();
    return std::shared_ptr<const set>(made);
  }
};

boost::system::result<std::shared_ptr<tls_credentials>, tls_error> tls_credentials::load(
    tls_files files, std::string name
) {
  const std::shared_ptr<tls_credentials> made(new tls_credentials(std::move(files), std::move(name))
  );
  made->used_stamp_ = made->seen_stamp_ = made->stamp();
  auto texts = read_tls_files(made->files_);
  if (!texts) return texts.error();
  auto first = set::make(std::move(*texts), made->files_, made->name_);
  if (!first) return first.error();
  made->set_ = std::move(*first);
  return made;
}

tls_credentials::reloaded tls_credentials::reload() {
  const auto before = current();
  const auto stamped = stamp();
  const auto refuse = [&](const tls_error& why) -> reloaded {
    const std::lock_guard lock(mutex_);
    used_stamp_ = stamped;  // not tried again before the files change again
    ++counts_.refused;
    return {outcome::refused, why.text};
  };
  auto texts = read_tls_files(files_);
  if (!texts) return refuse(texts.error());
  const bool is_same = texts->same_as(before->texts);
  auto next = is_same ? before : std::shared_ptr<const set>();
  if (!is_same) {
    auto made = set::make(std::move(*texts), files_, name_);
    if (!made) return refuse(made.error());
    next = std::move(*made);
  }
  const std::lock_guard lock(mutex_);
  used_stamp_ = stamped;
  if (is_same) return {};
  set_ = std::move(next);
  ++counts_.replaced;
  return {outcome::replaced, {}};
}

bool tls_credentials::has_settled_change() {
  auto now = stamp();
  const std::lock_guard lock(mutex_);
  const bool is_settled = now == seen_stamp_;
  seen_stamp_ = std::move(now);
  return is_settled && seen_stamp_ != used_stamp_;
}

/// Tells a file from its successor: by inode, size and time of change, links followed.
std::string tls_credentials::stamp() const {
  std::string all;
  for (const auto* path : {&files_.cert, &files_.key, &files_.ca}) {
    struct stat found {};

    if (path->empty() || ::stat(path->c_str(), &found) != 0) {
      all += "-;";
      continue;
    }
    all += std::to_string(found.st_dev) + ',' + std::to_string(found.st_ino) + ',' +
           std::to_string(found.st_size) + ',' + std::to_string(found.st_mode) + ',' +
           std::to_string(found.st_mtim.tv_sec) + '.' + std::to_string(found.st_mtim.tv_nsec) + ';';
  }
  return all;
}

std::shared_ptr<const tls_credentials::set> tls_credentials::current() const {
  const std::lock_guard lock(mutex_);
  return set_;
}

tls_context tls_credentials::peer_server() const {
  return current()->peer_server;
}

tls_context tls_credentials::peer_client() const {
  return current()->peer_client;
}

tls_context tls_credentials::server() const {
  return current()->server;
}

tls_credentials::system_time tls_credentials::expires() const {
  return current()->expires;
}

tls_credentials::counts tls_credentials::counted() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace weir
