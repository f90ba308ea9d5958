#include <weir/config/load.hpp>

#include <gmock/gmock.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

namespace weir {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

const std::filesystem::path folder = std::filesystem::path(WEIR_SOURCE_DIR) / "deploy/kubernetes";

/// All objects of all manifests, by kind and name.
class KubernetesManifests : public testing::Test {
 protected:
  void SetUp() override {
    for (const auto& each : std::filesystem::directory_iterator(folder)) {
      ASSERT_EQ(each.path().extension(), ".yaml");
      for (const auto& object : YAML::LoadAllFromFile(each.path().string())) {
        const auto name =
            object["kind"].as<std::string>() + '/' + object["metadata"]["name"].as<std::string>();
        EXPECT_TRUE(object["apiVersion"]) << name;
        EXPECT_TRUE(objects_.emplace(name, object).second) << name;
      }
    }
  }

  YAML::Node object(const std::string& name) const {
    const auto found = objects_.find(name);
    EXPECT_NE(found, objects_.end()) << name;
    return found == objects_.end() ? YAML::Node() : found->second;
  }

  YAML::Node pod() const { return object("StatefulSet/weir")["spec"]["template"]["spec"]; }

  YAML::Node container() const { return pod()["containers"][0]; }

  config::settings settings() const {
    const auto text = object("ConfigMap/weir")["data"]["weir.yaml"].as<std::string>();
    config::outside world = config::process_outside();
    world.variable = [this](std::string_view name) -> std::optional<std::string> {
      for (const auto& each : container()["env"]) {
        if (each["name"].as<std::string>() != name) continue;
        return each["valueFrom"]["fieldRef"]["fieldPath"].as<std::string>() == "status.podIP"
                   ? "10.244.0.7"
                   : "weir-0";
      }
      return std::nullopt;
    };
    auto loaded = config::load_text("weir.yaml", text, {}, world);
    EXPECT_TRUE(loaded.settings && loaded.problems.empty())
        << config::format_problems(loaded.problems);
    return loaded.settings.value_or(config::settings());
  }

  static std::vector<std::string> texts(const YAML::Node& list) {
    std::vector<std::string> out;
    for (const auto& each : list) out.push_back(each.as<std::string>());
    return out;
  }

