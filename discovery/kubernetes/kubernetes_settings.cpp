#include "kubernetes/kubernetes_settings.hpp"

#include <weir/engine/errc.hpp>
#include <weir/transport/http_target.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

namespace weir {
namespace {

constexpr std::size_t max_token = 16'384;

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument("kubernetes: " + what);
}

bool is_label(std::string_view text) {
  const auto is_allowed = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' &&
         std::all_of(text.begin(), text.end(), is_allowed);
}

void trim_end(std::string& text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.pop_back();
  }
}

class open_file {
 public:
  explicit open_file(const std::string& path)
      : file_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {}

  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;

  ~open_file() {
    if (file_ >= 0) ::close(file_);
  }

  int get() const noexcept { return file_; }

 private:
  int file_;
};

error_code last_error() {
  return {errno, boost::system::system_category()};
}

}  // namespace

kubernetes_options completed(kubernetes_options options, const char* (*variable)(const char*)) {
  if (!is_label(options.service)) refuse("service must be the name of a service in the cluster");
  if (!options.token.empty() && !options.token_file.empty()) {
    refuse("token and token_file are both given; keep one of them");
  }
  for (const auto each :
       {options.relist, options.watch, options.silence, options.backoff, options.request_timeout}) {
    if (each <= milliseconds(0)) refuse("times must be longer than 0");
  }
  if (options.port == 0 && options.port_name.empty()) {
    refuse("port_name is empty; name the peer port of the service, or give port");
  }
  if (options.api.empty()) {
    const char* host = variable("KUBERNETES_SERVICE_HOST");
    const char* port = variable("KUBERNETES_SERVICE_PORT");
    if (host == nullptr || port == nullptr) {
      refuse(
          "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, so this is no pod; "
          "set api, token and ca"
      );
    }
    const std::string name = host;
    const bool is_v6 = name.find(':') != std::string::npos;
    options.api = "https://" + (is_v6 ? '[' + name + ']' : name) + ':' + port;
    if (options.token.empty() && options.token_file.empty()) {
      options.token_file = options.account + "/token";
    }
    if (options.ca_file.empty()) options.ca_file = options.account + "/ca.crt";
  }
  const bool has_token = !options.token.empty() || !options.token_file.empty();
  if (!parse_kubernetes_api(options.api).is_secure && has_token) {
    refuse("the token would go over plain text; write https:// in api, or give no token");
  }
  if (options.service_namespace.empty()) {
    auto found = read_small_file(options.account + "/namespace", 256);
    options.service_namespace = found ? std::move(*found) : "default";
    trim_end(options.service_namespace);
  }
  if (!is_label(options.service_namespace)) refuse("namespace must be a name of the cluster");
  return options;
}

kubernetes_api parse_kubernetes_api(const std::string& text) {
  constexpr std::string_view secure = "https://";
  constexpr std::string_view plain = "http://";
  kubernetes_api out;
  std::string_view rest = text;
  if (rest.starts_with(secure)) {
    rest.remove_prefix(secure.size());
  } else if (rest.starts_with(plain)) {
    rest.remove_prefix(plain.size());
    out.is_secure = false;
  } else {
    refuse("api must begin with https:// or http://");
  }
  const auto slash = std::min(rest.find('/'), rest.size());
  std::string server(rest.substr(0, slash));
  out.base = rest.substr(slash);
  while (out.base.ends_with('/')) out.base.pop_back();
  const bool is_safe = std::all_of(out.base.begin(), out.base.end(), [](unsigned char c) {
    return c > 0x20 && c < 0x7f && c != '?' && c != '#';
  });
  const auto behind = server.rfind(']') == std::string::npos ? 0 : server.rfind(']');
  if (server.find(':', behind) == std::string::npos) {
    server += out.is_secure ? ":443" : ":80";
  }
  const auto where = parse_host_port(server);
  if (!is_safe || !where || where->host.empty() || where->port == 0 ||
      where->host.find('@') != std::string::npos) {
    refuse("api must be https://host[:port]");
  }
  out.server = *where;
  return out;
}

std::string kubernetes_target(
    const kubernetes_options& options,
    const kubernetes_api& api,
    const std::string& version,
    std::chrono::seconds timeout
) {
  std::string out = api.base + "/apis/discovery.k8s.io/v1/namespaces/" + options.service_namespace +
                    "/endpointslices?labelSelector=" +
                    encode_path_segment("kubernetes.io/service-name=" + options.service);
  if (version.empty()) return out;
  return out +
         "&watch=true&allowWatchBookmarks=true&resourceVersion=" + encode_path_segment(version) +
         "&timeoutSeconds=" + std::to_string(timeout.count());
}

result<std::string> read_small_file(const std::string& path, std::size_t most) {
  const open_file file(path);

  struct stat status {};

  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return last_error();
  if (!S_ISREG(status.st_mode)) return make_error_code(errc::bad_request);
  std::string out;
  std::array<char, 4'096> part{};
  for (;;) {
    const auto got = ::read(file.get(), part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return last_error();
    if (got == 0) return out;
    out.append(part.data(), static_cast<std::size_t>(got));
    if (out.size() > most) return make_error_code(errc::too_large);
  }
}

result<std::string> kubernetes_token(const kubernetes_options& options) {
  std::string token = options.token;
  if (!options.token_file.empty()) {
    auto read = read_small_file(options.token_file, max_token);
    if (!read) return read.error();
    token = std::move(*read);
    trim_end(token);
    if (token.empty()) return make_error_code(errc::bad_request);
  }
  const bool is_plain =
      std::all_of(token.begin(), token.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  if (!is_plain) return make_error_code(errc::bad_request);
  return token;
}

}  // namespace weir
