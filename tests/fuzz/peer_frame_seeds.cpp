// Writes one file per sample message into the directory given: where the fuzzer starts.

#include "tests/transport/peer/peer_samples.hpp"

#include <fstream>
#include <string>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  int number = 0;
  const auto write = [&](char phase, const std::string& stream) {
    if (stream.size() > 100'000) return;
    std::ofstream file(
        std::string(argv[1]) + "/sample" + std::to_string(number++), std::ios::binary
    );
    file << phase << '\0' << stream;
  };
  std::string greeting;
  weir::append_hello(greeting, {.who = {"fuzz", "n2", 7, 1, "10.0.0.2:7420"}});
  write(0, greeting);
  std::string goodbye;
  weir::append_refusal(goodbye, {weir::refusal_reason::other_cluster, "another cluster"});
  write(0, goodbye);
  for (const auto& request : weir::test::every_request()) write(1, weir::test::wire(request));
  for (const auto& reply : weir::test::every_reply()) write(2, weir::test::wire(reply));
}
