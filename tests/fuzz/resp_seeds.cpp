// Writes streams of a Redis server into the directory given: where the fuzzer starts.

#include <fstream>
#include <string>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  int number = 0;
  const auto write = [&](const std::string& stream) {
    std::ofstream file(
        std::string(argv[1]) + "/sample" + std::to_string(number++), std::ios::binary
    );
    file << '\3' << stream;
  };
  write("%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n+OK\r\n");
  write("*3\r\n$1\r\na\r\n$-1\r\n$40\r\n0123456789012345678901234567890123456789\r\n:-2\r\n:-1\r\n"
  );
  write(
      ">2\r\n$10\r\ninvalidate\r\n*2\r\n$3\r\ns:a\r\n$3\r\ns:b\r\n>2\r\n$10\r\ninvalidate\r\n_\r\n+"
      "PONG\r\n"
  );
  write(
      "-ERR "
      "no\r\n!4\r\nE\r\nx\r\n=8\r\ntxt:So\r\n\r\n,1.5\r\n,nan\r\n#t\r\n("
      "349289032840923850932485\r\n"
  );
  write("|1\r\n+ttl\r\n:3\r\n~2\r\n:1\r\n*0\r\n*-1\r\n");
}
