// Writes streams of a NATS server into the directory given: where the fuzzer starts.

#include "discovery/nats/nats_presence.hpp"

#include <fstream>
#include <string>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  int number = 0;
  const auto write = [&](const std::string& stream) {
    std::ofstream file(
        std::string(argv[1]) + "/sample" + std::to_string(number++), std::ios::binary
    );
    file << '\0' << stream;
  };
  weir::nats_presence from{
      .cluster = "demo",
      .id = "n 1",
      .address = "[fd00::1]:7420",
      .incarnation = 7,
      .at = 1'700'000'000'000,
  };
  const auto here = weir::write_nats_presence(from, "");
  from.what = weir::nats_presence::kind::gone;
  const auto gone = weir::write_nats_presence(from, "correct horse battery");
  const std::string info =
      "INFO {\"server_id\":\"x\",\"max_payload\":1048576,\"tls_required\":true,"
      "\"tls_available\":false,\"connect_urls\":[\"10.0.0.1:4222\"]} \r\n";
  write(info + "+OK\r\nPONG\r\nPING\r\n-ERR 'Authorization Violation'\r\n");
  for (const auto& each : {here, gone, std::string(), std::string(600, 'x')}) {
    write("MSG a.b 1 " + std::to_string(each.size()) + "\r\n" + each + "\r\nPING\r\n");
  }
}