  std::map<std::string, YAML::Node> objects_;
};

TEST_F(KubernetesManifests, AreAllThere) {
  std::vector<std::string> names;
  for (const auto& [name, object] : objects_) names.push_back(name);
  EXPECT_THAT(
      names,
      UnorderedElementsAre(
          "ConfigMap/weir",
          "NetworkPolicy/weir",
          "PodDisruptionBudget/weir",
          "Role/weir-discovery",
          "RoleBinding/weir-discovery",
          "Service/weir",
          "Service/weir-peers",
          "ServiceAccount/weir",
          "StatefulSet/weir"
      )
  );
}

TEST_F(KubernetesManifests, TheConfigurationIsValid) {
  const auto given = settings();
  EXPECT_EQ(given.node.id, "weir-0");
  EXPECT_EQ(given.node.advertise, (config::address{"10.244.0.7", 7420}));
  ASSERT_TRUE(given.discovery.kubernetes);
  EXPECT_FALSE(given.discovery.kubernetes->api);
}

TEST_F(KubernetesManifests, TheConfigurationNamesTheServiceAndItsPort) {
  const auto given = settings();
  const auto service = object("Service/" + given.discovery.kubernetes->service)["spec"];
  EXPECT_EQ(service["ports"][0]["name"].as<std::string>(), given.discovery.kubernetes->port_name);
  EXPECT_EQ(service["ports"][0]["port"].as<int>(), given.listen.peer.address.port);
  EXPECT_EQ(container()["ports"][0]["containerPort"].as<int>(), given.listen.peer.address.port);
  EXPECT_EQ(container()["ports"][1]["containerPort"].as<int>(), given.listen.http.address.port);
}

TEST_F(KubernetesManifests, PodsAreNamedBeforeTheyAreReady) {
  const auto service = object("Service/weir-peers")["spec"];
  EXPECT_EQ(service["clusterIP"].as<std::string>(), "None");
  EXPECT_TRUE(service["publishNotReadyAddresses"].as<bool>());
  const auto set = object("StatefulSet/weir")["spec"];
  EXPECT_EQ(set["podManagementPolicy"].as<std::string>(), "Parallel");
  EXPECT_EQ(set["serviceName"].as<std::string>(), "weir-peers");
}

TEST_F(KubernetesManifests, EverySelectorFindsThePods) {
  const auto label = [](const YAML::Node& labels) {
    return labels["app.kubernetes.io/name"].as<std::string>();
  };
  const auto wanted = label(object("StatefulSet/weir")["spec"]["template"]["metadata"]["labels"]);
  EXPECT_EQ(label(object("StatefulSet/weir")["spec"]["selector"]["matchLabels"]), wanted);
  EXPECT_EQ(label(object("Service/weir")["spec"]["selector"]), wanted);
  EXPECT_EQ(label(object("Service/weir-peers")["spec"]["selector"]), wanted);
  EXPECT_EQ(label(object("PodDisruptionBudget/weir")["spec"]["selector"]["matchLabels"]), wanted);
  EXPECT_EQ(label(object("NetworkPolicy/weir")["spec"]["podSelector"]["matchLabels"]), wanted);
}

TEST_F(KubernetesManifests, TheAccountMayReadEndpointSlicesOnly) {
  const auto rules = object("Role/weir-discovery")["rules"];
  ASSERT_EQ(rules.size(), 1u);
  EXPECT_THAT(texts(rules[0]["apiGroups"]), ElementsAre("discovery.k8s.io"));
  EXPECT_THAT(texts(rules[0]["resources"]), ElementsAre("endpointslices"));
  EXPECT_THAT(texts(rules[0]["verbs"]), UnorderedElementsAre("list", "watch"));
  const auto binding = object("RoleBinding/weir-discovery");
  EXPECT_EQ(binding["roleRef"]["name"].as<std::string>(), "weir-discovery");
  EXPECT_EQ(binding["subjects"][0]["name"].as<std::string>(), "weir");
  EXPECT_EQ(pod()["serviceAccountName"].as<std::string>(), "weir");
  EXPECT_TRUE(pod()["automountServiceAccountToken"].as<bool>());
}

TEST_F(KubernetesManifests, OneNodeAtATimeLeaves) {
  EXPECT_EQ(object("PodDisruptionBudget/weir")["spec"]["maxUnavailable"].as<int>(), 1);
  const auto grace = pod()["terminationGracePeriodSeconds"].as<int>();
  EXPECT_GT(std::chrono::seconds(grace), settings().node.drain_timeout);
}

TEST_F(KubernetesManifests, ARolloutLeavesEachNodeTimeToSettle) {
  EXPECT_GE(object("StatefulSet/weir")["spec"]["minReadySeconds"].as<int>(), 10);
}

TEST_F(KubernetesManifests, ProbesAskTheNode) {
  const auto path = [this](const char* probe) {
    return container()[probe]["httpGet"]["path"].as<std::string>();
  };
  EXPECT_EQ(path("livenessProbe"), "/livez");
  EXPECT_EQ(path("readinessProbe"), "/readyz") << "a lost majority takes no pod out of service";
}

TEST_F(KubernetesManifests, PodsHaveNoRightsTheyDoNotNeed) {
  EXPECT_TRUE(pod()["securityContext"]["runAsNonRoot"].as<bool>());
  EXPECT_GT(pod()["securityContext"]["runAsUser"].as<int>(), 0);
  const auto own = container()["securityContext"];
  EXPECT_TRUE(own["readOnlyRootFilesystem"].as<bool>());
  EXPECT_FALSE(own["allowPrivilegeEscalation"].as<bool>());
  EXPECT_THAT(texts(own["capabilities"]["drop"]), ElementsAre("ALL"));
}

}  // namespace
}  // namespace weir
