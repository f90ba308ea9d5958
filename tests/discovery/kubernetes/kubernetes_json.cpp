#include "tests/discovery/kubernetes/kubernetes_json.hpp"

namespace weir::test {
namespace {

std::string quoted(const std::string& text) {
  return '"' + text + '"';
}

std::string truth(bool is_so) {
  return is_so ? "true" : "false";
}

std::string endpoint_json(const api_endpoint& each) {
  return R"({"addresses":[)" + quoted(each.address) + R"(],"conditions":{"ready":)" +
         truth(each.is_ready) + R"(,"serving":)" + truth(each.is_ready) + R"(,"terminating":)" +
         truth(each.is_terminating) + R"(},"hostname":)" + quoted(each.pod) +
         R"(,"targetRef":{"kind":"Pod","namespace":"demo","name":)" + quoted(each.pod) +
         R"(,"uid":"uid-of-)" + each.pod + R"("},"nodeName":"node-a","zone":"zone-a"})";
}

}  // namespace

std::string slice_json(const std::string& name, std::uint64_t version, const api_slice& slice) {
  std::string endpoints;
  for (const auto& each : slice.endpoints) {
    endpoints += (endpoints.empty() ? "" : ",") + endpoint_json(each);
  }
  const auto port = slice.port == 0
                        ? std::string("null")
                        : R"([{"name":)" + quoted(slice.port_name) +
                              R"(,"protocol":"TCP","port":)" + std::to_string(slice.port) + "}]";
  return R"({"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1","metadata":{"name":)" +
         quoted(name) +
         R"(,"generateName":"weir-peers-","namespace":"demo","uid":"0b1c","resourceVersion":")" +
         std::to_string(version) +
         R"(","generation":3,"labels":{"endpointslice.kubernetes.io/managed-by":)"
         R"("endpointslice-controller.k8s.io","kubernetes.io/service-name":)" +
         quoted(slice.service) +
         R"(,"service.kubernetes.io/headless":""},"managedFields":[{"manager":)"
         R"("kube-controller-manager","operation":"Update","fieldsV1":{"f:endpoints":{}}}]},)"
         R"("addressType":)" +
         quoted(slice.family) + R"(,"endpoints":[)" + endpoints + R"(],"ports":)" + port + "}";
}

std::string list_json(std::uint64_t version, const std::vector<std::string>& slices) {
  std::string items;
  for (const auto& each : slices) items += (items.empty() ? "" : ",") + each;
  return R"({"kind":"EndpointSliceList","apiVersion":"discovery.k8s.io/v1","metadata":)"
         R"({"resourceVersion":")" +
         std::to_string(version) + R"("},"items":[)" + items + "]}\n";
}

std::string event_json(const std::string& type, const std::string& object) {
  return R"({"type":)" + quoted(type) + R"(,"object":)" + object + "}";
}

std::string bookmark_json(std::uint64_t version) {
  return event_json(
      "BOOKMARK",
      R"({"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1","metadata":{)"
      R"("resourceVersion":")" +
          std::to_string(version) +
          R"(","creationTimestamp":null},"addressType":"","endpoints":null,"ports":null})"
  );
}

std::string status_json(unsigned code, const std::string& reason) {
  return R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":)"
         R"("as told","reason":)" +
         quoted(reason) + R"(,"code":)" + std::to_string(code) + "}";
}

}  // namespace weir::test
