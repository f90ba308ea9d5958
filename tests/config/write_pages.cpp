#include <weir/config/print.hpp>

#include <fstream>
#include <iostream>

/// config_pages REFERENCE.md SCHEMA.json: writes both.
int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: config_pages REFERENCE.md SCHEMA.json\n";
    return 2;
  }
  std::ofstream page(argv[1]);
  std::ofstream schema(argv[2]);
  page << weir::config::reference_markdown();
  schema << weir::config::schema_json();
  page.close();
  schema.close();
  return page && schema ? 0 : 1;
}
