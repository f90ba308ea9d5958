#include "tests/support/cluster/process_cluster.hpp"

#include "tests/support/cluster/http_exchange.hpp"
#include "tests/support/text.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <signal.h>
#include <thread>

namespace weir::test {
namespace {

using namespace std::chrono_literals;

const std::string own_address = "10.99.0.254";

std::string address_of(int node) {
  return "10.99.0." + std::to_string(node);
}

// The address that stands for a node on proxied links: others dial it there, and what it dials
// comes from there, so that rules about it hold for its links as for itself.
std::string stand_in(int node) {
  return "10.99.1." + std::to_string(node);
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

}  // namespace

struct process_cluster::proxy_loop {
  asio::io_context io;
  asio::executor_work_guard<asio::io_context::executor_type> guard{io.get_executor()};
  std::thread thread{[this] { io.run(); }};

  ~proxy_loop() {
    guard.reset();
    io.stop();
    thread.join();
  }
};

process_cluster::process_cluster(cluster_options options)
    : options_(std::move(options)), parts_(static_cast<std::size_t>(options_.nodes)) {
  build_network();
  origin_ = std::make_unique<versioned_origin>(own_address + ":0", options_.value_size);
  if (options_.via == links::proxied) build_links();
  for (int i = 1; i <= size(); ++i) {
    const auto id = "n" + std::to_string(i);
    auto& made = parts_[index(i)];
    node_launch launch{
        .id = id,
        .arguments = {"-c", folder_.write(id + ".yaml", configuration(i))},
        .environment = options_.environment,
        .net_space = made.space->descriptor(),
        .log_file = folder_.file(id + ".log")};
    made.process = std::make_unique<node_process>(std::move(launch));
  }
}

process_cluster::~process_cluster() {
  for (auto& each : parts_) each.process.reset();
  links_.clear();
  loop_.reset();
  origin_.reset();
  try {
    for (int i = 0; i <= size(); ++i) run_commands("ip link del weir" + std::to_string(i));
  } catch (const std::exception&) {  // goes with the namespace
  }
}

void process_cluster::build_network() {
  std::string commands =
      "ip link add weir0 type bridge && ip addr add " + own_address + "/16 dev weir0";
  for (int i = 1; i <= size(); ++i) commands += " && ip addr add " + stand_in(i) + "/16 dev weir0";
  for (const auto& each : client_addresses()) {
    commands += " && ip addr add " + each + "/16 dev weir0";
  }
  run_commands(commands + " && ip link set weir0 up");
  for (int i = 1; i <= size(); ++i) {
    auto& space = parts_[index(i)].space;
    space = std::make_unique<net_space>();
    const auto name = "weir" + std::to_string(i);
    run_commands(
        "ip link add " + name + " type veth peer name eth0 netns " + space->path() +
        " && ip link set " + name + " master weir0 up"
    );
    space->run("ip addr add " + address_of(i) + "/16 dev eth0 && ip link set eth0 up");
  }
}

void process_cluster::build_links() {
  loop_ = std::make_unique<proxy_loop>();
  for (int from = 1; from <= size(); ++from) {
    for (int to = 1; to <= size(); ++to) {
      if (from == to) continue;
      fault_proxy_options how{
          .target = address_of(to) + ":7420",
          .listen = stand_in(to) + ":0",
          .source = stand_in(from),
          .seed = options_.seed * 100 + static_cast<std::uint64_t>(from * 10 + to)};
      links_[{from, to}] = std::make_unique<fault_proxy>(loop_->io, std::move(how));
    }
  }
}

std::string process_cluster::configuration(int number) const {
  std::string peers;
  for (int i = 1; i <= size(); ++i) {
    if (i == number) continue;
    const auto known = links_.find({number, i});
    const auto address = known == links_.end() ? address_of(i) + ":7420" : known->second->address();
    peers += (peers.empty() ? "" : ", ") + ("\"n" + std::to_string(i)) + "=" + address + "\"";
  }
  const auto own = address_of(number);
  return "cluster: process-test\n"
         "node: {id: n" +
         std::to_string(number) + ", advertise: \"" + own +
         ":7420\", threads: 1}\n"
         "listen:\n"
         "  peer: {address: \"" +
         own +
         ":7420\", insecure: true}\n"
         "  http: {address: \"" +
         own +
         ":7421\", insecure: true}\n"
         "discovery: {static: {peers: [" +
         peers +
         "]}}\n"
         "keyspaces:\n" +
         replaced(options_.keyspaces, "{origin}", origin_->address());
}

std::string process_cluster::http_address(int number) const {
  return address_of(number) + ":7421";
}

std::vector<std::string> process_cluster::http_addresses() const {
  std::vector<std::string> out;
  for (int i = 1; i <= size(); ++i) out.push_back(http_address(i));
  return out;
}

std::string process_cluster::near_copies() {
  try {
    run_commands(WEIR_PROGRAM " config schema | grep -q '\"near\"'");
    return "near: {max_memory: 8MiB}, ";
  } catch (const std::exception&) {
    return {};
  }
}

std::vector<std::string> process_cluster::client_addresses() {
  std::vector<std::string> out;
  for (int i = 1; i <= 8; ++i) out.push_back("10.99.2." + std::to_string(i));
  return out;
}

void process_cluster::kill(int number) {
  parts_[index(number)].down.push_back({history_clock::now()});
  node(number).end_with(SIGKILL);
}

void process_cluster::drain(int number) {
  parts_[index(number)].down.push_back({history_clock::now()});
  node(number).end_with(SIGTERM);
}

void process_cluster::restart(int number) {
  node(number).start();
  eventually([&] { return !ask(number, "/livez").empty(); }, 20s);
  parts_[index(number)].down.back().end = history_clock::now();
}

void process_cluster::freeze(int number) {
  parts_[index(number)].down.push_back({history_clock::now()});
  node(number).freeze();
}

void process_cluster::thaw(int number) {
  node(number).send(SIGCONT);
  eventually([&] { return !ask(number, "/livez").empty(); }, 20s);
  parts_[index(number)].down.back().end = history_clock::now();
}

std::map<int, std::vector<time_span>> process_cluster::down() const {
  std::map<int, std::vector<time_span>> out;
  for (int i = 1; i <= size(); ++i) out[i] = parts_[index(i)].down;
  return out;
}

std::string process_cluster::address_towards(int other) const {
  return options_.via == links::proxied ? stand_in(other) : address_of(other);
}

void process_cluster::filter(int at, const std::string& rule) {
  parts_.at(index(at)).space->run("iptables -w " + rule);
}

void process_cluster::cut(int from, int to, cut_by how) {
  const auto source = address_towards(from);
  filter(
      to,
      how == cut_by::drop ? "-A INPUT -s " + source + " -j DROP"
                          : "-A INPUT -p tcp -s " + source + " -j REJECT --reject-with tcp-reset"
  );
}

void process_cluster::cut_both(int one, int other, cut_by how) {
  cut(one, other, how);
  cut(other, one, how);
}

void process_cluster::lose(int from, int to, double share) {
  filter(
      to,
      "-A INPUT -s " + address_towards(from) + " -m statistic --mode random --probability " +
          std::to_string(share) + " -j DROP"
  );
}

void process_cluster::narrow(int number, std::uint64_t bits_per_second) {
  const auto limit =
      " root tbf rate " + std::to_string(bits_per_second) + " burst 8kb latency 100ms";
  parts_.at(index(number)).space->run("tc qdisc replace dev eth0" + limit);
  run_commands("tc qdisc replace dev weir" + std::to_string(number) + limit);
}

void process_cluster::mend() {
  for (int i = 1; i <= size(); ++i) filter(i, "-F");
}

std::string process_cluster::ask(int number, const std::string& path) const {
  const auto answer = http_call(http_address(number), http_text("GET", path), 2s);
  return answer.status == 200 ? answer.body : std::string();
}

bool process_cluster::sees(int number, int reachable) const {
  const auto text = ask(number, "/cluster/members");
  return occurrences(text, "\"reachable\"") == static_cast<std::size_t>(reachable);
}

bool process_cluster::has_whole_ring(int number) const {
  const auto text = ask(number, "/cluster/ring");
  return occurrences(text, "\"slots\":") == static_cast<std::size_t>(size()) &&
         occurrences(text, "\"slots\":0") == 0;
}

bool process_cluster::is_old(int number) const {
  constexpr std::string_view sample = "\nprocess_start_time_seconds ";
  const auto text = ask(number, "/metrics");
  const auto at = text.find(sample);
  if (at == std::string::npos) return false;
  const std::chrono::duration<double> began(std::strtod(text.c_str() + at + sample.size(), nullptr)
  );
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return now - began > 3'200ms;
}

double process_cluster::answers_of_peers(int number) const {
  constexpr std::string_view family = "\nweir_peer_requests_total{";
  const auto text = ask(number, "/metrics");
  double sum = 0;
  for (auto at = text.find(family); at != std::string::npos; at = text.find(family, at + 1)) {
    const auto value = text.find("} ", at);
    const bool is_ok = text.substr(at, value - at).find("outcome=\"ok\"") != std::string::npos;
    if (is_ok) sum += std::strtod(text.c_str() + value + 2, nullptr);
  }
  return sum;
}

bool process_cluster::wait_until_whole(std::chrono::milliseconds limit) {
  const auto until = history_clock::now() + limit;
  const auto left = [&] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(until - history_clock::now());
  };
  for (int i = 1; i <= size(); ++i) {
    const auto is_whole = [&] { return sees(i, size()) && has_whole_ring(i) && is_old(i); };
    if (!eventually(is_whole, left())) return false;
  }
  // All are old enough to settle; two rounds of heartbeats later each knows it of the others.
  std::vector<double> before;
  for (int i = 1; i <= size(); ++i) before.push_back(answers_of_peers(i));
  for (int i = 1; i <= size(); ++i) {
    const auto enough = before.at(index(i)) + 2 * (size() - 1);
    if (!eventually([&] { return answers_of_peers(i) >= enough; }, left())) return false;
  }
  const auto at = options_.keyspaces.find("name: ") + 6;
  const auto keyspace =
      options_.keyspaces.substr(at, options_.keyspaces.find_first_of(",}", at) - at);
  for (int i = 1; i <= size(); ++i) {
    const auto path = "/v1/" + keyspace + "/probe" + std::to_string(++probe_);
    const auto is_well = [&] {
      const auto read = http_call(http_address(i), http_text("GET", path), 2s);
      if (read.field("Cache-Status").find("; hit") == std::string::npos) return false;
      return http_call(http_address(i), http_text("PURGE", path), 5s).status == 200;
    };
    if (!eventually(is_well, left())) return false;
  }
  return true;
}

std::string process_cluster::logs() const {
  std::string out;
  for (const auto& each : parts_) {
    const auto text = each.process->log();
    const auto from = text.size() > 3000 ? text.find('\n', text.size() - 3000) : 0;
    out += "-- " + each.process->id() + "\n" + text.substr(from == std::string::npos ? 0 : from) +
           "\n";
  }
  return out;
}

}  // namespace weir::test
